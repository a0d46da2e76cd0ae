/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

struct entry {
	uint32_t number, count; /* count 0: it was forgotten, and nothing older counts */
	uint64_t version;
	bool ended;
	uint32_t *selectors;
};

struct hub {
	uint32_t number;
	uint64_t version;
	bool apart;
};

struct rn_reading {
	uint32_t self, numbers_max;
	uint32_t epoch;
	uint64_t position, stored, enforced;
	int64_t until_ms;
	bool member, doubt;
	bool broken;		      /* what it was told contradicts itself */
	struct rn_numbers *place;     /* number -> its entry's index + 1 */
	struct rn_numbers *hub_place; /* hub -> its index + 1 */
	struct entry *entries;
	uint32_t count, room, live; /* live: that mean something */
	struct hub *hubs;
	uint32_t hub_count, hub_room;
};

struct rn_reading *rn_reading_new(uint32_t self, uint32_t numbers_max)
{
	struct rn_reading *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->self = self;
	r->numbers_max = numbers_max < RN_IDENTITY_MAX ? numbers_max : RN_IDENTITY_MAX;
	r->place = rn_numbers_new();
	r->hub_place = rn_numbers_new();
	if (r->place && r->hub_place)
		return r;
	rn_reading_free(r);
	return NULL;
}

static void forget_all(struct rn_reading *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		free(r->entries[i].selectors);
	r->count = r->live = r->hub_count = 0;
	rn_numbers_clear(r->place);
	rn_numbers_clear(r->hub_place);
}

void rn_reading_free(struct rn_reading *r)
{
	if (!r)
		return;
	if (r->place && r->hub_place)
		forget_all(r);
	free(r->entries);
	free(r->hubs);
	rn_numbers_free(r->place);
	rn_numbers_free(r->hub_place);
	free(r);
}

bool rn_reading_begin(struct rn_reading *r, const struct rn_meaning_position *from)
{
	r->doubt = false;
	if (from->version)
		return false;
	forget_all(r);
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

static int make_room(void **list, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more = *room ? 2 * *room : 16;
	void *grown;

	if (*list && count < *room)
		return 0;
	grown = realloc(*list, more * size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*room = more;
	return 0;
}

/* The number's entry, a new one where there is none. */
static int entry_for(struct rn_reading *r, uint32_t number, struct entry **ret)
{
	void *list = r->entries;
	int rc;

	*ret = entry_of(r, number);
	if (*ret)
		return 0;
	rc = make_room(&list, r->count, &r->room, sizeof(*r->entries));
	r->entries = list;
	if (!rc)
		rc = rn_numbers_set(r->place, number, r->count + 1);
	if (rc)
		return rc;
	*ret = &r->entries[r->count++];
	**ret = (struct entry){.number = number};
	return 0;
}

static void forget(struct rn_reading *r, struct entry *e)
{
	r->live -= e->count > 0;
	free(e->selectors);
	e->selectors = NULL;
	e->count = 0;
}

static int learn(struct rn_reading *r, struct entry *e, const struct rn_meaning *in)
{
	uint32_t *copy;

	if (r->live >= r->numbers_max)
		return -ENOSPC;
	copy = malloc(in->count * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, in->selectors, in->count * sizeof(*copy));
	e->count = in->count;
	e->selectors = copy;
	r->live++;
	return 0;
}

static bool same(const struct entry *e, const struct rn_meaning *in)
{
	return e->count == in->count && memcmp(e->selectors, in->selectors, in->count * sizeof(*in->selectors)) == 0;
}

static int take(struct rn_reading *r, struct entry *e, const struct rn_meaning *in)
{
	bool end = in->state == RN_MEANING_FORGETTING || in->state == RN_MEANING_RESTING;
	int rc = 0;

	if (end)
		forget(r, e);
	else if (!e->count)
		rc = learn(r, e, in);
	else if (!same(e, in))
		rc = -EBADMSG;
	e->ended = in->state == RN_MEANING_ENDING;
	e->version = in->version;
	return rc;
}

static bool is_said(const struct rn_meaning *in)
{
	bool end = in->state == RN_MEANING_FORGETTING || in->state == RN_MEANING_RESTING;
	bool known =
	    in->state == RN_MEANING_ANNOUNCED || in->state == RN_MEANING_USABLE || in->state == RN_MEANING_ENDING;

	return in->number && (end || (known && in->count && in->count <= RN_SELECTORS_MAX));
}

/* A hub that cannot follow reads nothing until it was told everything anew. */
static int passed(struct rn_reading *r, uint64_t version, int rc)
{
	if (rc)
		r->broken = true;
	else if (version > r->position)
		r->position = version;
	return rc;
}

int rn_reading_number(struct rn_reading *r, const struct rn_meaning *in)
{
	struct entry *e = entry_of(r, in->number);
	int rc;

	if (e && in->version <= e->version)
		return -ESTALE;
	if (!is_said(in))
		return passed(r, in->version, -EBADMSG);
	rc = entry_for(r, in->number, &e);
	return passed(r, in->version, rc ? rc : take(r, e, in));
}

static struct hub *hub_of(const struct rn_reading *r, uint32_t hub)
{
	uint32_t place = rn_numbers_get(r->hub_place, hub);

	return place ? &r->hubs[place - 1] : NULL;
}

static int add_hub(struct rn_reading *r, uint32_t hub, struct hub **ret)
{
	void *list = r->hubs;
	int rc = make_room(&list, r->hub_count, &r->hub_room, sizeof(*r->hubs));

	r->hubs = list;
	if (!rc)
		rc = rn_numbers_set(r->hub_place, hub, r->hub_count + 1);
	if (rc)
		return rc;
	*ret = &r->hubs[r->hub_count++];
	**ret = (struct hub){.number = hub};
	return 0;
}

int rn_reading_hub(struct rn_reading *r, uint32_t hub, bool apart, uint64_t version)
{
	struct hub *h = hub_of(r, hub);
	int rc;

	if (h && version <= h->version)
		return -ESTALE;
	rc = h ? 0 : add_hub(r, hub, &h);
	if (rc)
		return passed(r, version, rc);
	h->version = version;
	h->apart = apart;
	if (hub == r->self)
		r->member = !apart;
	return passed(r, version, 0);
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

const uint32_t *rn_reading_known(const struct rn_reading *r, uint32_t number, uint32_t *ret_count)
{
	const struct entry *e = r->broken || r->doubt ? NULL : entry_of(r, number);

	if (!e || !e->count)
		return NULL;
	*ret_count = e->count;
	return e->selectors;
}

const uint32_t *rn_reading_of(const struct rn_reading *r, int64_t now_ms, uint32_t number, uint32_t *ret_count)
{
	return reads(r, now_ms) ? rn_reading_known(r, number, ret_count) : NULL;
}

bool rn_reading_may_send(const struct rn_reading *r, int64_t now_ms, uint32_t number)
{
	const struct entry *e = reads(r, now_ms) ? entry_of(r, number) : NULL;

	return e && e->count && !e->ended;
}

bool rn_reading_peer(const struct rn_reading *r, int64_t now_ms, uint32_t hub)
{
	const struct hub *h = reads(r, now_ms) ? hub_of(r, hub) : NULL;

	return h && !h->apart;
}
