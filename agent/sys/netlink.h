/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_NETLINK_H
#define RN_SYS_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* Links, addresses and routes of this network namespace by rtnetlink (libnl). Blocking, one request at a time. */
struct rn_netlink;

struct rn_netlink *rn_netlink_new(void); /* NULL on failure, errno says why */
void rn_netlink_free(struct rn_netlink *n);

struct rn_link {
	uint32_t index;
	uint32_t mtu;
	bool up;
	char kind[16]; /* "wireguard", "tun", "" for hardware */
};
/* 0, -ENODEV where there is no such link, -errno. */
int rn_netlink_link(struct rn_netlink *n, const char *name, struct rn_link *ret);
/*
 * Calls each for every link: its index, its name, whether its packets begin with an Ethernet header (else with IP), and
 * whether it is up.
 */
int rn_netlink_links(struct rn_netlink *n,
		     void (*each)(void *context, uint32_t index, const char *name, bool ethernet, bool up), void *context);
/* How many filters the link has on its clsact qdisc, both directions, or -errno. */
int rn_netlink_filters(struct rn_netlink *n, uint32_t index);
/* Makes a link of kind wireguard, down: 0, -EEXIST, -EOPNOTSUPP (no WireGuard in this kernel), -EPERM. */
int rn_netlink_wireguard_new(struct rn_netlink *n, const char *name);
int rn_netlink_link_delete(struct rn_netlink *n, uint32_t index);
int rn_netlink_link_up(struct rn_netlink *n, uint32_t index, bool up);
int rn_netlink_link_mtu(struct rn_netlink *n, uint32_t index, uint32_t mtu);
/*
 * Keeps the kernel from giving the link an IPv6 link-local address when it goes up, and so from soliciting routers there.
 * 0 also where the kernel has no IPv6.
 */
int rn_netlink_link_plain(struct rn_netlink *n, uint32_t index);

/*
 * Makes the link's addresses exactly these (as /32 and /128, no duplicate address detection) but for link-local ones;
 * what is right already is not touched.
 */
int rn_netlink_addresses_set(struct rn_netlink *n, uint32_t index, const struct rn_addr *addresses, unsigned count);
/* Adds or replaces a route of the main table to the prefix through the link, without a gateway. */
int rn_netlink_route_set(struct rn_netlink *n, uint32_t index, const struct rn_prefix *to, bool present);

/* Calls each for every unicast route of the main table (default routes included, bits 0 and 96) until it returns not 0,
 * which is then returned; -errno. interface is the link's name or "". */
int rn_netlink_routes(struct rn_netlink *n,
		      int (*each)(void *context, const struct rn_prefix *to, const char *interface), void *context);

/* A descriptor that becomes readable when a link or a traffic-control filter changes; drain with rn_netlink_changed. */
int rn_netlink_monitor(void);
bool rn_netlink_changed(int monitor); /* true where there was something; empties it, overruns included */

#endif
