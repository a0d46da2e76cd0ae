/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_OVERLAY_H
#define RN_SERVICE_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/record.h"
#include "sys/wireguard.h"

/*
 * A WireGuard interface of ours, rn0 or rnm0: made or awaited, given filters before it goes up, its MTU, addresses and
 * routes, and watched.
 * Without both filters it goes down, not open.
 */
struct rn_overlay;

/* configure is called when the device is there (anew) and down, with filters on; 0, or -errno to try again later. */
struct rn_overlay_calls {
	void *context;
	int (*configure)(void *context, struct rn_wireguard *wireguard);
	void (*gone)(void *context); /* the device has gone */
};
/* Which device; texts stay the caller's. */
struct rn_overlay_device {
	const char *interface;
	const char *wireguard; /* conf->wireguard */
	const char *port_key;  /* how rnaut.conf calls its port */
	uint32_t mtu;
	uint32_t adopted; /* index of an interface that an earlier process configured and traffic may be on, 0: none */
	/* Its filters: put on (0, or -errno with a sentence); 1 both are there, 0 not, -ENODEV. */
	void *filters;
	int (*attach)(void *filters, uint32_t index, struct rn_err *err);
	int (*in_place)(void *filters, uint32_t index);
};
/* -EOPNOTSUPP where the configuration asks for kernel WireGuard and there is none; sentences. */
int rn_overlay_new(const struct rn_overlay_device *device, const struct rn_overlay_calls *calls,
		   struct rn_overlay **ret, struct rn_err *err);
void rn_overlay_free(struct rn_overlay *o); /* the interface stays */

/* Looks, and puts right what can be put right. Call once a second and when the monitor is readable. Logs changes. */
void rn_overlay_check(struct rn_overlay *o);
int rn_overlay_monitor(const struct rn_overlay *o); /* descriptor for poll */
void rn_overlay_drain(struct rn_overlay *o);	    /* empties it */

/* What it should have; applied now where the interface is there, and whenever it comes. */
void rn_overlay_set_addresses(struct rn_overlay *o, const struct rn_addr *ipv6, const struct rn_addr *ipv4);
void rn_overlay_set_network(struct rn_overlay *o, const struct rn_network *network);

struct rn_overlay_status {
	enum rn_wireguard_backend backend; /* 0: none yet */
	bool up, filters;
	uint32_t mtu;
};
void rn_overlay_status(const struct rn_overlay *o, struct rn_overlay_status *ret);

/* Takes filters and interface away. 0, also where there is none; -errno. */
int rn_overlay_remove(const char *interface);

#endif
