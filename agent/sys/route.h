/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_ROUTE_H
#define RN_SYS_ROUTE_H

#include "base/addr.h"

/* What the kernel's routing would do with a datagram. Asked over one netlink socket, answered at once. */
struct rn_route;

struct rn_route *rn_route_new(void); /* NULL on failure, errno says why */
void rn_route_free(struct rn_route *r);

/*
 * The source address of a UDP datagram to `to`: `from` where this host has it (a loopback one: towards loopback
 * alone), else the one that the routes choose; as it is or was within the last second.
 * 0; -ENETUNREACH, -EHOSTUNREACH: no way there; -errno.
 */
int rn_route_source(struct rn_route *r, const struct rn_addr *from, uint16_t source_port, const struct rn_endpoint *to,
		    struct rn_addr *ret);

#endif
