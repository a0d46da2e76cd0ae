/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_KNOCK_H
#define RN_PROTO_KNOCK_H

#include "proto/wire.h"

/*
 * A question that whoever has a key answers, and nobody else: one COOKIE_REQUEST and its COOKIE (docs/protocol.md). It
 * leaves nothing behind at the other end.
 */
struct rn_knock {
	uint8_t datagram[RN_COOKIE_REQUEST_SIZE]; /* to be sent */
	uint8_t cookie_key[RN_KEY_SIZE];
	uint32_t index;
};
/* peer: the other's Noise key. */
void rn_knock_make(const uint8_t peer[RN_KEY_SIZE], struct rn_knock *ret);
/* True where the datagram is the answer of who has the key, to this very question. */
bool rn_knock_answered(const struct rn_knock *knock, const uint8_t *datagram, size_t size);

#endif
