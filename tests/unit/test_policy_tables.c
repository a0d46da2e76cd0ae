// SPDX-License-Identifier: Apache-2.0
/*
 * The compiled tables against the reference evaluator, without BPF: random realms, random policies of the whole
 * language, ports at the edges of the rules, moments at the edges of their times. RN_SEED=N runs one seed again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "domain/policy_tables.h"
#include "tests/support/realm.h"
#include "tests/support/tables.h"

#define NOW INT64_C(1790003600)

struct half {
	struct rn_policy_arrays arrays;
	struct rn_policy_sides *sides;
	struct rn_identity_lists lists[REALM_DEVICES];
};

struct tally {
	unsigned long cases, reasons[RN_REASON_COUNT], observed;
};

static uint8_t bit_of(uint8_t protocol)
{
	return protocol == IPPROTO_TCP	  ? RN_TCP
	       : protocol == IPPROTO_UDP  ? RN_UDP
	       : protocol == IPPROTO_ICMP ? RN_ECHO4
					  : RN_ECHO6;
}

static void compare(const struct realm *w, const struct rn_policy_model *m, const struct half *h, struct rng *rng,
		    uint64_t seed, struct tally *tally)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	int64_t next = NOW;

	for (unsigned i = 0; i < 600; i++) {
		const struct realm_device *a = &w->devices[rng_below(rng, REALM_DEVICES)],
					  *b = &w->devices[rng_below(rng, REALM_DEVICES)];
		uint8_t protocol = protocols[rng_below(rng, 5)];
		uint16_t port = bit_of(protocol) & (RN_TCP | RN_UDP) ? realm_port(rng) : 0;
		struct tables_packet p = {a->trust,
					  b->trust,
					  bit_of(protocol),
					  port,
					  a->owner && a->owner == b->owner,
					  NOW - 9000 + rng_below(rng, 30000)};
		struct rn_question q = {realm_party(a), realm_party(b), .protocol = protocol, .port = port};
		struct rn_answer e;
		struct tables_verdict v;

		if (next != INT64_MAX && rng_percent(rng, 50)) /* where an answer ends, and just before */
			p.at = next - rng_below(rng, 2);
		q.at = p.at;
		v = tables_judge(&h->arrays, &h->lists[a - w->devices], &h->lists[b - w->devices], &p);
		rn_policy_evaluate(m, &q, &e);
		if (v.reason != e.reason || v.rule != e.rule || v.observed != e.observed || v.log != e.log)
			fail_msg("seed %llu: %s to %s protocol %u port %u at %lld: tables say %d by %u (observed %u), "
				 "reference %d by %u (observed %u)",
				 (unsigned long long)seed, a->name, b->name, protocol, port, (long long)p.at,
				 (int)v.reason, v.rule, v.observed, (int)e.reason, e.rule, e.observed);
		next = e.until;
		tally->cases++;
		tally->reasons[e.reason]++;
		tally->observed += e.observed != 0;
	}
}

static void fill(struct half *h, const struct rn_policy_record *p, const struct realm *w, uint64_t version)
{
	struct rn_err err = {""};

	h->sides = rn_policy_sides_new(p);
	assert_non_null(h->sides);
	if (rn_policy_tables_build(p, h->sides, version, &h->arrays, &err) < 0)
		fail_msg("version %llu: %s", (unsigned long long)version, err.text);
	assert_true(h->arrays.policy.version == version);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		assert_int_equal(rn_policy_tables_identity(h->sides, w->devices[d].selectors,
							   w->devices[d].selector_count, &h->lists[d]),
				 0);
}

static void drop(struct half *h)
{
	rn_policy_tables_done(&h->arrays);
	rn_policy_sides_free(h->sides);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		free(h->lists[d].sides);
}

static void one_realm(uint64_t seed, struct tally *tally)
{
	static char text[256 * 1024];
	static struct realm w;
	struct rng rng = {seed};
	struct rn_policy_model *m;
	struct rn_policy_record p;
	struct half h;

	realm_random(&w, &rng);
	m = realm_policy_made(&w, &rng, 5 + rng_below(&rng, rng_percent(&rng, 5) ? 100 : 36), NOW, seed, text,
			      sizeof(text), &p);
	fill(&h, &p, &w, seed);
	compare(&w, m, &h, &rng, seed, tally);
	drop(&h);
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
	for (uint64_t s = 1; s <= 400; s++)
		one_realm(s, &tally);
	print_message("%lu cases: %lu allowed, %lu denied by rule, %lu by trust, %lu by time, %lu by default, %lu "
		      "observed\n",
		      tally.cases, tally.reasons[RN_ALLOWED], tally.reasons[RN_DENY_RULE],
		      tally.reasons[RN_TRUST_TOO_LOW], tally.reasons[RN_OUTSIDE_TIME], tally.reasons[RN_DEFAULT_DENY],
		      tally.observed);
	assert_true(tally.cases >= 100000);
	assert_true(tally.reasons[RN_ALLOWED] > tally.cases / 20 && tally.reasons[RN_DENY_RULE] > tally.cases / 20 &&
		    tally.reasons[RN_TRUST_TOO_LOW] > tally.cases / 100 &&
		    tally.reasons[RN_OUTSIDE_TIME] > tally.cases / 200 && tally.observed > tally.cases / 100 &&
		    tally.reasons[RN_DEFAULT_DENY] > tally.cases / 20);
}

/* ---- what does not fit ---- */

#define WIDE 6000u
static struct rn_policy_rule wide[WIDE];
static struct rn_service ports[WIDE];
static uint32_t everyone[] = {1};

static int build(uint32_t count, struct rn_err *err)
{
	const struct rn_policy_record p = {.rules = wide, .rule_count = count};
	struct rn_policy_sides *sides = rn_policy_sides_new(&p);
	struct rn_policy_arrays arrays;
	int code;

	assert_non_null(sides);
	code = rn_policy_tables_build(&p, sides, 1, &arrays, err);
	if (code == 0)
		rn_policy_tables_done(&arrays);
	rn_policy_sides_free(sides);
	return code;
}

/* As many rules about one pair as a judgement looks at, and one more. */
static void test_too_wide(void **state)
{
	struct rn_err err = {""};

	(void)state;
	for (uint32_t i = 0; i < WIDE; i++) {
		ports[i] = (struct rn_service){IPPROTO_TCP, (uint16_t)(2 * i), (uint16_t)(2 * i)};
		wide[i] = (struct rn_policy_rule){.id = "r",
						  .number = i + 1,
						  .source.any = {everyone, 1},
						  .destination.any = {everyone, 1},
						  .services = &ports[i],
						  .service_count = 1};
	}
	assert_int_equal(build(RN_ALIKE_MAX, &err), 0);
	assert_int_equal(build(RN_ALIKE_MAX + 1, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "join some"));
}

/* Ranges of a rule that touch or are the same become one, so that fewer are looked at. */
static void test_services_join(void **state)
{
	static struct rn_service services[] = {{IPPROTO_TCP, 80, 80},	{IPPROTO_TCP, 81, 90}, {IPPROTO_UDP, 443, 443},
					       {IPPROTO_TCP, 443, 443}, {IPPROTO_TCP, 85, 99}, {IPPROTO_TCP, 101, 101}};
	struct rn_policy_rule rule = {.number = 1, .services = services, .service_count = 6};
	const struct rn_policy_record p = {.rules = &rule, .rule_count = 1};
	struct rn_policy_sides *sides = rn_policy_sides_new(&p);
	struct rn_policy_arrays a;

	(void)state;
	assert_int_equal(rn_policy_tables_build(&p, sides, 1, &a, NULL), 0);
	assert_int_equal(a.candidate_count, 3);
	assert_true(a.candidates[0].first == 80 && a.candidates[0].last == 99 && a.candidates[0].protocols == RN_TCP);
	assert_true(a.candidates[1].first == 101 && a.candidates[1].last == 101);
	assert_true(a.candidates[2].first == 443 && a.candidates[2].protocols == (RN_TCP | RN_UDP));
	rn_policy_tables_done(&a);
	rn_policy_sides_free(sides);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_too_wide),
	    cmocka_unit_test(test_services_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
