/* SPDX-License-Identifier: Apache-2.0 */
#include "identity_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTICE_MS 60000

void set_selectors(uint8_t set, uint32_t out[2])
{
	out[0] = 1;
	out[1] = 10u + set;
}

void world_violated(struct world *w, const char *what)
{
	if (!w->wrong)
		w->wrong = what;
}

void world_note(const struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->trace)
		return;
	printf("%12.3f ", (double)w->now / 1000);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* ---- ledgers ---- */

static const struct record *first_after(const struct record *list, unsigned count, uint64_t after,
					const struct record *best)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].version > after && (!best || list[i].version < best->version))
			best = &list[i];
	return best;
}

const struct record *ledger_next(const struct ledger *l, uint64_t after)
{
	const struct record *best = first_after(l->number, NUMBERS + 1, after, NULL);

	best = first_after(l->hub, HUBS + 1, after, best);
	best = first_after(l->device, DEVICES + 1, after, best);
	return first_after(&l->network, 1, after, best);
}

void ledger_keep(struct ledger *l, const struct record *r)
{
	struct record *lists[] = {l->number, l->hub, l->device, &l->network};

	lists[r->kind][r->key] = *r;
}

static bool knows_all(const struct world *w, uint64_t version)
{
	return !first_after(w->store.ledger.number, NUMBERS + 1, version, NULL);
}

/* Its session. When it lacked something it may have been silent since it last said something. */
void hub_lost(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];

	h->gone_at = knows_all(w, h->rose_to) ? w->now : h->rose_at;
}

/* ---- gateway: store ---- */

static void end_session(struct world *w, uint32_t hub)
{
	if (w->session[hub].subscribed)
		hub_lost(w, hub);
	w->session[hub] = (struct session){0};
}

static void store_numbers(struct world *w)
{
	struct store *s = &w->store;
	struct rn_meaning n;
	bool sign;

	while (rn_meanings_next_number(w->meanings, &n, &sign)) {
		uint8_t set = n.count ? (uint8_t)(n.selectors[1] - 10) : 0;

		world_note(w, "gateway: number %u state %u set %u version %llu", n.number, n.state, set,
			   (unsigned long long)n.version);

		if (n.state == RN_MEANING_FREE) {
			s->number[n.number].size = 0;
			s->ledger.number[n.number].version = 0;
			continue;
		}
		s->number[n.number].size = (uint8_t)rn_meaning_put(&n, s->number[n.number].data);
		if (sign)
			ledger_keep(&s->ledger, &(struct record){.kind = K_NUMBER,
								 .key = n.number,
								 .version = n.version,
								 .state = (uint8_t)n.state,
								 .set = set});
		w->counts->ended += n.state == RN_MEANING_FORGETTING;
		if (n.state != RN_MEANING_ANNOUNCED)
			continue;
		w->counts->reused += w->last_set[n.number] && w->last_set[n.number] != set + 1;
		w->last_set[n.number] = set + 1;
	}
}

static void store_hubs(struct world *w)
{
	struct store *s = &w->store;
	struct rn_meaning_hub h;
	bool sign;

	while (rn_meanings_next_hub(w->meanings, w->now, &h, &sign)) {
		world_note(w, "gateway: hub %u %s version %llu told %llu", h.hub, h.apart ? "apart" : "member",
			   (unsigned long long)h.version, (unsigned long long)h.told);
		s->hub[h.hub].size = (uint8_t)rn_meaning_hub_put(&h, s->hub[h.hub].data);
		if (sign)
			ledger_keep(
			    &s->ledger,
			    &(struct record){.kind = K_HUB, .key = h.hub, .version = h.version, .apart = h.apart});
		w->counts->apart += sign && h.apart;
		if (!h.connected && w->session[h.hub].subscribed) {
			w->strict = false; /* it may have got a new lease when it was silent for long */
			end_session(w, h.hub);
		}
	}
}

static void store_all(struct world *w)
{
	struct rn_meaning_head head = rn_meanings_head(w->meanings);

	store_numbers(w);
	store_hubs(w);
	w->store.head.size = (uint8_t)rn_meaning_head_put(&head, w->store.head.data);
}

static uint8_t set_of_record(const struct world *w, uint32_t device)
{
	uint32_t number = w->store.ledger.device[device].number;

	return number ? w->store.ledger.number[number].set + 1 : 0;
}

/* True: something was held. */
static bool hold(struct world *w, uint32_t device)
{
	uint8_t want = w->store.want[device];
	uint32_t selectors[2];
	int rc;

	if (!want || w->pending[device] || want == set_of_record(w, device))
		return false;
	set_selectors(want - 1, selectors);
	rc = rn_meanings_hold(w->meanings, selectors, 2, &w->pending[device], NULL);
	w->counts->full += rc == -ENOSPC;
	if (rc && rc != -ENOSPC)
		world_violated(w, "a set cannot be held");
	return !rc;
}

/* True: something was held or released. */
static bool look_at_device(struct world *w, uint32_t device)
{
	struct record *r = &w->store.ledger.device[device];
	uint32_t old = r->number;

	if (hold(w, device))
		return true;
	if (!w->pending[device] || !rn_meanings_usable(w->meanings, w->pending[device]))
		return false;
	*r = (struct record){
	    .kind = K_DEVICE, .key = device, .number = w->pending[device], .version = ++w->store.newest};
	w->pending[device] = 0;
	rn_meanings_release(w->meanings, old);
	return true;
}

static void renew_lease(struct world *w)
{
	struct record *r = &w->store.ledger.network;
	int64_t unix_now = UNIX_BEGIN + w->now / 1000;

	if (!r->version || unix_now - r->issued >= 86400)
		*r = (struct record){.kind = K_NETWORK, .version = ++w->store.newest, .issued = unix_now};
}

void world_pump(struct world *w, uint32_t hub)
{
	struct session *s = &w->session[hub];
	const struct record *r;

	while (s->live && s->subscribed && s->down.count < QUEUE &&
	       (r = ledger_next(&w->store.ledger, s->sent)) != NULL) {
		s->down.list[s->down.count++] = (struct message){.type = M_RECORD, .record = *r};
		s->sent = r->version;
	}
}

void world_commit(struct world *w)
{
	bool again = true;

	renew_lease(w);
	while (again) {
		again = false;
		rn_meanings_step(w->meanings, w->now, &w->store.newest);
		store_all(w);
		for (uint32_t d = 1; d <= DEVICES; d++)
			again = look_at_device(w, d) || again;
	}
	w->mark = rn_meanings_settled(w->meanings) ? w->store.newest : 0;
	for (uint32_t h = 1; h <= HUBS; h++)
		world_pump(w, h);
}

/* ---- gateway: life ---- */

void world_crash(struct world *w)
{
	world_note(w, "gateway: killed");
	rn_meanings_free(w->meanings);
	w->meanings = NULL;
	w->up = false;
	memset(w->pending, 0, sizeof(w->pending));
	for (uint32_t h = 1; h <= HUBS; h++)
		end_session(w, h);
}

static int by_version(const void *a, const void *b)
{
	const struct rn_meaning *x = a, *y = b;

	return x->version < y->version ? -1 : x->version > y->version;
}

static int load_numbers(struct world *w)
{
	static uint32_t selectors[NUMBERS + 1][RN_SELECTORS_MAX];
	struct rn_meaning list[NUMBERS];
	unsigned count = 0;
	int rc = 0;

	for (uint32_t n = 1; n <= NUMBERS && !rc; n++) {
		const struct row *row = &w->store.number[n];

		if (row->size)
			rc = rn_meaning_get(row->data, row->size, selectors[n], &list[count++]);
	}
	qsort(list, count, sizeof(*list), by_version);
	for (unsigned i = 0; i < count && !rc; i++)
		rc = rn_meanings_load_number(w->meanings, &list[i], w->now, w->store.newest);
	return rc;
}

static int load(struct world *w)
{
	struct rn_meaning_head head;
	struct rn_meaning_hub hub;
	int rc = rn_meaning_head_get(w->store.head.data, w->store.head.size, &head);

	if (!rc)
		rc = rn_meanings_load_head(w->meanings, &head);
	if (!rc)
		rc = load_numbers(w);
	for (uint32_t h = 1; h <= HUBS && !rc; h++) {
		const struct row *row = &w->store.hub[h];

		if (!row->size)
			continue;
		rc = rn_meaning_hub_get(row->data, row->size, &hub);
		if (!rc)
			rc = rn_meanings_load_hub(w->meanings, &hub, w->now, w->store.newest);
	}
	for (uint32_t d = 1; d <= DEVICES && !rc; d++)
		if (w->store.ledger.device[d].number)
			rc = rn_meanings_adopt(w->meanings, w->store.ledger.device[d].number);
	for (uint32_t d = 1; d <= DEVICES && !rc; d++)
		(void)hold(w, d);
	return rc;
}

static void begin_epoch(struct world *w, uint32_t epoch)
{
	for (uint32_t h = 1; h <= HUBS; h++)
		end_session(w, h);
	w->counts->epochs++;
	world_note(w, "gateway: epoch %u", epoch);
	if (rn_meanings_begin_epoch(w->meanings, epoch))
		world_violated(w, "the epoch does not begin");
}

void world_start(struct world *w, bool new_epoch)
{
	w->meanings = rn_meanings_new(1, w->numbers, w->patience_ms);
	w->up = true;
	world_note(w, "gateway: started%s", new_epoch ? " in a new epoch" : "");
	if (w->store.head.size && load(w))
		world_violated(w, "the store cannot be loaded");
	if (w->mark && w->store.newest >= w->mark)
		rn_meanings_vouch(w->meanings);
	if (new_epoch)
		begin_epoch(w, rn_meanings_head(w->meanings).epoch + 1);
	world_commit(w);
}

void world_edit(struct world *w, uint32_t device, uint8_t set)
{
	w->store.want[device] = set + 1;
	rn_meanings_release(w->meanings, w->pending[device]);
	w->pending[device] = 0;
}

void world_notice(struct world *w, uint32_t hub)
{
	struct session *s = &w->session[hub];

	if (s->live || !s->open || !w->up)
		return;
	s->open = false;
	world_note(w, "gateway: hub %u is gone", hub);
	rn_meanings_closed(w->meanings, w->now, hub, w->store.newest);
}

static void subscribed(struct world *w, uint32_t hub, const struct message *m)
{
	struct session *s = &w->session[hub];
	struct rn_meaning_position from;
	int rc = rn_meanings_subscribe(w->meanings, w->now, hub, &m->at, &m->seen, w->store.newest, &from);

	s->open = true;
	if (rc == -ESTALE) { /* these hubs do not lie, and can show the record */
		w->counts->restored++;
		begin_epoch(w, (m->at.epoch > m->seen.epoch ? m->at.epoch : m->seen.epoch) + 1);
		return;
	}
	if (rc) {
		world_violated(w, "a hub cannot subscribe");
		return;
	}
	w->counts->anew += from.version == 0;
	w->hub[hub].rose_at = w->now;
	if (w->hub[hub].rose_to > from.version)
		w->hub[hub].rose_to = from.version;
	w->hub[hub].excused |= w->now - w->hub[hub].gone_at >= w->patience_ms;
	s->subscribed = true;
	s->sent = from.version;
	s->down.list[s->down.count++] = (struct message){.type = M_ANSWER, .at = from};
}

void gateway_hears(struct world *w, uint32_t hub, const struct message *m)
{
	struct store before = w->store;
	struct hub *h = &w->hub[hub];

	if (m->type != M_SUBSCRIBE && m->at.version > h->rose_to) {
		h->rose_to = m->at.version;
		h->rose_at = w->now;
	}
	if (m->type == M_SUBSCRIBE) {
		subscribed(w, hub, m);
	} else if (rn_meanings_acknowledge(w->meanings, hub, m->at.version, w->store.newest)) {
		world_violated(w, "an honest acknowledgement is refused");
	} else if (rn_meanings_member(w->meanings, hub) && knows_all(w, m->at.version)) {
		h->excused = false;
	}
	world_commit(w);
	if (!rng_below(&w->rng, 200)) { /* killed before the transaction is durable */
		w->store = before;
		w->mark = w->mark < before.newest ? w->mark : before.newest;
		w->counts->crashes++;
		world_crash(w);
	}
}

/* ---- the world ---- */

void world_advance(struct world *w, int64_t ms)
{
	w->now += ms;
	for (uint32_t h = 1; h <= HUBS; h++)
		w->hub[h].excused |= w->session[h].subscribed && w->now - w->hub[h].rose_at >= w->patience_ms;
	for (uint32_t h = 1; h <= HUBS; h++)
		if (w->session[h].open && !w->session[h].live && w->now - w->session[h].broken_at >= NOTICE_MS)
			world_notice(w, h);
}

void world_begin(struct world *w, uint64_t seed, struct counts *counts)
{
	static const int64_t patience[] = {RN_MEANING_LEASE_MS, RN_MEANING_LEASE_MS, 10 * 60 * 1000};

	memset(w, 0, sizeof(*w));
	w->rng.state = seed;
	w->trace = getenv("TRACE") != NULL;
	w->counts = counts;
	w->now = 1000000;
	w->strict = seed % 4 == 0;
	w->disks = seed % 8 < 4;
	w->patience_ms = patience[rng_below(&w->rng, 3)];
	w->numbers = DEVICES + 1 + rng_below(&w->rng, NUMBERS - DEVICES);
	for (uint32_t h = 1; h <= HUBS; h++) {
		w->hub[h].on = true;
		w->hub[h].boot_at = w->now - 1000 * h;
		w->hub[h].disk.at.epoch = 1;
		hub_boot(w, h);
		hub_boot_kernel(w, h);
	}
	world_start(w, false);
}

void world_end(struct world *w)
{
	rn_meanings_free(w->meanings);
	for (uint32_t h = 1; h <= HUBS; h++) {
		rn_reading_free(w->hub[h].reading);
		rn_reading_free(w->hub[h].kernel);
	}
}
