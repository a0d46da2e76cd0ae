/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "service/core_known.h"

#define HUB 1
#define OTHER_HUB 2
#define OWN 3000
#define OTHERS 3000
#define RULES 200

static const uint8_t seed[RN_KEY_SIZE] = {7};
static uint8_t data[RN_RECORD_SIZE_MAX];
static uint64_t version;

static void take(struct rn_ledger *ledger, int size)
{
	struct rn_ledger_entry *entry;
	assert_true(size > 0);
	assert_int_equal(rn_ledger_take(ledger, data, (size_t)size, &entry), 0);
}

static void add(struct rn_ledger *ledger, uint32_t number, uint32_t hub, uint32_t selector, uint32_t owner)
{
	struct rn_record_head head = {.epoch = 1, .version = ++version, .issued = 1};
	struct rn_device_record d = {
	    .number = number,
	    .hub = hub,
	    .owner = owner,
	    .identity = selector,
	    .kind = RN_KIND_SERVER,
	    .ipv6 = {{0xfd, [12] = (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}},
	    .selectors = {selector},
	    .selector_count = 1};
	snprintf(d.name, sizeof(d.name), "d%u", number);
	if (owner)
		snprintf(d.owner_name, sizeof(d.owner_name), "u%u", owner);
	take(ledger, rn_record_put_device(&head, &d, seed, data, sizeof(data)));
}

/* Rules by pairs of selectors; the last one may be for one owner's alone. */
static void rules(struct rn_ledger *ledger, unsigned count, uint32_t from, uint32_t to, bool same_owner)
{
	static struct rn_policy_rule list[RULES];
	static uint32_t source[RULES], destination[RULES];
	static struct rn_service all = {0, 0, 65535};
	struct rn_record_head head = {.epoch = 1, .version = ++version, .issued = 1};
	struct rn_policy_record p = {.rules = list, .rule_count = count};
	for (unsigned i = 0; i < count; i++) {
		source[i] = from + i;
		destination[i] = to + i;
		list[i] = (struct rn_policy_rule){.id = "r",
						  .number = i + 1,
						  .same_owner = same_owner,
						  .source.any = {&source[i], 1},
.destination.any = {&destination[i], 1},
						  .services = &all,
						  .service_count = 1};
	}
	take(ledger, rn_record_put_policy(&head, &p, seed, data, sizeof(data)));
}

static const struct rn_ledger_entry *known_for(struct rn_ledger *ledger, uint32_t other)
{
	struct rn_known *known = rn_known_new(ledger, HUB);
	const struct rn_ledger_entry *entry;
	assert_non_null(known);
	entry = rn_known_for(known, &rn_ledger_device(ledger, other)->record);
	rn_known_free(known);
	return entry;
}

static void whoever_the_rules_let_meet(void **state)
{
	struct rn_ledger *ledger = rn_ledger_new();
	(void)state;
	assert_non_null(ledger);
	add(ledger, 10, HUB, 1, 0);
	add(ledger, 11, HUB, 2, 0);
	add(ledger, 12, OTHER_HUB, 3, 0);
	add(ledger, 20, OTHER_HUB, 4, 0);
	assert_null(known_for(ledger, 20));
	rules(ledger, 1, 2, 4, false);
	assert_int_equal(known_for(ledger, 20)->device, 11);
	rules(ledger, 1, 4, 2, false);
	assert_int_equal(known_for(ledger, 20)->device, 11);
	rules(ledger, 1, 3, 4, false);
	assert_null(known_for(ledger, 20));
	rn_ledger_free(ledger);
}

/* Of one identity, but not all of the owner that the rule asks for. */
static void an_owners_devices_are_found(void **state)
{
	struct rn_ledger *ledger = rn_ledger_new();
	(void)state;
	add(ledger, 10, HUB, 1, 0);
	add(ledger, 11, HUB, 1, 5);
	add(ledger, 12, HUB, 1, 6);
	add(ledger, 13, HUB, 2, 6);
	add(ledger, 20, OTHER_HUB, 4, 6);
	add(ledger, 21, OTHER_HUB, 4, 7);
	add(ledger, 22, OTHER_HUB, 4, 0);
	rules(ledger, 1, 1, 4, true);
	assert_int_equal(known_for(ledger, 20)->device, 12);
	assert_null(known_for(ledger, 21));
	assert_null(known_for(ledger, 22));
	rn_ledger_free(ledger);
}

/* Compared one with each, these are nine million pairs and 200 rules: minutes in which a hub would do nothing else. */
static void many_take_no_time(void **state)
{
	struct rn_ledger *ledger = rn_ledger_new();
	clock_t before;
	(void)state;
	for (uint32_t i = 0; i < OWN; i++)
		add(ledger, 10 + i, HUB, 1 + i % 8, 0);
	for (uint32_t i = 0; i < OTHERS; i++)
		add(ledger, 100000 + i, OTHER_HUB, 1000 + i % 8, 0);
	rules(ledger, RULES, 5000, 6000, false);
	before = clock();
	struct rn_known *known = rn_known_new(ledger, HUB);
	assert_non_null(known);
	for (uint32_t i = 0; i < OTHERS; i++)
		assert_null(rn_known_for(known, &rn_ledger_device(ledger, 100000 + i)->record));
	rn_known_free(known);
	assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
	rn_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whoever_the_rules_let_meet),
	    cmocka_unit_test(an_owners_devices_are_found),
	    cmocka_unit_test(many_take_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
