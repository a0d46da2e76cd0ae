/* SPDX-License-Identifier: Apache-2.0 */
/* What a userspace WireGuard answers on its socket. */
#include <stdlib.h>

#include "fuzz.h"
#include "sys/wireguard_backend.h"

static unsigned peers;

static void each(void *context, const struct rn_wireguard_peer *peer)
{
	(void)context;
	CHECK(peer->allowed_count <= RN_WIREGUARD_ALLOWED_MAX);
	peers++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text = fuzz_copy(data, size);
	struct rn_wireguard_device device;
	int r;

	peers = 0;
	r = rn_uapi_parse((const char *)text, size, &device, each, NULL);
	CHECK(r <= 0 && (r == 0 || peers == 0));
	free(text);
	return 0;
}
