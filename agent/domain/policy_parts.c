/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/record_wire.h"

/* A part ends behind a rule that chance says so of, so that the next ones end where they did before. */
#define PART_LEAST (16u * 1024u) /* bytes */
#define ENDS_ONE_IN 256u

/* ---- splitting ---- */

static bool ends_a_part(const struct rn_policy_rule *rule)
{
	uint32_t hash = 2166136261u; /* FNV-1a, draft-eastlake-fnv */

	for (const char *c = rule->id; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return (hash >> 8) % ENDS_ONE_IN == 0;
}

/* Writes rules from *at on, as many as the part takes; 0: not even one fits. */
static size_t fill(const struct rn_policy_record *whole, uint32_t *at, uint8_t *body)
{
	uint32_t base = whole->rules[*at].number - 1;
	struct rn_writer w = rn_writer(body, RN_PART_BODY_MAX);
	size_t size = 0;

	for (; *at < whole->rule_count; size = w.at) {
		const struct rn_policy_rule *rule = &whole->rules[*at];

		/* Numbers fall once, where the rules that allow begin. */
		if (rule->number <= base)
			break;
		rn_policy_rule_write(&w, rule, base);
		if (w.failed)
			break;
		++*at;
		if (w.at >= PART_LEAST && ends_a_part(rule))
			return w.at;
	}
	return size;
}

int rn_policy_split(const struct rn_policy_record *whole,
		    int (*part)(void *context, const uint8_t *body, size_t size, uint32_t *ret_number), void *context,
		    struct rn_policy_record *ret)
{
	struct rn_policy_part *parts = calloc(RN_PARTS_MAX, sizeof(*parts));
	uint8_t *body = malloc(RN_PART_BODY_MAX);
	uint32_t count = 0;
	int r = parts && body ? 0 : -ENOMEM;

	for (uint32_t at = 0; r == 0 && at < whole->rule_count; count++) {
		uint32_t base = whole->rules[at].number - 1;
		size_t size = count < RN_PARTS_MAX ? fill(whole, &at, body) : 0;

		if (!size) {
			r = -EMSGSIZE;
			break;
		}
		parts[count].base = base;
		r = part(context, body, size, &parts[count].number);
	}
	free(body);
	if (r != 0) {
		free(parts);
		return r;
	}
	*ret = *whole;
	ret->parts = parts;
	ret->part_count = count;
	ret->joined = whole->rule_count;
	return 0;
}

/* ---- joining ---- */

static int make_room(struct rn_policy_record *p, uint32_t *room)
{
	uint32_t more = *room ? 2 * *room : 256;
	struct rn_policy_rule *rules;

	if (p->rule_count < *room)
		return 0;
	if (p->rule_count >= RN_RULES_MAX)
		return -EBADMSG;
	rules = realloc(p->rules, more * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	p->rules = rules;
	*room = more;
	return 0;
}

static int join_one(struct rn_policy_record *p, uint32_t *room, const struct rn_part *part, uint32_t base)
{
	struct rn_reader reader = rn_reader(part->body, part->size);
	bool no_memory = false;

	while (rn_reader_left(&reader) && !reader.failed) {
		int r = make_room(p, room);

		if (r < 0)
			return r;
		/* Counted before it is read: what was read of a bad one is freed with the rest. */
		memset(&p->rules[p->rule_count++], 0, sizeof(*p->rules));
		rn_policy_rule_read(&reader, &p->rules[p->rule_count - 1], base, &no_memory);
	}
	if (no_memory)
		return -ENOMEM;
	return reader.failed ? -EBADMSG : 0;
}

/* The record's own rules go behind those of its parts. */
static int append(struct rn_policy_record *p, struct rn_policy_rule *own, uint32_t count)
{
	struct rn_policy_rule *rules;

	p->joined = p->rule_count;
	if (!count)
		return 0;
	if (count > RN_RULES_MAX - p->rule_count)
		return -EBADMSG;
	rules = realloc(p->rules, (p->rule_count + count) * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	p->rules = rules;
	memcpy(p->rules + p->rule_count, own, count * sizeof(*own));
	p->rule_count += count;
	memset(own, 0, count * sizeof(*own));
	return 0;
}

int rn_policy_join(struct rn_policy_record *p, const struct rn_part_source *from)
{
	struct rn_policy_record own = {.rules = p->rules, .rule_count = p->rule_count};
	uint32_t room = 0;
	int r = 0;

	if (!p->part_count)
		return 0;
	p->rules = NULL;
	p->rule_count = 0;
	for (uint32_t i = 0; r == 0 && i < p->part_count; i++) {
		struct rn_part part;

		r = from->part(from->context, p->parts[i].number, &part) ? join_one(p, &room, &part, p->parts[i].base)
									 : -ENOENT;
	}
	if (r == 0)
		r = append(p, own.rules, own.rule_count);
	rn_policy_record_done(&own);
	return r == 0 && !rn_policy_record_good(p) ? -EBADMSG : r;
}

bool rn_policy_names_part(const struct rn_policy_record *p, uint32_t number)
{
	for (uint32_t i = 0; i < p->part_count; i++)
		if (p->parts[i].number == number)
			return true;
	return false;
}
