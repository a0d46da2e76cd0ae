// SPDX-License-Identifier: Apache-2.0
/*
 * Policies of the whole language: what compiled rules say, walked as docs/policy.md tells, is what the reference
 * evaluator says of the text. RN_SEED=N runs one seed again.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/realm.h"
#include "tests/support/walk.h"

#define AROUND INT64_C(1800000000)

struct tally {
	unsigned long cases, reasons[RN_REASON_COUNT], observed, logged, changes;
};

static struct rn_question random_question(const struct realm *w, struct rng *rng, const struct realm_device **ret)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	struct rn_question q;

	ret[0] = &w->devices[rng_below(rng, REALM_DEVICES)];
	ret[1] = &w->devices[rng_below(rng, REALM_DEVICES)];
	q = (struct rn_question){realm_party(ret[0]), realm_party(ret[1]), .protocol = protocols[rng_below(rng, 5)],
				 .at = AROUND - 9000 + rng_below(rng, 18000)};
	q.port = q.protocol == IPPROTO_TCP || q.protocol == IPPROTO_UDP ? realm_port(rng) : 0;
	return q;
}

/* The same answer up to `until`; after it, it may be another. */
static void check_until(const struct rn_policy_model *m, struct rn_question q, const struct rn_answer *a,
			struct tally *tally)
{
	struct rn_answer later;

	if (a->until == INT64_MAX)
		return;
	assert_true(a->until > q.at);
	q.at = a->until - 1;
	rn_policy_evaluate(m, &q, &later);
	assert_true(later.reason == a->reason && later.rule == a->rule && later.observed == a->observed);
	q.at = a->until;
	rn_policy_evaluate(m, &q, &later);
	tally->changes += later.reason != a->reason || later.rule != a->rule;
}

static void ask(const struct rn_policy_model *m, const struct rn_policy_record *p, const struct rn_question *q,
		const struct realm_device *const *ends, uint64_t seed, const char *text, struct rn_answer *ret)
{
	struct walk_end from = {ends[0]->selectors, ends[0]->selector_count, ends[0]->owner, ends[0]->trust},
			to = {ends[1]->selectors, ends[1]->selector_count, ends[1]->owner, ends[1]->trust};
	struct rn_answer b = walk_rules(p, &from, &to, q->protocol, q->port, q->at);

	rn_policy_evaluate(m, q, ret);
	if (ret->reason != b.reason || ret->rule != b.rule || ret->observed != b.observed || ret->log != b.log)
		fail_msg("seed %llu: %s to %s protocol %u port %u at %lld: compiled %d by %u observed %u, reference "
			 "%d by %u observed %u\n%s",
			 (unsigned long long)seed, ends[0]->name, ends[1]->name, q->protocol, q->port, (long long)q->at,
			 (int)b.reason, b.rule, b.observed, (int)ret->reason, ret->rule, ret->observed, text);
}

static void compare(const struct realm *w, const struct rn_policy_model *m, const struct rn_policy_record *p,
		    struct rng *rng, uint64_t seed, const char *text, struct tally *tally)
{
	for (unsigned i = 0; i < 400; i++) {
		const struct realm_device *ends[2];
		struct rn_question q = random_question(w, rng, ends);
		struct rn_answer a, later;

		ask(m, p, &q, ends, seed, text, &a);
		check_until(m, q, &a, tally);
		tally->cases++;
		tally->reasons[a.reason]++;
		tally->observed += a.observed != 0;
		tally->logged += a.log;
		/* At the edge itself: windows are reckoned out for so long at least. */
		q.at = a.until;
		if (a.until < AROUND + 20 * RN_DAY_SECONDS)
			ask(m, p, &q, ends, seed, text, &later);
	}
}

static void one_realm(uint64_t seed, struct tally *tally)
{
	static char text[256 * 1024];
	static struct realm w;
	struct rng rng = {seed};
	struct rn_policy_model *m;
	struct rn_policy_record p;

	realm_random(&w, &rng);
	m = realm_policy_made(&w, &rng, 3 + rng_below(&rng, 40), AROUND, seed, text, sizeof(text), &p);
	compare(&w, m, &p, &rng, seed, text, tally);
	rn_policy_record_done(&p);
	rn_policy_model_free(m);
}

static void test_random(void **state)
{
	const char *seed = getenv("RN_SEED");
	struct tally t = {0};

	(void)state;
	for (uint64_t s = seed ? strtoull(seed, NULL, 10) : 1; s <= (seed ? strtoull(seed, NULL, 10) : 300); s++)
		one_realm(s, &t);
	if (seed)
		return;
	print_message(
	    "%lu cases: %lu allowed, %lu denied by rule, %lu by trust, %lu by time, %lu by default; %lu observed, "
	    "%lu logged, %lu change\n",
	    t.cases, t.reasons[RN_ALLOWED], t.reasons[RN_DENY_RULE], t.reasons[RN_TRUST_TOO_LOW],
	    t.reasons[RN_OUTSIDE_TIME], t.reasons[RN_DEFAULT_DENY], t.observed, t.logged, t.changes);
	assert_true(t.cases >= 100000);
	assert_true(t.reasons[RN_ALLOWED] > t.cases * 3 / 10 && t.reasons[RN_ALLOWED] < t.cases * 7 / 10);
	assert_true(t.reasons[RN_DENY_RULE] > t.cases / 50 && t.reasons[RN_TRUST_TOO_LOW] > t.cases / 100);
	assert_true(t.reasons[RN_OUTSIDE_TIME] > t.cases / 100 && t.reasons[RN_DEFAULT_DENY] > t.cases / 50);
	assert_true(t.observed > t.cases / 100 && t.logged > t.cases / 100 && t.changes > t.cases / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
