/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed requests: only the gateway's core reads them, only the device can have made them, whoever carries them. This
 * file has both ends: what the gateway does with one, and when this device makes one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "service/core_refusals.h"
#include "service/core_state.h"

#define PLAIN_MIN (1 + 8)
#define PLAIN_MAX (PLAIN_MIN + RN_KEY_SIZE + 2)
#define ANSWER_WAIT_MS 10000
#define RENEW_EVERY_S 86400
#define KEY_EVERY_MS 60000
#define HOME_EVERY_MS 10000
#define REFUSED_EVERY_MS (3600 * 1000) /* said again, since the gateway keeps it in memory */
#define REFUSED_SPREAD_MS 60000	       /* so that not all who cannot take a policy say so at once */
/* Of one device: each is a change that is stored, signed and sent to all who must know. */
#define REQUEST_COSTS_S 15
#define REQUESTS_AT_ONCE 4

/* ---- the gateway's end ---- */

static void answer(struct rn_core *core, uint64_t session, uint32_t device, uint32_t id, int code, const char *text,
		   const uint8_t *body, size_t size)
{
	struct rn_message message = {
	    .type = RN_MESSAGE_ANSWER,
	    .answer = {.device = device, .id = id, .status = (uint16_t)-code, .body = body, .body_size = size}};
	snprintf(message.answer.text, sizeof(message.answer.text), "%s", text);
	rn_core_say(core, session, &message);
}

struct renewing {
	uint64_t session;
	uint32_t device, id;
};

static void renewed(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf, size_t size)
{
	struct renewing *r = context;
	struct rn_err err = {""};
	if (!code && (!leaf || size > RN_BLOCK_MAX))
		code = rn_fail(&err, -EIO, "the gateway's ca gave no certificate");
	else if (code)
		rn_fail(&err, code, "%s", text);
	else
		code = rn_store_set_leaf(core->books.store, r->device, leaf, size, &err);
	/* When net has begun anew, the number may be that of another's session. */
	struct rn_downstream *s = rn_downstream_find(core, r->session);
	if (s && rn_downstream_speaks_for(s, r->device))
		answer(core, r->session, r->device, r->id, code, err.text, code ? NULL : leaf, code ? 0 : size);
	free(r);
}

static int renew(struct rn_core *core, const struct rn_device_record *device, uint64_t session, uint32_t id,
		 struct rn_err *err)
{
	uint8_t leaf[RN_BLOCK_MAX];
	struct rn_local local = {.type = RN_LOCAL_CA_RENEW, .block = leaf};
	struct renewing *r;
	int rc = rn_store_leaf(core->books.store, device->number, leaf, sizeof(leaf), &local.block_size, err);
	if (rc)
		return rc == -ENOENT ? rn_fail(err, rc, "this device has no certificate: enrol it again") : rc;
	r = calloc(1, sizeof(*r));
	if (!r)
		return rn_fail(err, -ENOMEM, "out of memory");
	*r = (struct renewing){session, device->number, id};
	memcpy(local.key, device->noise_key, RN_KEY_SIZE);
	rc = rn_ask_ca(core, &local, renewed, r, err);
	if (rc)
		free(r);
	return rc;
}

/* When the device's share of requests is whole again, Unix seconds. */
static uint32_t share_whole_at(struct rn_core *core, uint32_t device)
{
	uint32_t at = rn_numbers_get(core->requests, device), now = (uint32_t)rn_core_now(core);
	/* Later than it can be: the clock was set back. */
	return at < now || at > now + REQUEST_COSTS_S * REQUESTS_AT_ONCE ? now : at;
}

/* What costs us work is counted, so nobody can use up the device's share by repeating what it said. */
static int take_sequence(struct rn_core *core, uint32_t device, uint64_t sequence, struct rn_err *err)
{
	uint32_t at = share_whole_at(core, device);
	if (at + REQUEST_COSTS_S > (uint32_t)rn_core_now(core) + REQUEST_COSTS_S * REQUESTS_AT_ONCE)
		return rn_fail(err, -EAGAIN, "this device asks too often: again in a minute");
	int rc = rn_store_rise_sequence(core->books.store, device, sequence, err);
	if (rc == -ENOENT)
		return rn_fail(err, -EALREADY, "this request was made before a later one: make it again");
	return rc ? rc : rn_numbers_set(core->requests, device, at + REQUEST_COSTS_S);
}

/* 0, or 1 where the answer comes later. */
static int obey(struct rn_core *core, const struct rn_device_record *device, uint64_t session, uint32_t id,
		struct rn_reader *r, struct rn_err *err)
{
	uint8_t what = rn_read_u8(r), key[RN_KEY_SIZE];
	uint64_t sequence = rn_read_u64(r);
	uint16_t port = 0;
	uint32_t hub = 0;
	uint64_t moved = 0, refused = 0;
	if (what == RN_REQUEST_WIREGUARD_KEY || what == RN_REQUEST_MESH)
		rn_read_bytes(r, key, sizeof(key));
	if (what == RN_REQUEST_MESH)
		port = rn_read_u16(r);
	if (what == RN_REQUEST_HOME) {
		hub = rn_read_u32(r);
		moved = rn_read_u64(r);
	}
	if (what == RN_REQUEST_REFUSED)
		refused = rn_read_u64(r);
	if (!rn_reader_done(r) || what < RN_REQUEST_WIREGUARD_KEY || what > RN_REQUEST_REFUSED)
		return rn_fail(err, -EBADMSG,
			       "the gateway does not understand this request: install the same rnaut on both");
	int rc = take_sequence(core, device->number, sequence, err);
	if (rc)
		return rc;
	if (what == RN_REQUEST_WIREGUARD_KEY)
		return rn_devices_set_key(core, device, key, err);
	if (what == RN_REQUEST_MESH)
		return rn_hubs_set_mesh(core, device, key, port, err);
	if (what == RN_REQUEST_HOME)
		return rn_rehome_request(core, device, hub, moved, err);
	if (what == RN_REQUEST_REFUSED)
		return rn_refusals_note(core, device->number, refused);
	rc = renew(core, device, session, id, err);
	return rc ? rc : 1;
}

void rn_request_handle(struct rn_core *core, struct rn_downstream *from, const struct rn_message *message)
{
	const struct rn_message_request *m = &message->request;
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, m->device);
	uint8_t plain[PLAIN_MAX];
	uint64_t session = from->session;
	struct rn_err err = {""};
	if (!entry || !(entry->record.flags & RN_DEVICE_MANAGED) || (entry->record.flags & RN_DEVICE_REVOKED))
		return;
	if (m->sealed_size < PLAIN_MIN + RN_SEAL_OVERHEAD || m->sealed_size > sizeof(plain) + RN_SEAL_OVERHEAD ||
	    rn_box_open(entry->record.noise_key, core->box_secret, m->sealed, m->sealed_size, plain)) {
		answer(core, session, m->device, m->id, -EBADMSG, "the request was not sealed by this device", NULL, 0);
		return;
	}
	struct rn_reader r = rn_reader(plain, m->sealed_size - RN_SEAL_OVERHEAD);
	uint32_t device = m->device, id = m->id;
	int rc = obey(core, &entry->record, session, id, &r, &err);
	if (rc <= 0)
		answer(core, session, device, id, rc, err.text, NULL, 0);
}

/* ---- the device's end ---- */

/* Rises even where the clock falls, and even where the database was lost. */
uint64_t rn_request_sequence(struct rn_core *core)
{
	uint64_t last = 0, now = (uint64_t)rn_core_now(core) * 1000;
	(void)rn_store_number(core->books.store, "sequence", &last, NULL);
	last = last < now ? now : last + 1;
	(void)rn_store_set_number(core->books.store, "sequence", last, NULL);
	return last;
}

static int begin(struct rn_core *core, enum rn_request_type what)
{
	uint8_t plain[PLAIN_MAX];
	struct rn_writer w = rn_writer(plain, sizeof(plain));
	struct rn_local local = {.type = RN_LOCAL_NET_SEAL, .number = ++core->next_id, .block = plain};
	rn_write_u8(&w, (uint8_t)what);
	rn_write_u64(&w, rn_request_sequence(core));
	if (what == RN_REQUEST_WIREGUARD_KEY)
		rn_write_bytes(&w, core->kern.wireguard_key, RN_KEY_SIZE);
	if (what == RN_REQUEST_MESH) {
		rn_write_bytes(&w, core->kern.mesh_key, RN_KEY_SIZE);
		rn_write_u16(&w, core->kern.mesh_port);
	}
	if (what == RN_REQUEST_HOME) {
		rn_write_u32(&w, rn_home_hub(core));
		rn_write_u64(&w, core->home.moved);
	}
	if (what == RN_REQUEST_REFUSED)
		rn_write_u64(&w, core->own.refused);
	local.block_size = w.at;
	memcpy(local.key, core->params.anchor.box_public, RN_KEY_SIZE);
	if (rn_core_send(core, RN_CORE_NET, &local))
		return -EAGAIN;
	core->own.what = what;
	core->own.id = local.number;
	core->own.until = rn_core_now_ms(core) + ANSWER_WAIT_MS;
	return 0;
}

void rn_request_sealed(struct rn_core *core, const struct rn_local *local)
{
	struct rn_message message = {.type = RN_MESSAGE_REQUEST,
				     .request = {.device = core->params.self.device,
						 .id = local->number,
						 .sealed = local->block,
						 .sealed_size = local->block_size}};
	if (core->own.until && local->number == core->own.id && local->block_size <= RN_BLOCK_MAX)
		rn_upstream_say(core, &message);
}

bool rn_request_answered(struct rn_core *core, const struct rn_message_answer *m)
{
	struct rn_local local = {.type = RN_LOCAL_NET_LEAF, .block = m->body, .block_size = m->body_size};
	if (!core->own.until || m->id != core->own.id)
		return false;
	core->own.until = 0;
	if (m->status)
		rn_log(RN_LOG_WARNING, "the gateway refused a request of this device: %s", m->text);
	else if (core->own.what == RN_REQUEST_RENEW && m->body_size)
		rn_core_send(core, RN_CORE_NET, &local);
	if (m->status || core->own.what != RN_REQUEST_RENEW)
		return true;
	rn_log(RN_LOG_INFO, "the certificate has been renewed");
	core->own.renew_at = rn_core_now(core) + RENEW_EVERY_S;
	if (rn_store_set_number(core->books.store, "renew_at", (uint64_t)core->own.renew_at, NULL))
		rn_log(RN_LOG_WARNING, "the time of the next renewal could not be stored");
	return true;
}

void rn_request_lost(struct rn_core *core)
{
	if (!core->own.until)
		return;
	core->own.until = 0;
	switch (core->own.what) {
	case RN_REQUEST_WIREGUARD_KEY:
		core->own.key_at = 0;
		break;
	case RN_REQUEST_MESH:
		core->own.mesh_at = 0;
		break;
	case RN_REQUEST_HOME:
		core->own.home_at = 0;
		break;
	case RN_REQUEST_REFUSED:
		core->own.refused_at = 0;
		break;
	case RN_REQUEST_RENEW: /* in an hour: the certificate is good for days */
		break;
	}
}

/* When to renew is remembered, so that restarts neither hurry nor forget it; the first is a day after enrolment. */
void rn_request_plan(struct rn_core *core)
{
	uint64_t at;
	if (core->own.renew_at)
		return;
	if (rn_store_number(core->books.store, "renew_at", &at, NULL)) {
		at = (uint64_t)rn_core_now(core) + RENEW_EVERY_S;
		(void)rn_store_set_number(core->books.store, "renew_at", at, NULL);
	}
	core->own.renew_at = (int64_t)at;
}

static bool key_differs(struct rn_core *core)
{
	const struct rn_device_record *self = rn_core_self(core);
	return self && core->kern.key_known && !rn_equal(self->wireguard_key, core->kern.wireguard_key, RN_KEY_SIZE);
}

/* No further than anybody planned it: the clock was ahead, and would keep the certificate from being renewed in time.
 */
static bool renewal_due(struct rn_core *core)
{
	int64_t now = rn_core_now(core);
	return now >= core->own.renew_at || core->own.renew_at > now + RENEW_EVERY_S;
}

/* Of hubs the gateway knows it by what they have applied. Who never refused one has nothing to say. */
static bool refusal_due(struct rn_core *core, int64_t now)
{
	uint64_t refused = rn_core_kern_refuses(core);
	if (rn_kind_is_hub(core->params.self.kind) || !core->kern.key_known)
		return false;
	if (refused != core->own.refused) {
		core->own.refused = refused;
		core->own.refused_at = refused ? now + (int64_t)core->params.self.device * 61 % REFUSED_SPREAD_MS : now;
		core->own.refused_due = true;
	}
	return core->own.refused_due && now >= core->own.refused_at;
}

void rn_request_tick(struct rn_core *core)
{
	int64_t now = rn_core_now_ms(core);
	if (core->own.until && now >= core->own.until)
		core->own.until = 0;
	if (core->gateway || core->own.until || core->upstream.state != RN_UPSTREAM_OPEN)
		return;
	rn_request_plan(core);
	if (rn_home_unsigned(core) && now >= core->own.home_at) {
		core->own.home_at = now + HOME_EVERY_MS;
		begin(core, RN_REQUEST_HOME);
	} else if (key_differs(core) && now >= core->own.key_at) {
		core->own.key_at = now + KEY_EVERY_MS;
		begin(core, RN_REQUEST_WIREGUARD_KEY);
	} else if (rn_hubs_mesh_differs(core) && now >= core->own.mesh_at) {
		core->own.mesh_at = now + KEY_EVERY_MS;
		begin(core, RN_REQUEST_MESH);
	} else if (refusal_due(core, now)) {
		core->own.refused_at = now + REFUSED_EVERY_MS;
		core->own.refused_due = begin(core, RN_REQUEST_REFUSED) || core->own.refused;
	} else if (renewal_due(core)) {
		/* Refused or lost: again in an hour. */
		core->own.renew_at = rn_core_now(core) + 3600;
		begin(core, RN_REQUEST_RENEW);
	}
}
