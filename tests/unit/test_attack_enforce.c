/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a captured core can do with records that the gateway did sign: older ones, in any order, between removals, syncs
 * and epochs. It may take access away; it must not bring back what a later record took. The datapath is memory here.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enforce_world.h"

/* ---- attacks ---- */

static void test_older_after_removal(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	restart(h);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
}

/* One device that comes and goes takes every index in turn; what was remembered at them must not be forgotten. */
static void test_older_after_every_index_was_used(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 5, device(8, 1, 0)), 0);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(rn_enforce_remove(h->enforce, 7), 0);
	for (unsigned i = 0; i < RN_DEVICES_MAX + 10; i++) {
		assert_int_equal(rn_enforce_remove(h->enforce, 8), 0);
		assert_int_equal(give(h, 5, device(8, 1, 0)), 0);
	}
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* What is newer than all that was forgotten is welcome. */
	assert_int_equal(give(h, 21, device(9, 1, 0)), 0);
	assert_true(gets_through(h, 9));
	restart(h);
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_int_equal(give(h, 20, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* Versions count from nothing in a new epoch, also after a restart. */
	rn_enforce_new_epoch(h->enforce, 2);
	restart(h);
	assert_int_equal(give(h, 1, device(7, 1, 0)), 0);
}

/* A record that waits for the policy must not overtake one that came after it. */
static void test_waiting_record_comes_too_late(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 15, device(7, 2, 0)), 0);		   /* waits: another identity */
	assert_int_equal(give(h, 20, device(7, 1, RN_DEVICE_REVOKED)), 0); /* now */
	assert_false(gets_through(h, 7));
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
	assert_int_equal(give(h, 15, device(7, 2, 0)), -ESTALE);
}

static void test_older_of_two_that_wait(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 20, device(7, 2, RN_DEVICE_REVOKED)), 0);
	assert_int_equal(give(h, 15, device(7, 2, 0)), -ESTALE);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
	assert_true(state_of(h, 7) & RN_STATE_REVOKED);
}

static void test_waiting_record_of_an_epoch_that_is_over(void **state)
{
	struct hub *h = *state;

	policy(h, 1);
	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	restart(h);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 15, device(7, 2, 0)), 0);
	rn_enforce_new_epoch(h->enforce, 2);
	assert_int_equal(give(h, 3, device(7, 1, RN_DEVICE_REVOKED)), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_false(gets_through(h, 7));
}

/* A record that does not fit here for its key still says that the device is revoked. */
static void test_refused_record_takes_away(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = device(7, 1, RN_DEVICE_REVOKED);

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 11, device(8, 1, 0)), 0);
	memcpy(d.wireguard_key, device(8, 1, 0).wireguard_key, RN_KEY_SIZE);
	assert_int_equal(give(h, 20, d), -EEXIST);
	assert_false(gets_through(h, 7));
	assert_true(gets_through(h, 8));
	assert_int_equal(give(h, 10, device(7, 1, 0)), -ESTALE);
	assert_false(gets_through(h, 7));
	/* The other device has gone: the same record fits now. */
	assert_int_equal(rn_enforce_remove(h->enforce, 8), 0);
	assert_int_equal(give(h, 20, d), 0);
	assert_true(state_of(h, 7) & RN_STATE_REVOKED);
}

static void test_refused_record_lowers_trust(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = device(7, 1, 0);

	assert_int_equal(give(h, 10, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 11, device(8, 1, 0)), 0);
	memcpy(d.wireguard_key, device(8, 1, 0).wireguard_key, RN_KEY_SIZE);
	d.trust = 3;
	assert_int_equal(give(h, 20, d), -EEXIST);
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	d.trust = 90;
	d.hub = 2;
	assert_int_equal(give(h, 21, d), -EEXIST);
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	assert_false(state_of(h, 7) & RN_STATE_ATTACHED);
}

/* ---- mix and match: each record is the gateway's, but they never were in force together ---- */

static struct rn_device_record under(uint64_t policy, struct rn_device_record d)
{
	d.policy = policy;
	return d;
}

/* Rests on device 7 from version `version` on, and on nobody below `since`. */
static int policy_over(struct hub *h, uint64_t version, uint64_t since, uint64_t seven)
{
	struct rn_policy_record p = {.since = since, .needs = zeros(1, sizeof(*p.needs)), .need_count = 1};

	p.needs[0] = (struct rn_need){.device = 7, .version = seven};
	return rn_enforce_policy(h->enforce, 1, version, &p, NULL);
}

static void test_policy_without_the_finer_device(void **state)
{
	struct hub *h = *state;

	policy(h, 9);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	assert_int_equal(give(h, 4, device(8, 1, 0)), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(state_of(h, 7), 0);
	assert_true(gets_through(h, 8));
	assert_int_equal(give(h, 3, device(7, 1, 0)), -ESTALE);
	restart(h);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(give(h, 9, device(7, 1, 0)), -ESTALE);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(give(h, 10, device(7, 2, 0)), 0);
	assert_true(gets_through(h, 7));
}

/* After kern's own restart, and without a sync: what the policy rests on is known only when it has come again. */
static void test_older_device_while_the_policy_is_not_known(void **state)
{
	struct hub *h = *state;

	policy(h, 9);
	assert_int_equal(give(h, 8, device(8, 1, 0)), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	restart(h);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	assert_int_equal(state_of(h, 7), 0);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 3, device(7, 1, 0)), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(policy_over(h, 11, 0, 10), 0);
	assert_int_equal(state_of(h, 7), 0);
	assert_int_equal(give(h, 3, device(7, 1, 0)), -ESTALE);
}

static void test_devices_from_before_all_were_signed_again(void **state)
{
	struct hub *h = *state;

	assert_int_equal(give(h, 3, device(8, 1, 0)), 0);
	assert_int_equal(give(h, 20, device(9, 1, 0)), 0);
	assert_int_equal(policy_over(h, 31, 20, 30), 0);
	assert_int_equal(state_of(h, 8), 0);
	assert_true(gets_through(h, 9));
	assert_int_equal(give(h, 19, device(8, 1, 0)), -ESTALE);
	assert_int_equal(give(h, 21, device(8, 1, 0)), 0);
	assert_true(gets_through(h, 8));
}

/* The policy that takes a tag's rights away is held back, the device that gets the tag after it is not. */
static void test_device_of_a_policy_that_is_held_back(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = under(11, device(7, 2, 0));

	policy(h, 9);
	assert_int_equal(give(h, 8, device(7, 1, 0)), 0);
	d.trust = 3;
	assert_int_equal(give(h, 12, d), 0);
	/* What it takes away is in force. */
	assert_int_equal(state_of(h, 7) & RN_STATE_TRUST_MASK, 3);
	assert_int_equal(give(h, 13, under(11, device(9, 1, 0))), 0);
	assert_int_equal(state_of(h, 9), 0);
	assert_int_equal(rn_enforce_waiting(h->enforce), 12);
	rn_enforce_sync_begin(h->enforce);
	assert_int_equal(give(h, 12, d), 0);
	assert_int_equal(give(h, 13, under(11, device(9, 1, 0))), 0);
	rn_enforce_sync_end(h->enforce, nobody, NULL);
	assert_int_equal(state_of(h, 9), 0);
	policy(h, 11);
	assert_int_equal(rn_enforce_waiting(h->enforce), 0);
	assert_true(gets_through(h, 7));
	assert_true(gets_through(h, 9));
	assert_int_equal(give(h, 8, device(7, 1, 0)), -ESTALE);
}

/* After a boot nothing is in force, and devices that came already say which policies are too old to be the first. */
static void test_first_policy_is_older_than_devices(void **state)
{
	struct hub *h = *state;
	struct rn_policy_record none = {0};

	assert_int_equal(give(h, 12, under(11, device(7, 1, 0))), 0);
	assert_int_equal(rn_enforce_policy(h->enforce, 1, 9, &none, NULL), -EAGAIN);
	policy(h, 11);
	assert_true(gets_through(h, 7));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enforce_setup, enforce_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_older_after_removal),
	    TEST(test_older_after_every_index_was_used),
	    TEST(test_waiting_record_comes_too_late),
	    TEST(test_older_of_two_that_wait),
	    TEST(test_waiting_record_of_an_epoch_that_is_over),
	    TEST(test_refused_record_takes_away),
	    TEST(test_refused_record_lowers_trust),
	    TEST(test_policy_without_the_finer_device),
	    TEST(test_older_device_while_the_policy_is_not_known),
	    TEST(test_devices_from_before_all_were_signed_again),
	    TEST(test_device_of_a_policy_that_is_held_back),
	    TEST(test_first_policy_is_older_than_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
