// SPDX-License-Identifier: Apache-2.0
#include "tests/support/same_model.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_bytes(const void *a, const void *b, size_t size)
{
	return size == 0 || memcmp(a, b, size) == 0;
}

static bool same_names(const char (*a)[RN_NAME_MAX + 1], const char (*b)[RN_NAME_MAX + 1], uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool same_services(const struct rn_service *a, const struct rn_service *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (a[i].protocol != b[i].protocol || a[i].first != b[i].first || a[i].last != b[i].last)
			return false;
	return true;
}

static bool same_end(const struct rn_policy_end *a, const struct rn_policy_end *b)
{
	if (a->count != b->count || a->minimum_trust != b->minimum_trust || a->types != b->types ||
	    a->managed != b->managed)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct rn_criterion *x = &a->criteria[i], *y = &b->criteria[i];

		if (x->type != y->type || x->no != y->no || strcmp(x->name, y->name) != 0 || x->group != y->group ||
		    x->kind != y->kind || x->prefix.bits != y->prefix.bits ||
		    rn_addr_compare(&x->prefix.addr, &y->prefix.addr) != 0)
			return false;
	}
	return true;
}

static const char *same_rule(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	if (strcmp(a->id, b->id) != 0 || a->number != b->number)
		return "the order of rules";
	if (a->line != b->line || a->column != b->column)
		return "where a rule stands";
	if (a->deny != b->deny || a->log != b->log || a->observe != b->observe || !same_text(a->comment, b->comment))
		return "what a rule does";
	if (!same_end(&a->source, &b->source) || !same_end(&a->destination, &b->destination))
		return "an end";
	if (a->service_count != b->service_count || !same_services(a->services, b->services, a->service_count))
		return "services";
	if (a->from != b->from || a->until != b->until || a->time_count != b->time_count ||
	    !same_bytes(a->times, b->times, a->time_count * sizeof(*a->times)))
		return "times";
	return NULL;
}

static bool same_party(const struct rn_test_party *a, const struct rn_test_party *b)
{
	return strcmp(a->device, b->device) == 0 && strcmp(a->user, b->user) == 0 && strcmp(a->hub, b->hub) == 0 &&
	       a->tag_count == b->tag_count &&
	       same_names((const char(*)[RN_NAME_MAX + 1]) a->tags, (const char(*)[RN_NAME_MAX + 1]) b->tags,
			  a->tag_count) &&
	       a->kind == b->kind && rn_addr_compare(&a->address, &b->address) == 0 && a->trust == b->trust &&
	       a->managed == b->managed;
}

static bool same_test(const struct rn_policy_test *a, const struct rn_policy_test *b)
{
	return strcmp(a->id, b->id) == 0 && a->line == b->line && a->column == b->column &&
	       same_party(&a->source, &b->source) && same_party(&a->destination, &b->destination) &&
	       a->service_count == b->service_count && same_services(a->services, b->services, a->service_count) &&
	       a->at == b->at && a->allow == b->allow && strcmp(a->rule, b->rule) == 0;
}

static bool same_group(const struct rn_group *a, const struct rn_group *b)
{
	return strcmp(a->name, b->name) == 0 && a->line == b->line && a->user_count == b->user_count &&
	       same_names((const char(*)[RN_NAME_MAX + 1]) a->users, (const char(*)[RN_NAME_MAX + 1]) b->users,
			  a->user_count);
}

const char *same_model(const struct rn_policy_model *a, const struct rn_policy_model *b)
{
	const char *what = NULL;

	if (a->group_count != b->group_count || a->tag_count != b->tag_count || a->rule_count != b->rule_count ||
	    a->test_count != b->test_count)
		return "how many there are";
	for (uint32_t i = 0; i < a->group_count; i++)
		if (!same_group(&a->groups[i], &b->groups[i]))
			return "a group";
	if (!same_names((const char(*)[RN_NAME_MAX + 1]) a->tags, (const char(*)[RN_NAME_MAX + 1]) b->tags,
			a->tag_count))
		return "tags";
	for (uint32_t i = 0; i < a->rule_count && !what; i++)
		what = same_rule(&a->rules[i], &b->rules[i]);
	for (uint32_t i = 0; i < a->test_count && !what; i++)
		if (!same_test(&a->tests[i], &b->tests[i]))
			what = "a test";
	return what;
}
