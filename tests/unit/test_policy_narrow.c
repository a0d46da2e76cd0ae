/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that concern one device, without BPF: between it and any other the tables that are made of them have what
 * the tables of the whole policy have, and say what the reference evaluator says. RN_SEED=N runs one seed again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "domain/policy_narrow.h"
#include "domain/policy_tables.h"
#include "tests/support/realm.h"
#include "tests/support/tables.h"

#define NOW INT64_C(1790003600)

struct half {
	struct rn_policy_arrays arrays;
	struct rn_identity_lists lists[REALM_DEVICES];
};

static void fill(struct half *h, const struct rn_policy_record *p, const struct realm *w)
{
	struct rn_policy_sides *sides = rn_policy_sides_new(p);

	assert_non_null(sides);
	assert_int_equal(rn_policy_tables_build(p, sides, 1, &h->arrays, NULL), 0);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		assert_int_equal(rn_policy_tables_identity(sides, w->devices[d].selectors, w->devices[d].selector_count,
							   &h->lists[d]),
				 0);
	rn_policy_sides_free(sides);
}

static void drop(struct half *h)
{
	rn_policy_tables_done(&h->arrays);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		free(h->lists[d].sides);
}

/* ---- the same candidates ---- */

static void same_windows(const struct half *whole, const struct half *narrow, uint32_t schedule)
{
	uint32_t count, first[2];

	if (!schedule)
		return;
	count = whole->arrays.policy.schedules[schedule - 1].count;
	assert_int_equal(narrow->arrays.policy.schedules[schedule - 1].count, count);
	first[0] = whole->arrays.policy.schedules[schedule - 1].openings;
	first[1] = narrow->arrays.policy.schedules[schedule - 1].openings;
	if (count)
		assert_memory_equal(&whole->arrays.openings[first[0]], &narrow->arrays.openings[first[1]],
				    count * sizeof(struct rn_opening));
}

/* But for where their rules stand, which is in the same order. So all that is judged is the same, its edges too. */
static uint32_t same_between(const struct half *whole, const struct half *narrow, unsigned from, unsigned to)
{
	static const struct rn_candidate *a[TABLES_BETWEEN], *b[TABLES_BETWEEN];
	uint32_t count = tables_between(&whole->arrays, &whole->lists[from], &whole->lists[to], a);

	assert_int_equal(tables_between(&narrow->arrays, &narrow->lists[from], &narrow->lists[to], b), count);
	for (uint32_t i = 0; i < count; i++) {
		const struct rn_rule *x = &whole->arrays.rules[a[i]->rule], *y = &narrow->arrays.rules[b[i]->rule];
		struct rn_candidate same = *b[i];

		same.rule = a[i]->rule;
		assert_memory_equal(a[i], &same, sizeof(same));
		assert_memory_equal(x, y, sizeof(*x));
		same_windows(whole, narrow, x->schedule);
		if (i)
			assert_true((a[i]->rule == a[i - 1]->rule) == (b[i]->rule == b[i - 1]->rule));
	}
	return count;
}

/* ---- the reference ---- */

static const struct {
	uint8_t number, bit;
} protocols[] = {{IPPROTO_TCP, RN_TCP}, {IPPROTO_UDP, RN_UDP}, {IPPROTO_ICMP, RN_ECHO4}, {IPPROTO_ICMPV6, RN_ECHO6}};

static void ask(const struct realm *w, const struct rn_policy_model *m, const struct half *h, unsigned from,
		unsigned to, struct rng *rng)
{
	const struct realm_device *a = &w->devices[from], *b = &w->devices[to];
	int64_t at = NOW - 9000 + rng_below(rng, 30000);

	for (unsigned i = 0; i < 6; i++) {
		unsigned p = rng_below(rng, 4);
		uint16_t port = p < 2 ? realm_port(rng) : 0;
		struct tables_packet packet = {
		    a->trust, b->trust, protocols[p].bit, port, a->owner && a->owner == b->owner, at};
		struct rn_question q = {realm_party(a), realm_party(b), .protocol = protocols[p].number, .port = port,
					.at = at};
		struct tables_verdict v = tables_judge(&h->arrays, &h->lists[from], &h->lists[to], &packet);
		struct rn_answer e;

		rn_policy_evaluate(m, &q, &e);
		assert_int_equal(v.reason, e.reason);
		assert_int_equal(v.rule, e.rule);
		assert_int_equal(v.observed, e.observed);
		assert_int_equal(v.log, e.log);
		if (e.until != INT64_MAX)
			at = e.until - rng_below(rng, 2);
	}
}

struct tally {
	unsigned long whole, narrow, between;
};

/* For one device, and for one that becomes another. */
static void narrow_to(const struct realm *w, const struct rn_policy_model *m, const struct rn_policy_record *p,
		      const struct half *whole, const unsigned *own, unsigned count, struct rng *rng,
		      struct tally *tally)
{
	struct rn_narrowed to = {0};
	struct rn_policy_record record;
	struct half h;

	for (unsigned i = 0; i < count; i++)
		rn_narrowed_add(&to, w->devices[own[i]].selectors, w->devices[own[i]].selector_count);
	assert_int_equal(rn_policy_narrow(p, &to, &record), 0);
	fill(&h, &record, w);
	for (unsigned d = 0; d < count * REALM_DEVICES; d++) {
		unsigned one = own[d / REALM_DEVICES], other = d % REALM_DEVICES;

		tally->between += same_between(whole, &h, one, other) + same_between(whole, &h, other, one);
		ask(w, m, &h, one, other, rng);
		ask(w, m, &h, other, one, rng);
	}
	if (count == 1) {
		tally->whole += p->rule_count;
		tally->narrow += record.rule_count;
	}
	drop(&h);
	rn_policy_record_done(&record);
}

static void one_realm(uint64_t seed, struct tally *tally)
{
	static char text[256 * 1024];
	static struct realm w;
	struct rng rng = {seed};
	struct rn_policy_model *m;
	struct rn_policy_record p;
	struct half whole;

	realm_random(&w, &rng);
	m = realm_policy_made(&w, &rng, 5 + rng_below(&rng, 36), NOW, seed, text, sizeof(text), &p);
	fill(&whole, &p, &w);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		narrow_to(&w, m, &p, &whole, (const unsigned[]){d, (d + 5) % REALM_DEVICES}, 1 + d % 2, &rng, tally);
	drop(&whole);
	rn_policy_record_done(&p);
	rn_policy_model_free(m);
}

static void test_random(void **state)
{
	const char *seed = getenv("RN_SEED");
	struct tally tally = {0};

	(void)state;
	if (seed) {
		one_realm(strtoull(seed, NULL, 10), &tally);
		return;
	}
	for (uint64_t s = 1; s <= 100; s++)
		one_realm(s, &tally);
	print_message("%lu rules, of which %lu concern one device; %lu between it and others\n", tally.whole,
		      tally.narrow, tally.between);
	assert_true(tally.narrow < tally.whole * 9 / 10 && tally.between > 10000);
}

/* ---- at the edges ---- */

static uint32_t one[] = {1}, two[] = {2}, nine[] = {9};
static struct rn_window window[] = {{1, 2}};

static uint32_t kept(const struct rn_policy_record *p, const struct rn_narrowed *to, struct rn_policy_record *ret)
{
	assert_int_equal(rn_policy_narrow(p, to, ret), 0);
	assert_int_equal(ret->schedule_count, p->schedule_count);
	return ret->rule_count;
}

static void test_nobody_and_everybody(void **state)
{
	struct rn_schedule schedules[] = {{window, 1}, {window, 1}};
	struct rn_policy_rule rules[] = {
	    {.number = 1, .deny = true, .source.any = {one, 1}, .destination.any = {nine, 1}, .schedule = 2},
	    {.number = 2, .source.any = {two, 1}, .destination.any = {nine, 1}, .schedule = 1},
	    {.number = 3, .source.any = {two, 1}, .destination.none = {one, 1}},
	};
	const struct rn_policy_record p = {
	    .rules = rules, .rule_count = 3, .schedules = schedules, .schedule_count = 2};
	struct rn_narrowed to = {0};
	struct rn_policy_record r;

	(void)state;
	assert_int_equal(kept(&p, &to, &r), 0);
	rn_policy_record_done(&r);
	rn_narrowed_add(&to, one, 1);
	assert_true(rn_narrowed_has(&to, one, 1) && !rn_narrowed_has(&to, two, 1) && !rn_narrowed_has(&to, one, 0));
	assert_int_equal(kept(&p, &to, &r), 1);
	assert_int_equal(r.rules[0].number, 1);
	assert_true(r.schedules[0].count == 0 && r.schedules[1].count == 1);
	rn_policy_record_done(&r);
	/* Nothing is known of it: it is on the side that only says who is not. */
	to = (struct rn_narrowed){.sets = 1};
	assert_int_equal(kept(&p, &to, &r), 1);
	assert_int_equal(r.rules[0].number, 3);
	rn_policy_record_done(&r);
	rn_narrowed_add(&to, nine, 1);
	rn_narrowed_add(&to, nine, 1);
	assert_int_equal(to.sets, 2);
	assert_int_equal(kept(&p, &to, &r), 3);
	rn_policy_record_done(&r);
	to = (struct rn_narrowed){.whole = 1};
	assert_true(rn_narrowed_has(&to, two, 1));
	assert_int_equal(kept(&p, &to, &r), 3);
	rn_policy_record_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_nobody_and_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
