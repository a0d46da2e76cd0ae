/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/store_run.h"

#define STORE_BUSY_MS 2000

/* ---- opening ---- */

static int exec(struct rn_store *store, const char *constant_sql, struct rn_err *err)
{
	int rc = sqlite3_exec(store->db, constant_sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : rn_sql_fail(store, rc, err);
}

static int schema_version(struct rn_store *store, int *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &st, NULL);
	if (rc != SQLITE_OK)
		return rn_sql_fail(store, rc, err);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : rn_sql_fail(store, rc, err);
}

static int migrate(struct rn_store *store, struct rn_err *err)
{
	int version = 0;
	int rc = schema_version(store, &version, err);
	if (rc)
		return rc;
	if (version < 0 || version > STORE_SCHEMA)
		return rn_fail(err, -EPROTONOSUPPORT,
			       "the database core.db has format %d, this rnaut knows up to %d: install the newer rnaut",
			       version, STORE_SCHEMA);
	for (; version < STORE_SCHEMA && !rc; version++) {
		rc = exec(store, "BEGIN IMMEDIATE", err);
		if (!rc)
			rc = exec(store, rn_sql_migrations[version], err);
		if (!rc)
			rc = exec(store, "COMMIT", err);
		if (rc)
			(void)exec(store, "ROLLBACK", NULL);
	}
	return rc;
}

static int prepare(struct rn_store *store, struct rn_err *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		int rc = sqlite3_prepare_v3(store->db, rn_sql_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &store->statements[i], NULL);
		if (rc != SQLITE_OK)
			return rn_sql_fail(store, rc, err);
	}
	return 0;
}

/* SQLite makes its files with the mode of the database: so that is made here, before it. */
static int make_file(const char *path, bool create, struct rn_err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
	if (fd < 0 && errno == ENOENT)
		return rn_fail(err, -ENOENT, "the database %s is missing: restore a backup of the state directory",
			       path);
	if (fd < 0)
		return rn_fail(err, -errno, "the database %s cannot be opened: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int open_database(struct rn_store *store, const char *path, struct rn_err *err)
{
	int rc = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return rn_sql_fail(store, rc, err);
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_extended_result_codes(store->db, 1);
	rc = exec(store,
		  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		  "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 1048576",
		  err);
	if (!rc)
		rc = migrate(store, err);
	return rc ? rc : prepare(store, err);
}

int rn_store_open(const char *path, bool create, struct rn_store **ret, struct rn_err *err)
{
	int rc = make_file(path, create, err);
	if (rc)
		return rc;
	struct rn_store *store = calloc(1, sizeof(*store));
	if (!store)
		return rn_fail(err, -ENOMEM, "out of memory");
	rc = open_database(store, path, err);
	if (rc) {
		rn_store_close(store);
		return rc;
	}
	*ret = store;
	return 0;
}

void rn_store_close(struct rn_store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

int rn_store_begin(struct rn_store *store, struct rn_err *err)
{
	return rn_sql_run(store, BEGIN, err, "");
}

int rn_store_commit(struct rn_store *store, struct rn_err *err)
{
	int rc = rn_sql_run(store, COMMIT, err, "");
	if (rc)
		rn_store_rollback(store);
	return rc;
}

void rn_store_rollback(struct rn_store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		(void)rn_sql_run(store, ROLLBACK, NULL, "");
}

/* ---- meta ---- */

int rn_store_number(struct rn_store *store, const char *name, uint64_t *ret, struct rn_err *err)
{
	int64_t value;
	int rc = rn_sql_number(store, META, &value, err, "t", name);
	if (!rc)
		*ret = (uint64_t)value;
	return rc;
}

int rn_store_set_number(struct rn_store *store, const char *name, uint64_t value, struct rn_err *err)
{
	return rn_sql_run(store, SET_META, err, "ti", name, (int64_t)value);
}

int rn_store_next(struct rn_store *store, const char *name, uint64_t *ret, struct rn_err *err)
{
	int64_t value;
	int rc = rn_sql_run(store, ADD_META, err, "t", name);
	if (!rc)
		rc = rn_sql_number(store, NEXT, &value, err, "t", name);
	if (!rc)
		*ret = (uint64_t)value;
	return rc;
}

/* Copies the first column of the row and ends the statement. */
static int take_blob(sqlite3_stmt *st, void *out, size_t out_size, size_t *ret_size, struct rn_err *err)
{
	const void *blob = sqlite3_column_blob(st, 0);
	size_t size = (size_t)sqlite3_column_bytes(st, 0);
	int rc = size > out_size ? rn_sql_damaged(err) : 0;
	if (!rc && blob)
		memcpy(out, blob, size);
	if (!rc)
		*ret_size = size;
	rn_sql_end(st);
	return rc;
}

int rn_store_blob(struct rn_store *store, const char *name, void *out, size_t out_size, size_t *ret_size,
		  struct rn_err *err)
{
	sqlite3_stmt *st;
	int rc = rn_sql_start(store, META, &st, err, "t", name);
	return rc == 1 ? take_blob(st, out, out_size, ret_size, err) : rc ? rc : -ENOENT;
}

int rn_store_set_blob(struct rn_store *store, const char *name, const void *data, size_t size, struct rn_err *err)
{
	return rn_sql_run(store, SET_META, err, "tb", name, data, size);
}

/* ---- selectors, users ---- */

static int take_u32(int rc, int64_t value, uint32_t *ret)
{
	if (!rc)
		*ret = (uint32_t)value;
	return rc;
}

int rn_store_selector(struct rn_store *store, const char *text, uint32_t *ret, struct rn_err *err)
{
	int64_t value = 0;
	int rc = rn_sql_number(store, SELECTOR, &value, err, "t", text);
	return take_u32(rc, value, ret);
}

int rn_store_add_selector(struct rn_store *store, const char *text, uint32_t *ret, struct rn_err *err)
{
	int64_t value = 0;
	int rc = rn_sql_number(store, ADD_SELECTOR, &value, err, "t", text);
	return take_u32(rc, value, ret);
}

int rn_store_selectors(struct rn_store *store, void (*each)(void *context, uint32_t number, const char *text),
		       void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = rn_sql_start(store, SELECTORS, &st, err, "");
	for (; rc == 1; rc = rn_sql_next(store, st, err))
		each(context, (uint32_t)sqlite3_column_int64(st, 0), (const char *)sqlite3_column_text(st, 1));
	return rc;
}

int rn_store_user(struct rn_store *store, const char *name, int64_t now, uint32_t *ret, struct rn_err *err)
{
	int64_t value = 0;
	int rc = rn_sql_number(store, USER, &value, err, "ti", name, now);
	return take_u32(rc, value, ret);
}

/* ---- devices ---- */

static const void *key_or_null(const uint8_t key[RN_KEY_SIZE])
{
	return rn_is_zero(key, RN_KEY_SIZE) ? NULL : key;
}

int rn_store_add_device(struct rn_store *store, const struct rn_store_device *d, const char **ret_clash,
			struct rn_err *err)
{
	int rc = rn_sql_run(store, ADD_DEVICE, err, "itnni", (int64_t)d->number, d->name, key_or_null(d->noise_key),
			    (size_t)RN_KEY_SIZE, key_or_null(d->wireguard_key), (size_t)RN_KEY_SIZE, d->created);
	if (rc == -EEXIST) {
		const char *text = sqlite3_errmsg(store->db);
		*ret_clash = strstr(text, "devices.name")	     ? "name"
			     : strstr(text, "devices.noise_key")     ? "control key"
			     : strstr(text, "devices.wireguard_key") ? "WireGuard key"
								     : "number";
	}
	return rc;
}

int rn_store_device(struct rn_store *store, uint32_t number, struct rn_store_device *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	int rc = rn_sql_start(store, DEVICE, &st, err, "i", (int64_t)number);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	struct rn_store_device d = {
	    .number = (uint32_t)sqlite3_column_int64(st, 0),
	    .created = sqlite3_column_int64(st, 4),
	    .sequence = (uint64_t)sqlite3_column_int64(st, 5),
	};
	rn_sql_text(st, 1, d.name, sizeof(d.name));
	bool good = rn_sql_key(st, 2, d.noise_key) && rn_sql_key(st, 3, d.wireguard_key);
	rn_sql_end(st);
	if (!good)
		return rn_sql_damaged(err);
	*ret = d;
	return 0;
}

int rn_store_set_wireguard_key(struct rn_store *store, uint32_t number, const uint8_t key[RN_KEY_SIZE],
			       struct rn_err *err)
{
	return rn_sql_run(store, SET_WIREGUARD_KEY, err, "bi", (const void *)key, (size_t)RN_KEY_SIZE, (int64_t)number);
}

int rn_store_rise_sequence(struct rn_store *store, uint32_t number, uint64_t sequence, struct rn_err *err)
{
	int64_t ignored;
	if (sequence > INT64_MAX)
		return -ENOENT;
	return rn_sql_number(store, RISE_SEQUENCE, &ignored, err, "ii", (int64_t)sequence, (int64_t)number);
}

int rn_store_set_leaf(struct rn_store *store, uint32_t number, const void *leaf, size_t size, struct rn_err *err)
{
	return rn_sql_run(store, SET_LEAF, err, "bi", leaf, size, (int64_t)number);
}

int rn_store_leaf(struct rn_store *store, uint32_t number, void *out, size_t out_size, size_t *ret_size,
		  struct rn_err *err)
{
	sqlite3_stmt *st;
	int rc = rn_sql_start(store, LEAF, &st, err, "i", (int64_t)number);
	return rc == 1 ? take_blob(st, out, out_size, ret_size, err) : rc ? rc : -ENOENT;
}

int rn_store_add_tag(struct rn_store *store, uint32_t number, const char *tag, struct rn_err *err)
{
	return rn_sql_run(store, ADD_TAG, err, "it", (int64_t)number, tag);
}

int rn_store_tags(struct rn_store *store, uint32_t number, int (*each)(void *context, const char *tag), void *context,
		  struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	char tag[RN_STORE_NAME];
	int rc = rn_sql_start(store, TAGS, &st, err, "i", (int64_t)number);
	if (rc != 1)
		return rc;
	int step = SQLITE_ROW;
	int stop = 0;
	while (step == SQLITE_ROW && !stop) {
		rn_sql_text(st, 0, tag, sizeof(tag));
		stop = each(context, tag);
		step = sqlite3_step(st);
	}
	if (!stop && step != SQLITE_DONE)
		stop = rn_sql_fail(store, step, err);
	rn_sql_end(st);
	return stop;
}

/* ---- tokens ---- */

int rn_store_add_token(struct rn_store *store, const struct rn_store_token *t, struct rn_err *err)
{
	return rn_sql_run(store, ADD_TOKEN, err, "ibitiitiib", (int64_t)t->id, (const void *)t->public,
			  (size_t)RN_KEY_SIZE, (int64_t)t->kind, t->name, (int64_t)t->owner, (int64_t)t->hub, t->tags,
			  t->expires, t->ends, (const void *)t->homes, t->home_count * sizeof(*t->homes));
}

static bool read_homes(sqlite3_stmt *st, int column, struct rn_store_token *ret)
{
	const void *blob = sqlite3_column_blob(st, column);
	int size = sqlite3_column_bytes(st, column);
	if (size < 0 || (size_t)size > sizeof(ret->homes) || (size_t)size % sizeof(*ret->homes))
		return false;
	if (blob)
		memcpy(ret->homes, blob, (size_t)size);
	ret->home_count = (uint32_t)((size_t)size / sizeof(*ret->homes));
	return true;
}

static bool read_token(sqlite3_stmt *st, struct rn_store_token *ret)
{
	*ret = (struct rn_store_token){
	    .id = (uint64_t)sqlite3_column_int64(st, 0),
	    .kind = (unsigned)sqlite3_column_int64(st, 2),
	    .owner = (uint32_t)sqlite3_column_int64(st, 4),
	    .hub = (uint32_t)sqlite3_column_int64(st, 6),
	    .expires = sqlite3_column_int64(st, 8),
	    .used_at = sqlite3_column_int64(st, 9),
	    .device = (uint32_t)sqlite3_column_int64(st, 10),
	    .ends = sqlite3_column_int64(st, 11),
	};
	rn_sql_text(st, 3, ret->name, sizeof(ret->name));
	rn_sql_text(st, 5, ret->owner_name, sizeof(ret->owner_name));
	rn_sql_text(st, 7, ret->tags, sizeof(ret->tags));
	return rn_sql_key(st, 1, ret->public) && read_homes(st, 12, ret);
}

int rn_store_token(struct rn_store *store, uint64_t id, struct rn_store_token *ret, struct rn_err *err)
{
	sqlite3_stmt *st;
	struct rn_store_token t;
	int rc = rn_sql_start(store, TOKEN, &st, err, "i", (int64_t)id);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	bool good = read_token(st, &t);
	rn_sql_end(st);
	if (!good)
		return rn_sql_damaged(err);
	*ret = t;
	return 0;
}

int rn_store_tokens(struct rn_store *store, void (*each)(void *context, const struct rn_store_token *), void *context,
		    struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	struct rn_store_token t;
	int rc = rn_sql_start(store, LIST_TOKENS, &st, err, "");
	for (; rc == 1; rc = rn_sql_next(store, st, err)) {
		if (!read_token(st, &t)) {
			rn_sql_end(st);
			return rn_sql_damaged(err);
		}
		each(context, &t);
	}
	return rc;
}

int rn_store_use_token(struct rn_store *store, uint64_t id, uint32_t device, int64_t now, struct rn_err *err)
{
	int64_t ignored;
	return rn_sql_number(store, USE_TOKEN, &ignored, err, "iii", now, (int64_t)device, (int64_t)id);
}

int rn_store_remove_token(struct rn_store *store, uint64_t id, struct rn_err *err)
{
	int64_t ignored;
	return rn_sql_number(store, REMOVE_TOKEN, &ignored, err, "i", (int64_t)id);
}

int rn_store_expire_tokens(struct rn_store *store, int64_t before, struct rn_err *err)
{
	return rn_sql_run(store, EXPIRE_TOKENS, err, "i", before);
}

/* ---- audit ---- */

int rn_store_audit(struct rn_store *store, int64_t now, const char *actor, const char *what, const char *object,
		   const char *detail, struct rn_err *err)
{
	int rc = rn_sql_run(store, AUDIT, err, "itttt", now, actor, what, object, detail);
	int64_t newest = sqlite3_last_insert_rowid(store->db);
	if (!rc && newest % 1024 == 0)
		rc = rn_sql_run(store, PRUNE_AUDIT, err, "i", newest - RN_STORE_AUDIT_MAX);
	return rc;
}

int rn_store_audits(struct rn_store *store, uint64_t after, unsigned max,
		    void (*each)(void *context, const struct rn_store_audit *), void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t from = after > INT64_MAX ? INT64_MAX : (int64_t)after;
	int rc = rn_sql_start(store, LIST_AUDIT, &st, err, "ii", from, (int64_t)max);
	for (; rc == 1; rc = rn_sql_next(store, st, err))
		each(context, &(struct rn_store_audit){
				  .number = (uint64_t)sqlite3_column_int64(st, 0),
				  .time = sqlite3_column_int64(st, 1),
				  .actor = (const char *)sqlite3_column_text(st, 2),
				  .what = (const char *)sqlite3_column_text(st, 3),
				  .object = (const char *)sqlite3_column_text(st, 4),
				  .detail = (const char *)sqlite3_column_text(st, 5),
			      });
	return rc;
}

int rn_store_newest_audit(struct rn_store *store, uint64_t *ret, struct rn_err *err)
{
	int64_t value;
	int rc = rn_sql_number(store, NEWEST_AUDIT, &value, err, "");
	if (!rc)
		*ret = (uint64_t)value;
	return rc;
}
