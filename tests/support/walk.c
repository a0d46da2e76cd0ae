// SPDX-License-Identifier: Apache-2.0
#include "tests/support/walk.h"

#include <netinet/in.h>

static bool has(const struct walk_end *end, uint32_t selector)
{
	for (uint32_t i = 0; i < end->count; i++)
		if (end->selectors[i] == selector)
			return true;
	return false;
}

static bool shares(const struct walk_end *end, const struct rn_selector_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (has(end, set->numbers[i]))
			return true;
	return false;
}

static bool on_side(const struct walk_end *end, const struct rn_rule_side *side)
{
	return (side->any.count == 0 || shares(end, &side->any)) &&
	       (side->types.count == 0 || shares(end, &side->types)) && !shares(end, &side->none) &&
	       (side->also == 0 || has(end, side->also));
}

static bool serves(const struct rn_policy_rule *rule, uint8_t protocol, uint16_t port)
{
	for (uint32_t i = 0; i < rule->service_count; i++) {
		const struct rn_service *s = &rule->services[i];

		if (s->protocol == 0 ||
		    (s->protocol == protocol &&
		     (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 || (port >= s->first && port <= s->last))))
			return true;
	}
	return false;
}

/* Past its last window a rule fails closed. */
static bool open(const struct rn_policy_record *policy, const struct rn_policy_rule *rule, int64_t at)
{
	const struct rn_schedule *s = rule->schedule ? &policy->schedules[rule->schedule - 1] : NULL;

	if (at < rule->from || (rule->until && at >= rule->until))
		return false;
	for (uint32_t i = 0; s && i < s->count; i++)
		if (at < s->windows[i].until)
			return at >= s->windows[i].from;
	return !s || rule->deny;
}

struct rn_answer walk_rules(const struct rn_policy_record *policy, const struct walk_end *source,
			    const struct walk_end *destination, uint8_t protocol, uint16_t port, int64_t at)
{
	struct rn_answer a = {.reason = RN_DEFAULT_DENY, .until = INT64_MAX};

	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *r = &policy->rules[i];
		bool in_time,
		    trusted = source->trust >= r->minimum_trust && destination->trust >= r->minimum_destination_trust;

		if (!serves(r, protocol, port) || !on_side(source, &r->source) ||
		    !on_side(destination, &r->destination) ||
		    (r->same_owner && (!source->owner || source->owner != destination->owner)))
			continue;
		in_time = open(policy, r, at);
		if (in_time && trusted && r->observe) {
			a.observed = a.observed ? a.observed : r->number;
		} else if (in_time && trusted) {
			a.reason = r->deny ? RN_DENY_RULE : RN_ALLOWED;
			a.rule = r->number;
			a.log = r->log;
			return a;
		} else if (r->observe || r->deny) {
			continue;
		} else if ((in_time && a.reason != RN_TRUST_TOO_LOW) || a.reason == RN_DEFAULT_DENY) {
			a.reason = in_time ? RN_TRUST_TOO_LOW : RN_OUTSIDE_TIME;
			a.rule = r->number;
			a.log = r->log;
		}
	}
	return a;
}
