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
 * libnl 3.7 itself reads a "via" that is shorter than its family with a negative size. It is left out here: these
 * messages come from the kernel alone, which never makes one.
 */
static bool short_via(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i++) {
		if (data[i + 2] == RTA_VIA && (data[i + 3] & 0x3f) == 0 && data[i] < 4 + sizeof(struct rtvia) &&
		    !data[i + 1])
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWLINK};
	struct fuzz f = {data, size};
	struct nl_msg *msg;

	if (short_via(data, size))
		return 0;
	msg = nlmsg_alloc_simple(types[fuzz_u8(&f) % 3], 0);
	if (f.size > 3000)
		f.size = 3000;
	CHECK(msg && nlmsg_append(msg, (void *)(uintptr_t)f.data, f.size, NLMSG_ALIGNTO) == 0);
	nlmsg_set_proto(msg, NETLINK_ROUTE);
	nl_msg_parse(msg, taken, NULL);
	nlmsg_free(msg);
	return 0;
}
