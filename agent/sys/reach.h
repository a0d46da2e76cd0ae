/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_REACH_H
#define RN_SYS_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* What this host's kernel knows of the way to another host, and whether a datagram comes back from there. Blocking. */

/*
 * The largest IP packet that fits on the way, as far as the kernel knows: the route's MTU, or less where it has learnt
 * so. 0, or -ENETUNREACH and other -errno where there is no way.
 */
int rn_reach_mtu(const struct rn_endpoint *to, uint32_t *ret);
/*
 * Sends the datagram, again every 500 ms, until `answers` takes what comes from there: 0 and the round trip time of the
 * first answer in ms; -ETIMEDOUT; -ECONNREFUSED (the other host says that nobody has the port), other -errno.
 */
int rn_reach_ask(const struct rn_endpoint *to, const void *data, size_t size, int timeout_ms,
		 bool (*answers)(const void *context, const uint8_t *data, size_t size), const void *context,
		 int *ret_ms);
/* May a socket take this UDP port, for both families where the host has both? 0, -EADDRINUSE, other -errno. */
int rn_reach_port_free(uint16_t port);

#endif
