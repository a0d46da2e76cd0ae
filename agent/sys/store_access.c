/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/store_access.h"

#include <errno.h>
#include <string.h>

#include "sys/store_run.h"

/* Rows are found by the first bytes of a hash; the whole of it is compared in constant time. */
static int64_t hint(const uint8_t hash[RN_SHA256_SIZE])
{
	int64_t value;
	memcpy(&value, hash, sizeof(value));
	return value;
}

static int count(struct rn_store *store, enum statement which, uint64_t *ret, struct rn_err *err)
{
	int64_t value;
	int rc = rn_sql_number(store, which, &value, err, "");
	if (!rc)
		*ret = (uint64_t)value;
	return rc;
}

/* ---- accounts ---- */

static void read_account(sqlite3_stmt *st, struct rn_store_account *ret)
{
	*ret = (struct rn_store_account){
	    .number = (uint32_t)sqlite3_column_int64(st, 0),
	    .role = (unsigned)sqlite3_column_int64(st, 2),
	    .created = sqlite3_column_int64(st, 4),
	    .last_login = sqlite3_column_int64(st, 5),
	};
	rn_sql_text(st, 1, ret->name, sizeof(ret->name));
	rn_sql_text(st, 3, ret->password, sizeof(ret->password));
}

int rn_store_add_account(struct rn_store *store, struct rn_store_account *account, struct rn_err *err)
{
	int64_t number;
	int rc = rn_sql_number(store, ADD_ACCOUNT, &number, err, "titii", account->name, (int64_t)account->role,
			       account->password, account->created, account->last_login);
	if (!rc)
		account->number = (uint32_t)number;
	return rc;
}

int rn_store_account(struct rn_store *store, const char *name, struct rn_store_account *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	int rc = rn_sql_start(store, ACCOUNT, &st, err, "t", name);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	read_account(st, ret);
	rn_sql_end(st);
	return 0;
}

int rn_store_accounts(struct rn_store *store, void (*each)(void *context, const struct rn_store_account *),
		      void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	struct rn_store_account account;
	int rc = rn_sql_start(store, LIST_ACCOUNTS, &st, err, "");
	for (; rc == 1; rc = rn_sql_next(store, st, err)) {
		read_account(st, &account);
		each(context, &account);
	}
	rn_wipe(&account, sizeof(account));
	return rc;
}

int rn_store_set_account(struct rn_store *store, const struct rn_store_account *account, struct rn_err *err)
{
	return rn_sql_run(store, SET_ACCOUNT, err, "itii", (int64_t)account->role, account->password,
			  account->last_login, (int64_t)account->number);
}

int rn_store_remove_account(struct rn_store *store, uint32_t number, struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_ACCOUNT, err, "i", (int64_t)number);
}

int rn_store_count_accounts(struct rn_store *store, unsigned least_role, uint64_t *ret, struct rn_err *err)
{
	int64_t value;
	int rc = rn_sql_number(store, COUNT_ACCOUNTS, &value, err, "i", (int64_t)least_role);
	if (!rc)
		*ret = (uint64_t)value;
	return rc;
}

/* ---- links and sessions ---- */

static int put(struct rn_store *store, enum statement which, const struct rn_store_entry *entry, struct rn_err *err)
{
	if (which == PUT_LINK)
		return rn_sql_run(store, which, err, "biiii", (const void *)entry->hash, (size_t)RN_SHA256_SIZE,
				  entry->created, entry->until, hint(entry->hash), (int64_t)entry->account.number);
	return rn_sql_run(store, which, err, "biiii", (const void *)entry->hash, (size_t)RN_SHA256_SIZE,
			  (int64_t)entry->account.number, entry->created, entry->until, hint(entry->hash));
}

static int find(struct rn_store *store, enum statement which, const uint8_t hash[RN_SHA256_SIZE],
		struct rn_store_entry *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	struct rn_store_entry entry;
	int rc = rn_sql_start(store, which, &st, err, "i", hint(hash));
	if (rc != 1)
		return rc ? rc : -ENOENT;
	read_account(st, &entry.account);
	entry.created = sqlite3_column_int64(st, 7);
	entry.until = sqlite3_column_int64(st, 8);
	bool good = rn_sql_key(st, 6, entry.hash);
	rn_sql_end(st);
	if (!good)
		return rn_sql_damaged(err);
	if (!rn_equal(entry.hash, hash, RN_SHA256_SIZE))
		return -ENOENT;
	*ret = entry;
	return 0;
}

int rn_store_put_link(struct rn_store *store, const struct rn_store_entry *link, struct rn_err *err)
{
	return put(store, PUT_LINK, link, err);
}

int rn_store_link(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_store_entry *ret,
		  struct rn_err *err)
{
	return find(store, LINK, hash, ret, err);
}

int rn_store_remove_link(struct rn_store *store, uint32_t account, struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_LINK, err, "i", (int64_t)account);
}

int rn_store_add_session(struct rn_store *store, const struct rn_store_entry *session, struct rn_err *err)
{
	return put(store, ADD_SESSION, session, err);
}

int rn_store_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_store_entry *ret,
		     struct rn_err *err)
{
	return find(store, SESSION, hash, ret, err);
}

int rn_store_touch_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], int64_t now, struct rn_err *err)
{
	return rn_sql_run(store, TOUCH_SESSION, err, "ii", now, hint(hash));
}

int rn_store_remove_session(struct rn_store *store, const uint8_t hash[RN_SHA256_SIZE], struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_SESSION, err, "i", hint(hash));
}

int rn_store_remove_sessions(struct rn_store *store, uint32_t account, struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_SESSIONS, err, "i", (int64_t)account);
}

int rn_store_expire_sessions(struct rn_store *store, int64_t created, int64_t used, struct rn_err *err)
{
	return rn_sql_run(store, EXPIRE_SESSIONS, err, "ii", created, used);
}

int rn_store_trim_sessions(struct rn_store *store, uint32_t account, unsigned keep, struct rn_err *err)
{
	return rn_sql_run(store, TRIM_SESSIONS, err, "ii", (int64_t)account, (int64_t)keep);
}

int rn_store_count_sessions(struct rn_store *store, uint64_t *ret, struct rn_err *err)
{
	return count(store, COUNT_SESSIONS, ret, err);
}

/* ---- API tokens ---- */

static bool read_api_token(sqlite3_stmt *st, struct rn_store_api_token *ret)
{
	*ret = (struct rn_store_api_token){
	    .role = (unsigned)sqlite3_column_int64(st, 2),
	    .created = sqlite3_column_int64(st, 4),
	    .expires = sqlite3_column_int64(st, 5),
	    .used = sqlite3_column_int64(st, 6),
	};
	rn_sql_text(st, 0, ret->id, sizeof(ret->id));
	rn_sql_text(st, 1, ret->name, sizeof(ret->name));
	return rn_sql_key(st, 3, ret->hash);
}

int rn_store_add_api_token(struct rn_store *store, const struct rn_store_api_token *token, struct rn_err *err)
{
	return rn_sql_run(store, ADD_API_TOKEN, err, "ttibii", token->id, token->name, (int64_t)token->role,
			  (const void *)token->hash, (size_t)RN_SHA256_SIZE, token->created, token->expires);
}

int rn_store_api_token(struct rn_store *store, const char *id, struct rn_store_api_token *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	struct rn_store_api_token token;
	int rc = rn_sql_start(store, API_TOKEN, &st, err, "t", id);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	bool good = read_api_token(st, &token);
	rn_sql_end(st);
	if (!good)
		return rn_sql_damaged(err);
	*ret = token;
	return 0;
}

int rn_store_api_tokens(struct rn_store *store, void (*each)(void *context, const struct rn_store_api_token *),
			void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	struct rn_store_api_token token;
	int rc = rn_sql_start(store, LIST_API_TOKENS, &st, err, "");
	for (; rc == 1; rc = rn_sql_next(store, st, err))
		if (read_api_token(st, &token))
			each(context, &token);
	return rc;
}

int rn_store_touch_api_token(struct rn_store *store, const char *id, int64_t now, struct rn_err *err)
{
	return rn_sql_run(store, TOUCH_API_TOKEN, err, "it", now, id);
}

int rn_store_remove_api_token(struct rn_store *store, const char *id, struct rn_err *err)
{
	int64_t ignored;
	return rn_sql_number(store, REMOVE_API_TOKEN, &ignored, err, "t", id);
}

int rn_store_count_api_tokens(struct rn_store *store, uint64_t *ret, struct rn_err *err)
{
	return count(store, COUNT_API_TOKENS, ret, err);
}
