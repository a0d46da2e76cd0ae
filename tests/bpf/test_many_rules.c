/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a judgement costs with 10, 1,000 and 100,000 rules, and how long their tables take: 1,000 tags that rules are
 * about, devices with five tags each, drawn by Zipf's law, and one rule about devices of one owner. A packet that no
 * rule allows is judged each time, and to the end. Prints figures; fails only where the cost follows the rules.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "domain/policy_tables.h"
#include "harness.h"
#include "packet.h"
#include "tests/support/rng.h"

#define TAGS 1000u
#define EVERYONE (TAGS + 1)
#define RULES 100000u
#define HOSTS 64u
#define PAIRS 200u
#define TIMES 2000u

static struct rn_policy_rule rules[RULES];
static struct rn_service services[RULES];
static uint32_t numbers[EVERYONE + 1], selectors[HOSTS][6], selector_count[HOSTS];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The tag of rank n comes 1/n times as often as the first. */
static uint32_t zipf(struct rng *rng)
{
	double all = 0, at;
	uint32_t tag = 0;

	for (uint32_t n = 1; n <= TAGS; n++)
		all += 1.0 / n;
	at = all * rng_below(rng, 1000000) / 1e6;
	while (tag < TAGS && at >= 0)
		at -= 1.0 / ++tag;
	return tag;
}

static void add_tag(uint32_t host, uint32_t tag)
{
	uint32_t at = selector_count[host];

	for (uint32_t i = 0; i < at; i++)
		if (selectors[host][i] == tag)
			return;
	for (; at > 0 && selectors[host][at - 1] > tag; at--)
		selectors[host][at] = selectors[host][at - 1];
	selectors[host][at] = tag;
	selector_count[host]++;
}

static void fill(struct rng *rng)
{
	for (uint32_t i = 0; i <= EVERYONE; i++)
		numbers[i] = i;
	for (uint32_t i = 0; i < RULES; i++) {
		uint32_t port = 1024 + rng_below(rng, 60000);

		services[i] = (struct rn_service){IPPROTO_TCP, (uint16_t)port, (uint16_t)port};
		rules[i] =
		    (struct rn_policy_rule){.number = i + 1,
					    .same_owner = i == 0,
					    .source.any = {&numbers[i ? 1 + rng_below(rng, TAGS) : EVERYONE], 1},
					    .destination.any = {&numbers[i ? 1 + rng_below(rng, TAGS) : EVERYONE], 1},
					    .services = &services[i],
					    .service_count = 1};
	}
	for (uint32_t h = 0; h < HOSTS; h++) {
		add_tag(h, EVERYONE);
		for (int i = 0; i < 5; i++)
			add_tag(h, zipf(rng));
	}
}

static struct rn_addr address(uint32_t host)
{
	return packet_v4(10, 5, 0, host + 1);
}

static void place_hosts(struct rn_bpf *b)
{
	for (uint32_t h = 0; h < HOSTS; h++) {
		struct rn_addr a = address(h);

		b->devices[h + 1] = (struct rn_device){.state = RN_STATE_PRESENT | RN_STATE_ATTACHED | 80,
						       .number = h + 1,
						       .identity_slot = h,
						       .identity_number = h + 1,
						       .owner = h / 2 + 1};
		rn_bpf_address(b, &a, h + 1);
	}
}

/* Nanoseconds of a packet that nobody allows, from one to another. */
static double judge(struct rn_bpf *b, struct rng *rng)
{
	uint32_t from = rng_below(rng, HOSTS), to = (from + 1 + rng_below(rng, HOSTS - 1)) % HOSTS;
	struct packet p = {.source = address(from),
			   .destination = address(to),
			   .protocol = IPPROTO_TCP,
			   .flags = 2,
			   .source_port = 40000,
			   .destination_port = 80,
			   .hops = 64};
	double before;

	packet_build(&p);
	before = now_ms();
	assert_int_equal(rn_bpf_repeat(b, RN_BPF_IN, p.data, p.size, TIMES), 2);
	return (now_ms() - before) * 1e6 / TIMES;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median_cost(struct rn_bpf *b)
{
	struct rng rng = {7};
	double cost[PAIRS];

	for (uint32_t i = 0; i < PAIRS; i++)
		cost[i] = judge(b, &rng);
	qsort(cost, PAIRS, sizeof(*cost), by_value);
	return cost[PAIRS / 2];
}

static double build_ms(const struct rn_policy_record *policy)
{
	double before = now_ms(), took;
	struct rn_policy_sides *sides = rn_policy_sides_new(policy);
	struct rn_policy_arrays arrays;

	assert_non_null(sides);
	assert_int_equal(rn_policy_tables_build(policy, sides, 1, &arrays, NULL), 0);
	took = now_ms() - before;
	rn_policy_tables_done(&arrays);
	rn_policy_sides_free(sides);
	return took;
}

static void test_cost(void **state)
{
	static const uint32_t counts[] = {0, 10, 1000, RULES};
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};
	struct rn_bpf *b = rn_bpf_open(&options);
	struct rng rng = {20261128};
	double cost[4];

	(void)state;
	fill(&rng);
	place_hosts(b);
	for (unsigned i = 0; i < 4; i++) {
		const struct rn_policy_record policy = {.rules = rules, .rule_count = counts[i]};
		double building = build_ms(&policy);

		rn_bpf_policy(b, i + 1, &policy);
		for (uint32_t h = 0; h < HOSTS; h++)
			rn_bpf_identity(b, h, selectors[h], selector_count[h]);
		cost[i] = median_cost(b);
		print_message(
		    "%6u rules: tables in %.1f ms; a packet that is judged and denied %.0f ns, %.2f times that of "
		    "no rules\n",
		    counts[i], building, cost[i], cost[i] / cost[0]);
	}
	assert_true(cost[3] < 10 * cost[1]);
	rn_bpf_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
