/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

size_t draft_text(const struct draft *d, char to[static DRAFT_TEXT_ROOM])
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

void draft_make(struct rng *rng, struct draft *d)
{
	*d = (struct draft){.group_count = rng_below(rng, DRAFT_NAMES),
			    .tag_count = rng_below(rng, DRAFT_NAMES),
			    .rules_first = rng_percent(rng, 30),
			    .has_tests = rng_percent(rng, 50),
			    .layout = rng_below(rng, 12)};
	for (unsigned i = 0; i < DRAFT_NAMES; i++)
		d->groups[i] = d->tags[i] = i;
	for (unsigned count = rng_below(rng, DRAFT_RULES); d->rule_count < count; d->rule_count++)
		put_rule(rng, d, d->ids++, d->rules[d->rule_count]);
}

/* ---- edits ---- */

static void move_rule(struct draft *d, unsigned from, unsigned to)
{
	char rule[DRAFT_RULE_ROOM];

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
		if (d->rule_count == DRAFT_RULES)
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
			memcpy(d->rules[rng_below(rng, d->rule_count)], d->rules[at], DRAFT_RULE_ROOM);
		break;
	}
}

void draft_edit(struct rng *rng, struct draft *d)
{
	switch (rng_below(rng, 12)) {
	case 0:
		d->group_count = rng_below(rng, DRAFT_NAMES);
		break;
	case 1:
		d->tag_count = rng_below(rng, DRAFT_NAMES);
		break;
	case 2:
		turn(d->groups, DRAFT_NAMES);
		break;
	case 3:
		turn(d->tags, DRAFT_NAMES);
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

size_t draft_spoil(struct rng *rng, char *text, size_t size)
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
