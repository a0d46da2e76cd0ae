/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_SENDER_H
#define RN_SERVICE_SENDER_H

#include <sys/types.h>

#include "base/err.h"
#include "proto/handoff.h"

/*
 * kern's part of sending: takes the control protocol's datagrams from net over a local socket and sends them from
 * WireGuard's port. net is believed nothing: see proto/handoff.h. Nothing is queued here; what the kernel does not take
 * at once is dropped, as the network might.
 */
struct rn_sender;

/* As root, whose directory it is: listens at path. */
int rn_sender_new(const char *path, struct rn_sender **ret, struct rn_err *err);
void rn_sender_free(struct rn_sender *s); /* NULL is legal */
/* As the user that net is to meet, before seccomp: opens the raw sockets. net_uid: the one peer that is let in. */
int rn_sender_start(struct rn_sender *s, uid_t net_uid, uint16_t port, struct rn_err *err);
/* What net is told, now and whenever it connects. */
void rn_sender_offer(struct rn_sender *s, const struct rn_handoff_state *state);

int rn_sender_listener(const struct rn_sender *s); /* for poll: readable, accept */
int rn_sender_peer(const struct rn_sender *s);	   /* readable, receive; -1: net is not there */
void rn_sender_accept(struct rn_sender *s);
/* Sends at most 64 datagrams; who sends something else is hung up on. */
void rn_sender_receive(struct rn_sender *s, int64_t now_ms);

struct rn_sender_counters {
	uint64_t sent, dropped; /* dropped: by the kernel, or there is no way */
	uint64_t refused;	/* connections that did not keep to the rules */
};
void rn_sender_counters(const struct rn_sender *s, struct rn_sender_counters *ret);

#endif
