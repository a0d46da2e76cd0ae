/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENROLL_TALK_H
#define RN_SERVICE_ENROLL_TALK_H

#include "proto/message.h"
#include "proto/session.h"
#include "service/enroll.h"
#include "sys/udp.h"
#include "sys/x509.h"

/* The part of enrolment that meets the network: enroll.c runs it in a child that may do nothing else. */
struct rn_enroll_keys {
	uint8_t noise_secret[RN_KEY_SIZE], noise_public[RN_KEY_SIZE];
	uint8_t wireguard_public[RN_KEY_SIZE];
};

/*
 * From this port, of any number: dials the token's gateway, checks it, sends ENROLL and takes the answer: 0 and the
 * ENROLLED message as it came (at most RN_MESSAGE_MAX bytes), or as rn_enroll.
 */
int rn_enroll_talk(const struct rn_enroll *in, const struct rn_enroll_keys *keys, struct rn_udp *udp,
		   uint8_t *ret_message, size_t *ret_size, struct rn_err *err);

/* Is who shows this hello (proto/hello.h) the gateway of this token? 0, -EKEYREJECTED, -EKEYEXPIRED. */
int rn_enroll_check_gateway(const struct rn_token *token, const uint8_t *hello, size_t size, int64_t now,
			    struct rn_err *err);

struct rn_enroll_result {
	struct rn_self self;
	const uint8_t *anchor, *leaf, *issuer; /* within the message */
	size_t leaf_size, issuer_size;
};
/* Is this ENROLLED message the answer to our request? 0, -EACCES (refused), -EKEYREJECTED, -EKEYEXPIRED, -EBADMSG. */
int rn_enroll_check_answer(const struct rn_enroll *in, const uint8_t noise_public[RN_KEY_SIZE], const uint8_t *message,
			   size_t size, int64_t now, struct rn_enroll_result *ret, struct rn_err *err);

#endif
