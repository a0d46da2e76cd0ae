/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64u

struct pair {
	uint32_t key, value; /* key 0: empty */
};
struct rn_numbers {
	struct pair *pairs;
	uint32_t size, count; /* size: a power of two */
};

struct rn_numbers *rn_numbers_new(void)
{
	struct rn_numbers *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->size = FIRST_SIZE;
	t->pairs = calloc(t->size, sizeof(*t->pairs));
	if (!t->pairs) {
		free(t);
		return NULL;
	}
	return t;
}

void rn_numbers_free(struct rn_numbers *t)
{
	if (!t)
		return;
	free(t->pairs);
	free(t);
}

static uint32_t home(const struct rn_numbers *t, uint32_t key)
{
	return (key * 2654435769u) >> 7 & (t->size - 1);
}

/* Where the key is, or the empty place where it belongs. */
static struct pair *find(const struct rn_numbers *t, uint32_t key)
{
	uint32_t at = home(t, key);

	while (t->pairs[at].key != 0 && t->pairs[at].key != key)
		at = (at + 1) & (t->size - 1);
	return &t->pairs[at];
}

uint32_t rn_numbers_get(const struct rn_numbers *t, uint32_t key)
{
	return key ? find(t, key)->value : 0;
}

static int grow(struct rn_numbers *t)
{
	struct rn_numbers larger = {calloc(t->size * 2, sizeof(struct pair)), t->size * 2, t->count};

	if (!larger.pairs)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++) {
		if (t->pairs[i].key)
			*find(&larger, t->pairs[i].key) = t->pairs[i];
	}
	free(t->pairs);
	*t = larger;
	return 0;
}

int rn_numbers_set(struct rn_numbers *t, uint32_t key, uint32_t value)
{
	struct pair *p;

	if (key == 0 || value == 0)
		return -EINVAL;
	p = find(t, key);
	if (p->key == 0 && t->count + 1 > t->size / 2) {
		if (grow(t) < 0)
			return -ENOMEM;
		p = find(t, key);
	}
	t->count += p->key == 0;
	*p = (struct pair){key, value};
	return 0;
}

/* Closes the gap: what was pushed past it moves back. */
void rn_numbers_remove(struct rn_numbers *t, uint32_t key)
{
	struct pair *p = key ? find(t, key) : NULL;
	uint32_t gap, at;

	if (!p || p->key == 0)
		return;
	gap = at = p - t->pairs;
	for (;;) {
		at = (at + 1) & (t->size - 1);
		if (t->pairs[at].key == 0)
			break;
		if (((at - home(t, t->pairs[at].key)) & (t->size - 1)) >= ((at - gap) & (t->size - 1))) {
			t->pairs[gap] = t->pairs[at];
			gap = at;
		}
	}
	t->pairs[gap] = (struct pair){0, 0};
	t->count--;
}

void rn_numbers_clear(struct rn_numbers *t)
{
	memset(t->pairs, 0, t->size * sizeof(*t->pairs));
	t->count = 0;
}

uint32_t rn_numbers_count(const struct rn_numbers *t)
{
	return t->count;
}
