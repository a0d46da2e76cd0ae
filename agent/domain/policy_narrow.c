/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_narrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "domain/policy_sides.h"

bool rn_narrowed_has(const struct rn_narrowed *to, const uint32_t *selectors, uint32_t count)
{
	for (uint32_t i = 0; i < to->sets; i++)
		if (to->set[i].count == count &&
		    (!count || memcmp(to->set[i].selectors, selectors, count * sizeof(*selectors)) == 0))
			return true;
	return to->whole;
}

void rn_narrowed_add(struct rn_narrowed *to, const uint32_t *selectors, uint32_t count)
{
	if (to->sets == RN_NARROWED_SETS || rn_narrowed_has(to, selectors, count))
		return;
	to->set[to->sets].count = count;
	if (count)
		memcpy(to->set[to->sets].selectors, selectors, count * sizeof(*selectors));
	to->sets++;
}

static bool concerns(const struct rn_policy_rule *rule, const struct rn_narrowed *to)
{
	for (uint32_t i = 0; i < to->sets; i++)
		if (rn_rule_side_has(&rule->source, to->set[i].selectors, to->set[i].count) ||
		    rn_rule_side_has(&rule->destination, to->set[i].selectors, to->set[i].count))
			return true;
	return to->whole;
}

/* In place of what *of points to; false: out of memory. */
static bool copy(struct rn_arena **arena, void *of, size_t size)
{
	void **from = of, *to = rn_arena_take(arena, size);

	if (to && size)
		memcpy(to, *from, size);
	*from = to;
	return to;
}

static bool copy_side(struct rn_arena **arena, struct rn_rule_side *side)
{
	struct rn_selector_set *sets[] = {&side->any, &side->types, &side->none};

	for (unsigned i = 0; i < 3; i++)
		if (!copy(arena, &sets[i]->numbers, sets[i]->count * sizeof(*sets[i]->numbers)))
			return false;
	return true;
}

static bool add_rule(struct rn_policy_record *to, const struct rn_policy_rule *rule)
{
	struct rn_policy_rule *r = &to->rules[to->rule_count++];

	*r = *rule;
	return copy_side(&to->sets, &r->source) && copy_side(&to->sets, &r->destination) &&
	       copy(&to->sets, &r->services, r->service_count * sizeof(*r->services));
}

static bool add_schedule(struct rn_schedule *to, const struct rn_schedule *from)
{
	if (to->windows || !from->count)
		return true;
	to->windows = calloc(from->count, sizeof(*to->windows));
	if (!to->windows)
		return false;
	memcpy(to->windows, from->windows, from->count * sizeof(*to->windows));
	to->count = from->count;
	return true;
}

static int out_of_memory(struct rn_policy_record *ret)
{
	rn_policy_record_done(ret);
	return -ENOMEM;
}

int rn_policy_narrow(const struct rn_policy_record *policy, const struct rn_narrowed *to, struct rn_policy_record *ret)
{
	uint32_t kept = 0;

	*ret = (struct rn_policy_record){.schedule_count = policy->schedule_count};
	for (uint32_t i = 0; i < policy->rule_count; i++)
		kept += concerns(&policy->rules[i], to);
	ret->rules = calloc((size_t)kept + 1, sizeof(*ret->rules));
	ret->schedules = calloc((size_t)policy->schedule_count + 1, sizeof(*ret->schedules));
	if (!ret->rules || !ret->schedules || !rn_arena_take(&ret->sets, 0))
		return out_of_memory(ret);
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *rule = &policy->rules[i];

		if (!concerns(rule, to))
			continue;
		if (!add_rule(ret, rule) || (rule->schedule && !add_schedule(&ret->schedules[rule->schedule - 1],
									     &policy->schedules[rule->schedule - 1])))
			return out_of_memory(ret);
	}
	return 0;
}
