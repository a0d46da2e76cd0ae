// SPDX-License-Identifier: Apache-2.0
/*
 * The reference evaluator: what docs/policy.md says, as a walk over the lists. It is slow and plain on purpose, and
 * knows nothing of selectors, bit sets or tables, because it is what those are held against.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "domain/policy_hours.h"

/* ---- who ---- */

static bool is_text(const char *have, const char *wanted)
{
	return have && have[0] != '\0' && strcmp(have, wanted) == 0;
}

static bool in_group(const struct rn_group *group, const char *user)
{
	uint32_t low = 0, high = group->user_count;

	while (user && user[0] != '\0' && low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(user, group->users[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool has_tag(const struct rn_party *p, const char *tag)
{
	for (uint32_t i = 0; i < p->tag_count; i++)
		if (strcmp(p->tags[i], tag) == 0)
			return true;
	return false;
}

static bool has_address(const struct rn_party *p, const struct rn_prefix *prefix)
{
	return (!rn_addr_is_zero(&p->ipv6) && rn_prefix_contains(prefix, &p->ipv6)) ||
	       (!rn_addr_is_zero(&p->ipv4) && rn_prefix_contains(prefix, &p->ipv4));
}

/* As it is written without !. */
static bool is(const struct rn_policy_model *model, const struct rn_criterion *c, const struct rn_party *p,
	       const struct rn_party *other)
{
	switch (c->type) {
	case RN_CRITERION_EVERYONE:
		return true;
	case RN_CRITERION_USER:
		return is_text(p->owner, c->name);
	case RN_CRITERION_GROUP:
		return in_group(&model->groups[c->group], p->owner);
	case RN_CRITERION_TAG:
		return has_tag(p, c->name);
	case RN_CRITERION_DEVICE:
		return is_text(p->device, c->name);
	case RN_CRITERION_TYPE:
	case RN_CRITERION_HUB_TYPE:
		return p->kind == c->kind;
	case RN_CRITERION_HUB:
		return is_text(p->hub, c->name);
	case RN_CRITERION_PREFIX:
		return has_address(p, &c->prefix);
	case RN_CRITERION_SAME_OWNER:
		return p->owner_number != 0 && p->owner_number == other->owner_number;
	}
	return false;
}

static bool within(const struct rn_policy_model *model, const struct rn_policy_end *end, const struct rn_party *p,
		   const struct rn_party *other)
{
	bool any = false, some = false;

	for (uint32_t i = 0; i < end->count; i++) {
		const struct rn_criterion *c = &end->criteria[i];

		if (c->no && is(model, c, p, other))
			return false;
		some |= !c->no;
		any |= !c->no && is(model, c, p, other);
	}
	return any || !some;
}

/* ---- what and when ---- */

static bool serves(const struct rn_access_policy *rule, uint8_t protocol, uint16_t port)
{
	if (rule->service_count == 0)
		return true;
	for (uint32_t i = 0; i < rule->service_count; i++) {
		const struct rn_service *s = &rule->services[i];

		if (s->protocol != protocol)
			continue;
		if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 || (port >= s->first && port <= s->last))
			return true;
	}
	return false;
}

/* Where it cannot be said, the rule fails closed. */
static bool window_open(const struct rn_access_policy *rule, const struct rn_question *q)
{
	int open = rn_policy_hours_at(q->hours, rule, rn_policy_zones(q->zones), q->at).open;

	return open < 0 ? rule->deny : open;
}

/* The next moment after `at` at which one of the rule's times begins or ends. */
static int64_t next_change(const struct rn_access_policy *rule, const struct rn_question *q)
{
	int64_t next = rn_policy_hours_at(q->hours, rule, rn_policy_zones(q->zones), q->at).until;

	if (rule->from > q->at && rule->from < next)
		next = rule->from;
	if (rule->until > q->at && rule->until < next)
		next = rule->until;
	return next;
}

/* ---- one rule ---- */

static bool kind_suits(const struct rn_policy_end *end, const struct rn_party *p)
{
	return end->types == 0 || ((uint32_t)p->kind < 32 && (end->types & (1u << p->kind)) != 0);
}

static bool managed_suits(const struct rn_policy_end *end, const struct rn_party *p)
{
	return end->managed == RN_MANAGED_EITHER || p->managed == (end->managed == RN_MANAGED_YES);
}

bool rn_policy_end_is(const struct rn_policy_model *model, const struct rn_policy_end *end,
		      const struct rn_party *party, const struct rn_party *other)
{
	return within(model, end, party, other) && kind_suits(end, party) && managed_suits(end, party);
}

static bool identities_suit(const struct rn_policy_model *model, const struct rn_access_policy *rule,
			    const struct rn_question *q)
{
	return serves(rule, q->protocol, q->port) &&
	       rn_policy_end_is(model, &rule->source, &q->source, &q->destination) &&
	       rn_policy_end_is(model, &rule->destination, &q->destination, &q->source);
}

static bool time_suits(const struct rn_access_policy *rule, const struct rn_question *q)
{
	return q->at >= rule->from && q->at < rule->until && window_open(rule, q);
}

static bool trust_suits(const struct rn_access_policy *rule, const struct rn_question *q)
{
	return q->source.trust >= rule->source.minimum_trust && q->destination.trust >= rule->destination.minimum_trust;
}

/* ---- all rules ---- */

/* What the walk has come upon: the first of each, by number. */
struct found {
	uint32_t decides, observed, too_low, outside;
	int64_t until;
};

/* The rules of one action, in the order of the text, up to the one that decides. */
static void walk(const struct rn_policy_model *model, const struct rn_question *q, bool deny, struct found *f)
{
	for (uint32_t i = 0; i < model->rule_count && !f->decides; i++) {
		const struct rn_access_policy *rule = &model->rules[i];
		bool in_time;
		int64_t next;

		if (rule->deny != deny || !identities_suit(model, rule, q))
			continue;
		in_time = time_suits(rule, q);
		next = next_change(rule, q);
		f->until = next < f->until ? next : f->until;
		if (rule->observe) {
			if (in_time && trust_suits(rule, q) && !f->observed)
				f->observed = rule->number;
		} else if (in_time && trust_suits(rule, q)) {
			f->decides = rule->number;
		} else if (in_time && !f->too_low) {
			f->too_low = rule->number;
		} else if (!in_time && !deny && !f->outside) {
			f->outside = rule->number;
		}
	}
}

void rn_policy_evaluate(const struct rn_policy_model *model, const struct rn_question *question, struct rn_answer *ret)
{
	struct found f = {.until = INT64_MAX};

	*ret = (struct rn_answer){.reason = RN_DEFAULT_DENY};
	walk(model, question, true, &f);
	if (f.decides)
		ret->reason = RN_DENY_RULE;
	else
		walk(model, question, false, &f);
	if (!f.decides && f.too_low)
		ret->reason = RN_TRUST_TOO_LOW;
	else if (!f.decides && f.outside)
		ret->reason = RN_OUTSIDE_TIME;
	else if (f.decides && ret->reason == RN_DEFAULT_DENY)
		ret->reason = RN_ALLOWED;
	ret->rule = f.decides ? f.decides : f.too_low ? f.too_low : f.outside;
	ret->observed = f.observed;
	ret->log = ret->rule && model->rules[ret->rule - 1].log;
	ret->until = f.until;
}

/* ---- to explain ---- */

const char *rn_condition_name(enum rn_condition condition)
{
	static const char *const names[RN_CONDITIONS] = {
	    [RN_CONDITION_SOURCE] = "source_criteria",
	    [RN_CONDITION_DESTINATION] = "destination_criteria",
	    [RN_CONDITION_SERVICES] = "services",
	    [RN_CONDITION_SOURCE_TYPES] = "source_types",
	    [RN_CONDITION_DESTINATION_TYPES] = "destination_types",
	    [RN_CONDITION_SOURCE_MANAGED] = "source_managed",
	    [RN_CONDITION_DESTINATION_MANAGED] = "destination_managed",
	    [RN_CONDITION_TIMES] = "times",
	    [RN_CONDITION_FROM] = "from",
	    [RN_CONDITION_UNTIL] = "until",
	    [RN_CONDITION_MINIMUM_TRUST] = "minimum_trust",
	    [RN_CONDITION_MINIMUM_DESTINATION_TRUST] = "minimum_destination_trust",
	};

	return (unsigned)condition < RN_CONDITIONS ? names[condition] : NULL;
}

static enum rn_condition_state state_of(bool asked, bool met)
{
	return !asked ? RN_NOT_ASKED : met ? RN_MET : RN_FAILED;
}

void rn_policy_rule_state(const struct rn_policy_model *model, uint32_t number, const struct rn_question *q,
			  struct rn_rule_state *ret)
{
	const struct rn_access_policy *rule;
	enum rn_condition_state *c = ret->conditions;

	*ret = (struct rn_rule_state){0};
	if (number == 0 || number > model->rule_count)
		return;
	rule = &model->rules[number - 1];
	ret->rule = number;
	c[RN_CONDITION_SOURCE] = state_of(true, within(model, &rule->source, &q->source, &q->destination));
	c[RN_CONDITION_DESTINATION] = state_of(true, within(model, &rule->destination, &q->destination, &q->source));
	c[RN_CONDITION_SERVICES] = state_of(rule->service_count != 0, serves(rule, q->protocol, q->port));
	c[RN_CONDITION_SOURCE_TYPES] = state_of(rule->source.types != 0, kind_suits(&rule->source, &q->source));
	c[RN_CONDITION_DESTINATION_TYPES] =
	    state_of(rule->destination.types != 0, kind_suits(&rule->destination, &q->destination));
	c[RN_CONDITION_SOURCE_MANAGED] =
	    state_of(rule->source.managed != RN_MANAGED_EITHER, managed_suits(&rule->source, &q->source));
	c[RN_CONDITION_DESTINATION_MANAGED] = state_of(rule->destination.managed != RN_MANAGED_EITHER,
						       managed_suits(&rule->destination, &q->destination));
	c[RN_CONDITION_TIMES] = state_of(rule->time_count != 0, window_open(rule, q));
	c[RN_CONDITION_FROM] = state_of(rule->from != INT64_MIN, q->at >= rule->from);
	c[RN_CONDITION_UNTIL] = state_of(rule->until != INT64_MAX, q->at < rule->until);
	c[RN_CONDITION_MINIMUM_TRUST] =
	    state_of(rule->source.minimum_trust != 0, q->source.trust >= rule->source.minimum_trust);
	c[RN_CONDITION_MINIMUM_DESTINATION_TRUST] =
	    state_of(rule->destination.minimum_trust != 0, q->destination.trust >= rule->destination.minimum_trust);
}

/* An end that is another one is farther than all else. */
static unsigned distance(const struct rn_rule_state *state)
{
	unsigned failed = 0;

	for (unsigned c = 0; c < RN_CONDITIONS; c++)
		if (state->conditions[c] == RN_FAILED)
			failed += c == RN_CONDITION_SOURCE || c == RN_CONDITION_DESTINATION ? RN_CONDITIONS : 1;
	return failed;
}

uint32_t rn_policy_nearest(const struct rn_policy_model *model, const struct rn_question *question)
{
	uint32_t nearest = 0;
	unsigned least = 2 * RN_CONDITIONS; /* at both ends: not near */

	for (uint32_t i = 0; i < model->rule_count && least > 0; i++) {
		struct rn_rule_state state;

		if (model->rules[i].deny || model->rules[i].observe)
			continue;
		rn_policy_rule_state(model, i + 1, question, &state);
		if (distance(&state) < least) {
			least = distance(&state);
			nearest = i + 1;
		}
	}
	return nearest;
}
