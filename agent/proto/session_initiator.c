/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/session_internal.h"

/*
 * The initiator asks for a cookie, then sends initiations that are made for it. Every attempt is a new Noise handshake,
 * since the responder accepts an initiation once. The same code renews the keys of an open session, by the hour or as a
 * check: when an answer is overdue, the request for a cookie asks whether the session is known. Only where it is not
 * does a handshake follow, whose response proves it.
 */

int rn_handshake_begin(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, bool check)
{
	struct rn_handshake *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->local = rn_session_index(s, session);
	h->check = check;
	h->retry_ms = now_ms;
	h->give_up_ms = now_ms + RN_HANDSHAKE_GIVE_UP_MS;
	session->handshake = h;
	rn_handshake_tick(s, now_ms, session);
	return 0;
}

void rn_handshake_end(struct rn_session *session)
{
	struct rn_handshake *h = session->handshake;

	if (!h)
		return;
	rn_noise_free(h->noise);
	rn_wipe(h, sizeof(*h));
	free(h);
	session->handshake = NULL;
}

static void schedule_retry(struct rn_sessions *s, int64_t now_ms, struct rn_handshake *h)
{
	int64_t wait = RN_HANDSHAKE_RETRY_MS << (h->attempts < 8 ? h->attempts : 8);
	int64_t most = h->check ? RN_CHECK_GAP_MS : RN_HANDSHAKE_RETRY_MAX_MS;
	uint32_t random;

	if (wait > most)
		wait = most;
	rn_session_random(s, &random, sizeof(random));
	h->retry_ms = now_ms + wait + random % (uint32_t)(wait / 4);
	h->attempts++;
}

/* Ends a datagram with mac1 and remembers it: a cookie must answer exactly this datagram. */
static void finish_with_mac1(struct rn_session *session, struct rn_writer *w)
{
	struct rn_handshake *h = session->handshake;

	rn_mac(session->peer_keys.mac1, RN_KEY_SIZE, w->data, w->at, h->mac1);
	rn_write_bytes(w, h->mac1, RN_MAC_SIZE);
}

static void send_cookie_request(struct rn_sessions *s, struct rn_session *session)
{
	uint8_t datagram[RN_COOKIE_REQUEST_SIZE], unique[RN_COOKIE_REQUEST_RANDOM];
	uint8_t zeros[RN_COOKIE_REQUEST_SIZE - RN_WIRE_HEAD - 8 - RN_COOKIE_REQUEST_RANDOM - RN_MAC_SIZE] = { 0 };
	struct rn_writer w = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_COOKIE_REQUEST);

	rn_session_random(s, unique, sizeof(unique));
	rn_write_u32(&w, session->handshake->local);
	rn_write_bytes(&w, unique, sizeof(unique));
	rn_write_u32(&w, session->handshake->check ? session->keys[RN_KEY_CURRENT].remote : 0);
	rn_write_bytes(&w, zeros, sizeof(zeros));
	finish_with_mac1(session, &w);
	rn_session_send(s, &session->endpoint, datagram, w.at);
}

/* The cookie is part of the prologue: an initiation made for another cookie does not authenticate. */
static struct rn_noise *new_noise(struct rn_sessions *s, const struct rn_session *session)
{
	struct rn_wire_prologue prologue = rn_wire_prologue(session->handshake->cookie);
	struct rn_noise *noise =
		rn_noise_new(true, &prologue, sizeof(prologue), s->config.static_secret, session->peer);
	uint8_t ephemeral[RN_KEY_SIZE];

	if (noise && s->config.random) {
		s->config.random(ephemeral, sizeof(ephemeral));
		rn_noise_set_ephemeral(noise, ephemeral);
		rn_wipe(ephemeral, sizeof(ephemeral));
	}
	return noise;
}

static void send_initiation(struct rn_sessions *s, struct rn_session *session)
{
	uint8_t datagram[RN_INITIATION_SIZE], payload[RN_INITIATION_PAYLOAD] = { 0 }, mac2[RN_MAC_SIZE];
	struct rn_writer w = rn_wire_writer(datagram, sizeof(datagram), RN_WIRE_INITIATION);
	struct rn_writer p = rn_writer(payload, sizeof(payload));
	struct rn_handshake *h = session->handshake;
	int size;

	rn_noise_free(h->noise);
	h->noise = new_noise(s, session);
	if (!h->noise)
		return;
	rn_write_u32(&w, h->local);
	rn_write_u32(&p, session->keys[RN_KEY_CURRENT].remote);
	rn_write_u32(&p, h->attempts);
	rn_write_block(&p, session->hello, session->hello_size);
	size = rn_noise_write(h->noise, payload, sizeof(payload), datagram + w.at, RN_INITIATION_NOISE);
	if (size != RN_INITIATION_NOISE)
		return; /* the peer's key is no point of the curve: time will tell */
	w.at += (size_t)size;
	finish_with_mac1(session, &w);
	rn_mac(h->cookie, RN_COOKIE_SIZE, datagram, w.at, mac2);
	rn_write_bytes(&w, mac2, sizeof(mac2));
	rn_session_send(s, &session->endpoint, datagram, w.at);
}

/* Nothing has come back yet: perhaps the other port is open. What answers is where the handshake goes on. */
static void choose_port(struct rn_session *session)
{
	const struct rn_handshake *h = session->handshake;

	if (session->state == RN_CONNECTING && session->ports[1] && !h->cookie_known)
		session->endpoint.port = session->ports[h->attempts % 2 == 0]; /* the first two went to the first */
}

static void attempt(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_handshake *h = session->handshake;

	choose_port(session);
	schedule_retry(s, now_ms, h);
	/* Before the request: whoever knows the session answers the ping first, and no handshake comes of it. */
	if (h->check && !h->cookie_known)
		rn_transport_ping(s, now_ms, session);
	if (h->cookie_known)
		send_initiation(s, session);
	else
		send_cookie_request(s, session);
}

void rn_handshake_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_handshake *h = session->handshake;

	if (!h)
		return;
	if (now_ms >= h->give_up_ms)
		rn_session_end(s, session, -ETIMEDOUT);
	else if (now_ms >= h->retry_ms)
		attempt(s, now_ms, session);
}

int64_t rn_handshake_deadline(const struct rn_session *session)
{
	const struct rn_handshake *h = session->handshake;

	if (!h)
		return INT64_MAX;
	return h->retry_ms < h->give_up_ms ? h->retry_ms : h->give_up_ms;
}

/* The session whose handshake has this index. */
static struct rn_session *waiting(struct rn_sessions *s, uint32_t index)
{
	struct rn_session *session = rn_session_by_index(s, index);

	return session && session->handshake && session->handshake->local == index ? session : NULL;
}

/* A COOKIE or UNKNOWN that answers the handshake's latest datagram. */
static bool open_cookie(const struct rn_session *session, bool unknown, const uint8_t *nonce, const uint8_t *sealed,
			uint8_t ret[RN_COOKIE_SIZE])
{
	uint8_t bound[RN_COOKIE_BOUND_MAX];
	size_t size = rn_wire_bound(session->handshake->mac1, unknown ? session->keys[RN_KEY_CURRENT].remote : 0, bound);

	return rn_xaead_open(session->peer_keys.cookie, nonce, bound, size, sealed, RN_COOKIE_SIZE + RN_TAG_SIZE, ret) == 0;
}

/* The responder knows the session after all: what was lost is sent again, and pings are. */
static void end_check(struct rn_session *session)
{
	rn_handshake_end(session);
	session->suspect_ms = INT64_MAX;
}

void rn_receive_cookie(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
		       size_t size)
{
	struct rn_reader r = rn_reader(datagram + RN_WIRE_HEAD, size - RN_WIRE_HEAD);
	uint32_t index = rn_read_u32(&r);
	const uint8_t *nonce = rn_read_view(&r, RN_COOKIE_NONCE);
	const uint8_t *sealed = rn_read_view(&r, RN_COOKIE_SIZE + RN_TAG_SIZE);
	bool unknown = datagram[RN_WIRE_HEAD - 1] == RN_WIRE_UNKNOWN, first;
	uint8_t cookie[RN_COOKIE_SIZE];
	struct rn_session *session;
	struct rn_handshake *h;

	(void)from;
	session = rn_reader_done(&r) ? waiting(s, index) : NULL;
	if (!session || (unknown && !session->handshake->check) || !open_cookie(session, unknown, nonce, sealed, cookie))
		return;
	h = session->handshake;
	first = !h->cookie_known;
	if (h->check && first && !unknown) {
		end_check(session);
		rn_session_settle(s, now_ms, session);
		return;
	}
	memcpy(h->cookie, cookie, sizeof(cookie));
	h->cookie_known = true;
	/* A cookie in answer to an initiation waits for its retry, or two confused hosts could go on at wire speed. */
	if (first)
		attempt(s, now_ms, session);
	rn_session_settle(s, now_ms, session);
}

static void admitted(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, uint32_t remote,
		     const uint8_t *hello, size_t hello_size)
{
	struct rn_keypair keypair = { .local = session->handshake->local, .remote = remote, .born_ms = now_ms };
	bool first = session->state == RN_CONNECTING;

	rn_noise_split(session->handshake->noise, &keypair.send, &keypair.receive);
	rn_handshake_end(session);
	rn_transport_promote(s, now_ms, session, &keypair);
	rn_wipe(&keypair, sizeof(keypair));
	if (!first)
		return;
	session->state = RN_OPEN;
	session->heard_ms = now_ms;
	rn_session_tell(s, session, RN_SESSION_OPEN, hello, hello_size, 0);
}

static void respond(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, uint32_t remote,
		    const uint8_t *payload, size_t size)
{
	if (size < 1 || payload[0] > RN_RESPONSE_GONE)
		rn_session_end(s, session, -EPROTO);
	else if (payload[0] == RN_RESPONSE_ADMITTED)
		admitted(s, now_ms, session, remote, payload + 1, size - 1);
	else
		rn_session_end(s, session, payload[0] == RN_RESPONSE_GONE ? -ECONNRESET : -ECONNREFUSED);
}

void rn_receive_response(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
			 size_t size)
{
	struct rn_reader r = rn_reader(datagram + RN_WIRE_HEAD, size - RN_WIRE_HEAD);
	uint32_t remote = rn_read_u32(&r), index = rn_read_u32(&r);
	uint8_t payload[RN_RESPONSE_PAYLOAD_MAX];
	struct rn_session *session;
	int payload_size;

	(void)from; /* transport datagrams tell where the peer is */
	if (size < RN_RESPONSE_MIN || size > RN_RESPONSE_MAX || remote == 0 ||
	    !rn_mac_good(s->keys.mac1, RN_KEY_SIZE, datagram, size - RN_MAC_SIZE, datagram + size - RN_MAC_SIZE))
		return;
	session = waiting(s, index);
	if (!session || !session->handshake->noise)
		return;
	payload_size = rn_noise_read(session->handshake->noise, datagram + RN_RESPONSE_HEAD,
				     size - RN_RESPONSE_HEAD - RN_MAC_SIZE, payload, sizeof(payload));
	if (payload_size < 0)
		return;
	respond(s, now_ms, session, remote, payload, (size_t)payload_size);
	rn_session_settle(s, now_ms, session);
}
