/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/rule_names.h"

#include <stdlib.h>
#include <string.h>

struct name {
	uint32_t number;
	uint32_t at; /* in the text */
	bool deny;
};
struct rn_rule_names {
	struct name *list; /* by number; of one number more than once where compiled rules share it */
	uint32_t count;
	char *text; /* the ids, each with its NUL */
};

static int by_number(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void fill(struct rn_rule_names *names, const struct rn_policy_record *policy)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < policy->rule_count; i++) {
		size_t size = strlen(policy->rules[i].id) + 1;

		names->list[names->count++] = (struct name){policy->rules[i].number, at, policy->rules[i].deny};
		memcpy(names->text + at, policy->rules[i].id, size);
		at += (uint32_t)size;
	}
	qsort(names->list, names->count, sizeof(*names->list), by_number);
}

struct rn_rule_names *rn_rule_names_new(const struct rn_policy_record *policy)
{
	struct rn_rule_names *names = calloc(1, sizeof(*names));
	size_t size = 1;

	for (uint32_t i = 0; i < policy->rule_count; i++)
		size += strlen(policy->rules[i].id) + 1;
	if (!names)
		return NULL;
	names->list = calloc((size_t)policy->rule_count + 1, sizeof(*names->list));
	names->text = malloc(size);
	if (names->list && names->text) {
		fill(names, policy);
		return names;
	}
	rn_rule_names_free(names);
	return NULL;
}

void rn_rule_names_free(struct rn_rule_names *names)
{
	if (!names)
		return;
	free(names->list);
	free(names->text);
	free(names);
}

static const struct name *find(const struct rn_rule_names *names, uint32_t number)
{
	const struct name wanted = {.number = number};

	return names && names->count ? bsearch(&wanted, names->list, names->count, sizeof(wanted), by_number) : NULL;
}

const char *rn_rule_name(const struct rn_rule_names *names, uint32_t number)
{
	const struct name *found = find(names, number);

	return found ? names->text + found->at : "";
}

bool rn_rule_denies(const struct rn_rule_names *names, uint32_t number)
{
	const struct name *found = find(names, number);

	return found && found->deny;
}
