/* SPDX-License-Identifier: Apache-2.0 */
/* Section 4 of docs/datapath.md by hand: times to the second, the clock set back, trust of the destination, observed.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define NOON INT64_C(1790078400) /* Unix seconds */
#define HOUR 3600

static uint32_t from[] = {LAPTOP}, to[] = {SERVER};
static struct rn_service dns[] = {{IPPROTO_UDP, 53, 53}}, echo6[] = {{IPPROTO_ICMPV6, 0, 65535}};
static struct rn_window windows[] = {{NOON, NOON + HOUR}, {NOON + 2 * HOUR, NOON + 3 * HOUR}};
static struct rn_schedule schedules[] = {{windows, 2}};

static void put_policy(struct world *w, uint64_t generation, struct rn_policy_rule *rules, uint32_t count)
{
	const struct rn_policy_record policy = {
	    .rules = rules, .rule_count = count, .schedules = schedules, .schedule_count = 1};

	for (uint32_t i = 0; i < count; i++) {
		rules[i].number = 7 + i;
		rules[i].source.any = (struct rn_selector_set){from, 1};
		rules[i].destination.any = (struct rn_selector_set){to, 1};
		if (!rules[i].services)
			rules[i].services = dns;
		rules[i].service_count = 1;
	}
	rn_bpf_policy(w->bpf, generation, &policy);
	rn_bpf_identity(w->bpf, LAPTOP * 10, from, 1);
	rn_bpf_identity(w->bpf, SERVER * 10, to, 1);
}

/* The wall clock: a second and nanoseconds of it. */
static void set_wall(struct world *w, int64_t second, int64_t ns)
{
	w->bpf->config->wall_offset_ns = second * (int64_t)RN_SECOND_NS + ns - (int64_t)*w->bpf->now;
}

static struct packet query(void)
{
	return world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53);
}

/* One flow, which stays, through a schedule's windows, and back again. */
static void test_schedule(void **state)
{
	static const struct {
		int64_t second, ns;
		bool open;
	} steps[] = {
	    {NOON - 1, 999999999, false},
	    {NOON, 0, true},
	    {NOON + HOUR - 1, 999999999, true},
	    {NOON + HOUR, 0, false},
	    {NOON + 2 * HOUR - 1, 999999999, false},
	    {NOON + 2 * HOUR, 0, true},
	    {NOON, 5, true},
	    {NOON - 1, 0, false},
	    {NOON + 3 * HOUR - 1, 0, true},
	    {NOON + 3 * HOUR, 0, false},
	    {NOON + 10000 * HOUR, 0, false},
	    {NOON, 0, true},
	};
	struct world *w = *state;
	struct packet p = query();

	for (int deny = 0; deny < 2; deny++) {
		struct rn_policy_rule rules[] = {{.deny = deny, .schedule = 1}, {.minimum_trust = 1}};

		put_policy(w, 3, rules, deny ? 2 : 1);
		rn_bpf_flows_clear(w->bpf);
		set_wall(w, NOON + (deny ? HOUR : 0), 0);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED); /* so that there is an entry */
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			bool over = steps[i].second >= NOON + 3 * HOUR;
			enum rn_reason wanted = deny ? (steps[i].open || over ? RN_DENY_RULE : RN_ALLOWED)
						     : (steps[i].open ? RN_ALLOWED : RN_OUTSIDE_TIME);

			set_wall(w, steps[i].second, steps[i].ns);
			if (world_run(w, RN_BPF_IN, &p) != wanted)
				fail_msg("step %zu, deny %d: %s", i, deny, world_reason(w->last.reason));
			assert_int_equal(world_flow(w, &p).rule, wanted == RN_ALLOWED && deny ? 8 : 7);
		}
	}
}

/* As many windows as a schedule may have: each is found. */
static void test_many_windows(void **state)
{
	static struct rn_window many[RN_WINDOWS_MAX];
	struct rn_policy_rule rules[] = {{.schedule = 1}};
	struct world *w = *state;
	struct packet p = query();

	for (int64_t i = 0; i < RN_WINDOWS_MAX; i++)
		many[i] = (struct rn_window){NOON + 2 * i * HOUR, NOON + (2 * i + 1) * HOUR};
	schedules[0] = (struct rn_schedule){many, RN_WINDOWS_MAX};
	put_policy(w, 3, rules, 1);
	schedules[0] = (struct rn_schedule){windows, 2};
	for (int64_t i = 0; i < RN_WINDOWS_MAX; i++) {
		set_wall(w, many[i].from - 1, 0);
		expect(w, RN_BPF_IN, &p, RN_OUTSIDE_TIME);
		set_wall(w, many[i].from, 0);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		set_wall(w, many[i].until, 0);
		expect(w, RN_BPF_IN, &p, RN_OUTSIDE_TIME);
	}
}

/* Without a window there is nothing after the last one either: closed, whichever way the rule is. */
static void test_no_window(void **state)
{
	struct world *w = *state;
	struct packet p = query();

	schedules[0].count = 0;
	for (int deny = 0; deny < 2; deny++) {
		struct rn_policy_rule rules[] = {{.deny = deny, .schedule = 1}, {.minimum_trust = 1}};

		put_policy(w, 3, rules, deny ? 2 : 1);
		set_wall(w, NOON, 0);
		expect(w, RN_BPF_IN, &p, deny ? RN_DENY_RULE : RN_OUTSIDE_TIME);
	}
	schedules[0].count = 2;
}

/* A grant ends for the flow that it let begin, and not before. */
static void test_grant(void **state)
{
	struct rn_policy_rule rules[] = {{.from = NOON, .until = NOON + 60}};
	struct world *w = *state;
	struct packet p = query();
	struct rn_flow f;

	put_policy(w, 3, rules, 1);
	set_wall(w, NOON - 1, 999999999);
	expect(w, RN_BPF_IN, &p, RN_OUTSIDE_TIME);
	assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
	set_wall(w, NOON, 0);
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	f = world_flow(w, &p);
	assert_true(f.since_ns == NOON * 1000000000 && f.until_ns == (NOON + 60) * 1000000000);
	set_wall(w, NOON + 59, 999999999);
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	world_advance(w, 1);
	expect(w, RN_BPF_IN, &p, RN_OUTSIDE_TIME);
}

static void test_destination_trust(void **state)
{
	struct rn_policy_rule rules[] = {{.minimum_destination_trust = WORLD_TRUST}};
	struct world *w = *state;
	struct packet p = query();

	put_policy(w, 3, rules, 1);
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	w->bpf->devices[SERVER].state--;
	expect(w, RN_BPF_IN, &p, RN_TRUST_TOO_LOW);
	w->bpf->devices[SERVER].state++;
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
}

static void test_one_family(void **state)
{
	struct rn_policy_rule rules[] = {{.services = echo6}};
	struct world *w = *state;
	struct packet v4 = world_packet(LAPTOP, SERVER, false, IPPROTO_ICMP, 9, 0),
		      v6 = world_packet(LAPTOP, SERVER, true, IPPROTO_ICMP, 9, 0);

	put_policy(w, 3, rules, 1);
	expect(w, RN_BPF_IN, &v6, RN_ALLOWED);
	expect(w, RN_BPF_IN, &v4, RN_DEFAULT_DENY);
}

/* What is observed decides nothing and is told of, with the rule that does decide and asks to be logged. */
static void test_observed(void **state)
{
	struct rn_policy_rule rules[] = {
	    {.deny = true, .observe = true, .from = NOON}, {.observe = true}, {.log = true}};
	struct world *w = *state;
	struct packet p = query();
	struct rn_event e;

	put_policy(w, 3, rules, 3);
	for (int late = 0; late < 2; late++) {
		set_wall(w, NOON - 1 + late, 0);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(rn_bpf_events(w->bpf, &e, 1), 1);
		assert_int_equal(e.kind, late ? RN_EVENT_FLOW_CHANGED : RN_EVENT_FLOW_NEW);
		assert_int_equal(e.rule, 9);
		assert_int_equal(e.observed, late ? 7 : 8);
		assert_int_equal(e.flags, RN_EVENT_LOG);
		assert_int_equal(world_flow(w, &p).observed, late ? 7 : 8);
	}
	put_policy(w, 4, rules, 2); /* and nothing that decides */
	expect(w, RN_BPF_IN, &p, RN_DEFAULT_DENY);
	assert_int_equal(world_flow(w, &p).observed, 7);
}

static int open_world(void **state)
{
	const struct rn_bpf_options options = {.role = RN_ROLE_HUB};

	*state = world_open(&options);
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static int reset_world(void **state)
{
	world_reset(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_schedule, reset_world),
	    cmocka_unit_test_setup(test_many_windows, reset_world),
	    cmocka_unit_test_setup(test_no_window, reset_world),
	    cmocka_unit_test_setup(test_grant, reset_world),
	    cmocka_unit_test_setup(test_destination_trust, reset_world),
	    cmocka_unit_test_setup(test_one_family, reset_world),
	    cmocka_unit_test_setup(test_observed, reset_world),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
