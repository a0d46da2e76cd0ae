/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/session_internal.h"

/* A session's place (slot) is part of its id and of its indices: id % slots and index % slots find it. */

static struct rn_session **free_slot(struct rn_sessions *s)
{
	uint32_t i, at;

	/* From a place that moves on, so that places are not used again at once. */
	for (i = 0; i < s->slots; i++) {
		at = (uint32_t)((s->serial + i) % s->slots);
		if (!s->slot[at])
			return &s->slot[at];
	}
	return NULL;
}

struct rn_session *rn_session_new(struct rn_sessions *s, int64_t now_ms, const uint8_t peer[RN_KEY_SIZE],
				  const struct rn_endpoint *endpoint)
{
	struct rn_session **place = free_slot(s);
	struct rn_session *session = place ? calloc(1, sizeof(*session)) : NULL;

	if (!session)
		return NULL;
	session->reliable = rn_reliable_new();
	if (!session->reliable) {
		free(session);
		return NULL;
	}
	session->slot = (uint32_t)(place - s->slot);
	session->id = ++s->serial * s->slots + session->slot;
	memcpy(session->peer, peer, RN_KEY_SIZE);
	rn_cookie_keys(peer, &session->peer_keys);
	session->endpoint = *endpoint;
	session->born_ms = session->heard_ms = session->sent_ms = session->rekeyed_ms = now_ms;
	session->deadline = session->suspect_ms = INT64_MAX;
	session->keepalive_ms = RN_KEEPALIVE_MS;
	session->checked_ms = now_ms;
	*place = session;
	s->count++;
	return session;
}

void rn_session_die(struct rn_sessions *s, struct rn_session *session)
{
	if (session->state == RN_DEAD)
		return;
	if (session->state == RN_HALF_OPEN)
		s->half--;
	session->state = RN_DEAD;
	rn_session_schedule(s, session, INT64_MAX);
	s->slot[session->slot] = NULL;
	s->count--;
	session->next_dead = s->dead;
	s->dead = session;
}

void rn_session_reap(struct rn_sessions *s)
{
	struct rn_session *session;

	while ((session = s->dead)) {
		s->dead = session->next_dead;
		rn_handshake_end(session);
		rn_reliable_free(session->reliable);
		free(session->hello);
		rn_wipe(session, sizeof(*session));
		free(session);
	}
}

struct rn_session *rn_session_find(struct rn_sessions *s, rn_session_id id)
{
	struct rn_session *session = s->slot[id % s->slots];

	return session && session->id == id ? session : NULL;
}

uint32_t rn_session_index(struct rn_sessions *s, const struct rn_session *session)
{
	uint32_t random, index;

	do {
		rn_session_random(s, &random, sizeof(random));
		index = random % (UINT32_MAX / s->slots) * s->slots + session->slot;
	} while (index == 0);
	return index;
}

struct rn_session *rn_session_by_index(struct rn_sessions *s, uint32_t index)
{
	return s->slot[index % s->slots];
}

struct rn_keypair *rn_session_keypair(struct rn_session *session, uint32_t index)
{
	int i;

	for (i = 0; i < RN_KEYPAIRS; i++)
		if (index && session->keys[i].local == index)
			return &session->keys[i];
	return NULL;
}

/* A binary heap of sessions by deadline; heap_at is a session's place + 1. */

static void put(struct rn_sessions *s, uint32_t at, struct rn_session *session)
{
	s->heap[at] = session;
	session->heap_at = at + 1;
}

static void sift_up(struct rn_sessions *s, uint32_t at)
{
	struct rn_session *session = s->heap[at];

	for (; at > 0 && s->heap[(at - 1) / 2]->deadline > session->deadline; at = (at - 1) / 2)
		put(s, at, s->heap[(at - 1) / 2]);
	put(s, at, session);
}

static void sift_down(struct rn_sessions *s, uint32_t at)
{
	struct rn_session *session = s->heap[at];
	uint32_t child;

	while ((child = 2 * at + 1) < s->heap_size) {
		if (child + 1 < s->heap_size && s->heap[child + 1]->deadline < s->heap[child]->deadline)
			child++;
		if (s->heap[child]->deadline >= session->deadline)
			break;
		put(s, at, s->heap[child]);
		at = child;
	}
	put(s, at, session);
}

static void heap_remove(struct rn_sessions *s, struct rn_session *session)
{
	uint32_t at = session->heap_at - 1;
	struct rn_session *last = s->heap[--s->heap_size];

	session->heap_at = 0;
	if (last == session)
		return;
	put(s, at, last);
	sift_up(s, at);
	sift_down(s, last->heap_at - 1);
}

void rn_session_schedule(struct rn_sessions *s, struct rn_session *session, int64_t deadline_ms)
{
	assert(session->state != RN_DEAD || deadline_ms == INT64_MAX);
	if (session->heap_at)
		heap_remove(s, session);
	session->deadline = deadline_ms;
	if (deadline_ms == INT64_MAX)
		return;
	put(s, s->heap_size++, session);
	sift_up(s, s->heap_size - 1);
}
