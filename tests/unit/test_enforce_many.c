/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of a hub with 10,000 devices, each of five tags of 1,000 that are drawn by Zipf's law, so that nearly every
 * one is an identity of its own; and 100,000 rules from one tag to another. RN_SEED=N plays another network.
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

#include "enforce_world.h"
#include "sys/datapath_memory.h"
#include "tests/support/rng.h"
#include "tests/support/tables.h"
#include "tests/support/walk.h"

#define DEVICES 10000u
#define RULES 100000u
#define TAGS 1000u
#define EACH 5u
#define EVERYONE 1u /* selector numbers: everyone, then the tags */
#define QUESTIONS 300

static struct rn_device_record devices[RN_DEVICES_MAX + 1]; /* by number; they have neither addresses nor keys */
static double zipf[TAGS];				    /* the sum of all up to it */
static struct rng rng;

static uint32_t draw_tag(void)
{
	double at = (double)(rng_next(&rng) >> 11) / 9007199254740992.0 * zipf[TAGS - 1];
	uint32_t tag = 0;

	while (zipf[tag] < at)
		tag++;
	return EVERYONE + 1 + tag;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static struct rn_device_record make_device(uint32_t number)
{
	struct rn_device_record d = {
	    .number = number, .hub = 2, .identity = number, .kind = RN_KIND_DESKTOP, .trust = 50, .selector_count = 1};

	d.selectors[0] = EVERYONE;
	while (d.selector_count < 1 + EACH) {
		uint32_t tag = draw_tag(), i = 1;

		while (i < d.selector_count && d.selectors[i] != tag)
			i++;
		if (i == d.selector_count)
			d.selectors[d.selector_count++] = tag;
	}
	qsort(d.selectors, d.selector_count, sizeof(*d.selectors), by_number);
	return d;
}

static struct rn_selector_set set_of(uint32_t selector)
{
	struct rn_selector_set set = {zeros(1, sizeof(*set.numbers)), 1};

	set.numbers[0] = selector;
	return set;
}

static struct rn_policy_record make_policy(void)
{
	struct rn_policy_record p = {.rules = zeros(RULES, sizeof(*p.rules)), .rule_count = RULES};

	for (uint32_t i = 0; i < RULES; i++) {
		struct rn_policy_rule *r = &p.rules[i];

		*r = (struct rn_policy_rule){.number = i + 1, .deny = i < RULES / 10, .service_count = 1};
		r->source.any = set_of(EVERYONE + 1 + rng_below(&rng, TAGS));
		r->destination.any = set_of(EVERYONE + 1 + rng_below(&rng, TAGS));
		r->services = zeros(1, sizeof(*r->services));
		r->services[0] = (struct rn_service){IPPROTO_TCP, (uint16_t)rng_below(&rng, 100), 65535};
	}
	return p;
}

static int many_setup(void **state)
{
	const char *seed = getenv("RN_SEED");
	double sum = 0;

	rng.state = seed ? strtoull(seed, NULL, 10) : 7;
	for (uint32_t i = 0; i < TAGS; i++)
		zipf[i] = sum += 1.0 / (i + 1);
	for (uint32_t n = 1; n <= RN_DEVICES_MAX; n++)
		devices[n] = make_device(n);
	return enforce_setup_node(state);
}

static uint32_t slot_of(const struct hub *h, uint32_t number)
{
	for (uint32_t i = 1; i < RN_DEVICES_MAX; i++)
		if (h->dp->devices[i].number == number && (h->dp->devices[i].state & RN_STATE_PRESENT))
			return h->dp->devices[i].identity_slot;
	fail_msg("device %u is a stranger", number);
	return 0;
}

static bool judged_alike(const struct hub *h, const struct rn_policy_record *policy, uint32_t from, uint32_t to)
{
	const struct rn_device_record *a = &devices[from], *b = &devices[to];
	const struct walk_end source = {a->selectors, a->selector_count, 0, 50},
			      destination = {b->selectors, b->selector_count, 0, 50};
	const struct tables_packet p = {50, 50, RN_TCP, (uint16_t)rng_below(&rng, 120), false, 1000};
	struct rn_identity_lists from_lists, to_lists;
	struct rn_policy_arrays tables = world_half(h, &from_lists, slot_of(h, from));
	enum rn_reason reason;

	world_half(h, &to_lists, slot_of(h, to));
	reason = tables_judge(&tables, &from_lists, &to_lists, &p).reason;
	assert_int_equal(reason, walk_rules(policy, &source, &destination, IPPROTO_TCP, p.port, 1000).reason);
	return reason == RN_ALLOWED;
}

static void ask(const struct hub *h, const struct rn_policy_record *policy)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint32_t other = 2 + rng_below(&rng, DEVICES - 1);

		allowed += judged_alike(h, policy, i & 1 ? other : SELF, i & 1 ? SELF : other);
	}
	assert_in_range(allowed, QUESTIONS / 20, QUESTIONS - 20);
}

/* Half of them come before the policy; the other half's lists go behind those that are there. */
static void test_everybody_has_room(void **state)
{
	struct hub *h = *state;
	struct rn_policy_record p = make_policy(), kept = p;
	struct rn_err err = {""};
	uint32_t end;

	for (uint32_t n = 1; n <= DEVICES; n++) {
		if (n == DEVICES / 2) {
			assert_int_equal(rn_enforce_policy(h->enforce, 1, 1, &p, &err), 0);
			assert_int_equal(h->dp->config->generation, 1);
		}
		if (rn_enforce_device(h->enforce, n, &devices[n], &err) < 0)
			fail_msg("%s", err.text);
	}
	printf("%u rules, %u of %u sides\n", h->dp->policy[1].rules, h->dp->sides_end[1],
	       RN_LISTS_MAX * RN_LIST_SIDES >> RN_NODE_SHIFT);
	ask(h, &kept); /* enforce has it, and holds it until the next */
	assert_int_equal(h->dp->config->generation, 1);
	end = h->dp->sides_end[1];
	h->dp->sides_end[1] = 0;
	assert_int_equal(rn_datapath_find_ends(h->dp), 0); /* as after a restart */
	assert_int_equal(h->dp->sides_end[1], end);
}

/* More devices than a host can know: who finds no room is told of, and the others stay. */
static void test_who_has_no_room_is_told_of(void **state)
{
	struct hub *h = *state;
	struct rn_err err = {""};

	for (uint32_t n = 1; n < RN_DEVICES_MAX; n++)
		assert_int_equal(rn_enforce_device(h->enforce, n, &devices[n], &err), 0);
	assert_int_equal(rn_enforce_device(h->enforce, RN_DEVICES_MAX, &devices[RN_DEVICES_MAX], &err), -ENOSPC);
	assert_non_null(strstr(err.text, "device 16384 does not fit: 16383 devices are there"));
	assert_int_equal(rn_enforce_devices(h->enforce), RN_DEVICES_MAX - 1);
	assert_int_equal(rn_enforce_remove(h->enforce, 17), 0);
	assert_int_equal(rn_enforce_device(h->enforce, RN_DEVICES_MAX, &devices[RN_DEVICES_MAX], &err), 0);
}

/* Where the lists are full, too. */
static void test_full_lists_are_told_of(void **state)
{
	struct hub *h = *state;
	struct rn_identity_lists rest = {.count = 1};
	struct rn_err err = {""};

	policy(h, 1);
	assert_int_equal(rn_enforce_device(h->enforce, 1, &devices[1], &err), 0);
	h->dp->sides_end[1] = (RN_LISTS_MAX * RN_LIST_SIDES >> RN_NODE_SHIFT) - 1;
	rest.sides = zeros(1, sizeof(*rest.sides));
	assert_int_equal(rn_datapath_identity_write(h->dp, 1, 77, &rest), 0);
	assert_int_equal(rn_datapath_identity_write(h->dp, 1, 78, &rest), -ENOSPC);
	free(rest.sides);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_everybody_has_room, many_setup, enforce_teardown),
	    cmocka_unit_test_setup_teardown(test_who_has_no_room_is_told_of, many_setup, enforce_teardown),
	    cmocka_unit_test_setup_teardown(test_full_lists_are_told_of, many_setup, enforce_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
