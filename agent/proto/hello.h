/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_HELLO_H
#define RN_PROTO_HELLO_H

#include <stddef.h>
#include <stdint.h>

/*
 * A handshake's payload: who speaks. Three forms, of at most RN_HELLO_MAX bytes:
 *
 *   nothing                   a stranger, who can only enrol
 *   block leaf                a device, to those who know its issuer
 *   block leaf, block issuer, block anchor
 *                             the gateway, to a stranger: what the fingerprint of a token can be checked against
 *
 * Certificates are DER, the anchor is domain/record.h's; a block is a u16 length and its bytes. Views point into data.
 */
struct rn_hello {
	const uint8_t *leaf, *issuer, *anchor; /* NULL: absent */
	size_t leaf_size, issuer_size, anchor_size;
};

/* Size written (0 where there is no leaf) or -EMSGSIZE, -EINVAL (issuer without anchor, or the reverse). */
int rn_hello_encode(const struct rn_hello *in, uint8_t *out, size_t out_size);
/* 0 or -EBADMSG. */
int rn_hello_decode(const uint8_t *data, size_t size, struct rn_hello *ret);

#endif
