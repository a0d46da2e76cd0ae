// SPDX-License-Identifier: Apache-2.0
/*
 * A policy that is read with the one before it known is what it is when it is read as one document, whatever was
 * changed: random policies, random edits, RN_SEED and RN_EPISODES.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy_fit.h"
#include "domain/policy_ids.h"
#include "domain/policy_sides.h"
#include "domain/policy_tables.h"
#include "domain/policy_text.h"
#include "domain/policy_tools.h"
#include "tests/support/draft.h"
#include "tests/support/policy_wire.h"
#include "tests/support/same_model.h"

#define NOW INT64_C(1800000000)
#define SELECTORS 256
#define TEXT_ROOM DRAFT_TEXT_ROOM

/* ---- both ways ---- */

/* NULL where it is no policy, and then *ret_whole too. */
static struct rn_policy_model *compare(const struct rn_policy_model *before, const char *text, size_t size,
				       struct rn_policy_model **ret_whole)
{
	struct rn_err err = {""}, other = {""};
	char *copy = malloc(size ? size : 1); /* of just its size, so that a read past it is seen */
	struct rn_policy_model *whole, *after;
	const char *differs;

	memcpy(copy, text, size);
	*ret_whole = whole = rn_policy_parse_whole(copy, size, &err);
	after = rn_policy_parse_after(before, copy, size, &other);
	free(copy);
	assert_string_equal(err.text, other.text);
	assert_int_equal(whole == NULL, after == NULL);
	differs = whole ? same_model(whole, after) : NULL;
	if (differs)
		fail_msg("%s differs: %.*s", differs, (int)size, text);
	return after;
}

/* ---- and compiled ---- */

struct numbers {
	char names[SELECTORS][RN_SELECTOR_TEXT];
	uint32_t count;
	bool prefixes[SELECTORS]; /* asked for: devices in one are found by that */
};

static uint32_t number(void *context, const char *selector)
{
	struct numbers *n = context;

	uint32_t at = 0;

	while (at < n->count && strcmp(n->names[at], selector) != 0)
		at++;
	assert_true(at < SELECTORS);
	snprintf(n->names[at], sizeof(n->names[0]), "%s", selector);
	n->count += at == n->count;
	n->prefixes[at] = strncmp(selector, "prefix:", 7) == 0;
	return at + 1;
}

static void keep_finding(void *context, const struct rn_policy_finding *f)
{
	char *to = context;
	size_t used = strlen(to);

	snprintf(to + used, TEXT_ROOM - used, "%u:%u %s\n", f->line, f->column, f->text);
}

static void compare_findings(const struct rn_policy_model *whole, const struct rn_policy_model *after)
{
	static char texts[2][TEXT_ROOM];
	bool cut;

	texts[0][0] = texts[1][0] = '\0';
	assert_int_equal(rn_policy_findings(whole, NULL, NOW, keep_finding, texts[0], &cut), 0);
	assert_int_equal(rn_policy_findings(after, NULL, NOW, keep_finding, texts[1], &cut), 0);
	assert_string_equal(texts[0], texts[1]);
}

/* The whole model compiled, and the other one with what is known; *ret is the latter. */
static bool compile_both(const struct rn_policy_known *known, struct numbers *numbers,
			 const struct rn_policy_model *whole, const struct rn_policy_model *after,
			 struct rn_policy_record *ret)
{
	static struct numbers others;
	static uint8_t wires[2][TEXT_ROOM];
	const struct rn_selector_source source = {numbers, number}, other = {&others, number};
	struct rn_err errs[2] = {{""}, {""}};
	struct rn_policy_record record;
	int codes[2];
	size_t size;

	memset(numbers->prefixes, 0, sizeof(numbers->prefixes));
	others = *numbers;
	codes[0] = rn_policy_compile(whole, &other, NULL, NOW, &record, &errs[0]);
	codes[1] = rn_policy_compile_after(known, after, &source, NULL, NOW, ret, &errs[1]);
	assert_int_equal(codes[0], codes[1]);
	assert_string_equal(errs[0].text, errs[1].text);
	assert_int_equal(numbers->count, others.count);
	assert_memory_equal(numbers->names, others.names, sizeof(numbers->names));
	assert_memory_equal(numbers->prefixes, others.prefixes, sizeof(numbers->prefixes));
	if (codes[0] < 0)
		return false;
	size = policy_wire(&record, wires[0], sizeof(wires[0]));
	assert_int_equal(size, policy_wire(ret, wires[1], sizeof(wires[1])));
	assert_memory_equal(wires[0], wires[1], size);
	rn_policy_record_done(&record);
	return true;
}

/* What is in force, as a gateway knows it. */
struct force {
	struct rn_policy_model *model;
	struct rn_policy_record rules;
	bool compiled;
	struct numbers numbers;
};

static void end_force(struct force *f)
{
	if (f->compiled)
		rn_policy_record_done(&f->rules);
	rn_policy_model_free(f->model); /* what is shared outlives it */
}

static unsigned shared_with(const struct rn_policy_model *before, const struct rn_policy_model *after)
{
	unsigned count = 0;

	for (uint32_t i = 0; before && after && i < before->rule_count; i++)
		for (uint32_t k = 0; k < after->rule_count; k++)
			count += before->rules[i].share == after->rules[k].share;
	return count;
}

/* How many rules were shared. */
static unsigned put_in_force(struct force *f, const char *text, size_t size)
{
	struct rn_policy_known known = {.model = f->model, .rules = &f->rules};
	struct rn_policy_model *whole, *after = compare(f->model, text, size, &whole);
	struct rn_policy_record rules = {0};
	struct numbers *numbers = &f->numbers;
	unsigned shared = shared_with(f->model, after);
	bool compiled;

	if (!after)
		return 0;
	compare_findings(whole, after);
	compiled = compile_both(f->compiled ? &known : NULL, numbers, whole, after, &rules);
	rn_policy_model_free(whole);
	end_force(f);
	f->model = after;
	f->rules = rules;
	f->compiled = compiled;
	return shared;
}

static unsigned play(struct rng *rng)
{
	static struct draft d;
	static char text[TEXT_ROOM];
	static struct force force;
	unsigned shared = 0;

	force = (struct force){.compiled = false};
	draft_make(rng, &d);
	put_in_force(&force, text, draft_text(&d, text));
	for (unsigned step = 0; step < 12; step++) {
		size_t size;

		for (unsigned edits = rng_below(rng, 4); edits > 0; edits--)
			draft_edit(rng, &d);
		size = draft_text(&d, text);
		for (unsigned times = rng_percent(rng, 25) ? 1 + rng_below(rng, 2) : 0; times > 0; times--)
			size = draft_spoil(rng, text, size);
		shared += put_in_force(&force, text, size);
	}
	end_force(&force);
	return shared;
}

static void test_random(void **state)
{
	const char *seed = getenv("RN_SEED"), *episodes = getenv("RN_EPISODES");
	unsigned count = episodes ? (unsigned)strtoul(episodes, NULL, 10) : 600, shared = 0;
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct rng rng = {first + i};

		print_message("%s", i % 100 ? "" : ".");
		shared += play(&rng);
	}
	print_message(" seed %llu, %u rules shared\n", (unsigned long long)first, shared);
	assert_true(shared > 20 * count);
}

/* ---- ids ---- */

/* From one model to the next, again and again, with a table that is as full as it may be. */
static void test_ids(void **state)
{
	static char names[64][8];
	struct rn_access_policy old[32], new[32];
	uint32_t moved[32], twice, first, next = 32;
	struct rng rng = {1};
	struct rn_rule_ids *ids, *after;

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		snprintf(names[i], sizeof(names[0]), "r%u", i);
	for (uint32_t i = 0; i < 32; i++)
		old[i].id = names[i];
	ids = rn_rule_ids_new(old, 24, &twice, &first);
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < 24; i++) {
			moved[i] = rng_percent(&rng, 90) ? count : UINT32_MAX;
			if (moved[i] != UINT32_MAX)
				new[count++] = old[i];
		}
		after = rn_rule_ids_moved(ids, moved);
		for (uint32_t i = 0; i < 24; i++)
			assert_int_equal(rn_rule_ids_find(after, new, old[i].id, strlen(old[i].id)), moved[i]);
		for (bool good; count < 24; count++) {
			do
				new[count].id = names[next++ % 64];
			while (rn_rule_ids_find(after, new, new[count].id, strlen(new[count].id)) != UINT32_MAX);
			good = rn_rule_ids_add(after, new, count);
			if (good) {
				assert_false(rn_rule_ids_add(after, new, count));
				continue;
			}
			rn_rule_ids_free(after);
			after = rn_rule_ids_new(new, count + 1, &twice, &first);
		}
		rn_rule_ids_free(ids);
		ids = after;
		memcpy(old, new, sizeof(old));
	}
	rn_rule_ids_free(ids);
}

/* ---- does it fit ---- */

/* Many rules of few ends, or of many: beside and beyond every bound. */
static void fill(struct rng *rng, struct rn_policy_rule *rules, uint32_t count, uint32_t *numbers, uint32_t ends,
		 struct rn_service *services, uint32_t least, uint32_t spread)
{
	for (uint32_t i = 0; i < ends; i++)
		numbers[i] = i + 1;
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct rn_policy_rule){
		    .id = "r",
		    .number = i + 1,
		    .source.any = {&numbers[rng_below(rng, ends)], 1},
		    .destination.any = {&numbers[rng_below(rng, rng_percent(rng, spread) ? ends : 1 + ends / 50)], 1},
		    .services = services,
		    .service_count = least + rng_below(rng, 4 - least)};
}

static void test_fit(void **state)
{
	static struct rn_policy_rule rules[RN_RULES_MAX];
	static uint32_t numbers[RN_RULES_MAX];
	struct rn_service services[] = {{6, 1, 1}, {6, 5, 5}, {6, 2, 2}};
	struct rng rng = {1};
	unsigned refused = 0, rounds = 48;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		struct rn_policy_record p = {.rules = rules, .rule_count = 1u << (8 + rng_below(&rng, 10))};
		struct rn_err errs[2] = {{""}, {""}};
		struct rn_policy_arrays arrays;
		struct rn_policy_sides *sides;
		int code;

		if (i % 2)
			p.rule_count = RN_RULES_MAX - 1 - rng_below(&rng, 60000);
		fill(&rng, rules, p.rule_count, numbers, 1u << rng_below(&rng, 12), services, 1 + i % 3,
		     i % 4 ? 50 : 100);
		sides = rn_policy_sides_new(&p);
		code = rn_policy_tables_build(&p, sides, 1, &arrays, &errs[0]);
		if (code == 0)
			rn_policy_tables_done(&arrays);
		assert_int_equal(rn_policy_fit(&p, &errs[1]), code);
		assert_string_equal(errs[0].text, errs[1].text);
		refused += code < 0;
		print_message("%s", errs[0].text[0] ? "-" : ".");
		rn_policy_sides_free(sides);
	}
	assert_in_range(refused, 8, rounds - 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_ids),
					   cmocka_unit_test(test_fit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
