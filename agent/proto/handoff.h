/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_HANDOFF_H
#define RN_PROTO_HANDOFF_H

#include "proto/session.h"

/*
 * Between net and kern, RUN/port.sock: datagrams of the control protocol that are to leave from WireGuard's port. One
 * SEQPACKET message each, little endian. kern believes nothing: whoever holds net's end can send control datagrams from
 * that port, and nothing else.
 *
 *   net -> kern:  from (16) | to (16) | port (2) | datagram (4 to 1232)
 *   kern -> net:  port (2) | complete (1)
 */
#define RN_HANDOFF_HEAD (16 + 16 + 2)
#define RN_HANDOFF_MAX (RN_HANDOFF_HEAD + RN_DATAGRAM_MAX)
#define RN_HANDOFF_STATE_SIZE 3

struct rn_handoff {
	struct rn_addr from; /* of this host, zero: as the routes choose */
	struct rn_endpoint to;
	const uint8_t *datagram;
	size_t size;
};

/* What kern offers. */
struct rn_handoff_state {
	uint16_t port; /* WireGuard's, shared; 0: control has its own port alone */
	bool complete; /* what comes to it is steered on every interface: new sessions may use it */
};

int rn_handoff_encode(const struct rn_handoff *in, uint8_t out[RN_HANDOFF_MAX]); /* the size, or -EMSGSIZE */
/* 0, or -EBADMSG: too short, too long, or not a datagram of the control protocol. The view points into data. */
int rn_handoff_decode(const uint8_t *data, size_t size, struct rn_handoff *ret);
void rn_handoff_state_encode(const struct rn_handoff_state *in, uint8_t out[RN_HANDOFF_STATE_SIZE]);
int rn_handoff_state_decode(const uint8_t *data, size_t size, struct rn_handoff_state *ret); /* 0 or -EBADMSG */

#endif
