/* SPDX-License-Identifier: Apache-2.0 */
#include "service/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/netlink.h"

#define ADDRESSES 2

struct rn_overlay {
	struct rn_overlay_device device;
	struct rn_overlay_calls calls;
	struct rn_netlink *netlink;
	int monitor;
	struct rn_wireguard *wireguard; /* NULL: backend not known yet */
	uint32_t index;			/* of the interface as we configured it, 0: none */
	bool up, filters;
	bool asked; /* said that a device is waited for */
	int failed; /* last error that was logged, so that one is logged once */
	struct rn_addr addresses[ADDRESSES];
	struct rn_prefix routes[ADDRESSES];
	bool network_known;
};

static void complain(struct rn_overlay *o, int code, const char *what, const char *why)
{
	if (o->failed != code)
		rn_log(RN_LOG_ERROR, "%s: %s: %s; trying again every second", o->device.interface, what, why);
	o->failed = code;
}

/* Where the configuration asks for the kernel's WireGuard, a kernel without it is an error at once. */
static int check_kernel(struct rn_overlay *o, struct rn_err *err)
{
	struct rn_link link;

	if (strcmp(o->device.wireguard, "kernel") != 0 ||
	    rn_netlink_link(o->netlink, o->device.interface, &link) != -ENODEV ||
	    rn_netlink_wireguard_new(o->netlink, o->device.interface) != -EOPNOTSUPP)
		return 0;
	return rn_fail(
	    err, -EOPNOTSUPP,
	    "this kernel has no WireGuard, and rnaut.conf asks for it: load its module (modprobe wireguard), "
	    "or set \"wireguard\" to \"auto\"");
}

int rn_overlay_new(const struct rn_overlay_device *device, const struct rn_overlay_calls *calls,
		   struct rn_overlay **ret, struct rn_err *err)
{
	struct rn_overlay *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return rn_fail(err, -ENOMEM, "out of memory");
	o->device = *device;
	o->calls = *calls;
	o->netlink = rn_netlink_new();
	o->monitor = o->netlink ? rn_netlink_monitor() : -errno;
	if (o->monitor < 0) {
		r = o->monitor;
		rn_overlay_free(o);
		return rn_fail(err, r, "cannot speak rtnetlink: %s", strerror(-r));
	}
	r = check_kernel(o, err);
	if (r < 0) {
		rn_overlay_free(o);
		return r;
	}
	*ret = o;
	return 0;
}

void rn_overlay_free(struct rn_overlay *o)
{
	if (!o)
		return;
	if (o->monitor >= 0)
		close(o->monitor);
	rn_netlink_free(o->netlink);
	rn_wireguard_free(o->wireguard);
	free(o);
}

int rn_overlay_monitor(const struct rn_overlay *o)
{
	return o->monitor;
}

void rn_overlay_drain(struct rn_overlay *o)
{
	rn_netlink_changed(o->monitor);
}

static void apply_addresses(struct rn_overlay *o)
{
	struct rn_addr list[ADDRESSES];
	unsigned count = 0;
	int r;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		if (!rn_addr_is_zero(&o->addresses[i]))
			list[count++] = o->addresses[i];
	}
	if (!o->index || !count)
		return;
	r = rn_netlink_addresses_set(o->netlink, o->index, list, count);
	if (r < 0)
		complain(o, r, "cannot set its addresses", strerror(-r));
}

static void apply_routes(struct rn_overlay *o)
{
	for (unsigned i = 0; o->index && o->network_known && i < ADDRESSES; i++) {
		int r = 0;

		if (o->routes[i].bits)
			r = rn_netlink_route_set(o->netlink, o->index, &o->routes[i], true);
		if (r < 0)
			complain(o, r, "cannot set its routes", strerror(-r));
	}
}

void rn_overlay_set_addresses(struct rn_overlay *o, const struct rn_addr *ipv6, const struct rn_addr *ipv4)
{
	o->addresses[0] = *ipv6;
	o->addresses[1] = *ipv4;
	apply_addresses(o);
	apply_routes(o);
}

void rn_overlay_set_network(struct rn_overlay *o, const struct rn_network *network)
{
	const struct rn_prefix now[ADDRESSES] = {network->ipv6, network->ipv4};

	for (unsigned i = 0; o->index && o->network_known && i < ADDRESSES; i++) {
		if (o->routes[i].bits && memcmp(&o->routes[i], &now[i], sizeof(now[i])) != 0)
			rn_netlink_route_set(o->netlink, o->index, &o->routes[i], false);
	}
	memcpy(o->routes, now, sizeof(now));
	o->network_known = true;
	apply_routes(o);
}

static int choose_backend(struct rn_overlay *o, const struct rn_link *link)
{
	enum rn_wireguard_backend backend =
	    strcmp(link->kind, "wireguard") == 0 ? RN_WIREGUARD_KERNEL : RN_WIREGUARD_USERSPACE;

	if (backend == RN_WIREGUARD_USERSPACE && strcmp(link->kind, "tun") != 0)
		return -EEXIST;
	if (o->wireguard && rn_wireguard_backend(o->wireguard) == backend)
		return 0;
	rn_wireguard_free(o->wireguard);
	o->wireguard = rn_wireguard_new(backend, o->device.interface);
	return o->wireguard ? 0 : -ENOMEM;
}

/* Puts filters on before anything else. An interface that is up and was ours keeps its traffic meanwhile. */
static int attach(struct rn_overlay *o, const struct rn_link *link, bool keep_up)
{
	struct rn_err err = {""};
	int r = keep_up ? 0 : rn_netlink_link_up(o->netlink, link->index, false);

	if (r < 0) {
		complain(o, r, "cannot take it down", strerror(-r));
		return r;
	}
	r = o->device.attach(o->device.filters, link->index, &err);
	if (r < 0) {
		if (keep_up)
			rn_netlink_link_up(o->netlink, link->index, false);
		complain(o, r, "it stays down: its filters cannot be attached", err.text);
	}
	o->filters = r == 0;
	return r;
}

static void complain_of_port(struct rn_overlay *o, int code)
{
	char why[128];

	snprintf(why, sizeof(why), "its UDP port is in use; stop what uses it or set \"%s\"", o->device.port_key);
	complain(o, code, "cannot be configured", code == -EADDRINUSE ? why : strerror(-code));
}

/* From an interface that is there to one that carries judged traffic. */
static void bring_up(struct rn_overlay *o, const struct rn_link *link)
{
	bool keep_up = link->up && o->device.adopted == link->index;
	int r;

	o->device.adopted = 0;
	r = choose_backend(o, link);
	if (r < 0) {
		complain(o, r, "it is not a WireGuard interface",
			 "another program made it; remove it, or set another name in rnaut.conf");
		return;
	}
	if (attach(o, link, keep_up) < 0)
		return;
	r = link->mtu == o->device.mtu ? 0 : rn_netlink_link_mtu(o->netlink, link->index, o->device.mtu);
	if (r == 0)
		r = o->calls.configure(o->calls.context, o->wireguard);
	if (r == 0)
		r = rn_netlink_link_plain(o->netlink, link->index);
	if (r == 0)
		r = rn_netlink_link_up(o->netlink, link->index, true);
	if (r == -ENODEV) /* the interface is there before the socket of userspace WireGuard answers */
		return;
	if (r < 0) {
		complain_of_port(o, r);
		return;
	}
	o->index = link->index;
	o->up = true;
	o->failed = 0;
	apply_addresses(o);
	apply_routes(o);
	rn_log(RN_LOG_NOTICE, "%s is up, with %s WireGuard%s", o->device.interface,
	       rn_wireguard_backend(o->wireguard) == RN_WIREGUARD_KERNEL ? "the kernel's" : "userspace",
	       keep_up ? ", taken over as it was" : "");
}

static void lose(struct rn_overlay *o)
{
	if (o->index)
		rn_log(RN_LOG_WARNING, "%s has gone; waiting for it to come back", o->device.interface);
	if (o->index)
		o->calls.gone(o->calls.context);
	o->index = 0;
	o->up = o->filters = false;
}

/* No interface: makes it where the kernel can, else `rnautd wireguard` will. */
static void make(struct rn_overlay *o)
{
	int r = -EOPNOTSUPP;

	if (strcmp(o->device.wireguard, "userspace") != 0)
		r = rn_netlink_wireguard_new(o->netlink, o->device.interface);
	if (r == -EOPNOTSUPP) {
		if (!o->asked)
			rn_log(RN_LOG_NOTICE, "%s: waiting for userspace WireGuard (rnautd wireguard)",
			       o->device.interface);
		o->asked = true;
	} else if (r < 0 && r != -EEXIST) {
		complain(o, r, "cannot be made", strerror(-r));
	}
}

void rn_overlay_check(struct rn_overlay *o)
{
	struct rn_link link;
	int r = rn_netlink_link(o->netlink, o->device.interface, &link);

	if (r == -ENODEV) {
		lose(o);
		make(o);
		r = rn_netlink_link(o->netlink, o->device.interface, &link);
	}
	if (r < 0)
		return;
	if (link.index != o->index) {
		lose(o);
		bring_up(o, &link);
		return;
	}
	o->up = link.up;
	r = o->device.in_place(o->device.filters, link.index);
	if (r == 1 || r == -ENODEV)
		return;
	rn_log(RN_LOG_WARNING, "%s: its filters were taken off; it goes down until they are back", o->device.interface);
	rn_netlink_link_up(o->netlink, link.index, false);
	o->index = 0;
	o->up = o->filters = false;
	bring_up(o, &link);
}

void rn_overlay_status(const struct rn_overlay *o, struct rn_overlay_status *ret)
{
	*ret = (struct rn_overlay_status){
	    .backend = o->index && o->wireguard ? rn_wireguard_backend(o->wireguard) : 0,
	    .up = o->up,
	    .filters = o->filters,
	    .mtu = o->device.mtu,
	};
}

int rn_overlay_remove(const char *interface)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link;
	int r = n ? rn_netlink_link(n, interface, &link) : -errno;

	if (r == 0 && strcmp(link.kind, "wireguard") != 0 && strcmp(link.kind, "tun") != 0)
		r = -EEXIST;
	if (r == 0)
		r = rn_netlink_link_delete(n, link.index);
	rn_netlink_free(n);
	return r == -ENODEV ? 0 : r;
}
