/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 10,000 seeded sequences of a gateway, 4 hubs and 6 devices whose sets are edited (domain/meaning, domain/reading, the
 * leases of service/lease): messages delayed and reordered between hubs, lost with their sessions; gateway and hubs
 * killed, switched off for days, restored from backups; hubs' clocks set. SEED=n runs one again (TRACE=1 with all that
 * happens), SEEDS=n that many.
 *
 * Broken on purpose, each alone, and found within 5,000 seeds, most within 100:
 *
 *   a number is used, forgotten or rests without the acknowledgements
 *   no rest: used again at once
 *   who is not connected is not waited for; apart after a minute; apart without a word
 *   a start forgets the members; what is left of leases; takes announced for usable
 *   a joiner is told from where it was; is a member at once; is not waited for
 *   what a hub missed was deleted long ago, and it goes on (horizon)
 *   a claim from the future is believed; told has no cap at a start
 *   announced before every member was heard after a start
 *   members stay members in a new epoch; go on from the old one
 *   an end is taken back without a record; numbers are never freed
 *   a hub acknowledges before its disk, before its kernel; claims its disk only
 *   a hub does not forget; keeps all, or its peers, when told from nothing
 *   a hub keeps a peer that is apart; goes on without a lease; in doubt; as a joiner
 *
 * test_identity_numbers.c finds five that need more luck or cannot be seen here: no wait for the fence, an end that a
 * start forgets, an acknowledgement that is not taken back, ended numbers sent, a silent hub that is waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity_world.h"

#define SEEDS 10000
#define STEPS 160
#define MINUTE_MS 60000ll
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define ROUNDS 40
#define NOTHING 99 /* but what time brings */

/* ---- what must hold ---- */

/* One of two who do not hear each other may be behind for ever: no frame passes between them. */
static void check_pair(struct world *w, uint32_t a, uint32_t b)
{
	if (!w->strict && (!hub_hears(w, a, b) || !hub_hears(w, b, a)))
		return;
	for (uint32_t n = 1; n <= w->numbers; n++) {
		uint8_t x = hub_reads(w, a, n), y = hub_reads(w, b, n);

		if (x && y && x != y)
			w->wrong = "two hubs read one number as different sets";
	}
}

static void check_gateway(struct world *w, uint32_t hub)
{
	struct rn_meaning m;

	if (!w->up || !w->session[hub].answered || !rn_meanings_member(w->meanings, hub))
		return;
	for (uint32_t n = 1; n <= w->numbers; n++) {
		uint8_t set = hub_reads(w, hub, n);

		if (set && rn_meanings_get(w->meanings, n, &m) && m.count && m.selectors[1] != 10u + set - 1)
			w->wrong = "a hub and the gateway read one number as different sets";
	}
}

static void check(struct world *w)
{
	uint32_t first = w->touched > HUBS ? 1 : w->touched, last = w->touched > HUBS ? HUBS : w->touched;

	for (uint32_t a = first; a && a <= last; a++) {
		for (uint32_t b = 1; b <= HUBS; b++)
			if (a != b)
				check_pair(w, a, b);
		check_gateway(w, a);
	}
	w->touched = 0;
}

/* For whom the gateway waits before a number is used. */
static bool is_waited_for(const struct world *w, uint32_t hub)
{
	const struct record *r = &w->store.ledger.hub[hub];
	bool late = !w->session[hub].subscribed && w->now - w->hub[hub].gone_at >= w->patience_ms;

	return w->up && rn_meanings_head(w->meanings).epoch == w->hub[hub].kernel_epoch && r->version && !r->apart &&
	       w->hub[hub].on && !w->hub[hub].excused && !late;
}

static void check_use(struct world *w, uint32_t device)
{
	uint32_t from = device % HUBS + 1, number = w->hub[from].enforced.device[device].number;

	if (!number || !is_waited_for(w, from) || !rn_reading_may_send(w->hub[from].kernel, hub_ms(w, from), number))
		return;
	for (uint32_t to = 1; to <= HUBS; to++)
		if (to != from && is_waited_for(w, to) && hub_hears(w, from, to) && hub_hears(w, to, from) &&
		    !hub_reads(w, to, number))
			w->wrong = "a number may be on the wire that a hub with a lease does not understand";
}

/* ---- what happens ---- */

static int64_t some_time(struct world *w)
{
	switch (rng_below(&w->rng, 8)) {
	case 0:
		return rng_below(&w->rng, 2 * DAY_MS);
	case 1:
		return rng_below(&w->rng, 3 * HOUR_MS);
	case 2:
	case 3:
		return rng_below(&w->rng, 12 * MINUTE_MS);
	default:
		return rng_below(&w->rng, 1000);
	}
}

static void edit(struct world *w)
{
	if (!w->up)
		return;
	world_edit(w, rng_below(&w->rng, DEVICES) + 1, (uint8_t)rng_below(&w->rng, SETS));
	world_commit(w);
}

static void gateway_happens(struct world *w, uint32_t what)
{
	if (!w->up) {
		bool back = !w->strict && w->has_backup && !rng_below(&w->rng, 3);

		if (back)
			w->store = w->backup;
		world_start(w, back && (w->disks || rng_below(&w->rng, 2)));
		w->touched = HUBS + 1;
	} else if (what < 20) {
		edit(w);
	} else if (what < 21) {
		world_crash(w);
	} else if (what < 23) {
		w->backup = w->store;
		w->has_backup = true;
	} else {
		world_commit(w);
	}
}

static void power_happens(struct world *w, uint32_t hub)
{
	struct hub *h = &w->hub[hub];

	if (w->strict)
		return;
	if (h->on && !rng_below(&w->rng, 3))
		world_off(w, hub);
	else if (!h->on)
		world_on(w, hub, w->disks && h->snapshot.at.version && !rng_below(&w->rng, 3));
}

static void hub_happens(struct world *w, uint32_t what)
{
	uint32_t hub = rng_below(&w->rng, HUBS) + 1;
	struct hub *h = &w->hub[hub];

	if (what < 14)
		world_connect(w, hub);
	else if (what < 17)
		world_break(w, hub);
	else if (what < 18)
		world_notice(w, hub);
	else if (what < 20)
		power_happens(w, hub);
	else if (what < 21)
		world_kill(w, hub);
	else if (what < 22)
		h->snapshot = h->disk;
	else if (what < 23)
		h->wall_offset = rng_below(&w->rng, 60 * 86400) - 30 * 86400;
	else if (what < 36)
		world_flush(w, hub);
	else if (what < 48)
		world_enforce(w, hub);
	else
		for (uint32_t n = 1 + rng_below(&w->rng, 8); n; n--)
			world_deliver(w, hub, what & 1);
}

static void make_well(struct world *w, uint32_t but)
{
	if (!w->up)
		world_start(w, false);
	for (uint32_t h = 1; h <= HUBS; h++) {
		if (h == but)
			continue;
		w->hub[h].wall_offset = 0;
		if (!w->hub[h].on)
			world_on(w, h, false);
		world_connect(w, h);
	}
}

static bool is_quiet(const struct world *w, uint32_t but)
{
	for (uint32_t h = 1; h <= HUBS; h++)
		if (h != but && (!w->session[h].live || w->session[h].up.count || w->session[h].down.count))
			return false;
	return w->up;
}

/* Everybody but one is well for a while; 0: everybody. */
static void run_well(struct world *w, uint32_t but)
{
	make_well(w, but);
	for (unsigned i = 0; i < 40 && !w->wrong && !(i && is_quiet(w, but)); i++) {
		for (uint32_t h = 1; h <= HUBS; h++) {
			for (unsigned n = 0; n < QUEUE && h != but; n++)
				world_deliver(w, h, false);
			if (h == but)
				continue;
			world_flush(w, h);
			world_enforce(w, h);
			world_deliver(w, h, true);
		}
		make_well(w, but);
		w->touched = HUBS + 1;
		check(w);
	}
}

static void go_on_without(struct world *w, uint32_t hub, unsigned turns, int64_t ms)
{
	for (unsigned i = 0; i < turns && !w->wrong; i++) {
		edit(w);
		edit(w);
		run_well(w, hub);
		world_advance(w, ms);
		gateway_happens(w, NOTHING);
	}
}

/* Not connected, switched off, or connected and silent, for longer than a lease. */
static void away(struct world *w, uint32_t hub)
{
	uint32_t how = w->strict ? 0 : rng_below(&w->rng, 3);

	if (how == 0)
		world_break(w, hub);
	else if (how == 1)
		world_off(w, hub);
	go_on_without(w, hub, 7, 30 * HOUR_MS);
	if (how == 1)
		world_on(w, hub, false);
}

/* Its disk is put back to what it was before the others went on. */
static void restored_hub(struct world *w, uint32_t hub)
{
	w->hub[hub].snapshot = w->hub[hub].disk;
	go_on_without(w, 0, 3, 12 * MINUTE_MS);
	world_off(w, hub);
	world_on(w, hub, true);
}

/* So is the gateway's store, and nobody says so; the first to come is a hub that missed it all. */
static void restored_gateway(struct world *w, uint32_t hub)
{
	world_break(w, hub);
	w->backup = w->store;
	w->has_backup = true;
	go_on_without(w, hub, 2, 12 * MINUTE_MS);
	if (w->up)
		world_crash(w);
	w->store = w->backup;
	world_start(w, false);
	edit(w);
	world_connect(w, hub);
	world_deliver(w, hub, true);
	for (unsigned i = 0; i < 12; i++)
		world_deliver(w, hub, false);
	world_enforce(w, hub);
}

static void somebody_is_away(struct world *w)
{
	uint32_t hub = rng_below(&w->rng, HUBS) + 1, what = w->strict ? 0 : rng_below(&w->rng, 4);

	if (!w->hub[hub].on || !w->up)
		return;
	if (what < 2)
		away(w, hub);
	else if (w->disks)
		restored_hub(w, hub);
	else
		restored_gateway(w, hub);
	w->touched = HUBS + 1;
}

static void something_happens(struct world *w)
{
	uint32_t what = rng_below(&w->rng, 100), device = rng_below(&w->rng, DEVICES) + 1;

	if (what < 12)
		gateway_happens(w, rng_below(&w->rng, 30));
	else if (what < 18)
		world_advance(w, some_time(w));
	else if (what < 20)
		run_well(w, rng_below(&w->rng, HUBS + 1));
	else if (what < 21 && !rng_below(&w->rng, 2))
		somebody_is_away(w);
	else if (what < 30)
		world_send(w, device, rng_below(&w->rng, HUBS) + 1);
	else if (what < 40)
		world_arrive(w, rng_below(&w->rng, FRAMES));
	else
		hub_happens(w, rng_below(&w->rng, 80));
	check_use(w, device);
	check(w);
}

/* ---- all's well that ends well ---- */

static const char *unwell(const struct world *w)
{
	bool used[NUMBERS + 1] = {false};
	uint32_t count = 0;

	for (uint32_t d = 1; d <= DEVICES; d++) {
		uint32_t number = w->store.ledger.device[d].number;

		if (!w->store.want[d])
			continue;
		if (!rn_meanings_usable(w->meanings, number) ||
		    w->store.ledger.number[number].set + 1 != w->store.want[d])
			return "a device has not got a number that means its set";
		count += !used[number];
		used[number] = true;
		for (uint32_t h = 1; h <= HUBS; h++)
			if (hub_reads(w, h, number) != w->store.want[d] ||
			    !rn_reading_may_send(w->hub[h].kernel, hub_ms(w, h), number))
				return "a hub does not read or may not send a number that is in use";
	}
	for (uint32_t h = 1; h <= HUBS; h++)
		if (!rn_meanings_member(w->meanings, h))
			return "a hub that is well is no member";
	return rn_meanings_count(w->meanings) == count ? NULL : "a number that nobody has did not become free";
}

static void settle(struct world *w)
{
	for (unsigned i = 0; i < ROUNDS && !w->wrong; i++) {
		run_well(w, 0);
		if (!i)
			w->store.ledger.network.issued = 0; /* a new lease for everybody */
		if (w->up && !unwell(w))
			return;
		world_advance(w, 6 * MINUTE_MS);
		if (w->up)
			world_commit(w);
	}
	if (!w->wrong)
		w->wrong = w->up ? unwell(w) : "the gateway is not up";
}

/* ---- the runs ---- */

static bool run(uint64_t seed, struct counts *counts)
{
	static struct world w;
	unsigned step;

	world_begin(&w, seed, counts);
	for (uint32_t d = 1; d <= DEVICES; d++)
		world_edit(&w, d, (uint8_t)rng_below(&w.rng, SETS));
	world_commit(&w);
	if (rng_below(&w.rng, 4))
		run_well(&w, 0);
	for (step = 0; step < STEPS && !w.wrong; step++)
		something_happens(&w);
	if (!w.wrong)
		settle(&w);
	if (w.wrong)
		printf("SEED=%llu step %u: %s\n", (unsigned long long)seed, step, w.wrong);
	world_end(&w);
	return !w.wrong;
}

static void test_no_two_read_one_number_differently(void **state)
{
	const char *only = getenv("SEED"), *seeds = getenv("SEEDS");
	uint64_t count = seeds ? strtoull(seeds, NULL, 10) : SEEDS;
	struct counts c = {0};
	bool good = true;

	(void)state;
	if (only) {
		assert_true(run(strtoull(only, NULL, 10), &c));
		return;
	}
	for (uint64_t seed = 1; seed <= count && good; seed++)
		good = run(seed, &c);
	printf("reused %llu, ended %llu, apart %llu, anew %llu, full %llu, epochs %llu (found out %llu), crashes %llu, "
	       "hubs back %llu, frames %llu (refused %llu)\n",
	       (unsigned long long)c.reused, (unsigned long long)c.ended, (unsigned long long)c.apart,
	       (unsigned long long)c.anew, (unsigned long long)c.full, (unsigned long long)c.epochs,
	       (unsigned long long)c.restored, (unsigned long long)c.crashes, (unsigned long long)c.back,
	       (unsigned long long)c.frames, (unsigned long long)c.refused);
	assert_true(good);
	/* It must not hold because nothing happened. */
	assert_true(count < SEEDS || (c.reused > 1000 && c.apart > 1000 && c.full && c.restored > 100 &&
				      c.back > 1000 && c.frames > 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_two_read_one_number_differently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
