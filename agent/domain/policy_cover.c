// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include "domain/policy_cover.h"

/* ---- two criteria, without their ! ---- */

static bool in_group(const struct rn_policy_model *model, uint32_t place, const char *user, uint64_t *work)
{
	const struct rn_group *group = &model->groups[place];
	uint32_t low = 0, high = group->user_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(user, group->users[middle]);

		++*work;
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* All users of b are in a, or with none: not one is. */
static bool compare_groups(const struct rn_policy_model *model, uint32_t a, uint32_t b, bool none, uint64_t *work)
{
	const struct rn_group *group = &model->groups[b];

	for (uint32_t i = 0; i < group->user_count; i++)
		if (in_group(model, a, group->users[i], work) == none)
			return false;
	return true;
}

static bool same(const struct rn_criterion *a, const struct rn_criterion *b)
{
	return a->type == b->type && a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       a->prefix.bits == b->prefix.bits && rn_addr_compare(&a->prefix.addr, &b->prefix.addr) == 0;
}

/* Whoever is b is a too. */
static bool covers(const struct rn_policy_model *model, const struct rn_criterion *a, const struct rn_criterion *b,
		   uint64_t *work)
{
	++*work;
	if (a->type == RN_CRITERION_EVERYONE || same(a, b))
		return true;
	if (a->type == RN_CRITERION_GROUP && b->type == RN_CRITERION_USER)
		return in_group(model, a->group, b->name, work);
	if (a->type == RN_CRITERION_GROUP && b->type == RN_CRITERION_GROUP)
		return compare_groups(model, a->group, b->group, false, work);
	if (a->type == RN_CRITERION_PREFIX && b->type == RN_CRITERION_PREFIX)
		return a->prefix.bits <= b->prefix.bits && rn_prefix_contains(&a->prefix, &b->prefix.addr);
	return b->type == RN_CRITERION_GROUP && model->groups[b->group].user_count == 0;
}

static bool is_kind(const struct rn_criterion *c)
{
	return c->type == RN_CRITERION_TYPE || c->type == RN_CRITERION_HUB_TYPE;
}

/* Nobody is both. A device has one name, owner, kind and hub, but two addresses. */
static bool apart(const struct rn_policy_model *model, const struct rn_criterion *a, const struct rn_criterion *b,
		  uint64_t *work)
{
	++*work;
	if (is_kind(a) && is_kind(b))
		return a->kind != b->kind;
	if (a->type == RN_CRITERION_GROUP && b->type == RN_CRITERION_USER)
		return !in_group(model, a->group, b->name, work);
	if (a->type == RN_CRITERION_USER && b->type == RN_CRITERION_GROUP)
		return !in_group(model, b->group, a->name, work);
	if (a->type == RN_CRITERION_GROUP && b->type == RN_CRITERION_GROUP)
		return compare_groups(model, a->group, b->group, true, work);
	if (a->type != b->type)
		return false;
	return (a->type == RN_CRITERION_USER || a->type == RN_CRITERION_DEVICE || a->type == RN_CRITERION_HUB) &&
	       strcmp(a->name, b->name) != 0;
}

/* ---- a side ---- */

/* The kinds that whoever is c on this side can have. */
static uint32_t kinds_of(const struct rn_policy_end *end, const struct rn_criterion *c)
{
	uint32_t kinds = end->types ? end->types : UINT32_MAX;

	return c && is_kind(c) ? kinds & (1u << c->kind) : kinds;
}

/* Nobody who is c is on this side: a ! takes all of them away, or their kind is not asked for. */
static bool nobody_is(const struct rn_policy_model *model, const struct rn_policy_end *end,
		      const struct rn_criterion *c, uint64_t *work)
{
	if (kinds_of(end, c) == 0 || (c->type == RN_CRITERION_GROUP && model->groups[c->group].user_count == 0))
		return true;
	for (uint32_t i = 0; i < end->count; i++)
		if (end->criteria[i].no && covers(model, &end->criteria[i], c, work))
			return true;
	return false;
}

static bool has_positive(const struct rn_policy_end *end)
{
	for (uint32_t i = 0; i < end->count; i++)
		if (!end->criteria[i].no)
			return true;
	return false;
}

bool rn_end_is_empty(const struct rn_policy_model *model, const struct rn_policy_end *end, uint64_t *work)
{
	for (uint32_t i = 0; i < end->count; i++)
		if (!end->criteria[i].no && !nobody_is(model, end, &end->criteria[i], work))
			return false;
	return has_positive(end);
}

/* Whoever is on side b by c (NULL: by no criterion, as there are only !) is one of a's. */
static bool within(const struct rn_policy_model *model, const struct rn_policy_end *a, const struct rn_criterion *c,
		   uint64_t *work)
{
	if (!has_positive(a))
		return true;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct rn_criterion *have = &a->criteria[i];

		if (!have->no && (have->type == RN_CRITERION_EVERYONE || (c && covers(model, have, c, work))))
			return true;
	}
	return false;
}

/* Nobody who is on side b by c is taken away by this ! of a. */
static bool spared(const struct rn_policy_model *model, const struct rn_criterion *no, const struct rn_policy_end *b,
		   const struct rn_criterion *c, uint64_t *work)
{
	if (c && apart(model, no, c, work))
		return true;
	if (is_kind(no) && !(kinds_of(b, c) & (1u << no->kind)))
		return true;
	for (uint32_t i = 0; i < b->count; i++)
		if (b->criteria[i].no && covers(model, &b->criteria[i], no, work))
			return true;
	return false;
}

static bool takes(const struct rn_policy_model *model, const struct rn_policy_end *a, const struct rn_policy_end *b,
		  const struct rn_criterion *c, uint64_t *work)
{
	if (a->types && (kinds_of(b, c) & ~a->types))
		return false;
	if (!within(model, a, c, work))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->criteria[i].no && !spared(model, &a->criteria[i], b, c, work))
			return false;
	return true;
}

static bool end_covers(const struct rn_policy_model *model, const struct rn_policy_end *a,
		       const struct rn_policy_end *b, uint64_t *work)
{
	if (a->managed != RN_MANAGED_EITHER && a->managed != b->managed)
		return false;
	if (!has_positive(b))
		return takes(model, a, b, NULL, work);
	for (uint32_t i = 0; i < b->count; i++)
		if (!b->criteria[i].no && !nobody_is(model, b, &b->criteria[i], work) &&
		    !takes(model, a, b, &b->criteria[i], work))
			return false;
	return true;
}

/* ---- a rule ---- */

bool rn_service_covers(const struct rn_service *a, const struct rn_service *b)
{
	if (a->protocol != b->protocol)
		return false;
	if (a->protocol == IPPROTO_ICMP || a->protocol == IPPROTO_ICMPV6)
		return true;
	return a->first <= b->first && b->last <= a->last;
}

static bool services_cover(const struct rn_access_policy *a, const struct rn_access_policy *b, uint64_t *work)
{
	if (a->service_count == 0)
		return true;
	if (b->service_count == 0)
		return false;
	for (uint32_t i = 0; i < b->service_count; i++) {
		bool covered = false;

		for (uint32_t k = 0; k < a->service_count && !covered; k++, ++*work)
			covered = rn_service_covers(&a->services[k], &b->services[i]);
		if (!covered)
			return false;
	}
	return true;
}

static bool times_cover(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	if (a->from > b->from || a->until < b->until)
		return false;
	return a->time_count == 0 ||
	       (a->time_count == b->time_count && memcmp(a->times, b->times, a->time_count * sizeof(*a->times)) == 0);
}

bool rn_rule_covers(const struct rn_policy_model *model, const struct rn_access_policy *a,
		    const struct rn_access_policy *b, uint64_t *work)
{
	++*work;
	return times_cover(a, b) && services_cover(a, b, work) && a->source.minimum_trust <= b->source.minimum_trust &&
	       a->destination.minimum_trust <= b->destination.minimum_trust &&
	       end_covers(model, &a->source, &b->source, work) &&
	       end_covers(model, &a->destination, &b->destination, work);
}
