/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that lists several hubs: a session to each, the one in use is the upstream and watched, and the move from one
 * to another. WireGuard's peers are there already; kern gives one of them the AllowedIPs.
 */
#include <errno.h>
#include <string.h>

#include "domain/homes.h"
#include "service/core_state.h"

#define WATCH_MS 400	     /* the hub in use: with RN_WATCH_PINGS pings 0.1 s apart it is missed within 0.7 s */
#define WATCH_BETTER_MS 2000 /* one that it would go back to */
#define BACKOFF_FIRST_MS 500
#define BACKOFF_LAST_MS 15000
#define CONNECT_MS 45000 /* net gives up before */
#define ASK_AGAIN_MS 500
#define START_MS 3000 /* before a start counts as trouble */

static const struct rn_ledger_entry *own(struct rn_core *core)
{
	return core->hub ? NULL : rn_ledger_device(core->books.ledger, core->params.self.device);
}

uint32_t rn_home_hub(struct rn_core *core)
{
	return core->hub ? core->params.self.hub : core->home.hub;
}

bool rn_home_lists(struct rn_core *core, uint32_t hub)
{
	const struct rn_ledger_entry *entry = own(core);
	return entry && rn_homes_list(&entry->record, hub);
}

/* Where the place of the hub in use is in the list, which may have changed. */
static unsigned place_of(const struct rn_device_record *self, uint32_t hub)
{
	unsigned i = 0;
	while (rn_homes_at(self, i) && rn_homes_at(self, i) != hub)
		i++;
	return rn_homes_at(self, i) ? i : 0;
}

/* ---- the sessions that are kept warm ---- */

static void close_session(struct rn_core *core, uint64_t session)
{
	struct rn_local local = {.type = RN_LOCAL_NET_CLOSE, .session = session};
	if (session)
		rn_core_send(core, RN_CORE_NET, &local);
}

static void forget(struct rn_core *core, struct rn_warm *warm, uint32_t hub)
{
	close_session(core, warm->session);
	*warm = (struct rn_warm){.hub = hub};
}

static void watch(struct rn_core *core, uint64_t session, uint32_t ms)
{
	struct rn_local local = {.type = RN_LOCAL_NET_WATCH, .session = session, .number = ms};
	rn_core_send(core, RN_CORE_NET, &local);
}

static void retry_later(struct rn_core *core, struct rn_warm *warm)
{
	warm->backoff_ms = warm->backoff_ms ? warm->backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (warm->backoff_ms > BACKOFF_LAST_MS)
		warm->backoff_ms = BACKOFF_LAST_MS;
	warm->session = 0;
	warm->tag = 0;
	warm->retry_at = rn_core_now_ms(core) + warm->backoff_ms;
	rn_core_arm(core, warm->retry_at);
}

/* Revoked, or a project's that has ended: not one to be at, whatever it still answers. */
static bool is_gone(struct rn_core *core, uint32_t hub)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);
	return entry && rn_hub_gone(&entry->record, rn_core_now(core)) != RN_HUB_THERE;
}

int rn_home_dial(struct rn_core *core, uint32_t hub, uint32_t tag)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);
	struct rn_local local = {.type = RN_LOCAL_NET_CONNECT, .number = tag};
	if (!entry || is_gone(core, hub))
		return -ENOENT;
	local.endpoint = entry->record.control;
	local.port = rn_core_shared_port(&entry->record);
	memcpy(local.key, entry->record.noise_key, RN_KEY_SIZE);
	return rn_core_send(core, RN_CORE_NET, &local);
}

static void keep_warm(struct rn_core *core, struct rn_warm *warm)
{
	int64_t now = rn_core_now_ms(core);
	if (warm->session && is_gone(core, warm->hub))
		forget(core, warm, warm->hub);
	if (warm->session || now < warm->retry_at)
		return;
	if (warm->tag)
		retry_later(core, warm);
	warm->tag = rn_upstream_tag(core);
	if (rn_home_dial(core, warm->hub, warm->tag))
		retry_later(core, warm);
	else
		warm->retry_at = now + CONNECT_MS;
}

static struct rn_warm *of_session(struct rn_core *core, uint64_t session)
{
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (session && core->home.warm[i].session == session)
			return &core->home.warm[i];
	return NULL;
}

static struct rn_warm *of_tag(struct rn_core *core, uint32_t tag)
{
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (tag && core->home.warm[i].tag == tag && !core->home.warm[i].session)
			return &core->home.warm[i];
	return NULL;
}

bool rn_home_open(struct rn_core *core, const struct rn_local *local)
{
	struct rn_warm *warm = of_tag(core, local->number);
	if (!warm || !local->session)
		return false;
	warm->session = local->session;
	warm->backoff_ms = 0;
	warm->heard_ms = warm->well_ms = rn_core_now_ms(core);
	if (warm < core->home.warm + core->home.rules.at)
		watch(core, warm->session, WATCH_BETTER_MS);
	rn_home_tick(core);
	return true;
}

bool rn_home_closed(struct rn_core *core, const struct rn_local *local)
{
	struct rn_warm *warm =
	    local->session ? of_session(core, local->session) : of_tag(core, (uint32_t)local->version);
	if (warm)
		retry_later(core, warm);
	return warm != NULL;
}

/*
 * Nobody says anything here before this device comes, but that a hub that it lists is revoked: that hub, if it was
 * captured, will not say so itself.
 */
void rn_home_message(struct rn_core *core, uint64_t session, const struct rn_message *message)
{
	const struct rn_message_record *m = &message->record;
	struct rn_device_record hub;
	if (of_session(core, session) && message->type == RN_MESSAGE_RECORD && m->piece_size == m->total &&
	    !rn_record_get_device(m->piece, m->piece_size, &hub) && (hub.flags & RN_DEVICE_REVOKED) &&
	    rn_home_lists(core, hub.number))
		rn_upstream_take(core, m->piece, m->piece_size);
}

/* ---- is the hub in use there? ---- */

static void ask_others(struct rn_core *core)
{
	core->home.asked_ms = rn_core_now_ms(core);
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (core->home.warm[i].session)
			watch(core, core->home.warm[i].session, 0);
}

static void trouble(struct rn_core *core, bool silent)
{
	bool first = !core->home.rules.trouble;
	if (core->hub || !rn_homes_at(&core->home.listed, 1))
		return;
	rn_homing_trouble(&core->home.rules, silent, rn_core_now_ms(core));
	if (first)
		ask_others(core);
	rn_core_arm(core, rn_core_now_ms(core) + RN_HOMING_GRACE_MS);
}

void rn_home_silence(struct rn_core *core, const struct rn_local *local)
{
	struct rn_warm *warm = of_session(core, local->session);
	int64_t now = rn_core_now_ms(core);
	if (warm && !local->number)
		warm->heard_ms = now;
	if (warm && local->number >= RN_WATCH_PINGS)
		warm->well_ms = INT64_MAX / 2; /* not well, until it has answered */
	if (warm && !local->number && warm->well_ms > now)
		warm->well_ms = now;
	if (!warm && core->upstream.state == RN_UPSTREAM_OPEN && local->session == core->upstream.session) {
		if (local->number)
			trouble(core, local->number >= RN_WATCH_PINGS);
		else
			rn_homing_answers(&core->home.rules);
	}
	rn_home_tick(core);
}

void rn_home_lost(struct rn_core *core)
{
	trouble(core, false);
	rn_home_tick(core);
}

/* ---- going there ---- */

static void tell_kern(struct rn_core *core)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_HOME,
				 .session = core->home.hub,
				 .number = core->params.self.device,
				 .version = core->home.moved};
	const struct rn_ledger_entry *entry = own(core);
	if (entry && core->home.moved > entry->record.moved)
		rn_core_send(core, RN_CORE_KERN, &local);
}

void rn_home_remind(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	if (!core->hub && entry->device == core->params.self.device)
		tell_kern(core);
}

void rn_home_opened(struct rn_core *core)
{
	struct rn_message message = {.type = RN_MESSAGE_HOME,
				     .home = {.device = core->params.self.device, .moved = core->home.moved}};
	const struct rn_ledger_entry *entry = own(core);
	core->home.watched = 0;
	rn_homing_answers(&core->home.rules);
	if (entry && core->home.moved > entry->record.moved)
		rn_upstream_say(core, &message);
}

bool rn_home_unsigned(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = own(core);
	return entry && core->home.moved > entry->record.moved;
}

/* kern stays where it was told to be when core starts again, so core must know it too. */
static int store_both(struct rn_core *core, uint32_t hub, struct rn_err *err)
{
	int rc = rn_store_begin(core->books.store, err);
	if (!rc)
		rc = rn_store_set_number(core->books.store, "home", hub, err);
	if (!rc)
		rc = rn_store_set_number(core->books.store, "home_moved", core->home.moved, err);
	if (!rc)
		return rn_store_commit(core->books.store, err);
	rn_store_rollback(core->books.store);
	return rc;
}

static void keep(struct rn_core *core, uint32_t hub)
{
	struct rn_err err = {""};
	if (store_both(core, hub, &err))
		rn_log(RN_LOG_ERROR, "which hub is in use could not be stored: %s", err.text);
}

/* The session to the old hub ends here; if that is there, it is begun anew as a warm one. */
static void use(struct rn_core *core, uint32_t hub)
{
	struct rn_warm *warm = NULL;
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (core->home.warm[i].hub == hub)
			warm = &core->home.warm[i];
	core->home.hub = hub;
	tell_kern(core);
	uint64_t session = warm ? warm->session : 0;
	if (warm)
		*warm = (struct rn_warm){0};
	rn_upstream_change(core, session);
}

static void move(struct rn_core *core, const struct rn_device_record *self, unsigned to)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, rn_homes_at(self, to));
	uint64_t moved = rn_request_sequence(core);
	if (moved <= self->moved)
		moved = self->moved + 1;
	rn_log(RN_LOG_NOTICE, "%s: using %s from now on",
	       core->home.rules.trouble ? "its hub is gone or does not answer" : "a better hub is well again",
	       entry ? entry->record.name : "another hub");
	core->home.moved = moved;
	rn_homing_moved(&core->home.rules, to, rn_core_now_ms(core));
	keep(core, rn_homes_at(self, to));
	use(core, rn_homes_at(self, to));
}

/* ---- the list, as the gateway signed it ---- */

/* Somebody moved this device, or took the hub in use off its list; not before the new one's record has come. */
static void follow(struct rn_core *core, const struct rn_device_record *self)
{
	bool mine = rn_homes_now(self, core->home.hub, core->home.moved) == core->home.hub;
	if (mine || !rn_ledger_device(core->books.ledger, self->hub))
		return;
	rn_log(RN_LOG_NOTICE, "this device is at another hub now, says the gateway");
	rn_homing_moved(&core->home.rules, place_of(self, self->hub), rn_core_now_ms(core));
	use(core, self->hub);
}

/*
 * A hub that is listed no more is one that this device may hold as it may any other: it says so, and is sent what is
 * newer, or told to forget it.
 */
static void say_relisted(struct rn_core *core, const struct rn_device_record *self)
{
	bool same = true;
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		same &= rn_homes_at(self, i) == rn_homes_at(&core->home.listed, i);
	core->home.listed = *self;
	if (!same && core->upstream.state == RN_UPSTREAM_OPEN)
		rn_resolve_opened(core);
}

static void read_list(struct rn_core *core, const struct rn_device_record *self)
{
	say_relisted(core, self);
	core->home.rules.at = place_of(self, core->home.hub);
	for (unsigned i = 0; i < RN_HOMES_MAX; i++) {
		uint32_t hub = rn_homes_at(self, i);
		if (hub == core->home.hub)
			hub = 0;
		if (core->home.warm[i].hub != hub)
			forget(core, &core->home.warm[i], hub);
	}
}

static void watch_upstream(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	if (up->state != RN_UPSTREAM_OPEN || core->home.watched == up->session)
		return;
	core->home.watched = up->session;
	watch(core, up->session, WATCH_MS);
}

static unsigned choose(struct rn_core *core)
{
	struct rn_homing_hub hubs[RN_HOMES_MAX];
	for (unsigned i = 0; i < RN_HOMES_MAX; i++) {
		const struct rn_warm *warm = &core->home.warm[i];
		bool open = warm->session && !is_gone(core, warm->hub);
		hubs[i] = (struct rn_homing_hub){open, warm->heard_ms, warm->well_ms};
	}
	return rn_homing_choose(&core->home.rules, hubs, RN_HOMES_MAX, rn_core_now_ms(core));
}

void rn_home_start(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = own(core);
	uint64_t hub = 0, moved = 0;
	core->home.hub = entry ? entry->record.hub : core->params.self.hub;
	if (entry) {
		core->home.listed = entry->record;
		(void)rn_store_number(core->books.store, "home", &hub, NULL);
		(void)rn_store_number(core->books.store, "home_moved", &moved, NULL);
		core->home.hub = rn_homes_now(&entry->record, hub <= UINT32_MAX ? (uint32_t)hub : 0, moved);
		core->home.moved = core->home.hub == hub ? moved : 0;
	}
	core->home.rules.trouble = true;
	core->home.rules.trouble_ms = rn_core_now_ms(core) + START_MS;
}

void rn_home_end(struct rn_core *core)
{
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		core->home.warm[i] = (struct rn_warm){.hub = core->home.warm[i].hub};
	core->home.watched = 0;
}

void rn_home_tick(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = own(core);
	if (!entry || !core->connected[RN_CORE_NET])
		return;
	follow(core, &entry->record);
	read_list(core, &entry->record);
	if (!rn_homes_at(&entry->record, 1))
		return;
	watch_upstream(core);
	if (is_gone(core, core->home.hub))
		trouble(core, true);
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (core->home.warm[i].hub)
			keep_warm(core, &core->home.warm[i]);
	if (core->home.rules.trouble && rn_core_now_ms(core) >= core->home.asked_ms + ASK_AGAIN_MS)
		ask_others(core);
	unsigned to = choose(core);
	if (to == core->home.rules.at)
		return;
	move(core, &entry->record, to);
	read_list(core, &entry->record);
}
