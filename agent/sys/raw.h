/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_RAW_H
#define RN_SYS_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * Send-only raw sockets (IPPROTO_RAW, IPv4 and IPv6) for UDP datagrams from one source port that another socket has.
 * Headers are made here: the caller chooses destination and content and nothing else. Needs CAP_NET_RAW when it is
 * opened; sending asks the kernel's routes over netlink, blocking.
 */
#define RN_RAW_DATAGRAM_MAX 1232

struct rn_raw;
int rn_raw_open(uint16_t source_port, struct rn_raw **ret, struct rn_err *err);
void rn_raw_close(struct rn_raw *raw); /* NULL is legal */
/*
 * `from` is where the answer is wanted from; zero, or an address that this host does not have (any more): the one that
 * the routes choose. 0, -EAGAIN (dropped: the queue is full), -EMSGSIZE, -EINVAL (a destination that is no host: no
 * port, multicast, nobody), -ENETUNREACH, -errno.
 */
int rn_raw_send(struct rn_raw *raw, const struct rn_addr *from, const struct rn_endpoint *to, const uint8_t *data,
		size_t size);

#endif
