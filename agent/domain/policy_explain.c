// SPDX-License-Identifier: Apache-2.0
/*
 * The reference evaluator: what docs/policy.md says, as a walk over the lists. It is slow and plain on purpose, and
 * knows nothing of selectors, bit sets or tables, because it is what those are held against.
 */
#include <netinet/in.h>
#include <string.h>

#include "domain/policy.h"

static bool owned(const struct rn_party *p)
{
	return p->owner && p->owner[0] != '\0';
}

static bool in_group(const struct rn_policy_model *model, const char *group, const char *user)
{
	for (uint32_t g = 0; g < model->group_count; g++) {
		if (strcmp(model->groups[g].name, group) != 0)
			continue;
		for (uint32_t u = 0; u < model->groups[g].user_count; u++)
			if (strcmp(model->groups[g].users[u], user) == 0)
				return true;
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

static bool is(const struct rn_policy_model *model, const struct rn_criterion *c, const struct rn_party *p,
	       const struct rn_party *other)
{
	switch (c->type) {
	case RN_CRITERION_EVERYONE:
		return true;
	case RN_CRITERION_USER:
		return owned(p) && strcmp(p->owner, c->name) == 0;
	case RN_CRITERION_GROUP:
		return owned(p) && in_group(model, c->name, p->owner);
	case RN_CRITERION_TAG:
		return has_tag(p, c->name);
	case RN_CRITERION_DEVICE:
		return strcmp(p->device, c->name) == 0;
	case RN_CRITERION_SAME_OWNER:
		return owned(p) && owned(other) && strcmp(p->owner, other->owner) == 0;
	}
	return false;
}

static bool between(const struct rn_policy_model *model, const struct rn_access_policy *rule,
		    const struct rn_party *source, const struct rn_party *destination)
{
	bool from = false, to = false;

	for (uint32_t i = 0; i < rule->source_count; i++)
		from |= is(model, &rule->source_criteria[i], source, destination);
	for (uint32_t i = 0; i < rule->destination_count; i++)
		to |= is(model, &rule->destination_criteria[i], destination, source);
	return from && to;
}

static bool serves(const struct rn_access_policy *rule, uint8_t protocol, uint16_t port)
{
	if (rule->service_count == 0)
		return true;
	for (uint32_t i = 0; i < rule->service_count; i++) {
		const struct rn_service *s = &rule->services[i];

		if (s->protocol != protocol && s->protocol != 0)
			continue;
		if (protocol == IPPROTO_ICMP || (port >= s->first && port <= s->last))
			return true;
	}
	return false;
}

void rn_policy_explain(const struct rn_policy_model *model, const struct rn_party *source,
		       const struct rn_party *destination, uint8_t protocol, uint16_t port, struct rn_explanation *ret)
{
	uint32_t allowed = 0, too_low = 0, nearest = 0;

	for (uint32_t i = 0; i < model->rule_count; i++) {
		const struct rn_access_policy *rule = &model->rules[i];

		if (!between(model, rule, source, destination))
			continue;
		if (!serves(rule, protocol, port)) {
			if (!rule->deny && !nearest)
				nearest = rule->number;
		} else if (rule->deny) {
			*ret = (struct rn_explanation){.reason = RN_DENY_RULE, .rule = rule->number};
			return;
		} else if (source->trust >= rule->minimum_trust) {
			allowed = allowed ? allowed : rule->number;
		} else {
			too_low = too_low ? too_low : rule->number;
		}
	}
	if (allowed)
		*ret = (struct rn_explanation){.reason = RN_ALLOWED, .rule = allowed};
	else if (too_low)
		*ret = (struct rn_explanation){.reason = RN_TRUST_TOO_LOW, .rule = too_low};
	else
		*ret = (struct rn_explanation){.reason = RN_DEFAULT_DENY, .nearest = nearest};
}
