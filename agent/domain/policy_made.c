/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_made.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_parts.h"

int rn_policy_made_take(struct rn_policy_made *made, const char *text, size_t size, struct rn_err *err)
{
	*made = (struct rn_policy_made){.size = size};
	made->text = malloc(size + 1);
	if (!made->text)
		return rn_fail(err, -ENOMEM, "out of memory");
	memcpy(made->text, text, size);
	made->text[size] = '\0';
	return 0;
}

int rn_policy_made_parse(struct rn_policy_made *made, const struct rn_policy_model *before, struct rn_err *err)
{
	made->model = rn_policy_parse_after(before, made->text, made->size, err);
	return made->model ? 0 : -EINVAL;
}

/* ---- selectors ---- */

static int more_room(struct rn_policy_made *made)
{
	uint32_t room = made->selector_room ? 2 * made->selector_room : 64;
	char **grown = reallocarray(made->selectors, room, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	made->selectors = grown;
	made->selector_room = room;
	return 0;
}

/* The compiler asks for each text once. */
static uint32_t own_number(void *context, const char *selector)
{
	struct rn_policy_made *made = context;

	if (made->selector_count == made->selector_room && more_room(made) < 0)
		return 0;
	made->selectors[made->selector_count] = strdup(selector);
	return made->selectors[made->selector_count] ? ++made->selector_count : 0;
}

/* ---- the record's numbers, in one order ---- */

struct walk {
	uint32_t *own;		 /* written or read; NULL: only counted */
	const uint32_t *numbers; /* NULL: own is written */
	size_t at;
};

static void visit(struct walk *walk, uint32_t *number)
{
	if (walk->numbers)
		*number = walk->numbers[walk->own[walk->at] - 1];
	else if (walk->own)
		walk->own[walk->at] = *number;
	walk->at++;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void visit_set(struct walk *walk, struct rn_selector_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		visit(walk, &set->numbers[i]);
	if (walk->numbers && set->count > 1)
		qsort(set->numbers, set->count, sizeof(*set->numbers), ascending);
}

static void visit_side(struct walk *walk, struct rn_rule_side *side)
{
	visit_set(walk, &side->any);
	visit_set(walk, &side->types);
	visit_set(walk, &side->none);
	if (side->also)
		visit(walk, &side->also);
}

static size_t visit_all(struct rn_policy_made *made, uint32_t *own, const uint32_t *numbers)
{
	struct walk walk = {.own = own, .numbers = numbers};

	for (uint32_t i = 0; i < made->record.rule_count; i++) {
		visit_side(&walk, &made->record.rules[i].source);
		visit_side(&walk, &made->record.rules[i].destination);
	}
	return walk.at;
}

void rn_policy_made_number(struct rn_policy_made *made, const uint32_t *numbers)
{
	visit_all(made, made->own, numbers);
}

static int remember(struct rn_policy_made *made, struct rn_err *err)
{
	made->own_count = visit_all(made, NULL, NULL);
	made->own = calloc(made->own_count + 1, sizeof(*made->own));
	if (!made->own)
		return rn_fail(err, -ENOMEM, "out of memory");
	visit_all(made, made->own, NULL);
	return 0;
}

/* ---- rules ---- */

static int count_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	uint32_t *count = context;

	(void)body;
	(void)size;
	*ret_number = ++*count;
	return 0;
}

static int check_parts(const struct rn_policy_made *made, struct rn_err *err)
{
	struct rn_policy_record root = {0};
	uint32_t count = 0;
	int rc = rn_policy_split(&made->record, count_part, &count, &root);

	free(root.parts);
	if (rc == -EMSGSIZE)
		return rn_fail(err, rc,
			       "the policy is too large when it is signed: use groups and tags instead of long lists, "
			       "or fewer rules");
	return rc ? rn_fail(err, rc, "out of memory") : 0;
}

int rn_policy_made_compile(struct rn_policy_made *made, const struct rn_zone_source *zones, int64_t now,
			   struct rn_err *err)
{
	struct rn_selector_source own = {.context = made, .number = own_number};
	int rc = rn_policy_compile(made->model, &own, zones, now, &made->record, err);

	if (!rc)
		rc = check_parts(made, err);
	return rc ? rc : remember(made, err);
}

void rn_policy_made_done(struct rn_policy_made *made)
{
	free(made->text);
	rn_policy_model_free(made->model);
	rn_policy_record_done(&made->record);
	for (uint32_t i = 0; i < made->selector_count; i++)
		free(made->selectors[i]);
	free(made->selectors);
	free(made->own);
	*made = (struct rn_policy_made){0};
}
