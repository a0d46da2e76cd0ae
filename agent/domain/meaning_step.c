/* SPDX-License-Identifier: Apache-2.0 */
/* What follows: whose lease is over, who has caught up, and how far each number is. */
#include "domain/meaning_state.h"

#define AGE_EVERY_MS (60 * 60 * 1000) /* what is left of a lease is stored so often */

/* ---- hubs ---- */

static void say(struct rn_meanings *m, struct rn_meaning_node *n)
{
	n->version = m->said = ++m->version;
	n->unsaid = true;
	rn_meaning_mark_node(m, n);
}

/* A joiner whose place as a member ended goes on joining; a member that is connected has to come again. */
static void set_apart(struct rn_meanings *m, struct rn_meaning_node *n, bool silent)
{
	if (n->place == MEMBER || silent) {
		n->place = APART;
		n->told = n->open ? m->version : n->told;
		n->open = false;
	}
	n->fence_due = false;
	say(m, n);
	m->fence = n->version;
}

/* What came after that it reads before it reads that it is a member. */
static bool has_caught_up(const struct rn_meaning_node *n)
{
	return n->place == JOINING && n->acknowledged >= n->target;
}

static void look_at_hub(struct rn_meanings *m, struct rn_meaning_node *n, int64_t now)
{
	bool over = n->place == MEMBER && !n->open && now >= n->until;
	bool silent = n->open && now - n->moved_at >= RN_MEANING_LEASE_MS;

	if (n->acknowledged >= m->said || n->acknowledged != n->moved_to) {
		n->moved_at = now;
		n->moved_to = n->acknowledged;
		silent = false;
	}
	if (n->fence_due || over || silent) {
		set_apart(m, n, silent);
	} else if (has_caught_up(n)) {
		n->place = MEMBER;
		say(m, n);
	}
}

static void look_at_hubs(struct rn_meanings *m, int64_t now)
{
	bool age = m->aged_at == INT64_MIN || now - m->aged_at >= AGE_EVERY_MS;

	if (age)
		m->aged_at = now;
	for (unsigned i = 0; i < m->node_count; i++) {
		struct rn_meaning_node *n = &m->nodes[i];

		look_at_hub(m, n, now);
		if (age && n->place == MEMBER && !n->open)
			rn_meaning_mark_node(m, n);
	}
}

/* ---- numbers ---- */

static void move(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state)
{
	m->rows[number].version = m->said = ++m->version;
	m->rows[number].unsaid = true;
	rn_meaning_set_state(m, number, state);
}

static void release_number(struct rn_meanings *m, uint32_t number)
{
	rn_meaning_unname(m, number);
	rn_meaning_set_state(m, number, RN_MEANING_FREE);
}

/* Somebody began to have it, or nobody has it any more. */
static void look_at_users(struct rn_meanings *m, uint32_t number)
{
	struct rn_meaning_row *r = &m->rows[number];
	bool announced = r->state == RN_MEANING_ANNOUNCED || r->state == RN_MEANING_USABLE;

	if (r->state == RN_MEANING_WAITING && !r->users)
		release_number(m, number); /* nobody was told */
	else if (announced && !r->users)
		move(m, number, RN_MEANING_ENDING);
	else if (r->state == RN_MEANING_ENDING && r->users)
		move(m, number, RN_MEANING_ANNOUNCED);
}

static void look_at_those(struct rn_meanings *m)
{
	uint32_t number = m->todo.first, next;

	m->todo = (struct rn_meaning_list){0, 0};
	for (; number; number = next) {
		next = m->rows[number].next_todo;
		m->rows[number].todo = false;
		look_at_users(m, number);
	}
}

/* The first in the list, where it has been acknowledged; 0: none. A list is in order of version. */
static uint32_t due(const struct rn_meanings *m, enum rn_meaning_state state, uint64_t least)
{
	uint32_t number = m->list[state].first;

	return number && m->rows[number].version <= least ? number : 0;
}

static void announce(struct rn_meanings *m)
{
	uint32_t number;

	if (!m->list[RN_MEANING_WAITING].first || !rn_meanings_settled(m))
		return;
	while ((number = m->list[RN_MEANING_WAITING].first))
		move(m, number, RN_MEANING_ANNOUNCED);
}

static void advance(struct rn_meanings *m, int64_t now)
{
	uint64_t use, end;
	uint32_t number;

	rn_meaning_least(m, now, &use, &end);
	while ((number = due(m, RN_MEANING_ANNOUNCED, use)))
		rn_meaning_set_state(m, number, RN_MEANING_USABLE);
	while ((number = due(m, RN_MEANING_ENDING, end))) {
		rn_meaning_unname(m, number);
		move(m, number, RN_MEANING_FORGETTING);
	}
	while (m->fence <= end && (number = due(m, RN_MEANING_FORGETTING, end))) {
		m->rows[number].rest_until = now + RN_MEANING_REST_MS;
		m->horizon = m->rows[number].version > m->horizon ? m->rows[number].version : m->horizon;
		rn_meaning_set_state(m, number, RN_MEANING_RESTING);
	}
	while ((number = m->list[RN_MEANING_RESTING].first) && m->rows[number].rest_until <= now)
		release_number(m, number);
}

void rn_meanings_step(struct rn_meanings *m, int64_t now, uint64_t *version)
{
	m->version = *version;
	look_at_hubs(m, now);
	look_at_those(m);
	announce(m);
	advance(m, now);
	*version = m->version;
}

/* ---- when ---- */

static void sooner(int64_t *at, int64_t now, int64_t other)
{
	if (other > now && other < *at)
		*at = other;
}

int64_t rn_meanings_deadline(const struct rn_meanings *m, int64_t now)
{
	uint32_t resting = m->list[RN_MEANING_RESTING].first;
	int64_t at = INT64_MAX;

	if (resting)
		sooner(&at, now, m->rows[resting].rest_until);
	for (unsigned i = 0; i < m->node_count; i++) {
		const struct rn_meaning_node *n = &m->nodes[i];
		int64_t since = n->open ? n->moved_at : n->closed_at;

		if (n->place == APART || (n->open && n->acknowledged >= m->said))
			continue;
		sooner(&at, now, n->open ? since + RN_MEANING_LEASE_MS : n->until);
		if (!n->open)
			sooner(&at, now, m->aged_at + AGE_EVERY_MS);
		if (m->list[RN_MEANING_ANNOUNCED].first)
			sooner(&at, now, since + m->patience_ms);
	}
	return at;
}
