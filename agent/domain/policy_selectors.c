// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_selectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *text;
	uint32_t hash, number;
};

struct rn_policy_selectors {
	const struct rn_policy_model *model;
	const struct rn_selector_source *source;
	struct entry *entries; /* open addressing, a power of two, at most half full */
	uint32_t room, count;
	struct rn_selector_set *groups; /* numbers NULL: not numbered yet */
	uint32_t one;			/* what a set of one points to */
};

struct rn_policy_selectors *rn_policy_selectors_new(const struct rn_policy_model *model,
						    const struct rn_selector_source *source)
{
	struct rn_policy_selectors *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->model = model;
	s->source = source;
	s->room = 256;
	s->entries = calloc(s->room, sizeof(*s->entries));
	s->groups = calloc(model->group_count + 1, sizeof(*s->groups));
	if (s->entries && s->groups)
		return s;
	rn_policy_selectors_free(s);
	return NULL;
}

void rn_policy_selectors_free(struct rn_policy_selectors *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->entries && i < s->room; i++)
		free(s->entries[i].text);
	for (uint32_t i = 0; s->groups && i < s->model->group_count; i++)
		free(s->groups[i].numbers);
	free(s->entries);
	free(s->groups);
	free(s);
}

static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

/* Its place, or the free one where it belongs. */
static struct entry *find(struct entry *entries, uint32_t room, const char *text, uint32_t hash)
{
	uint32_t at = hash & (room - 1);

	while (entries[at].text && (entries[at].hash != hash || strcmp(entries[at].text, text) != 0))
		at = (at + 1) & (room - 1);
	return &entries[at];
}

static int grow(struct rn_policy_selectors *s)
{
	uint32_t room = 2 * s->room;
	struct entry *entries = calloc(room, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->room; i++)
		if (s->entries[i].text)
			*find(entries, room, s->entries[i].text, s->entries[i].hash) = s->entries[i];
	free(s->entries);
	s->entries = entries;
	s->room = room;
	return 0;
}

static int put(struct rn_policy_selectors *s, const char *text, uint32_t hash, uint32_t number)
{
	struct entry *e;

	if (2 * (s->count + 1) > s->room && grow(s) < 0)
		return -ENOMEM;
	e = find(s->entries, s->room, text, hash);
	*e = (struct entry){strdup(text), hash, number};
	if (!e->text)
		return -ENOMEM;
	s->count++;
	return 0;
}

int rn_policy_selectors_know(struct rn_policy_selectors *s, const char *text, uint32_t number)
{
	return put(s, text, hash_of(text), number);
}

uint32_t rn_policy_selector(struct rn_policy_selectors *s, const char *kind, const char *name)
{
	char text[RN_SELECTOR_TEXT];
	const struct entry *e;
	uint32_t hash, number;

	stpcpy(stpcpy(text, kind), name); /* it has room: names are good ones */
	hash = hash_of(text);
	e = find(s->entries, s->room, text, hash);
	if (e->text)
		return e->number;
	number = s->source->number(s->source->context, text);
	return number && put(s, text, hash, number) == 0 ? number : 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int number_group(struct rn_policy_selectors *s, uint32_t place)
{
	const struct rn_group *group = &s->model->groups[place];
	struct rn_selector_set *set = &s->groups[place];

	if (set->numbers)
		return 0;
	set->numbers = malloc((group->user_count + 1u) * sizeof(*set->numbers));
	if (!set->numbers)
		return -ENOMEM;
	for (; set->count < group->user_count; set->count++) {
		set->numbers[set->count] = rn_policy_selector(s, "user:", group->users[set->count]);
		if (!set->numbers[set->count])
			return -ENOMEM;
	}
	if (set->count)
		qsort(set->numbers, set->count, sizeof(*set->numbers), by_number);
	return 0;
}

static int one(struct rn_policy_selectors *s, const char *kind, const char *name, struct rn_selector_set *ret)
{
	s->one = rn_policy_selector(s, kind, name);
	*ret = (struct rn_selector_set){&s->one, 1};
	return s->one ? 0 : -ENOMEM;
}

int rn_policy_selectors_of(struct rn_policy_selectors *s, const struct rn_criterion *c, struct rn_selector_set *ret)
{
	char prefix[RN_PREFIX_TEXT];

	*ret = (struct rn_selector_set){NULL, 0};
	switch (c->type) {
	case RN_CRITERION_EVERYONE:
	case RN_CRITERION_SAME_OWNER:
		return 0;
	case RN_CRITERION_GROUP:
		if (number_group(s, c->group) < 0)
			return -ENOMEM;
		*ret = s->groups[c->group];
		return 0;
	case RN_CRITERION_USER:
		return one(s, "user:", c->name, ret);
	case RN_CRITERION_TAG:
		return one(s, "tag:", c->name, ret);
	case RN_CRITERION_DEVICE:
		return one(s, "device:", c->name, ret);
	case RN_CRITERION_TYPE:
		return one(s, "type:", rn_kind_name(c->kind), ret);
	case RN_CRITERION_HUB:
		return one(s, "hub:", c->name, ret);
	case RN_CRITERION_HUB_TYPE:
		return one(s, "hub-type:", rn_kind_name(c->kind), ret);
	case RN_CRITERION_PREFIX:
		return one(s, "prefix:", rn_prefix_format(&c->prefix, prefix), ret);
	}
	return 0;
}
