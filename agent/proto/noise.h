/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_NOISE_H
#define RN_PROTO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

/*
 * Noise_IK_25519_ChaChaPoly_BLAKE2b (The Noise Protocol Framework, revision 34). Sans-I/O. The ephemeral key comes
 * from rn_random unless a test sets it.
 */
struct rn_noise; /* heap; wiped by rn_noise_free, which takes NULL */

struct rn_noise_cipher { /* a CipherState of section 5.1 after Split() */
	uint8_t key[RN_KEY_SIZE];
	uint64_t counter;
};

/* remote_public is needed by the initiator, NULL for the responder. NULL: out of memory. */
struct rn_noise *rn_noise_new(bool initiator, const void *prologue, size_t prologue_size,
			      const uint8_t static_secret[RN_KEY_SIZE], const uint8_t *remote_public);
void rn_noise_set_ephemeral(struct rn_noise *n, const uint8_t secret[RN_KEY_SIZE]); /* tests only */
void rn_noise_free(struct rn_noise *n);

/* Write or read the next handshake message. Sizes returned, or -EBADMSG, -EMSGSIZE, -EPROTO (not our turn). */
int rn_noise_write(struct rn_noise *n, const void *payload, size_t size, uint8_t *out, size_t out_size);
int rn_noise_read(struct rn_noise *n, const uint8_t *message, size_t size, uint8_t *payload, size_t payload_size);
bool rn_noise_complete(const struct rn_noise *n);
/* Peer's static key: known to the responder after the first message. */
const uint8_t *rn_noise_remote(const struct rn_noise *n);
void rn_noise_hash(const struct rn_noise *n, uint8_t ret[RN_BLAKE2B_SIZE]);
/* Once complete: keys for sending and receiving from this side's view. */
void rn_noise_split(struct rn_noise *n, struct rn_noise_cipher *ret_send, struct rn_noise_cipher *ret_receive);

#define RN_NOISE_MESSAGE_1 (RN_KEY_SIZE + RN_KEY_SIZE + RN_TAG_SIZE + RN_TAG_SIZE) /* without payload */
#define RN_NOISE_MESSAGE_2 (RN_KEY_SIZE + RN_TAG_SIZE)

#endif
