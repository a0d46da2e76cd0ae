/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_KERN_HOST_H
#define RN_TESTS_KERN_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/maps.h"
#include "abi/verdict.h"
#include "base/addr.h"
#include "sys/netlink.h"
#include "sys/wireguard.h"

/* What the kernel of the stage's host has, looked at past rnautd kern; and a packet of that host. */
#define HOST_PINS "/sys/fs/bpf/rnaut/"

bool host_lookup(const char *map, const void *key, void *value); /* false: no such map or key; *value is as it was */
struct rn_config host_config(void);
/* Of that address; all zero where there is none. *ret_index (may be NULL): where it stands. */
struct rn_device host_device(const struct rn_addr *address, uint32_t *ret_index);
void host_devices(struct rn_device *out, unsigned count);	  /* the first so many */
uint64_t host_counter(unsigned direction, enum rn_reason reason); /* packets */

struct rn_link host_link(void); /* of STAGE_INTERFACE; index 0: there is none */
bool host_wait_up(void);	/* at most 20 s */
unsigned host_filters(void);	/* on it, both directions */
struct host_peers {
	unsigned count;
	struct rn_wireguard_peer peer[8];
};
struct host_peers host_peers(struct rn_wireguard_device *ret);				/* ret may be NULL */
const struct rn_wireguard_peer *host_peer(const struct host_peers *p, uint32_t number); /* NULL: it is none */

bool host_has(const char *command, const char *word); /* in what it prints */
/* One datagram to a device: it makes a flow where the policy allows it. */
void host_send(const char *address, uint16_t port);

#endif
