/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "scenarios.h"

/* Somebody else removes what kern made: it makes it again. */

/* Follows the interface's flags while something happens to it. */
static int watch_link(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);

	bind(fd, (const struct sockaddr *)&address, sizeof(address));
	return fd;
}

static bool went_down(int fd)
{
	char data[16384];
	bool down = false;
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
		for (struct nlmsghdr *h = (struct nlmsghdr *)data; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct ifinfomsg *info = NLMSG_DATA(h);

			if (h->nlmsg_type == RTM_NEWLINK && !(info->ifi_flags & IFF_UP))
				down = true;
		}
	}
	return down;
}

static void check_filter_removed(void)
{
	static const char *const remove[] = {"tc", "filter", "del", "dev", STAGE_INTERFACE, "ingress", NULL};
	int fd = watch_link();

	CHECK(host_filters() == 2 && !went_down(fd));
	CHECK(stage_run("tc", remove) == 0);
	for (int i = 0; i < 400 && (host_filters() != 2 || !host_link().up); i++)
		poll(NULL, 0, 50);
	CHECK(went_down(fd));
	CHECK(host_filters() == 2 && host_link().up);
	CHECK(host_has("ip route", "10.77.0.0/16 dev " STAGE_INTERFACE));
	CHECK(host_has("ip addr show dev " STAGE_INTERFACE, "fd00:77::1/128"));
	close(fd);
}

static void check_device_recreated(struct stage *s)
{
	static const char *const remove[] = {"ip", "link", "del", STAGE_INTERFACE, NULL};
	uint32_t before = host_link().index;
	bool userspace = strcmp(host_link().kind, "tun") == 0;

	if (userspace)
		stage_wireguard_kill(s);
	else
		CHECK(stage_run("ip", remove) == 0);
	if (userspace)
		stage_wireguard_start(s);
	for (int i = 0; i < 400 && (host_link().index == before || !host_link().up); i++)
		poll(NULL, 0, 50);
	CHECK(host_wait_up() && host_link().index != before && host_filters() == 2);
	struct rn_wireguard_device wireguard = {0};
	struct host_peers p = host_peers(&wireguard);
	CHECK(p.count == 2 && wireguard.port == 51999);
	CHECK(host_has("ip addr show dev " STAGE_INTERFACE, "10.77.0.1/32"));
}

void check_removed(struct stage *s)
{
	check_filter_removed();
	check_device_recreated(s);
}
