/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged core.db: first byte even, bytes of a good one are changed; odd, rows are put in whose columns are of any
 * type and size. Whatever it is, opening and reading everything ends with an answer or a sentence.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/meaning.h"
#include "fuzz.h"
#include "service/core_ledger.h"
#include "sys/store_policies.h"

#define IMAGE_MAX (1u << 20)
#define STATEMENTS 10

static uint8_t image[IMAGE_MAX];
static size_t image_size;

static void put_rows(struct rn_store *store)
{
	struct rn_store_device device = {
	    .number = 2, .name = "pc", .noise_key = {1}, .wireguard_key = {2}, .created = 5};
	struct rn_store_token token = {.id = 7, .kind = 16, .name = "pc", .tags = "a\nb\n", .expires = 9, .hub = 1};
	struct rn_store_record record = {.type = 2, .device = 2, .epoch = 1, .version = 3, .blob = image, .size = 90};
	struct rn_err err = {""};
	uint32_t number;
	uint64_t next;

	CHECK(rn_store_user(store, "alice", 1, &token.owner, &err) == 0);
	CHECK(rn_store_add_device(store, &device, NULL, &err) == 0 && rn_store_add_token(store, &token, &err) == 0);
	CHECK(rn_store_put_record(store, &record, &err) == 0 && rn_store_next(store, "version", &next, &err) == 0);
	CHECK(rn_store_add_selector(store, "user:alice", &number, &err) == 0);
	CHECK(rn_store_put_meaning(store, RN_STORE_NUMBER, 4, 3, image, 18, &err) == 0 &&
	      rn_store_add_tag(store, 2, "a", &err) == 0);
	CHECK(rn_store_set_leaf(store, 2, "leaf", 4, &err) == 0 &&
	      rn_store_set_blob(store, "epoch", "x", 1, &err) == 0);
	CHECK(rn_store_add_policy(store, &(struct rn_store_policy){.version = 1, .size = 2}, "{}", &err) == 0 &&
	      rn_store_put_draft(store, &(struct rn_store_draft){.name = "d", .size = 2}, "{}", &err) == 0 &&
	      rn_store_audit(store, 1, "a", "b", "c", "d", &err) == 0);
}

static void make_image(void)
{
	char path[128];
	struct rn_store *store;
	struct rn_err err = {""};
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/good.db", fuzz_directory());
	CHECK(rn_store_open(path, true, &store, &err) == 0);
	put_rows(store);
	rn_store_close(store);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = read(fd, image, sizeof(image));
	CHECK(size > 0 && (size_t)size < sizeof(image));
	close(fd);
	image_size = (size_t)size;
}

static int each_record(void *context, const struct rn_store_record *record)
{
	uint8_t sum = 0;

	(void)context;
	for (size_t i = 0; i < record->size; i++)
		sum ^= record->blob[i];
	return sum == 0 && record->size > SIZE_MAX / 2;
}

static int each_meaning(void *context, const uint8_t *row, size_t size)
{
	uint32_t selectors[RN_SELECTORS_MAX];
	struct rn_meaning meaning = {0};

	(void)context;
	if (rn_meaning_get(row, size, selectors, &meaning) == 0)
		CHECK(meaning.number && meaning.count <= RN_SELECTORS_MAX);
	return 0;
}

static int each_tag(void *context, const char *tag)
{
	(void)context;
	return strlen(tag) == SIZE_MAX;
}

static void read_devices(struct rn_store *store, struct rn_err *err)
{
	struct rn_store_device device;
	struct rn_store_token token;
	uint8_t leaf[64];
	size_t size;

	for (uint32_t i = 0; i < 4; i++) {
		if (rn_store_device(store, i, &device, err) == 0)
			CHECK(strnlen(device.name, sizeof(device.name)) < sizeof(device.name));
		if (rn_store_leaf(store, i, leaf, sizeof(leaf), &size, err) == 0)
			CHECK(size <= sizeof(leaf));
		rn_store_tags(store, i, each_tag, NULL, err);
	}
	if (rn_store_token(store, 7, &token, err) == 0)
		CHECK(strnlen(token.tags, sizeof(token.tags)) < sizeof(token.tags));
}

static void each_policy(void *context, const struct rn_store_policy *policy)
{
	(void)context;
	CHECK(strnlen(policy->author, sizeof(policy->author)) < sizeof(policy->author));
	CHECK(strnlen(policy->comment, sizeof(policy->comment)) < sizeof(policy->comment));
}

static void each_draft(void *context, const struct rn_store_draft *draft)
{
	(void)context;
	CHECK(strnlen(draft->name, sizeof(draft->name)) < sizeof(draft->name));
	CHECK(strnlen(draft->comment, sizeof(draft->comment)) < sizeof(draft->comment));
}

static void read_policies(struct rn_store *store, struct rn_err *err)
{
	struct rn_store_policy policy;
	struct rn_store_draft draft;
	char *text;

	for (uint64_t i = 0; i < 2; i++)
		if (rn_store_policy(store, i, &policy, &text, err) == 0) {
			CHECK(text[policy.size] == '\0');
			free(text);
		}
	if (rn_store_draft(store, "d", &draft, &text, err) == 0) {
		CHECK(text[draft.size] == '\0');
		free(text);
	}
	rn_store_policies(store, UINT64_MAX, 100, each_policy, NULL, err);
	rn_store_drafts(store, each_draft, NULL, err);
	policy = (struct rn_store_policy){.version = 9, .size = 2};
	rn_store_add_policy(store, &policy, "{}", err);
}

static void read_all(struct rn_store *store)
{
	struct rn_ledger *ledger = rn_ledger_new();
	struct rn_position synced;
	struct rn_err err = {""};
	uint64_t number;
	uint8_t blob[64];
	size_t size;
	uint32_t user;

	rn_store_number(store, "version", &number, &err);
	rn_store_blob(store, "epoch", blob, sizeof(blob), &size, &err);
	rn_store_records(store, each_record, NULL, &err);
	rn_store_meanings(store, RN_STORE_NUMBER, each_meaning, NULL, &err);
	rn_store_selector(store, "user:alice", &user, &err);
	read_devices(store, &err);
	read_policies(store, &err);
	rn_ledger_load(ledger, store, &err);
	rn_ledger_position(store, "synced", &synced, &err);
	rn_ledger_free(ledger);
	rn_store_user(store, "bob", 1, &user, &err);
	rn_store_next(store, "version", &number, &err);
	rn_store_use_token(store, 7, 2, 9, &err);
}

static void damage(const char *path, struct fuzz *f)
{
	static uint8_t bad[IMAGE_MAX];

	memcpy(bad, image, image_size);
	while (f->size) {
		uint32_t at = fuzz_u32(f) % (uint32_t)image_size;

		bad[at] = fuzz_u8(f);
	}
	fuzz_file("core.db", bad, image_size);
	(void)path;
}

static void bind(sqlite3_stmt *st, int at, struct fuzz *f)
{
	uint8_t kind = fuzz_u8(f) % 5;
	size_t size;
	uint8_t *block;

	if (kind == 0)
		sqlite3_bind_null(st, at);
	else if (kind == 1)
		sqlite3_bind_int64(st, at, (int64_t)fuzz_u64(f));
	else if (kind == 2)
		sqlite3_bind_int64(st, at, fuzz_u8(f));
	else {
		block = fuzz_block(f, 4096, &size);
		if (kind == 3)
			sqlite3_bind_blob(st, at, block, (int)size, SQLITE_TRANSIENT);
		else
			sqlite3_bind_text(st, at, (const char *)block, (int)size, SQLITE_TRANSIENT);
		free(block);
	}
}

static void insert(const char *path, struct fuzz *f)
{
	static const char *const statements[STATEMENTS] = {
	    "INSERT OR REPLACE INTO meta VALUES ('version', ?)",
	    "INSERT OR REPLACE INTO meta VALUES ('epoch', ?)",
	    "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)",
	    "INSERT OR REPLACE INTO selectors VALUES (?, ?)",
	    "INSERT OR REPLACE INTO meanings VALUES (?, ?, ?, ?)",
	    "INSERT OR REPLACE INTO devices VALUES (3, ?, ?, ?, ?, ?, ?)",
	    "INSERT OR REPLACE INTO tags VALUES (2, ?)",
	    "INSERT OR REPLACE INTO tokens VALUES (7, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "INSERT OR REPLACE INTO policies VALUES (9, ?, ?, ?, ?, ?, ?)",
	    "INSERT OR REPLACE INTO drafts VALUES ('d', ?, ?, ?, ?, ?, ?)",
	};
	sqlite3 *db;

	fuzz_file("core.db", image, image_size);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	while (f->size) {
		sqlite3_stmt *st;

		CHECK(sqlite3_prepare_v2(db, statements[fuzz_u8(f) % STATEMENTS], -1, &st, NULL) == SQLITE_OK);
		for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++)
			bind(st, i, f);
		sqlite3_step(st);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {data, size};
	struct rn_store *store;
	struct rn_err err = {""};
	char path[128], beside[140];

	if (!image_size)
		make_image();
	snprintf(path, sizeof(path), "%s/core.db", fuzz_directory());
	if (fuzz_u8(&f) & 1)
		insert(path, &f);
	else
		damage(path, &f);
	if (rn_store_open(path, false, &store, &err) == 0) {
		read_all(store);
		rn_store_close(store);
	} else {
		CHECK(err.text[0]);
	}
	snprintf(beside, sizeof(beside), "%s-wal", path);
	unlink(beside);
	snprintf(beside, sizeof(beside), "%s-shm", path);
	unlink(beside);
	return 0;
}
