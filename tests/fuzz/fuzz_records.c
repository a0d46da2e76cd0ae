/* SPDX-License-Identifier: Apache-2.0 */
/* Signed records and the anchor: whole as they come, or a body within a good frame (first byte: the type). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "domain/policy_parts.h"
#include "domain/policy_tables.h"
#include "domain/record.h"
#include "fuzz.h"

static const uint8_t seed[RN_KEY_SIZE] = {1};
static uint8_t again[RN_RECORD_SIZE_MAX];
static const struct rn_record_head first = {.epoch = 1, .version = 2, .issued = 3};
static struct rn_record_head head; /* of the record as it came */

/* What is taken has one form only, but for the signature, which is checked elsewhere. */
static void same(const uint8_t *data, size_t size, int again_size)
{
	CHECK(again_size == (int)size);
	CHECK(memcmp(data, again, size - RN_SIGNATURE_SIZE) == 0);
}

static void network(const uint8_t *data, size_t size)
{
	struct rn_network in;

	if (rn_record_get_network(data, size, &in) == 0)
		same(data, size, rn_record_put_network(&head, &in, seed, again, sizeof(again)));
}

static void device(const uint8_t *data, size_t size)
{
	struct rn_device_record in;

	if (rn_record_get_device(data, size, &in) == 0)
		same(data, size, rn_record_put_device(&head, &in, seed, again, sizeof(again)));
}

static void identity(const uint8_t *data, size_t size)
{
	struct rn_identity_record in;

	if (rn_record_get_identity(data, size, &in) == 0)
		same(data, size, rn_record_put_identity(&head, &in, seed, again, sizeof(again)));
}

static bool the_same(void *context, uint32_t number, struct rn_part *ret)
{
	*ret = *(const struct rn_part *)context;
	ret->number = number;
	return true;
}

/* A policy that names the part twice: whatever it holds, what is joined is freed. */
static void part(const uint8_t *data, size_t size)
{
	struct rn_policy_record p = {.part_count = 2, .parts = calloc(2, sizeof(*p.parts))};
	struct rn_part in;
	const struct rn_part_source from = {&in, the_same};

	p.parts[0] = p.parts[1] = (struct rn_policy_part){7, 3};
	p.parts[1].base = 100;
	if (rn_record_get_part(data, size, &in) == 0) {
		same(data, size, rn_record_put_part(&head, &in, seed, again, sizeof(again)));
		if (rn_policy_join(&p, &from) == 0)
			CHECK(p.joined_rules == p.rule_count && p.joined_schedules == p.schedule_count);
	}
	rn_policy_record_done(&p);
}

static void policy(const uint8_t *data, size_t size)
{
	struct rn_identity_lists lists = {0};
	struct rn_policy_arrays tables;
	struct rn_policy_sides *sides;
	struct rn_policy_record in;
	struct rn_err err = {""};

	if (rn_record_get_policy(data, size, &in) < 0)
		return;
	same(data, size, rn_record_put_policy(&head, &in, seed, again, sizeof(again)));
	sides = rn_policy_sides_new(&in);
	CHECK(sides);
	if (rn_policy_tables_build(&in, sides, 7, &tables, &err) == 0)
		rn_policy_tables_done(&tables);
	else
		CHECK(err.text[0]);
	if (in.rule_count) /* who has a rule's `any` is on its side, but for what else it asks */
		CHECK(rn_policy_tables_identity(sides, in.rules[0].source.any.numbers, in.rules[0].source.any.count,
						&lists) == 0);
	free(lists.sides);
	rn_policy_sides_free(sides);
	rn_policy_record_done(&in);
}

static void frame(enum rn_record_type type, const uint8_t *body, size_t size)
{
	size_t whole = RN_RECORD_HEADER + size + RN_SIGNATURE_SIZE;
	uint8_t *data = malloc(whole);
	struct rn_writer w = rn_writer(data, whole);

	head = first;
	rn_write_bytes(&w, "RNR1", 4);
	rn_write_u32(&w, type);
	rn_write_u32(&w, head.epoch);
	rn_write_u64(&w, head.version);
	rn_write_u64(&w, head.issued);
	rn_write_u32(&w, (uint32_t)size);
	rn_write_bytes(&w, body, size);
	memset(data + whole - RN_SIGNATURE_SIZE, 0, RN_SIGNATURE_SIZE);
	network(data, whole);
	device(data, whole);
	policy(data, whole);
	identity(data, whole);
	part(data, whole);
	free(data);
}

static void anchor(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size), text[RN_ANCHOR_SIZE];
	struct rn_anchor in;

	if (rn_anchor_get(copy, size, NULL, &in) == 0) {
		rn_anchor_put(&in, seed, text);
		CHECK(size == RN_ANCHOR_SIZE && memcmp(text, data, RN_ANCHOR_SIZE - RN_SIGNATURE_SIZE) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[RN_KEY_SIZE] = {9};
	uint8_t *copy;

	if (size < 1 || size > RN_RECORD_SIZE_MAX - 128)
		return 0;
	if (data[0] >= RN_RECORD_NETWORK && data[0] <= RN_RECORD_PART) {
		frame(data[0], data + 1, size - 1);
		return 0;
	}
	copy = fuzz_copy(data + 1, size - 1);
	if (data[0] == 6) {
		anchor(copy, size - 1);
	} else if (rn_record_head(copy, size - 1, &head) == 0) {
		CHECK(rn_record_verify(copy, size - 1, key, &head) == -EBADMSG);
		network(copy, size - 1);
		device(copy, size - 1);
		policy(copy, size - 1);
		identity(copy, size - 1);
		part(copy, size - 1);
	}
	free(copy);
	return 0;
}
