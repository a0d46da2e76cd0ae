/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "service/revoked.h"
#include "sys/files.h"

#define COUNT 3
#define SIZE (RN_REVOKED_HEAD + COUNT * RN_REVOKED_ENTRY)

static struct rn_revoked *three(void)
{
	struct rn_revoked *v = rn_revoked_new();

	assert_non_null(v);
	rn_revoked_begin_epoch(v, 4);
	assert_int_equal(rn_revoked_add(v, 7), 1);
	assert_int_equal(rn_revoked_add(v, 0x01020304), 1);
	assert_int_equal(rn_revoked_add(v, 2), 1);
	return v;
}

static int decode(const uint8_t *data, size_t size, unsigned *ret_known)
{
	struct rn_revoked *v = rn_revoked_new();
	int r = rn_revoked_decode(v, data, size);

	*ret_known = rn_revoked_has(v, 7) + rn_revoked_has(v, 0x01020304) + rn_revoked_has(v, 2);
	if (r == 0)
		assert_int_equal(rn_revoked_epoch(v), 4);
	rn_revoked_free(v);
	return r;
}

static void test_list(void **state)
{
	struct rn_revoked *v = three();

	(void)state;
	assert_true(rn_revoked_has(v, 7) && !rn_revoked_has(v, 8) && !rn_revoked_has(v, 0));
	assert_int_equal(rn_revoked_add(v, 7), 0);
	assert_int_equal(rn_revoked_add(v, 0), -EINVAL);
	assert_int_equal(rn_revoked_size(v), SIZE);
	rn_revoked_begin_epoch(v, 4);
	rn_revoked_begin_epoch(v, 3);
	assert_true(rn_revoked_has(v, 7) && rn_revoked_epoch(v) == 4);
	rn_revoked_begin_epoch(v, 5); /* numbers count anew */
	assert_true(!rn_revoked_has(v, 7) && rn_revoked_epoch(v) == 5 && rn_revoked_size(v) == RN_REVOKED_HEAD);
	assert_int_equal(rn_revoked_add(v, 7), 1);
	rn_revoked_free(v);
}

static void test_bound(void **state)
{
	struct rn_revoked *v = rn_revoked_new(), *again = rn_revoked_new();
	uint8_t *data;

	(void)state;
	for (uint32_t i = 1; i <= RN_REVOKED_MAX; i++)
		assert_int_equal(rn_revoked_add(v, i), 1);
	assert_int_equal(rn_revoked_add(v, RN_REVOKED_MAX + 1), -ENOSPC);
	assert_int_equal(rn_revoked_add(v, 1), 0);
	assert_int_equal(rn_revoked_size(v), RN_REVOKED_SIZE_MAX);
	data = malloc(RN_REVOKED_SIZE_MAX);
	assert_non_null(data);
	rn_revoked_encode(v, data);
	assert_int_equal(rn_revoked_decode(again, data, RN_REVOKED_SIZE_MAX), 0);
	assert_true(rn_revoked_has(again, 1) && rn_revoked_has(again, RN_REVOKED_MAX));
	free(data);
	rn_revoked_free(v);
	rn_revoked_free(again);
}

/* Every length that a write may stop at, and every byte that may be wrong. */
static void test_codec(void **state)
{
	struct rn_revoked *v = three();
	uint8_t data[SIZE];
	unsigned known;

	(void)state;
	rn_revoked_encode(v, data);
	rn_revoked_free(v);
	assert_int_equal(decode(data, sizeof(data), &known), 0);
	assert_int_equal(known, COUNT);
	for (size_t size = 0; size < sizeof(data); size++) {
		if (size < RN_REVOKED_HEAD) {
			assert_int_equal(decode(data, size, &known), -EBADMSG);
			continue;
		}
		assert_int_equal(decode(data, size, &known), 0);
		assert_int_equal(known, (size - RN_REVOKED_HEAD) / RN_REVOKED_ENTRY);
	}
	for (size_t i = 0; i < sizeof(data); i++) {
		bool last = i >= sizeof(data) - RN_REVOKED_ENTRY;

		data[i] ^= 1;
		assert_int_equal(decode(data, sizeof(data), &known), last ? 0 : -EBADMSG);
		if (last)
			assert_int_equal(known, COUNT - 1);
		data[i] ^= 1;
	}
}

static void check_damage(const char *directory, const char *path)
{
	struct rn_err err = {""};
	struct rn_revoked *v;
	uint8_t data[SIZE];

	assert_int_equal(rn_file_read_exact(path, data, sizeof(data)), 0);
	data[RN_REVOKED_HEAD] ^= 1;
	assert_int_equal(rn_file_write(path, data, sizeof(data), 0600), 0);
	assert_int_equal(rn_revoked_open(directory, &v, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "revoked.bin is damaged"));
}

static void test_file(void **state)
{
	char directory[] = "/tmp/rn-revoked-XXXXXX", path[64], beside[64];
	struct rn_err err = {""};
	struct rn_revoked *v;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/revoked.bin", directory);
	snprintf(beside, sizeof(beside), "%s/revoked.bin.new", directory);
	assert_int_equal(rn_revoked_open(directory, &v, &err), 0); /* missing: empty */
	assert_true(!rn_revoked_due(v) && rn_revoked_epoch(v) == 0);
	assert_int_equal(rn_revoked_save(v), 0);
	assert_true(access(path, F_OK) < 0);
	assert_int_equal(rn_revoked_add(v, 7), 1);
	assert_int_equal(mkdir(beside, 0700), 0); /* the disk takes nothing */
	assert_true(rn_revoked_save(v) < 0 && rn_revoked_due(v) && rn_revoked_has(v, 7));
	assert_int_equal(rmdir(beside), 0);
	assert_int_equal(rn_revoked_save(v), 0);
	assert_false(rn_revoked_due(v));
	rn_revoked_add(v, 8);
	rn_revoked_add(v, 9);
	assert_int_equal(rn_revoked_save(v), 0);
	rn_revoked_free(v);
	assert_int_equal(rn_revoked_open(directory, &v, &err), 0);
	assert_true(rn_revoked_has(v, 7) && rn_revoked_has(v, 9) && !rn_revoked_due(v));
	rn_revoked_free(v);
	check_damage(directory, path);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_codec),
	    cmocka_unit_test(test_file),
	};

	rn_crypto_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
