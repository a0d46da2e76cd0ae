/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_NET_ATTACKER_H
#define RN_TESTS_NET_ATTACKER_H

#include "attacker.h"
#include "proto/message.h"
#include "role/net.h"
#include "sys/local.h"

/* Of the captured net alone. */
extern const struct attack attack_core[], attack_upstream[], attack_port[];

/* A connection to core that has said NET_HELLO, or -errno. */
int dial_core(const struct inside *inside);
/* A control message in a session; false as tell. */
bool speak(int fd, uint64_t session, const struct rn_message *message);
/* OPEN of a session of which net claims that this key proved itself. */
bool claim(int fd, uint64_t session, const uint8_t key[RN_KEY_SIZE], enum rn_kind kind, uint32_t tag);

#endif
