/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/record.h"

struct slot {
	uint32_t users;
	uint32_t identity;
	uint32_t count; /* of selectors; UNKNOWN: adopted */
	uint32_t selectors[RN_SELECTORS_MAX];
};
#define UNKNOWN 0xffffffffu

/* Memory is touched as slots come into use. */
struct rn_slots {
	struct slot slot[RN_IDENTITIES_MAX];
	uint32_t hash[RN_IDENTITIES_MAX]; /* of those whose set is known: all are looked through for each device */
	uint32_t used;
	uint32_t unknown; /* of those in use */
	uint32_t end;	  /* no slot from here on has a user */
};

struct rn_slots *rn_slots_new(void)
{
	return calloc(1, sizeof(struct rn_slots));
}

void rn_slots_free(struct rn_slots *s)
{
	free(s);
}

static uint32_t hash_of(const uint32_t *selectors, uint32_t count)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ selectors[i]) * 16777619u;
	return hash;
}

static bool is_set(const struct slot *s, const uint32_t *selectors, uint32_t count)
{
	return s->users && s->count == count &&
	       (count == 0 || memcmp(s->selectors, selectors, count * sizeof(*selectors)) == 0);
}

static void learn(struct rn_slots *s, uint32_t slot, uint32_t hash, const uint32_t *selectors, uint32_t count)
{
	s->hash[slot] = hash;
	s->slot[slot].count = count;
	if (count)
		memcpy(s->slot[slot].selectors, selectors, count * sizeof(*selectors));
}

#define NONE 0xffffffffu

/* After a restart: that of the identity, whose set is learnt. */
static uint32_t find_adopted(struct rn_slots *s, uint32_t identity, uint32_t hash, const uint32_t *selectors,
			     uint32_t count)
{
	for (uint32_t i = 0; s->unknown && i < s->end; i++) {
		if (!s->slot[i].users || s->slot[i].count != UNKNOWN || s->slot[i].identity != identity)
			continue;
		learn(s, i, hash, selectors, count);
		s->unknown--;
		return i;
	}
	return NONE;
}

static uint32_t find(struct rn_slots *s, uint32_t identity, uint32_t hash, const uint32_t *selectors, uint32_t count)
{
	for (uint32_t i = 0; i < s->end; i++) {
		if (s->hash[i] == hash && is_set(&s->slot[i], selectors, count))
			return i;
	}
	return find_adopted(s, identity, hash, selectors, count);
}

static uint32_t find_free(struct rn_slots *s)
{
	for (uint32_t i = 0; s->used < s->end && i < s->end; i++) {
		if (!s->slot[i].users)
			return i;
	}
	return s->end < RN_IDENTITIES_MAX ? s->end++ : NONE;
}

int rn_slots_take(struct rn_slots *s, uint32_t identity, const uint32_t *selectors, uint32_t count, uint32_t *ret_slot,
		  bool *ret_new)
{
	uint32_t hash = hash_of(selectors, count), found;

	if (count > RN_SELECTORS_MAX)
		return -EINVAL;
	found = find(s, identity, hash, selectors, count);
	*ret_new = found == NONE;
	if (found == NONE) {
		found = find_free(s);
		if (found == NONE)
			return -ENOSPC;
		s->slot[found].identity = identity;
		learn(s, found, hash, selectors, count);
		s->used++;
	}
	s->slot[found].users++;
	*ret_slot = found;
	return 0;
}

int rn_slots_adopt(struct rn_slots *s, uint32_t slot, uint32_t identity)
{
	if (slot >= RN_IDENTITIES_MAX)
		return -ERANGE;
	if (s->slot[slot].users++ == 0) {
		s->slot[slot].identity = identity;
		s->slot[slot].count = UNKNOWN;
		s->unknown++;
		s->used++;
		if (slot >= s->end)
			s->end = slot + 1;
	}
	return 0;
}

void rn_slots_release(struct rn_slots *s, uint32_t slot)
{
	if (slot >= RN_IDENTITIES_MAX || s->slot[slot].users == 0)
		return;
	if (--s->slot[slot].users)
		return;
	s->used--;
	if (s->slot[slot].count == UNKNOWN)
		s->unknown--;
}

const uint32_t *rn_slots_selectors(const struct rn_slots *s, uint32_t slot, uint32_t *ret_count)
{
	if (slot >= RN_IDENTITIES_MAX || !s->slot[slot].users || s->slot[slot].count == UNKNOWN)
		return NULL;
	*ret_count = s->slot[slot].count;
	return s->slot[slot].selectors;
}

uint32_t rn_slots_end(const struct rn_slots *s)
{
	return s->end;
}

uint32_t rn_slots_used(const struct rn_slots *s)
{
	return s->used;
}

/* Free are those from `fresh` on, which nobody had yet, then those in the ring. Memory is touched as they come into
 * use. */
struct rn_indices {
	uint32_t fresh;
	uint32_t ring[RN_DEVICES_MAX];
	uint32_t first, count;
	bool used[RN_DEVICES_MAX];
};

static void push(struct rn_indices *t, uint32_t index)
{
	t->ring[(t->first + t->count++) % RN_DEVICES_MAX] = index;
}

struct rn_indices *rn_indices_new(void)
{
	struct rn_indices *t = calloc(1, sizeof(*t));

	if (t)
		t->fresh = 1;
	return t;
}

void rn_indices_free(struct rn_indices *t)
{
	free(t);
}

/* 0: none is left. */
static uint32_t pop(struct rn_indices *t)
{
	uint32_t index;

	if (t->fresh < RN_DEVICES_MAX)
		return t->fresh++;
	if (!t->count)
		return 0;
	index = t->ring[t->first];
	t->first = (t->first + 1) % RN_DEVICES_MAX;
	t->count--;
	return index;
}

int rn_indices_take(struct rn_indices *t, uint32_t *ret_index)
{
	uint32_t index = pop(t);

	while (index && t->used[index])
		index = pop(t);
	if (!index)
		return -ENOSPC;
	t->used[index] = true;
	*ret_index = index;
	return 0;
}

int rn_indices_adopt(struct rn_indices *t, uint32_t index)
{
	if (index == 0 || index >= RN_DEVICES_MAX)
		return -ERANGE;
	if (t->used[index])
		return -EEXIST;
	t->used[index] = true;
	return 0;
}

void rn_indices_free_index(struct rn_indices *t, uint32_t index)
{
	if (index == 0 || index >= RN_DEVICES_MAX || !t->used[index])
		return;
	t->used[index] = false;
	push(t, index);
}

void rn_indices_settle(struct rn_indices *t, const bool *remembered)
{
	uint32_t end = RN_DEVICES_MAX;

	while (end > 1 && !t->used[end - 1] && !remembered[end - 1])
		end--;
	t->fresh = end;
	t->first = t->count = 0;
	for (int last = 0; last <= 1; last++) {
		for (uint32_t i = 1; i < end; i++) {
			if (!t->used[i] && remembered[i] == last)
				push(t, i);
		}
	}
}
