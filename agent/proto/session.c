/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/session_internal.h"

void rn_session_random(const struct rn_sessions *s, void *out, size_t size)
{
	(s->config.random ? s->config.random : rn_random)(out, size);
}

struct rn_wire_prologue rn_wire_prologue(const uint8_t cookie[RN_COOKIE_SIZE])
{
	struct rn_wire_prologue p = { .label = "rnaut control v" };

	p.label[15] = '1';
	memcpy(p.cookie, cookie, sizeof(p.cookie));
	return p;
}

size_t rn_wire_bound(const uint8_t mac1[RN_MAC_SIZE], uint32_t unknown, uint8_t ret[RN_COOKIE_BOUND_MAX])
{
	struct rn_writer w = rn_writer(ret, RN_COOKIE_BOUND_MAX);

	rn_write_bytes(&w, mac1, RN_MAC_SIZE);
	if (unknown)
		rn_write_u32(&w, unknown);
	return w.at;
}

struct rn_writer rn_wire_writer(uint8_t *out, size_t size, enum rn_wire_type type)
{
	struct rn_writer w = rn_writer(out, size);

	rn_write_u8(&w, RN_WIRE_MAGIC_0);
	rn_write_u8(&w, RN_WIRE_MAGIC_1);
	rn_write_u8(&w, RN_WIRE_MAGIC_2);
	rn_write_u8(&w, (uint8_t)type);
	return w;
}

void rn_session_send(struct rn_sessions *s, const struct rn_endpoint *to, const uint8_t *datagram, size_t size)
{
	s->config.send(s->config.context, to, datagram, size);
}

void rn_session_tell(struct rn_sessions *s, struct rn_session *session, enum rn_session_event_type type,
		     const uint8_t *data, size_t size, int reason)
{
	const struct rn_session_event event = {
		type, session->id, session->peer, session->endpoint, data, size, reason
	};

	s->config.event(s->config.context, &event);
}

void rn_session_end(struct rn_sessions *s, struct rn_session *session, int reason)
{
	bool tell = session->state == RN_CONNECTING || session->state == RN_OPEN;

	if (session->state == RN_DEAD)
		return;
	rn_session_die(s, session);
	if (tell)
		rn_session_tell(s, session, RN_SESSION_CLOSED, NULL, 0, reason);
}

static int64_t deadline_of(const struct rn_session *session)
{
	int64_t handshake = rn_handshake_deadline(session), transport;

	if (session->state == RN_CONNECTING)
		return handshake;
	if (session->state == RN_HALF_OPEN)
		return session->born_ms + RN_HALF_OPEN_MS;
	transport = rn_transport_deadline(session);
	return handshake < transport ? handshake : transport;
}

static bool has_keys(const struct rn_session *session)
{
	return session->state == RN_OPEN || session->state == RN_LINGERING;
}

void rn_session_settle(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	int64_t deadline;

	if (has_keys(session))
		rn_transport_flush(s, now_ms, session);
	if (session->state == RN_LINGERING && rn_reliable_drained(session->reliable)) {
		rn_transport_close(s, now_ms, session);
		rn_session_die(s, session);
	}
	if (session->state == RN_OPEN && session->want_writable && rn_reliable_drained(session->reliable)) {
		session->want_writable = false;
		rn_session_tell(s, session, RN_SESSION_WRITABLE, NULL, 0, 0);
	}
	if (session->state == RN_DEAD)
		return;
	/* Never now again: a deadline that does not move must not hold up the loop. */
	deadline = deadline_of(session);
	rn_session_schedule(s, session, deadline > now_ms ? deadline : now_ms + 1);
}

static void due(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	rn_handshake_tick(s, now_ms, session);
	if (session->state == RN_HALF_OPEN && now_ms >= session->born_ms + RN_HALF_OPEN_MS)
		rn_session_end(s, session, -ETIMEDOUT);
	if (session->state == RN_LINGERING && now_ms >= session->linger_ms) {
		rn_transport_close(s, now_ms, session);
		rn_session_die(s, session);
	}
	if (has_keys(session))
		rn_transport_tick(s, now_ms, session);
	rn_session_settle(s, now_ms, session);
}

static void enter(struct rn_sessions *s)
{
	s->depth++;
}

static void leave(struct rn_sessions *s)
{
	if (--s->depth == 0)
		rn_session_reap(s);
}

struct rn_sessions *rn_sessions_new(const struct rn_sessions_config *config)
{
	struct rn_sessions *s = calloc(1, sizeof(*s));
	uint32_t max = config->sessions_max < RN_SESSIONS_MAX ? config->sessions_max : RN_SESSIONS_MAX;
	uint32_t spent = 2 * max < RN_SPENT_MIN ? RN_SPENT_MIN : 2 * max > RN_SPENT_MAX ? RN_SPENT_MAX : 2 * max;

	if (!s)
		return NULL;
	s->config = *config;
	s->config.sessions_max = max;
	s->half_max = max / 4 + RN_HALF_OPEN_MIN;
	s->slots = max + s->half_max;
	rn_x25519_public(config->static_secret, s->static_public);
	rn_cookie_keys(s->static_public, &s->keys);
	s->jar = rn_cookie_jar_new(spent, config->random ? config->random : rn_random);
	s->sources = rn_source_limit_new(config->random ? config->random : rn_random);
	s->slot = calloc(s->slots, sizeof(struct rn_session *));
	s->heap = calloc(s->slots, sizeof(struct rn_session *));
	if (s->jar && s->sources && s->slot && s->heap)
		return s;
	rn_sessions_free(s);
	return NULL;
}

void rn_sessions_free(struct rn_sessions *s)
{
	uint32_t i;

	if (!s)
		return;
	for (i = 0; s->slot && i < s->slots; i++)
		if (s->slot[i])
			rn_session_die(s, s->slot[i]);
	rn_session_reap(s);
	rn_cookie_jar_free(s->jar);
	rn_source_limit_free(s->sources);
	free(s->slot);
	free(s->heap);
	rn_wipe(s, sizeof(*s));
	free(s);
}

static void (*const receivers[RN_WIRE_TYPE_END])(struct rn_sessions *, int64_t, const struct rn_endpoint *,
						 const uint8_t *, size_t) = {
	[RN_WIRE_COOKIE_REQUEST] = rn_receive_cookie_request, [RN_WIRE_COOKIE] = rn_receive_cookie,
	[RN_WIRE_INITIATION] = rn_receive_initiation,	      [RN_WIRE_RESPONSE] = rn_receive_response,
	[RN_WIRE_TRANSPORT] = rn_receive_transport,	      [RN_WIRE_UNKNOWN] = rn_receive_cookie,
};

void rn_sessions_receive(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
			 size_t size)
{
	if (size < RN_WIRE_HEAD || size > RN_DATAGRAM_MAX || datagram[0] != RN_WIRE_MAGIC_0 ||
	    datagram[1] != RN_WIRE_MAGIC_1 || datagram[2] != RN_WIRE_MAGIC_2)
		return;
	if (datagram[3] >= RN_WIRE_TYPE_END || !receivers[datagram[3]])
		return;
	enter(s);
	receivers[datagram[3]](s, now_ms, from, datagram, size);
	leave(s);
}

rn_session_id rn_sessions_connect(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *to,
				  const uint8_t peer[RN_KEY_SIZE], const uint8_t *hello, size_t hello_size)
{
	struct rn_session *session;
	rn_session_id id = 0;

	if (hello_size > RN_HELLO_MAX || s->count - s->half >= s->config.sessions_max)
		return 0;
	session = rn_session_new(s, now_ms, peer, to);
	if (!session)
		return 0;
	enter(s);
	session->initiator = true;
	session->state = RN_CONNECTING;
	session->hello = malloc(hello_size ? hello_size : 1);
	if (session->hello && hello_size > 0)
		memcpy(session->hello, hello, hello_size);
	session->hello_size = hello_size;
	if (session->hello && rn_handshake_begin(s, now_ms, session, false) == 0) {
		id = session->id;
		rn_session_settle(s, now_ms, session);
	} else {
		rn_session_die(s, session);
	}
	leave(s);
	return id;
}

void rn_sessions_alternate(struct rn_sessions *s, rn_session_id id, uint16_t port)
{
	struct rn_session *session = rn_session_find(s, id);

	if (!session || session->state != RN_CONNECTING)
		return;
	session->ports[0] = session->endpoint.port;
	session->ports[1] = port;
}

void rn_sessions_keepalive(struct rn_sessions *s, int64_t now_ms, rn_session_id id, int64_t ms)
{
	struct rn_session *session = rn_session_find(s, id);

	if (!session)
		return;
	enter(s);
	session->keepalive_ms = ms > RN_KEEPALIVE_MIN_MS ? ms : RN_KEEPALIVE_MIN_MS;
	if (session->keepalive_ms > RN_KEEPALIVE_MS)
		session->keepalive_ms = RN_KEEPALIVE_MS;
	rn_session_settle(s, now_ms, session);
	leave(s);
}

void rn_sessions_watch(struct rn_sessions *s, int64_t now_ms, rn_session_id id, int64_t ms)
{
	struct rn_session *session = rn_session_find(s, id);

	if (!session || !session->initiator || session->state != RN_OPEN)
		return;
	enter(s);
	session->watched.every_ms = ms > RN_WATCH_WAIT_MIN_MS ? ms : RN_WATCH_WAIT_MIN_MS;
	session->watched.at_ms = now_ms + session->watched.every_ms;
	session->watched.unanswered = 0;
	rn_session_settle(s, now_ms, session);
	leave(s);
}

void rn_sessions_probe(struct rn_sessions *s, int64_t now_ms, rn_session_id id)
{
	struct rn_session *session = rn_session_find(s, id);

	if (!session || !session->initiator || session->state != RN_OPEN)
		return;
	enter(s);
	session->watched.asked = true;
	rn_transport_ping(s, now_ms, session);
	rn_session_settle(s, now_ms, session);
	leave(s);
}

int rn_sessions_send(struct rn_sessions *s, int64_t now_ms, rn_session_id id, const uint8_t *message, size_t size)
{
	struct rn_session *session = rn_session_find(s, id);
	int r;

	if (!session || session->state == RN_LINGERING || session->state == RN_HALF_OPEN)
		return -ENOENT;
	r = rn_reliable_queue(session->reliable, message, size);
	if (r == -EAGAIN || r == -ENOMEM) {
		session->want_writable = true;
		return -EAGAIN;
	}
	if (r < 0)
		return r;
	enter(s);
	rn_session_settle(s, now_ms, session);
	leave(s);
	return 0;
}

void rn_sessions_close(struct rn_sessions *s, int64_t now_ms, rn_session_id id)
{
	struct rn_session *session = rn_session_find(s, id);

	if (!session || session->state == RN_LINGERING)
		return;
	enter(s);
	if (session->state == RN_OPEN) {
		session->state = RN_LINGERING;
		session->linger_ms = now_ms + RN_LINGER_MS;
		rn_session_settle(s, now_ms, session);
	} else {
		rn_session_die(s, session);
	}
	leave(s);
}

int64_t rn_sessions_tick(struct rn_sessions *s, int64_t now_ms)
{
	enter(s);
	while (s->heap_size > 0 && s->heap[0]->deadline <= now_ms)
		due(s, now_ms, s->heap[0]);
	leave(s);
	return s->heap_size > 0 ? s->heap[0]->deadline : INT64_MAX;
}

uint32_t rn_sessions_count(const struct rn_sessions *s)
{
	return s->count;
}
