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

int rn_policy_made_parse(struct rn_policy_made *made, const struct rn_policy_made *before, struct rn_err *err)
{
	made->model = rn_policy_parse_after(before ? before->model : NULL, made->text, made->size, err);
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

/* With the numbers that they had. */
static int take_selectors(struct rn_policy_made *made, const struct rn_policy_made *before, struct rn_err *err)
{
	for (uint32_t i = 0; i < before->selector_count; i++)
		if (!own_number(made, before->selectors[i]))
			return rn_fail(err, -ENOMEM, "out of memory");
	return 0;
}

/* ---- the record's numbers, in one order ---- */

struct walk {
	void (*visit)(struct walk *walk, uint32_t *number);
	uint32_t *own; /* where the next one is, or will be */
	const uint32_t *numbers;
	size_t count;
};

static void count(struct walk *walk, uint32_t *number)
{
	(void)number;
	walk->count++;
}

static void keep(struct walk *walk, uint32_t *number)
{
	*walk->own++ = *number;
}

static void put_back(struct walk *walk, uint32_t *number)
{
	*number = *walk->own++;
}

static void replace(struct walk *walk, uint32_t *number)
{
	*number = walk->numbers[*walk->own++ - 1];
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void visit_set(struct walk *walk, struct rn_selector_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		walk->visit(walk, &set->numbers[i]);
	if (walk->numbers && set->count > 1)
		qsort(set->numbers, set->count, sizeof(*set->numbers), ascending);
}

static void visit_side(struct walk *walk, struct rn_rule_side *side)
{
	visit_set(walk, &side->any);
	visit_set(walk, &side->types);
	visit_set(walk, &side->none);
	if (side->also)
		walk->visit(walk, &side->also);
}

static void visit_all(struct rn_policy_made *made, struct walk *walk)
{
	for (uint32_t i = 0; i < made->record.rule_count; i++) {
		visit_side(walk, &made->record.rules[i].source);
		visit_side(walk, &made->record.rules[i].destination);
	}
}

void rn_policy_made_number(struct rn_policy_made *made, const uint32_t *numbers)
{
	struct walk walk = {.visit = numbers ? replace : put_back, .own = made->own, .numbers = numbers};

	visit_all(made, &walk);
}

static int remember(struct rn_policy_made *made, struct rn_err *err)
{
	struct walk walk = {.visit = count};

	visit_all(made, &walk);
	made->own_count = walk.count;
	made->own = calloc(made->own_count + 1, sizeof(*made->own));
	if (!made->own)
		return rn_fail(err, -ENOMEM, "out of memory");
	walk = (struct walk){.visit = keep, .own = made->own};
	visit_all(made, &walk);
	return 0;
}

/* ---- those that no rule names any more ---- */

/* numbers: gets what each becomes, in the same order. The first stays: every device has it. */
static void drop_selectors(struct rn_policy_made *made, uint32_t *numbers)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < made->own_count; i++)
		numbers[made->own[i] - 1] = 1;
	for (uint32_t i = 0; i < made->selector_count; i++) {
		if (i && !numbers[i]) {
			free(made->selectors[i]);
			continue;
		}
		made->selectors[kept] = made->selectors[i];
		numbers[i] = ++kept;
	}
	made->selector_count = kept;
	for (size_t i = 0; i < made->own_count; i++)
		made->own[i] = numbers[made->own[i] - 1];
}

static int tidy(struct rn_policy_made *made, struct rn_err *err)
{
	uint32_t before = made->selector_count, *numbers = calloc(before + 1u, sizeof(*numbers));

	if (!numbers)
		return rn_fail(err, -ENOMEM, "out of memory");
	drop_selectors(made, numbers);
	free(numbers);
	if (made->selector_count < before)
		rn_policy_made_number(made, NULL);
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

int rn_policy_made_compile(struct rn_policy_made *made, const struct rn_policy_made *before,
			   const struct rn_zone_source *zones, int64_t now, struct rn_err *err)
{
	struct rn_selector_source own = {.context = made, .number = own_number};
	struct rn_policy_known known = {0};
	int rc = 0;

	if (before && before->selector_count) {
		known =
		    (struct rn_policy_known){before->model, &before->record, before->selectors, before->selector_count};
		rc = take_selectors(made, before, err);
	}
	if (!rc)
		rc = rn_policy_compile_after(known.model ? &known : NULL, made->model, &own, zones, now, &made->record,
					     err);
	if (!rc)
		rc = check_parts(made, err);
	if (!rc)
		rc = remember(made, err);
	return rc ? rc : tidy(made, err);
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
