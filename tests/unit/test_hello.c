/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/hello.h"
#include "proto/session.h"

/* Nothing, a leaf, or all three; every other length and combination is refused. */
static void test_forms(void **state)
{
	const uint8_t bytes[3] = {1, 2, 3};
	struct rn_hello hello = {
	    .leaf = bytes, .issuer = bytes, .anchor = bytes, .leaf_size = 3, .issuer_size = 2, .anchor_size = 1};
	uint8_t out[RN_HELLO_MAX], room[RN_HELLO_MAX + 1] = {0};
	struct rn_hello read;
	int size = rn_hello_encode(&hello, out, sizeof(out));

	(void)state;
	assert_int_equal(size, 12);
	assert_int_equal(rn_hello_decode(out, 0, &read), 0);
	assert_null(read.leaf);
	for (int i = 1; i <= 12; i++)
		assert_int_equal(rn_hello_decode(out, (size_t)i, &read), i == 5 || i == 12 ? 0 : -EBADMSG);
	assert_int_equal(read.leaf_size == 3 && read.issuer_size == 2 && read.anchor_size == 1, 1);
	/* An empty issuer or anchor is none; and nothing may follow. */
	for (int empty = 0; empty < 3; empty++) {
		hello = (struct rn_hello){.leaf = bytes,
					  .issuer = bytes,
					  .anchor = bytes,
					  .leaf_size = empty != 0,
					  .issuer_size = empty != 1,
					  .anchor_size = empty != 2};
		memset(room, 0, sizeof(room));
		size = 0;
		for (int i = 0; i < 3; i++, size += 2 + (i - 1 != empty))
			room[size] = i != empty;
		assert_int_equal(rn_hello_decode(room, (size_t)size, &read), -EBADMSG);
	}
	memcpy(room, out, 12);
	assert_int_equal(rn_hello_decode(room, 13, &read), -EBADMSG);
	assert_int_equal(rn_hello_decode(room, sizeof(room), &read), -EBADMSG);
	hello = (struct rn_hello){.leaf = bytes, .leaf_size = 3, .issuer = bytes, .issuer_size = 2};
	assert_int_equal(rn_hello_encode(&hello, out, sizeof(out)), -EINVAL);
	hello = (struct rn_hello){0};
	assert_int_equal(rn_hello_encode(&hello, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
