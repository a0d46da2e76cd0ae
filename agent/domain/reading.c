/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

struct entry {
	uint32_t number, count;
	bool ended;
	uint32_t *selectors;
};

struct rn_reading {
	uint32_t self, numbers_max;
	uint32_t epoch;
	uint64_t position, stored, enforced;
	int64_t until_ms;
	bool member, doubt;
	bool broken;		  /* what it was told contradicts itself */
	struct rn_numbers *place; /* number -> its entry's index + 1 */
	struct rn_numbers *peers; /* hub -> 1 */
	struct entry *entries;
	uint32_t count, room;
};

struct rn_reading *rn_reading_new(uint32_t self, uint32_t numbers_max)
{
	struct rn_reading *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->self = self;
	r->numbers_max = numbers_max < RN_IDENTITY_MAX ? numbers_max : RN_IDENTITY_MAX;
	r->place = rn_numbers_new();
	r->peers = rn_numbers_new();
	if (r->place && r->peers)
		return r;
	rn_reading_free(r);
	return NULL;
}

static void forget_all(struct rn_reading *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		free(r->entries[i].selectors);
	r->count = 0;
	rn_numbers_clear(r->place);
}

void rn_reading_free(struct rn_reading *r)
{
	if (!r)
		return;
	if (r->place)
		forget_all(r);
	free(r->entries);
	rn_numbers_free(r->place);
	rn_numbers_free(r->peers);
	free(r);
}

bool rn_reading_begin(struct rn_reading *r, const struct rn_meaning_position *from)
{
	r->doubt = false;
	if (from->version)
		return false;
	forget_all(r);
	rn_numbers_clear(r->peers);
	r->epoch = from->epoch;
	r->position = r->stored = r->enforced = 0;
	r->member = r->broken = false;
	return true;
}

void rn_reading_resume(struct rn_reading *r, const struct rn_meaning_position *disk)
{
	r->epoch = disk->epoch;
	r->position = r->stored = disk->version;
}

void rn_reading_doubt(struct rn_reading *r)
{
	r->doubt = true;
}

void rn_reading_lease(struct rn_reading *r, int64_t until_ms)
{
	r->until_ms = until_ms;
}

/* ---- takers ---- */

static struct entry *entry_of(const struct rn_reading *r, uint32_t number)
{
	uint32_t place = rn_numbers_get(r->place, number);

	return place ? &r->entries[place - 1] : NULL;
}

static void forget(struct rn_reading *r, uint32_t number)
{
	struct entry *e = entry_of(r, number);

	if (!e)
		return;
	rn_numbers_remove(r->place, number);
	free(e->selectors);
	*e = r->entries[--r->count];
	if (e != &r->entries[r->count])
		(void)rn_numbers_set(r->place, e->number, (uint32_t)(e - r->entries) + 1); /* the key is there */
}

static int grow(struct rn_reading *r)
{
	uint32_t room = r->room ? 2 * r->room : 16;
	struct entry *entries;

	if (r->entries && r->count < r->room)
		return 0;
	entries = realloc(r->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	r->entries = entries;
	r->room = room;
	return 0;
}

static int learn(struct rn_reading *r, const struct rn_meaning *in)
{
	struct entry *e;
	uint32_t *copy;

	if (r->count >= r->numbers_max)
		return -ENOSPC;
	copy = malloc(in->count * sizeof(*copy));
	if (!copy || grow(r) || rn_numbers_set(r->place, in->number, r->count + 1)) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, in->selectors, in->count * sizeof(*copy));
	e = &r->entries[r->count++];
	e->number = in->number;
	e->count = in->count;
	e->ended = in->state == RN_MEANING_ENDING;
	e->selectors = copy;
	return 0;
}

static bool same(const struct entry *e, const struct rn_meaning *in)
{
	return e->count == in->count && memcmp(e->selectors, in->selectors, in->count * sizeof(*in->selectors)) == 0;
}

static int take(struct rn_reading *r, const struct rn_meaning *in)
{
	struct entry *e = entry_of(r, in->number);
	bool end = in->state == RN_MEANING_FORGETTING || in->state == RN_MEANING_RESTING;
	bool known =
	    in->state == RN_MEANING_ANNOUNCED || in->state == RN_MEANING_USABLE || in->state == RN_MEANING_ENDING;

	if (end)
		forget(r, in->number);
	if (end)
		return 0;
	if (!known || !in->number || !in->count || in->count > RN_SELECTORS_MAX)
		return -EBADMSG;
	if (!e)
		return learn(r, in);
	if (!same(e, in))
		return -EBADMSG;
	e->ended = in->state == RN_MEANING_ENDING;
	return 0;
}

/* A hub that cannot follow reads nothing until it was told everything anew. */
static int passed(struct rn_reading *r, uint64_t version, int rc)
{
	if (rc)
		r->broken = true;
	else
		r->position = version;
	return rc;
}

int rn_reading_number(struct rn_reading *r, const struct rn_meaning *in)
{
	return in->version <= r->position ? -ESTALE : passed(r, in->version, take(r, in));
}

int rn_reading_hub(struct rn_reading *r, uint32_t hub, bool apart, uint64_t version)
{
	int rc = 0;

	if (version <= r->position)
		return -ESTALE;
	if (hub == r->self)
		r->member = !apart;
	else if (apart)
		rn_numbers_remove(r->peers, hub);
	else
		rc = rn_numbers_set(r->peers, hub, 1);
	return passed(r, version, rc);
}

void rn_reading_other(struct rn_reading *r, uint64_t version)
{
	if (version > r->position && !r->broken)
		r->position = version;
}

/* ---- how far ---- */

void rn_reading_stored(struct rn_reading *r, uint64_t version)
{
	if (version > r->stored)
		r->stored = version;
}

void rn_reading_enforced(struct rn_reading *r, uint64_t version)
{
	if (version > r->enforced)
		r->enforced = version;
}

uint64_t rn_reading_acknowledged(const struct rn_reading *r)
{
	uint64_t least = r->stored < r->enforced ? r->stored : r->enforced;

	return r->broken ? 0 : least < r->position ? least : r->position;
}

struct rn_meaning_position rn_reading_position(const struct rn_reading *r)
{
	return (struct rn_meaning_position){r->epoch, r->broken ? 0 : r->position};
}

/* ---- what it means ---- */

static bool reads(const struct rn_reading *r, int64_t now_ms)
{
	return r->member && !r->doubt && !r->broken && now_ms < r->until_ms;
}

const uint32_t *rn_reading_of(const struct rn_reading *r, int64_t now_ms, uint32_t number, uint32_t *ret_count)
{
	const struct entry *e = reads(r, now_ms) ? entry_of(r, number) : NULL;

	if (!e)
		return NULL;
	*ret_count = e->count;
	return e->selectors;
}

bool rn_reading_may_send(const struct rn_reading *r, int64_t now_ms, uint32_t number)
{
	const struct entry *e = reads(r, now_ms) ? entry_of(r, number) : NULL;

	return e && !e->ended;
}

bool rn_reading_peer(const struct rn_reading *r, int64_t now_ms, uint32_t hub)
{
	return reads(r, now_ms) && rn_numbers_get(r->peers, hub);
}
