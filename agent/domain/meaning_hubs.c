/* SPDX-License-Identifier: Apache-2.0 */
/* The hubs: who is waited for, and what each has acknowledged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/meaning_state.h"

struct rn_meaning_node *rn_meaning_node_of(const struct rn_meanings *m, uint32_t hub)
{
	for (unsigned i = 0; i < m->node_count; i++)
		if (m->nodes[i].hub == hub)
			return &m->nodes[i];
	return NULL;
}

void rn_meaning_mark_node(struct rn_meanings *m, struct rn_meaning_node *n)
{
	n->dirty = true;
	m->nodes_dirty = true;
}

int rn_meaning_add_node(struct rn_meanings *m, uint32_t hub, struct rn_meaning_node **ret)
{
	if (m->node_count == RN_MEANING_HUBS_MAX)
		return -ENOSPC;
	if (m->node_count == m->node_room) {
		unsigned room = m->node_room ? 2 * m->node_room : 16;
		struct rn_meaning_node *nodes = realloc(m->nodes, room * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		m->nodes = nodes;
		m->node_room = room;
	}
	*ret = &m->nodes[m->node_count++];
	**ret = (struct rn_meaning_node){.hub = hub};
	return 0;
}

bool rn_meanings_settled(const struct rn_meanings *m)
{
	for (unsigned i = 0; i < m->node_count; i++)
		if (m->nodes[i].place == MEMBER && !m->nodes[i].heard)
			return false;
	return true;
}

void rn_meanings_vouch(struct rn_meanings *m)
{
	for (unsigned i = 0; i < m->node_count; i++)
		m->nodes[i].heard = true;
}

bool rn_meaning_is_late(const struct rn_meanings *m, const struct rn_meaning_node *n, int64_t now)
{
	return now - (n->open ? n->moved_at : n->closed_at) >= m->patience_ms;
}

void rn_meaning_least(const struct rn_meanings *m, int64_t now, uint64_t *ret_use, uint64_t *ret_end)
{
	*ret_use = *ret_end = UINT64_MAX;
	for (unsigned i = 0; i < m->node_count; i++) {
		const struct rn_meaning_node *n = &m->nodes[i];

		if (n->place == APART)
			continue;
		if (n->acknowledged < *ret_end)
			*ret_end = n->acknowledged;
		if (n->place == MEMBER && !rn_meaning_is_late(m, n, now) && n->acknowledged < *ret_use)
			*ret_use = n->acknowledged;
	}
}

bool rn_meanings_member(const struct rn_meanings *m, uint32_t hub)
{
	const struct rn_meaning_node *n = rn_meaning_node_of(m, hub);

	return n && n->place == MEMBER;
}

uint64_t rn_meanings_told(const struct rn_meanings *m, uint32_t hub)
{
	const struct rn_meaning_node *n = rn_meaning_node_of(m, hub);

	return n ? n->told : 0;
}

unsigned rn_meanings_hubs(const struct rn_meanings *m)
{
	return m->node_count;
}

/* A joiner is nobody's peer yet and has to begin anew. */
static void close_node(struct rn_meanings *m, struct rn_meaning_node *n, int64_t now, uint64_t newest)
{
	if (!n->open)
		return;
	n->open = false;
	n->told = newest;
	n->closed_at = now;
	n->until = now + RN_MEANING_LEASE_MS;
	if (n->place == JOINING)
		n->place = APART;
	rn_meaning_mark_node(m, n);
}

void rn_meanings_closed(struct rn_meanings *m, int64_t now, uint32_t hub, uint64_t newest)
{
	struct rn_meaning_node *n = rn_meaning_node_of(m, hub);

	if (n)
		close_node(m, n, now, newest);
}

/* What it lacks can still be told as changes. */
static bool can_go_on(const struct rn_meanings *m, const struct rn_meaning_node *n,
		      const struct rn_meaning_position *claim)
{
	return n->place == MEMBER && claim->epoch == m->epoch && claim->version && claim->version >= m->horizon;
}

static bool is_from_the_future(const struct rn_meanings *m, const struct rn_meaning_node *n,
			       const struct rn_meaning_position *p)
{
	return p->epoch > m->epoch || (p->epoch == m->epoch && p->version > n->told);
}

static void join(struct rn_meaning_node *n, uint64_t newest)
{
	n->fence_due = n->fence_due || n->place == MEMBER;
	n->place = JOINING;
	n->acknowledged = 0;
	n->target = newest ? newest : 1; /* an acknowledgement there must be */
}

int rn_meanings_subscribe(struct rn_meanings *m, int64_t now, uint32_t hub, const struct rn_meaning_position *claim,
			  const struct rn_meaning_position *seen, uint64_t newest, struct rn_meaning_position *ret_from)
{
	struct rn_meaning_node *n = rn_meaning_node_of(m, hub);
	int rc = n ? 0 : rn_meaning_add_node(m, hub, &n);

	if (rc)
		return rc;
	close_node(m, n, now, newest);
	if (is_from_the_future(m, n, claim) || is_from_the_future(m, n, seen))
		return -ESTALE;
	*ret_from = *claim;
	if (!can_go_on(m, n, claim)) {
		join(n, newest);
		*ret_from = (struct rn_meaning_position){m->epoch, 0};
	} else if (n->acknowledged > claim->version) {
		n->acknowledged = claim->version;
	}
	n->open = n->heard = true;
	n->moved_at = now;
	n->moved_to = n->acknowledged;
	n->told = UINT64_MAX;
	rn_meaning_mark_node(m, n);
	return 0;
}

int rn_meanings_acknowledge(struct rn_meanings *m, uint32_t hub, uint64_t version, uint64_t newest)
{
	struct rn_meaning_node *n = rn_meaning_node_of(m, hub);

	if (!n || !n->open || version > newest)
		return -EINVAL;
	if (version > n->acknowledged)
		n->acknowledged = version;
	return 0;
}

void rn_meanings_remove(struct rn_meanings *m, uint32_t hub)
{
	struct rn_meaning_node *n = rn_meaning_node_of(m, hub);

	if (!n)
		return;
	n->fence_due = n->fence_due || n->place == MEMBER;
	n->place = APART;
	n->open = false;
	n->gone = true;
	rn_meaning_mark_node(m, n);
}

int rn_meanings_begin_epoch(struct rn_meanings *m, uint32_t epoch)
{
	if (epoch <= m->epoch)
		return -EINVAL;
	m->epoch = epoch;
	m->fence = m->horizon = 0;
	for (unsigned i = 0; i < m->node_count; i++) {
		struct rn_meaning_node *n = &m->nodes[i];

		*n = (struct rn_meaning_node){.hub = n->hub, .gone = n->gone, .fence_due = true};
		rn_meaning_mark_node(m, n);
	}
	for (uint32_t number = 1; number < m->fresh; number++) {
		struct rn_meaning_row *r = &m->rows[number];

		if (r->state == RN_MEANING_FREE)
			continue;
		if (!r->users)
			rn_meaning_unname(m, number);
		r->version = 0;
		rn_meaning_set_state(m, number, r->users ? RN_MEANING_WAITING : RN_MEANING_FREE);
	}
	return 0;
}

static void drop_node(struct rn_meanings *m, struct rn_meaning_node *n)
{
	*n = m->nodes[--m->node_count];
}

bool rn_meanings_next_hub(struct rn_meanings *m, int64_t now, struct rn_meaning_hub *ret, bool *ret_sign)
{
	for (unsigned i = 0; m->nodes_dirty && i < m->node_count; i++) {
		struct rn_meaning_node *n = &m->nodes[i];
		int64_t left = n->open ? RN_MEANING_LEASE_MS : n->until - now;

		if (!n->dirty)
			continue;
		*ret = (struct rn_meaning_hub){
		    .hub = n->hub,
		    .apart = n->place != MEMBER,
		    .connected = n->open,
		    .gone = n->gone,
		    .version = n->version,
		    .told = n->told,
		    .left_ms = n->place == MEMBER && left > 0 ? (uint64_t)left : 0,
		};
		*ret_sign = n->unsaid;
		n->dirty = n->unsaid = false;
		if (n->gone)
			drop_node(m, n);
		return true;
	}
	m->nodes_dirty = false;
	return false;
}
