/* SPDX-License-Identifier: Apache-2.0 */
/* This host's kern: all records after its hello, each change after that; its status, and its link. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_numbering.h"
#include "service/core_state.h"

#define STATUS_EVERY_MS 1000
#define LINK_WAIT_MS 3000

/* ---- records ---- */

static bool ready(void *context)
{
	struct rn_core *core = context;
	return core->connected[RN_CORE_KERN] && core->params.io.ready(core->params.io.context, RN_CORE_KERN);
}

static int send_record(void *context, const struct rn_ledger_entry *entry)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_RECORD, .block = entry->blob, .block_size = entry->size};
	int rc = rn_core_send(context, RN_CORE_KERN, &local);
	if (!rc && entry->type == RN_RECORD_DEVICE) {
		rn_rehome_remind(context, entry);
		rn_home_remind(context, entry);
	}
	return rc;
}

static int send_synced(void *context, const struct rn_position *at)
{
	struct rn_core *core = context;
	struct rn_local local = {.type = RN_LOCAL_KERN_SYNCED, .number = at->epoch, .version = at->version};
	return rn_core_send(core, RN_CORE_KERN, &local);
}

static void begin(struct rn_core *core)
{
	const struct rn_ledger_entry *newest = rn_ledger_newest(core->books.ledger);
	struct rn_local local = {.type = RN_LOCAL_KERN_SYNC,
				 .number = newest ? newest->epoch : core->params.anchor.epoch,
				 .version = newest ? newest->version : 0};
	struct rn_device_record self = {.number = core->params.self.device, .kind = core->params.self.kind};
	if (rn_core_send(core, RN_CORE_KERN, &local))
		return;
	/* A hub or node was sent what it has because it needs it; the gateway has everybody. */
	core->kern.feed.everything = !core->gateway;
	core->kern.device_refused = 0;
	rn_feed_start(&core->kern.feed, core->params.self.device, &self, (struct rn_position){0});
	core->kern.feeding = true;
	rn_core_kern_pump(core);
}

/* What comes after it goes to kern only when kern has said that it did. */
void rn_core_kern_forget(struct rn_core *core)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_FORGET};
	core->kern_forgets = true;
	core->kern.feeding = false;
	core->kern.applied = (struct rn_position){0};
	if (core->kern.key_known)
		rn_core_send(core, RN_CORE_KERN, &local);
}

void rn_core_kern_subscribe(struct rn_core *core)
{
	const struct rn_meanings *m = rn_numbering_meanings(&core->books);
	struct rn_meaning_position at = {.epoch = core->books.epoch}, from = {0};
	struct rn_err err = {""};
	int rc = rn_numbering_newest(&core->books, &at.version, &err);
	/* It has what it was given, and not what was signed while it was away. */
	if (m && rn_meanings_told(m, core->params.self.device) < at.version)
		at.version = rn_meanings_told(m, core->params.self.device);
	core->members.kern_due = rc || rn_members_subscribe(core, core->params.self.device, &at, &at, &from);
	if (!core->members.kern_due && !from.version)
		rn_core_kern_forget(core);
}

void rn_core_kern_pump(struct rn_core *core)
{
	struct rn_feed_out out = {.context = core, .ready = ready, .record = send_record, .synced = send_synced};
	/* A host that has not heard everything yet must not make kern forget what is pinned. */
	struct rn_position whole = rn_core_whole(core);
	if (core->kern_forgets)
		return;
	if (!core->kern.feeding && core->kern.key_known && whole.version)
		begin(core);
	else if (core->kern.feeding)
		rn_feed_pump(&core->kern.feed, core->books.ledger, &whole, &out);
}

void rn_core_kern_remove(struct rn_core *core, uint32_t device)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_REMOVE, .number = device};
	rn_core_send(core, RN_CORE_KERN, &local);
}

/* ---- what kern says ---- */

static void hello(struct rn_core *core, const struct rn_local *local)
{
	memcpy(core->kern.wireguard_key, local->key, RN_KEY_SIZE);
	memcpy(core->kern.mesh_key, local->key2, RN_KEY_SIZE);
	core->kern.mesh_port = local->port;
	core->kern.key_known = true;
	core->kern.feeding = false;
	core->kern.status_at = 0;
	rn_log(RN_LOG_INFO, "kern is here");
	if (core->gateway)
		rn_core_kern_subscribe(core);
	else if (core->kern_forgets)
		rn_core_kern_forget(core);
	rn_core_kern_pump(core);
	rn_core_kern_tick(core);
	if (core->gateway)
		rn_devices_own_key(core);
}

static void applied(struct rn_core *core, const struct rn_local *local)
{
	/* What it said before it forgot counts no more. */
	if (core->kern_forgets && local->version)
		return;
	if (core->kern_forgets) {
		core->kern_forgets = false;
		rn_core_kern_pump(core);
		rn_upstream_flush(core);
		return;
	}
	core->kern.applied = (struct rn_position){local->number, local->version};
	if (core->gateway) {
		rn_enforcement_applied(core, core->params.self.device, &core->kern.applied);
		rn_members_applied(core, core->params.self.device, &core->kern.applied);
	}
	rn_upstream_applied(core);
}

/* Takes over a block of the message, so that core's copy outlives the message. */
static void keep(uint8_t **held, const uint8_t **view, size_t *size)
{
	free(*held);
	*held = *size ? malloc(*size) : NULL;
	if (*held)
		memcpy(*held, *view, *size);
	else
		*size = 0;
	*view = *held;
}

static void end_link(struct rn_core *core, int code, const struct rn_err *err)
{
	rn_core_done *done = core->kern.link_done;
	if (!core->kern.link_until)
		return;
	core->kern.link_until = 0;
	done(core->kern.link_context, code, err, NULL, 0);
}

static void status(struct rn_core *core, const struct rn_local *local)
{
	core->kern.status = local->status;
	keep(&core->kern.counters, &core->kern.status.counters, &core->kern.status.counters_size);
	keep(&core->kern.frames, &core->kern.status.frames, &core->kern.status.frames_size);
	keep(&core->kern.peers, &core->kern.status.peers, &core->kern.status.peers_size);
	rn_seen_here(core);
	if ((core->kern.status.link_up != 0) == core->kern.link_wanted)
		end_link(core, 0, NULL);
}

static void events(struct rn_core *core, const struct rn_local *local)
{
	uint64_t more = local->version > core->kern.lost ? local->version - core->kern.lost : 0;
	core->kern.lost = local->version;
	rn_resolve_events(core, local->block, local->block_size);
	rn_core_take_events(core, core->params.self.device, local->block, local->block_size, more);
}

/* What has a newer version by now is nothing that is missing. */
static const struct rn_ledger_entry *entry_of(const struct rn_core *core, uint64_t version)
{
	const struct rn_ledger_entry *entry = version ? rn_ledger_newest(core->books.ledger) : NULL;

	while (entry && entry->version > version)
		entry = entry->older;
	return entry && entry->version == version ? entry : NULL;
}

const char *rn_core_kern_stranger(const struct rn_core *core)
{
	return core->kern.device_refused && entry_of(core, core->kern.device_refused) ? core->kern.device_text : NULL;
}

uint64_t rn_core_kern_refuses(const struct rn_core *core)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(core->books.ledger);

	return policy && core->kern.policy_refused == policy->version &&
		       core->kern.status.policy_version < policy->version
		   ? policy->version
		   : 0;
}

static void refused(struct rn_core *core, const struct rn_local *local)
{
	const struct rn_ledger_entry *entry = entry_of(core, local->version);

	rn_log(RN_LOG_WARNING, "kern refused record version %llu: %s", (unsigned long long)local->version, local->text);
	if (!entry)
		return;
	if (entry->type == RN_RECORD_POLICY) {
		core->kern.policy_refused = local->version;
		snprintf(core->kern.refused_text, sizeof(core->kern.refused_text), "%s", local->text);
	} else if (entry->type == RN_RECORD_DEVICE) {
		core->kern.device_refused = local->version;
		snprintf(core->kern.device_text, sizeof(core->kern.device_text), "%s", local->text);
	}
}

bool rn_core_kern_receive(struct rn_core *core, const struct rn_local *local)
{
	switch ((int)local->type) {
	case RN_LOCAL_KERN_HELLO:
		hello(core, local);
		return true;
	case RN_LOCAL_KERN_APPLIED:
		applied(core, local);
		return true;
	case RN_LOCAL_KERN_REFUSED:
		refused(core, local);
		return true;
	case RN_LOCAL_KERN_EVENTS:
		events(core, local);
		return true;
	case RN_LOCAL_KERN_STATUS:
		status(core, local);
		return true;
	case RN_LOCAL_KERN_FLOWS:
		return true;
	default:
		return false;
	}
}

void rn_core_kern_gone(struct rn_core *core)
{
	struct rn_err err = {"kern has gone: see `systemctl status rnaut-kern`"};
	end_link(core, -EAGAIN, &err);
	free(core->kern.counters);
	free(core->kern.frames);
	free(core->kern.peers);
	struct rn_feed feed = core->kern.feed;
	core->kern = (struct rn_core_kern){.feed = feed}; /* its interests stay */
	core->members.kern_due = false;
	if (core->gateway)
		rn_members_closed(core, core->params.self.device);
}

static void ask_status(struct rn_core *core)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_STATUS_GET, .number = ++core->next_id};
	rn_core_send(core, RN_CORE_KERN, &local);
}

void rn_core_kern_tick(struct rn_core *core)
{
	int64_t now = rn_core_now_ms(core);
	struct rn_err err = {"kern did not say within 3 s that it did: look at `rnaut status`"};
	if (core->kern.link_until && now >= core->kern.link_until)
		end_link(core, -EAGAIN, &err);
	if (core->kern.key_known && now >= core->kern.status_at) {
		ask_status(core);
		core->kern.status_at = now + STATUS_EVERY_MS;
	}
}

void rn_core_link(struct rn_core *core, bool up, rn_core_done *done, void *context)
{
	struct rn_err err;
	struct rn_local local = {.type = RN_LOCAL_KERN_LINK, .number = up};
	int rc = core->kern.link_until ? -EAGAIN : rn_core_send(core, RN_CORE_KERN, &local);
	if (rc) {
		rn_fail(&err, -EAGAIN,
			core->kern.link_until ? "another change of the link is under way"
					      : "kern is not there: see `systemctl status rnaut-kern`");
		done(context, -EAGAIN, &err, NULL, 0);
		return;
	}
	core->kern.link_wanted = up;
	core->kern.link_done = done;
	core->kern.link_context = context;
	core->kern.link_until = rn_core_now_ms(core) + LINK_WAIT_MS;
	rn_core_arm(core, core->kern.link_until);
	ask_status(core);
}
