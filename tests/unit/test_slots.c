/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/numbers.h"
#include "domain/slots.h"

static const uint32_t alice[] = {1, 4}, bob[] = {1, 5};

static void test_one_slot_for_one_set(void **state)
{
	struct rn_slots *s = rn_slots_new();
	uint32_t a, b, c, count;
	bool fresh;

	(void)state;
	assert_int_equal(rn_slots_take(s, 10, alice, 2, &a, &fresh), 0);
	assert_true(fresh);
	assert_int_equal(rn_slots_take(s, 11, bob, 2, &b, &fresh), 0);
	assert_true(fresh && a != b);
	assert_int_equal(rn_slots_take(s, 10, alice, 2, &c, &fresh), 0);
	assert_true(!fresh && c == a);
	assert_int_equal(rn_slots_used(s), 2);
	assert_memory_equal(rn_slots_selectors(s, b, &count), bob, sizeof(bob));
	rn_slots_release(s, a);
	assert_non_null(rn_slots_selectors(s, a, &count));
	rn_slots_release(s, a);
	assert_null(rn_slots_selectors(s, a, &count));
	rn_slots_release(s, a); /* once too often */
	assert_int_equal(rn_slots_used(s), 1);
	rn_slots_free(s);
}

static void test_adopted_slot_learns_its_set(void **state)
{
	struct rn_slots *s = rn_slots_new();
	uint32_t slot, count;
	bool fresh;

	(void)state;
	assert_int_equal(rn_slots_adopt(s, 7, 10), 0);
	assert_int_equal(rn_slots_adopt(s, 7, 10), 0);
	assert_int_equal(rn_slots_adopt(s, RN_IDENTITIES_MAX, 10), -ERANGE);
	assert_null(rn_slots_selectors(s, 7, &count));
	assert_int_equal(rn_slots_take(s, 11, bob, 2, &slot, &fresh), 0);
	assert_true(fresh && slot != 7);
	assert_int_equal(rn_slots_take(s, 10, alice, 2, &slot, &fresh), 0);
	assert_true(!fresh && slot == 7);
	assert_memory_equal(rn_slots_selectors(s, 7, &count), alice, sizeof(alice));
	for (int i = 0; i < 3; i++)
		rn_slots_release(s, 7);
	assert_int_equal(rn_slots_used(s), 1);
	rn_slots_free(s);
}

static void test_slots_are_bounded(void **state)
{
	const uint32_t max = RN_IDENTITIES_MAX;
	struct rn_slots *s = rn_slots_new();
	uint32_t slot;
	bool fresh;

	(void)state;
	for (uint32_t i = 0; i < max; i++)
		assert_int_equal(rn_slots_take(s, i + 1, &i, 1, &slot, &fresh), 0);
	assert_int_equal(rn_slots_adopt(s, max, 5), -ERANGE);
	assert_int_equal(rn_slots_take(s, 99999, alice, 2, &slot, &fresh), -ENOSPC);
	rn_slots_release(s, 17);
	assert_int_equal(rn_slots_take(s, 99999, alice, 2, &slot, &fresh), 0);
	assert_int_equal(slot, 17);
	assert_int_equal(rn_slots_used(s), max);
	rn_slots_free(s);
}

/* An adopted slot whose last user goes before its set is known is free like any other. */
static void test_adopted_and_gone(void **state)
{
	struct rn_slots *s = rn_slots_new();
	uint32_t slot, count;
	bool fresh;

	(void)state;
	assert_int_equal(rn_slots_adopt(s, 0, 10), 0);
	assert_int_equal(rn_slots_adopt(s, 1, 11), 0);
	rn_slots_release(s, 0);
	assert_int_equal(rn_slots_take(s, 10, alice, 2, &slot, &fresh), 0);
	assert_true(fresh && slot == 0);
	assert_int_equal(rn_slots_take(s, 11, bob, 2, &slot, &fresh), 0);
	assert_true(!fresh && slot == 1);
	assert_memory_equal(rn_slots_selectors(s, 1, &count), bob, sizeof(bob));
	assert_int_equal(rn_slots_take(s, 11, bob, 2, &slot, &fresh), 0);
	assert_true(!fresh && slot == 1);
	rn_slots_free(s);
}

static void test_indices_come_back_last(void **state)
{
	struct rn_indices *t = rn_indices_new();
	uint32_t first, index;

	(void)state;
	assert_int_equal(rn_indices_take(t, &first), 0);
	assert_int_not_equal(first, 0);
	rn_indices_free_index(t, first);
	rn_indices_free_index(t, first); /* twice does nothing */
	for (uint32_t i = 0; i < RN_DEVICES_MAX - 2; i++) {
		assert_int_equal(rn_indices_take(t, &index), 0);
		assert_int_not_equal(index, first);
	}
	assert_int_equal(rn_indices_take(t, &index), 0);
	assert_int_equal(index, first);
	assert_int_equal(rn_indices_take(t, &index), -ENOSPC);
	rn_indices_free(t);
}

static void test_indices_adopt(void **state)
{
	static bool remembered[RN_DEVICES_MAX];
	struct rn_indices *t = rn_indices_new();
	uint32_t index, last = 0;

	(void)state;
	remembered[2] = true;
	assert_int_equal(rn_indices_adopt(t, 1), 0);
	assert_int_equal(rn_indices_adopt(t, 1), -EEXIST);
	assert_int_equal(rn_indices_adopt(t, 0), -ERANGE);
	assert_int_equal(rn_indices_adopt(t, RN_DEVICES_MAX), -ERANGE);
	rn_indices_settle(t, remembered);
	while (rn_indices_take(t, &index) == 0) {
		assert_int_not_equal(index, 1);
		last = index;
	}
	assert_int_equal(last, 2);
	rn_indices_free(t);
}

/* Against a plain array, with keys that collide. */
static void test_numbers_random(void **state)
{
	static uint32_t model[4096];
	struct rn_numbers *t = rn_numbers_new();
	uint32_t seed = 42, count = 0;

	(void)state;
	assert_int_equal(rn_numbers_set(t, 0, 1), -EINVAL);
	assert_int_equal(rn_numbers_set(t, 1, 0), -EINVAL);
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t key;

		seed = seed * 1664525u + 1013904223u;
		key = (seed >> 10) % 4095 + 1;
		assert_int_equal(rn_numbers_get(t, key), model[key]);
		if (seed & 512) {
			assert_int_equal(rn_numbers_set(t, key, i + 1), 0);
			count += model[key] == 0;
			model[key] = i + 1;
		} else {
			rn_numbers_remove(t, key);
			count -= model[key] != 0;
			model[key] = 0;
		}
		assert_int_equal(rn_numbers_count(t), count);
	}
	for (uint32_t key = 1; key < 4096; key++)
		assert_int_equal(rn_numbers_get(t, key), model[key]);
	rn_numbers_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_slot_for_one_set),   cmocka_unit_test(test_adopted_slot_learns_its_set),
	    cmocka_unit_test(test_slots_are_bounded),	   cmocka_unit_test(test_adopted_and_gone),
	    cmocka_unit_test(test_indices_come_back_last), cmocka_unit_test(test_indices_adopt),
	    cmocka_unit_test(test_numbers_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
