/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/classifier.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONITOR_BUFFER 65536

struct rn_netlink {
	struct nl_sock *sock;
};

/* libnl's own codes -> -errno. */
static int from_nl(int r)
{
	static const struct {
		int nl, code;
	} table[] = {
	    {NLE_NODEV, -ENODEV},	  {NLE_OBJ_NOTFOUND, -ENODEV},	{NLE_EXIST, -EEXIST},
	    {NLE_OPNOTSUPP, -EOPNOTSUPP}, {NLE_PERM, -EPERM},		{NLE_NOACCESS, -EACCES},
	    {NLE_NOMEM, -ENOMEM},	  {NLE_BUSY, -EBUSY},		{NLE_INVAL, -EINVAL},
	    {NLE_RANGE, -ERANGE},	  {NLE_NOADDR, -EADDRNOTAVAIL}, {NLE_AGAIN, -EAGAIN},
	    {NLE_DUMP_INTR, -EAGAIN},	  {NLE_AF_NOSUPPORT, -EAFNOSUPPORT},
	};

	if (r >= 0)
		return 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].nl == -r)
			return table[i].code;
	}
	return -EIO;
}

struct rn_netlink *rn_netlink_new(void)
{
	struct rn_netlink *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return NULL;
	n->sock = nl_socket_alloc();
	r = n->sock ? nl_connect(n->sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (r < 0) {
		rn_netlink_free(n);
		errno = -from_nl(r);
		return NULL;
	}
	fcntl(nl_socket_get_fd(n->sock), F_SETFD, FD_CLOEXEC);
	return n;
}

void rn_netlink_free(struct rn_netlink *n)
{
	if (!n)
		return;
	nl_socket_free(n->sock);
	free(n);
}

int rn_netlink_link(struct rn_netlink *n, const char *name, struct rn_link *ret)
{
	struct rn_link found = {0};
	struct rtnl_link *link;
	const char *kind;
	int r = rtnl_link_get_kernel(n->sock, 0, name, &link);

	if (r < 0)
		return from_nl(r);
	kind = rtnl_link_get_type(link);
	found.index = rtnl_link_get_ifindex(link);
	found.mtu = rtnl_link_get_mtu(link);
	found.up = rtnl_link_get_flags(link) & IFF_UP;
	snprintf(found.kind, sizeof(found.kind), "%s", kind ? kind : "");
	rtnl_link_put(link);
	*ret = found;
	return 0;
}

int rn_netlink_links(struct rn_netlink *n,
		     void (*each)(void *context, uint32_t index, const char *name, bool ethernet, bool up), void *context)
{
	struct nl_cache *cache;
	int r = rtnl_link_alloc_cache(n->sock, AF_UNSPEC, &cache);

	if (r < 0)
		return from_nl(r);
	for (struct nl_object *o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;
		const unsigned type = rtnl_link_get_arptype(link);

		each(context, rtnl_link_get_ifindex(link), rtnl_link_get_name(link),
		     type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK, rtnl_link_get_flags(link) & IFF_UP);
	}
	nl_cache_free(cache);
	return 0;
}

int rn_netlink_filters(struct rn_netlink *n, uint32_t index)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
	int count = 0;

	for (int i = 0; i < 2; i++) {
		struct nl_cache *cache;
		int r = rtnl_cls_alloc_cache(n->sock, index, parents[i], &cache);

		if (r < 0)
			return from_nl(r);
		count += nl_cache_nitems(cache);
		nl_cache_free(cache);
	}
	return count;
}

/* Built by hand: libnl 3.7 has no link operations for this kind and refuses to name a kind that it does not know. */
int rn_netlink_wireguard_new(struct rn_netlink *n, const char *name)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *nest;
	int r = -NLE_NOMEM;

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) == 0 && nla_put_string(msg, IFLA_IFNAME, name) == 0 &&
	    (nest = nla_nest_start(msg, IFLA_LINKINFO)) && nla_put_string(msg, IFLA_INFO_KIND, "wireguard") == 0 &&
	    nla_nest_end(msg, nest) == 0)
		return from_nl(nl_send_sync(n->sock, msg));
	nlmsg_free(msg);
	return from_nl(r);
}

int rn_netlink_link_delete(struct rn_netlink *n, uint32_t index)
{
	struct rtnl_link *link = rtnl_link_alloc();
	int r;

	if (!link)
		return -ENOMEM;
	rtnl_link_set_ifindex(link, index);
	r = rtnl_link_delete(n->sock, link);
	rtnl_link_put(link);
	return from_nl(r);
}

/* Sends a change that leaves everything of the link alone but what the message names. */
static int change_link(struct rn_netlink *n, uint32_t index, unsigned flags, unsigned mask, uint32_t mtu)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags, .ifi_change = mask};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST);

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) == 0 &&
	    (mtu == 0 || nla_put_u32(msg, IFLA_MTU, mtu) == 0))
		return from_nl(nl_send_sync(n->sock, msg));
	nlmsg_free(msg);
	return -ENOMEM;
}

int rn_netlink_link_up(struct rn_netlink *n, uint32_t index, bool up)
{
	return change_link(n, index, up ? IFF_UP : 0, IFF_UP, 0);
}

int rn_netlink_link_mtu(struct rn_netlink *n, uint32_t index, uint32_t mtu)
{
	return change_link(n, index, 0, 0, mtu);
}

int rn_netlink_link_plain(struct rn_netlink *n, uint32_t index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST);
	struct nlattr *families, *inet6;
	int r;

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) == 0 &&
	    (families = nla_nest_start(msg, IFLA_AF_SPEC)) && (inet6 = nla_nest_start(msg, AF_INET6)) &&
	    nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) == 0 && nla_nest_end(msg, inet6) == 0 &&
	    nla_nest_end(msg, families) == 0) {
		r = from_nl(nl_send_sync(n->sock, msg));
		return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
	}
	nlmsg_free(msg);
	return -ENOMEM;
}

static struct nl_addr *make_address(const struct rn_prefix *p)
{
	struct nl_addr *address;

	if (rn_addr_is_v4(&p->addr) && p->bits >= 96) {
		address = nl_addr_build(AF_INET, p->addr.b + 12, 4);
		if (address)
			nl_addr_set_prefixlen(address, p->bits - 96);
		return address;
	}
	address = nl_addr_build(AF_INET6, p->addr.b, 16);
	if (address)
		nl_addr_set_prefixlen(address, p->bits);
	return address;
}

/* False where it is of another family or senseless. */
static bool read_address(struct nl_addr *address, int family, struct rn_prefix *ret)
{
	struct rn_prefix p = {0};
	unsigned size = family == AF_INET ? 4 : 16;

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (size == 4)
		p.addr.b[10] = p.addr.b[11] = 0xff;
	if (address && nl_addr_get_len(address) != 0) {
		if (nl_addr_get_len(address) != size)
			return false;
		memcpy(p.addr.b + 16 - size, nl_addr_get_binary_addr(address), size);
		p.bits = nl_addr_get_prefixlen(address);
	}
	p.bits += size == 4 ? 96 : 0;
	*ret = p;
	return true;
}

static bool is_link_local(const struct rn_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

#define ADDRESSES_MAX 8

struct address_sweep {
	uint32_t index;
	const struct rn_addr *wanted;
	unsigned count;
	unsigned present; /* bit for each wanted one */
	struct rn_prefix extra[ADDRESSES_MAX];
	unsigned extra_count;
};

static void sweep_address(struct nl_object *object, void *context)
{
	struct rtnl_addr *address = (struct rtnl_addr *)object;
	struct address_sweep *sweep = context;
	struct rn_prefix p;

	if ((uint32_t)rtnl_addr_get_ifindex(address) != sweep->index ||
	    !read_address(rtnl_addr_get_local(address), rtnl_addr_get_family(address), &p) || is_link_local(&p.addr))
		return;
	for (unsigned i = 0; i < sweep->count; i++) {
		if (p.bits == 128 && rn_addr_compare(&p.addr, &sweep->wanted[i]) == 0) {
			sweep->present |= 1u << i;
			return;
		}
	}
	if (sweep->extra_count < ADDRESSES_MAX)
		sweep->extra[sweep->extra_count++] = p;
}

static int change_address(struct rn_netlink *n, uint32_t index, const struct rn_prefix *p, bool present)
{
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = make_address(p);
	int r = -NLE_NOMEM;

	if (address && local) {
		rtnl_addr_set_ifindex(address, index);
		r = rtnl_addr_set_local(address, local);
		if (present && !rn_addr_is_v4(&p->addr))
			rtnl_addr_set_flags(address, IFA_F_NODAD);
	}
	if (r == 0)
		r = present ? rtnl_addr_add(n->sock, address, NLM_F_REPLACE) : rtnl_addr_delete(n->sock, address, 0);
	nl_addr_put(local);
	rtnl_addr_put(address);
	return from_nl(r);
}

int rn_netlink_addresses_set(struct rn_netlink *n, uint32_t index, const struct rn_addr *addresses, unsigned count)
{
	struct address_sweep sweep = {.index = index, .wanted = addresses, .count = count};
	struct nl_cache *cache;
	int r;

	if (count > ADDRESSES_MAX)
		return -E2BIG;
	r = rtnl_addr_alloc_cache(n->sock, &cache);
	if (r < 0)
		return from_nl(r);
	nl_cache_foreach(cache, sweep_address, &sweep);
	nl_cache_free(cache);
	r = 0;
	for (unsigned i = 0; i < count && r == 0; i++) {
		if (!(sweep.present & 1u << i))
			r = change_address(n, index, &(struct rn_prefix){addresses[i], 128}, true);
	}
	for (unsigned i = 0; i < sweep.extra_count && r == 0; i++)
		r = change_address(n, index, &sweep.extra[i], false);
	return r == -EADDRNOTAVAIL ? 0 : r;
}

static int fill_route(struct rtnl_route *route, struct rtnl_nexthop *hop, uint32_t index, const struct rn_prefix *to)
{
	struct nl_addr *dst = make_address(to);
	int r;

	if (!dst)
		return -NLE_NOMEM;
	rtnl_route_set_family(route, nl_addr_get_family(dst));
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, RTPROT_STATIC);
	rtnl_route_set_scope(route, nl_addr_get_family(dst) == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	rtnl_route_set_type(route, RTN_UNICAST);
	r = rtnl_route_set_dst(route, dst);
	nl_addr_put(dst);
	rtnl_route_nh_set_ifindex(hop, index);
	return r;
}

int rn_netlink_route_set(struct rn_netlink *n, uint32_t index, const struct rn_prefix *to, bool present)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	int r = -NLE_NOMEM;

	if (route && hop) {
		r = fill_route(route, hop, index, to);
		rtnl_route_add_nexthop(route, hop); /* the route's now */
		hop = NULL;
	}
	if (r == 0)
		r = present ? rtnl_route_add(n->sock, route, NLM_F_REPLACE) : rtnl_route_delete(n->sock, route, 0);
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	r = from_nl(r);
	return !present && r == -ENODEV ? 0 : r;
}

struct route_walk {
	int (*each)(void *context, const struct rn_prefix *to, const char *interface);
	void *context;
	int result;
};

static void walk_route(struct nl_object *object, void *context)
{
	struct rtnl_route *route = (struct rtnl_route *)object;
	struct route_walk *walk = context;
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
	char name[IF_NAMESIZE] = "";
	struct rn_prefix to;

	if (walk->result != 0 || rtnl_route_get_table(route) != RT_TABLE_MAIN ||
	    rtnl_route_get_type(route) != RTN_UNICAST ||
	    !read_address(rtnl_route_get_dst(route), rtnl_route_get_family(route), &to))
		return;
	if (hop && rtnl_route_nh_get_ifindex(hop) > 0)
		if_indextoname(rtnl_route_nh_get_ifindex(hop), name);
	walk->result = walk->each(walk->context, &to, name);
}

int rn_netlink_routes(struct rn_netlink *n,
		      int (*each)(void *context, const struct rn_prefix *to, const char *interface), void *context)
{
	struct route_walk walk = {each, context, 0};
	struct nl_cache *cache;
	int r = rtnl_route_alloc_cache(n->sock, AF_UNSPEC, 0, &cache);

	if (r < 0)
		return from_nl(r);
	nl_cache_foreach(cache, walk_route, &walk);
	nl_cache_free(cache);
	return walk.result;
}

int rn_netlink_monitor(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_TC};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

bool rn_netlink_changed(int monitor)
{
	char data[MONITOR_BUFFER];
	bool some = false;

	for (;;) {
		ssize_t n = recv(monitor, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS) {
			some = true; /* what was lost may have been ours */
			continue;
		}
		if (n <= 0)
			return some;
		some = true;
	}
}
