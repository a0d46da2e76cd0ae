// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_compile.h"

static int append(const struct rn_compile *c, struct rn_growing_set *set, const struct rn_selector_set *more)
{
	if (more->count == 0)
		return 0;
	if (more->count > set->room - set->count) {
		uint32_t room = 2 * (set->count + more->count);
		uint32_t *grown = reallocarray(set->numbers, room, sizeof(*grown));

		if (!grown)
			return rn_compile_no_memory(c);
		set->numbers = grown;
		set->room = room;
	}
	memcpy(set->numbers + set->count, more->numbers, more->count * sizeof(*set->numbers));
	set->count += more->count;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int tidy(const struct rn_compile *c, const struct rn_access_policy *rule, struct rn_growing_set *set)
{
	uint32_t kept = 0;

	if (set->count > 1)
		qsort(set->numbers, set->count, sizeof(uint32_t), by_number);
	for (uint32_t i = 0; i < set->count; i++)
		if (kept == 0 || set->numbers[kept - 1] != set->numbers[i])
			set->numbers[kept++] = set->numbers[i];
	set->count = kept;
	if (kept > RN_RULE_SELECTORS_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "rule %u (\"%s\") names more than %d users, tags and devices on one side; use a tag "
			       "for them",
			       rule->number, rule->id, RN_RULE_SELECTORS_MAX);
	return 0;
}

static int add_criterion(const struct rn_compile *c, const struct rn_criterion *criterion, struct rn_compiled_end *to)
{
	struct rn_selector_set set;

	if (criterion->type == RN_CRITERION_SAME_OWNER) {
		to->same_owner = true;
		return 0;
	}
	to->some |= !criterion->no;
	to->everyone |= criterion->type == RN_CRITERION_EVERYONE;
	if (rn_policy_selectors_of(c->selectors, criterion, &set) < 0)
		return rn_compile_no_memory(c);
	return append(c, criterion->no ? &to->none : &to->any, &set);
}

static int add_conditions(const struct rn_compile *c, const struct rn_policy_end *end, struct rn_compiled_end *to)
{
	for (uint32_t kind = 0; kind < 32; kind++) {
		uint32_t number;

		if (!(end->types & (1u << kind)))
			continue;
		number = rn_policy_selector(c->selectors, "type:", rn_kind_name((enum rn_kind)kind));
		if (!number || append(c, &to->types, &(struct rn_selector_set){&number, 1}) < 0)
			return rn_compile_no_memory(c);
	}
	if (end->managed == RN_MANAGED_EITHER)
		return 0;
	to->also = rn_policy_selector(c->selectors, end->managed == RN_MANAGED_YES ? "managed" : "unmanaged", "");
	return to->also ? 0 : rn_compile_no_memory(c);
}

static void begin(struct rn_compiled_end *end)
{
	end->any.count = end->types.count = end->none.count = 0;
	end->also = 0;
	end->some = end->everyone = end->same_owner = false;
}

int rn_compile_end(const struct rn_compile *c, const struct rn_access_policy *rule, const struct rn_policy_end *end,
		   struct rn_compiled_end *ret)
{
	int code = 0;

	begin(ret);
	for (uint32_t i = 0; i < end->count && code == 0; i++) {
		code = add_criterion(c, &end->criteria[i], ret);
		/* Groups share users: weigh the set before it grows without bound. */
		if (ret->any.count > 4 * RN_RULE_SELECTORS_MAX && code == 0)
			code = tidy(c, rule, &ret->any);
		if (ret->none.count > 4 * RN_RULE_SELECTORS_MAX && code == 0)
			code = tidy(c, rule, &ret->none);
	}
	if (code == 0)
		code = add_conditions(c, end, ret);
	if (code == 0)
		code = tidy(c, rule, &ret->any);
	if (code == 0)
		code = tidy(c, rule, &ret->types);
	return code < 0 ? code : tidy(c, rule, &ret->none);
}

void rn_compiled_end_done(struct rn_compiled_end *end)
{
	free(end->any.numbers);
	free(end->types.numbers);
	free(end->none.numbers);
}
