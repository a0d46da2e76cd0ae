/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's side of enrolment. A request is checked here, certified by ca, and only then are token, device and
 * record stored, in one transaction. Meanwhile the token is held in memory, so that of many uses at once one goes on,
 * and a token whose certificate was refused is as good as before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/name.h"
#include "service/core_numbering.h"
#include "service/core_registry.h"
#include "service/core_state.h"

struct rn_admission {
	struct rn_admission *next;
	uint64_t session;
	struct rn_store_token token;
	struct rn_new_device device;
	uint8_t leaf[RN_BLOCK_MAX];
	size_t leaf_size;
};

static void refuse(struct rn_core *core, uint64_t session, int code, const char *why)
{
	struct rn_message message = {.type = RN_MESSAGE_ENROLLED,
				     .enrolled = {.status = (uint16_t)(code ? -code : EIO)}};
	snprintf(message.enrolled.text, sizeof(message.enrolled.text), "%s", why);
	if (rn_log_allowed(&core->strange, rn_core_now_ms(core), 1000))
		rn_log(RN_LOG_NOTICE, "an enrolment is refused: %s", why);
	rn_core_say(core, session, &message);
}

/* ---- the answer ---- */

static void welcome(struct rn_core *core, uint64_t session, const struct rn_device_record *device, const uint8_t *leaf,
		    size_t leaf_size)
{
	uint32_t hub = rn_kind_is_hub(device->kind) ? core->params.self.device : device->hub;
	const struct rn_ledger_entry *upstream = rn_ledger_device(core->books.ledger, hub);
	struct rn_message message = {.type = RN_MESSAGE_ENROLLED};
	struct rn_message_enrolled *m = &message.enrolled;
	if (!upstream) {
		refuse(core, session, -EIO, "the gateway has lost the record of this device's hub");
		return;
	}
	m->anchor = core->params.anchor_blob;
	m->anchor_size = RN_ANCHOR_SIZE;
	m->leaf = leaf;
	m->leaf_size = leaf_size;
	m->issuer = core->issuer;
	m->issuer_size = core->issuer_size;
	m->device = device->number;
	m->hub = device->hub;
	memcpy(m->upstream_key, upstream->record.noise_key, RN_KEY_SIZE);
	m->upstream = upstream->record.control;
	m->upstream_shared = rn_core_shared_port(&upstream->record);
	rn_core_say(core, session, &message);
}

/* ---- storing ---- */

/* The hub that it is to be attached to, or as a hub to be below, is there; and its own end has not come. */
static int check_place(struct rn_core *core, const struct rn_store_token *token, struct rn_err *err)
{
	const struct rn_ledger_entry *upstream = rn_ledger_device(core->books.ledger, token->hub);
	if (!upstream || rn_hub_gone(&upstream->record, rn_core_now(core)))
		return rn_fail(err, -EACCES,
			       "the %s that this token is for has been revoked or has ended: ask for a new token",
			       rn_kind_is_hub(token->kind) ? "parent" : "hub");
	if (token->ends && rn_core_now(core) >= token->ends)
		return rn_fail(err, -EACCES, "the project hub that this token is for has ended");
	return 0;
}

static int store(struct rn_core *core, struct rn_admission *a, const uint8_t *leaf, size_t leaf_size,
		 struct rn_device_record *ret, struct rn_err *err)
{
	struct rn_change change;
	int rc = check_place(core, &a->token, err); /* ca took its time */
	if (rc)
		return rc;
	rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_registry_add(&change, &a->device, ret);
	if (!rc)
		rc = rn_store_set_leaf(core->books.store, ret->number, leaf, leaf_size, err);
	if (!rc)
		rc = rn_store_use_token(core->books.store, a->token.id, ret->number, change.now, err);
	if (rc == -ENOENT)
		rn_fail(err, rc, "this token has been used or withdrawn: ask for a new one");
	if (!rc)
		rc = rn_change_audit(&change, ret->name, "enroll", ret->name, rn_kind_name(ret->kind));
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return rc;
}

static void forget(struct rn_core *core, struct rn_admission *a)
{
	struct rn_admission **at = &core->admissions;
	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	free(a);
}

static void admit(struct rn_core *core, void *context, bool late);

/* Its set of selectors is new: the hubs must know what its number means before they meet it. 0: it is tried again. */
static int wait_for_number(struct rn_core *core, struct rn_admission *a, struct rn_err *err)
{
	uint32_t number;
	int rc = rn_registry_hold(&core->books, &a->device, &number, err);
	if (rc)
		return rc;
	rc = rn_members_wait(core, number, admit, a);
	if (rc)
		rn_numbering_release(&core->books, number);
	return rc ? rn_fail(err, rc, "the gateway cannot admit anybody just now: try again") : 0;
}

/* When net has begun anew the number may be that of another's session; whoever has gone asks again. 0: it has gone. */
static uint64_t still_there(struct rn_core *core, const struct rn_admission *a)
{
	const struct rn_downstream *s = rn_downstream_find(core, a->session);
	return s && rn_equal(s->key, a->device.noise_key, RN_KEY_SIZE) ? s->session : 0;
}

static void turn_away(struct rn_core *core, struct rn_admission *a, int code, const char *why)
{
	refuse(core, still_there(core, a), code, why);
	forget(core, a);
}

static void let_in(struct rn_core *core, struct rn_admission *a, const struct rn_device_record *admitted)
{
	rn_log(RN_LOG_NOTICE, "%s has enrolled as device %u (%s)", admitted->name, admitted->number,
	       rn_kind_name(admitted->kind));
	/* First the hub hears of the device, then the device of its hub. */
	rn_core_publish(core);
	welcome(core, still_there(core, a), admitted, a->leaf, a->leaf_size);
	forget(core, a);
}

static void admit(struct rn_core *core, void *context, bool late)
{
	struct rn_admission *a = context;
	struct rn_device_record device;
	struct rn_err err = {""};
	int code = store(core, a, a->leaf, a->leaf_size, &device, &err);
	if (code == -EAGAIN && late) {
		code = rn_members_late(&err);
	} else if (code == -EAGAIN) {
		code = wait_for_number(core, a, &err);
		if (!code)
			return;
	}
	if (code)
		turn_away(core, a, code, err.text);
	else
		let_in(core, a, &device);
}

static void certified(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf,
		      size_t leaf_size)
{
	struct rn_admission *a = context;
	if (code) {
		turn_away(core, a, code, text);
		return;
	}
	if (!leaf || leaf_size > RN_BLOCK_MAX) {
		turn_away(core, a, -EIO, "the gateway's ca gave no certificate");
		return;
	}
	memcpy(a->leaf, leaf, leaf_size);
	a->leaf_size = leaf_size;
	admit(core, a, false);
}

/* ---- checking ---- */

/* The answer to the last attempt was lost: the same request gets the same answer. */
static bool again(struct rn_core *core, struct rn_downstream *session, const struct rn_message_enroll *m,
		  const struct rn_store_token *token)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, token->device);
	uint8_t leaf[RN_BLOCK_MAX];
	size_t size;
	if (!token->used_at || !entry || strcmp(entry->record.name, m->name) ||
	    (entry->record.flags & RN_DEVICE_REVOKED))
		return false;
	if (!rn_equal(entry->record.noise_key, session->key, RN_KEY_SIZE))
		return false;
	if (rn_store_leaf(core->books.store, entry->device, leaf, sizeof(leaf), &size, NULL))
		return false;
	welcome(core, session->session, &entry->record, leaf, size);
	return true;
}

static int check_signature(struct rn_downstream *session, const struct rn_message_enroll *m,
			   const struct rn_store_token *token, struct rn_err *err)
{
	uint8_t data[512];
	int size = rn_message_enroll_signed(m, data, sizeof(data));
	if (size < 0 || !rn_ed25519_verify(token->public, data, (size_t)size, m->signature))
		return rn_fail(err, -EACCES, "the request is not signed with the token's secret");
	if (!rn_equal(m->noise_key, session->key, RN_KEY_SIZE))
		return rn_fail(err, -EACCES, "the request is for another key than this session's");
	if (rn_is_zero(m->noise_key, RN_KEY_SIZE) || rn_is_zero(m->wireguard_key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "the request lacks a key");
	return 0;
}

static bool has_endpoint(const struct rn_endpoint *e)
{
	return e->port && rn_addr_is_host(&e->addr);
}

static int check_token(struct rn_core *core, const struct rn_message_enroll *m, const struct rn_store_token *token,
		       struct rn_err *err)
{
	if (token->used_at)
		return rn_fail(err, -EACCES, "this token has been used: ask for a new one");
	if (rn_core_now(core) >= token->expires)
		return rn_fail(err, -EACCES, "this token has expired: ask for a new one");
	if (m->role != token->kind)
		return rn_fail(err, -EACCES, "this token is for a %s device", rn_kind_name(token->kind));
	if (token->name[0] && strcmp(m->name, token->name))
		return rn_fail(err, -EACCES, "this token is for a device named %s", token->name);
	return 0;
}

static int check_device(struct rn_core *core, const struct rn_message_enroll *m, const struct rn_store_token *token,
			struct rn_err *err)
{
	bool hub = rn_kind_is_hub(m->role);
	int rc = check_place(core, token, err);
	if (rc)
		return rc;
	if (!rn_name_valid(m->name))
		return rn_fail(err, -EINVAL, "the device's name is no name: use a-z, 0-9, '.', '_' and '-'");
	if (rn_ledger_by_name(core->books.ledger, m->name))
		return rn_fail(err, -EEXIST, "a device named %s exists: choose another name", m->name);
	if (rn_ledger_by_noise_key(core->books.ledger, m->noise_key))
		return rn_fail(err, -EEXIST, "this key belongs to a device already: make new keys");
	if (hub && (!has_endpoint(&m->wireguard) || !has_endpoint(&m->control)))
		return rn_fail(
		    err, -EINVAL,
		    "a hub must say at which address, no loopback, link-local or multicast one, others reach it");
	return 0;
}

/* Who asked was cut off while ca or the hubs took their time, and asks for the same again: it is answered then. */
static bool goes_on(struct rn_core *core, struct rn_downstream *session, const struct rn_message_enroll *m)
{
	for (struct rn_admission *a = core->admissions; a; a = a->next) {
		if (a->token.id == m->token && !strcmp(a->device.name, m->name) &&
		    rn_equal(a->device.noise_key, m->noise_key, RN_KEY_SIZE)) {
			a->session = session->session;
			return true;
		}
	}
	return false;
}

static int check_pending(struct rn_core *core, const struct rn_message_enroll *m, struct rn_err *err)
{
	for (const struct rn_admission *a = core->admissions; a; a = a->next) {
		if (a->token.id == m->token)
			return rn_fail(err, -EBUSY, "this token is being used just now");
		if (!strcmp(a->device.name, m->name))
			return rn_fail(err, -EBUSY, "a device named %s is being enrolled just now", m->name);
	}
	return 0;
}

/* Who has no good signature learns nothing about tokens and names. */
static int check(struct rn_core *core, struct rn_downstream *session, const struct rn_message_enroll *m,
		 struct rn_store_token *token, bool *ret_again, struct rn_err *err)
{
	int rc = m->token > INT64_MAX ? -ENOENT : rn_store_token(core->books.store, m->token, token, err);
	if (rc == -ENOENT)
		return rn_fail(err, -EACCES, "the gateway does not know this token: ask for a new one");
	if (!rc)
		rc = check_signature(session, m, token, err);
	if (!rc && (*ret_again = again(core, session, m, token) || goes_on(core, session, m)))
		return 0;
	if (!rc)
		rc = check_token(core, m, token, err);
	if (!rc)
		rc = check_device(core, m, token, err);
	return rc ? rc : check_pending(core, m, err);
}

static void describe(const struct rn_message_enroll *m, const struct rn_store_token *token, struct rn_new_device *d,
		     const char *tags)
{
	*d = (struct rn_new_device){.kind = (enum rn_kind)m->role,
				    .owner = token->owner,
				    .hub = token->hub,
				    .home_count = token->home_count,
				    .trust = RN_TRUST_START,
				    .tags = tags};
	memcpy(d->homes, token->homes, sizeof(d->homes));
	snprintf(d->name, sizeof(d->name), "%s", m->name);
	snprintf(d->owner_name, sizeof(d->owner_name), "%s", token->owner_name);
	memcpy(d->noise_key, m->noise_key, RN_KEY_SIZE);
	memcpy(d->wireguard_key, m->wireguard_key, RN_KEY_SIZE);
	if (!rn_kind_is_hub(d->kind))
		return;
	d->home_count = 0;
	d->parent = token->hub;
	d->ends = (uint64_t)token->ends;
	d->wireguard = m->wireguard;
	d->control = m->control;
}

void rn_admission_enroll(struct rn_core *core, struct rn_downstream *session, const struct rn_message_enroll *m,
			 const uint8_t *raw, size_t raw_size)
{
	struct rn_local local = {.type = RN_LOCAL_CA_ISSUE, .block = raw, .block_size = raw_size};
	struct rn_err err = {"out of memory"};
	bool repeated = false;
	int rc = -ENOMEM;
	struct rn_admission *a = calloc(1, sizeof(*a));
	if (a)
		rc = check(core, session, m, &a->token, &repeated, &err);
	if (rc || repeated)
		goto out;
	a->session = session->session;
	memcpy(local.key, session->key, RN_KEY_SIZE);
	describe(m, &a->token, &a->device, a->token.tags);
	a->next = core->admissions;
	core->admissions = a;
	rc = rn_ask_ca(core, &local, certified, a, &err);
	if (!rc)
		return;
	core->admissions = a->next;
out:
	free(a);
	if (rc)
		refuse(core, session->session, rc, err.text);
}
