/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_sides.h"

#include <stdlib.h>
#include <string.h>

/*
 * A set is on a side only where it has one of the selectors that the side is found by: its `any`, or where that is
 * empty its types, or `also`. So few sides are looked at for one set. Those that have none of the three are looked at
 * for every set.
 */
struct found_by {
	uint32_t selector;
	uint32_t side;
};

struct sides {
	const struct rn_rule_side **side; /* by number; 0: none */
	uint32_t *of_rule;
	uint32_t count;
	struct found_by *found_by; /* ascending */
	size_t found_by_count;
	uint32_t *always;
	uint32_t always_count;
	uint32_t *seen; /* by number: the last round in which it was looked at */
	uint32_t *on;	/* the answer */
	uint32_t round;
};

struct rn_policy_sides {
	struct sides of[RN_ENDS];
};

/* Both ascending. */
static bool share_one(const struct rn_selector_set *set, const uint32_t *selectors, uint32_t count)
{
	uint32_t i = 0, j = 0;

	while (i < set->count && j < count) {
		if (set->numbers[i] == selectors[j])
			return true;
		if (set->numbers[i] < selectors[j])
			i++;
		else
			j++;
	}
	return false;
}

bool rn_rule_side_has(const struct rn_rule_side *side, const uint32_t *selectors, uint32_t count)
{
	uint32_t number = side->also;
	const struct rn_selector_set also = {&number, 1};

	if (side->any.count && !share_one(&side->any, selectors, count))
		return false;
	if (side->types.count && !share_one(&side->types, selectors, count))
		return false;
	if (side->also && !share_one(&also, selectors, count))
		return false;
	return !share_one(&side->none, selectors, count);
}

static uint32_t hash_set(uint32_t hash, const struct rn_selector_set *set)
{
	hash = (hash ^ set->count) * 16777619u;
	for (uint32_t i = 0; i < set->count; i++)
		hash = (hash ^ set->numbers[i]) * 16777619u;
	return hash;
}

static uint32_t hash_of(const struct rn_rule_side *side)
{
	uint32_t hash = hash_set(hash_set(hash_set(2166136261u, &side->any), &side->types), &side->none);

	hash = (hash ^ side->also) * 0x85ebca6bu;
	return hash ^ hash >> 15;
}

static bool same_set(const struct rn_selector_set *a, const struct rn_selector_set *b)
{
	return a->count == b->count &&
	       (!a->count || memcmp(a->numbers, b->numbers, a->count * sizeof(*a->numbers)) == 0);
}

static bool same_side(const struct rn_rule_side *a, const struct rn_rule_side *b)
{
	return a->also == b->also && same_set(&a->any, &b->any) && same_set(&a->types, &b->types) &&
	       same_set(&a->none, &b->none);
}

/* Numbers the sides; `table` has room for `mask` + 1, more than there are rules. */
static void number_sides(struct sides *s, const struct rn_policy_record *policy, enum rn_end end, uint32_t *table,
			 uint32_t mask)
{
	for (uint32_t r = 0; r < policy->rule_count; r++) {
		const struct rn_policy_rule *rule = &policy->rules[r];
		const struct rn_rule_side *side = end == RN_SOURCE ? &rule->source : &rule->destination;
		uint32_t at = hash_of(side) & mask;

		while (table[at] && !same_side(s->side[table[at]], side))
			at = (at + 1) & mask;
		if (!table[at]) {
			table[at] = ++s->count;
			s->side[s->count] = side;
		}
		s->of_rule[r] = table[at];
	}
}

static struct rn_selector_set found_by(const struct rn_rule_side *side, uint32_t *also)
{
	if (side->any.count)
		return side->any;
	if (side->types.count)
		return side->types;
	*also = side->also;
	return (struct rn_selector_set){also, side->also ? 1 : 0};
}

static int by_selector(const void *a, const void *b)
{
	const struct found_by *x = a, *y = b;

	if (x->selector != y->selector)
		return x->selector < y->selector ? -1 : 1;
	return x->side < y->side ? -1 : x->side > y->side;
}

static bool index_sides(struct sides *s)
{
	size_t total = 0;
	uint32_t also;

	for (uint32_t n = 1; n <= s->count; n++)
		total += found_by(s->side[n], &also).count;
	s->found_by = calloc(total + 1, sizeof(*s->found_by));
	if (!s->found_by)
		return false;
	for (uint32_t n = 1; n <= s->count; n++) {
		const struct rn_selector_set set = found_by(s->side[n], &also);

		if (!set.count)
			s->always[s->always_count++] = n;
		for (uint32_t i = 0; i < set.count; i++)
			s->found_by[s->found_by_count++] = (struct found_by){set.numbers[i], n};
	}
	qsort(s->found_by, s->found_by_count, sizeof(*s->found_by), by_selector);
	return true;
}

static bool make_sides(struct sides *s, const struct rn_policy_record *policy, enum rn_end end)
{
	size_t room = (size_t)policy->rule_count + 1;
	uint32_t mask = 1, *table;

	while (mask < 2 * room)
		mask *= 2;
	mask--;
	table = calloc((size_t)mask + 1, sizeof(*table));
	s->side = calloc(room, sizeof(*s->side));
	s->of_rule = calloc(room, sizeof(*s->of_rule));
	if (!table || !s->side || !s->of_rule) {
		free(table);
		return false;
	}
	number_sides(s, policy, end, table, mask);
	free(table);
	room = (size_t)s->count + 1;
	s->always = calloc(room, sizeof(*s->always));
	s->seen = calloc(room, sizeof(*s->seen));
	s->on = calloc(room, sizeof(*s->on));
	return s->always && s->seen && s->on && index_sides(s);
}

struct rn_policy_sides *rn_policy_sides_new(const struct rn_policy_record *policy)
{
	struct rn_policy_sides *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (make_sides(&s->of[RN_SOURCE], policy, RN_SOURCE) &&
	    make_sides(&s->of[RN_DESTINATION], policy, RN_DESTINATION))
		return s;
	rn_policy_sides_free(s);
	return NULL;
}

void rn_policy_sides_free(struct rn_policy_sides *s)
{
	for (int end = 0; s && end < RN_ENDS; end++) {
		free(s->of[end].side);
		free(s->of[end].of_rule);
		free(s->of[end].found_by);
		free(s->of[end].always);
		free(s->of[end].seen);
		free(s->of[end].on);
	}
	free(s);
}

uint32_t rn_policy_sides_count(const struct rn_policy_sides *s, enum rn_end end)
{
	return s->of[end].count;
}

uint32_t rn_policy_side_of(const struct rn_policy_sides *s, enum rn_end end, uint32_t rule)
{
	return s->of[end].of_rule[rule];
}

/* The first that is found by the selector, or where it would be. */
static size_t first_of(const struct sides *s, uint32_t selector)
{
	size_t low = 0, high = s->found_by_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->found_by[middle].selector < selector)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t rn_policy_sides_on(struct rn_policy_sides *all, enum rn_end end, const uint32_t *selectors, uint32_t count,
			    const uint32_t **ret)
{
	struct sides *s = &all->of[end];
	uint32_t on = 0;

	if (++s->round == 0) {
		memset(s->seen, 0, ((size_t)s->count + 1) * sizeof(*s->seen));
		s->round = 1;
	}
	for (uint32_t i = 0; i < s->always_count; i++)
		if (rn_rule_side_has(s->side[s->always[i]], selectors, count))
			s->on[on++] = s->always[i];
	for (uint32_t i = 0; i < count; i++) {
		for (size_t at = first_of(s, selectors[i]);
		     at < s->found_by_count && s->found_by[at].selector == selectors[i]; at++) {
			uint32_t n = s->found_by[at].side;

			if (s->seen[n] == s->round)
				continue;
			s->seen[n] = s->round;
			if (rn_rule_side_has(s->side[n], selectors, count))
				s->on[on++] = n;
		}
	}
	*ret = s->on;
	return on;
}
