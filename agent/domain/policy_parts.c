/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/record_wire.h"

/* A part ends behind a rule that chance says so of, so that the next ones end where they did before: a byte in so many.
 */
#define PART_LEAST (16u * 1024u)
#define ENDS_ONE_IN (16u * 1024u)

enum { BODY_RULES = 1, BODY_SCHEDULE = 2 }; /* a body's first byte */

/* ---- splitting ---- */

static bool ends_a_part(const struct rn_policy_rule *rule, size_t size)
{
	uint32_t hash = 2166136261u; /* FNV-1a, draft-eastlake-fnv */

	for (const char *c = rule->id; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu; /* texts that differ in their last digits only */
	return (hash ^ hash >> 13) % ENDS_ONE_IN < size;
}

/* Writes rules from *at on, as many as the part takes; 0: not even one fits. */
static size_t fill(const struct rn_policy_record *whole, uint32_t *at, uint8_t *body)
{
	uint32_t base = whole->rules[*at].number - 1;
	struct rn_writer w = rn_writer(body, RN_PART_BODY_MAX);
	size_t size = 0;

	rn_write_u8(&w, BODY_RULES);
	for (; *at < whole->rule_count; size = w.at) {
		const struct rn_policy_rule *rule = &whole->rules[*at];

		/* Numbers fall once, where the rules that allow begin. */
		if (rule->number <= base)
			break;
		rn_policy_rule_write(&w, rule, base);
		if (w.failed)
			break;
		++*at;
		if (w.at >= PART_LEAST && ends_a_part(rule, w.at - size))
			return w.at;
	}
	return size;
}

struct split {
	const struct rn_policy_record *whole;
	int (*part)(void *context, const uint8_t *body, size_t size, uint32_t *ret_number);
	void *context;
	struct rn_policy_part *parts;
	uint32_t count;
	uint8_t *body;
};

static int add(struct split *s, size_t size, uint32_t base)
{
	if (!size || s->count == RN_PARTS_MAX)
		return -EMSGSIZE;
	s->parts[s->count].base = base;
	return s->part(s->context, s->body, size, &s->parts[s->count++].number);
}

static int split_schedules(struct split *s)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->whole->schedule_count; i++) {
		struct rn_writer w = rn_writer(s->body, RN_PART_BODY_MAX);

		rn_write_u8(&w, BODY_SCHEDULE);
		rn_policy_schedule_write(&w, &s->whole->schedules[i]);
		r = add(s, w.failed ? 0 : w.at, 0);
	}
	return r;
}

static int split_rules(struct split *s)
{
	int r = 0;

	for (uint32_t at = 0; r == 0 && at < s->whole->rule_count;) {
		uint32_t base = s->whole->rules[at].number - 1;

		r = add(s, fill(s->whole, &at, s->body), base);
	}
	return r;
}

int rn_policy_split(const struct rn_policy_record *whole,
		    int (*part)(void *context, const uint8_t *body, size_t size, uint32_t *ret_number), void *context,
		    struct rn_policy_record *ret)
{
	struct split s = {whole, part, context, calloc(RN_PARTS_MAX, sizeof(*s.parts)), 0, malloc(RN_PART_BODY_MAX)};
	int r = s.parts && s.body ? split_schedules(&s) : -ENOMEM;

	if (r == 0)
		r = split_rules(&s);
	free(s.body);
	if (r != 0) {
		free(s.parts);
		return r;
	}
	*ret = *whole;
	ret->parts = s.parts;
	ret->part_count = s.count;
	ret->joined_rules = whole->rule_count;
	ret->joined_schedules = whole->schedule_count;
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

static int join_rules(struct rn_policy_record *p, uint32_t *room, struct rn_reader *reader, uint32_t base)
{
	bool no_memory = false;

	while (rn_reader_left(reader) && !reader->failed) {
		int r = make_room(p, room);

		if (r < 0)
			return r;
		/* Counted before it is read: what was read of a bad one is freed with the rest. */
		memset(&p->rules[p->rule_count++], 0, sizeof(*p->rules));
		rn_policy_rule_read(reader, &p->rules[p->rule_count - 1], base, &p->sets, &no_memory);
	}
	if (no_memory)
		return -ENOMEM;
	return rn_reader_done(reader) ? 0 : -EBADMSG;
}

static int join_schedule(struct rn_policy_record *p, struct rn_reader *reader)
{
	struct rn_schedule *schedules;
	bool no_memory = false;

	if (p->schedule_count == RN_SCHEDULES_MAX)
		return -EBADMSG;
	schedules = realloc(p->schedules, (p->schedule_count + 1) * sizeof(*schedules));
	if (!schedules)
		return -ENOMEM;
	p->schedules = schedules;
	rn_policy_schedule_read(reader, &schedules[p->schedule_count++], &no_memory);
	if (no_memory)
		return -ENOMEM;
	return rn_reader_done(reader) ? 0 : -EBADMSG;
}

static int join_one(struct rn_policy_record *p, uint32_t *room, const struct rn_part *part, uint32_t base)
{
	struct rn_reader reader = rn_reader(part->body, part->size);

	switch (rn_read_u8(&reader)) {
	case BODY_RULES:
		return join_rules(p, room, &reader, base);
	case BODY_SCHEDULE:
		return join_schedule(p, &reader);
	}
	return -EBADMSG;
}

/* Who signs puts all of a policy in parts, or nothing. */
int rn_policy_join(struct rn_policy_record *p, const struct rn_part_source *from)
{
	uint32_t room = 0;
	int r = 0;

	if (!p->part_count)
		return 0;
	if (p->rule_count || p->schedule_count)
		return -EBADMSG;
	for (uint32_t i = 0; r == 0 && i < p->part_count; i++) {
		struct rn_part part;

		r = -ENOENT;
		if (from->part(from->context, p->parts[i].number, &part))
			r = join_one(p, &room, &part, p->parts[i].base);
	}
	p->joined_rules = p->rule_count;
	p->joined_schedules = p->schedule_count;
	return r == 0 && !rn_policy_record_good(p) ? -EBADMSG : r;
}

void rn_policy_unjoin(struct rn_policy_record *p)
{
	struct rn_policy_record joined = {.rules = p->rules,
					  .rule_count = p->rule_count,
					  .schedules = p->schedules,
					  .schedule_count = p->schedule_count,
					  .sets = p->sets};

	if (!p->part_count)
		return;
	rn_policy_record_done(&joined);
	p->rules = NULL;
	p->schedules = NULL;
	p->sets = NULL;
	p->rule_count = p->schedule_count = 0;
}

bool rn_policy_names_part(const struct rn_policy_record *p, uint32_t number)
{
	for (uint32_t i = 0; i < p->part_count; i++)
		if (p->parts[i].number == number)
			return true;
	return false;
}
