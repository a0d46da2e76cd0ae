/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STEERING_H
#define RN_SYS_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/port.h"
#include "base/err.h"

/*
 * The programs of bpf/tc_port.bpf.c, which give control datagrams that arrive on WireGuard's UDP port to the control
 * socket. Pinned in the datapath's directory; on an interface they go on without this process. libbpf is used here and
 * in datapath.c. One thread; errors are -errno.
 */
struct rn_steering;

/* Our filter's place on an interface's ingress; others have other places, and are left alone. */
#define RN_STEERING_PRIORITY 21070
#define RN_STEERING_HANDLE 0x524e31

/*
 * Loads the programs over what is pinned in dir, and pins them. Ports in host order; nothing is taken until
 * rn_steering_set. A sentence says what the kernel lacks.
 */
int rn_steering_open(const char *dir, struct rn_steering **ret, struct rn_err *err);
void rn_steering_close(struct rn_steering *s); /* NULL is legal; what is pinned or attached stays */
/* What is taken from now on, and whose it is; wireguard 0: nothing. */
int rn_steering_set(struct rn_steering *s, uint16_t wireguard, uint16_t control);

/*
 * Puts the program on the interface's ingress, making the clsact qdisc where there is none of its kind, or replaces an
 * earlier one of ours; ethernet: its packets begin with an Ethernet header, else with IP.
 */
int rn_steering_attach(struct rn_steering *s, unsigned ifindex, bool ethernet);
/* 1: this process's program is on it; 0: not; -ENODEV; -errno. */
int rn_steering_in_place(struct rn_steering *s, unsigned ifindex, bool ethernet);
/* Sums over all CPUs. */
int rn_steering_counters(const struct rn_steering *s, uint64_t ret[RN_PORT_COUNTERS]);

/* Takes our filter off an interface, whoever put it there; 0 also where there is none. */
int rn_steering_detach(unsigned ifindex);
/* 1: by what is pinned in dir, we made this interface's clsact qdisc. */
int rn_steering_made_qdisc(const char *dir, unsigned ifindex);
int rn_steering_remove_qdisc(unsigned ifindex);
int rn_steering_unpin(const char *dir, struct rn_err *err);

#endif
