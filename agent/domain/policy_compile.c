// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy.h"
#include "domain/policy_tables.h"

struct compile {
	const struct rn_policy_model *model;
	const struct rn_selector_source *selectors;
	struct rn_policy_record *record;
	struct rn_err *err;
};

/* A growing set of selector numbers of one side of a rule. */
struct set {
	uint32_t *numbers;
	uint32_t count, room;
};

static int no_memory(const struct compile *c)
{
	return rn_fail(c->err, -ENOMEM, "out of memory");
}

static int set_add(const struct compile *c, struct set *s, const char *kind, const char *name)
{
	char text[RN_NAME_MAX + 16];
	uint32_t number;

	snprintf(text, sizeof(text), "%s%s", kind, name);
	number = c->selectors->number(c->selectors->context, text);
	if (number == 0)
		return no_memory(c);
	if (s->count == s->room) {
		uint32_t room = s->room ? 2 * s->room : 8;
		uint32_t *grown = realloc(s->numbers, room * sizeof(*grown));

		if (!grown)
			return no_memory(c);
		s->numbers = grown;
		s->room = room;
	}
	s->numbers[s->count++] = number;
	return 0;
}

static int set_add_group(const struct compile *c, struct set *s, const char *name)
{
	for (uint32_t g = 0; g < c->model->group_count; g++) {
		const struct rn_group *group = &c->model->groups[g];

		if (strcmp(group->name, name) != 0)
			continue;
		for (uint32_t u = 0; u < group->user_count; u++)
			if (set_add(c, s, "user:", group->users[u]) < 0)
				return -ENOMEM;
	}
	return 0;
}

static int set_add_criterion(const struct compile *c, struct set *s, const struct rn_criterion *criterion)
{
	switch (criterion->type) {
	case RN_CRITERION_EVERYONE:
		return set_add(c, s, "everyone", "");
	case RN_CRITERION_USER:
		return set_add(c, s, "user:", criterion->name);
	case RN_CRITERION_GROUP:
		return set_add_group(c, s, criterion->name);
	case RN_CRITERION_TAG:
		return set_add(c, s, "tag:", criterion->name);
	case RN_CRITERION_DEVICE:
		return set_add(c, s, "device:", criterion->name);
	case RN_CRITERION_SAME_OWNER: /* becomes a rule of its own */
		break;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int make_set(const struct compile *c, const struct rn_access_policy *rule, const struct rn_criterion *criteria,
		    uint32_t count, struct set *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (set_add_criterion(c, s, &criteria[i]) < 0)
			return -ENOMEM;
		/* Groups share users: weigh the set before it grows without bound. */
		if (s->count > 4 * RN_RULE_SELECTORS_MAX)
			break;
	}
	if (s->count)
		qsort(s->numbers, s->count, sizeof(uint32_t), by_number);
	for (uint32_t i = 0; i < s->count; i++)
		if (kept == 0 || s->numbers[kept - 1] != s->numbers[i])
			s->numbers[kept++] = s->numbers[i];
	if (kept > RN_RULE_SELECTORS_MAX || s->count > 4 * RN_RULE_SELECTORS_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "rule %u (\"%s\") names more than %d users, tags and devices on one side; use a tag "
			       "for them",
			       rule->number, rule->id, RN_RULE_SELECTORS_MAX);
	s->count = kept;
	return 0;
}

static uint32_t *copy_numbers(const struct set *s)
{
	uint32_t *copy = malloc(s->count * sizeof(*copy));

	if (copy)
		memcpy(copy, s->numbers, s->count * sizeof(*copy));
	return copy;
}

/* Echo of the model is of both families. */
static struct rn_service *copy_services(const struct rn_access_policy *rule, uint32_t *ret_count)
{
	struct rn_service *services = malloc((2 * (size_t)rule->service_count + 1) * sizeof(*services));
	uint32_t count = 0;

	if (!services)
		return NULL;
	if (!rule->service_count)
		services[count++] = (struct rn_service){.last = 65535};
	for (uint32_t i = 0; i < rule->service_count; i++) {
		services[count++] = rule->services[i];
		if (rule->services[i].protocol == IPPROTO_ICMP)
			services[count++] = (struct rn_service){IPPROTO_ICMPV6, 0, 65535};
	}
	*ret_count = count;
	return services;
}

/* Appends one compiled rule, unless a side of it is empty: then it matches nobody. */
static int emit(const struct compile *c, const struct rn_access_policy *rule, const struct set *source,
		const struct set *destination, bool same_owner)
{
	struct rn_policy_rule *out;

	if (source->count == 0 || destination->count == 0)
		return 0;
	if (c->record->rule_count == RN_RULES_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "the policy has more than %u rules after compilation (same-owner beside other criteria "
			       "counts twice); join some",
			       RN_RULES_MAX);
	out = &c->record->rules[c->record->rule_count++];
	memcpy(out->id, rule->id, sizeof(out->id));
	out->number = rule->number;
	out->deny = rule->deny;
	out->same_owner = same_owner;
	out->minimum_trust = rule->minimum_trust;
	out->source.any = (struct rn_selector_set){copy_numbers(source), source->count};
	out->destination.any = (struct rn_selector_set){copy_numbers(destination), destination->count};
	out->services = copy_services(rule, &out->service_count);
	return out->source.any.numbers && out->destination.any.numbers && out->services ? 0 : no_memory(c);
}

static bool names_same_owner(const struct rn_access_policy *rule)
{
	for (uint32_t i = 0; i < rule->destination_count; i++)
		if (rule->destination_criteria[i].type == RN_CRITERION_SAME_OWNER)
			return true;
	return false;
}

static int compile_rule(const struct compile *c, const struct rn_access_policy *rule)
{
	struct set source = {0}, destination = {0}, everyone = {0};
	int code = make_set(c, rule, rule->source_criteria, rule->source_count, &source);

	if (code == 0)
		code = make_set(c, rule, rule->destination_criteria, rule->destination_count, &destination);
	if (code == 0)
		code = emit(c, rule, &source, &destination, false);
	if (code == 0 && names_same_owner(rule)) {
		code = set_add(c, &everyone, "everyone", "");
		if (code == 0)
			code = emit(c, rule, &source, &everyone, true);
	}
	free(source.numbers);
	free(destination.numbers);
	free(everyone.numbers);
	return code;
}

/* What a record takes on the wire (record_policy.c), for a sentence before it is too late for one. */
static int check_size(const struct compile *c)
{
	size_t size = RN_RECORD_HEADER + RN_SIGNATURE_SIZE + 16;

	for (uint32_t i = 0; i < c->record->rule_count; i++) {
		const struct rn_policy_rule *r = &c->record->rules[i];

		size += 16 + strlen(r->id) + 4 * ((size_t)r->source.any.count + r->destination.any.count) +
			5 * (size_t)r->service_count;
	}
	if (size > RN_RECORD_SIZE_MAX)
		return rn_fail(
		    c->err, -EMSGSIZE,
		    "the compiled policy has %zu bytes, but %u fit; use tags in place of long lists of users "
		    "and devices",
		    size, RN_RECORD_SIZE_MAX);
	return 0;
}

/* Hubs build these tables from the record; a policy that they could not hold must be refused here. */
static int check_tables(const struct compile *c)
{
	struct rn_policy_tables *tables = malloc(sizeof(*tables));
	int code;

	if (!tables)
		return no_memory(c);
	code = rn_policy_tables_build(c->record, 1, tables, c->err);
	free(tables);
	return code;
}

int rn_policy_compile(const struct rn_policy_model *model, const struct rn_selector_source *selectors,
		      struct rn_policy_record *ret, struct rn_err *err)
{
	struct rn_policy_record record = {0};
	struct compile c = {model, selectors, &record, err};
	int code = 0;

	record.rules = calloc(RN_RULES_MAX, sizeof(*record.rules));
	if (!record.rules)
		return no_memory(&c);
	for (int deny = 1; deny >= 0; deny--)
		for (uint32_t i = 0; i < model->rule_count && code == 0; i++)
			if (model->rules[i].deny == deny)
				code = compile_rule(&c, &model->rules[i]);
	if (code == 0)
		code = check_size(&c);
	if (code == 0)
		code = check_tables(&c);
	if (code < 0) {
		rn_policy_record_done(&record);
		return code;
	}
	*ret = record;
	return 0;
}
