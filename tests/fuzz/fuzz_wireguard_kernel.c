/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the kernel's WireGuard family, back to back. The file's own functions are reached by including it. */
#include "sys/wireguard_kernel.c"

#include <stdlib.h>

#include "fuzz.h"

static void each(void *context, const struct rn_wireguard_peer *peer)
{
	(void)context;
	CHECK(peer->allowed_count <= RN_WIREGUARD_ALLOWED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dump d = {.each = each};
	struct fuzz f = {data, size};

	while (f.size && !d.bad) {
		size_t payload_size;
		uint8_t *payload = fuzz_block(&f, 4000, &payload_size);
		struct nl_msg *msg = nlmsg_alloc_simple(0x20, 0);

		/* The kernel pads messages and attributes, so libnl's parser may look at the padding. */
		CHECK(msg && nlmsg_append(msg, payload, payload_size, NLMSG_ALIGNTO) == 0);
		on_message(msg, &d);
		nlmsg_free(msg);
		free(payload);
	}
	flush_peer(&d);
	return 0;
}
