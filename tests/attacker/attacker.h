/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_ATTACKER_H
#define RN_TESTS_ATTACKER_H

#include <errno.h>
#include <stdlib.h>

#include "role/net.h"
#include "proto/message.h"
#include "sys/local.h"

/*
 * rnautd whose net is the attacker: it starts as the real one does, with its sandbox, its key and its descriptors, and
 * then does the one thing that /run/attack names. What came of it is a line "attack NAME: ..." on standard error, where
 * there is one: many attacks end with the process. Built for tests/netns/test_attacker.py only.
 */
struct attack {
	const char *name;
	void (*run)(struct net *net, char **words, int count); /* words: what follows the name */
};
extern const struct attack attack_calls[], attack_files[], attack_core[], attack_upstream[]; /* ended by NULL */

/* One line "attack NAME: text". */
void said(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rest_ms(int ms);

/* A connection to core that has said NET_HELLO, or -errno. */
int dial_core(const struct net *net);
/* Waits until it was taken. False: core hung up. */
bool tell(int fd, const struct rn_local *message);
/* The next message of core within ms: 1, 0 hung up, -EAGAIN none came. Views live until the next call. */
int hear(int fd, int ms, struct rn_local *ret);
/* A control message in a session; false as tell. */
bool speak(int fd, uint64_t session, const struct rn_message *message);
/* OPEN of a session of which net claims that this key proved itself. */
bool claim(int fd, uint64_t session, const uint8_t key[RN_KEY_SIZE], enum rn_kind kind, uint32_t tag);

#endif
