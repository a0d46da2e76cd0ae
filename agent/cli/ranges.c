/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "domain/ipam.h"
#include "sys/netlink.h"

#define ROUTES_MAX 16384 /* a host with more (a full table) is told to name its ranges' place itself */

struct routes {
	struct rn_ipam_route *list;
	size_t count;
	const char *own; /* our interface: what is left of an earlier network is not in the way */
};

static int collect(void *context, const struct rn_prefix *to, const char *interface)
{
	struct routes *routes = context;

	if (strcmp(interface, routes->own) == 0)
		return 0;
	if (routes->count == ROUTES_MAX)
		return -E2BIG;
	routes->list[routes->count].to = *to;
	snprintf(routes->list[routes->count++].interface, sizeof(routes->list[0].interface), "%s", interface);
	return 0;
}

static int read_routes(struct routes *routes)
{
	struct rn_netlink *netlink = rn_netlink_new();
	int code;

	routes->list = calloc(ROUTES_MAX, sizeof(*routes->list));
	code = netlink && routes->list ? rn_netlink_routes(netlink, collect, routes) : netlink ? -ENOMEM : -errno;
	rn_netlink_free(netlink);
	if (code == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "this host's routes cannot be read: %s", strerror(code < 0 ? -code : code));
}

static int parse(const char *option, const char *text, bool v4, struct rn_prefix *ret)
{
	if (rn_prefix_parse(text, ret) == 0 && rn_addr_is_v4(&ret->addr) == v4)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_USAGE, "--%s %s is not a range, such as %s, with no bit set behind its length",
			   option, text, v4 ? "100.64.0.0/16" : "fd12:3456:789a::/48");
}

static int check(const struct rn_prefix *range, const struct routes *routes)
{
	struct rn_err err = {""};

	if (rn_ipam_check(range, routes->list, routes->count, &err) == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
}

static int choose_ipv6(const struct rn_cli *cli, const struct routes *routes, struct rn_prefix *ret)
{
	const char *text = rn_cli_option(cli, "ipv6");
	uint8_t global_id[5];
	int code;

	if (text) {
		code = parse("ipv6", text, false, ret);
		return code ? code : check(ret, routes);
	}
	rn_random(global_id, sizeof(global_id));
	*ret = rn_ipam_ipv6(global_id);
	return check(ret, routes);
}

static int choose_ipv4(const struct rn_cli *cli, const struct routes *routes, struct rn_prefix *ret)
{
	const char *text = rn_cli_option(cli, "ipv4");
	struct rn_err err = {""};
	int code;

	memset(ret, 0, sizeof(*ret));
	if (text && strcmp(text, "none") == 0)
		return RN_EXIT_OK;
	if (text) {
		code = parse("ipv4", text, true, ret);
		return code ? code : check(ret, routes);
	}
	if (rn_ipam_choose_ipv4(routes->list, routes->count, ret, &err) == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
}

int rn_ranges_choose(const struct rn_cli *cli, struct rn_prefix *ret_ipv6, struct rn_prefix *ret_ipv4)
{
	struct routes routes = {.own = cli->conf.interface};
	int code = read_routes(&routes);

	if (!code)
		code = choose_ipv6(cli, &routes, ret_ipv6);
	if (!code)
		code = choose_ipv4(cli, &routes, ret_ipv4);
	free(routes.list);
	return code;
}
