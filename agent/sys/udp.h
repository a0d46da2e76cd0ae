/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_UDP_H
#define RN_SYS_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * One non-blocking UDP socket for both families (IPv4 mapped, as everywhere; IPv4 alone where the kernel has no IPv6).
 * Datagrams are taken and given in batches; an answer leaves from the address that its peer last spoke to.
 */
#define RN_UDP_DATAGRAM_MAX 1500 /* a longer one is dropped on arrival */

struct rn_udp;
/* port 0: any. -EADDRINUSE and others with a sentence. */
int rn_udp_open(uint16_t port, struct rn_udp **ret, struct rn_err *err);
void rn_udp_close(struct rn_udp *udp); /* NULL is legal */
int rn_udp_fd(const struct rn_udp *udp); /* to watch; stays the socket's */
uint16_t rn_udp_port(const struct rn_udp *udp);

/* Takes what has arrived, at most 64 datagrams, each handed over: how many, 0 where nothing waits, or -errno. */
int rn_udp_receive(struct rn_udp *udp,
		   void (*each)(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size),
		   void *context);
/*
 * Queues a copy; a full queue is flushed first, and what then still does not fit is dropped (-EAGAIN), as the network
 * might. -EMSGSIZE above RN_UDP_DATAGRAM_MAX.
 */
int rn_udp_send(struct rn_udp *udp, const struct rn_endpoint *to, const void *data, size_t size);
/*
 * Which of our addresses and ports this peer last spoke to, within some seconds. The port is another than the socket's
 * where the kernel was told to give it datagrams of another's (bpf/tc_port.bpf.c).
 */
bool rn_udp_home(struct rn_udp *udp, const struct rn_endpoint *peer, struct rn_endpoint *ret);
void rn_udp_forget_homes(struct rn_udp *udp);
/* 0: the queue is empty; -EAGAIN: wait until writable. A destination that cannot be reached costs its datagram only. */
int rn_udp_flush(struct rn_udp *udp);

#endif
