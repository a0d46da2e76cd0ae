/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_narrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int rn_policy_narrow(const struct rn_policy_record *policy, const struct rn_narrowed *to, struct rn_policy_record *ret)
{
	uint32_t kept = 0;

	*ret = (struct rn_policy_record){.schedule_count = policy->schedule_count};
	for (uint32_t i = 0; i < policy->rule_count; i++)
		kept += concerns(&policy->rules[i], to);
	ret->rules = calloc((size_t)kept + 1, sizeof(*ret->rules));
	ret->schedules = calloc((size_t)policy->schedule_count + 1, sizeof(*ret->schedules));
	if (!ret->rules || !ret->schedules) {
		rn_policy_narrow_done(ret);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *rule = &policy->rules[i];

		if (!concerns(rule, to))
			continue;
		ret->rules[ret->rule_count++] = *rule;
		if (rule->schedule)
			ret->schedules[rule->schedule - 1] = policy->schedules[rule->schedule - 1];
	}
	return 0;
}

void rn_policy_narrow_done(struct rn_policy_record *narrowed)
{
	free(narrowed->rules);
	free(narrowed->schedules);
	*narrowed = (struct rn_policy_record){0};
}
