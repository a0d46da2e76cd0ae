// SPDX-License-Identifier: Apache-2.0
/*
 * The compiled tables against the reference evaluator, without BPF: random realms, random policies, every pair of
 * devices, ports at the edges of the rules. RN_SEED=N runs one seed again.
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

#include "domain/policy.h"
#include "domain/policy_tables.h"
#include "tests/support/realm.h"

struct verdict {
	enum rn_reason reason;
	uint32_t rule;
};

/* Step 4.4 of docs/datapath.md. */
static struct verdict judge(const struct rn_policy_tables *t, const struct rn_identity *source,
			    const struct rn_identity *destination, bool one_owner, uint8_t trust, uint8_t protocol,
			    uint16_t port)
{
	struct verdict too_low = {RN_DEFAULT_DENY, 0};
	uint16_t class = t->policy.icmp_class;

	if (protocol != IPPROTO_ICMP)
		class = t->ports[(protocol == IPPROTO_UDP ? RN_PORT_BLOCKS : 0) + port / 64].class[port % 64];
	for (unsigned n = 0; n < t->policy.rules; n++) {
		uint64_t bit = 1ull << n % 64;
		unsigned w = n / 64;

		if (!(source->source[w] & destination->destination[w] & t->services[class].word[w] & bit))
			continue;
		if (!one_owner && !(t->policy.different_owner.word[w] & bit))
			continue;
		if (t->trust[trust].word[w] & bit)
			return (struct verdict){t->rules[n].deny ? RN_DENY_RULE : RN_ALLOWED, t->rules[n].number};
		if (too_low.reason == RN_DEFAULT_DENY)
			too_low = (struct verdict){RN_TRUST_TOO_LOW, t->rules[n].number};
	}
	return too_low;
}

struct tally {
	unsigned long cases, reasons[RN_REASON_COUNT];
};

static void compare(const struct realm *w, const struct rn_policy_model *m, const struct rn_policy_record *p,
		    const struct rn_policy_tables *t, struct rng *rng, uint64_t seed, struct tally *tally)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct rn_identity identity[REALM_DEVICES];

	for (unsigned d = 0; d < REALM_DEVICES; d++)
		rn_policy_tables_identity(p, w->devices[d].selectors, w->devices[d].selector_count, &identity[d]);
	for (unsigned i = 0; i < 600; i++) {
		const struct realm_device *a = &w->devices[rng_below(rng, REALM_DEVICES)],
					  *b = &w->devices[rng_below(rng, REALM_DEVICES)];
		uint8_t protocol = protocols[rng_below(rng, 3)];
		uint16_t port = protocol == IPPROTO_ICMP ? 0 : realm_port(rng);
		struct rn_question q = {realm_party(a), realm_party(b), .protocol = protocol, .port = port};
		struct rn_answer e;
		struct verdict v = judge(t, &identity[a - w->devices], &identity[b - w->devices],
					 a->owner && a->owner == b->owner, a->trust, protocol, port);

		rn_policy_evaluate(m, &q, &e);
		if (v.reason != e.reason || v.rule != e.rule)
			fail_msg("seed %llu: %s to %s protocol %u port %u: tables say %d by %u, reference %d by %u",
				 (unsigned long long)seed, a->name, b->name, protocol, port, (int)v.reason, v.rule,
				 (int)e.reason, e.rule);
		tally->cases++;
		tally->reasons[e.reason]++;
	}
}

static void one_realm(uint64_t seed, struct tally *tally)
{
	static char text[256 * 1024];
	static struct realm w;
	static struct rn_policy_tables t;
	struct rng rng = {seed};
	struct rn_selector_source selectors = realm_selectors(&w);
	struct rn_policy_model *m;
	struct rn_policy_record p;
	struct rn_err err = {""};

	realm_random(&w, &rng);
	realm_policy_text(&rng, 5 + rng_below(&rng, rng_percent(&rng, 5) ? 200 : 26), text, sizeof(text));
	m = rn_policy_parse(text, strlen(text), &err);
	if (!m || rn_policy_compile(m, &selectors, NULL, 0, &p, &err) < 0 || rn_policy_tables_build(&p, seed, &t, &err) < 0)
		fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, err.text, text);
	assert_true(t.policy.version == seed);
	compare(&w, m, &p, &t, &rng, seed, tally);
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
	print_message("%lu cases: %lu allowed, %lu denied by rule, %lu by trust, %lu by default\n", tally.cases,
		      tally.reasons[RN_ALLOWED], tally.reasons[RN_DENY_RULE], tally.reasons[RN_TRUST_TOO_LOW],
		      tally.reasons[RN_DEFAULT_DENY]);
	assert_true(tally.cases >= 100000);
	assert_true(tally.reasons[RN_ALLOWED] > tally.cases / 20 && tally.reasons[RN_DENY_RULE] > tally.cases / 20 &&
		    tally.reasons[RN_TRUST_TOO_LOW] > tally.cases / 100 &&
		    tally.reasons[RN_DEFAULT_DENY] > tally.cases / 20);
}

/* Every port of a few policies, so that the walk over edges is right at each of them. */
static void test_all_ports(void **state)
{
	static struct rn_service services[] = {
	    {IPPROTO_TCP, 1, 1},      {IPPROTO_TCP, 1, 65535}, {0, 0, 65535},
	    {IPPROTO_UDP, 63, 64},    {IPPROTO_TCP, 64, 127},  {IPPROTO_UDP, 65535, 65535},
	    {0, 0, 65535}, {IPPROTO_TCP, 100, 300}};
	static uint32_t everyone[] = {1};
	static struct rn_policy_tables t;
	struct rn_policy_rule rules[4];
	struct rn_policy_record p = {.rules = rules, .rule_count = 4};
	struct rn_identity all;

	(void)state;
	memset(rules, 0, sizeof(rules));
	for (unsigned n = 0; n < 4; n++)
		rules[n] = (struct rn_policy_rule){.id = "r",
						   .number = n + 1,
						   .source.any = {everyone, 1},
						   .destination.any = {everyone, 1},
						   .services = services + 2 * n,
						   .service_count = 2};
	rules[2].service_count = 3; /* overlaps with the next rule's */
	assert_int_equal(rn_policy_tables_build(&p, 1, &t, NULL), 0);
	for (unsigned udp = 0; udp < 2; udp++) {
		for (unsigned port = 0; port < 65536; port++) {
			uint16_t class = t.ports[udp * RN_PORT_BLOCKS + port / 64].class[port % 64];

			for (unsigned n = 0; n < 4; n++) {
				bool named = false;

				for (unsigned i = 0; i < rules[n].service_count; i++)
					named |= (rules[n].services[i].protocol == 0 ||
						  rules[n].services[i].protocol == (udp ? IPPROTO_UDP : IPPROTO_TCP)) &&
						 port >= rules[n].services[i].first &&
						 port <= rules[n].services[i].last;
				if ((bool)(t.services[class].word[0] & 1ull << n) != named)
					fail_msg("port %u, udp %u, rule %u", port, udp, n + 1);
			}
		}
	}
	assert_int_equal(t.services[t.policy.icmp_class].word[0], 2 | 4 | 8);
	assert_int_equal(t.services[0].word[0], 0);
	rn_policy_tables_identity(&p, everyone, 1, &all); /* and nothing is read past the last rule */
	assert_int_equal(all.source[0], 15);
	assert_int_equal(all.destination[0], 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_all_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
