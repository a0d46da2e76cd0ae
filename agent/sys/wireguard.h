/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_WIREGUARD_H
#define RN_SYS_WIREGUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/crypto.h"

/*
 * One WireGuard device, behind either backend: the kernel's by generic netlink, or a userspace implementation's by its
 * UAPI socket (https://www.wireguard.com/xplatform/). Blocking calls, bounded to 2 s for userspace.
 */
enum rn_wireguard_backend { RN_WIREGUARD_KERNEL = 1, RN_WIREGUARD_USERSPACE = 2 };
#define RN_WIREGUARD_ALLOWED_MAX 4
#define RN_WIREGUARD_DIRECTORY "/run/wireguard" /* of the UAPI sockets */

struct rn_wireguard_peer {
	uint8_t key[RN_KEY_SIZE];
	struct rn_endpoint endpoint; /* port 0: none; when setting: leave what it learnt */
	uint16_t keepalive;	     /* seconds, 0: off */
	struct rn_prefix allowed[RN_WIREGUARD_ALLOWED_MAX];
	unsigned allowed_count; /* when setting: exactly these */
	bool keep_allowed;	/* when setting: it has exactly these already, and they are not touched */
	/* of a dump only */
	uint64_t last_handshake; /* Unix seconds, 0: never */
	uint64_t received, sent; /* bytes */
};

struct rn_wireguard;
/* The interface need not exist yet. NULL: out of memory. */
struct rn_wireguard *rn_wireguard_new(enum rn_wireguard_backend backend, const char *interface);
void rn_wireguard_free(struct rn_wireguard *w);
enum rn_wireguard_backend rn_wireguard_backend(const struct rn_wireguard *w);

/* All: 0, -ENODEV (no such device, nobody answers its socket), -EBADMSG (a senseless answer), -errno. */
int rn_wireguard_set_device(struct rn_wireguard *w, const uint8_t private_key[RN_KEY_SIZE], uint16_t port);
int rn_wireguard_set_peer(struct rn_wireguard *w, const struct rn_wireguard_peer *peer); /* adds or updates */
int rn_wireguard_remove_peer(struct rn_wireguard *w, const uint8_t key[RN_KEY_SIZE]);   /* 0 where it is not there */
struct rn_wireguard_device {
	uint8_t public_key[RN_KEY_SIZE]; /* zero: no key set */
	uint16_t port;
};
int rn_wireguard_dump(struct rn_wireguard *w, struct rn_wireguard_device *ret,
		      void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context);

#endif
