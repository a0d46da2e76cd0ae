// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "domain/record_wire.h"

enum {
	FLAG_DENY = 1,
	FLAG_SAME_OWNER = 2,
	FLAG_LOG = 4,
	FLAG_OBSERVE = 8,
	FLAG_SCHEDULE = 16, /* these say that the number is there, which is not 0 then */
	FLAG_FROM = 32,
	FLAG_UNTIL = 64,
	FLAGS = 127,
};
enum { SIDE_ANY = 1, SIDE_TYPES = 2, SIDE_NONE = 4, SIDE_ALSO = 8, SIDES = 15 }; /* what of a side is there */
#define NEED_SIZE 12u
#define RULE_SIZE_MIN 13u /* of one rule on the wire, with an empty id and no lists */
#define SCHEDULE_SIZE_MIN 2u
#define WINDOW_SIZE 16u
#define PART_SIZE 8u

static void write_numbers(struct rn_writer *w, const uint32_t *numbers, uint32_t count)
{
	rn_write_u16(w, (uint16_t)count);
	for (uint32_t i = 0; i < count; i++)
		rn_write_u32(w, numbers[i]);
}

static void write_services(struct rn_writer *w, const struct rn_service *services, uint32_t count)
{
	rn_write_u16(w, (uint16_t)count);
	for (uint32_t i = 0; i < count; i++) {
		rn_write_u8(w, services[i].protocol);
		rn_write_u16(w, services[i].first);
		rn_write_u16(w, services[i].last);
	}
}

static void write_side(struct rn_writer *w, const struct rn_rule_side *side)
{
	rn_write_u8(w, (side->any.count ? SIDE_ANY : 0) | (side->types.count ? SIDE_TYPES : 0) |
			   (side->none.count ? SIDE_NONE : 0) | (side->also ? SIDE_ALSO : 0));
	if (side->any.count)
		write_numbers(w, side->any.numbers, side->any.count);
	if (side->types.count)
		write_numbers(w, side->types.numbers, side->types.count);
	if (side->none.count)
		write_numbers(w, side->none.numbers, side->none.count);
	if (side->also)
		rn_write_u32(w, side->also);
}

static uint8_t flags_of(const struct rn_policy_rule *rule)
{
	return (rule->deny ? FLAG_DENY : 0) | (rule->same_owner ? FLAG_SAME_OWNER : 0) | (rule->log ? FLAG_LOG : 0) |
	       (rule->observe ? FLAG_OBSERVE : 0) | (rule->schedule ? FLAG_SCHEDULE : 0) |
	       (rule->from ? FLAG_FROM : 0) | (rule->until ? FLAG_UNTIL : 0);
}

void rn_policy_rule_write(struct rn_writer *w, const struct rn_policy_rule *rule, uint32_t base)
{
	rn_write_text(w, rule->id);
	rn_write_u32(w, rule->number - base);
	rn_write_u8(w, flags_of(rule));
	rn_write_u8(w, rule->minimum_trust);
	rn_write_u8(w, rule->minimum_destination_trust);
	write_side(w, &rule->source);
	write_side(w, &rule->destination);
	write_services(w, rule->services, rule->service_count);
	if (rule->schedule)
		rn_write_u32(w, rule->schedule);
	if (rule->from)
		rn_write_u64(w, (uint64_t)rule->from);
	if (rule->until)
		rn_write_u64(w, (uint64_t)rule->until);
}

void rn_policy_schedule_write(struct rn_writer *w, const struct rn_schedule *schedule)
{
	rn_write_u16(w, (uint16_t)schedule->count);
	for (uint32_t i = 0; i < schedule->count; i++) {
		rn_write_u64(w, (uint64_t)schedule->windows[i].from);
		rn_write_u64(w, (uint64_t)schedule->windows[i].until);
	}
}

static void write_policy(struct rn_writer *w, const void *in)
{
	const struct rn_policy_record *p = in;

	rn_write_u32(w, p->part_count);
	for (uint32_t i = 0; i < p->part_count; i++) {
		rn_write_u32(w, p->parts[i].number);
		rn_write_u32(w, p->parts[i].base);
	}
	rn_write_u32(w, p->rule_count - p->joined_rules);
	for (uint32_t i = p->joined_rules; i < p->rule_count && !w->failed; i++)
		rn_policy_rule_write(w, &p->rules[i], 0);
	rn_write_u32(w, p->schedule_count - p->joined_schedules);
	for (uint32_t i = p->joined_schedules; i < p->schedule_count; i++)
		rn_policy_schedule_write(w, &p->schedules[i]);
	rn_write_u64(w, p->since);
	rn_write_u32(w, p->need_count);
	for (uint32_t i = 0; i < p->need_count; i++) {
		rn_write_u32(w, p->needs[i].device);
		rn_write_u64(w, p->needs[i].version);
	}
}

/* What a policy rests on was signed before it. */
static bool needs_before(const struct rn_policy_record *p, uint64_t version)
{
	for (uint32_t i = 0; i < p->need_count; i++)
		if (p->needs[i].version >= version)
			return false;
	return p->since <= version;
}

int rn_record_put_policy(const struct rn_record_head *head, const struct rn_policy_record *in,
			 const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size)
{
	if (!rn_policy_record_good(in) || !needs_before(in, head->version))
		return -EINVAL;
	return rn_record_seal(head, RN_RECORD_POLICY, write_policy, in, seed, out, out_size);
}

/* A count that lies costs nothing: each element takes wire_size bytes of what is left. */
static bool can_have(struct rn_reader *r, uint32_t count, uint32_t max, size_t wire_size)
{
	if (count > max || count > rn_reader_left(r) / wire_size)
		r->failed = true;
	return !r->failed && count;
}

/* Memory for count elements. NULL for none; running out of memory sets *no_memory and fails the reader. */
static void *elements(struct rn_reader *r, uint32_t count, uint32_t max, size_t wire_size, size_t size, bool *no_memory)
{
	void *memory;

	if (!can_have(r, count, max, wire_size))
		return NULL;
	memory = calloc(count, size);
	if (!memory)
		r->failed = *no_memory = true;
	return memory;
}

/* The same beside the other sets, not cleared. */
static void *beside(struct rn_reader *r, uint32_t count, uint32_t max, size_t wire_size, size_t size,
		    struct rn_arena **sets, bool *no_memory)
{
	void *memory;

	if (!can_have(r, count, max, wire_size))
		return NULL;
	memory = rn_arena_take(sets, count * size);
	if (!memory)
		r->failed = *no_memory = true;
	return memory;
}

/* A set that is there is not empty, so that a side has one encoding. */
static struct rn_selector_set read_set(struct rn_reader *r, bool there, struct rn_arena **sets, bool *no_memory)
{
	uint32_t count = there ? rn_read_u16(r) : 0;
	struct rn_selector_set set;

	if (there && !count)
		r->failed = true;
	set.numbers = beside(r, count, RN_RULE_SELECTORS_MAX, 4, sizeof(*set.numbers), sets, no_memory);
	set.count = set.numbers ? count : 0;
	for (uint32_t i = 0; i < set.count; i++)
		set.numbers[i] = rn_read_u32(r);
	return set;
}

static void read_side(struct rn_reader *r, struct rn_rule_side *side, struct rn_arena **sets, bool *no_memory)
{
	uint8_t there = rn_read_u8(r);

	side->any = read_set(r, there & SIDE_ANY, sets, no_memory);
	side->types = read_set(r, there & SIDE_TYPES, sets, no_memory);
	side->none = read_set(r, there & SIDE_NONE, sets, no_memory);
	side->also = there & SIDE_ALSO ? rn_read_u32(r) : 0;
	if ((there & ~SIDES) || (there & SIDE_ALSO && !side->also))
		r->failed = true;
}

static struct rn_service *read_services(struct rn_reader *r, uint32_t *ret_count, struct rn_arena **sets,
					bool *no_memory)
{
	uint32_t count = rn_read_u16(r);
	struct rn_service *services = beside(r, count, RN_RULE_SERVICES_MAX, 5, sizeof(*services), sets, no_memory);

	for (uint32_t i = 0; services && i < count; i++) {
		services[i].protocol = rn_read_u8(r);
		services[i].first = rn_read_u16(r);
		services[i].last = rn_read_u16(r);
	}
	*ret_count = services ? count : 0;
	return services;
}

/* A number that is there is not 0. */
static uint64_t read_there(struct rn_reader *r, bool there, bool wide)
{
	uint64_t number = 0;

	if (there)
		number = wide ? rn_read_u64(r) : rn_read_u32(r);
	if (there && !number)
		r->failed = true;
	return number;
}

void rn_policy_rule_read(struct rn_reader *r, struct rn_policy_rule *rule, uint32_t base, struct rn_arena **sets,
			 bool *no_memory)
{
	uint8_t flags;

	rn_read_text(r, rule->id, sizeof(rule->id));
	rule->number = rn_read_u32(r) + base;
	if (rule->number <= base)
		r->failed = true;
	flags = rn_read_u8(r);
	rule->deny = flags & FLAG_DENY;
	rule->same_owner = flags & FLAG_SAME_OWNER;
	rule->log = flags & FLAG_LOG;
	rule->observe = flags & FLAG_OBSERVE;
	rule->minimum_trust = rn_read_u8(r);
	rule->minimum_destination_trust = rn_read_u8(r);
	read_side(r, &rule->source, sets, no_memory);
	read_side(r, &rule->destination, sets, no_memory);
	rule->services = read_services(r, &rule->service_count, sets, no_memory);
	rule->schedule = (uint32_t)read_there(r, flags & FLAG_SCHEDULE, false);
	rule->from = (int64_t)read_there(r, flags & FLAG_FROM, true);
	rule->until = (int64_t)read_there(r, flags & FLAG_UNTIL, true);
	if (flags & ~FLAGS)
		r->failed = true;
}

void rn_policy_schedule_read(struct rn_reader *r, struct rn_schedule *ret, bool *no_memory)
{
	uint32_t count = rn_read_u16(r);

	ret->windows = elements(r, count, RN_WINDOWS_MAX, WINDOW_SIZE, sizeof(*ret->windows), no_memory);
	ret->count = ret->windows ? count : 0;
	for (uint32_t i = 0; i < ret->count; i++) {
		ret->windows[i].from = (int64_t)rn_read_u64(r);
		ret->windows[i].until = (int64_t)rn_read_u64(r);
	}
}

static void read_schedules(struct rn_reader *r, struct rn_policy_record *p, bool *no_memory)
{
	uint32_t count = rn_read_u32(r);

	p->schedules = elements(r, count, RN_SCHEDULES_MAX, SCHEDULE_SIZE_MIN, sizeof(*p->schedules), no_memory);
	p->schedule_count = p->schedules ? count : 0;
	for (uint32_t i = 0; i < p->schedule_count; i++)
		rn_policy_schedule_read(r, &p->schedules[i], no_memory);
}

static void read_parts(struct rn_reader *r, struct rn_policy_record *p, bool *no_memory)
{
	uint32_t count = rn_read_u32(r);

	p->parts = elements(r, count, RN_PARTS_MAX, PART_SIZE, sizeof(*p->parts), no_memory);
	p->part_count = p->parts ? count : 0;
	for (uint32_t i = 0; i < p->part_count; i++) {
		p->parts[i].number = rn_read_u32(r);
		p->parts[i].base = rn_read_u32(r);
	}
}

static void read_rules(struct rn_reader *r, struct rn_policy_record *p, bool *no_memory)
{
	uint32_t count = rn_read_u32(r);

	p->rules = elements(r, count, RN_RULES_MAX, RULE_SIZE_MIN, sizeof(*p->rules), no_memory);
	p->rule_count = p->rules ? count : 0;
	for (uint32_t i = 0; i < p->rule_count && !r->failed; i++)
		rn_policy_rule_read(r, &p->rules[i], 0, &p->sets, no_memory);
}

static void read_needs(struct rn_reader *r, struct rn_policy_record *p, bool *no_memory)
{
	uint32_t count;

	p->since = rn_read_u64(r);
	count = rn_read_u32(r);
	p->needs = elements(r, count, RN_NEEDS_MAX, NEED_SIZE, sizeof(*p->needs), no_memory);
	p->need_count = p->needs ? count : 0;
	for (uint32_t i = 0; i < p->need_count; i++) {
		p->needs[i].device = rn_read_u32(r);
		p->needs[i].version = rn_read_u64(r);
	}
}

int rn_record_get_policy(const uint8_t *data, size_t size, struct rn_policy_record *ret)
{
	struct rn_reader r = rn_record_body(data, size, RN_RECORD_POLICY);
	bool no_memory = false;
	struct rn_policy_record p = {0};

	read_parts(&r, &p, &no_memory);
	read_rules(&r, &p, &no_memory);
	read_schedules(&r, &p, &no_memory);
	read_needs(&r, &p, &no_memory);
	if (!rn_reader_done(&r) || !rn_policy_record_good(&p) || !needs_before(&p, rn_record_version(data))) {
		rn_policy_record_done(&p);
		return no_memory ? -ENOMEM : -EBADMSG;
	}
	*ret = p;
	return 0;
}

static void side_done(struct rn_rule_side *side)
{
	free(side->any.numbers);
	free(side->types.numbers);
	free(side->none.numbers);
}

void rn_policy_record_done(struct rn_policy_record *p)
{
	for (uint32_t i = 0; i < p->rule_count && !p->sets; i++) {
		side_done(&p->rules[i].source);
		side_done(&p->rules[i].destination);
		free(p->rules[i].services);
	}
	for (uint32_t i = 0; i < p->schedule_count; i++)
		free(p->schedules[i].windows);
	rn_arena_free(p->sets);
	free(p->rules);
	free(p->schedules);
	free(p->parts);
	free(p->needs);
	*p = (struct rn_policy_record){0};
}

uint64_t rn_policy_record_need(const struct rn_policy_record *p, uint32_t device)
{
	uint32_t low = 0, high = p->need_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->needs[middle].device < device)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->need_count && p->needs[low].device == device ? p->needs[low].version : p->since;
}
