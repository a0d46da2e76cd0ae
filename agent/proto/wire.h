/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_WIRE_H
#define RN_PROTO_WIRE_H

#include "base/crypto.h"
#include "proto/noise.h"
#include "proto/session.h"

/* Every size, timer and limit of the control protocol. The byte diagrams and the reasons are in docs/protocol.md. */

/* The first four bytes: the magic and a type. WireGuard's datagrams begin with 1..4, 0, 0, 0. */
#define RN_WIRE_MAGIC_0 0x52
#define RN_WIRE_MAGIC_1 0x4e
#define RN_WIRE_MAGIC_2 0x31
enum rn_wire_type {
	RN_WIRE_COOKIE_REQUEST = 1,
	RN_WIRE_COOKIE = 2,
	RN_WIRE_INITIATION = 3,
	RN_WIRE_RESPONSE = 4,
	RN_WIRE_TRANSPORT = 5,
	RN_WIRE_UNKNOWN = 6, /* a COOKIE for one who asked about a session that is not known */
};
#define RN_WIRE_TYPE_END 7

/* Sizes in bytes. An answer is never larger than what it answers. */
#define RN_MAC_SIZE 16
#define RN_COOKIE_SIZE 16
#define RN_COOKIE_NONCE 24
#define RN_WIRE_HEAD 4
#define RN_COOKIE_REQUEST_SIZE 128
#define RN_COOKIE_REQUEST_RANDOM 16
#define RN_COOKIE_BOUND_MAX (RN_MAC_SIZE + 4)
#define RN_COOKIE_DATAGRAM_SIZE (RN_WIRE_HEAD + 4 + RN_COOKIE_NONCE + RN_COOKIE_SIZE + RN_TAG_SIZE)
#define RN_INITIATION_SIZE RN_DATAGRAM_MAX
#define RN_INITIATION_HEAD (RN_WIRE_HEAD + 4)
#define RN_INITIATION_NOISE (RN_INITIATION_SIZE - RN_INITIATION_HEAD - 2 * RN_MAC_SIZE)
#define RN_INITIATION_PAYLOAD (RN_INITIATION_NOISE - RN_NOISE_MESSAGE_1)
#define RN_RESPONSE_HEAD (RN_WIRE_HEAD + 8)
#define RN_RESPONSE_PAYLOAD_MAX (1 + RN_HELLO_MAX)
#define RN_RESPONSE_MIN (RN_RESPONSE_HEAD + RN_NOISE_MESSAGE_2 + 1 + RN_MAC_SIZE)
#define RN_RESPONSE_MAX (RN_RESPONSE_MIN + RN_HELLO_MAX)
#define RN_TRANSPORT_HEAD (RN_WIRE_HEAD + 12)
#define RN_TRANSPORT_PLAIN_MAX (RN_DATAGRAM_MAX - RN_TRANSPORT_HEAD - RN_TAG_SIZE)
_Static_assert(RN_COOKIE_DATAGRAM_SIZE <= RN_COOKIE_REQUEST_SIZE, "no amplification");
_Static_assert(RN_RESPONSE_MAX <= RN_INITIATION_SIZE, "no amplification");
_Static_assert(10 + RN_HELLO_MAX <= RN_INITIATION_PAYLOAD, "the hello fits");

/* Frames of a transport datagram. */
enum rn_frame_type { RN_FRAME_ACK = 1, RN_FRAME_DATA = 2, RN_FRAME_PING = 3, RN_FRAME_CLOSE = 4 };
#define RN_FRAME_TYPE_END 5
#define RN_ACK_FRAME_SIZE (1 + 8 + 4)
#define RN_DATA_FRAME_HEAD (1 + 8 + 1 + 2)
#define RN_FRAGMENT_MAX (RN_TRANSPORT_PLAIN_MAX - RN_ACK_FRAME_SIZE - RN_DATA_FRAME_HEAD)
#define RN_FRAGMENT_LAST 1 /* flag: ends a message */

/* What an initiator is told in the response's payload. */
enum rn_response_status { RN_RESPONSE_ADMITTED = 0, RN_RESPONSE_REFUSED = 1, RN_RESPONSE_GONE = 2 };

/* Timers in milliseconds. */
#define RN_COOKIE_ROTATE_MS 120000     /* a cookie is good for one to two of these */
#define RN_HANDSHAKE_RETRY_MS 500      /* the first; then doubled up to ... */
#define RN_HANDSHAKE_RETRY_MAX_MS 2000 /* ... this, each with up to a quarter more by chance */
#define RN_HANDSHAKE_GIVE_UP_MS 40000
#define RN_HALF_OPEN_MS 10000	  /* the initiator's first transport datagram must come */
#define RN_HALF_OPEN_FAIR_MS 1000 /* before that it makes no room for another */
#define RN_KEEPALIVE_MS 10000 /* the initiator pings; rn_sessions_keepalive changes it */
#define RN_KEEPALIVE_MIN_MS 1000
#define RN_WATCH_WAIT_FIRST_MS 200 /* for the answer of a watched peer whose round trip is not known */
#define RN_WATCH_WAIT_MIN_MS 100
#define RN_WATCH_WAIT_MAX_MS 400
#define RN_SUSPECT_MS 500	/* at least this, else the retransmission timeout, may an answer take ... */
#define RN_CHECK_GAP_MS 1000	/* ... and then the initiator asks whether the session is still known, this often */
#define RN_PROBE_AFTER_MS 12000 /* of silence */
#define RN_PROBE_MS 2000
#define RN_DEAD_MS 30000
#define RN_REKEY_MS 3600000
#define RN_KEY_DEAD_MS (RN_REKEY_MS + 300000)
#define RN_PREVIOUS_KEY_MS 30000 /* for datagrams that are still under way */
#define RN_LINGER_MS 5000	 /* a closed session tries to deliver what was queued */
#define RN_ACK_DELAY_MS 20
#define RN_RTO_FIRST_MS 1000
#define RN_RTO_MIN_MS 200
#define RN_RTO_MAX_MS 4000

/* Limits. */
#define RN_COUNTER_MAX (1ull << 60) /* of datagrams under one key */
#define RN_RECEIVE_WINDOW 32	    /* fragments kept out of order, and so the most in flight: bits of an ACK */
#define RN_SEND_QUEUE 256	    /* fragments */
#define RN_CWND_FIRST 4
#define RN_CWND_MIN 2
#define RN_LOSS_THRESHOLD 3   /* later transmissions that arrived */
#define RN_REPLAY_WINDOW 1024 /* datagrams */
#define RN_SOURCES 1024	      /* proven sources remembered by the limiter */
#define RN_SOURCE_RATE 20     /* handshakes a second from one IPv4 address or IPv6 /64 */
#define RN_SOURCE_BURST 40
#define RN_SPENT_MIN 64 /* initiations remembered a cookie period: twice the sessions, within these */
#define RN_SPENT_MAX 16384
#define RN_SESSIONS_MAX (1u << 20)
#define RN_HALF_OPEN_MIN 64 /* half-open sessions: these and a quarter of sessions_max */

#endif
