/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring file of recorded flows, as it was found. First byte: how many rows are asked for; then the head's fields and
 * rows, whose check sums are made right but for what the second byte says.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "sys/flow_store.h"

#define HEAD 4096
#define HEAD_FIELDS 40
#define ROW sizeof(struct rn_flow_row)
#define ROWS_MAX 40

/* As the store reckons it. */
static uint32_t sum(const void *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u, word;

	for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		memcpy(&word, (const uint8_t *)data + at, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3u;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

static void set_sum(uint8_t *data, size_t size, size_t at)
{
	uint32_t value;

	memset(data + at, 0, sizeof(value));
	value = sum(data, size);
	memcpy(data + at, &value, sizeof(value));
}

static void fill_head(uint8_t *file, struct fuzz *f)
{
	uint32_t row_size = ROW;

	fuzz_fill(f, file + 12, HEAD_FIELDS - 12);
	memcpy(file, "RNFLOW1", 8);
	memcpy(file + 8, &row_size, sizeof(row_size));
	set_sum(file, HEAD_FIELDS, 36);
}

/* Rows are as long as what is given, the rest of each is zero. */
static size_t fill_rows(uint8_t *file, struct fuzz *f, bool good)
{
	size_t count = 0;

	for (; f->size && count < ROWS_MAX; count++) {
		uint8_t *row = file + HEAD + count * ROW;
		size_t size;
		uint8_t *block = fuzz_block(f, ROW, &size);

		memcpy(row, block, size);
		free(block);
		if (good)
			set_sum(row, ROW, 4);
	}
	return HEAD + count * ROW;
}

static void use(struct rn_flow_store *store)
{
	struct rn_flow_row rows[16];
	uint64_t serial = rn_flow_store_oldest(store), steps = 0;
	unsigned count;

	CHECK(serial <= rn_flow_store_newest(store) + 1);
	for (; steps < 4096 && (count = rn_flow_store_read(store, serial, rows, 16)); serial += count, steps++)
		for (unsigned i = 0; i < count; i++)
			CHECK(strnlen(rows[i].rule_id, RN_FLOW_RULE_SIZE) < RN_FLOW_RULE_SIZE);
	memset(rows, 0, sizeof(rows));
	serial = rn_flow_store_newest(store) + 1;
	rows[0].kind = RN_FLOW_BEGAN;
	if (rn_flow_store_put(store, serial, rows, 1, 5) == 0) {
		CHECK(rn_flow_store_newest(store) == serial);
		CHECK(rn_flow_store_read(store, serial, rows, 16) == 1 && rows[0].kind == RN_FLOW_BEGAN);
	}
	rn_flow_store_expire(store, 1000, 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[HEAD + ROWS_MAX * ROW];
	struct fuzz f = {data, size};
	uint32_t wanted = fuzz_u8(&f) + 1u;
	uint8_t how = fuzz_u8(&f);
	struct rn_flow_store *store;
	struct rn_err err = {""};
	const char *path;
	bool aside;

	memset(file, 0, sizeof(file));
	fill_head(file, &f);
	size = fill_rows(file, &f, how & 1);
	path = fuzz_file("flows.ring", file, how & 2 ? size / 2 : size);
	for (int i = 0; i < 2; i++) {
		if (rn_flow_store_open(path, wanted, &store, &aside, &err) == 0) {
			CHECK(i == 0 || !aside);
			use(store);
			rn_flow_store_close(store);
		} else {
			CHECK(err.text[0]);
		}
	}
	return 0;
}
