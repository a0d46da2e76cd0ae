/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment tokens: made here, their public halves kept by the store and by ca. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/name.h"
#include "domain/token.h"
#include "service/core_state.h"
#include "service/core_registry.h"

#define LIFETIME_MIN_S 60
#define LIFETIME_MAX_S (30 * 86400)
#define FORGET_AFTER_S (7 * 86400)

struct making {
	struct rn_core_token token;
	void (*done)(void *context, int code, const struct rn_err *err, const struct rn_core_token *);
	void *context;
};

static int check_end(const struct rn_core_token_request *r, int64_t now, struct rn_err *err)
{
	if (r->kind != RN_KIND_PROJECT)
		return r->ends ? rn_fail(err, -EINVAL, "only a project hub has an end") : 0;
	if (!r->ends)
		return rn_fail(err, -EINVAL, "a project hub needs an end: say when it is to go away");
	if (r->ends <= now || r->ends > (int64_t)RN_ENDS_MAX)
		return rn_fail(err, -EINVAL, "the end of a project hub must be in the future");
	return 0;
}

static int check(const struct rn_core_token_request *r, int64_t now, struct rn_err *err)
{
	if (!rn_kind_name(r->kind) || r->kind == RN_KIND_GATEWAY)
		return rn_fail(err, -EINVAL, "a token is for a desktop, mobile, server, iot device or a hub");
	if (r->name[0] && !rn_name_valid(r->name))
		return rn_fail(err, -EINVAL, "\"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'", r->name);
	if (r->owner[0] && !rn_name_valid(r->owner))
		return rn_fail(err, -EINVAL, "the owner \"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'",
			       r->owner);
	if (r->lifetime_s < LIFETIME_MIN_S || r->lifetime_s > LIFETIME_MAX_S)
		return rn_fail(err, -EINVAL, "a token lives for 60 seconds to 30 days");
	return check_end(r, now, err);
}

int rn_tokens_hub(struct rn_core *core, const char *name, uint32_t *ret, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	if (!name[0]) {
		*ret = core->params.self.device;
		return 0;
	}
	entry = rn_ledger_by_name(core->books.ledger, name);
	if (!entry)
		return rn_fail(err, -ENOENT, "no device is named %.63s: see `rnaut devices`", name);
	if (!rn_kind_is_hub(entry->record.kind) || rn_hub_gone(&entry->record, rn_core_now(core)))
		return rn_fail(err, -EINVAL, "%.63s is not a hub, is revoked, or has ended", name);
	*ret = entry->device;
	return 0;
}

/* A hub below a project would lose its parent when that ends. */
int rn_tokens_parent(struct rn_core *core, const char *name, uint32_t *ret, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	int rc = rn_tokens_hub(core, name, ret, err);
	if (rc)
		return rc;
	entry = rn_ledger_device(core->books.ledger, *ret);
	if (entry && entry->record.kind == RN_KIND_PROJECT)
		return rn_fail(err, -EINVAL, "%s is a project hub, which ends: choose another parent",
			       entry->record.name);
	return 0;
}

static int store(struct rn_core *core, const struct rn_core_token_request *r, struct rn_store_token *row,
		 struct rn_err *err)
{
	struct rn_store *s = core->books.store;
	char id[24];
	int rc = rn_store_begin(s, err);
	if (!rc && r->owner[0])
		rc = rn_store_user(s, r->owner, rn_core_now(core), &row->owner, err);
	if (!rc)
		rc = rn_store_expire_tokens(s, rn_core_now(core) - FORGET_AFTER_S, err);
	if (!rc)
		rc = rn_store_add_token(s, row, err);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id);
	if (!rc)
		rc = rn_store_audit(s, rn_core_now(core), rn_core_actor(core), "token create", r->name, id, err);
	if (!rc)
		return rn_store_commit(s, err);
	rn_store_rollback(s);
	return rc;
}

static int make_text(struct rn_core *core, struct rn_token *token, struct rn_core_token *ret, struct rn_err *err)
{
	const struct rn_device_record *self = rn_core_self(core);
	if (!self)
		return rn_fail(err, -EIO,
			       "the gateway's own record is missing: restore a backup of the state directory");
	token->gateway = self->control;
	token->gateway_shared = rn_core_shared_port(self);
	memcpy(token->gateway_key, self->noise_key, RN_KEY_SIZE);
	rn_sha256(core->params.anchor.root_public, RN_KEY_SIZE, token->fingerprint);
	ret->id = token->id;
	_Static_assert(sizeof(ret->token) >= RN_TOKEN_TEXT, "token text");
	rn_token_put(token, ret->token);
	return 0;
}

static void registered(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf,
		       size_t leaf_size)
{
	struct making *making = context;
	struct rn_err err = {""};
	(void)leaf;
	(void)leaf_size;
	if (code) {
		/* A token that ca does not know would only disappoint its holder. */
		(void)rn_store_remove_token(core->books.store, making->token.id, NULL);
		rn_fail(&err, code, "%s", text);
	}
	making->done(making->context, code, code ? &err : NULL, code ? NULL : &making->token);
	rn_wipe(making, sizeof(*making));
	free(making);
}

static int tell_ca(struct rn_core *core, const struct rn_store_token *row, struct making *making, struct rn_err *err)
{
	struct rn_local local = {
	    .type = RN_LOCAL_CA_TOKEN, .role = (uint8_t)row->kind, .token = row->id, .expires = (uint64_t)row->expires};
	memcpy(local.key2, row->public, RN_KEY_SIZE);
	snprintf(local.text, sizeof(local.text), "%s", row->name);
	int rc = rn_ask_ca(core, &local, registered, making, err);
	if (rc)
		(void)rn_store_remove_token(core->books.store, row->id, NULL);
	return rc;
}

/* A hub has a parent; another device one to four hubs. */
static int place(struct rn_core *core, const struct rn_core_token_request *r, struct rn_store_token *row,
		 struct rn_err *err)
{
	int rc;
	if (rn_kind_is_hub(r->kind) && r->fallback_count)
		return rn_fail(err, -EINVAL, "a hub has no fallback hubs");
	if (rn_kind_is_hub(r->kind))
		return rn_tokens_parent(core, r->hub, &row->hub, err);
	rc = rn_rehome_hubs(core, r->hub, r->fallbacks, r->fallback_count, row->homes, err);
	row->hub = row->homes[0];
	row->home_count = r->fallback_count ? r->fallback_count + 1 : 0;
	return rc;
}

static int make(struct rn_core *core, const struct rn_core_token_request *request, struct making *making,
		struct rn_err *err)
{
	struct rn_token token = {.kind = request->kind};
	struct rn_store_token row = {
	    .kind = request->kind, .expires = rn_core_now(core) + request->lifetime_s, .ends = request->ends};
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = check(request, rn_core_now(core), err);
	if (!rc)
		rc = place(core, request, &row, err);
	if (!rc)
		rc = rn_registry_join_tags(request->tags, request->tag_count, row.tags, sizeof(row.tags), err);
	if (!rc && request->name[0] && rn_ledger_by_name(core->books.ledger, request->name))
		rc = rn_fail(err, -EEXIST, "a device named %s exists: choose another name", request->name);
	if (rc)
		return rc;
	rn_random(&token.id, sizeof(token.id));
	token.id = (token.id & INT64_MAX) | 1;
	rn_random(token.seed, sizeof(token.seed));
	row.id = token.id;
	rn_ed25519_public(token.seed, row.public);
	snprintf(row.name, sizeof(row.name), "%s", request->name);
	snprintf(token.name, sizeof(token.name), "%s", request->name);
	making->token.expires = row.expires;
	rc = make_text(core, &token, &making->token, err);
	rn_wipe(&token, sizeof(token));
	if (!rc)
		rc = store(core, request, &row, err);
	return rc ? rc : tell_ca(core, &row, making, err);
}

void rn_core_token_create(struct rn_core *core, const struct rn_core_token_request *request,
			  void (*done)(void *context, int code, const struct rn_err *err, const struct rn_core_token *),
			  void *context)
{
	struct rn_err err = {"out of memory"};
	struct making *making = calloc(1, sizeof(*making));
	int rc = -ENOMEM;
	if (making) {
		making->done = done;
		making->context = context;
		rc = make(core, request, making, &err);
	}
	if (!rc)
		return;
	if (making)
		rn_wipe(making, sizeof(*making));
	free(making);
	done(context, rc, &err, NULL);
}

/* ---- what there is ---- */

struct listing {
	struct rn_core *core;
	void (*each)(void *context, const struct rn_core_token_info *);
	void *context;
};

static const char *name_of(struct rn_core *core, uint32_t device)
{
	const struct rn_ledger_entry *entry = device ? rn_ledger_device(core->books.ledger, device) : NULL;
	return entry ? entry->record.name : "";
}

static void list_one(void *context, const struct rn_store_token *row)
{
	struct listing *listing = context;
	struct rn_core_token_info info = {.id = row->id,
					  .kind = (enum rn_kind)row->kind,
					  .name = row->name,
					  .owner = row->owner_name,
					  .hub = name_of(listing->core, row->hub),
					  .device = name_of(listing->core, row->device),
					  .tags = row->tags,
					  .expires = row->expires,
					  .used = row->used_at,
					  .ends = row->ends,
					  .fallback_count = row->home_count ? row->home_count - 1 : 0};
	for (unsigned i = 0; i < info.fallback_count; i++)
		info.fallbacks[i] = name_of(listing->core, row->homes[i + 1]);
	listing->each(listing->context, &info);
}

int rn_core_tokens(struct rn_core *core, void (*each)(void *context, const struct rn_core_token_info *), void *context,
		   struct rn_err *err)
{
	struct listing listing = {core, each, context};
	int rc = rn_core_need_gateway(core, err);
	return rc ? rc : rn_store_tokens(core->books.store, list_one, &listing, err);
}

int rn_core_token_delete(struct rn_core *core, uint64_t id, struct rn_err *err)
{
	struct rn_store *s = core->books.store;
	char text[24];
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = rn_store_begin(s, err);
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	rc = rn_store_remove_token(s, id, err);
	if (rc == -ENOENT)
		rn_fail(err, rc, "no enrolment token has the id %s", text);
	if (!rc)
		rc = rn_store_audit(s, rn_core_now(core), rn_core_actor(core), "token delete", text, "", err);
	if (!rc)
		return rn_store_commit(s, err);
	rn_store_rollback(s);
	return rc;
}
