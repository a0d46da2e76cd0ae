/* SPDX-License-Identifier: Apache-2.0 */
/* Policies larger than a record: what one side splits the other joins, and a change stays where it was made. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy_parts.h"

#define BODIES (RN_PARTS_MAX + 2)
#define RULES 1000

/* Who gives numbers: the same body has the same one, as at the gateway. */
struct shelf {
	struct rn_part list[BODIES];
	uint32_t count, fresh;
};

static int place(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct shelf *s = context;
	uint8_t *copy;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->list[i].size == size && !memcmp(s->list[i].body, body, size)) {
			*ret_number = s->list[i].number;
			return 0;
		}
	assert_true(s->count < BODIES && size <= RN_PART_BODY_MAX);
	copy = malloc(size);
	memcpy(copy, body, size);
	*ret_number = s->count + 1;
	s->list[s->count++] = (struct rn_part){*ret_number, copy, size};
	s->fresh++;
	return 0;
}

static bool fetch(void *context, uint32_t number, struct rn_part *ret)
{
	const struct shelf *s = context;

	if (!number || number > s->count)
		return false;
	*ret = s->list[number - 1];
	return true;
}

static void shelf_done(struct shelf *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free((void *)s->list[i].body);
}

static uint32_t people[60];
static struct rn_service all = {0, 0, 65535};
static struct rn_window windows[3] = {{100, 200}, {300, 400}, {500, 600}};

static void make_rule(struct rn_policy_rule *r, uint32_t id, uint32_t number, bool deny)
{
	*r = (struct rn_policy_rule){
	    .number = number, .deny = deny, .source.any = {people, 60}, .services = &all, .service_count = 1};
	snprintf(r->id, sizeof(r->id), "rule-%u", id);
	r->schedule = id % 10 == 0 ? 1 : 0;
}

/* Every tenth denies, and these come first; `extra`: one rule more in the middle of the document. */
static struct rn_policy_record make_policy(struct rn_policy_rule rules[RULES + 1], struct rn_schedule *schedule,
					   bool extra)
{
	uint32_t count = 0;

	for (int deny = 1; deny >= 0; deny--) {
		uint32_t number = 0;

		for (uint32_t i = 0; i < RULES; i++) {
			number++;
			if ((i % 10 == 0) == deny)
				make_rule(&rules[count++], i, number, deny);
			if (extra && i == RULES / 2) {
				number++;
				if (!deny)
					make_rule(&rules[count++], RULES + 7, number, false);
			}
		}
	}
	*schedule = (struct rn_schedule){windows, 3};
	return (struct rn_policy_record){
	    .rules = rules, .rule_count = count, .schedules = schedule, .schedule_count = 1, .since = 4};
}

static int setup(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 60; i++)
		people[i] = 3 * i + 1;
	return rn_crypto_start();
}

/* Over the wire, as hosts get it. */
static struct rn_policy_record over_the_wire(const struct rn_policy_record *root, struct shelf *s)
{
	static uint8_t data[RN_RECORD_SIZE_MAX];
	const struct rn_record_head head = {.epoch = 1, .version = 9};
	const uint8_t seed[RN_KEY_SIZE] = {1};
	const struct rn_part_source from = {s, fetch};
	int size = rn_record_put_policy(&head, root, seed, data, sizeof(data));
	struct rn_policy_record got;

	assert_true(size > 0);
	assert_int_equal(rn_record_get_policy(data, (size_t)size, &got), 0);
	assert_int_equal(rn_policy_join(&got, &from), 0);
	return got;
}

static void expect_same(const struct rn_policy_record *got, const struct rn_policy_record *want)
{
	assert_int_equal(got->rule_count, want->rule_count);
	for (uint32_t i = 0; i < got->rule_count; i++) {
		assert_string_equal(got->rules[i].id, want->rules[i].id);
		assert_int_equal(got->rules[i].number, want->rules[i].number);
		assert_int_equal(got->rules[i].deny, want->rules[i].deny);
		assert_int_equal(got->rules[i].schedule, want->rules[i].schedule);
		assert_int_equal(got->rules[i].source.any.count, 60);
	}
	assert_int_equal(got->schedule_count, 1);
	assert_int_equal(got->schedules[0].count, 3);
	assert_true(got->since == want->since);
}

static void test_round_trip(void **state)
{
	static struct rn_policy_rule rules[RULES + 1];
	struct rn_schedule schedule;
	struct rn_policy_record whole = make_policy(rules, &schedule, false), root, got;
	struct shelf s = {0};

	(void)state;
	assert_int_equal(rn_policy_split(&whole, place, &s, &root), 0);
	assert_true(root.part_count > 3);
	got = over_the_wire(&root, &s);
	expect_same(&got, &whole);
	assert_true(rn_policy_names_part(&got, 1) && !rn_policy_names_part(&got, s.count + 1));
	rn_policy_record_done(&got);
	free(root.parts);
	shelf_done(&s);
}

static void test_one_rule_more_changes_one_part_or_two(void **state)
{
	static struct rn_policy_rule rules[RULES + 1];
	struct rn_schedule schedule;
	struct rn_policy_record whole = make_policy(rules, &schedule, false), root, got;
	struct shelf s = {0};

	(void)state;
	assert_int_equal(rn_policy_split(&whole, place, &s, &root), 0);
	free(root.parts);
	s.fresh = 0;
	whole = make_policy(rules, &schedule, true);
	assert_int_equal(rn_policy_split(&whole, place, &s, &root), 0);
	/* The part that it is in, and of the denying rules' the one in which numbers now jump. */
	assert_in_range(s.fresh, 1, 3);
	assert_true(root.part_count > 2 * s.fresh);
	got = over_the_wire(&root, &s);
	expect_same(&got, &whole);
	rn_policy_record_done(&got);
	free(root.parts);
	shelf_done(&s);
}

/* ---- what a liar or a gap makes of it ---- */

static int join(const uint8_t *body, size_t size, uint32_t base)
{
	struct rn_policy_record p = {.part_count = 1};
	struct shelf s = {.count = 1};
	const struct rn_part_source from = {&s, fetch};
	int r;

	s.list[0] = (struct rn_part){1, body, size};
	p.parts = malloc(sizeof(*p.parts));
	p.parts[0] = (struct rn_policy_part){1, base};
	r = rn_policy_join(&p, &from);
	rn_policy_record_done(&p);
	return r;
}

static void test_bad_parts(void **state)
{
	static struct rn_policy_rule rules[RULES + 1];
	struct rn_schedule schedule;
	struct rn_policy_record whole = make_policy(rules, &schedule, false), root, p = {.part_count = 1};
	struct shelf s = {0}, nothing = {0};
	const struct rn_part_source from = {&nothing, fetch};

	(void)state;
	assert_int_equal(rn_policy_split(&whole, place, &s, &root), 0);
	free(root.parts);
	/* Cut anywhere, it makes no policy, or one of whole rules; never a crash. */
	for (size_t size = 1; size < s.list[1].size && size < 3000; size++) {
		uint8_t *cut = malloc(size);
		int r;

		memcpy(cut, s.list[1].body, size);
		r = join(cut, size, 0);
		assert_true(r == 0 || r == -EBADMSG);
		free(cut);
	}
	assert_int_equal(join(s.list[1].body, s.list[1].size, UINT32_MAX), -EBADMSG); /* numbers wrap */
	assert_int_equal(join((const uint8_t *)"\3", 1, 0), -EBADMSG);
	assert_int_equal(join((const uint8_t *)"\2\0\0x", 4, 0), -EBADMSG);
	p.parts = calloc(1, sizeof(*p.parts));
	p.parts[0].number = 5;
	assert_int_equal(rn_policy_join(&p, &from), -ENOENT);
	rn_policy_record_done(&p);
	shelf_done(&s);
}

static void test_too_many(void **state)
{
	static struct rn_policy_rule rules[RULES + 1];
	struct rn_schedule schedule, schedules[RN_SCHEDULES_MAX];
	struct rn_policy_record whole = make_policy(rules, &schedule, false), root = {0};
	struct shelf s = {0};

	(void)state;
	for (unsigned i = 0; i < RN_SCHEDULES_MAX; i++)
		schedules[i] = schedule;
	whole.schedules = schedules;
	whole.schedule_count = RN_SCHEDULES_MAX;
	/* Numbers that fall with each rule end a part each: nothing that compiles, but it must not run over. */
	for (uint32_t i = 0; i < whole.rule_count; i++)
		rules[i].number = RULES + 1 - i;
	assert_int_equal(rn_policy_split(&whole, place, &s, &root), -EMSGSIZE);
	assert_null(root.parts);
	shelf_done(&s);
}

/* ---- kern's shelf ---- */

static void test_shelf(void **state)
{
	struct rn_parts *parts = rn_parts_new();
	struct rn_part got, a = {1, (const uint8_t *)"aa", 2}, b = {2, (const uint8_t *)"b", 1};
	struct rn_policy_part named = {2, 0}, before = {4, 0};
	struct rn_policy_record policy = {.parts = &named, .part_count = 1},
				other = {.parts = &before, .part_count = 1};
	struct rn_part_source from = rn_parts_source(parts);

	(void)state;
	assert_int_equal(rn_parts_put(parts, &a, 5), 0);
	assert_int_equal(rn_parts_put(parts, &b, 6), 0);
	assert_int_equal(rn_parts_put(parts, &(struct rn_part){3, (const uint8_t *)"c", 1}, 9), 0);
	assert_true(from.part(from.context, 1, &got) && got.size == 2 && !memcmp(got.body, "aa", 2));
	assert_int_equal(rn_parts_put(parts, &(struct rn_part){4, (const uint8_t *)"e", 1}, 2), 0);
	rn_parts_keep(parts, &policy, &other, 7);
	assert_true(from.part(from.context, 4, &got)); /* of the one in force */
	rn_parts_keep(parts, &policy, NULL, 7);
	assert_false(from.part(from.context, 4, &got));
	assert_false(from.part(from.context, 1, &got));
	assert_true(from.part(from.context, 2, &got)); /* named */
	assert_true(from.part(from.context, 3, &got)); /* of one that is coming */
	for (uint32_t n = 10; n < 10 + 3 * RN_PARTS_MAX - 2; n++)
		assert_int_equal(rn_parts_put(parts, &(struct rn_part){n, (const uint8_t *)"d", 1}, 9), 0);
	assert_int_equal(rn_parts_put(parts, &(struct rn_part){9, (const uint8_t *)"d", 1}, 9), -ENOSPC);
	rn_parts_keep(parts, NULL, NULL, 0);
	assert_false(from.part(from.context, 2, &got));
	rn_parts_free(parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_one_rule_more_changes_one_part_or_two),
	    cmocka_unit_test(test_bad_parts),  cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_shelf),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
