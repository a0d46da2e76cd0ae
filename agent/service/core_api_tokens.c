/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of programs: "rna1.ID.SECRET". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "domain/name.h"
#include "service/core_accounts.h"

#define PREFIX "rna1."
#define ID_SIZE 16
#define LIFETIME_MIN_S 3600
#define LIFETIME_MAX_S (365 * 86400)
#define TOUCH_S 60

struct listing {
	void (*each)(void *context, const struct rn_core_api_token *);
	void *context;
};

static void show(const struct rn_store_api_token *row, struct rn_core_api_token *ret)
{
	*ret = (struct rn_core_api_token){
	    .role = (enum rn_access)row->role, .created = row->created, .expires = row->expires, .used = row->used};
	snprintf(ret->id, sizeof(ret->id), "%.*s", ID_SIZE, row->id);
	snprintf(ret->name, sizeof(ret->name), "%s", row->name);
}

static void list_one(void *context, const struct rn_store_api_token *row)
{
	struct listing *listing = context;
	struct rn_core_api_token token;

	show(row, &token);
	listing->each(listing->context, &token);
}

int rn_core_api_tokens(struct rn_core *core, void (*each)(void *context, const struct rn_core_api_token *),
		       void *context, struct rn_err *err)
{
	struct listing listing = {each, context};
	int rc = rn_core_need_gateway(core, err);

	return rc ? rc : rn_store_api_tokens(core->books.store, list_one, &listing, err);
}

static int check(struct rn_core *core, const char *name, enum rn_access role, int64_t lifetime_s, struct rn_err *err)
{
	uint64_t count = 0;
	int rc = rn_core_need_gateway(core, err);

	if (rc)
		return rc;
	if (!rn_name_valid(name) || role < RN_ACCESS_VIEWER || role > RN_ACCESS_ADMIN)
		return rn_fail(err, -EINVAL, "a token needs a name (a-z, 0-9, '.', '_' and '-') and a role");
	if (lifetime_s < LIFETIME_MIN_S || lifetime_s > LIFETIME_MAX_S)
		return rn_fail(err, -EINVAL, "a token lives for an hour to a year");
	rc = rn_store_count_api_tokens(core->books.store, &count, err);
	if (!rc && count >= RN_API_TOKENS_MAX)
		return rn_fail(err, -ENOSPC, "there are %u tokens, which is all there can be: revoke one",
			       RN_API_TOKENS_MAX);
	return rc;
}

static int store(struct rn_core *core, const struct rn_store_api_token *row, struct rn_err *err)
{
	int rc = rn_store_begin(core->books.store, err);

	if (rc)
		return rc;
	rc = rn_store_add_api_token(core->books.store, row, err);
	if (rc == -EEXIST)
		rn_fail(err, rc, "a token named %s exists: choose another name, or revoke that one", row->name);
	if (!rc)
		rc = rn_core_audit(core, "api-token create", row->name, rn_access_name((enum rn_access)row->role), err);
	return rn_core_finish(core, rc, err);
}

int rn_core_api_token_create(struct rn_core *core, const char *name, enum rn_access role, int64_t lifetime_s,
			     struct rn_core_api_token *ret, char ret_token[RN_API_TOKEN_TEXT], struct rn_err *err)
{
	struct rn_store_api_token row = {.role = (unsigned)role, .created = rn_core_now(core)};
	char secret[RN_SECRET_TEXT];
	uint8_t id[ID_SIZE / 2];
	int rc = check(core, name, role, lifetime_s, err);

	if (rc)
		return rc;
	rn_random(id, sizeof(id));
	rn_hex(id, sizeof(id), row.id, sizeof(row.id));
	snprintf(row.name, sizeof(row.name), "%s", name);
	row.expires = row.created + lifetime_s;
	rn_secret_make(secret, row.hash);
	rc = store(core, &row, err);
	if (!rc) {
		show(&row, ret);
		snprintf(ret_token, RN_API_TOKEN_TEXT, PREFIX "%s.%s", row.id, secret);
	}
	rn_wipe(secret, sizeof(secret));
	return rc;
}

int rn_core_api_token_delete(struct rn_core *core, const char *id, struct rn_err *err)
{
	struct rn_store_api_token row;
	int rc = rn_core_need_gateway(core, err);

	if (!rc)
		rc = rn_store_begin(core->books.store, err);
	if (rc)
		return rc;
	rc = rn_store_api_token(core->books.store, id, &row, err);
	if (!rc)
		rc = rn_store_remove_api_token(core->books.store, id, err);
	if (rc == -ENOENT)
		rn_fail(err, rc, "no token has the id %.63s", id);
	if (!rc)
		rc = rn_core_audit(core, "api-token revoke", row.name, id, err);
	return rn_core_finish(core, rc, err);
}

/* The id and the hash of the secret. */
static int take_apart(const char *bearer, char ret_id[ID_SIZE + 1], uint8_t ret_hash[RN_SHA256_SIZE])
{
	const size_t head = sizeof(PREFIX) - 1;

	if (strncmp(bearer, PREFIX, head) != 0 || strnlen(bearer + head, ID_SIZE) != ID_SIZE ||
	    bearer[head + ID_SIZE] != '.')
		return -EACCES;
	memcpy(ret_id, bearer + head, ID_SIZE);
	ret_id[ID_SIZE] = '\0';
	return rn_secret_hash(bearer + head + ID_SIZE + 1, ret_hash);
}

int rn_api_tokens_authenticate(struct rn_core *core, const char *bearer, struct rn_principal *ret)
{
	int64_t now = rn_core_now(core);
	struct rn_store_api_token row;
	uint8_t hash[RN_SHA256_SIZE];
	char id[ID_SIZE + 1];

	if (take_apart(bearer, id, hash) || rn_store_api_token(core->books.store, id, &row, NULL) ||
	    !rn_equal(hash, row.hash, sizeof(hash)))
		return -EACCES;
	if (now >= row.expires || now < rn_moment_after(row.created, -RN_CLOCK_SLACK_S) || row.role > RN_ACCESS_ADMIN)
		return -EACCES;
	if (now >= rn_moment_after(row.used, TOUCH_S) || now < row.used)
		(void)rn_store_touch_api_token(core->books.store, id, now, NULL);
	*ret = (struct rn_principal){.access = (enum rn_access)row.role, .expires = row.expires};
	memcpy(ret->token, id, sizeof(id));
	snprintf(ret->name, sizeof(ret->name), "%s", row.name);
	snprintf(ret->actor, sizeof(ret->actor), "token %s", row.name);
	return 0;
}
