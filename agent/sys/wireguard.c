/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/wireguard.h"

#include <stdio.h>
#include <stdlib.h>

#include "sys/wireguard_backend.h"

struct rn_wireguard {
	enum rn_wireguard_backend backend;
	const struct rn_wireguard_ops *ops;
	char interface[16];
};

struct rn_wireguard *rn_wireguard_new(enum rn_wireguard_backend backend, const char *interface)
{
	struct rn_wireguard *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->backend = backend;
	w->ops = backend == RN_WIREGUARD_KERNEL ? &rn_wireguard_kernel : &rn_wireguard_userspace;
	snprintf(w->interface, sizeof(w->interface), "%s", interface);
	return w;
}

void rn_wireguard_free(struct rn_wireguard *w)
{
	free(w);
}

enum rn_wireguard_backend rn_wireguard_backend(const struct rn_wireguard *w)
{
	return w->backend;
}

int rn_wireguard_set_device(struct rn_wireguard *w, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	return w->ops->set_device(w->interface, private_key, port);
}

int rn_wireguard_set_peer(struct rn_wireguard *w, const struct rn_wireguard_peer *peer)
{
	return w->ops->set_peer(w->interface, peer);
}

int rn_wireguard_remove_peer(struct rn_wireguard *w, const uint8_t key[RN_KEY_SIZE])
{
	return w->ops->remove_peer(w->interface, key);
}

int rn_wireguard_dump(struct rn_wireguard *w, struct rn_wireguard_device *ret,
		      void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context)
{
	return w->ops->dump(w->interface, ret, each, context);
}
