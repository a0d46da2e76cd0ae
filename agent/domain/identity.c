// SPDX-License-Identifier: Apache-2.0
/*
 * Sets lie back to back in one array; `entries` is in ascending order of number, and an open-addressed table of
 * positions in it (+ 1, 0: free) finds a set by its content. Nothing is ever taken out.
 */
#include "domain/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint32_t number;
	uint32_t at, count; /* in selectors */
};

struct rn_identities {
	struct entry *entries;
	uint32_t *selectors;
	uint32_t *slots;
	size_t entry_count, entry_room, selector_count, selector_room, slot_count; /* slot_count: a power of two */
};

struct rn_identities *rn_identities_new(void)
{
	return calloc(1, sizeof(struct rn_identities));
}

void rn_identities_free(struct rn_identities *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t->selectors);
	free(t->slots);
	free(t);
}

static bool set_good(const uint32_t *selectors, uint32_t count)
{
	if (count == 0 || count > RN_SELECTORS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (selectors[i] <= (i ? selectors[i - 1] : 0))
			return false;
	return true;
}

static size_t hash(const uint32_t *selectors, uint32_t count)
{
	uint64_t h = count;

	for (uint32_t i = 0; i < count; i++) {
		h = (h ^ selectors[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	return (size_t)h;
}

static bool same(const struct rn_identities *t, const struct entry *e, const uint32_t *selectors, uint32_t count)
{
	return e->count == count && memcmp(t->selectors + e->at, selectors, count * sizeof(uint32_t)) == 0;
}

/* The slot of the set, or the free one where it belongs. */
static size_t find_slot(const struct rn_identities *t, const uint32_t *selectors, uint32_t count)
{
	size_t i = hash(selectors, count) & (t->slot_count - 1);

	while (t->slots[i] && !same(t, &t->entries[t->slots[i] - 1], selectors, count))
		i = (i + 1) & (t->slot_count - 1);
	return i;
}

static void *grown(void *memory, size_t *room, size_t need, size_t size)
{
	size_t wanted = *room ? *room : 64;

	while (wanted < need)
		wanted *= 2;
	memory = realloc(memory, wanted * size);
	if (memory)
		*room = wanted;
	return memory;
}

static int rehash(struct rn_identities *t)
{
	size_t count = t->slot_count ? 2 * t->slot_count : 128;
	uint32_t *slots = calloc(count, sizeof(*slots)), *old = t->slots;

	if (!slots)
		return -ENOMEM;
	t->slots = slots;
	t->slot_count = count;
	for (size_t i = 0; i < t->entry_count; i++) {
		const struct entry *e = &t->entries[i];

		t->slots[find_slot(t, t->selectors + e->at, e->count)] = (uint32_t)i + 1;
	}
	free(old);
	return 0;
}

/* Room for one more set, before anything is changed. */
static int make_room(struct rn_identities *t, uint32_t count)
{
	if (t->entry_count == t->entry_room) {
		struct entry *entries = grown(t->entries, &t->entry_room, t->entry_count + 1, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		t->entries = entries;
	}
	if (t->selector_count + count > t->selector_room) {
		uint32_t *selectors =
		    grown(t->selectors, &t->selector_room, t->selector_count + count, sizeof(*selectors));

		if (!selectors)
			return -ENOMEM;
		t->selectors = selectors;
	}
	return 2 * (t->entry_count + 1) > t->slot_count ? rehash(t) : 0;
}

/* Where the number is, or where it belongs. */
static size_t position(const struct rn_identities *t, uint32_t number)
{
	size_t low = 0, high = t->entry_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->entries[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int rn_identities_load(struct rn_identities *t, uint32_t number, const uint32_t *selectors, uint32_t count)
{
	size_t slot, at;

	if (number == 0 || number > RN_IDENTITY_MAX || !set_good(selectors, count))
		return -EINVAL;
	if (make_room(t, count) < 0)
		return -ENOMEM;
	slot = find_slot(t, selectors, count);
	at = position(t, number);
	if (t->slots[slot] || (at < t->entry_count && t->entries[at].number == number))
		return -EEXIST;
	/* Rows come in order from a store; one that does not moves the positions behind it. */
	if (at < t->entry_count) {
		memmove(t->entries + at + 1, t->entries + at, (t->entry_count - at) * sizeof(*t->entries));
		for (size_t i = 0; i < t->slot_count; i++)
			t->slots[i] += t->slots[i] > at;
	}
	t->entries[at] = (struct entry){number, (uint32_t)t->selector_count, count};
	memcpy(t->selectors + t->selector_count, selectors, count * sizeof(uint32_t));
	t->selector_count += count;
	t->entry_count++;
	t->slots[slot] = (uint32_t)at + 1;
	return 0;
}

int rn_identities_intern(struct rn_identities *t, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
			 bool *ret_new)
{
	uint32_t next = t->entry_count ? t->entries[t->entry_count - 1].number + 1 : 1;
	size_t slot;
	int code;

	if (!set_good(selectors, count))
		return -EINVAL;
	slot = t->slot_count ? find_slot(t, selectors, count) : 0;
	if (t->slot_count && t->slots[slot]) {
		*ret_number = t->entries[t->slots[slot] - 1].number;
		if (ret_new)
			*ret_new = false;
		return 0;
	}
	if (next > RN_IDENTITY_MAX)
		return -ENOSPC;
	code = rn_identities_load(t, next, selectors, count);
	if (code < 0)
		return code;
	*ret_number = next;
	if (ret_new)
		*ret_new = true;
	return 0;
}

const uint32_t *rn_identities_get(const struct rn_identities *t, uint32_t number, uint32_t *ret_count)
{
	size_t at = position(t, number);

	*ret_count = 0;
	if (at == t->entry_count || t->entries[at].number != number)
		return NULL;
	*ret_count = t->entries[at].count;
	return t->selectors + t->entries[at].at;
}

void rn_identities_each(const struct rn_identities *t,
			void (*each)(void *context, uint32_t number, const uint32_t *selectors, uint32_t count),
			void *context)
{
	for (size_t i = 0; i < t->entry_count; i++)
		each(context, t->entries[i].number, t->selectors + t->entries[i].at, t->entries[i].count);
}
