/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers: rows, the lists they are in, who has which set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/meaning_state.h"

struct rn_meanings *rn_meanings_new(uint32_t epoch, uint32_t numbers_max, int64_t patience_ms)
{
	struct rn_meanings *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->by_hash = rn_numbers_new();
	if (!m->by_hash) {
		free(m);
		return NULL;
	}
	m->epoch = epoch;
	m->numbers_max = numbers_max < RN_IDENTITY_MAX ? numbers_max : RN_IDENTITY_MAX;
	m->patience_ms = patience_ms;
	m->fresh = 1;
	m->aged_at = INT64_MIN;
	return m;
}

void rn_meanings_free(struct rn_meanings *m)
{
	if (!m)
		return;
	for (uint32_t i = 1; i < m->fresh; i++)
		free(m->rows[i].selectors);
	rn_numbers_free(m->by_hash);
	free(m->rows);
	free(m->nodes);
	free(m);
}

/* ---- lists ---- */

static void unlink_row(struct rn_meanings *m, uint32_t number)
{
	struct rn_meaning_row *r = &m->rows[number];
	struct rn_meaning_list *l = &m->list[r->state];

	*(r->previous ? &m->rows[r->previous].next : &l->first) = r->next;
	*(r->next ? &m->rows[r->next].previous : &l->last) = r->previous;
	m->free -= r->state == RN_MEANING_FREE;
}

static void append_row(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state)
{
	struct rn_meaning_row *r = &m->rows[number];
	struct rn_meaning_list *l = &m->list[state];

	r->state = state;
	r->next = 0;
	r->previous = l->last;
	*(l->last ? &m->rows[l->last].next : &l->first) = number;
	l->last = number;
	m->free += state == RN_MEANING_FREE;
}

void rn_meaning_mark(struct rn_meanings *m, uint32_t number)
{
	struct rn_meaning_row *r = &m->rows[number];

	if (r->dirty)
		return;
	r->dirty = true;
	r->next_dirty = 0;
	*(m->dirty.last ? &m->rows[m->dirty.last].next_dirty : &m->dirty.first) = number;
	m->dirty.last = number;
}

void rn_meaning_look_at(struct rn_meanings *m, uint32_t number)
{
	struct rn_meaning_row *r = &m->rows[number];

	if (r->todo)
		return;
	r->todo = true;
	r->next_todo = 0;
	*(m->todo.last ? &m->rows[m->todo.last].next_todo : &m->todo.first) = number;
	m->todo.last = number;
}

void rn_meaning_load_state(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state)
{
	unlink_row(m, number);
	append_row(m, number, state);
}

void rn_meaning_set_state(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state)
{
	rn_meaning_load_state(m, number, state);
	rn_meaning_mark(m, number);
}

/* ---- sets ---- */

bool rn_meaning_set_good(const uint32_t *selectors, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (selectors[i] <= (i ? selectors[i - 1] : 0))
			return false;
	return count <= RN_SELECTORS_MAX;
}

static uint32_t hash_of(const uint32_t *selectors, uint32_t count)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ selectors[i]) * 16777619u;
	return hash ? hash : 1;
}

uint32_t rn_meaning_find(const struct rn_meanings *m, const uint32_t *selectors, uint32_t count)
{
	uint32_t number = rn_numbers_get(m->by_hash, hash_of(selectors, count));

	while (number && (m->rows[number].count != count ||
			  memcmp(m->rows[number].selectors, selectors, count * sizeof(*selectors)) != 0))
		number = m->rows[number].chain;
	return number;
}

int rn_meaning_name(struct rn_meanings *m, uint32_t number, const uint32_t *selectors, uint32_t count)
{
	struct rn_meaning_row *r = &m->rows[number];
	uint32_t hash = hash_of(selectors, count), first = rn_numbers_get(m->by_hash, hash);
	uint32_t *copy = malloc(count * sizeof(*copy));

	if (!copy || rn_numbers_set(m->by_hash, hash, number)) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, selectors, count * sizeof(*copy));
	r->selectors = copy;
	r->count = (uint8_t)count;
	r->chain = first;
	return 0;
}

void rn_meaning_unname(struct rn_meanings *m, uint32_t number)
{
	struct rn_meaning_row *r = &m->rows[number];
	uint32_t hash, at;

	if (!r->selectors)
		return;
	hash = hash_of(r->selectors, r->count);
	at = rn_numbers_get(m->by_hash, hash);
	if (at == number && r->chain)
		(void)rn_numbers_set(m->by_hash, hash, r->chain); /* the key is there: it takes no memory */
	else if (at == number)
		rn_numbers_remove(m->by_hash, hash);
	else {
		while (m->rows[at].chain != number)
			at = m->rows[at].chain;
		m->rows[at].chain = r->chain;
	}
	free(r->selectors);
	r->selectors = NULL;
	r->count = 0;
	r->chain = 0;
}

/* ---- numbers ---- */

int rn_meaning_reach(struct rn_meanings *m, uint32_t number)
{
	if (number >= m->room) {
		uint32_t room = number + number / 2 + 64;
		struct rn_meaning_row *rows = realloc(m->rows, room * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		memset(rows + m->room, 0, (room - m->room) * sizeof(*rows));
		m->rows = rows;
		m->room = room;
	}
	for (; m->fresh <= number; m->fresh++)
		append_row(m, m->fresh, RN_MEANING_FREE);
	return 0;
}

/* Not the ones that were freed just now, as long as memory does not say otherwise. */
static int allot(struct rn_meanings *m, uint32_t *ret, struct rn_err *err)
{
	if (m->free < RN_MEANING_KEEP_FREE && m->fresh <= m->numbers_max) {
		*ret = m->fresh;
		return rn_meaning_reach(m, m->fresh);
	}
	*ret = m->list[RN_MEANING_FREE].first;
	return *ret ? 0
		    : rn_fail(err, -ENOSPC,
			      "all %u identity numbers are in use or not yet forgotten by every hub: wait until "
			      "all hubs are connected, or give devices fewer different sets of tags",
			      m->numbers_max);
}

int rn_meanings_hold(struct rn_meanings *m, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
		     struct rn_err *err)
{
	uint32_t number;
	int rc;

	if (count == 0 || !rn_meaning_set_good(selectors, count))
		return -EINVAL;
	number = rn_meaning_find(m, selectors, count);
	if (!number) {
		rc = allot(m, &number, err);
		if (!rc)
			rc = rn_meaning_name(m, number, selectors, count);
		if (rc)
			return rc;
		m->rows[number].version = 0;
		rn_meaning_set_state(m, number, RN_MEANING_WAITING);
	}
	if (m->rows[number].users++ == 0)
		rn_meaning_look_at(m, number);
	*ret_number = number;
	return 0;
}

static bool live(const struct rn_meanings *m, uint32_t number)
{
	return number && number < m->fresh && m->rows[number].selectors;
}

void rn_meanings_release(struct rn_meanings *m, uint32_t number)
{
	if (live(m, number) && m->rows[number].users && --m->rows[number].users == 0)
		rn_meaning_look_at(m, number);
}

int rn_meanings_adopt(struct rn_meanings *m, uint32_t number)
{
	if (!live(m, number))
		return -ENOENT;
	if (m->rows[number].users++ == 0)
		rn_meaning_look_at(m, number);
	return 0;
}

bool rn_meanings_usable(const struct rn_meanings *m, uint32_t number)
{
	return number && number < m->fresh && m->rows[number].state == RN_MEANING_USABLE;
}

bool rn_meanings_get(const struct rn_meanings *m, uint32_t number, struct rn_meaning *ret)
{
	const struct rn_meaning_row *r;

	if (!number || number >= m->fresh || m->rows[number].state == RN_MEANING_FREE)
		return false;
	r = &m->rows[number];
	*ret = (struct rn_meaning){number, r->state, r->version, r->selectors, r->count};
	return true;
}

uint32_t rn_meanings_count(const struct rn_meanings *m)
{
	return m->fresh - 1 - m->free;
}

/* What was never announced is not stored: a start holds it again. */
bool rn_meanings_next_number(struct rn_meanings *m, struct rn_meaning *ret, bool *ret_sign)
{
	uint32_t number = m->dirty.first;
	struct rn_meaning_row *r;

	if (!number)
		return false;
	r = &m->rows[number];
	m->dirty.first = r->next_dirty;
	if (!m->dirty.first)
		m->dirty.last = 0;
	r->dirty = false;
	*ret_sign = r->unsaid;
	r->unsaid = false;
	if (!rn_meanings_get(m, number, ret) || ret->state == RN_MEANING_WAITING)
		*ret = (struct rn_meaning){.number = number};
	return true;
}
