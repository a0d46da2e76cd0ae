// SPDX-License-Identifier: Apache-2.0
/* Which rules one policy has that another has not, or not as they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_diff.h"
#include "domain/policy_names.h"

struct both {
	const struct rn_policy_model *const *models;
	bool *const *differs;
	void (*tell)(void *context, const char *id, const char *what);
	void *context;
};

static bool same_group(const struct rn_group *a, const struct rn_group *b)
{
	return a->user_count == b->user_count &&
	       (!a->user_count || memcmp(a->users, b->users, a->user_count * sizeof(*a->users)) == 0);
}

static bool same_criterion(const struct both *d, const struct rn_criterion *a, const struct rn_criterion *b)
{
	if (a->type != b->type || a->no != b->no || a->kind != b->kind || strcmp(a->name, b->name) != 0 ||
	    a->prefix.bits != b->prefix.bits || rn_addr_compare(&a->prefix.addr, &b->prefix.addr) != 0)
		return false;
	return a->type != RN_CRITERION_GROUP ||
	       same_group(&d->models[0]->groups[a->group], &d->models[1]->groups[b->group]);
}

static bool same_end(const struct both *d, const struct rn_policy_end *a, const struct rn_policy_end *b)
{
	if (a->count != b->count || a->minimum_trust != b->minimum_trust || a->types != b->types ||
	    a->managed != b->managed)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_criterion(d, &a->criteria[i], &b->criteria[i]))
			return false;
	return true;
}

static bool same_services(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	if (a->service_count != b->service_count)
		return false;
	for (uint32_t i = 0; i < a->service_count; i++)
		if (a->services[i].protocol != b->services[i].protocol ||
		    a->services[i].first != b->services[i].first || a->services[i].last != b->services[i].last)
			return false;
	return true;
}

/* But for comments and log, which change no verdict. */
static bool same_rule(const struct both *d, const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	return a->deny == b->deny && a->observe == b->observe && a->from == b->from && a->until == b->until &&
	       a->time_count == b->time_count &&
	       (!a->time_count || memcmp(a->times, b->times, a->time_count * sizeof(*a->times)) == 0) &&
	       same_services(a, b) && same_end(d, &a->source, &b->source) &&
	       same_end(d, &a->destination, &b->destination);
}

static int name_rules(const struct rn_policy_model *model, struct rn_named_list *ret)
{
	uint32_t first;

	ret->list = calloc(model->rule_count + 1u, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (; ret->count < model->rule_count; ret->count++)
		ret->list[ret->count] = (struct rn_named){.name = model->rules[ret->count].id, .place = ret->count};
	(void)rn_named_sort(ret, &first);
	return 0;
}

static void compare_rule(const struct both *d, uint32_t place, const struct rn_named_list *old, bool *kept)
{
	const struct rn_access_policy *rule = &d->models[1]->rules[place];
	const struct rn_named *was = rn_named_find(old, rule->id);
	bool differs = !was || !same_rule(d, &d->models[0]->rules[was->place], rule);

	d->differs[1][place] = differs;
	if (was) {
		kept[was->place] = true;
		d->differs[0][was->place] = differs;
	}
	if (differs)
		d->tell(d->context, rule->id, was ? "has changed" : "is new");
}

int rn_policy_diff_rules(const struct rn_policy_model *const models[2], bool *const differs[2],
			 void (*tell)(void *context, const char *id, const char *what), void *context)
{
	const struct both d = {models, differs, tell, context};
	const struct rn_policy_model *before = models[0];
	bool *kept = calloc(before->rule_count + 1u, sizeof(*kept));
	struct rn_named_list old = {0};
	int code = kept ? name_rules(before, &old) : -ENOMEM;

	for (uint32_t i = 0; i < models[1]->rule_count && code == 0; i++)
		compare_rule(&d, i, &old, kept);
	for (uint32_t i = 0; i < before->rule_count && code == 0; i++)
		if (!kept[i]) {
			differs[0][i] = true;
			tell(context, before->rules[i].id, "is gone");
		}
	free(old.list);
	free(kept);
	return code;
}
