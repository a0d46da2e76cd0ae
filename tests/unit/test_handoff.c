/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/handoff.h"

static uint8_t wire[RN_HANDOFF_MAX + 64];

static size_t encoded(size_t size)
{
	static uint8_t datagram[RN_DATAGRAM_MAX + 1] = "RN1\5";
	const struct rn_handoff in = {
	    .from = {{1, 2, 3}}, .to = {{{4, 5, 6}}, 51820}, .datagram = datagram, .size = size};
	int n = rn_handoff_encode(&in, wire);

	assert_int_equal(n, RN_HANDOFF_HEAD + size);
	return (size_t)n;
}

/* From memory of just that size, so that the sanitizer sees every step beyond it. */
static int decode(size_t size, struct rn_handoff *ret)
{
	uint8_t *copy = malloc(size ? size : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, wire, size);
	r = rn_handoff_decode(copy, size, ret);
	if (r == 0)
		assert_true(ret->datagram == copy + RN_HANDOFF_HEAD && ret->size == size - RN_HANDOFF_HEAD);
	free(copy);
	return r;
}

static void test_round_trip(void **state)
{
	struct rn_handoff out;

	(void)state;
	for (size_t size = 4; size <= RN_DATAGRAM_MAX; size++) {
		assert_int_equal(decode(encoded(size), &out), 0);
		assert_true(out.from.b[2] == 3 && out.to.addr.b[1] == 5 && out.to.port == 51820);
	}
}

static void test_sizes(void **state)
{
	const struct rn_handoff big = {.datagram = wire, .size = RN_DATAGRAM_MAX + 1};
	uint8_t out[RN_HANDOFF_MAX];
	struct rn_handoff got;
	size_t size = encoded(RN_DATAGRAM_MAX);

	(void)state;
	assert_int_equal(rn_handoff_encode(&big, out), -EMSGSIZE);
	for (size_t cut = 0; cut < RN_HANDOFF_HEAD + 4; cut++)
		assert_int_equal(decode(cut, &got), -EBADMSG);
	for (size_t more = 1; more <= 64; more++)
		assert_int_equal(decode(size + more, &got), -EBADMSG);
}

/* Only the control protocol leaves from WireGuard's port: nothing that a WireGuard or anybody else would answer. */
static void test_contents(void **state)
{
	size_t size = encoded(200);
	struct rn_handoff got;

	(void)state;
	for (unsigned at = 0; at < 4; at++) {
		const uint8_t before = wire[RN_HANDOFF_HEAD + at];

		for (unsigned value = 0; value < 256; value++) {
			bool good = at < 3 ? value == before : value >= 1 && value <= 6;

			wire[RN_HANDOFF_HEAD + at] = (uint8_t)value;
			assert_int_equal(decode(size, &got), good ? 0 : -EBADMSG);
		}
		wire[RN_HANDOFF_HEAD + at] = before;
	}
}

static void test_state(void **state)
{
	static const uint8_t bad[][RN_HANDOFF_STATE_SIZE + 1] = {{0, 0, 1}, {1, 0, 2}};
	struct rn_handoff_state in = {51820, true}, out = {0};
	uint8_t data[RN_HANDOFF_STATE_SIZE + 1] = {0};

	(void)state;
	rn_handoff_state_encode(&in, data);
	for (size_t size = 0; size <= sizeof(data); size++)
		assert_int_equal(rn_handoff_state_decode(data, size, &out),
				 size == RN_HANDOFF_STATE_SIZE ? 0 : -EBADMSG);
	assert_true(out.port == 51820 && out.complete);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(rn_handoff_state_decode(bad[i], RN_HANDOFF_STATE_SIZE, &out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_contents),
	    cmocka_unit_test(test_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
