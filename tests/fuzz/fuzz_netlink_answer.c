/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel answers to our own small questions over netlink: the way to a host, nftables' tables. The first byte
 * says which. The files' own functions by including them.
 */
#define ask route_ask
#include "sys/route.c"
#undef ask
#include "sys/netfilter.c"

#include "fuzz.h"

static void route(struct nlmsghdr *head, size_t size)
{
	struct answer answer = {0};

	if (!NLMSG_OK(head, size) || head->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
		return;
	read_answer(head, &answer);
	CHECK(rn_addr_is_zero(&answer.source) || ((const struct rtmsg *)NLMSG_DATA(head))->rtm_family != AF_INET ||
	      rn_addr_is_v4(&answer.source));
}

static void tables(struct nlmsghdr *head, size_t size)
{
	int found = count(head, size);

	CHECK(found < 0 || (size_t)(found & (END - 1)) <= size / NLMSG_HDRLEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 1 + NLMSG_HDRLEN)
		return 0;
	copy = fuzz_copy(data + 1, size - 1);
	/* Most lengths are wrong: here the first is that of all, now and then. */
	if (data[0] & 2)
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)size - 1;
	(data[0] & 1 ? tables : route)((struct nlmsghdr *)(void *)copy, size - 1);
	free(copy);
	return 0;
}
