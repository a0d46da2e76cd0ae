/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_SESSION_H
#define RN_PROTO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/crypto.h"

/*
 * The control protocol's endpoint, sans-I/O: datagrams and the time go in; datagrams, messages and deadlines come out
 * (docs/protocol.md). One endpoint serves many sessions, as responder and as initiator at once. Times are milliseconds
 * of one monotonic clock.
 *
 * Before its cookie is proven, a stranger costs no state and gets no answer larger than its request. After the
 * handshake, messages of at most RN_MESSAGE_MAX bytes arrive reliably, once and in order; peers may roam.
 */
#define RN_DATAGRAM_MAX 1232
#define RN_MESSAGE_MAX (16u * 1024u)
#define RN_HELLO_MAX 1024 /* a handshake payload: the certificate of the sender, or nothing */

typedef uint64_t rn_session_id; /* never 0, never reused within a process */

enum rn_session_event_type {
	RN_SESSION_ASK,	    /* responder, given to admit(): this key with this hello wants in, or to renew its keys (hourly) */
	RN_SESSION_OPEN,    /* both sides: messages may flow; hello is the other's payload */
	RN_SESSION_MESSAGE, /* one whole message */
	RN_SESSION_WRITABLE, /* the send queue is empty again after -EAGAIN */
	RN_SESSION_CLOSED,  /* gone: `reason` is 0 (closed or begun anew by the peer), -ECONNRESET (the peer has proven that it
			       does not know the session: it was restarted), -ETIMEDOUT, -ECONNREFUSED, -EPROTO, -ENOMEM */
	RN_SESSION_SILENCE, /* reason: so many pings are unanswered, 1 or RN_WATCH_PINGS; 0: it answers (again) */
};
struct rn_session_event {
	enum rn_session_event_type type;
	rn_session_id session; /* 0 for ASK */
	const uint8_t *peer;   /* its static key */
	struct rn_endpoint from;
	const uint8_t *data; /* hello or message; valid during the callback */
	size_t size;
	int reason;
};
struct rn_sessions_config {
	uint8_t static_secret[RN_KEY_SIZE];
	uint32_t sessions_max;
	void *context;
	void (*send)(void *context, const struct rn_endpoint *to, const uint8_t *datagram, size_t size);
	void (*event)(void *context, const struct rn_session_event *event);
	/* ASK: return true to admit; ret_hello (RN_HELLO_MAX bytes) and *ret_size is our payload. */
	bool (*admit)(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size);
	void (*random)(void *out, size_t size); /* NULL: rn_random; tests give a seeded one */
};

struct rn_sessions; /* the endpoint */
struct rn_sessions *rn_sessions_new(const struct rn_sessions_config *config); /* NULL: out of memory */
void rn_sessions_free(struct rn_sessions *s);					   /* wipes; NULL is legal */

void rn_sessions_receive(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
			 size_t size);
/* Starts a handshake: the id, or 0 where the table is full. Its OPEN or CLOSED event follows. */
rn_session_id rn_sessions_connect(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *to,
				  const uint8_t peer[RN_KEY_SIZE], const uint8_t *hello, size_t hello_size);
/*
 * The peer may be at another port of its address too: while it has not answered, every other attempt goes there, the
 * third the first of them. Call after rn_sessions_connect; unknown ids are ignored.
 */
void rn_sessions_alternate(struct rn_sessions *s, rn_session_id id, uint16_t port);
/*
 * How long our session, as its initiator, may be silent before it pings: 10 s unless this is called, at least 1 s. A
 * restart of the peer is noticed about a second after the next ping. Unknown ids are ignored.
 */
void rn_sessions_keepalive(struct rn_sessions *s, int64_t now_ms, rn_session_id id, int64_t ms);
/*
 * Our session, as its initiator, is watched: after ms without a datagram it pings, and where that is not answered within
 * twice the usual time (0.1 to 0.4 s) again. SILENCE is told at the first unanswered ping, at the RN_WATCH_PINGSth, and
 * when the peer is heard after either. For as long as the session lasts. Unknown ids are ignored.
 */
#define RN_WATCH_PINGS 3
void rn_sessions_watch(struct rn_sessions *s, int64_t now_ms, rn_session_id id, int64_t ms);
/* One ping now; SILENCE with 0 is told when the peer is heard next. */
void rn_sessions_probe(struct rn_sessions *s, int64_t now_ms, rn_session_id id);
/* 0, -EAGAIN (queue full: WRITABLE follows), -EMSGSIZE, -ENOENT. */
int rn_sessions_send(struct rn_sessions *s, int64_t now_ms, rn_session_id id, const uint8_t *message, size_t size);
/* No event follows. What was queued is still delivered, for at most five seconds. */
void rn_sessions_close(struct rn_sessions *s, int64_t now_ms, rn_session_id id);
/* Does what is due; returns the next deadline, INT64_MAX for none. Call after every other call too. */
int64_t rn_sessions_tick(struct rn_sessions *s, int64_t now_ms);
uint32_t rn_sessions_count(const struct rn_sessions *s); /* in every state, half-open and lingering ones too */

#endif
