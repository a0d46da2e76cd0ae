/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_TOKEN_H
#define RN_DOMAIN_TOKEN_H

#include <stdint.h>

#include "base/addr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "domain/record.h"

/*
 * An enrolment token, which carries first contact's trust both ways: whom to believe, and a seed that signs the
 * request.
 * Text: "rnt1." and base64url of id u64, address 16, port u16, shared port u16, seed 32, SHA-256 of the root's public key 32, the
 * gateway's Noise key 32, kind u8, u8 length and name (what the device is to call itself, so that `rnaut up` needs no
 * more than the token) and the first 4 bytes of SHA-256 over all these, which finds typing errors.
 */
#define RN_TOKEN_TEXT 272 /* with the NUL */

struct rn_token {
	uint64_t id;
	struct rn_endpoint gateway;	   /* control endpoint */
	uint16_t gateway_shared;	   /* WireGuard's port there, which control shares; 0: it does not */
	uint8_t seed[RN_KEY_SIZE];	   /* Ed25519; a secret */
	uint8_t fingerprint[RN_SHA256_SIZE]; /* of the root's public key */
	uint8_t gateway_key[RN_KEY_SIZE];  /* Noise */
	enum rn_kind kind;		   /* of the device */
	char name[RN_NAME_MAX + 1];	   /* "": the device chooses */
};

void rn_token_put(const struct rn_token *in, char out[RN_TOKEN_TEXT]);
/* Blanks and newlines around it are ignored; 0 or -EINVAL with a sentence. The caller wipes *ret and the text. */
int rn_token_get(const char *text, struct rn_token *ret, struct rn_err *err);

#endif
