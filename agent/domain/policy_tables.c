// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_tables.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* At port `at` rule `rule` begins to name the port, or ends to. */
struct edge {
	uint32_t at; /* 0..65536 */
	uint16_t rule;
	bool begins;
};

/* Finds the class of a set of rules; open addressing, class 0 means free. */
#define SLOTS (4u * RN_SERVICES_MAX)
struct build {
	struct rn_policy_tables *tables;
	struct rn_err *err;
	uint16_t slot[SLOTS];
	uint16_t open[RN_RULES_MAX]; /* ranges of a rule that cover the present port */
	struct rn_rule_set now;	     /* rules whose `open` is not 0 */
};

static void set_bit(struct rn_rule_set *set, uint32_t rule)
{
	set->word[rule / 64] |= 1ull << rule % 64;
}

static void clear_bit(struct rn_rule_set *set, uint32_t rule)
{
	set->word[rule / 64] &= ~(1ull << rule % 64);
}

static uint32_t hash(const struct rn_rule_set *set)
{
	uint64_t h = 0x9e3779b97f4a7c15ull;

	for (unsigned i = 0; i < RN_RULE_WORDS; i++) {
		h = (h ^ set->word[i]) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return (uint32_t)h % SLOTS;
}

static int class_of(struct build *b, const struct rn_rule_set *set, uint16_t *ret)
{
	struct rn_policy_tables *t = b->tables;
	uint32_t i = hash(set);

	if (memcmp(set, &t->services[0], sizeof(*set)) == 0) {
		*ret = 0;
		return 0;
	}
	for (; b->slot[i]; i = (i + 1) % SLOTS) {
		if (memcmp(set, &t->services[b->slot[i]], sizeof(*set)) == 0) {
			*ret = b->slot[i];
			return 0;
		}
	}
	if (t->service_classes == RN_SERVICES_MAX)
		return rn_fail(b->err, -EMSGSIZE,
			       "the rules' port ranges overlap in more than %u ways; use fewer different ranges",
			       RN_SERVICES_MAX - 1);
	*ret = b->slot[i] = (uint16_t)t->service_classes++;
	t->services[*ret] = *set;
	return 0;
}

static int by_port(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool names(const struct rn_service *s, uint8_t protocol)
{
	return s->protocol == protocol || s->protocol == 0;
}

static size_t collect(const struct rn_policy_record *policy, uint8_t protocol, struct edge *edges)
{
	size_t count = 0;

	for (uint32_t r = 0; r < policy->rule_count; r++) {
		for (uint32_t i = 0; i < policy->rules[r].service_count; i++) {
			const struct rn_service *s = &policy->rules[r].services[i];

			if (!names(s, protocol))
				continue;
			edges[count++] = (struct edge){s->first, (uint16_t)r, true};
			edges[count++] = (struct edge){s->last + 1u, (uint16_t)r, false};
		}
	}
	qsort(edges, count, sizeof(*edges), by_port);
	return count;
}

static void pass_edge(struct build *b, const struct edge *e)
{
	b->open[e->rule] += e->begins ? 1 : -1;
	if (b->open[e->rule])
		set_bit(&b->now, e->rule);
	else
		clear_bit(&b->now, e->rule);
}

static void fill(struct rn_ports *blocks, uint32_t from, uint32_t to, uint16_t class)
{
	for (uint32_t port = from; port < to; port++)
		blocks[port / RN_PORTS_PER_BLOCK].class[port % RN_PORTS_PER_BLOCK] = class;
}

/*
 * Walks over the ports once: between two edges the set of rules is the same. Edges of one port may come in any order,
 * as the counts are looked at only between ports (they may pass 0 and wrap meanwhile).
 */
static int build_ports(struct build *b, const struct rn_policy_record *policy, uint8_t protocol, struct edge *edges,
		       struct rn_ports *blocks)
{
	size_t count = collect(policy, protocol, edges), i = 0;

	while (i < count) {
		uint32_t at = edges[i].at, next;
		uint16_t class;

		for (; i < count && edges[i].at == at; i++)
			pass_edge(b, &edges[i]);
		next = i < count ? edges[i].at : 65536;
		if (at == 65536)
			break;
		if (class_of(b, &b->now, &class) < 0)
			return -EMSGSIZE;
		fill(blocks, at, next, class);
	}
	return 0;
}

static int build_icmp(struct build *b, const struct rn_policy_record *policy)
{
	struct rn_rule_set set = {0};

	for (uint32_t r = 0; r < policy->rule_count; r++)
		for (uint32_t i = 0; i < policy->rules[r].service_count; i++)
			if (names(&policy->rules[r].services[i], IPPROTO_ICMP))
				set_bit(&set, r);
	return class_of(b, &set, &b->tables->policy.icmp_class);
}

static int build_services(const struct rn_policy_record *policy, struct rn_policy_tables *tables, struct rn_err *err)
{
	struct build *b = calloc(1, sizeof(*b));
	struct edge *edges;
	size_t services = 0;
	int code = -ENOMEM;

	for (uint32_t r = 0; r < policy->rule_count; r++)
		services += policy->rules[r].service_count;
	edges = calloc(2 * services + 1, sizeof(*edges));
	if (!b || !edges) {
		rn_fail(err, code, "out of memory");
		goto out;
	}
	b->tables = tables;
	b->err = err;
	code = build_ports(b, policy, IPPROTO_TCP, edges, tables->ports);
	if (code == 0)
		code = build_ports(b, policy, IPPROTO_UDP, edges, tables->ports + RN_PORT_BLOCKS);
	if (code == 0)
		code = build_icmp(b, policy);
out:
	free(edges);
	free(b);
	return code;
}

static void build_rule(const struct rn_policy_rule *rule, uint32_t n, struct rn_policy_tables *tables)
{
	tables->rules[n] = (struct rn_rule){.number = rule->number, .deny = rule->deny};
	if (!rule->same_owner)
		set_bit(&tables->policy.different_owner, n);
	for (unsigned trust = rule->minimum_trust; trust <= RN_TRUST_MAX; trust++)
		set_bit(&tables->trust[trust], n);
}

static bool one_family(const struct rn_policy_rule *r)
{
	bool v4 = false, v6 = false;

	for (uint32_t i = 0; i < r->service_count; i++) {
		v4 |= r->services[i].protocol == IPPROTO_ICMP || r->services[i].protocol == 0;
		v6 |= r->services[i].protocol == IPPROTO_ICMPV6 || r->services[i].protocol == 0;
	}
	return v4 != v6;
}

static bool asks_too_much(const struct rn_policy_record *policy)
{
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *r = &policy->rules[i];

		if (r->minimum_destination_trust || r->schedule || r->from || r->until || r->observe || one_family(r))
			return true;
	}
	return false;
}

int rn_policy_tables_build(const struct rn_policy_record *policy, uint64_t version, struct rn_policy_tables *ret,
			   struct rn_err *err)
{
	if (policy->rule_count > RN_RULES_MAX)
		return rn_fail(err, -EMSGSIZE, "the policy has %u compiled rules, but %u fit", policy->rule_count,
			       RN_RULES_MAX);
	memset(ret, 0, offsetof(struct rn_policy_tables, services[1])); /* the other classes are written as they come */
	memset(ret->ports, 0, sizeof(ret->ports));
	ret->service_classes = 1;
	ret->policy.version = version;
	ret->policy.rules = policy->rule_count;
	for (uint32_t n = 0; n < policy->rule_count; n++)
		build_rule(&policy->rules[n], n, ret);
	if (asks_too_much(policy))
		return rn_fail(err, -EOPNOTSUPP, "this datapath knows no times, no trust of the destination, no rules that "
						 "are observed or logged, and no echo of one family alone");
	return build_services(policy, ret, err);
}

/* Both ascending. */
static bool share_one(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
	uint32_t i = 0, j = 0;

	while (i < a_count && j < b_count) {
		if (a[i] == b[j])
			return true;
		if (a[i] < b[j])
			i++;
		else
			j++;
	}
	return false;
}

static bool on_side(const struct rn_rule_side *side, const uint32_t *selectors, uint32_t count)
{
	const struct rn_selector_set *any = &side->any, *types = &side->types, *none = &side->none;

	if (any->count && !share_one(selectors, count, any->numbers, any->count))
		return false;
	if (types->count && !share_one(selectors, count, types->numbers, types->count))
		return false;
	if (side->also && !share_one(selectors, count, &side->also, 1))
		return false;
	return !share_one(selectors, count, none->numbers, none->count);
}

void rn_policy_tables_identity(const struct rn_policy_record *policy, const uint32_t *selectors, uint32_t count,
			       struct rn_identity *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t n = 0; n < policy->rule_count && n < RN_RULES_MAX; n++) {
		const struct rn_policy_rule *r = &policy->rules[n];

		if (on_side(&r->source, selectors, count))
			ret->source[n / 64] |= 1ull << n % 64;
		if (on_side(&r->destination, selectors, count))
			ret->destination[n / 64] |= 1ull << n % 64;
	}
}

static bool takes(const struct rn_policy_rule *r, const struct rn_device_record *from,
		  const struct rn_device_record *to)
{
	return on_side(&r->source, from->selectors, from->selector_count) &&
	       on_side(&r->destination, to->selectors, to->selector_count);
}

bool rn_policy_meets(const struct rn_policy_record *policy, const struct rn_device_record *a,
		     const struct rn_device_record *b)
{
	for (uint32_t n = 0; n < policy->rule_count; n++) {
		const struct rn_policy_rule *r = &policy->rules[n];

		if (!r->deny && (!r->same_owner || (a->owner && a->owner == b->owner)) &&
		    (takes(r, a, b) || takes(r, b, a)))
			return true;
	}
	return false;
}
