// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "domain/record_wire.h"

enum { FLAG_DENY = 1, FLAG_SAME_OWNER = 2 };
#define NEED_SIZE 12u
#define RULE_SIZE_MIN 13u /* of one rule on the wire, with an empty id and no lists */

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

static void write_rule(struct rn_writer *w, const struct rn_policy_rule *rule)
{
	rn_write_text(w, rule->id);
	rn_write_u32(w, rule->number);
	rn_write_u8(w, (rule->deny ? FLAG_DENY : 0) | (rule->same_owner ? FLAG_SAME_OWNER : 0));
	rn_write_u8(w, rule->minimum_trust);
	write_numbers(w, rule->source, rule->source_count);
	write_numbers(w, rule->destination, rule->destination_count);
	write_services(w, rule->services, rule->service_count);
}

static void write_policy(struct rn_writer *w, const void *in)
{
	const struct rn_policy_record *p = in;

	rn_write_u32(w, p->rule_count);
	for (uint32_t i = 0; i < p->rule_count && !w->failed; i++)
		write_rule(w, &p->rules[i]);
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

/*
 * Memory for count elements of which each takes wire_size bytes of what is left: a count that lies costs nothing. NULL
 * for none; running out of memory sets *no_memory and fails the reader.
 */
static void *elements(struct rn_reader *r, uint32_t count, uint32_t max, size_t wire_size, size_t size, bool *no_memory)
{
	void *memory;

	if (count > max || count > rn_reader_left(r) / wire_size)
		r->failed = true;
	if (r->failed || count == 0)
		return NULL;
	memory = calloc(count, size);
	if (!memory)
		r->failed = *no_memory = true;
	return memory;
}

static uint32_t *read_numbers(struct rn_reader *r, uint32_t *ret_count, bool *no_memory)
{
	uint32_t count = rn_read_u16(r);
	uint32_t *numbers = elements(r, count, RN_RULE_SELECTORS_MAX, 4, sizeof(*numbers), no_memory);

	for (uint32_t i = 0; numbers && i < count; i++)
		numbers[i] = rn_read_u32(r);
	*ret_count = numbers ? count : 0;
	return numbers;
}

static struct rn_service *read_services(struct rn_reader *r, uint32_t *ret_count, bool *no_memory)
{
	uint32_t count = rn_read_u16(r);
	struct rn_service *services = elements(r, count, RN_RULE_SERVICES_MAX, 5, sizeof(*services), no_memory);

	for (uint32_t i = 0; services && i < count; i++) {
		services[i].protocol = rn_read_u8(r);
		services[i].first = rn_read_u16(r);
		services[i].last = rn_read_u16(r);
	}
	*ret_count = services ? count : 0;
	return services;
}

static void read_rule(struct rn_reader *r, struct rn_policy_rule *rule, bool *no_memory)
{
	uint8_t flags;

	rn_read_text(r, rule->id, sizeof(rule->id));
	rule->number = rn_read_u32(r);
	flags = rn_read_u8(r);
	rule->deny = flags & FLAG_DENY;
	rule->same_owner = flags & FLAG_SAME_OWNER;
	rule->minimum_trust = rn_read_u8(r);
	rule->source = read_numbers(r, &rule->source_count, no_memory);
	rule->destination = read_numbers(r, &rule->destination_count, no_memory);
	rule->services = read_services(r, &rule->service_count, no_memory);
	if (flags & ~(FLAG_DENY | FLAG_SAME_OWNER))
		r->failed = true;
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
	uint32_t count = rn_read_u32(&r);
	struct rn_policy_record p = {0};

	p.rules = elements(&r, count, RN_RULES_MAX, RULE_SIZE_MIN, sizeof(*p.rules), &no_memory);
	p.rule_count = p.rules ? count : 0;
	for (uint32_t i = 0; i < p.rule_count && !r.failed; i++)
		read_rule(&r, &p.rules[i], &no_memory);
	read_needs(&r, &p, &no_memory);
	if (!rn_reader_done(&r) || !rn_policy_record_good(&p) || !needs_before(&p, rn_record_version(data))) {
		rn_policy_record_done(&p);
		return no_memory ? -ENOMEM : -EBADMSG;
	}
	*ret = p;
	return 0;
}

void rn_policy_record_done(struct rn_policy_record *p)
{
	for (uint32_t i = 0; i < p->rule_count; i++) {
		free(p->rules[i].source);
		free(p->rules[i].destination);
		free(p->rules[i].services);
	}
	free(p->rules);
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
