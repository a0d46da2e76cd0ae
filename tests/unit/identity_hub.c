/* SPDX-License-Identifier: Apache-2.0 */
/* The hubs of identity_world.h: core, disk, kernel, and the packets that the kernel meets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "identity_world.h"
#include "service/lease.h"

#define WIREGUARD_MS 180000

int64_t hub_ms(const struct world *w, uint32_t hub)
{
	return w->now - w->hub[hub].boot_at;
}

static uint64_t hub_ns(const struct world *w, uint32_t hub)
{
	return (uint64_t)hub_ms(w, hub) * 1000000ull;
}

uint8_t hub_reads(const struct world *w, uint32_t hub, uint32_t number)
{
	uint32_t count;
	const uint32_t *set = rn_reading_of(w->hub[hub].kernel, hub_ms(w, hub), number, &count);

	return w->hub[hub].on && set ? (uint8_t)(set[1] - 10) + 1 : 0;
}

bool hub_hears(const struct world *w, uint32_t hub, uint32_t other)
{
	return w->hub[hub].on && rn_reading_peer(w->hub[hub].kernel, hub_ms(w, hub), other);
}

static void set_lease(struct world *w, uint32_t hub)
{
	rn_reading_lease(w->hub[hub].kernel, (int64_t)(w->hub[hub].lease_ns / 1000000ull));
}

static void take_lease(struct world *w, uint32_t hub, const struct record *r)
{
	struct hub *h = &w->hub[hub];
	int64_t wall = UNIX_BEGIN + w->now / 1000 + h->wall_offset;

	h->lease_ns =
	    rn_lease_renew(h->lease_ns, RN_LEASE_SECONDS, (uint64_t)r->issued, wall > 0 ? wall : 0, hub_ns(w, hub));
	h->disk.left_ns = h->lease_ns > hub_ns(w, hub) ? h->lease_ns - hub_ns(w, hub) : 0; /* kern saves it then */
	set_lease(w, hub);
}

static void read_record(struct world *w, struct rn_reading *reading, const struct record *r)
{
	uint32_t selectors[2];
	int rc = 0;

	set_selectors(r->set, selectors);
	if (r->kind == K_NUMBER) {
		bool end = r->state >= RN_MEANING_FORGETTING;

		rc = rn_reading_number(reading, &(struct rn_meaning){.number = r->key,
								     .state = r->state,
								     .version = r->version,
								     .selectors = end ? NULL : selectors,
								     .count = end ? 0 : 2});
	} else if (r->kind == K_HUB) {
		rc = rn_reading_hub(reading, r->key, r->apart, r->version);
	}
	if (rc && rc != -ESTALE)
		world_violated(w, "a hub was told that a number means something else before it was told to forget");
	rn_reading_other(reading, r->version);
}

/* From the wire or from the disk. */
static void take(struct world *w, uint32_t hub, const struct record *r)
{
	struct hub *h = &w->hub[hub];

	read_record(w, h->reading, r);
	ledger_keep(&h->ledger, r);
	h->at = r->version > h->at ? r->version : h->at;
}

void hub_boot(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];
	const struct record *r;

	world_note(w, "hub %u: begins at %u/%llu", hub, h->disk.at.epoch, (unsigned long long)h->disk.at.version);
	rn_reading_free(h->reading);
	h->reading = rn_reading_new(hub, NUMBERS);
	memset(&h->ledger, 0, sizeof(h->ledger));
	h->at = 0;
	h->answer_due = false;
	for (uint64_t at = 0; (r = ledger_next(&h->disk.ledger, at)) != NULL; at = r->version)
		take(w, hub, r);
	h->at = h->disk.at.version;
	h->epoch = h->disk.at.epoch;
	rn_reading_resume(h->reading, &h->disk.at);
}

/* The kernel's peers, and what WireGuard knows of them. */
static void forget_peers(struct world *w, uint32_t hub)
{
	for (uint32_t other = 1; other <= HUBS; other++)
		w->hub[hub].key[other]++;
}

void hub_boot_kernel(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];

	rn_reading_free(h->kernel);
	h->kernel = rn_reading_new(hub, NUMBERS);
	memset(&h->enforced, 0, sizeof(h->enforced));
	h->kernel_at = 0;
	h->kernel_epoch = h->disk.at.epoch;
	forget_peers(w, hub);
	set_lease(w, hub);
}

/* Its kernel's lease and WireGuard's sessions go on. */
void world_kill(struct world *w, uint32_t hub)
{
	world_break(w, hub);
	w->counts->back += w->hub[hub].at != w->hub[hub].disk.at.version;
	hub_boot(w, hub);
}

void world_off(struct world *w, uint32_t hub)
{
	world_note(w, "hub %u: off", hub);
	world_break(w, hub);
	w->hub[hub].on = false;
}

void world_on(struct world *w, uint32_t hub, bool restored)
{
	struct hub *h = &w->hub[hub];

	h->on = true;
	if (restored)
		h->disk = h->snapshot;
	h->boot_at = w->now - 1000;
	h->lease_ns = hub_ns(w, hub) + h->disk.left_ns;
	hub_boot(w, hub);
	hub_boot_kernel(w, hub);
	world_enforce(w, hub);
	h->doubt = h->doubt || restored;
	if (h->doubt) {
		rn_reading_doubt(h->kernel);
		h->excused = true;
	}
}

void world_break(struct world *w, uint32_t hub)
{
	struct session *s = &w->session[hub];

	if (!s->live)
		return;
	if (s->subscribed)
		hub_lost(w, hub);
	*s = (struct session){.open = s->open, .broken_at = w->now};
}

void world_connect(struct world *w, uint32_t hub)
{
	struct session *s = &w->session[hub];
	struct hub *h = &w->hub[hub];

	if (s->live || !w->up || !h->on)
		return;
	*s = (struct session){.live = true, .open = s->open};
	s->up.list[s->up.count++] = (struct message){
	    .type = M_SUBSCRIBE,
	    .at = rn_reading_position(h->reading),
	    .seen = {h->kernel_epoch, h->kernel_at},
	};
	world_note(w, "hub %u: subscribes", hub);
}

static void acknowledge(struct world *w, uint32_t hub, bool always)
{
	struct session *s = &w->session[hub];
	uint64_t at = rn_reading_acknowledged(w->hub[hub].reading);

	if (!s->live || !s->answered || s->up.count == QUEUE || (!always && at <= w->hub[hub].acknowledged))
		return;
	w->hub[hub].acknowledged = at;
	s->up.list[s->up.count++] = (struct message){.type = M_ACK, .at = {0, at}};
}

void world_flush(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];

	if (!h->on || (h->answer_due && !h->answer.version))
		return;
	h->disk.ledger = h->ledger;
	h->disk.at = (struct rn_meaning_position){h->epoch, h->at};
	rn_reading_stored(h->reading, h->at);
	acknowledge(w, hub, false);
}

void world_enforce(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];
	const struct record *r;

	if (!h->on || (h->epoch < h->kernel_epoch && !h->answer_due))
		return; /* kern takes nothing of an older epoch */
	if (h->answer_due && rn_reading_begin(h->kernel, &h->answer)) {
		h->kernel_at = 0;
		forget_peers(w, hub);
	}
	h->answer_due = false;
	h->kernel_epoch = h->epoch;
	for (; (r = ledger_next(&h->ledger, h->kernel_at)) != NULL; h->kernel_at = r->version) {
		read_record(w, h->kernel, r);
		if (r->kind == K_HUB && r->apart)
			h->key[r->key]++;
		if (r->kind == K_NETWORK)
			take_lease(w, hub, r);
	}
	h->enforced = h->ledger;
	rn_reading_enforced(h->reading, h->at);
	acknowledge(w, hub, false);
	w->touched = hub;
}

static void answered(struct world *w, uint32_t hub, const struct message *m)
{
	struct hub *h = &w->hub[hub];

	w->session[hub].answered = true;
	h->acknowledged = 0;
	h->answer = m->at;
	h->answer_due = true;
	h->doubt = false;
	if (rn_reading_begin(h->reading, &m->at)) {
		memset(&h->ledger, 0, sizeof(h->ledger));
		h->at = 0;
		h->epoch = m->at.epoch;
		h->disk.ledger = h->ledger;
		h->disk.at = m->at;
	}
	acknowledge(w, hub, true);
}

/* ---- messages ---- */

void world_deliver(struct world *w, uint32_t hub, bool up)
{
	struct session *s = &w->session[hub];
	struct queue *q = up ? &s->up : &s->down;
	struct message m;

	if (!s->live || !q->count)
		return;
	m = q->list[0];
	memmove(q->list, q->list + 1, --q->count * sizeof(*q->list));
	world_note(w, "hub %u: %s %u at %u/%llu kind %u key %u version %llu", hub, up ? "said" : "takes", m.type,
		   m.at.epoch, (unsigned long long)m.at.version, m.record.kind, m.record.key,
		   (unsigned long long)m.record.version);
	if (up) {
		gateway_hears(w, hub, &m);
		return;
	}
	w->touched = hub;
	if (m.type == M_ANSWER)
		answered(w, hub, &m);
	else
		take(w, hub, &m.record);
	world_pump(w, hub);
}

/* ---- packets ---- */

/* Number and destination as hub `from` knows them now. */
void world_send(struct world *w, uint32_t device, uint32_t to)
{
	uint32_t from = device % HUBS + 1, number = w->hub[from].enforced.device[device].number;
	struct frame *f = &w->frame[rng_below(&w->rng, FRAMES)];

	if (!number || from == to || !w->hub[from].on ||
	    !rn_reading_may_send(w->hub[from].kernel, hub_ms(w, from), number) || !hub_hears(w, from, to) ||
	    !hub_hears(w, to, from))
		return;
	*f = (struct frame){true, from, to, number, w->hub[to].key[from], hub_reads(w, from, number), w->now};
}

void world_arrive(struct world *w, unsigned frame)
{
	struct frame *f = &w->frame[frame];
	uint8_t set;

	if (!f->there)
		return;
	f->there = false;
	if (w->now - f->at > WIREGUARD_MS || !hub_hears(w, f->to, f->from) || w->hub[f->to].key[f->from] != f->key)
		return;
	set = hub_reads(w, f->to, f->number);
	w->counts->frames++;
	w->counts->refused += !set;
	if (set && set != f->set)
		world_violated(w, "a frame arrived and was read as another set than it was sent for");
}
