/* SPDX-License-Identifier: Apache-2.0 */
/* A device's list of hubs, and when it goes to which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/homes.h"
#include "domain/homing.h"

/* ---- the list ---- */

static void one_hub_is_a_list(void **state)
{
	struct rn_device_record d = {.number = 9, .hub = 2, .kind = RN_KIND_DESKTOP};
	(void)state;
	assert_int_equal(rn_homes_at(&d, 0), 2);
	assert_int_equal(rn_homes_at(&d, 1), 0);
	assert_true(rn_homes_list(&d, 2));
	assert_false(rn_homes_list(&d, 3));
	assert_false(rn_homes_list(&d, 0));
	assert_int_equal(rn_homes_now(&d, 3, 77), 2);
}

static void the_greater_counter_counts(void **state)
{
	struct rn_device_record d = {
	    .number = 9, .hub = 2, .kind = RN_KIND_DESKTOP, .homes = {2, 3}, .home_count = 2, .moved = 10};
	(void)state;
	assert_int_equal(rn_homes_now(&d, 3, 11), 3);
	assert_int_equal(rn_homes_now(&d, 3, 10), 2);
	assert_int_equal(rn_homes_now(&d, 4, 11), 2);
	assert_int_equal(rn_homes_now(&d, 0, UINT64_MAX), 2);
}

static void what_it_leaves_goes_on_hearing(void **state)
{
	struct rn_device_record d = {.number = 9, .hub = 2, .kind = RN_KIND_DESKTOP};
	const uint32_t ab[] = {2, 3}, cb[] = {4, 3}, b[] = {3}, c[] = {4};
	(void)state;
	rn_homes_set(&d, ab, 2, false, 100);
	assert_int_equal(d.hub, 2);
	assert_true(d.moved == 0);
	rn_homes_set(&d, cb, 2, false, 100);
	assert_int_equal(d.hub, 4);
	assert_true(d.moved == 101);
	assert_true(rn_homes_concern(&d, 2) && !rn_homes_list(&d, 2));
	d.hub = 3;
	rn_homes_set(&d, b, 1, false, 50);
	assert_int_equal(d.hub, 3);
	assert_true(d.moved == 101 && d.home_count == 0);
	assert_true(rn_homes_concern(&d, 4) && rn_homes_concern(&d, 2));
	rn_homes_set(&d, c, 1, true, 50);
	assert_true(d.hub == 4 && d.moved == 102);
	assert_int_equal(d.left_count, 2);
	assert_int_equal(d.left[0], 3);
}

static void only_the_last_four_are_remembered(void **state)
{
	struct rn_device_record d = {.number = 9, .hub = 2, .kind = RN_KIND_DESKTOP};
	(void)state;
	for (uint32_t hub = 3; hub < 9; hub++)
		rn_homes_set(&d, &hub, 1, true, hub);
	assert_int_equal(d.left_count, RN_LEFT_MAX);
	assert_int_equal(d.left[0], 7);
	assert_int_equal(d.left[3], 4);
	assert_false(rn_homes_concern(&d, 2));
}

/* ---- when it goes ---- */

static const struct rn_homing_hub nothing = {0};

static void it_leaves_one_that_is_silent(void **state)
{
	struct rn_homing h = {0};
	struct rn_homing_hub hubs[] = {nothing, {.open = true, .heard_ms = 900}, {.open = true, .heard_ms = 950}};
	(void)state;
	rn_homing_trouble(&h, false, 1000);
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1000), 0);
	rn_homing_trouble(&h, true, 1200);
	/* Nobody has answered since: it is its own trouble. */
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1200), 0);
	hubs[2].heard_ms = 1010;
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1200), 2);
	hubs[1].heard_ms = 1000;
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1200), 1);
	hubs[1].open = false;
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1200), 2);
	rn_homing_answers(&h);
	assert_int_equal(rn_homing_choose(&h, hubs, 3, 1200), 0);
}

static void a_session_that_was_closed_may_come_again(void **state)
{
	struct rn_homing h = {0};
	const struct rn_homing_hub hubs[] = {nothing, {.open = true, .heard_ms = 1001}};
	(void)state;
	rn_homing_trouble(&h, false, 1000);
	assert_int_equal(rn_homing_choose(&h, hubs, 2, 1000 + RN_HOMING_GRACE_MS - 1), 0);
	assert_int_equal(rn_homing_choose(&h, hubs, 2, 1000 + RN_HOMING_GRACE_MS), 1);
}

static void it_returns_without_haste(void **state)
{
	struct rn_homing h = {0};
	struct rn_homing_hub hubs[] = {{.open = true, .heard_ms = 5000, .well_ms = 5000}, {.open = true}};
	int64_t now = 5000 + RN_HOMING_WELL_MS;
	(void)state;
	rn_homing_trouble(&h, true, 1000);
	rn_homing_moved(&h, 1, 1000);
	assert_false(h.trouble || h.silent || h.returned);
	assert_int_equal(rn_homing_choose(&h, hubs, 2, now - 1), 1);
	assert_int_equal(rn_homing_choose(&h, hubs, 2, now), 0);
	rn_homing_moved(&h, 0, now);
	assert_true(h.returned);
	/* It flaps: away again at once, back no sooner than five minutes after the last return. */
	rn_homing_trouble(&h, true, now + 10);
	rn_homing_moved(&h, 1, now + 10);
	hubs[0].well_ms = now + 1000;
	assert_int_equal(rn_homing_choose(&h, hubs, 2, now + RN_HOMING_RETURN_MS - 1), 1);
	assert_int_equal(rn_homing_choose(&h, hubs, 2, now + RN_HOMING_RETURN_MS), 0);
	hubs[0].open = false;
	assert_int_equal(rn_homing_choose(&h, hubs, 2, now + RN_HOMING_RETURN_MS), 1);
}

/* To the first because the second is silent is no return of choice, and does not count as one. */
static void a_flight_is_no_return(void **state)
{
	struct rn_homing h = {.at = 1};
	(void)state;
	rn_homing_trouble(&h, true, 1000);
	rn_homing_moved(&h, 0, 1000);
	assert_false(h.returned);
	assert_int_equal(h.at, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_hub_is_a_list),
	    cmocka_unit_test(the_greater_counter_counts),
	    cmocka_unit_test(what_it_leaves_goes_on_hearing),
	    cmocka_unit_test(only_the_last_four_are_remembered),
	    cmocka_unit_test(it_leaves_one_that_is_silent),
	    cmocka_unit_test(a_session_that_was_closed_may_come_again),
	    cmocka_unit_test(it_returns_without_haste),
	    cmocka_unit_test(a_flight_is_no_return),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
