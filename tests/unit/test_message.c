/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/session.h"

#define LAST RN_MESSAGE_FROM
#define RANDOM_ROUNDS 100000

static const struct rn_message samples[] = {
	{ .type = RN_MESSAGE_ENROLL,
	  .enroll = { .token = 0x0102030405060708,
		      .role = 16,
		      .name = "laptop",
		      .noise_key = { 1, 2 },
		      .wireguard_key = { 3, 4 },
		      .wireguard = { { { 5 } }, 51820 },
		      .control = { { { 6 } }, 51821 },
		      .signature = { 7, [63] = 8 } } },
	{ .type = RN_MESSAGE_ENROLLED,
	  .enrolled = { .status = 17,
			.text = "the token was used; ask for a new one",
			.anchor = (const uint8_t *)"anchor",
			.anchor_size = 6,
			.leaf = (const uint8_t *)"leaf",
			.leaf_size = 4,
			.issuer = (const uint8_t *)"issuer",
			.issuer_size = 6,
			.device = 9,
			.hub = 10,
			.upstream_key = { 11 },
			.upstream = { { { 12 } }, 13 },
			.upstream_shared = 51820 } },
	{ .type = RN_MESSAGE_SUBSCRIBE, .subscribe = { 3, 1ull << 40, 4, 7, 1 } },
	{ .type = RN_MESSAGE_RECORD, .record = { 100, 50, (const uint8_t *)"piece", 5 } },
	{ .type = RN_MESSAGE_SYNCED, .version = { 3, 4 } },
	{ .type = RN_MESSAGE_APPLIED, .version = { 5, 6 } },
	{ .type = RN_MESSAGE_REQUEST, .request = { 7, 8, (const uint8_t *)"sealed", 6 } },
	{ .type = RN_MESSAGE_ANSWER, .answer = { 7, 8, 0, "", (const uint8_t *)"body", 4 } },
	{ .type = RN_MESSAGE_EVENTS, .events = { 1, 2, (const uint8_t *)"events", 6 } },
	{ .type = RN_MESSAGE_REMOVED, .removed = { 42 } },
	{ .type = RN_MESSAGE_PRESENCE, .presence = { 42, 1 } },
	{ .type = RN_MESSAGE_SEEN, .seen = { (const uint8_t *)"seen", 4 } },
	{ .type = RN_MESSAGE_RESOLVE, .resolve = { .device = 7, .address = { .b = { 0xfd, 1 } } } },
	{ .type = RN_MESSAGE_INTERESTS, .interests = { (const uint8_t *)"interest", 8 } },
	{ .type = RN_MESSAGE_INTEREST, .interest = { .device = 7, .receiver = 9 } },
	{ .type = RN_MESSAGE_HOME, .home = { .device = 7, .moved = 1ull << 41 } },
	{ .type = RN_MESSAGE_FROM, .version = { 3, 4 } },
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* Decodes a copy of exactly this size, so that a sanitizer sees any read past it. */
static int decode_copy(const uint8_t *data, size_t size, struct rn_message *ret, uint8_t **copy)
{
	*copy = malloc(size ? size : 1);
	assert_non_null(*copy);
	memcpy(*copy, data, size);
	return rn_message_decode(*copy, size, ret);
}

static void assert_canonical(const uint8_t *data, size_t size)
{
	uint8_t again[RN_MESSAGE_MAX], *copy;
	struct rn_message message;

	assert_int_equal(decode_copy(data, size, &message, &copy), 0);
	assert_int_equal(rn_message_encode(&message, again, sizeof(again)), size);
	assert_memory_equal(again, data, size);
	free(copy);
}

static void round_trips(void **state)
{
	uint8_t data[RN_MESSAGE_MAX];
	size_t i;
	int size;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		size = rn_message_encode(&samples[i], data, sizeof(data));
		assert_true(size > 0);
		assert_canonical(data, (size_t)size);
	}
}

static void fields_arrive(void **state)
{
	const struct rn_message_enroll *in = &samples[0].enroll, *out;
	uint8_t data[RN_MESSAGE_MAX];
	struct rn_message message;
	int size = rn_message_encode(&samples[0], data, sizeof(data));

	(void)state;
	assert_int_equal(rn_message_decode(data, (size_t)size, &message), 0);
	out = &message.enroll;
	assert_true(out->token == in->token && out->role == in->role && out->control.port == 51821);
	assert_string_equal(out->name, "laptop");
	assert_memory_equal(out->signature, in->signature, sizeof(in->signature));
	size = rn_message_encode(&samples[3], data, sizeof(data));
	assert_int_equal(rn_message_decode(data, (size_t)size, &message), 0);
	assert_int_equal(message.record.offset, 50);
	assert_memory_equal(message.record.piece, "piece", 5);
	assert_memory_equal(data, "\4\x64\0\0\0\x32\0\0\0\5\0piece", 16);
}

static void every_byte_counts(void **state)
{
	struct rn_message message, untouched;
	uint8_t data[RN_MESSAGE_MAX] = { 0 }, *copy;
	size_t i;
	int size, cut;

	(void)state;
	memset(&untouched, 0xee, sizeof(untouched));
	for (i = 0; i < SAMPLES; i++) {
		size = rn_message_encode(&samples[i], data, sizeof(data));
		for (cut = 0; cut <= size + 1; cut++) {
			if (cut == size)
				continue;
			message = untouched;
			assert_int_equal(decode_copy(data, (size_t)cut, &message, &copy), -EBADMSG);
			assert_memory_equal(&message, &untouched, sizeof(message));
			free(copy);
		}
		for (cut = 0; cut < size; cut++)
			assert_int_equal(rn_message_encode(&samples[i], data, (size_t)cut), -EMSGSIZE);
	}
}

/* What decodes must be the one encoding of what it says. */
static void random_bytes(void **state)
{
	uint8_t data[600], *copy;
	struct rn_message message;
	unsigned i, decoded = 0;

	(void)state;
	srandom(1);
	for (i = 0; i < RANDOM_ROUNDS; i++) {
		size_t size = (size_t)random() % sizeof(data), at;

		for (at = 0; at < size; at++)
			data[at] = (uint8_t)(random() & 1 ? 0 : random());
		if (size > 0)
			data[0] = (uint8_t)(random() % (LAST + 3));
		if (decode_copy(data, size, &message, &copy) == 0) {
			assert_canonical(data, size);
			decoded++;
		}
		free(copy);
	}
	assert_true(decoded > 0);
}

static void mutated_samples(void **state)
{
	uint8_t data[RN_MESSAGE_MAX], *copy;
	struct rn_message message;
	unsigned i;

	(void)state;
	srandom(2);
	for (i = 0; i < RANDOM_ROUNDS; i++) {
		int size = rn_message_encode(&samples[i % SAMPLES], data, sizeof(data));

		data[random() % size] ^= (uint8_t)(1 << random() % 8);
		if (decode_copy(data, (size_t)size, &message, &copy) == 0)
			assert_canonical(data, (size_t)size);
		free(copy);
	}
}

static void limits(void **state)
{
	static uint8_t big[RN_MESSAGE_MAX], out[2 * RN_MESSAGE_MAX];
	struct rn_message message = { .type = LAST + 1 };

	(void)state;
	assert_int_equal(rn_message_encode(&message, out, sizeof(out)), -EINVAL);
	message.type = RN_MESSAGE_REQUEST;
	message.request.sealed = big;
	message.request.sealed_size = RN_BLOCK_MAX;
	assert_true(rn_message_encode(&message, out, sizeof(out)) > 0);
	message.request.sealed_size++;
	assert_int_equal(rn_message_encode(&message, out, sizeof(out)), -EMSGSIZE);
	message = (struct rn_message){ .type = RN_MESSAGE_RECORD, .record = { 1, 0, big, RN_MESSAGE_MAX - 11 } };
	assert_int_equal(rn_message_encode(&message, out, sizeof(out)), RN_MESSAGE_MAX);
	message.record.piece_size++;
	assert_int_equal(rn_message_encode(&message, out, sizeof(out)), -EMSGSIZE);
	memset(&message, 0, sizeof(message));
	message.type = RN_MESSAGE_ENROLL;
	memset(message.enroll.name, 'x', sizeof(message.enroll.name));
	assert_int_equal(rn_message_encode(&message, out, sizeof(out)), -EMSGSIZE);
}

static void enroll_signature_covers_all_before_it(void **state)
{
	uint8_t data[RN_MESSAGE_MAX], signed_part[512];
	int size = rn_message_encode(&samples[0], data, sizeof(data));
	int signed_size = rn_message_enroll_signed(&samples[0].enroll, signed_part, sizeof(signed_part));

	(void)state;
	assert_int_equal(signed_size, 16 + size - 1 - RN_SIGNATURE_SIZE);
	assert_memory_equal(signed_part, "rnaut enroll v1", 16);
	assert_memory_equal(signed_part + 16, data + 1, (size_t)(size - 1 - RN_SIGNATURE_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(fields_arrive),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(mutated_samples),
		cmocka_unit_test(limits),
		cmocka_unit_test(enroll_signature_covers_all_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
