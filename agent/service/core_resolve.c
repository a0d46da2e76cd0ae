/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host knows the devices of its own hub, and of other hubs those that its devices have to do with. Who meets an
 * address that it does not know asks upwards (RESOLVE). The gateway, where everybody is known, answers where a rule
 * lets the two meet: each of the two hubs gets the other's device, and is told for which of its own (INTEREST); changes
 * follow as long as the session lasts. To all else there is no answer, which grants nothing.
 */
#include <string.h>

#include "abi/verdict.h"
#include "base/buf.h"
#include "domain/homes.h"
#include "service/core_known.h"
#include "service/core_state.h"

#define ASK_AGAIN_MS 1000
#define HELD_SIZE 20
#define HELD_AT_ONCE 512		/* in one message */
#define HELD_MAX (2 * RN_INTERESTS_MAX) /* that are looked at in one session; nobody has more */
/* Questions: a device has 20 a second and 60 at once; a hub asks for all of its devices, and has fifty times that. */
#define NODE_COSTS_MS 50
#define HUB_COSTS_MS 1
#define AT_ONCE_MS 3000
#define AT_ONCE (AT_ONCE_MS / NODE_COSTS_MS)

/* ---- who is to know whom ---- */

static bool alive(const struct rn_ledger_entry *entry)
{
	return entry && !(entry->record.flags & RN_DEVICE_REVOKED);
}

/* Whatever it asked for: it is sent this device. */
static bool is_sent(const struct rn_downstream *s, uint32_t device)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, device);
	return entry && s->subscribed && rn_feed_wants(&s->feed, entry);
}

/* The receiver of a session goes on hearing of this device, of which it has the record of that version (NULL: none). */
static void hold(struct rn_downstream *s, uint32_t device, const struct rn_position *has)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, device);
	struct rn_message removed = {.type = RN_MESSAGE_REMOVED};
	if (!s->subscribed || rn_feed_interest(&s->feed, device, entry, has, &removed.removed.device))
		return;
	if (removed.removed.device && !is_sent(s, removed.removed.device))
		rn_core_say(s->core, s->session, &removed);
	rn_downstream_pump_one(s);
}

void rn_resolve_hold(struct rn_downstream *s, uint32_t device)
{
	hold(s, device, NULL);
}

/* On the gateway: what this host itself does as a hub. */
static void hold_here(struct rn_core *core, const struct rn_ledger_entry *entry, uint32_t receiver)
{
	struct rn_downstream *s = rn_downstream_of(core, receiver);
	uint32_t gone;
	if (!rn_feed_interest(&core->kern.feed, entry->device, entry, NULL, &gone) && gone)
		rn_core_kern_remove(core, gone);
	rn_core_kern_pump(core);
	if (s)
		hold(s, entry->device, NULL);
}

static void give(struct rn_core *core, const struct rn_ledger_entry *entry, const struct rn_ledger_entry *receiver)
{
	struct rn_message message = {.type = RN_MESSAGE_INTEREST,
				     .interest = {.device = entry->device, .receiver = receiver->device}};
	struct rn_downstream *hub = rn_downstream_of(core, receiver->record.hub);
	if (receiver->record.hub == core->params.self.device) {
		hold_here(core, entry, receiver->device);
	} else if (hub && hub->subscribed) {
		hold(hub, entry->device, NULL);
		rn_core_say(core, hub->session, &message);
	}
}

static bool may_know(struct rn_core *core, const struct rn_ledger_entry *a, const struct rn_ledger_entry *b)
{
	return alive(a) && alive(b) && a->record.hub != b->record.hub &&
	       rn_ledger_meets(core->books.ledger, &a->record, &b->record);
}

static void ask(struct rn_core *core, uint32_t device, const struct rn_addr *address)
{
	struct rn_message message = {.type = RN_MESSAGE_RESOLVE, .resolve = {.device = device, .address = *address}};
	if (!core->gateway) {
		rn_upstream_say(core, &message);
		return;
	}
	const struct rn_ledger_entry *a = rn_ledger_device(core->books.ledger, device);
	const struct rn_ledger_entry *b = rn_ledger_by_address(core->books.ledger, address);
	if (!may_know(core, a, b))
		return;
	give(core, b, a);
	give(core, a, b);
}

/* ---- what this host's kern met ---- */

/* True where the same was asked just now. */
static bool asked(struct rn_core *core, uint32_t device, const struct rn_addr *address)
{
	int64_t now = rn_core_now_ms(core);
	for (unsigned i = 0; i < RN_ASKED; i++) {
		const struct rn_asked *a = &core->asked[i];
		if (a->device == device && !rn_addr_compare(&a->address, address) && now < a->at_ms + ASK_AGAIN_MS)
			return true;
	}
	core->asked[core->asked_next++ % RN_ASKED] = (struct rn_asked){*address, device, now};
	return false;
}

/* Nor does a device that scans the network use up the share of all others here. */
static bool may_ask(struct rn_core *core, uint32_t device)
{
	uint32_t now = (uint32_t)(rn_core_now_ms(core) / NODE_COSTS_MS) + 1;
	uint32_t at = rn_numbers_get(core->questions, device);
	if (at < now)
		at = now;
	return at - now < AT_ONCE && !rn_numbers_set(core->questions, device, at + 1);
}

/* Of the two ends of a packet the one that is known must be this host, or on a hub one of its devices. */
static void ask_for(struct rn_core *core, const struct rn_addr *known, const struct rn_addr *unknown)
{
	const struct rn_ledger_entry *entry = rn_ledger_by_address(core->books.ledger, known);
	bool ours = entry && (core->hub ? entry->record.hub == core->params.self.device
					: entry->device == core->params.self.device);
	if (ours && !rn_ledger_by_address(core->books.ledger, unknown) && !asked(core, entry->device, unknown) &&
	    may_ask(core, entry->device))
		ask(core, entry->device, unknown);
}

/* On the gateway the ledger knows everybody: what its kern does not know is of another hub. */
static void ask_here(struct rn_core *core, const struct rn_addr *known, const struct rn_addr *unknown)
{
	const struct rn_ledger_entry *entry = rn_ledger_by_address(core->books.ledger, known);
	if (entry && entry->record.hub == core->params.self.device && !asked(core, entry->device, unknown) &&
	    may_ask(core, entry->device))
		ask(core, entry->device, unknown);
}

void rn_resolve_events(struct rn_core *core, const uint8_t *events, size_t size)
{
	void (*meet)(struct rn_core *, const struct rn_addr *, const struct rn_addr *) =
	    core->gateway ? ask_here : ask_for;
	for (; size >= sizeof(struct rn_event); events += sizeof(struct rn_event), size -= sizeof(struct rn_event)) {
		struct rn_event e;
		memcpy(&e, events, sizeof(e));
		if (e.reason == RN_UNKNOWN_DESTINATION)
			meet(core, &e.source, &e.destination);
		else if (e.reason == RN_UNKNOWN_SOURCE || e.reason == RN_WRONG_IDENTITY)
			meet(core, &e.destination, &e.source);
	}
}

/* ---- what comes up ---- */

static bool take_share(struct rn_downstream *s)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(s->core->books.ledger, s->device);
	int64_t costs = entry && rn_kind_is_hub(entry->record.kind) ? HUB_COSTS_MS : NODE_COSTS_MS;
	return entry && rn_downstream_share(s, &s->resolve_ms, costs, AT_ONCE_MS);
}

void rn_resolve_ask(struct rn_downstream *from, const struct rn_message_resolve *message)
{
	if (rn_downstream_speaks_for(from, message->device) && take_share(from))
		ask(from->core, message->device, &message->address);
}

static void held(struct rn_downstream *s, uint32_t device, uint32_t receiver, const struct rn_position *has)
{
	const struct rn_ledger_entry *a = rn_ledger_device(s->core->books.ledger, receiver);
	const struct rn_ledger_entry *b = rn_ledger_device(s->core->books.ledger, device);
	struct rn_message removed = {.type = RN_MESSAGE_REMOVED, .removed = {.device = device}};
	if (s->held < HELD_MAX && ++s->held && b && a && rn_downstream_speaks_for(s, receiver) &&
	    rn_ledger_meets(s->core->books.ledger, &a->record, &b->record))
		hold(s, device, has);
	else if (!is_sent(s, device)) /* it may have come to list this hub meanwhile */
		rn_core_say(s->core, s->session, &removed);
}

void rn_resolve_held(struct rn_downstream *from, const struct rn_message_interests *message)
{
	struct rn_reader r = rn_reader(message->items, message->items_size);
	while (rn_reader_left(&r) >= HELD_SIZE) {
		uint32_t device = rn_read_u32(&r), receiver = rn_read_u32(&r);
		struct rn_position has = {.epoch = rn_read_u32(&r)};
		has.version = rn_read_u64(&r);
		held(from, device, receiver, &has);
	}
}

/* ---- what comes down, and the session it comes by ---- */

void rn_resolve_given(struct rn_core *core, const struct rn_message_interest *message)
{
	struct rn_downstream *s = core->hub ? rn_downstream_of(core, message->receiver) : NULL;
	if (s && message->device)
		hold(s, message->device, NULL);
}

/* One of this host's devices that the rules let meet the other. NULL: none does any more. */
static const struct rn_ledger_entry *known_for(struct rn_core *core, const struct rn_known *known,
					       const struct rn_ledger_entry *other)
{
	if (!core->hub)
		return rn_ledger_device(core->books.ledger, core->params.self.device);
	return known ? rn_known_for(known, &other->record) : NULL;
}

static void say_held(struct rn_core *core, struct rn_writer *w)
{
	struct rn_message message = {.type = RN_MESSAGE_INTERESTS,
				     .interests = {.items = w->data, .items_size = w->at}};
	if (w->at)
		rn_upstream_say(core, &message);
	w->at = 0;
}

void rn_resolve_opened(struct rn_core *core)
{
	uint8_t block[HELD_AT_ONCE * HELD_SIZE];
	struct rn_writer w = rn_writer(block, sizeof(block));
	const struct rn_ledger_entry *entry;
	struct rn_known *known = core->hub ? rn_known_new(core->books.ledger, core->params.self.device) : NULL;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		/* A hub is sent all hubs, a node those that it lists; others that it asked for are as any other device.
		 */
		if (rn_homes_concern(&entry->record, rn_home_hub(core)) || rn_home_lists(core, entry->device) ||
		    (core->hub && rn_kind_is_hub(entry->record.kind)))
			continue;
		const struct rn_ledger_entry *receiver = known_for(core, known, entry);
		rn_write_u32(&w, entry->device);
		rn_write_u32(&w, receiver ? receiver->device : 0);
		rn_write_u32(&w, entry->epoch);
		rn_write_u64(&w, entry->version);
		if (w.at == sizeof(block))
			say_held(core, &w);
	}
	rn_known_free(known);
	say_held(core, &w);
}
