/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_tables.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/*
 * The rules ordered by source side, destination side and precedence: those of one pair are neighbours, and so are the
 * pairs of one source. A word each, so that ordering is cheap.
 */
#define PLACE_BITS 20
#define PLACE_MASK ((1u << PLACE_BITS) - 1)
_Static_assert(RN_RULES_MAX <= PLACE_MASK && RN_SIDES_MAX <= PLACE_MASK, "they fit in a word");

struct build {
	const struct rn_policy_record *policy;
	struct rn_policy_arrays *out;
	struct rn_err *err;
	uint64_t *order;	  /* one a rule */
	struct rn_side_pair *row; /* pairs of the present source, one after the other */
};

static uint32_t source_of(uint64_t word)
{
	return (uint32_t)(word >> 2 * PLACE_BITS);
}

static uint32_t destination_of(uint64_t word)
{
	return (uint32_t)(word >> PLACE_BITS) & PLACE_MASK;
}

static int by_word(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int no_memory(struct rn_err *err)
{
	return rn_fail(err, -ENOMEM, "out of memory");
}

/* ---- services ---- */

static uint8_t protocols_of(uint8_t protocol)
{
	switch (protocol) {
	case 0:
		return RN_TCP | RN_UDP | RN_ECHO4 | RN_ECHO6;
	case IPPROTO_TCP:
		return RN_TCP;
	case IPPROTO_UDP:
		return RN_UDP;
	case IPPROTO_ICMP:
		return RN_ECHO4;
	default:
		return RN_ECHO6;
	}
}

static int by_first(const void *a, const void *b)
{
	const struct rn_candidate *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

/* What has the same range becomes one, and ranges of the same protocols that touch. */
static uint32_t join(struct rn_candidate *c, uint32_t count)
{
	uint32_t kept = 0;

	qsort(c, count, sizeof(*c), by_first);
	for (uint32_t i = 0; i < count; i++) {
		struct rn_candidate *last = kept ? &c[kept - 1] : NULL;

		if (last && last->first == c[i].first && last->last == c[i].last)
			last->protocols |= c[i].protocols;
		else if (last && last->protocols == c[i].protocols && c[i].first <= last->last + 1u)
			last->last = c[i].last > last->last ? c[i].last : last->last;
		else
			c[kept++] = c[i];
	}
	return kept;
}

static uint8_t flags_of(const struct rn_policy_rule *r)
{
	return (r->deny ? RN_RULE_DENY : 0) | (r->same_owner ? RN_RULE_SAME_OWNER : 0) |
	       (r->schedule || r->from || r->until ? RN_RULE_TIMED : 0) | (r->observe ? RN_RULE_OBSERVE : 0) |
	       (r->log ? RN_RULE_LOG : 0);
}

/* Appends the candidates of a rule. */
static int add_candidates(struct build *b, uint32_t rule)
{
	const struct rn_policy_rule *r = &b->policy->rules[rule];
	struct rn_candidate *to = &b->out->candidates[b->out->candidate_count];

	if (b->out->candidate_count + r->service_count > RN_CANDIDATES_MAX)
		return rn_fail(b->err, -EMSGSIZE,
			       "the rules name more than %u ranges of ports in all; name fewer in each rule",
			       RN_CANDIDATES_MAX);
	for (uint32_t i = 0; i < r->service_count; i++)
		to[i] = (struct rn_candidate){
		    .rule = rule,
		    .first = r->services[i].first,
		    .last = r->services[i].last,
		    .protocols = protocols_of(r->services[i].protocol),
		    .flags = flags_of(r),
		    .minimum_trust = r->minimum_trust,
		    .minimum_destination_trust = r->minimum_destination_trust,
		};
	b->out->candidate_count += join(to, r->service_count);
	return 0;
}

/* ---- sets of sides ---- */

/* Where the side is to be put in a set of `places`: its place, or UINT32_MAX where all that it can be in are taken. */
static uint32_t free_place(uint32_t side, uint32_t places, const void *set, size_t size)
{
	uint32_t at = rn_side_place(side, places);

	for (uint32_t i = 0; i < RN_PROBES && i < places; i++) {
		uint32_t place = (at + i) & (places - 1), there;

		memcpy(&there, (const char *)set + place * size, sizeof(there)); /* its first member says whose it is */
		if (!there)
			return place;
	}
	return UINT32_MAX;
}

static uint32_t power_of_two(uint32_t count)
{
	uint32_t places = 1;

	while (places < count)
		places *= 2;
	return places;
}

static bool place_row(struct rn_side_pair *set, uint32_t places, const struct rn_side_pair *row, uint32_t count)
{
	memset(set, 0, places * sizeof(*set));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = free_place(row[i].destination, places, set, sizeof(*set));

		if (place == UINT32_MAX)
			return false;
		set[place] = row[i];
	}
	return true;
}

/* The pairs of a source, as a set behind those of the sources before it. */
static int add_row(struct build *b, uint32_t source, uint32_t count)
{
	struct rn_policy_arrays *out = b->out;
	struct rn_side *side = &out->sides[source];

	side->pairs = out->pair_count;
	for (side->places = power_of_two(count);; side->places *= 2) {
		if (side->places > RN_PAIRS_MAX - out->pair_count)
			return rn_fail(b->err, -EMSGSIZE,
				       "the rules are about more pairs of a source and a destination than %u places "
				       "hold; join some rules",
				       RN_PAIRS_MAX);
		if (place_row(&out->pairs[side->pairs], side->places, b->row, count))
			break;
	}
	for (uint32_t i = 0; i < count; i++)
		side->mask |= 1ull << rn_side_bit(b->row[i].destination);
	out->pair_count += side->places;
	return 0;
}

/* The rules of one pair, from *at on. */
static int add_pair(struct build *b, uint32_t *at, struct rn_side_pair *ret)
{
	const uint64_t pair = b->order[*at] >> PLACE_BITS;

	*ret =
	    (struct rn_side_pair){.destination = destination_of(b->order[*at]), .candidates = b->out->candidate_count};
	for (; *at < b->policy->rule_count && b->order[*at] >> PLACE_BITS == pair; ++*at) {
		int code = add_candidates(b, (uint32_t)b->order[*at] & PLACE_MASK);

		if (code < 0)
			return code;
	}
	ret->count = b->out->candidate_count - ret->candidates;
	if (ret->count > RN_ALIKE_MAX)
		return rn_fail(b->err, -EMSGSIZE,
			       "more than %u rules or ranges of ports are about the same sources and destinations (as "
			       "rule \"%s\" is): join some",
			       RN_ALIKE_MAX, b->policy->rules[(uint32_t)b->order[*at - 1] & PLACE_MASK].id);
	return 0;
}

static int add_pairs(struct build *b)
{
	for (uint32_t at = 0; at < b->policy->rule_count;) {
		uint32_t source = source_of(b->order[at]), count = 0;
		int code = 0;

		while (code == 0 && at < b->policy->rule_count && source_of(b->order[at]) == source)
			code = add_pair(b, &at, &b->row[count++]);
		if (code == 0)
			code = add_row(b, source, count);
		if (code < 0)
			return code;
	}
	return 0;
}

static void add_rules(struct build *b)
{
	for (uint32_t i = 0; i < b->policy->rule_count; i++) {
		const struct rn_policy_rule *r = &b->policy->rules[i];

		b->out->rules[i] =
		    (struct rn_rule){.number = r->number, .schedule = r->schedule, .from = r->from, .until = r->until};
	}
}

static void add_openings(struct build *b)
{
	for (uint32_t i = 0; i < b->policy->schedule_count; i++) {
		const struct rn_schedule *s = &b->policy->schedules[i];

		b->out->policy.schedules[i].openings = b->out->opening_count;
		b->out->policy.schedules[i].count = s->count;
		for (uint32_t k = 0; k < s->count; k++)
			b->out->openings[b->out->opening_count++] =
			    (struct rn_opening){s->windows[k].from, s->windows[k].until};
	}
}

/* Room for what there can be; what is not used is not touched. */
static bool make_room(struct build *b)
{
	size_t rules = (size_t)b->policy->rule_count + 1;

	b->order = calloc(rules, sizeof(*b->order));
	b->row = calloc(rules, sizeof(*b->row));
	b->out->rules = calloc(rules, sizeof(*b->out->rules));
	b->out->sides = calloc(b->out->side_count, sizeof(*b->out->sides));
	b->out->pairs = calloc(RN_PAIRS_MAX, sizeof(*b->out->pairs));
	b->out->candidates = calloc(RN_CANDIDATES_MAX, sizeof(*b->out->candidates));
	b->out->openings = calloc(RN_OPENINGS_MAX, sizeof(*b->out->openings));
	return b->order && b->row && b->out->rules && b->out->sides && b->out->pairs && b->out->candidates &&
	       b->out->openings;
}

static int build(struct build *b, const struct rn_policy_sides *sides)
{
	if (!make_room(b))
		return no_memory(b->err);
	for (uint32_t i = 0; i < b->policy->rule_count; i++)
		b->order[i] = (uint64_t)rn_policy_side_of(sides, RN_SOURCE, i) << 2 * PLACE_BITS |
			      (uint64_t)rn_policy_side_of(sides, RN_DESTINATION, i) << PLACE_BITS | i;
	qsort(b->order, b->policy->rule_count, sizeof(*b->order), by_word);
	add_rules(b);
	add_openings(b);
	return add_pairs(b);
}

int rn_policy_tables_build(const struct rn_policy_record *policy, const struct rn_policy_sides *sides, uint64_t version,
			   struct rn_policy_arrays *ret, struct rn_err *err)
{
	struct rn_policy_arrays out = {
	    .policy = {.version = version, .rules = policy->rule_count},
	    .side_count = rn_policy_sides_count(sides, RN_SOURCE) + 1,
	};
	struct build b = {.policy = policy, .out = &out, .err = err};
	int code;

	if (policy->rule_count >= RN_RULES_MAX)
		return rn_fail(err, -EMSGSIZE, "the policy has %u rules after compilation, but %u fit; join some",
			       policy->rule_count, RN_RULES_MAX - 1);
	code = build(&b, sides);
	free(b.order);
	free(b.row);
	if (code < 0)
		rn_policy_tables_done(&out);
	else
		*ret = out;
	return code;
}

void rn_policy_tables_done(struct rn_policy_arrays *a)
{
	free(a->rules);
	free(a->sides);
	free(a->pairs);
	free(a->candidates);
	free(a->openings);
	*a = (struct rn_policy_arrays){0};
}

/* ---- identities ---- */

bool rn_policy_place_sides(uint32_t *set, uint32_t places, const uint32_t *sides, uint32_t count)
{
	memset(set, 0, places * sizeof(*set));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = free_place(sides[i], places, set, sizeof(*set));

		if (place == UINT32_MAX)
			return false;
		set[place] = sides[i];
	}
	return true;
}

/* The set in memory of its own, *places of it. NULL: out of memory, or (*places 0) more than the lists hold. */
static uint32_t *make_set(const uint32_t *sides, uint32_t count, uint32_t *places)
{
	for (*places = power_of_two(count); *places <= RN_LISTS_MAX * RN_LIST_SIDES / 2; *places *= 2) {
		uint32_t *set = malloc(*places * sizeof(*set));

		if (!set || rn_policy_place_sides(set, *places, sides, count))
			return set;
		free(set);
	}
	*places = 0;
	return NULL;
}

int rn_policy_tables_identity(struct rn_policy_sides *sides, const uint32_t *selectors, uint32_t count,
			      struct rn_identity_lists *ret)
{
	const uint32_t *from, *to;
	uint32_t from_count = rn_policy_sides_on(sides, RN_SOURCE, selectors, count, &from);
	uint32_t to_count = rn_policy_sides_on(sides, RN_DESTINATION, selectors, count, &to);
	uint32_t places = 0, *set;

	*ret = (struct rn_identity_lists){0};
	if (!from_count && !to_count)
		return 0;
	set = to_count ? make_set(to, to_count, &places) : NULL;
	ret->at = (struct rn_identity){.source_count = from_count, .places = places};
	if (to_count && !set)
		return places ? -ENOMEM : -ENOSPC;
	ret->at.destinations = from_count;
	ret->count = from_count + places;
	ret->sides = malloc(ret->count * sizeof(*ret->sides));
	if (!ret->sides) {
		free(set);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < to_count; i++)
		ret->at.mask |= 1ull << rn_side_bit(to[i]);
	if (from_count)
		memcpy(ret->sides, from, from_count * sizeof(*from));
	if (set)
		memcpy(ret->sides + from_count, set, places * sizeof(*set));
	free(set);
	return 0;
}
