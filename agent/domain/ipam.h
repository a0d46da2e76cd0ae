/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IPAM_H
#define RN_DOMAIN_IPAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * Addresses of the overlay. A device's number is its host number in each of the network's ranges, so an address says
 * whose it is and nothing has to be allotted twice. IPv4 ranges are /8 to /24, IPv6 ranges /32 to /64 within fc00::/7.
 */

/* 0; -ENOSPC where the number is 0 or the range has no such host (IPv4 keeps its last address for broadcast). */
int rn_ipam_address(const struct rn_prefix *range, uint32_t device, struct rn_addr *ret);
/* Whose the address would be; 0: nobody's. */
uint32_t rn_ipam_device(const struct rn_prefix *range, const struct rn_addr *address);

/* What the host can reach already. Default routes, and halves of them as VPNs set them, collide with nothing. */
struct rn_ipam_route {
	struct rn_prefix to;
	char interface[16]; /* "" unknown */
};

/*
 * Is the range fit to be the network's, and does none of the routes overlap it? 0, -EINVAL (its form) or -EEXIST, with
 * a sentence that names the route.
 */
int rn_ipam_check(const struct rn_prefix *range, const struct rn_ipam_route *routes, size_t count, struct rn_err *err);
/* The default IPv4 range, a /16 out of 100.64.0.0/10, 10.0.0.0/8 or 172.16.0.0/12; -ENOSPC where all collide. */
int rn_ipam_choose_ipv4(const struct rn_ipam_route *routes, size_t count, struct rn_prefix *ret, struct rn_err *err);
/* fd00::/8 with a random 40-bit global id (RFC 4193 section 3.2), as a /48. */
struct rn_prefix rn_ipam_ipv6(const uint8_t global_id[5]);

#endif
