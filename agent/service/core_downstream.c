/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that peers opened: hubs and devices that subscribe here, and on the gateway strangers that want to enrol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/homes.h"
#include "service/core_state.h"

#define PIECE 8192
#define SESSIONS_MAX (RN_DEVICES_MAX + 1024) /* net has its own bound; this one is for a net that has been captured */
#define EVENT_COSTS_MS 10		     /* of one device: 100 a second */
#define EVENTS_AT_ONCE 1000
#define EVENTS_AT_FIRST 100 /* of a new session: coming again must not pay */

/* Everything is sent again after one, and for a hub the gateway commits before: an honest one says it once in a
 * session. */
#define SUBSCRIBE_COSTS_MS 5000
#define SUBSCRIBES_AT_ONCE_MS 20000

struct rn_downstream *rn_downstream_find(struct rn_core *core, uint64_t session)
{
	struct rn_downstream *s = core->sessions;
	while (s && s->session != session)
		s = s->next;
	return s;
}

struct rn_downstream *rn_downstream_of(struct rn_core *core, uint32_t device)
{
	struct rn_downstream *s = core->sessions;
	while (s && (s->device != device || !device))
		s = s->next;
	return s;
}

/* What a hub said of its devices ends with its session. */
static void forget_present(struct rn_core *core, uint32_t hub)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);
	if (!entry ||
	    !rn_kind_is_hub(entry->record.kind)) /* all devices are looked at: not for each that comes and goes */
		return;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (entry->record.hub == hub)
			rn_ledger_set_present(core->books.ledger, entry->device, false);
}

void rn_downstream_closed(struct rn_core *core, uint64_t session)
{
	struct rn_downstream **at = &core->sessions;
	while (*at && (*at)->session != session)
		at = &(*at)->next;
	if (!*at)
		return;
	struct rn_downstream *gone = *at;
	*at = gone->next;
	if (gone->device)
		rn_upstream_presence(core, gone->device, false);
	if (core->gateway && gone->device)
		forget_present(core, gone->device);
	core->session_count--;
	if (gone->hub)
		rn_members_closed(core, gone->device);
	rn_feed_end(&gone->feed);
	free(gone);
}

void rn_downstream_hang_up(struct rn_core *core, uint64_t session)
{
	struct rn_local local = {.type = RN_LOCAL_NET_CLOSE, .session = session};
	rn_core_send(core, RN_CORE_NET, &local);
	rn_downstream_closed(core, session);
}

/* ---- who may come ---- */

static int send_record(void *context, const struct rn_ledger_entry *entry)
{
	struct rn_downstream *s = context;
	int rc = 0;
	for (size_t at = 0; at < entry->size && !rc; at += PIECE) {
		size_t size = entry->size - at < PIECE ? entry->size - at : PIECE;
		struct rn_message message = {.type = RN_MESSAGE_RECORD,
					     .record = {.total = (uint32_t)entry->size,
							.offset = (uint32_t)at,
							.piece = entry->blob + at,
							.piece_size = size}};
		rc = rn_core_say(s->core, s->session, &message);
	}
	return rc;
}

/* A device that is not in use here is told of nothing else: its hub may be the one that is revoked. */
static void warn(struct rn_downstream *s, const struct rn_ledger_entry *hub)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device);
	if (entry && !s->subscribed && !rn_kind_is_hub(entry->record.kind) && hub->device != entry->device &&
	    rn_kind_is_hub(hub->record.kind) && (hub->record.flags & RN_DEVICE_REVOKED) &&
	    rn_homes_concern(&entry->record, hub->device)) /* it may not have heard that it lists it no more */
		send_record(s, hub);
}

static void warn_of_all(struct rn_downstream *s)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device), *hub;
	for (unsigned i = 0; entry && i < RN_HOMES_MAX; i++)
		if ((hub = rn_ledger_device(s->core->books.ledger, rn_homes_at(&entry->record, i))))
			warn(s, hub);
	for (unsigned i = 0; entry && i < entry->record.left_count; i++)
		if ((hub = rn_ledger_device(s->core->books.ledger, entry->record.left[i])))
			warn(s, hub);
}

/* A device of this host's, by the key that its session proved. NULL: not one. */
static const struct rn_device_record *known(struct rn_core *core, const struct rn_local *local)
{
	const struct rn_ledger_entry *entry = rn_ledger_by_noise_key(core->books.ledger, local->key);
	if (!entry || !core->hub || entry->device == core->params.self.device)
		return NULL;
	const struct rn_device_record *r = &entry->record;
	/* One that was taken away from this hub while it was not here hears from nobody else where it is to go. */
	bool mine = rn_homes_concern(r, core->params.self.device) || (core->gateway && rn_kind_is_hub(r->kind));
	bool good = (r->flags & RN_DEVICE_MANAGED) && !(r->flags & RN_DEVICE_REVOKED) && r->kind == local->role;
	return mine && good ? r : NULL;
}

void rn_downstream_open(struct rn_core *core, const struct rn_local *local)
{
	const struct rn_device_record *device = local->role ? known(core, local) : NULL;
	struct rn_downstream *old = device ? rn_downstream_of(core, device->number) : NULL;
	struct rn_downstream *s;
	if (!local->session || rn_downstream_find(core, local->session))
		return;
	/* It came again before its old session was missed. */
	if (old)
		rn_downstream_hang_up(core, old->session);
	bool welcome = (device || (core->gateway && !local->role)) && core->session_count < SESSIONS_MAX;
	s = welcome ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		if (rn_log_allowed(&core->strange, rn_core_now_ms(core), 1000))
			rn_log(RN_LOG_NOTICE, "a session of %s is refused: not a device of this host",
			       local->role ? local->text : "a stranger");
		rn_downstream_hang_up(core, local->session);
		return;
	}
	s->core = core;
	s->session = local->session;
	s->device = device ? device->number : 0;
	s->events_ms = rn_core_now_ms(core) + (EVENTS_AT_ONCE - EVENTS_AT_FIRST) * EVENT_COSTS_MS;
	memcpy(s->key, local->key, RN_KEY_SIZE);
	s->next = core->sessions;
	core->sessions = s;
	core->session_count++;
	if (s->device)
		rn_upstream_presence(core, s->device, true);
	warn_of_all(s);
}

static void deny(struct rn_core *core, const struct rn_device_record *device)
{
	struct rn_local local = {.type = RN_LOCAL_NET_DENY};
	memcpy(local.key, device->noise_key, RN_KEY_SIZE);
	if (device->flags & RN_DEVICE_MANAGED)
		rn_core_send(core, RN_CORE_NET, &local);
}

void rn_downstream_deny(struct rn_core *core, const struct rn_device_record *device)
{
	struct rn_downstream *s = rn_downstream_of(core, device->number);
	deny(core, device);
	if (s)
		rn_downstream_hang_up(core, s->session);
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, device->number);
	for (s = core->sessions; s && entry; s = s->next)
		warn(s, entry);
}

void rn_downstream_deny_all(struct rn_core *core)
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (entry->record.flags & RN_DEVICE_REVOKED)
			deny(core, &entry->record);
}

/* ---- records down ---- */

static bool ready(void *context)
{
	struct rn_downstream *s = context;
	return !s->busy && s->core->connected[RN_CORE_NET] &&
	       s->core->params.io.ready(s->core->params.io.context, RN_CORE_NET);
}

static int send_synced(void *context, const struct rn_position *at)
{
	struct rn_downstream *s = context;
	struct rn_message message = {.type = RN_MESSAGE_SYNCED,
				     .version = {.epoch = at->epoch, .version = at->version}};
	return rn_core_say(s->core, s->session, &message);
}

static bool has_hub(const uint32_t hubs[RN_HOMES_MAX], uint32_t hub)
{
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (hubs[i] == hub)
			return true;
	return false;
}

/* A hub that the device lists no more it still holds: it goes on hearing of it as of any that it asked for. */
static void feed_homes(struct rn_downstream *s, const struct rn_device_record *self)
{
	uint32_t before[RN_HOMES_MAX];
	memcpy(before, s->feed.homes, sizeof(before));
	rn_feed_homes(&s->feed, s->core->books.ledger, self);
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (before[i] && !has_hub(s->feed.homes, before[i]))
			rn_resolve_hold(s, before[i]);
}

void rn_downstream_pump_one(struct rn_downstream *s)
{
	struct rn_feed_out out = {.context = s, .ready = ready, .record = send_record, .synced = send_synced};
	struct rn_position whole = rn_core_whole(s->core);
	if (!s->subscribed)
		return;
	const struct rn_ledger_entry *self =
	    s->feed.other_hubs ? NULL : rn_ledger_device(s->core->books.ledger, s->device);
	if (self && !rn_homes_list(&self->record, s->core->params.self.device))
		rn_feed_left(&s->feed);
	else if (self &&
		 s->feed.left) /* it is listed here again, of which it heard before this hub: all that it missed */
		rn_feed_start(&s->feed, s->feed.hub, &self->record, (struct rn_position){0});
	if (self)
		feed_homes(s, &self->record);
	rn_feed_pump(&s->feed, s->core->books.ledger, &whole, &out);
}

void rn_downstream_pump(struct rn_core *core)
{
	for (struct rn_downstream *s = core->sessions; s; s = s->next)
		rn_downstream_pump_one(s);
}

/* Of a hub of this gateway: from where it is told. False: it is not let in. */
static bool welcome_hub(struct rn_downstream *s, const struct rn_message_subscribe *m, struct rn_position *after)
{
	struct rn_meaning_position claim = {m->epoch, m->version}, seen = {m->seen_epoch, m->seen}, from;
	struct rn_message message = {.type = RN_MESSAGE_FROM};
	int rc;
	s->hub = true;
	rc = rn_members_subscribe(s->core, s->device, &claim, &seen, &from);
	if (!rc) {
		message.version = (struct rn_message_version){from.epoch, from.version};
		rc = rn_core_say(s->core, s->session, &message);
	}
	if (rc) {
		rn_downstream_hang_up(s->core, s->session);
		return false;
	}
	*after = from.version && !m->again ? (struct rn_position){from.epoch, from.version} : (struct rn_position){0};
	return true;
}

static void subscribe(struct rn_downstream *s, const struct rn_message_subscribe *m)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device);
	const struct rn_ledger_entry *newest = rn_ledger_newest(s->core->books.ledger);
	struct rn_position after = {m->epoch, m->version};
	struct rn_position end =
	    newest ? (struct rn_position){newest->epoch, newest->version} : (struct rn_position){0};
	if (!entry)
		return;
	s->subscribed = false;
	/*
	 * It claims to know what does not exist yet, after a lie or a restored backup, or was told that it knew what
	 * came only later: from the beginning.
	 */
	if (m->again || !rn_position_reaches(&end, &after) || rn_position_reaches(&s->core->upstream.late, &after))
		after = (struct rn_position){0};
	if (s->core->gateway && rn_kind_is_hub(entry->record.kind) && !welcome_hub(s, m, &after))
		return;
	entry = rn_ledger_device(s->core->books.ledger, s->device); /* a hub's may have been signed again just now */
	if (!entry)
		return;
	uint32_t hub = rn_kind_is_hub(entry->record.kind) ? s->device : s->core->params.self.device;
	rn_feed_start(&s->feed, hub, &entry->record, after);
	s->subscribed = true;
	rn_downstream_pump_one(s);
}

/* ---- what comes up ---- */

static void applied(struct rn_downstream *s, const struct rn_message_version *m)
{
	struct rn_position at = {m->epoch, m->version};
	s->applied = at;
	if (!s->core->gateway)
		return;
	rn_enforcement_applied(s->core, s->device, &at);
	if (s->hub && s->subscribed)
		rn_members_applied(s->core, s->device, &at);
}

/* A hub speaks for itself and for the devices that are attached to it, a device for itself. */
bool rn_downstream_speaks_for(struct rn_downstream *s, uint32_t device)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, device);
	return entry && (device == s->device || entry->record.hub == s->device);
}

bool rn_downstream_share(const struct rn_downstream *s, int64_t *whole_ms, int64_t costs_ms, int64_t at_once_ms)
{
	int64_t now = rn_core_now_ms(s->core);
	if (*whole_ms < now)
		*whole_ms = now;
	if (*whole_ms - now >= at_once_ms)
		return false;
	*whole_ms += costs_ms;
	return true;
}

/* A device alone must not push out of the ring what others report. Hubs see everybody's packets and are not limited. */
static size_t take_share(struct rn_downstream *s, size_t size)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device);
	int64_t now = rn_core_now_ms(s->core), left;
	size_t count = size / sizeof(struct rn_event);
	if (entry && rn_kind_is_hub(entry->record.kind))
		return count;
	if (s->events_ms < now)
		s->events_ms = now;
	left = EVENTS_AT_ONCE - (s->events_ms - now) / EVENT_COSTS_MS;
	if (left < (int64_t)count)
		count = left > 0 ? (size_t)left : 0;
	s->events_ms += (int64_t)count * EVENT_COSTS_MS;
	return count;
}

/*
 * How many more it lost than it had told of, in this session or an earlier one: what it could not say was lost too. Who
 * tells of more at once than 32 bits hold lies, and would turn over the sums of what all lost.
 */
static uint64_t more_lost(struct rn_downstream *s, uint64_t lost)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device);
	uint64_t known = entry ? entry->lost : 0, more = 0;
	if (known) /* fewer than before: it has begun anew, and counts from 0 */
		more = lost >= known - 1 ? lost - (known - 1) : lost;
	rn_ledger_set_lost(s->core->books.ledger, s->device, lost == UINT64_MAX ? lost : lost + 1);
	return more < UINT32_MAX ? more : UINT32_MAX;
}

static void events(struct rn_downstream *s, const struct rn_message_events *m)
{
	if (!rn_downstream_speaks_for(s, m->reporter))
		return;
	uint64_t more = more_lost(s, m->lost);
	size_t count = take_share(s, m->events_size);
	more += m->events_size / sizeof(struct rn_event) - count;
	rn_core_take_events(s->core, m->reporter, m->events, count * sizeof(struct rn_event), more);
}

static void presence(struct rn_downstream *s, const struct rn_message_presence *m)
{
	if (s->core->gateway && m->device != s->device && rn_downstream_speaks_for(s, m->device))
		rn_ledger_set_present(s->core->books.ledger, m->device, m->connected != 0);
}

static void request(struct rn_downstream *s, const struct rn_message *message)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, message->request.device);
	/* It is sealed: of a device that lists the hub, it may be the word that it has moved there. */
	if (!rn_downstream_speaks_for(s, message->request.device) &&
	    !(entry && rn_homes_list(&entry->record, s->device)))
		return;
	if (s->core->gateway)
		rn_request_handle(s->core, s, message);
	else
		rn_upstream_say(s->core, message);
}

void rn_downstream_message(struct rn_core *core, struct rn_downstream *s, const struct rn_local *local,
			   const struct rn_message *message)
{
	bool subscriber = s->device != 0;
	if (message->type == RN_MESSAGE_ENROLL && core->gateway && !subscriber)
		rn_admission_enroll(core, s, &message->enroll, local->block, local->block_size);
	else if (message->type == RN_MESSAGE_SUBSCRIBE && subscriber &&
		 rn_downstream_share(s, &s->subscribes_ms, SUBSCRIBE_COSTS_MS, SUBSCRIBES_AT_ONCE_MS))
		subscribe(s, &message->subscribe);
	else if (message->type == RN_MESSAGE_APPLIED && subscriber)
		applied(s, &message->version);
	else if (message->type == RN_MESSAGE_EVENTS && subscriber)
		events(s, &message->events);
	else if (message->type == RN_MESSAGE_REQUEST && subscriber)
		request(s, message);
	else if (message->type == RN_MESSAGE_PRESENCE && subscriber)
		presence(s, &message->presence);
	else if (message->type == RN_MESSAGE_RESOLVE && subscriber)
		rn_resolve_ask(s, &message->resolve);
	else if (message->type == RN_MESSAGE_INTERESTS && subscriber)
		rn_resolve_held(s, &message->interests);
	else if (message->type == RN_MESSAGE_HOME && subscriber)
		rn_rehome_said(s, &message->home);
	else if (message->type == RN_MESSAGE_SEEN && subscriber && core->gateway)
		rn_seen_there(core, s->device, &message->seen);
	else
		rn_downstream_hang_up(core, s->session);
}
