/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy's text and what becomes of it by edits: first a byte that says how many, then each of seven bytes: what is
 * done, from where, how much, to where. Read with the one before known it is what it is when it is read as one
 * document: the same model, the same compiled bytes, or the same error.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/policy_text.h"
#include "fuzz.h"
#include "tests/support/policy_wire.h"
#include "tests/support/same_model.h"
#include "tests/support/selector_numbers.h"

#define NOW INT64_C(1800000000)
#define EDITS 8
#define WIRE (4u << 20)

static struct selector_numbers selectors = {.most = 1024};

/* ---- edits ---- */

struct text {
	char *bytes;
	size_t size;
};

static void insert(struct text *t, size_t at, const char *bytes, size_t size)
{
	char *grown = malloc(t->size + size + 1);

	CHECK(grown != NULL);
	memcpy(grown, t->bytes, at);
	memcpy(grown + at, bytes, size);
	memcpy(grown + at + size, t->bytes + at, t->size - at);
	free(t->bytes);
	t->bytes = grown;
	t->size += size;
}

static void cut(struct text *t, size_t at, size_t size)
{
	memmove(t->bytes + at, t->bytes + at + size, t->size - at - size);
	t->size -= size;
}

static void edit(struct fuzz *f, struct text *t)
{
	uint8_t what = fuzz_u8(f);
	size_t at = fuzz_u16(f) % (t->size + 1), size = fuzz_u16(f) % (t->size - at + 1), to = fuzz_u16(f);
	char *piece = malloc(size + 1);

	CHECK(piece != NULL);
	memcpy(piece, t->bytes + at, size);
	if (what % 4 != 0)
		cut(t, at, size);
	to %= t->size + 1;
	if (what % 4 < 2) /* copied, or moved */
		insert(t, to, piece, size);
	else if (what % 4 == 2) /* something else in its place */
		insert(t, at, (const char *)&what, 1);
	free(piece);
}

/* ---- both ways ---- */

static void compile(const struct rn_policy_known *known, const struct rn_policy_model *whole,
		    const struct rn_policy_model *after)
{
	static uint8_t wires[2][WIRE];
	const struct rn_selector_source source = selector_source(&selectors);
	struct rn_policy_record records[2] = {{0}};
	struct rn_err errs[2] = {{""}, {""}};
	uint32_t count = selectors.count;
	int code = rn_policy_compile_after(known, after, &source, NULL, NOW, &records[1], &errs[1]);
	uint32_t after_count = selectors.count;

	selectors.count = count;
	CHECK(rn_policy_compile(whole, &source, NULL, NOW, &records[0], &errs[0]) == code);
	CHECK(strcmp(errs[0].text, errs[1].text) == 0 && (code < 0 || selectors.count == after_count));
	if (code == 0) {
		size_t size = policy_wire(&records[0], wires[0], WIRE);

		CHECK(policy_wire(&records[1], wires[1], WIRE) == size && memcmp(wires[0], wires[1], size) == 0);
	}
	rn_policy_record_done(&records[0]);
	rn_policy_record_done(&records[1]);
}

/* As core's worker does: it has the texts of the numbers, too, and asks for none of them again. */
static void compile_knowing(const struct rn_policy_known *known, const struct rn_policy_model *whole,
			    const struct rn_policy_model *after)
{
	static char *texts[SELECTOR_NUMBERS_MAX];
	struct rn_policy_known more = *known;
	uint32_t count = selectors.count;

	for (uint32_t i = 0; i < count; i++)
		texts[i] = selectors.names[i];
	more.selectors = texts;
	more.selector_count = count;
	compile(&more, whole, after);
	selectors.count = count;
}

static void compare(const struct rn_policy_known *known, const char *bytes, size_t size)
{
	uint8_t *text = fuzz_copy(bytes, size);
	struct rn_err errs[2] = {{""}, {""}};
	struct rn_policy_model *whole = rn_policy_parse_whole((const char *)text, size, &errs[0]);
	struct rn_policy_model *after = rn_policy_parse_after(known->model, (const char *)text, size, &errs[1]);

	free(text);
	CHECK((whole == NULL) == (after == NULL) && strcmp(errs[0].text, errs[1].text) == 0);
	if (whole) {
		CHECK(same_model(whole, after) == NULL);
		if (known->rules)
			compile_knowing(known, whole, after);
		compile(known->rules ? known : NULL, whole, after);
	}
	rn_policy_model_free(whole);
	rn_policy_model_free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = {data, size};
	const struct rn_selector_source source = selector_source(&selectors);
	size_t edits = fuzz_u8(&input) % EDITS, head = 1 + 7 * edits;
	struct text text = {.size = size > head ? size - head : 0};
	struct rn_policy_record record = {0};
	struct rn_policy_known known = {0};
	struct rn_err err = {""};

	text.bytes = malloc(text.size + 1);
	CHECK(text.bytes != NULL);
	memcpy(text.bytes, data + size - text.size, text.size);
	selectors.count = 0;
	compare(&known, text.bytes, text.size);
	selectors.count = 0;
	known.model = rn_policy_parse(text.bytes, text.size, &err);
	if (known.model && rn_policy_compile(known.model, &source, NULL, NOW, &record, &err) == 0)
		known.rules = &record;
	for (size_t i = 0; i < edits; i++)
		edit(&input, &text);
	compare(&known, text.bytes, text.size);
	rn_policy_model_free((struct rn_policy_model *)known.model);
	rn_policy_record_done(&record);
	free(text.bytes);
	return 0;
}
