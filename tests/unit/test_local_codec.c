/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/local.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE_END (RN_LOCAL_WEB_PIECE + 1)
#define ROUNDS 100000

static uint8_t out[RN_LOCAL_SIZE_MAX], again[RN_LOCAL_SIZE_MAX];

static struct rn_local sample(unsigned type)
{
	return (struct rn_local){
		.type = type,
		.session = 1ull << 50,
		.number = 2,
		.version = 3,
		.key = { 4 },
		.key2 = { 5 },
		.endpoint = { { { 6 } }, 7 },
		.role = 8,
		.token = 9,
		.expires = 10,
		.code = 11,
		.port = 51820,
		.text = "why",
		.block = (const uint8_t *)"block",
		.block_size = 5,
		.status = { .id = 12,
			    .interface = "rn0",
			    .lease_seconds_left = -1,
			    .lost = 13,
			    .steering = 1,
			    .control_port = 51821,
			    .steered = 1ull << 33,
			    .steering_why = "on interface eth0 datagrams cannot be steered",
			    .counters = (const uint8_t *)"counters",
			    .counters_size = 8,
			    .frames = (const uint8_t *)"frames",
			    .frames_size = 6,
			    .peers = (const uint8_t *)"peers",
			    .peers_size = 5 },
	};
}

static int decode_copy(const uint8_t *data, size_t size, struct rn_local *ret, uint8_t **copy)
{
	*copy = malloc(size ? size : 1);
	assert_non_null(*copy);
	memcpy(*copy, data, size);
	return rn_local_decode(*copy, size, ret);
}

static void assert_canonical(const uint8_t *data, size_t size)
{
	struct rn_local message;
	uint8_t *copy;

	assert_int_equal(decode_copy(data, size, &message, &copy), 0);
	assert_int_equal(rn_local_encode(&message, again, sizeof(again)), size);
	assert_memory_equal(again, data, size);
	free(copy);
}

static void every_type(void **state)
{
	unsigned type, known = 0;

	(void)state;
	for (type = 0; type < TYPE_END + 10; type++) {
		struct rn_local in = sample(type), decoded;
		int size = rn_local_encode(&in, out, sizeof(out)), cut;
		uint8_t *copy;

		if (size == -EINVAL)
			continue;
		known++;
		assert_canonical(out, (size_t)size);
		for (cut = 0; cut <= size + 1; cut++) {
			if (cut != size) {
				assert_int_equal(decode_copy(out, (size_t)cut, &decoded, &copy), -EBADMSG);
				free(copy);
			}
		}
		for (cut = 0; cut < size; cut++)
			assert_int_equal(rn_local_encode(&in, again, (size_t)cut), -EMSGSIZE);
	}
	assert_int_equal(known, 42);
}

static void fields_arrive(void **state)
{
	struct rn_local in = sample(RN_LOCAL_KERN_STATUS), got;
	int size = rn_local_encode(&in, out, sizeof(out));

	(void)state;
	assert_int_equal(rn_local_decode(out, (size_t)size, &got), 0);
	assert_true(got.status.lease_seconds_left == -1 && got.status.lost == 13 && got.status.peers_size == 5);
	assert_string_equal(got.status.interface, "rn0");
	assert_true(got.status.steering == 1 && got.status.control_port == 51821 && got.status.steered == 1ull << 33);
	assert_string_equal(got.status.steering_why, in.status.steering_why);
	assert_int_equal(got.number, 0);
	in = sample(RN_LOCAL_CA_ANSWER);
	size = rn_local_encode(&in, out, sizeof(out));
	assert_int_equal(rn_local_decode(out, (size_t)size, &got), 0);
	assert_true(got.number == 2 && got.code == 11 && got.block_size == 5);
	assert_string_equal(got.text, "why");
}

static void mutants_and_noise(void **state)
{
	struct rn_local message;
	uint8_t *copy;
	unsigned i;

	(void)state;
	srandom(3);
	for (i = 0; i < ROUNDS; i++) {
		struct rn_local in = sample((unsigned)random() % TYPE_END);
		int size = rn_local_encode(&in, out, sizeof(out)), at;

		if (size < 0) {
			size = (int)(random() % 300);
			for (at = 0; at < size; at++)
				out[at] = (uint8_t)(random() & 1 ? 0 : random());
		} else {
			out[random() % size] ^= (uint8_t)(1 << random() % 8);
		}
		if (decode_copy(out, (size_t)size, &message, &copy) == 0)
			assert_canonical(out, (size_t)size);
		free(copy);
	}
}

static void a_whole_record_fits(void **state)
{
	static uint8_t record[RN_LOCAL_SIZE_MAX];
	struct rn_local in = { .type = RN_LOCAL_KERN_RECORD, .block = record, .block_size = 96u * 1024u };

	(void)state;
	assert_int_equal(rn_local_encode(&in, out, sizeof(out)), 2 + 4 + 96 * 1024);
	in.block_size = sizeof(record) - 5;
	assert_int_equal(rn_local_encode(&in, out, sizeof(out)), -EMSGSIZE);
	in.block = NULL;
	assert_int_equal(rn_local_encode(&in, out, sizeof(out)), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type),
		cmocka_unit_test(fields_arrive),
		cmocka_unit_test(mutants_and_noise),
		cmocka_unit_test(a_whole_record_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
