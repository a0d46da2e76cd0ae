/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/session_internal.h"

/* Cheapest test first; no state before the cookie, no session before the peer is admitted. */

/* unknown: the session that was asked about and is not known, or 0. */
static void send_cookie(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *to, uint32_t index,
			const uint8_t mac1[RN_MAC_SIZE], uint32_t unknown)
{
	uint8_t datagram[RN_COOKIE_DATAGRAM_SIZE], nonce[RN_COOKIE_NONCE], cookie[RN_COOKIE_SIZE];
	uint8_t bound[RN_COOKIE_BOUND_MAX];
	struct rn_writer w = rn_wire_writer(datagram, sizeof(datagram), unknown ? RN_WIRE_UNKNOWN : RN_WIRE_COOKIE);
	size_t bound_size = rn_wire_bound(mac1, unknown, bound);

	rn_cookie_make(s->jar, now_ms, to, cookie);
	rn_session_random(s, nonce, sizeof(nonce));
	rn_write_u32(&w, index);
	rn_write_bytes(&w, nonce, sizeof(nonce));
	rn_xaead_seal(s->keys.cookie, nonce, bound, bound_size, cookie, sizeof(cookie), datagram + w.at);
	rn_session_send(s, to, datagram, sizeof(datagram));
}

static bool known(struct rn_sessions *s, uint32_t index)
{
	struct rn_session *session = rn_session_by_index(s, index);

	return session && !session->initiator && rn_session_keypair(session, index);
}

static uint32_t sender_of(const uint8_t *datagram, size_t size)
{
	struct rn_reader r = rn_reader(datagram + RN_WIRE_HEAD, size - RN_WIRE_HEAD);

	return rn_read_u32(&r);
}

void rn_receive_cookie_request(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			       const uint8_t *datagram, size_t size)
{
	struct rn_reader r = rn_reader(datagram + RN_WIRE_HEAD, size - RN_WIRE_HEAD);
	uint32_t sender = rn_read_u32(&r), asked;
	const uint8_t *mac1;

	if (size != RN_COOKIE_REQUEST_SIZE)
		return;
	rn_read_view(&r, RN_COOKIE_REQUEST_RANDOM);
	asked = rn_read_u32(&r);
	mac1 = datagram + size - RN_MAC_SIZE;
	if (!rn_mac_good(s->keys.mac1, RN_KEY_SIZE, datagram, size - RN_MAC_SIZE, mac1))
		return;
	send_cookie(s, now_ms, from, sender, mac1, asked && !known(s, asked) ? asked : 0);
}

/* What an initiation says once it is read. */
struct request {
	struct rn_noise *noise;
	uint32_t remote, continues, attempt;
	const uint8_t *ephemeral, *hello;
	size_t hello_size;
};

static bool parse_payload(const uint8_t *payload, size_t size, struct request *ret)
{
	struct rn_reader r = rn_reader(payload, size);

	ret->continues = rn_read_u32(&r);
	ret->attempt = rn_read_u32(&r);
	ret->hello = rn_read_block(&r, RN_HELLO_MAX, &ret->hello_size);
	return !r.failed && rn_is_zero(r.data + r.at, r.size - r.at);
}

static void send_response(struct rn_sessions *s, const struct rn_endpoint *to, const struct request *q, uint32_t local,
			  const uint8_t *payload, size_t size)
{
	uint8_t datagram[RN_RESPONSE_MAX], mac1[RN_MAC_SIZE], ephemeral[RN_KEY_SIZE];
	struct rn_writer w = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_RESPONSE);
	struct rn_cookie_keys keys;
	int noise_size;

	if (s->config.random) {
		s->config.random(ephemeral, sizeof(ephemeral));
		rn_noise_set_ephemeral(q->noise, ephemeral);
	}
	rn_write_u32(&w, local);
	rn_write_u32(&w, q->remote);
	noise_size = rn_noise_write(q->noise, payload, size, datagram + w.at, sizeof(datagram) - w.at - RN_MAC_SIZE);
	if (noise_size < 0)
		return;
	w.at += (size_t)noise_size;
	rn_cookie_keys(rn_noise_remote(q->noise), &keys);
	rn_mac(keys.mac1, RN_KEY_SIZE, datagram, w.at, mac1);
	rn_write_bytes(&w, mac1, sizeof(mac1));
	rn_session_send(s, to, datagram, w.at);
}

static void refuse(struct rn_sessions *s, const struct rn_endpoint *to, const struct request *q, uint8_t status)
{
	send_response(s, to, q, UINT32_MAX, &status, 1);
}

/* Another session that this peer opened, in this state. */
static struct rn_session *session_of(struct rn_sessions *s, const uint8_t peer[RN_KEY_SIZE],
				     enum rn_session_state state, const struct rn_session *except)
{
	uint32_t i;

	for (i = 0; i < s->slots; i++) {
		struct rn_session *other = s->slot[i];

		if (other && other != except && !other->initiator && other->state == state &&
		    memcmp(other->peer, peer, RN_KEY_SIZE) == 0)
			return other;
	}
	return NULL;
}

/*
 * Room for one more half-open session. In a full table the oldest goes, if it had time to confirm: so neither a flood
 * keeps others out, nor does a rush of honest peers push each other out.
 */
static bool make_half_room(struct rn_sessions *s, int64_t now_ms)
{
	struct rn_session *oldest = NULL;
	uint32_t i;

	if (s->half < s->half_max)
		return true;
	for (i = 0; i < s->slots; i++) {
		struct rn_session *other = s->slot[i];

		if (other && other->state == RN_HALF_OPEN && (!oldest || other->id < oldest->id))
			oldest = other;
	}
	if (!oldest || now_ms - oldest->born_ms < RN_HALF_OPEN_FAIR_MS)
		return false;
	rn_session_die(s, oldest);
	return true;
}

static bool room_for(struct rn_sessions *s, const uint8_t peer[RN_KEY_SIZE])
{
	return s->count - s->half < s->config.sessions_max || session_of(s, peer, RN_OPEN, NULL);
}

static bool ask(struct rn_sessions *s, const struct rn_endpoint *from, const struct request *q, uint8_t *ret_hello,
		size_t *ret_size)
{
	struct rn_session_event event = { .type = RN_SESSION_ASK,
					  .peer = rn_noise_remote(q->noise),
					  .from = *from,
					  .data = q->hello,
					  .size = q->hello_size };

	*ret_size = 0;
	return s->config.admit(s->config.context, &event, ret_hello, ret_size) && *ret_size <= RN_HELLO_MAX;
}

static void finish_keypair(const struct request *q, int64_t now_ms, uint32_t local, struct rn_keypair *ret)
{
	*ret = (struct rn_keypair){ .local = local, .remote = q->remote, .attempt = q->attempt };
	ret->born_ms = now_ms;
	rn_noise_split(q->noise, &ret->send, &ret->receive);
}

/* Attempts of one handshake may overtake each other: the initiator has forgotten all but its last. */
static bool outdated(const struct rn_keypair *k, const struct request *q)
{
	return k->local && k->remote == q->remote && k->attempt > q->attempt;
}

/* New keys for a session that is open: they take over with the first datagram under them. */
static void renew(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const struct request *q)
{
	struct rn_session *session = rn_session_by_index(s, q->continues);
	uint8_t payload[RN_RESPONSE_PAYLOAD_MAX] = { RN_RESPONSE_ADMITTED };
	rn_session_id id;
	size_t size;
	uint32_t local;

	if (!session || session->initiator || session->state != RN_OPEN || !rn_session_keypair(session, q->continues) ||
	    memcmp(session->peer, rn_noise_remote(q->noise), RN_KEY_SIZE) != 0) {
		refuse(s, from, q, RN_RESPONSE_GONE);
		return;
	}
	if (outdated(&session->keys[RN_KEY_NEXT], q))
		return;
	id = session->id;
	if (!ask(s, from, q, payload + 1, &size)) {
		refuse(s, from, q, RN_RESPONSE_REFUSED);
		return;
	}
	session = rn_session_find(s, id);
	if (!session)
		return;
	local = rn_session_index(s, session);
	send_response(s, from, q, local, payload, 1 + size);
	finish_keypair(q, now_ms, local, &session->keys[RN_KEY_NEXT]);
}

static bool keep_hello(struct rn_session *session, const struct request *q)
{
	session->hello = malloc(q->hello_size ? q->hello_size : 1);
	if (!session->hello)
		return false;
	memcpy(session->hello, q->hello, q->hello_size);
	session->hello_size = q->hello_size;
	return true;
}

static void begin(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const struct request *q)
{
	const uint8_t *peer = rn_noise_remote(q->noise);
	uint8_t payload[RN_RESPONSE_PAYLOAD_MAX] = { RN_RESPONSE_ADMITTED };
	struct rn_session *session;
	size_t size;
	uint32_t local;

	session = session_of(s, peer, RN_HALF_OPEN, NULL);
	if (session && outdated(&session->keys[RN_KEY_CURRENT], q))
		return;
	if (!room_for(s, peer) || !ask(s, from, q, payload + 1, &size)) {
		refuse(s, from, q, RN_RESPONSE_REFUSED);
		return;
	}
	/* One at a time: the peer has begun another. */
	session = session_of(s, peer, RN_HALF_OPEN, NULL);
	if (session)
		rn_session_die(s, session);
	session = make_half_room(s, now_ms) ? rn_session_new(s, now_ms, peer, from) : NULL;
	if (!session)
		return;
	session->state = RN_HALF_OPEN;
	s->half++;
	if (!keep_hello(session, q)) {
		rn_session_die(s, session);
		return;
	}
	local = rn_session_index(s, session);
	send_response(s, from, q, local, payload, 1 + size);
	finish_keypair(q, now_ms, local, &session->keys[RN_KEY_CURRENT]);
	rn_session_settle(s, now_ms, session);
}

void rn_receive_initiation(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			   const uint8_t *datagram, size_t size)
{
	uint8_t payload[RN_INITIATION_PAYLOAD], cookie[RN_COOKIE_SIZE];
	struct request q = { .remote = 0 };
	struct rn_wire_prologue prologue;
	const uint8_t *mac1, *mac2;
	int payload_size;

	if (size != RN_INITIATION_SIZE)
		return;
	mac2 = datagram + size - RN_MAC_SIZE;
	mac1 = mac2 - RN_MAC_SIZE;
	if (!rn_mac_good(s->keys.mac1, RN_KEY_SIZE, datagram, size - 2 * RN_MAC_SIZE, mac1))
		return;
	q.remote = sender_of(datagram, size);
	if (!rn_cookie_proven(s->jar, now_ms, from, datagram, size - RN_MAC_SIZE, mac2, cookie)) {
		send_cookie(s, now_ms, from, q.remote, mac1, 0);
		return;
	}
	q.ephemeral = datagram + RN_INITIATION_HEAD;
	if (rn_cookie_spent(s->jar, q.ephemeral) || !rn_source_allowed(s->sources, now_ms, &from->addr))
		return;
	prologue = rn_wire_prologue(cookie);
	q.noise = rn_noise_new(false, &prologue, sizeof(prologue), s->config.static_secret, NULL);
	if (!q.noise)
		return;
	payload_size = rn_noise_read(q.noise, q.ephemeral, RN_INITIATION_NOISE, payload, sizeof(payload));
	if (payload_size > 0 && parse_payload(payload, (size_t)payload_size, &q)) {
		rn_cookie_spend(s->jar, now_ms, q.ephemeral);
		(q.continues ? renew : begin)(s, now_ms, from, &q);
	}
	rn_noise_free(q.noise);
}

void rn_responder_confirmed(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_session *old = session_of(s, session->peer, RN_OPEN, session);
	uint8_t *hello = session->hello;

	s->half--;
	session->state = RN_OPEN;
	if (old)
		rn_session_end(s, old, 0);
	if (session->state != RN_OPEN)
		return;
	if (s->count - s->half > s->config.sessions_max) {
		rn_transport_close(s, now_ms, session);
		rn_session_die(s, session);
		return;
	}
	session->hello = NULL;
	rn_session_tell(s, session, RN_SESSION_OPEN, hello, session->hello_size, 0);
	free(hello);
	session->hello_size = 0;
}
