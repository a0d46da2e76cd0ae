/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "service/lease.h"
#include "sys/files.h"

#define S 1000000000ull

static void test_grant(void **state)
{
	(void)state;
	assert_true(rn_lease_grant(600, 1000, 1000, 5 * S) == 605 * S);
	assert_true(rn_lease_grant(600, 1000, 1100, 5 * S) == 505 * S); /* what is left of it */
	assert_true(rn_lease_grant(600, 1000, 900, 5 * S) == 605 * S);	/* never more than all of it */
	assert_true(rn_lease_grant(600, 1000, 0, 5 * S) == 605 * S);	/* a clock that was never set */
	assert_true(rn_lease_grant(600, 1000, -5, 5 * S) == 605 * S);
	assert_true(rn_lease_grant(600, 1000, 1600, 5 * S) == 5 * S); /* over */
	assert_true(rn_lease_grant(600, 1000, 9999999, 5 * S) == 5 * S);
}

/* A clock that somebody has set ahead does not end what was granted; nothing makes a lease longer than it is. */
static void test_renew(void **state)
{
	(void)state;
	assert_true(rn_lease_renew(0, 600, 1000, 1000, 5 * S) == 605 * S);
	assert_true(rn_lease_renew(0, 600, 1000, 9999999, 5 * S) == 5 * S);
	assert_true(rn_lease_renew(505 * S, 600, 1000, 9999999, 5 * S) == 505 * S);
	assert_true(rn_lease_renew(505 * S, 600, 1000, 1000, 5 * S) == 605 * S);
	assert_true(rn_lease_renew(505 * S, 60, 1000, 1000, 5 * S) == 65 * S); /* a shorter lease is shorter */
	assert_true(rn_lease_renew(UINT64_MAX, 600, 1000, 9999999, 5 * S) == 605 * S);
	assert_true(rn_lease_renew(3 * S, 600, 1000, 9999999, 5 * S) == 5 * S); /* it was over */
}

static void test_resume_across_reboot(void **state)
{
	struct rn_floor floor = {.until_ns = 700 * S, .left_ns = 300 * S, .boot_id = {1}};
	uint8_t same[RN_BOOT_ID_SIZE] = {1}, other[RN_BOOT_ID_SIZE] = {2};

	(void)state;
	assert_true(rn_lease_resume(&floor, same, 500 * S) == 700 * S);
	assert_true(rn_lease_resume(&floor, same, 900 * S) == 700 * S);
	assert_true(rn_lease_resume(&floor, other, 10 * S) == 310 * S);
	floor.left_ns = UINT64_MAX;
	assert_true(rn_lease_resume(&floor, other, 10 * S) == UINT64_MAX);
	floor = (struct rn_floor){0}; /* nothing was ever granted */
	assert_true(rn_lease_resume(&floor, other, 10 * S) == 10 * S);
}

static void test_floor_codec(void **state)
{
	struct rn_floor in = {3, 4, 5, 6, 7, {8, 9}}, out = {0};
	uint8_t data[RN_FLOOR_SIZE];

	(void)state;
	rn_floor_encode(&in, data);
	assert_int_equal(rn_floor_decode(data, sizeof(data), &out), 0);
	assert_true(out.epoch == 3 && out.network_version == 4 && out.policy_version == 5 && out.until_ns == 6 &&
		    out.left_ns == 7);
	assert_memory_equal(out.boot_id, in.boot_id, sizeof(in.boot_id));
	assert_int_equal(rn_floor_decode(data, sizeof(data) - 1, &out), -EBADMSG);
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] ^= 1;
		assert_int_equal(rn_floor_decode(data, sizeof(data), &out), -EBADMSG);
		data[i] ^= 1;
	}
}

static void test_file(void **state)
{
	char directory[] = "/tmp/rn-lease-XXXXXX", path[64];
	struct rn_err err = {""};
	struct rn_lease *l;
	uint64_t now = rn_boottime_ns();

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/floor.bin", directory);
	assert_int_equal(rn_lease_open(directory, &l, &err), 0);
	assert_true(rn_lease_until(l) <= rn_boottime_ns());
	rn_lease_floor(l)->epoch = 2;
	rn_lease_set_until(l, now + 100 * S);
	assert_int_equal(rn_lease_save(l, now), 0);
	rn_lease_free(l);
	assert_int_equal(rn_lease_open(directory, &l, &err), 0);
	assert_true(rn_lease_until(l) == now + 100 * S && rn_lease_floor(l)->epoch == 2);
	rn_lease_free(l);
	assert_int_equal(rn_file_write(path, "short", 5, 0600), 0);
	assert_int_equal(rn_lease_open(directory, &l, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "floor.bin"));
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grant),
	    cmocka_unit_test(test_renew),
	    cmocka_unit_test(test_resume_across_reboot),
	    cmocka_unit_test(test_floor_codec),
	    cmocka_unit_test(test_file),
	};

	rn_crypto_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
