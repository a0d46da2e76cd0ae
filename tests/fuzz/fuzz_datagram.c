/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams at an endpoint that has an open session, one after the other: as they are, or with what a stranger who
 * knows our public key can make right (the magic, mac1, mac2 by a cookie of its address). No answer is larger than what
 * asked for it, and the open session is not hurt.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/session_internal.h"
#include "tests/unit/session_world.h"

#define INPUTS_A_WORLD 4096

enum { RAW = 0, MAGIC = 1, MAC1 = 2, MAC2 = 4, FROM_PEER = 8, TIME = 16 };

static struct world *w;
static struct world_host *server, *client;
static const struct rn_endpoint stranger = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 7}}, 9};

static bool opened(struct world *world)
{
	(void)world;
	return server->opened && client->opened;
}

static void begin(void)
{
	if (w)
		world_free(w);
	w = world_new(1);
	server = world_add(w, 8);
	client = world_add(w, 8);
	world_connect(client, server, "hello");
	CHECK(world_run(w, w->now_ms + 5000, opened));
	world_run(w, w->now_ms + 200, NULL);
}

static void complete(uint8_t *d, size_t size, unsigned flags, const struct rn_endpoint *from)
{
	uint8_t cookie[RN_COOKIE_SIZE];

	if (flags & MAGIC && size >= RN_WIRE_HEAD) {
		d[0] = RN_WIRE_MAGIC_0;
		d[1] = RN_WIRE_MAGIC_1;
		d[2] = RN_WIRE_MAGIC_2;
	}
	if (flags & MAC2 && size >= 2 * RN_MAC_SIZE) {
		rn_mac(server->sessions->keys.mac1, RN_KEY_SIZE, d, size - 2 * RN_MAC_SIZE, d + size - 2 * RN_MAC_SIZE);
		rn_cookie_make(server->sessions->jar, w->now_ms, from, cookie);
		rn_mac(cookie, RN_COOKIE_SIZE, d, size - RN_MAC_SIZE, d + size - RN_MAC_SIZE);
	} else if (flags & MAC1 && size >= RN_MAC_SIZE) {
		rn_mac(server->sessions->keys.mac1, RN_KEY_SIZE, d, size - RN_MAC_SIZE, d + size - RN_MAC_SIZE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;
	struct fuzz f = {data, size};

	if (inputs++ % INPUTS_A_WORLD == 0)
		begin();
	while (f.size) {
		unsigned flags = fuzz_u8(&f);
		const struct rn_endpoint *from = flags & FROM_PEER ? &client->endpoint : &stranger;
		size_t datagram_size, sent;
		uint8_t *datagram = fuzz_block(&f, RN_DATAGRAM_MAX + 2, &datagram_size);

		if (flags & TIME)
			world_run(w, w->now_ms + 1 + datagram_size, NULL);
		complete(datagram, datagram_size, flags, from);
		sent = w->bytes_sent;
		rn_sessions_receive(server->sessions, w->now_ms, from, datagram, datagram_size);
		CHECK(w->bytes_sent - sent <= datagram_size);
		free(datagram);
	}
	CHECK(!server->closed && !client->closed && server->messages == 0);
	CHECK(rn_sessions_count(server->sessions) == 1);
	return 0;
}
