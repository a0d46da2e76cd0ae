/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_ATTACKER_H
#define RN_TESTS_ATTACKER_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "proto/local.h"

/*
 * A process of rnautd that is the attacker: it starts as the real one does, with its sandbox, its keys and its
 * descriptors, and then does the one thing that /run/attack names. What came of it is a line "attack NAME: ..." on
 * standard error, where there is one: many attacks end with the process. Two programs, net_*.c and web_*.c, for
 * tests/netns/test_attacker*.py only.
 */
struct inside {
	const char *process; /* which one was captured: "net", "web" */
	int socket;	     /* one of its sockets to the network */
	struct net *net;     /* NULL in the others */
	struct web *web;
};
struct attack {
	const char *name;
	void (*run)(const struct inside *inside, char **words, int count); /* words: what follows the name */
};
extern const struct attack attack_calls[], attack_files[]; /* ended by NULL; of both programs */

/* What /run/attack names, out of these lists, which end with NULL. */
void attack(const struct inside *inside, const struct attack *const lists[]);
/* One line "attack NAME: text". */
void said(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rest_ms(int ms);
bool told_to_end(void); /* there is a file /run/attack-end */
/* Waits until it was taken. False: core hung up. */
bool tell(int fd, const struct rn_local *message);
/* The next message of core within ms: 1, 0 hung up, -EAGAIN none came. Views live until the next call. */
int hear(int fd, int ms, struct rn_local *ret);
/* A new connection says each of these types: how many of them ended it. */
unsigned hung_up_on(int (*dial)(const struct inside *), const struct inside *inside, const enum rn_local_type *types,
		    unsigned count);
/* Every type with something in every field, every type with random bytes, and bytes that are none. */
void talk_nonsense(int (*dial)(const struct inside *), const struct inside *inside);
void dial_often(int (*dial)(const struct inside *), const struct inside *inside); /* 2,000 times */

#endif
