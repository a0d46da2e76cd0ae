/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and routes that the kernel reports, through libnl's parser. The file's own functions by including it. */
#include "sys/netlink.c"

#include <netlink/msg.h>

#include "fuzz.h"

static int each(void *context, const struct rn_prefix *to, const char *interface)
{
	char text[RN_PREFIX_TEXT];

	(void)context;
	CHECK(strlen(interface) < IF_NAMESIZE);
	rn_prefix_format(to, text);
	return 0;
}

static void taken(struct nl_object *object, void *context)
{
	static const struct rn_addr wanted[2] = {{{0xfd, 1}},
						 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}}};
	struct address_sweep sweep = {.index = 1, .wanted = wanted, .count = 2};
	struct route_walk walk = {each, NULL, 0};

	(void)context;
	if (nl_object_get_msgtype(object) == RTM_NEWADDR) {
		for (unsigned i = 0; i < 2 * ADDRESSES_MAX; i++)
			sweep_address(object, &sweep);
		CHECK(sweep.extra_count <= ADDRESSES_MAX);
	} else if (nl_object_get_msgtype(object) == RTM_NEWROUTE) {
		walk_route(object, &walk);
	}
}

/*
 * libnl 3.7 reads a "via" shorter than its family with a negative size, makes next hops without end of one with length
 * 0 (out of memory), and reads on behind the last where its length rounded up is more than there is. Such routes are
 * left out here: they come from the kernel alone, which never makes one and takes none from another process.
 */
static bool route_sound(const struct nlattr *first, int size);

static bool hops_sound(const uint8_t *data, size_t size)
{
	struct rtnexthop hop;

	for (; size >= sizeof(hop); data += RTNH_ALIGN(hop.rtnh_len), size -= RTNH_ALIGN(hop.rtnh_len)) {
		memcpy(&hop, data, sizeof(hop));
		if (hop.rtnh_len > size)
			return true; /* libnl stops here too */
		if (hop.rtnh_len < sizeof(hop) || RTNH_ALIGN(hop.rtnh_len) > size ||
		    !route_sound((const void *)(data + sizeof(hop)), hop.rtnh_len - (int)sizeof(hop)))
			return false;
	}
	return true;
}

/* The attributes of a route or of a hop, which has no hops of its own: libnl looks for none there. */
static bool route_sound(const struct nlattr *first, int size)
{
	const struct nlattr *at;
	int left;

	nla_for_each_attr(at, first, size, left)
	{
		if (nla_type(at) == RTA_VIA && nla_len(at) < (int)sizeof(struct rtvia))
			return false;
		if (nla_type(at) == RTA_MULTIPATH && !hops_sound(nla_data(at), (size_t)nla_len(at)))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWLINK};
	struct fuzz f = {data, size};
	const int type = types[fuzz_u8(&f) % 3];
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);
	struct nlmsghdr *head;

	if (f.size > 3000)
		f.size = 3000;
	CHECK(msg && nlmsg_append(msg, (void *)(uintptr_t)f.data, f.size, NLMSG_ALIGNTO) == 0);
	nlmsg_set_proto(msg, NETLINK_ROUTE);
	head = nlmsg_hdr(msg);
	if (type != RTM_NEWROUTE ||
	    route_sound(nlmsg_attrdata(head, sizeof(struct rtmsg)), nlmsg_attrlen(head, sizeof(struct rtmsg))))
		nl_msg_parse(msg, taken, NULL);
	nlmsg_free(msg);
	return 0;
}
