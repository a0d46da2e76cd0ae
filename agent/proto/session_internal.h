/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_SESSION_INTERNAL_H
#define RN_PROTO_SESSION_INTERNAL_H

#include "base/buf.h"
#include "proto/cookie.h"
#include "proto/noise.h"
#include "proto/reliable.h"
#include "proto/replay.h"
#include "proto/rtt.h"
#include "proto/session.h"
#include "proto/source_limit.h"
#include "proto/wire.h"

/*
 * Shared by session.c (the endpoint), session_table.c (places, indices, deadlines), session_initiator.c,
 * session_responder.c, session_transport.c and session_watch.c.
 *
 *   initiator:  CONNECTING --response--> OPEN --close--> LINGERING --> DEAD
 *   responder:  HALF_OPEN --first transport datagram--> OPEN
 *
 * A session never leaves DEAD. It is freed when the outermost call returns, so that callbacks may call us.
 */
enum rn_session_state { RN_CONNECTING, RN_HALF_OPEN, RN_OPEN, RN_LINGERING, RN_DEAD };

struct rn_keypair { /* what one handshake gave; local 0: none */
	uint32_t local, remote;
	uint32_t attempt; /* of the initiator, at the responder */
	struct rn_noise_cipher send, receive;
	struct rn_replay replay;
	int64_t born_ms;
};

struct rn_handshake {		/* the initiator's, while it lasts */
	struct rn_noise *noise; /* NULL until there is a cookie */
	uint32_t local;
	bool cookie_known;
	bool check; /* asks whether the session is still known; every sign that it is ends this */
	uint8_t cookie[RN_COOKIE_SIZE], mac1[RN_MAC_SIZE]; /* mac1 of the latest datagram: a cookie must be for it */
	int64_t retry_ms, give_up_ms;
	unsigned attempts;
};

enum { RN_KEY_CURRENT, RN_KEY_PREVIOUS, RN_KEY_NEXT, RN_KEYPAIRS };

struct rn_watched { /* session_watch.c */
	int64_t every_ms, at_ms; /* every_ms 0: not watched */
	unsigned unanswered;
	bool asked; /* somebody waits for a sign of life */
	struct rn_rtt rtt;
};

struct rn_session {
	rn_session_id id;
	uint32_t slot;
	enum rn_session_state state;
	bool initiator, heard, want_writable;
	uint8_t peer[RN_KEY_SIZE];
	struct rn_endpoint endpoint;
	uint16_t ports[2]; /* while connecting: where else it may be; [1] 0: nowhere */
	struct rn_cookie_keys peer_keys;
	uint8_t *hello; /* the initiator's own; the responder keeps the peer's until OPEN */
	size_t hello_size;
	struct rn_handshake *handshake;
	struct rn_keypair keys[RN_KEYPAIRS];
	struct rn_reliable *reliable;
	int64_t born_ms, heard_ms, sent_ms, probe_ms, rekeyed_ms, linger_ms;
	int64_t keepalive_ms, suspect_ms, checked_ms; /* suspect_ms: an answer is overdue then; INT64_MAX: none is */
	struct rn_watched watched;
	int64_t deadline;
	uint32_t heap_at; /* place in the heap + 1, 0: none */
	struct rn_session *next_dead;
};

struct rn_sessions {
	struct rn_sessions_config config;
	uint8_t static_public[RN_KEY_SIZE];
	struct rn_cookie_keys keys;
	struct rn_cookie_jar *jar;
	struct rn_source_limit *sources;
	uint32_t slots, half_max; /* slots: sessions_max and room for half-open ones */
	uint32_t count, half;
	uint64_t serial;
	struct rn_session **slot;
	struct rn_session **heap;
	uint32_t heap_size;
	unsigned depth; /* of calls into us */
	struct rn_session *dead;
};

/* Of the Noise handshake: both sides must have used the same cookie. */
struct rn_wire_prologue {
	char label[16];
	uint8_t cookie[RN_COOKIE_SIZE];
};

/* session_table.c */
struct rn_session *rn_session_new(struct rn_sessions *s, int64_t now_ms, const uint8_t peer[RN_KEY_SIZE],
				  const struct rn_endpoint *endpoint); /* NULL: no room */
void rn_session_die(struct rn_sessions *s, struct rn_session *session);
void rn_session_reap(struct rn_sessions *s); /* frees the dead ones */
struct rn_session *rn_session_find(struct rn_sessions *s, rn_session_id id);
uint32_t rn_session_index(struct rn_sessions *s, const struct rn_session *session);
struct rn_session *rn_session_by_index(struct rn_sessions *s, uint32_t index);
struct rn_keypair *rn_session_keypair(struct rn_session *session, uint32_t index);
void rn_session_schedule(struct rn_sessions *s, struct rn_session *session, int64_t deadline_ms);

/* session.c */
void rn_session_random(const struct rn_sessions *s, void *out, size_t size);
void rn_session_tell(struct rn_sessions *s, struct rn_session *session, enum rn_session_event_type type,
		     const uint8_t *data, size_t size, int reason);
/* Tells CLOSED, where OPEN was told or was to follow a connect, and ends the session. */
void rn_session_end(struct rn_sessions *s, struct rn_session *session, int reason);
void rn_session_send(struct rn_sessions *s, const struct rn_endpoint *to, const uint8_t *datagram, size_t size);
/* Sends what may be sent and sets the deadline. After everything that changed a session. */
void rn_session_settle(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
struct rn_wire_prologue rn_wire_prologue(const uint8_t cookie[RN_COOKIE_SIZE]);
/* What a cookie is bound to: the mac1 it answers and, in UNKNOWN, the index that is not known (else 0). The size. */
size_t rn_wire_bound(const uint8_t mac1[RN_MAC_SIZE], uint32_t unknown, uint8_t ret[RN_COOKIE_BOUND_MAX]);
struct rn_writer rn_wire_writer(uint8_t *out, size_t size, enum rn_wire_type type);

/* session_initiator.c */
/* check: only because an answer is overdue. 0 or -ENOMEM. */
int rn_handshake_begin(struct rn_sessions *s, int64_t now_ms, struct rn_session *session, bool check);
void rn_handshake_end(struct rn_session *session);
void rn_handshake_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
int64_t rn_handshake_deadline(const struct rn_session *session);
void rn_receive_cookie(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
		       size_t size);
void rn_receive_response(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from, const uint8_t *datagram,
			 size_t size);

/* session_responder.c */
void rn_receive_cookie_request(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			       const uint8_t *datagram, size_t size);
void rn_receive_initiation(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			   const uint8_t *datagram, size_t size);
/* The initiator of a half-open session has proven that it has the keys. */
void rn_responder_confirmed(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);

/* session_transport.c */
void rn_receive_transport(struct rn_sessions *s, int64_t now_ms, const struct rn_endpoint *from,
			  const uint8_t *datagram, size_t size);
void rn_transport_flush(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
void rn_transport_ping(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
void rn_transport_close(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
void rn_transport_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
int64_t rn_transport_deadline(const struct rn_session *session);
/* Where the ciphers of a finished handshake go: current becomes previous. */
void rn_transport_promote(struct rn_sessions *s, int64_t now_ms, struct rn_session *session,
			  const struct rn_keypair *keypair);


/* session_watch.c */
int64_t rn_watch_deadline(const struct rn_session *session);
void rn_watch_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);
void rn_watch_heard(struct rn_sessions *s, int64_t now_ms, struct rn_session *session);

#endif
