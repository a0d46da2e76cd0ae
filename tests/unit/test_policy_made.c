/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that are made after those of the policy before are the rules that are made of the text alone, once both are
 * over the store's numbers, and name the same selectors: random policies, random edits, RN_SEED and RN_EPISODES.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy_made.h"
#include "tests/support/draft.h"
#include "tests/support/policy_wire.h"

#define NOW INT64_C(1800000000)
#define SELECTORS 256
#define WIRE_ROOM (1u << 20)

/* The store: a text keeps its number for ever. */
struct store {
	char names[SELECTORS][RN_SELECTOR_TEXT];
	uint32_t count;
};

static uint32_t number(struct store *store, const char *selector)
{
	uint32_t at = 0;

	while (at < store->count && strcmp(store->names[at], selector) != 0)
		at++;
	assert_true(at < SELECTORS);
	snprintf(store->names[at], sizeof(store->names[0]), "%s", selector);
	store->count += at == store->count;
	return at + 1;
}

/* What the store would get of it; the record is over its own numbers before and after. */
static size_t sign(struct store *store, struct rn_policy_made *made, uint8_t *to)
{
	static uint8_t own[2][WIRE_ROOM];
	uint32_t numbers[SELECTORS];
	size_t size = policy_wire(&made->record, own[0], WIRE_ROOM), signed_size;

	for (uint32_t i = 0; i < made->selector_count; i++)
		numbers[i] = number(store, made->selectors[i]);
	rn_policy_made_number(made, numbers);
	signed_size = policy_wire(&made->record, to, WIRE_ROOM);
	rn_policy_made_number(made, NULL);
	assert_int_equal(policy_wire(&made->record, own[1], WIRE_ROOM), size);
	assert_memory_equal(own[0], own[1], size);
	return signed_size;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void same_selectors(const struct rn_policy_made *a, const struct rn_policy_made *b)
{
	const char *names[2][SELECTORS];

	assert_int_equal(a->selector_count, b->selector_count);
	memcpy(names[0], a->selectors, a->selector_count * sizeof(char *));
	memcpy(names[1], b->selectors, b->selector_count * sizeof(char *));
	for (unsigned i = 0; i < 2; i++)
		qsort((void *)names[i], a->selector_count, sizeof(char *), by_text);
	for (uint32_t i = 0; i < a->selector_count; i++)
		assert_string_equal(names[0][i], names[1][i]);
	assert_string_equal(a->selectors[0], "everyone");
	assert_string_equal(b->selectors[0], "everyone");
}

static int make(struct rn_policy_made *made, const struct rn_policy_made *before, const char *text, size_t size,
		struct rn_err *err)
{
	int rc = rn_policy_made_take(made, text, size, err);

	assert_int_equal(rc, 0);
	rc = rn_policy_made_parse(made, before, err);
	return rc ? rc : rn_policy_made_compile(made, before, NULL, NOW, err);
}

/* *before becomes this one where it is a policy. */
static bool compare(struct store *store, struct rn_policy_made *before, const char *text, size_t size)
{
	static uint8_t wires[2][WIRE_ROOM];
	struct rn_policy_made whole, after;
	struct rn_err errs[2] = {{""}, {""}};
	int rc = make(&whole, NULL, text, size, &errs[0]);
	bool good = rc == 0;

	assert_int_equal(make(&after, before->model ? before : NULL, text, size, &errs[1]), rc);
	assert_string_equal(errs[0].text, errs[1].text);
	if (good) {
		same_selectors(&whole, &after);
		size = sign(store, &whole, wires[0]);
		assert_int_equal(sign(store, &after, wires[1]), size);
		assert_memory_equal(wires[0], wires[1], size);
		rn_policy_made_done(before);
		*before = after;
	} else {
		rn_policy_made_done(&after);
	}
	rn_policy_made_done(&whole);
	return good;
}

static unsigned play(struct rng *rng)
{
	static struct draft draft;
	static char text[DRAFT_TEXT_ROOM];
	static struct store store;
	struct rn_policy_made before = {0};
	unsigned good;

	store.count = 0;
	draft_make(rng, &draft);
	good = compare(&store, &before, text, draft_text(&draft, text));
	for (unsigned step = 0; step < 12; step++) {
		for (unsigned edits = rng_below(rng, 4); edits > 0; edits--)
			draft_edit(rng, &draft);
		good += compare(&store, &before, text, draft_text(&draft, text));
	}
	rn_policy_made_done(&before);
	return good;
}

static void test_random(void **state)
{
	const char *seed = getenv("RN_SEED"), *episodes = getenv("RN_EPISODES");
	unsigned count = episodes ? (unsigned)strtoul(episodes, NULL, 10) : 600, good = 0;
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct rng rng = {first + i};

		print_message("%s", i % 100 ? "" : ".");
		good += play(&rng);
	}
	print_message(" seed %llu, %u policies\n", (unsigned long long)first, good);
	assert_true(good > 5 * count);
}

/* What was compiled before is not compiled again: it shows in what it could not have been compiled to. */
static void test_taken_over(void **state)
{
	static const char *const format =
	    "{\"groups\": {\"g\": [\"ann\"]}, \"tags\": [\"t\"], \"rules\": ["
	    "{\"id\": \"g\", \"source_criteria\": [\"group:g\"], \"destination_criteria\": [\"tag:t\"], \"action\": "
	    "\"allow\"},"
	    "{\"id\": \"p\", \"source_criteria\": [\"prefix:10.0.0.0/8\"], \"destination_criteria\": [\"same-owner\", "
	    "\"tag:t\"], \"action\": \"allow\"},"
	    "{\"id\": \"n\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"tag:t\"], "
	    "\"conditions\": "
	    "{\"minimum_trust\": %u}, \"action\": \"allow\"}]}";
	struct rn_policy_made made[2];
	struct rn_err err = {""};
	char text[1024];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), format, 10 + i);
		if (make(&made[i], i ? &made[0] : NULL, text, strlen(text), &err))
			fail_msg("%s", err.text);
		assert_int_equal(made[i].record.rule_count, 4); /* same-owner beside another counts twice */
		for (unsigned k = 0; k < 4 && i == 0; k++)
			made[i].record.rules[k].minimum_destination_trust = 77;
	}
	for (unsigned k = 0; k < 3; k++)
		assert_int_equal(made[1].record.rules[k].minimum_destination_trust, 77);
	assert_int_equal(made[1].record.rules[3].minimum_destination_trust, 0);
	assert_int_equal(made[1].record.rules[3].minimum_trust, 11);
	rn_policy_made_done(&made[0]);
	rn_policy_made_done(&made[1]);
}

/* A rule of a group is taken over only as long as the same users are in it. */
static void test_groups(void **state)
{
	static const char *const format = "{\"groups\": {\"g\": [\"ann\"%s]}, \"rules\": [{\"id\": \"r\", "
					  "\"source_criteria\": [\"group:g\"], \"destination_criteria\": "
					  "[\"everyone\"], \"action\": \"allow\"}]}";
	struct rn_policy_made made[2];
	struct rn_err err = {""};
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), format, "");
	assert_int_equal(make(&made[0], NULL, text, strlen(text), &err), 0);
	snprintf(text, sizeof(text), format, ", \"bob\"");
	assert_int_equal(make(&made[1], &made[0], text, strlen(text), &err), 0);
	assert_ptr_equal(made[0].model->rules[0].share, made[1].model->rules[0].share);
	assert_int_equal(made[1].record.rules[0].source.any.count, 2);
	assert_int_equal(made[1].selector_count, 3);
	rn_policy_made_done(&made[0]);
	rn_policy_made_done(&made[1]);
}

/* Selectors that only rules of long ago named do not pile up. */
static void test_forgotten(void **state)
{
	static const char *const format = "{\"tags\": [\"t%u\"], \"rules\": [{\"id\": \"r\", \"source_criteria\": "
					  "[\"tag:t%u\"], \"destination_criteria\": [\"everyone\"], \"action\": "
					  "\"allow\"}]}";
	struct rn_policy_made before = {0}, made;
	struct rn_err err = {""};
	char text[512];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), format, i, i);
		assert_int_equal(make(&made, i ? &before : NULL, text, strlen(text), &err), 0);
		rn_policy_made_done(&before);
		before = made;
		assert_int_equal(before.selector_count, 2);
		assert_int_equal(before.record.rules[0].source.any.numbers[0], 2);
	}
	snprintf(text, sizeof(text), "tag:t%u", 99);
	assert_string_equal(before.selectors[1], text);
	rn_policy_made_done(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_taken_over),
					   cmocka_unit_test(test_groups), cmocka_unit_test(test_forgotten)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
