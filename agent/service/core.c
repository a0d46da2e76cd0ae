/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_prepare.h"
#include "service/core_state.h"
#include "sys/files.h"

#define TICK_MS 1000

/* ---- what the parts share ---- */

int64_t rn_core_now_ms(struct rn_core *core)
{
	return core->params.io.now_us(core->params.io.context) / 1000;
}

int64_t rn_core_now(struct rn_core *core)
{
	return core->params.io.now(core->params.io.context);
}

void rn_core_arm(struct rn_core *core, int64_t at_ms)
{
	if (at_ms >= core->armed)
		return;
	core->armed = at_ms;
	core->params.io.arm(core->params.io.context, at_ms);
}

int rn_core_send(struct rn_core *core, enum rn_core_peer peer, const struct rn_local *message)
{
	return core->connected[peer] ? core->params.io.send(core->params.io.context, peer, message) : -ENOTCONN;
}

int rn_core_say(struct rn_core *core, uint64_t session, const struct rn_message *message)
{
	uint8_t data[16384];
	int size = rn_message_encode(message, data, sizeof(data));
	struct rn_local local = {
	    .type = RN_LOCAL_NET_SEND, .session = session, .block = data, .block_size = (size_t)size};
	return size < 0 ? size : rn_core_send(core, RN_CORE_NET, &local);
}

const struct rn_device_record *rn_core_self(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, core->params.self.device);
	return entry ? &entry->record : NULL;
}

uint16_t rn_core_shared_port(const struct rn_device_record *hub)
{
	return rn_addr_compare(&hub->wireguard.addr, &hub->control.addr) == 0 ? hub->wireguard.port : 0;
}

struct rn_position rn_core_whole(const struct rn_core *core)
{
	return core->gateway ? (struct rn_position){UINT32_MAX, UINT64_MAX} : core->upstream.synced;
}

void rn_core_publish(struct rn_core *core)
{
	rn_core_kern_pump(core);
	rn_downstream_pump(core);
}

int rn_core_need_gateway(struct rn_core *core, struct rn_err *err)
{
	if (core->gateway)
		return 0;
	return rn_fail(err, -ENOTSUP, "this host is not the gateway: run the command there");
}

/* The policy's version, where this device's hub has said that it has it; 0 while it is on its way there. */
static uint64_t policy_at(struct rn_core *core, uint32_t reporter)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(core->books.ledger);
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, reporter);
	const struct rn_downstream *s = rn_downstream_of(core, reporter);
	const struct rn_position *at = reporter == core->params.self.device ? &core->kern.applied : NULL;
	if (!s && entry)
		s = rn_downstream_of(core, entry->record.hub);
	if (!at && s)
		at = &s->applied;
	return policy && at && !rn_position_before(at, policy) ? policy->version : 0;
}

static void record(struct rn_core *core, uint32_t reporter, const uint8_t *events, size_t size, uint64_t lost)
{
	rn_core_arm(core, rn_recorder_take(core->recorder, core->books.ledger, reporter, policy_at(core, reporter),
					   events, size, lost, rn_core_now(core), rn_core_now_ms(core)));
}

void rn_core_take_events(struct rn_core *core, uint32_t reporter, const uint8_t *events, size_t size, uint64_t lost)
{
	rn_event_ring_add(core->events, core->books.ledger, reporter, events, size);
	rn_event_ring_lost(core->events, lost);
	if (reporter == core->params.self.device)
		rn_flow_log(core, events, size);
	if (core->gateway)
		record(core, reporter, events, size, lost);
	else
		rn_upstream_events(core, reporter, events, size, lost);
	if (core->on_event)
		core->on_event(core->on_event_context);
}

/* ---- life ---- */

static int open_books(struct rn_core *core, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int rc = rn_path_join(path, sizeof(path), core->params.dir, "core.db");
	if (rc)
		return rn_fail(err, rc, "the path %s is too long", core->params.dir);
	core->books.ledger = rn_ledger_new();
	core->events =
	    rn_event_ring_new(rn_kind_is_hub(core->params.self.kind) ? RN_CORE_EVENTS_MAX : RN_CORE_EVENTS_NODE);
	core->upstream.record = malloc(RN_RECORD_SIZE_MAX);
	core->questions = rn_numbers_new();
	if (!core->books.ledger || !core->events || !core->upstream.record || !core->questions)
		return rn_fail(err, -ENOMEM, "out of memory");
	if (!core->hub)
		rn_ledger_set_brief(core->books.ledger);
	rc = rn_store_open(path, !core->gateway, &core->books.store, err);
	if (!rc)
		rc = rn_ledger_load(core->books.ledger, core->books.store, err);
	if (!rc)
		rc = rn_ledger_position(core->books.store, "synced", &core->upstream.synced, err);
	core->upstream.stored = core->upstream.synced;
	if (!rc)
		rc = rn_ledger_position(core->books.store, "late", &core->upstream.late, err);
	if (!rc && core->gateway)
		rc = rn_gateway_load(core, err);
	core->attempts = rn_attempts_new();
	if (!rc && !core->attempts)
		rc = rn_fail(err, -ENOMEM, "out of memory");
	if (!rc && core->gateway)
		core->recorder = rn_recorder_new(core->params.dir, core->params.flow_rows, core->params.flow_days,
						 rn_core_now(core), rn_core_now_ms(core), &core->recorder_why);
	return rc;
}

int rn_core_new(const struct rn_core_params *params, struct rn_core **ret, struct rn_err *err)
{
	struct rn_core *core = calloc(1, sizeof(*core));
	if (!core)
		return rn_fail(err, -ENOMEM, "out of memory");
	core->params = *params;
	core->gateway = params->self.gateway;
	core->hub = core->gateway || rn_kind_is_hub(params->self.kind);
	core->strange.burst = 10;
	core->refusals.burst = 20;
	core->flow_lines.burst = 500;
	core->armed = INT64_MAX;
	int rc = open_books(core, err);
	if (rc) {
		rn_core_free(core);
		return rc;
	}
	rn_upstream_start(core);
	rn_home_start(core);
	rn_core_arm(core, rn_core_now_ms(core));
	*ret = core;
	return 0;
}

void rn_core_end(struct rn_core *core)
{
	for (int peer = 0; peer < RN_CORE_PEERS; peer++)
		rn_core_gone(core, peer);
	if (core->books.store)
		rn_upstream_flush(core);
	rn_members_end(core);
	rn_policy_tick(core, true);
	rn_enforcement_tick(core, true);
	rn_prepare_tick(core, true);
	rn_replay_tick(core, true);
	rn_observed_tick(core, true);
	while (core->passwords)
		rn_passwords_tick(core, true);
}

void rn_core_free(struct rn_core *core)
{
	if (!core)
		return;
	rn_core_end(core);
	rn_recorder_free(core->recorder, rn_core_now(core));
	rn_gateway_unload(core);
	rn_store_close(core->books.store);
	rn_ledger_free(core->books.ledger);
	rn_feed_end(&core->kern.feed);
	rn_event_ring_free(core->events);
	rn_attempts_free(core->attempts);
	rn_numbers_free(core->questions);
	free(core->upstream.record);
	free(core);
}

/* ---- peers ---- */

static void net_connected(struct rn_core *core)
{
	rn_downstream_deny_all(core);
	core->upstream.retry_at = 0;
	core->upstream.afresh = true;
	rn_upstream_tick(core);
}

static void net_gone(struct rn_core *core)
{
	while (core->sessions)
		rn_downstream_closed(core, core->sessions->session);
	rn_home_end(core);
	rn_upstream_closed(core, ENOTCONN);
}

void rn_core_connected(struct rn_core *core, enum rn_core_peer peer)
{
	core->connected[peer] = true;
	if (peer == RN_CORE_NET)
		net_connected(core);
}

void rn_core_gone(struct rn_core *core, enum rn_core_peer peer)
{
	if (!core->connected[peer])
		return;
	core->connected[peer] = false;
	switch (peer) {
	case RN_CORE_KERN:
		rn_core_kern_gone(core);
		break;
	case RN_CORE_NET:
		net_gone(core);
		break;
	case RN_CORE_CA:
		rn_ask_ca_tick(core, true);
		break;
	case RN_CORE_WEB:
		if (core->web.gone)
			core->web.gone(core->web.context);
		break;
	case RN_CORE_PEERS:
		break;
	}
}

void rn_core_ready(struct rn_core *core, enum rn_core_peer peer)
{
	if (peer == RN_CORE_KERN)
		rn_core_kern_pump(core);
	else if (peer == RN_CORE_NET)
		rn_downstream_pump(core);
	else if (peer == RN_CORE_WEB && core->web.ready)
		core->web.ready(core->web.context);
}

/* ---- messages ---- */

static bool net_message(struct rn_core *core, const struct rn_local *local)
{
	struct rn_message message;
	bool up = core->upstream.state == RN_UPSTREAM_OPEN && local->session == core->upstream.session;
	struct rn_downstream *session = up ? NULL : rn_downstream_find(core, local->session);
	struct rn_local end = {.type = RN_LOCAL_NET_CLOSE, .session = local->session};
	bool good = !rn_message_decode(local->block, local->block_size, &message);
	/* Of a session that is kept warm; or that core has closed already, or a stranger's nonsense. */
	if (!up && !session) {
		if (good)
			rn_home_message(core, local->session, &message);
		return true;
	}
	if (good && up)
		good = rn_upstream_message(core, &message);
	else if (good)
		rn_downstream_message(core, session, local, &message);
	if (good)
		return true;
	rn_core_send(core, RN_CORE_NET, &end);
	if (up)
		rn_upstream_closed(core, EPROTO);
	else
		rn_downstream_closed(core, local->session);
	return true;
}

static void net_busy(struct rn_core *core, const struct rn_local *local)
{
	struct rn_downstream *session = rn_downstream_find(core, local->session);
	if (core->upstream.state == RN_UPSTREAM_OPEN && local->session == core->upstream.session)
		rn_upstream_busy(core, local->number != 0);
	if (!session)
		return;
	session->busy = local->number != 0;
	if (!session->busy)
		rn_downstream_pump(core);
}

static void net_closed(struct rn_core *core, const struct rn_local *local)
{
	struct rn_core_upstream *up = &core->upstream;
	bool failed = up->state == RN_UPSTREAM_CONNECTING && !local->session && local->version == up->tag;
	if (rn_home_closed(core, local))
		return;
	if (failed || (up->state == RN_UPSTREAM_OPEN && local->session == up->session))
		rn_upstream_closed(core, (int)local->number);
	else
		rn_downstream_closed(core, local->session);
}

static bool net_receive(struct rn_core *core, const struct rn_local *local)
{
	switch ((int)local->type) {
	case RN_LOCAL_NET_HELLO:
		return true;
	case RN_LOCAL_NET_OPEN:
		if (!rn_home_open(core, local))
			(local->number ? rn_upstream_open : rn_downstream_open)(core, local);
		return true;
	case RN_LOCAL_NET_SILENCE:
		rn_home_silence(core, local);
		return true;
	case RN_LOCAL_NET_MESSAGE:
		return net_message(core, local);
	case RN_LOCAL_NET_CLOSED:
		net_closed(core, local);
		return true;
	case RN_LOCAL_NET_BUSY:
		net_busy(core, local);
		return true;
	case RN_LOCAL_NET_SEALED:
		rn_request_sealed(core, local);
		return true;
	default:
		return false;
	}
}

static bool ca_receive(struct rn_core *core, const struct rn_local *local)
{
	if (local->type == RN_LOCAL_CA_ANSWER)
		rn_ask_ca_receive(core, local);
	return local->type == RN_LOCAL_CA_ANSWER || local->type == RN_LOCAL_CA_HELLO;
}

static bool web_receive(struct rn_core *core, const struct rn_local *local)
{
	return core->web.receive && core->web.receive(core->web.context, local);
}

void rn_core_on_web(struct rn_core *core, const struct rn_core_web *web)
{
	core->web = web ? *web : (struct rn_core_web){0};
}

bool rn_core_web_ready(struct rn_core *core)
{
	return core->connected[RN_CORE_WEB] && core->params.io.ready(core->params.io.context, RN_CORE_WEB);
}

int rn_core_web_send(struct rn_core *core, const struct rn_local *message)
{
	return rn_core_send(core, RN_CORE_WEB, message);
}

bool rn_core_receive(struct rn_core *core, enum rn_core_peer peer, const struct rn_local *message)
{
	static bool (*const receive[RN_CORE_PEERS])(struct rn_core *, const struct rn_local *) = {
	    [RN_CORE_KERN] = rn_core_kern_receive,
	    [RN_CORE_NET] = net_receive,
	    [RN_CORE_CA] = ca_receive,
	    [RN_CORE_WEB] = web_receive,
	};
	return receive[peer](core, message);
}

void rn_core_tick(struct rn_core *core)
{
	core->armed = INT64_MAX;
	rn_core_arm(core, rn_core_now_ms(core) + TICK_MS);
	rn_core_kern_tick(core);
	rn_upstream_tick(core);
	rn_request_tick(core);
	rn_enforcement_tick(core, false);
	rn_passwords_tick(core, false);
	rn_ask_ca_tick(core, false);
	if (core->gateway)
		rn_gateway_tick(core);
	rn_recorder_tick(core->recorder, rn_core_now(core), rn_core_now_ms(core));
	rn_prepare_tick(core, false);
	rn_replay_tick(core, false);
	rn_observed_tick(core, false);
}
