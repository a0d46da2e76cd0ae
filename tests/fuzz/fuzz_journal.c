/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA's journal. First byte 0: the file as it is; else the rest is records, 136 bytes each, with right check sums.
 * What is taken opens a second time with the same entries, and appending to it works.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/issuance.h"
#include "fuzz.h"
#include "sys/journal.h"

#define RECORDS_MAX 64
#define SUM 16

struct replayed {
	struct rn_issuance *issuance;
	unsigned count;
};

static int replay(void *context, const uint8_t *record)
{
	struct replayed *replayed = context;
	uint8_t again[RN_ISSUANCE_ENTRY_SIZE];
	struct rn_issuance_entry entry;
	struct rn_err err = {""};
	const struct rn_issuance_entry *same;
	int r = rn_issuance_get(record, &entry);

	if (r < 0)
		return r;
	rn_issuance_put(&entry, again);
	CHECK(memcmp(again, record, sizeof(again)) == 0);
	rn_issuance_token(replayed->issuance, &entry, entry.time - 1, &err);
	rn_issuance_issue(replayed->issuance, &entry, entry.time, &same, &err);
	rn_issuance_renew(replayed->issuance, &entry, entry.time, &same, &err);
	replayed->count++;
	return rn_issuance_apply(replayed->issuance, &entry);
}

static int open_once(const char *path, struct rn_journal **ret, unsigned *ret_count)
{
	struct replayed replayed = {rn_issuance_new(), 0};
	struct rn_err err = {""};
	int r = rn_journal_open(path, RN_ISSUANCE_ENTRY_SIZE, replay, &replayed, ret, &err);

	rn_issuance_free(replayed.issuance);
	CHECK(r == 0 || err.text[0]);
	*ret_count = replayed.count;
	return r;
}

static size_t with_sums(const uint8_t *data, size_t size, uint8_t *out)
{
	uint8_t sum[SUM] = {0};
	size_t at = 8;

	memcpy(out, "RNJ1\x88\0\0\0", 8);
	for (unsigned i = 0; i < RECORDS_MAX && size; i++) {
		size_t part = size < RN_ISSUANCE_ENTRY_SIZE ? size : RN_ISSUANCE_ENTRY_SIZE;

		memset(out + at, 0, RN_ISSUANCE_ENTRY_SIZE);
		memcpy(out + at, data, part);
		rn_blake2b(sum, SUM, out + at, RN_ISSUANCE_ENTRY_SIZE, sum, SUM);
		memcpy(out + at + RN_ISSUANCE_ENTRY_SIZE, sum, SUM);
		at += RN_ISSUANCE_ENTRY_SIZE + SUM;
		data += part;
		size -= part;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[8 + RECORDS_MAX * (RN_ISSUANCE_ENTRY_SIZE + SUM)];
	static const uint8_t record[RN_ISSUANCE_ENTRY_SIZE];
	struct rn_journal *journal = NULL;
	unsigned count, again;
	const char *path;

	if (size < 1)
		return 0;
	if (data[0])
		path = fuzz_file("journal", file, with_sums(data + 1, size - 1, file));
	else
		path = fuzz_file("journal", data + 1, size - 1);
	if (open_once(path, &journal, &count) < 0)
		return 0;
	rn_journal_close(journal);
	CHECK(open_once(path, &journal, &again) == 0 && again == count);
	CHECK(rn_journal_append(journal, record) == 0);
	rn_journal_close(journal);
	return 0;
}
