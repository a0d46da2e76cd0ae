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

#include "domain/policy_text.h"
#include "tests/support/rng.h"
#include "tests/support/same_model.h"

#define RULES 40
#define NAMES 8 /* of groups and of tags */
#define RULE_ROOM 700
#define TEXT_ROOM (RULES * RULE_ROOM * 2)

/* ---- a random policy, as parts of a text ---- */

struct draft {
	char rules[RULES][RULE_ROOM];
	unsigned rule_count, ids;
	unsigned groups[NAMES], group_count, tags[NAMES], tag_count; /* which, in what order */
	bool users_changed, rules_first, has_tests;
	unsigned layout; /* between rules */
};

static const char *pick(struct rng *rng, const char *const *list, unsigned count)
{
	return list[rng_below(rng, count)];
}
#define PICK(rng, ...)                                                                                                 \
	pick(rng, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static size_t put_criterion(struct rng *rng, const struct draft *d, bool destination, char *to)
{
	switch (rng_below(rng, 8)) {
	case 0:
		if (d->group_count)
			return (size_t)sprintf(to, "\"%sgroup:g%u\"", rng_percent(rng, 20) ? "!" : "",
					       d->groups[rng_below(rng, d->group_count)]);
		/* fallthrough */
	case 1:
		if (d->tag_count)
			return (size_t)sprintf(to, "\"%stag:t%u\"", rng_percent(rng, 20) ? "!" : "",
					       d->tags[rng_below(rng, d->tag_count)]);
		/* fallthrough */
	case 2:
		return (size_t)sprintf(to, "\"user:u%u\"", rng_below(rng, 9));
	case 3:
		return (size_t)sprintf(to, "\"%s\"", destination ? "same-owner" : "hub:linz");
	case 4:
		return (size_t)sprintf(to, "\"prefix:10.%u.0.0/16\"", rng_below(rng, 9));
	case 5:
		return (size_t)sprintf(to, "\"device:d%u\"", rng_below(rng, 9));
	default:
		return (size_t)sprintf(to, "\"everyone\"");
	}
}

static size_t put_list(struct rng *rng, const struct draft *d, const char *key, bool destination, char *to)
{
	size_t at = (size_t)sprintf(to, "\"%s\":%s[", key, PICK(rng, "", " ", "\n ", "/* é ] } */"));

	at += put_criterion(rng, d, destination, to + at);
	if (rng_percent(rng, 20))
		at += (size_t)sprintf(to + at, ", \"type:%s\"", PICK(rng, "desktop", "iot"));
	return at + (size_t)sprintf(to + at, "]%s", PICK(rng, ",", ", ", ",\n\t", ", // no \"more\" of [\n "));
}

static void put_rule(struct rng *rng, const struct draft *d, unsigned id, char *to)
{
	size_t at = (size_t)sprintf(to, "{%s\"id\": \"r%u\", ", PICK(rng, "", " ", "\n", "/*{*/"), id);

	if (rng_percent(rng, 30))
		at += (size_t)sprintf(to + at, "\"comment\": \"%s\", ",
				      PICK(rng, "Grüße, 漢字", "a \\\"quoted\\\" }", "\\u007b // none", "[ {", "\\\\"));
	at += put_list(rng, d, "source_criteria", false, to + at);
	at += put_list(rng, d, "destination_criteria", true, to + at);
	if (rng_percent(rng, 60))
		at += (size_t)sprintf(to + at, "\"services\": [\"tcp:%u\", \"%s\"], ", 1 + rng_below(rng, 9),
				      PICK(rng, "udp", "icmp", "tcp:5-70"));
	if (rng_percent(rng, 30))
		at += (size_t)sprintf(to + at,
				      "\"conditions\": {%s\"source_managed\": true, \"times\": [{\"from\": \"08:00\", "
				      "\"to\": \"1%u:00\", \"zone\": \"UTC\"},]}, ",
				      PICK(rng, "", "\"from\": \"2026-01-01\", "), rng_below(rng, 3));
	sprintf(to + at, "\"action\": \"%s\"%s}", PICK(rng, "allow", "deny"), PICK(rng, "", ",", "\n", "/* } */"));
}

static size_t put_groups(const struct draft *d, char *to)
{
	size_t at = (size_t)sprintf(to, "\"groups\": {");

	for (unsigned i = 0; i < d->group_count; i++)
		at += (size_t)sprintf(to + at, "\"g%u\": [\"u%u\", \"u8\"%s],", d->groups[i], d->groups[i],
				      d->users_changed && i == 0 ? ", \"u7\"" : "");
	at += (size_t)sprintf(to + at, "},\n\"tags\": [");
	for (unsigned i = 0; i < d->tag_count; i++)
		at += (size_t)sprintf(to + at, "\"t%u\", ", d->tags[i]);
	return at + (size_t)sprintf(to + at, "]");
}

static size_t put_rules(const struct draft *d, char *to)
{
	static const char *const between[] = {",", ", ", ",\n", ",\n\n// ü [\n\t"};
	size_t at = (size_t)sprintf(to, "\"rules\" : [%s", d->layout % 2 ? "\n" : "");

	for (unsigned i = 0; i < d->rule_count; i++)
		at += (size_t)sprintf(to + at, "%s%s", i ? between[d->layout % 4] : "", d->rules[i]);
	return at + (size_t)sprintf(to + at, "%s]", d->layout % 3 ? ",\n" : "");
}

static size_t put_text(const struct draft *d, char *to)
{
	size_t at = (size_t)sprintf(to, "// ä\n{%s", d->layout % 2 ? "/* a { [ */ " : "");

	at += d->rules_first ? put_rules(d, to + at) : put_groups(d, to + at);
	at += (size_t)sprintf(to + at, d->layout % 2 ? ", " : ",\n");
	at += d->rules_first ? put_groups(d, to + at) : put_rules(d, to + at);
	if (d->has_tests && d->rule_count)
		at += (size_t)sprintf(
		    to + at,
		    ", \"tests\": [{\"id\": \"t\", \"source\": {\"user\": \"u1\"}, \"destination\": {}, "
		    "\"services\": [\"tcp:22\"], \"expect\": \"allow\", \"rule\": \"r%u\"}]",
		    d->ids - 1);
	return at + (size_t)sprintf(to + at, "}\n");
}

static void make(struct rng *rng, struct draft *d)
{
	*d = (struct draft){.group_count = rng_below(rng, NAMES),
			    .tag_count = rng_below(rng, NAMES),
			    .rules_first = rng_percent(rng, 30),
			    .has_tests = rng_percent(rng, 50),
			    .layout = rng_below(rng, 12)};
	for (unsigned i = 0; i < NAMES; i++)
		d->groups[i] = d->tags[i] = i;
	for (unsigned count = rng_below(rng, RULES); d->rule_count < count; d->rule_count++)
		put_rule(rng, d, d->ids++, d->rules[d->rule_count]);
}

/* ---- edits ---- */

static void move_rule(struct draft *d, unsigned from, unsigned to)
{
	char rule[RULE_ROOM];

	memcpy(rule, d->rules[from], sizeof(rule));
	memmove(d->rules[from], d->rules[from + 1], (d->rule_count - 1 - from) * sizeof(rule));
	memmove(d->rules[to + 1], d->rules[to], (d->rule_count - 1 - to) * sizeof(rule));
	memcpy(d->rules[to], rule, sizeof(rule));
}

static void turn(unsigned *list, unsigned count)
{
	unsigned first = list[0];

	memmove(list, list + 1, (count - 1) * sizeof(*list));
	list[count - 1] = first;
}

static void edit_rules(struct rng *rng, struct draft *d)
{
	unsigned at = d->rule_count ? rng_below(rng, d->rule_count) : 0;

	switch (d->rule_count ? rng_below(rng, 5) : 1) {
	case 0:
		put_rule(rng, d, (unsigned)strtoul(strstr(d->rules[at], "\": \"r") + 5, NULL, 10), d->rules[at]);
		break;
	case 1:
		if (d->rule_count == RULES)
			break;
		put_rule(rng, d, d->ids++, d->rules[d->rule_count++]);
		move_rule(d, d->rule_count - 1, at);
		break;
	case 2:
		move_rule(d, at, d->rule_count - 1);
		d->rule_count--;
		break;
	case 3:
		move_rule(d, at, rng_below(rng, d->rule_count));
		break;
	case 4: /* twice: an error, but where it comes before what is right */
		if (rng_percent(rng, 20))
			memcpy(d->rules[rng_below(rng, d->rule_count)], d->rules[at], RULE_ROOM);
		break;
	}
}

static void edit(struct rng *rng, struct draft *d)
{
	switch (rng_below(rng, 12)) {
	case 0:
		d->group_count = rng_below(rng, NAMES);
		break;
	case 1:
		d->tag_count = rng_below(rng, NAMES);
		break;
	case 2:
		turn(d->groups, NAMES);
		break;
	case 3:
		turn(d->tags, NAMES);
		break;
	case 4:
		d->users_changed = !d->users_changed;
		break;
	case 5:
		d->layout = rng_below(rng, 12);
		d->rules_first = rng_percent(rng, 30);
		break;
	default:
		edit_rules(rng, d);
	}
}

/* What nobody would write. */
static size_t spoil(struct rng *rng, char *text, size_t size)
{
	size_t at = rng_below(rng, (uint32_t)size), count = 1 + rng_below(rng, 9);

	if (count > size - at)
		count = size - at;
	switch (rng_below(rng, 3)) {
	case 0:
		text[at] = PICK(rng, "\"", "{", "}", "]", "[", ",", "/", "*", "\n", "\xc3", "\\", "x", "\x01")[0];
		return size;
	case 1:
		memmove(text + at, text + at + count, size - at - count);
		return size - count;
	default:
		memmove(text + at + count, text + at, size - at);
		return size + count;
	}
}

/* ---- both ways ---- */

static struct rn_policy_model *compare(const struct rn_policy_model *before, const char *text, size_t size)
{
	struct rn_err err = {""}, other = {""};
	char *copy = malloc(size ? size : 1); /* of just its size, so that a read past it is seen */
	struct rn_policy_model *whole, *after;
	const char *differs;

	memcpy(copy, text, size);
	whole = rn_policy_parse_whole(copy, size, &err);
	after = rn_policy_parse_after(before, copy, size, &other);
	free(copy);
	assert_string_equal(err.text, other.text);
	assert_int_equal(whole == NULL, after == NULL);
	differs = whole ? same_model(whole, after) : NULL;
	if (differs)
		fail_msg("%s differs: %.*s", differs, (int)size, text);
	rn_policy_model_free(whole);
	return after;
}

static unsigned shared_with(const struct rn_policy_model *before, const struct rn_policy_model *after)
{
	unsigned count = 0;

	for (uint32_t i = 0; before && after && i < before->rule_count; i++)
		for (uint32_t k = 0; k < after->rule_count; k++)
			count += before->rules[i].share == after->rules[k].share;
	return count;
}

/* How many rules were shared on the way. */
static unsigned play(struct rng *rng)
{
	static struct draft d;
	static char text[TEXT_ROOM];
	struct rn_policy_model *before, *after;
	unsigned shared = 0;
	size_t size;

	make(rng, &d);
	size = put_text(&d, text);
	before = compare(NULL, text, size);
	for (unsigned step = 0; step < 12; step++) {
		for (unsigned edits = rng_below(rng, 4); edits > 0; edits--)
			edit(rng, &d);
		size = put_text(&d, text);
		for (unsigned times = rng_percent(rng, 25) ? 1 + rng_below(rng, 2) : 0; times > 0; times--)
			size = spoil(rng, text, size);
		after = compare(before, text, size);
		shared += shared_with(before, after);
		if (!after)
			continue;
		rn_policy_model_free(before); /* what is shared outlives it */
		before = after;
	}
	rn_policy_model_free(before);
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
