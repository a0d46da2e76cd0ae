/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_ROLE_CORE_PEERS_H
#define RN_ROLE_CORE_PEERS_H

#include "service/core_run.h"
#include "sys/loop.h"

/*
 * core's end of RUN/ipc.sock: kern, net, ca and web dial in and are told apart by the uid of the socket's other end. The last
 * of a kind counts, since a process that dials again has lost its first connection; an unknown uid is hung up on.
 */
struct rn_core_peers;

struct rn_core_peers_config {
	struct rn_loop *loop;
	int listener; /* stays the caller's */
	uid_t uids[RN_CORE_PEERS];
	bool wanted[RN_CORE_PEERS]; /* ca, web: only on a gateway */
};
struct rn_core_peers *rn_core_peers_new(const struct rn_core_peers_config *config); /* NULL: out of memory */
void rn_core_peers_free(struct rn_core_peers *peers); /* NULL is legal; before the loop */
/* Accepting begins here: core is told of peers and their messages from now on. 0 or -ENOMEM. */
int rn_core_peers_start(struct rn_core_peers *peers, struct rn_core *core);

/* As struct rn_core_io asks for. */
bool rn_core_peers_ready(struct rn_core_peers *peers, enum rn_core_peer which);
int rn_core_peers_send(struct rn_core_peers *peers, enum rn_core_peer which, const struct rn_local *message);

#endif
