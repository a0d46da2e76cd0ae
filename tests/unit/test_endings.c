/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/endings.h"

static struct rn_device_record project(uint32_t number, uint64_t ends)
{
	return (struct rn_device_record){
	    .number = number, .hub = number, .kind = RN_KIND_PROJECT, .parent = 1, .ends = ends};
}

static void test_each_ends_once(void **state)
{
	struct rn_endings *e = rn_endings_new();

	(void)state;
	for (uint32_t i = 2; i < 40; i++) {
		struct rn_device_record hub = project(i, 1000 + i % 2);

		assert_int_equal(rn_endings_note(e, &hub, i, 999), 0);
	}
	assert_int_equal(rn_endings_due(e, 999), 0);
	for (int i = 0; i < 19; i++)
		assert_int_equal(rn_endings_due(e, 1000) % 2, 0);
	assert_int_equal(rn_endings_due(e, 1000), 0);
	for (int i = 0; i < 19; i++)
		assert_int_equal(rn_endings_due(e, 1001) % 2, 1);
	assert_int_equal(rn_endings_due(e, INT64_MAX), 0);
	rn_endings_free(e);
}

static void test_what_has_no_end(void **state)
{
	struct rn_endings *e = rn_endings_new();
	struct rn_device_record hub = project(2, 1000);

	(void)state;
	assert_int_equal(rn_endings_note(e, &hub, 1, 1000), 1);
	hub.flags = RN_DEVICE_REVOKED; /* its record says it to all */
	assert_int_equal(rn_endings_note(e, &hub, 2, 1000), 0);
	hub = project(3, 0);
	hub.kind = RN_KIND_REGIONAL;
	assert_int_equal(rn_endings_note(e, &hub, 3, 1000), 0);
	assert_int_equal(rn_endings_due(e, INT64_MAX), 0);
	hub = project(4, 1000);
	assert_int_equal(rn_endings_note(e, &hub, 4, 0), 0);
	rn_endings_forget(e, 4);
	rn_endings_forget(e, 5);
	assert_int_equal(rn_endings_due(e, INT64_MAX), 0);
	rn_endings_free(e);
}

static void test_the_clock_takes_nothing_back(void **state)
{
	struct rn_endings *e = rn_endings_new();
	struct rn_device_record hub = project(2, 1000);

	(void)state;
	assert_int_equal(rn_endings_note(e, &hub, 7, 500), 0);
	assert_int_equal(rn_endings_due(e, 1000), 2);
	assert_int_equal(rn_endings_note(e, &hub, 7, 500), 1);
	/* A newer record with the same end, or an earlier one, is no reprieve; one with a later end is. */
	assert_int_equal(rn_endings_note(e, &hub, 8, 500), 1);
	hub.ends = 600;
	assert_int_equal(rn_endings_note(e, &hub, 9, 500), 1);
	hub.ends = 2000;
	assert_int_equal(rn_endings_note(e, &hub, 10, 1500), 0);
	assert_int_equal(rn_endings_due(e, 1999), 0);
	assert_int_equal(rn_endings_due(e, 2000), 2);
	hub.ends = 9000; /* of before */
	assert_int_equal(rn_endings_note(e, &hub, 3, 1500), 1);
	rn_endings_new_epoch(e);
	assert_int_equal(rn_endings_note(e, &hub, 3, 1500), 0);
	hub.ends = 1200;
	assert_int_equal(rn_endings_note(e, &hub, 4, 1500), 1);
	hub.ends = 2500;
	assert_int_equal(rn_endings_note(e, &hub, 11, 2600), 1);
	/* A clock before 1970 ends nothing. */
	hub.ends = 3000;
	assert_int_equal(rn_endings_note(e, &hub, 12, -5), 0);
	assert_int_equal(rn_endings_due(e, -5), 0);
	rn_endings_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_ends_once),
	    cmocka_unit_test(test_what_has_no_end),
	    cmocka_unit_test(test_the_clock_takes_nothing_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
