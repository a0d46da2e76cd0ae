/* SPDX-License-Identifier: Apache-2.0 */
/* Identity numbers one rule at a time; the simulation beside it plays them all at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "domain/meaning.h"
#include "domain/reading.h"

#define PATIENT RN_MEANING_LEASE_MS
#define BENCH_HUBS 1000u
#define BENCH_NUMBERS 200000u

static const uint32_t alice[] = {1, 4}, bob[] = {1, 5}, carol[] = {1, 6};

/* A gateway's meanings and its counter of versions. */
struct fixture {
	struct rn_meanings *m;
	uint64_t version;
	int64_t now;
};

static void begin(struct fixture *f, uint32_t numbers, int64_t patience)
{
	*f = (struct fixture){rn_meanings_new(1, numbers, patience), 1, 1000};
	assert_non_null(f->m);
}

static void step(struct fixture *f)
{
	rn_meanings_step(f->m, f->now, &f->version);
}

static int come(struct fixture *f, uint32_t hub, uint32_t epoch, uint64_t version, struct rn_meaning_position *ret)
{
	struct rn_meaning_position claim = {epoch, version};
	int rc = rn_meanings_subscribe(f->m, f->now, hub, &claim, &claim, f->version, ret);

	step(f);
	return rc;
}

static void acknowledge(struct fixture *f, uint32_t hub)
{
	assert_int_equal(rn_meanings_acknowledge(f->m, hub, f->version, f->version), 0);
	step(f);
}

static void join(struct fixture *f, uint32_t hub)
{
	struct rn_meaning_position from;

	assert_int_equal(come(f, hub, 0, 0, &from), 0);
	assert_int_equal(from.version, 0);
	acknowledge(f, hub);
	assert_true(rn_meanings_member(f->m, hub));
}

static uint32_t hold(struct fixture *f, const uint32_t *set)
{
	uint32_t number;

	assert_int_equal(rn_meanings_hold(f->m, set, 2, &number, NULL), 0);
	step(f);
	return number;
}

static enum rn_meaning_state state_of(struct fixture *f, uint32_t number)
{
	struct rn_meaning m;

	return rn_meanings_get(f->m, number, &m) ? m.state : RN_MEANING_FREE;
}

static void leave(struct fixture *f, uint32_t number)
{
	rn_meanings_release(f->m, number);
	step(f);
}

static void test_a_number_lives_and_ends(void **state)
{
	struct fixture f;
	uint32_t number;

	(void)state;
	begin(&f, 10, PATIENT);
	join(&f, 7);
	join(&f, 8);
	number = hold(&f, alice);
	assert_int_equal(hold(&f, alice), number);
	assert_int_equal(state_of(&f, number), RN_MEANING_ANNOUNCED);
	acknowledge(&f, 7);
	assert_false(rn_meanings_usable(f.m, number));
	acknowledge(&f, 8);
	assert_true(rn_meanings_usable(f.m, number));
	leave(&f, number);
	assert_true(rn_meanings_usable(f.m, number)); /* one has it still */
	leave(&f, number);
	assert_int_equal(state_of(&f, number), RN_MEANING_ENDING);
	acknowledge(&f, 7);
	acknowledge(&f, 8);
	assert_int_equal(state_of(&f, number), RN_MEANING_FORGETTING);
	assert_int_not_equal(hold(&f, alice), number);
	acknowledge(&f, 8);
	acknowledge(&f, 7);
	assert_int_equal(state_of(&f, number), RN_MEANING_RESTING);
	assert_int_equal(rn_meanings_deadline(f.m, f.now), f.now + RN_MEANING_REST_MS);
	f.now += RN_MEANING_REST_MS;
	step(&f);
	assert_int_equal(state_of(&f, number), RN_MEANING_FREE);
	assert_int_equal(rn_meanings_count(f.m), 1);
	rn_meanings_free(f.m);
}

static void test_what_ends_comes_back(void **state)
{
	struct fixture f;
	uint32_t number;

	(void)state;
	begin(&f, 10, PATIENT);
	join(&f, 7);
	number = hold(&f, alice);
	acknowledge(&f, 7);
	leave(&f, number);
	assert_int_equal(hold(&f, alice), number);
	assert_int_equal(state_of(&f, number), RN_MEANING_ANNOUNCED);
	acknowledge(&f, 7);
	assert_true(rn_meanings_usable(f.m, number));
	/* Never announced, never wanted: nobody has to be asked. */
	rn_meanings_closed(f.m, f.now, 7, f.version);
	assert_int_equal(rn_meanings_hold(f.m, bob, 2, &number, NULL), 0);
	rn_meanings_release(f.m, number);
	step(&f);
	assert_int_equal(state_of(&f, number), RN_MEANING_FREE);
	rn_meanings_free(f.m);
}

/* Three sets with one hash (FNV-1a over 32-bit words). */
static void test_sets_that_collide(void **state)
{
	uint32_t sets[3][2] = {{1, 0x80000001}, {2, 0}, {3, 0}};
	uint32_t number[3];
	struct fixture f;

	(void)state;
	for (unsigned i = 1; i < 3; i++)
		sets[i][1] = ((2166136261u ^ 1) * 16777619u) ^ ((2166136261u ^ sets[i][0]) * 16777619u) ^ sets[0][1];
	for (unsigned gone = 0; gone < 3; gone++) {
		begin(&f, 10, PATIENT);
		for (unsigned i = 0; i < 3; i++)
			number[i] = hold(&f, sets[i]);
		assert_true(number[0] != number[1] && number[1] != number[2] && number[0] != number[2]);
		leave(&f, number[gone]);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(hold(&f, sets[i]) == number[i], i != gone);
		rn_meanings_free(f.m);
	}
}

static void test_all_numbers_used_up(void **state)
{
	static const uint32_t descending[] = {5, 4};
	struct fixture f;
	struct rn_err err = {""};
	uint32_t number = 99, first;

	(void)state;
	begin(&f, 2, PATIENT);
	join(&f, 7);
	first = hold(&f, alice);
	hold(&f, bob);
	acknowledge(&f, 7);
	assert_int_equal(rn_meanings_hold(f.m, carol, 2, &number, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "all 2 identity numbers"));
	assert_int_equal(number, 99);
	assert_int_equal(rn_meanings_hold(f.m, descending, 2, &number, &err), -EINVAL);
	assert_int_equal(rn_meanings_hold(f.m, alice, 0, &number, &err), -EINVAL);
	leave(&f, first);
	acknowledge(&f, 7);
	acknowledge(&f, 7);
	assert_int_equal(rn_meanings_hold(f.m, carol, 2, &number, &err), -ENOSPC);
	f.now += RN_MEANING_REST_MS;
	step(&f);
	assert_int_equal(hold(&f, carol), first);
	rn_meanings_free(f.m);
}

static void test_a_lease_ends_and_a_fence_is_waited_for(void **state)
{
	struct rn_meaning_position from;
	struct fixture f;
	uint32_t number, other;

	(void)state;
	begin(&f, 10, PATIENT);
	join(&f, 7);
	join(&f, 8);
	number = hold(&f, alice);
	acknowledge(&f, 7);
	acknowledge(&f, 8);
	leave(&f, number);
	acknowledge(&f, 7);
	acknowledge(&f, 8);
	acknowledge(&f, 7); /* 7 has forgotten it, 8 has not */
	rn_meanings_closed(f.m, f.now, 8, f.version);
	other = hold(&f, bob);
	acknowledge(&f, 7);
	f.now += RN_MEANING_LEASE_MS - 1;
	step(&f);
	assert_true(rn_meanings_member(f.m, 8));
	assert_false(rn_meanings_usable(f.m, other));
	f.now++;
	step(&f);
	assert_false(rn_meanings_member(f.m, 8));
	assert_true(rn_meanings_usable(f.m, other));
	/* 7 still hears 8, which may have been switched off and believe in its lease. */
	assert_int_equal(state_of(&f, number), RN_MEANING_FORGETTING);
	acknowledge(&f, 7);
	assert_int_equal(state_of(&f, number), RN_MEANING_RESTING);
	assert_int_equal(come(&f, 8, 1, 5, &from), 0);
	assert_int_equal(from.version, 0);
	assert_false(rn_meanings_member(f.m, 8));
	rn_meanings_free(f.m);
}

/* Connected, and says nothing: as long as one that is not connected, and then it has to come again. */
static void test_a_hub_that_is_silent(void **state)
{
	struct rn_meaning_hub hub;
	struct fixture f;
	uint32_t number;
	bool sign;

	(void)state;
	begin(&f, 10, 60000);
	join(&f, 7);
	join(&f, 8);
	acknowledge(&f, 7);
	acknowledge(&f, 8);
	f.now += 2 * RN_MEANING_LEASE_MS; /* it lacked nothing */
	step(&f);
	assert_int_equal(rn_meanings_deadline(f.m, f.now), INT64_MAX);
	number = hold(&f, alice);
	acknowledge(&f, 7);
	assert_false(rn_meanings_usable(f.m, number));
	f.now += 60000;
	step(&f);
	assert_true(rn_meanings_usable(f.m, number));
	while (rn_meanings_next_hub(f.m, f.now, &hub, &sign))
		assert_true(hub.connected);
	f.now += RN_MEANING_LEASE_MS;
	step(&f);
	assert_false(rn_meanings_member(f.m, 8));
	assert_true(rn_meanings_member(f.m, 7));
	assert_true(rn_meanings_next_hub(f.m, f.now, &hub, &sign));
	assert_true(hub.hub == 8 && hub.apart && sign && !hub.connected);
	assert_int_equal(rn_meanings_acknowledge(f.m, 8, f.version, f.version), -EINVAL);
	rn_meanings_free(f.m);
}

static void test_patience(void **state)
{
	struct fixture f;
	uint32_t number;

	(void)state;
	begin(&f, 10, 60000);
	join(&f, 7);
	join(&f, 8);
	rn_meanings_closed(f.m, f.now, 8, f.version);
	number = hold(&f, alice);
	acknowledge(&f, 7);
	assert_false(rn_meanings_usable(f.m, number));
	assert_int_equal(rn_meanings_deadline(f.m, f.now), f.now + 60000);
	f.now += 60000;
	step(&f);
	assert_true(rn_meanings_usable(f.m, number));
	leave(&f, number);
	acknowledge(&f, 7);
	assert_int_equal(state_of(&f, number), RN_MEANING_ENDING);
	rn_meanings_remove(f.m, 8);
	step(&f);
	assert_int_equal(state_of(&f, number), RN_MEANING_FORGETTING);
	rn_meanings_free(f.m);
}

/* What was acknowledged counts no longer when a hub says that it is behind it. */
static void test_a_hub_takes_back_its_word(void **state)
{
	struct rn_meaning_position from;
	struct fixture f;
	uint64_t before;
	uint32_t number;

	(void)state;
	begin(&f, 10, PATIENT);
	join(&f, 7);
	join(&f, 8);
	number = hold(&f, alice);
	acknowledge(&f, 7);
	acknowledge(&f, 8);
	before = f.version;
	leave(&f, number);
	acknowledge(&f, 7);
	assert_int_equal(come(&f, 7, 1, before, &from), 0);
	acknowledge(&f, 8);
	assert_int_equal(state_of(&f, number), RN_MEANING_ENDING);
	acknowledge(&f, 7);
	assert_int_equal(state_of(&f, number), RN_MEANING_FORGETTING);
	rn_meanings_free(f.m);
}

static void test_what_hubs_claim(void **state)
{
	struct rn_meaning_position from, seen = {1, 99};
	struct fixture f;
	uint64_t before;
	uint32_t number;

	(void)state;
	begin(&f, 10, PATIENT);
	join(&f, 7);
	before = f.version;
	number = hold(&f, alice);
	acknowledge(&f, 7);
	assert_int_equal(rn_meanings_acknowledge(f.m, 7, f.version + 1, f.version), -EINVAL);
	assert_int_equal(rn_meanings_acknowledge(f.m, 9, 1, f.version), -EINVAL);
	rn_meanings_closed(f.m, f.now, 7, f.version);
	assert_int_equal(rn_meanings_acknowledge(f.m, 7, 1, f.version), -EINVAL);
	assert_int_equal(come(&f, 7, 1, f.version + 1, &from), -ESTALE);
	assert_int_equal(come(&f, 7, 2, 0, &from), -ESTALE);
	assert_int_equal(come(&f, 9, 1, 1, &from), -ESTALE); /* was never told anything */
	from = (struct rn_meaning_position){1, before};
	assert_int_equal(rn_meanings_subscribe(f.m, f.now, 7, &from, &seen, f.version, &from), -ESTALE);
	/* Back by less than what has been deleted: it goes on, and its word counts from there. */
	assert_int_equal(come(&f, 7, 1, before, &from), 0);
	assert_int_equal(from.version, before);
	assert_true(rn_meanings_member(f.m, 7));
	leave(&f, number);
	assert_int_equal(rn_meanings_acknowledge(f.m, 7, before, f.version), 0);
	step(&f);
	assert_int_equal(state_of(&f, number), RN_MEANING_ENDING);
	acknowledge(&f, 7);
	acknowledge(&f, 7);
	assert_int_equal(state_of(&f, number), RN_MEANING_RESTING);
	/* Back by more: everything anew, and apart until it has caught up. */
	assert_int_equal(come(&f, 7, 1, before, &from), 0);
	assert_int_equal(from.version, 0);
	assert_false(rn_meanings_member(f.m, 7));
	acknowledge(&f, 7);
	assert_true(rn_meanings_member(f.m, 7));
	/* And a member that speaks of an older epoch. */
	assert_int_equal(rn_meanings_begin_epoch(f.m, 1), -EINVAL);
	assert_int_equal(rn_meanings_begin_epoch(f.m, 2), 0);
	step(&f);
	join(&f, 7);
	assert_int_equal(come(&f, 7, 1, f.version, &from), 0);
	assert_int_equal(from.version, 0);
	assert_false(rn_meanings_member(f.m, 7));
	rn_meanings_free(f.m);
}

/* ---- the store ---- */

static struct rn_meanings *load(const struct rn_meaning *rows, unsigned count, const struct rn_meaning_hub *hub,
				uint64_t newest, int *ret)
{
	static const struct rn_meaning_head head = {1, 0, 0};
	struct rn_meanings *m = rn_meanings_new(1, 10, PATIENT);

	*ret = rn_meanings_load_head(m, &head);
	for (unsigned i = 0; i < count && !*ret; i++)
		*ret = rn_meanings_load_number(m, &rows[i], 0, newest);
	if (hub && !*ret)
		*ret = rn_meanings_load_hub(m, hub, 0, newest);
	return m;
}

static void test_a_start(void **state)
{
	const struct rn_meaning rows[] = {{3, RN_MEANING_USABLE, 5, alice, 2},
					  {1, RN_MEANING_ANNOUNCED, 6, bob, 2},
					  {4, RN_MEANING_RESTING, 7, NULL, 0}};
	const struct rn_meaning_hub hub = {.hub = 7, .version = 4, .told = UINT64_MAX, .left_ms = 1000};
	struct rn_meaning_position from;
	struct fixture f = {.version = 9};
	uint32_t number;
	int rc;

	(void)state;
	f.m = load(rows, 3, &hub, 9, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(rn_meanings_adopt(f.m, 3), 0);
	assert_int_equal(rn_meanings_adopt(f.m, 4), -ENOENT);
	assert_int_equal(rn_meanings_adopt(f.m, 2), -ENOENT);
	step(&f);
	assert_true(rn_meanings_usable(f.m, 3));
	assert_int_equal(state_of(&f, 1), RN_MEANING_ENDING); /* nobody has it */
	number = hold(&f, carol);
	assert_int_equal(state_of(&f, number), RN_MEANING_WAITING); /* 7 was not heard yet */
	assert_int_equal(come(&f, 7, 1, 10, &from), -ESTALE);	    /* more than there was at the start */
	assert_int_equal(come(&f, 7, 1, 9, &from), 0);
	assert_int_equal(from.version, 9);
	assert_int_equal(state_of(&f, number), RN_MEANING_ANNOUNCED);
	rn_meanings_free(f.m);

	f.m = load(rows, 3, &hub, 9, &rc);
	rn_meanings_vouch(f.m);
	assert_true(rn_meanings_settled(f.m));
	assert_int_equal(state_of(&f, hold(&f, carol)), RN_MEANING_ANNOUNCED);
	f.now = 1000; /* what was left of its lease */
	step(&f);
	assert_false(rn_meanings_member(f.m, 7));
	rn_meanings_free(f.m);
}

static void refused(const struct rn_meaning *rows, unsigned count, const struct rn_meaning_hub *hub)
{
	int rc;

	rn_meanings_free(load(rows, count, hub, 9, &rc));
	assert_int_equal(rc, -EBADMSG);
}

static void test_a_store_that_contradicts_itself(void **state)
{
	static const uint32_t twice[] = {4, 4};
	const struct rn_meaning good = {3, RN_MEANING_USABLE, 5, alice, 2};
	struct rn_meaning rows[2] = {good, {2, RN_MEANING_USABLE, 5, bob, 2}};
	struct rn_meaning_hub hub = {.hub = 7, .version = 4, .told = 10};

	(void)state;
	refused(rows, 2, NULL); /* a version twice */
	rows[1] = (struct rn_meaning){2, RN_MEANING_USABLE, 6, alice, 2};
	refused(rows, 2, NULL); /* a set twice */
	rows[1] = (struct rn_meaning){3, RN_MEANING_USABLE, 6, bob, 2};
	refused(rows, 2, NULL); /* a number twice */
	rows[1] = (struct rn_meaning){2, RN_MEANING_USABLE, 10, bob, 2};
	refused(rows, 2, NULL); /* from the future */
	rows[1] = (struct rn_meaning){11, RN_MEANING_USABLE, 6, bob, 2};
	refused(rows, 2, NULL); /* beyond all numbers */
	rows[1] = (struct rn_meaning){2, RN_MEANING_WAITING, 6, bob, 2};
	refused(rows, 2, NULL);
	rows[1] = (struct rn_meaning){2, RN_MEANING_RESTING, 6, bob, 2};
	refused(rows, 2, NULL);
	rows[1] = (struct rn_meaning){2, RN_MEANING_USABLE, 6, twice, 2};
	refused(rows, 2, NULL);
	refused(&good, 1, &hub); /* told more than there is */
	hub = (struct rn_meaning_hub){.hub = 7, .version = 4, .told = 9, .left_ms = RN_MEANING_LEASE_MS + 1};
	refused(&good, 1, &hub);
	hub = (struct rn_meaning_hub){.hub = 7, .apart = true, .told = 9, .left_ms = 1};
	refused(&good, 1, &hub);
}

/* Rows have one encoding, and nothing but rows decodes. */
static void test_rows(void **state)
{
	struct rn_meaning in = {3, RN_MEANING_USABLE, 5, alice, 2}, out;
	struct rn_meaning_hub hub = {.hub = 7, .version = 4, .told = 9, .left_ms = 5}, hub_out;
	struct rn_meaning_head head = {1, 2, 3}, head_out;
	uint8_t data[RN_MEANING_ROW_MAX + 1] = {0}, again[RN_MEANING_ROW_MAX];
	uint32_t selectors[RN_SELECTORS_MAX];
	size_t size = rn_meaning_put(&in, data);

	(void)state;
	assert_int_equal(rn_meaning_get(data, size, selectors, &out), 0);
	assert_true(out.number == 3 && out.state == RN_MEANING_USABLE && out.version == 5 && out.count == 2);
	assert_memory_equal(selectors, alice, sizeof(alice));
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(rn_meaning_get(data, cut, selectors, &out), -EBADMSG);
	assert_int_equal(rn_meaning_get(data, size + 1, selectors, &out), -EBADMSG);
	for (size_t bit = 0; bit < size * 8; bit++) {
		data[bit / 8] ^= 1u << bit % 8;
		if (rn_meaning_get(data, size, selectors, &out) == 0) {
			assert_int_equal(rn_meaning_put(&out, again), size);
			assert_memory_equal(again, data, size);
		}
		data[bit / 8] ^= 1u << bit % 8;
	}
	assert_int_equal(rn_meaning_hub_put(&hub, data), RN_MEANING_HUB_ROW);
	assert_int_equal(rn_meaning_hub_get(data, RN_MEANING_HUB_ROW, &hub_out), 0);
	assert_true(hub_out.hub == 7 && !hub_out.apart && hub_out.told == 9 && hub_out.left_ms == 5);
	data[4] = 2;
	assert_int_equal(rn_meaning_hub_get(data, RN_MEANING_HUB_ROW, &hub_out), -EBADMSG);
	data[4] = 0;
	assert_int_equal(rn_meaning_hub_get(data, RN_MEANING_HUB_ROW - 1, &hub_out), -EBADMSG);
	assert_int_equal(rn_meaning_head_put(&head, data), RN_MEANING_HEAD_ROW);
	assert_int_equal(rn_meaning_head_get(data, RN_MEANING_HEAD_ROW, &head_out), 0);
	assert_true(head_out.epoch == 1 && head_out.fence == 2 && head_out.horizon == 3);
	assert_int_equal(rn_meaning_head_get(data, RN_MEANING_HEAD_ROW + 1, &head_out), -EBADMSG);
}

/* ---- a hub ---- */

static void test_a_hub_reads(void **state)
{
	const struct rn_meaning_position anew = {1, 0};
	struct rn_reading *r = rn_reading_new(7, 10);
	struct rn_meaning n = {3, RN_MEANING_ANNOUNCED, 2, alice, 2};
	uint32_t count = 0;

	(void)state;
	assert_true(rn_reading_begin(r, &anew));
	rn_reading_lease(r, 1000);
	assert_int_equal(rn_reading_number(r, &n), 0);
	assert_int_equal(rn_reading_number(r, &n), -ESTALE);
	assert_null(rn_reading_of(r, 0, 3, &count)); /* not a member yet */
	assert_int_equal(rn_reading_hub(r, 8, false, 3), 0);
	assert_int_equal(rn_reading_hub(r, 7, false, 4), 0);
	assert_memory_equal(rn_reading_of(r, 0, 3, &count), alice, sizeof(alice));
	assert_null(rn_reading_of(r, 0, 4, &count));
	assert_true(rn_reading_may_send(r, 999, 3) && rn_reading_peer(r, 999, 8) && !rn_reading_peer(r, 0, 9));
	assert_false(rn_reading_may_send(r, 1000, 3)); /* the lease */
	assert_false(rn_reading_peer(r, 1000, 8));
	assert_null(rn_reading_of(r, 1000, 3, &count));
	assert_int_equal(rn_reading_acknowledged(r), 0);
	rn_reading_stored(r, 4);
	assert_int_equal(rn_reading_acknowledged(r), 0);
	rn_reading_enforced(r, 3);
	assert_int_equal(rn_reading_acknowledged(r), 3);
	n.state = RN_MEANING_ENDING;
	n.version = 5;
	assert_int_equal(rn_reading_number(r, &n), 0);
	assert_false(rn_reading_may_send(r, 0, 3));
	assert_non_null(rn_reading_of(r, 0, 3, &count)); /* others may send it still */
	rn_reading_doubt(r);
	assert_null(rn_reading_of(r, 0, 3, &count));
	assert_false(rn_reading_begin(r, &(struct rn_meaning_position){1, 5}));
	assert_non_null(rn_reading_of(r, 0, 3, &count));
	n = (struct rn_meaning){3, RN_MEANING_FORGETTING, 6, NULL, 0};
	assert_int_equal(rn_reading_number(r, &n), 0);
	assert_null(rn_reading_of(r, 0, 3, &count));
	rn_reading_free(r);
}

static void test_a_hub_is_told_nonsense(void **state)
{
	const struct rn_meaning_position anew = {1, 0};
	struct rn_reading *r = rn_reading_new(7, 2);
	struct rn_meaning n = {3, RN_MEANING_ANNOUNCED, 2, alice, 2};
	uint32_t count;

	(void)state;
	rn_reading_begin(r, &anew);
	rn_reading_lease(r, 1000);
	assert_int_equal(rn_reading_hub(r, 7, false, 1), 0);
	assert_int_equal(rn_reading_number(r, &n), 0);
	rn_reading_stored(r, 2);
	rn_reading_enforced(r, 2);
	assert_int_equal(rn_reading_acknowledged(r), 2);
	n = (struct rn_meaning){3, RN_MEANING_ANNOUNCED, 3, bob, 2};
	assert_int_equal(rn_reading_number(r, &n), -EBADMSG);
	assert_null(rn_reading_of(r, 0, 3, &count));
	assert_int_equal(rn_reading_acknowledged(r), 0);
	assert_int_equal(rn_reading_position(r).version, 0);
	rn_reading_other(r, 9);
	assert_int_equal(rn_reading_position(r).version, 0);
	assert_true(rn_reading_begin(r, &anew)); /* anew: now it may mean that */
	assert_int_equal(rn_reading_number(r, &n), 0);
	n = (struct rn_meaning){4, RN_MEANING_ANNOUNCED, 4, alice, 2};
	assert_int_equal(rn_reading_number(r, &n), 0);
	n = (struct rn_meaning){5, RN_MEANING_ANNOUNCED, 5, carol, 2};
	assert_int_equal(rn_reading_number(r, &n), -ENOSPC);
	rn_reading_free(r);
}

/* ---- size ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void drain(struct fixture *f)
{
	struct rn_meaning_hub hub;
	struct rn_meaning n;
	bool sign;

	while (rn_meanings_next_number(f->m, &n, &sign) || rn_meanings_next_hub(f->m, f->now, &hub, &sign))
		;
}

/* A new set with every hub's acknowledgement, beside so many numbers. */
static double one_change(struct fixture *f, uint32_t set)
{
	uint32_t selectors[] = {1, set}, number;
	double begun = seconds();

	assert_int_equal(rn_meanings_hold(f->m, selectors, 2, &number, NULL), 0);
	step(f);
	drain(f);
	for (uint32_t h = 1; h <= BENCH_HUBS; h++)
		acknowledge(f, h);
	assert_true(rn_meanings_usable(f->m, number));
	drain(f);
	return (seconds() - begun) / BENCH_HUBS;
}

static void fill(struct fixture *f, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		uint32_t selectors[] = {1, i}, number;

		assert_int_equal(rn_meanings_hold(f->m, selectors, 2, &number, NULL), 0);
	}
	step(f);
	drain(f);
	for (uint32_t h = 1; h <= BENCH_HUBS; h++)
		acknowledge(f, h);
	drain(f);
}

static void test_an_acknowledgement_costs_hubs_not_numbers(void **state)
{
	struct fixture f;
	double few, many;

	(void)state;
	begin(&f, RN_IDENTITY_MAX, PATIENT);
	for (uint32_t h = 1; h <= BENCH_HUBS; h++)
		join(&f, h);
	fill(&f, 10, 1000);
	few = one_change(&f, BENCH_NUMBERS + 1);
	fill(&f, 1000, BENCH_NUMBERS);
	many = one_change(&f, BENCH_NUMBERS + 2);
	printf("%u hubs: an acknowledgement with its step %.1f us beside 1,000 numbers, %.1f us beside %u\n",
	       BENCH_HUBS, few * 1e6, many * 1e6, BENCH_NUMBERS);
	assert_true(many < 5 * few + 20e-6);
	rn_meanings_free(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_number_lives_and_ends),
	    cmocka_unit_test(test_what_ends_comes_back),
	    cmocka_unit_test(test_sets_that_collide),
	    cmocka_unit_test(test_all_numbers_used_up),
	    cmocka_unit_test(test_a_lease_ends_and_a_fence_is_waited_for),
	    cmocka_unit_test(test_a_hub_that_is_silent),
	    cmocka_unit_test(test_patience),
	    cmocka_unit_test(test_a_hub_takes_back_its_word),
	    cmocka_unit_test(test_what_hubs_claim),
	    cmocka_unit_test(test_a_start),
	    cmocka_unit_test(test_a_store_that_contradicts_itself),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_a_hub_reads),
	    cmocka_unit_test(test_a_hub_is_told_nonsense),
	    cmocka_unit_test(test_an_acknowledgement_costs_hubs_not_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
