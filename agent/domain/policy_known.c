// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "domain/policy_compile.h"
#include "domain/policy_ids.h"
#include "domain/policy_share.h"

static bool same_users(const struct rn_group *a, const struct rn_group *b)
{
	return a->user_count == b->user_count &&
	       (!a->user_count || memcmp(a->users, b->users, a->user_count * sizeof(*a->users)) == 0);
}

static bool *compare_groups(const struct rn_policy_model *before, const struct rn_policy_model *now)
{
	bool *same = calloc(now->group_count + 1u, sizeof(*same));

	for (uint32_t i = 0; same && i < now->group_count && i < before->group_count; i++)
		same[i] = same_users(&before->groups[i], &now->groups[i]);
	return same;
}

struct rn_known_search rn_known_search(const struct rn_policy_known *known, const struct rn_policy_model *model)
{
	struct rn_known_search s = {.known = known, .number = 1};
	uint32_t high = known ? known->rules->rule_count : 0;

	if (known)
		s.same_groups = compare_groups(known->model, model);

	/* Those that deny are first. */
	while (s.denies < high) {
		uint32_t middle = s.denies + (high - s.denies) / 2;

		if (known->rules->rules[middle].deny)
			s.denies = middle + 1;
		else
			high = middle;
	}
	s.at[0] = s.denies;
	return s;
}

void rn_known_search_done(struct rn_known_search *search)
{
	free(search->same_groups);
}

static bool groups_stay(const struct rn_known_search *s, const struct rn_policy_end *end)
{
	for (uint32_t i = 0; i < end->count; i++)
		if (end->criteria[i].type == RN_CRITERION_GROUP &&
		    !(s->same_groups && s->same_groups[end->criteria[i].group]))
			return false;
	return true;
}

/* Windows are reckoned from another day; who is asked for numbers must be told of every prefix. */
static bool stays(const struct rn_known_search *s, const struct rn_access_policy *rule)
{
	if (!rule->share || rule->time_count || (rule->share->names_prefix && !s->known->selectors))
		return false;
	return !rule->share->names_group || (groups_stay(s, &rule->source) && groups_stay(s, &rule->destination));
}

/* Its place in the model before. */
static bool find_rule(struct rn_known_search *s, const struct rn_access_policy *rule)
{
	const struct rn_policy_model *model = s->known->model;

	/* As far from the last one as it is now. */
	s->place += rule->number - s->number;
	s->number = rule->number;
	if (s->place < model->rule_count && model->rules[s->place].share == rule->share)
		return true;
	s->place = rn_rule_ids_find(model->ids, model->rules, rule->id, strlen(rule->id));
	return s->place != UINT32_MAX && model->rules[s->place].share == rule->share;
}

/* The first compiled rule of that number or a greater one. */
static uint32_t find_number(const struct rn_known_search *s, bool deny, uint32_t number)
{
	const struct rn_policy_record *r = s->known->rules;
	uint32_t low = deny ? 0 : s->denies, high = deny ? s->denies : r->rule_count, at = s->at[deny];

	if (at < high && r->rules[at].number == number && (at == low || r->rules[at - 1].number != number))
		return at;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->rules[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rn_policy_rule *rn_known_find(struct rn_known_search *s, const struct rn_access_policy *rule,
					   uint32_t *ret_count)
{
	uint32_t number, first, end;

	*ret_count = 0;
	if (!s->known || !stays(s, rule) || !find_rule(s, rule))
		return NULL;
	number = s->place + 1;
	end = rule->deny ? s->denies : s->known->rules->rule_count;
	first = find_number(s, rule->deny, number);
	while (first + *ret_count < end && s->known->rules->rules[first + *ret_count].number == number)
		++*ret_count;
	s->at[rule->deny] = first + *ret_count;
	return *ret_count ? &s->known->rules->rules[first] : NULL;
}
