// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain/identity.h"
#include "tests/support/rng.h"

static void test_meaning(void **state)
{
	struct rn_identities *t = rn_identities_new();
	uint32_t a[] = {1, 5}, b[] = {1}, number = 0, again = 0, count;
	bool new = false;

	(void)state;
	assert_int_equal(rn_identities_intern(t, a, 2, &number, &new), 0);
	assert_int_equal(number, 1);
	assert_true(new);
	assert_int_equal(rn_identities_intern(t, b, 1, &again, &new), 0);
	assert_int_equal(again, 2);
	assert_int_equal(rn_identities_intern(t, a, 2, &again, &new), 0);
	assert_int_equal(again, 1);
	assert_false(new);
	assert_memory_equal(rn_identities_get(t, 1, &count), a, sizeof(a));
	assert_int_equal(count, 2);
	assert_null(rn_identities_get(t, 3, &count));
	assert_int_equal(count, 0);
	assert_null(rn_identities_get(t, 0, &count));
	rn_identities_free(t);
	rn_identities_free(NULL);
}

static void test_refused(void **state)
{
	struct rn_identities *t = rn_identities_new();
	uint32_t twice[] = {3, 3}, falling[] = {3, 2}, zero[] = {0, 1}, good[] = {7}, many[RN_SELECTORS_MAX + 1];
	uint32_t number = 99;

	(void)state;
	for (uint32_t i = 0; i <= RN_SELECTORS_MAX; i++)
		many[i] = i + 1;
	assert_int_equal(rn_identities_intern(t, twice, 2, &number, NULL), -EINVAL);
	assert_int_equal(rn_identities_intern(t, falling, 2, &number, NULL), -EINVAL);
	assert_int_equal(rn_identities_intern(t, zero, 2, &number, NULL), -EINVAL);
	assert_int_equal(rn_identities_intern(t, good, 0, &number, NULL), -EINVAL);
	assert_int_equal(rn_identities_intern(t, many, RN_SELECTORS_MAX + 1, &number, NULL), -EINVAL);
	assert_int_equal(rn_identities_load(t, 0, good, 1), -EINVAL);
	assert_int_equal(rn_identities_load(t, RN_IDENTITY_MAX + 1, good, 1), -EINVAL);
	assert_int_equal(number, 99);
	assert_int_equal(rn_identities_load(t, RN_IDENTITY_MAX, good, 1), 0);
	assert_int_equal(rn_identities_load(t, RN_IDENTITY_MAX, many, 2), -EEXIST);
	assert_int_equal(rn_identities_load(t, 5, good, 1), -EEXIST);
	/* Numbers end: none is used again. */
	assert_int_equal(rn_identities_intern(t, many, 3, &number, NULL), -ENOSPC);
	assert_int_equal(rn_identities_intern(t, good, 1, &number, NULL), 0);
	assert_int_equal(number, RN_IDENTITY_MAX);
	rn_identities_free(t);
}

struct copy {
	struct rn_identities *to;
	uint32_t last;
};

static void copy_one(void *context, uint32_t number, const uint32_t *selectors, uint32_t count)
{
	struct copy *c = context;

	assert_true(number > c->last);
	c->last = number;
	assert_int_equal(rn_identities_load(c->to, number, selectors, count), 0);
}

/* 20,000 random sets: the same number for the same set, through growth and through export and import. */
static void test_many(void **state)
{
	static uint32_t first[20000][4], numbers[20000];
	struct rn_identities *t = rn_identities_new();
	struct copy copy = {.to = rn_identities_new()};
	struct rng rng = {1};
	uint32_t highest = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t number;
		bool new;

		for (unsigned j = 0; j < 4; j++)
			first[i][j] = (j ? first[i][j - 1] : 0) + 1 + rng_below(&rng, 10);
		assert_int_equal(rn_identities_intern(t, first[i], 4, &number, &new), 0);
		assert_int_equal(new, number == highest + 1);
		if (new)
			highest = number;
		numbers[i] = number;
	}
	rn_identities_each(t, copy_one, &copy);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t number, count;
		bool new;

		assert_int_equal(rn_identities_intern(copy.to, first[i], 4, &number, &new), 0);
		assert_int_equal(number, numbers[i]);
		assert_false(new);
		assert_memory_equal(rn_identities_get(copy.to, number, &count), first[i], sizeof(first[i]));
	}
	rn_identities_free(t);
	rn_identities_free(copy.to);
}

/* Loaded out of order it is the same table. */
static void test_order(void **state)
{
	struct rn_identities *t = rn_identities_new();
	struct rng rng = {2};

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t number = i * 263 % 500 + 1, set[] = {number, 1000 + rng_below(&rng, 9)};

		assert_int_equal(rn_identities_load(t, number, set, 2), 0);
	}
	for (uint32_t number = 1; number <= 500; number++) {
		uint32_t count, same;
		const uint32_t *set = rn_identities_get(t, number, &count);

		assert_non_null(set);
		assert_int_equal(set[0], number);
		assert_int_equal(rn_identities_intern(t, set, count, &same, NULL), 0);
		assert_int_equal(same, number);
	}
	rn_identities_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_meaning),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
