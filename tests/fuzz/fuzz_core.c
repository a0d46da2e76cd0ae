/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's core whose net is the input: any local message, and any control message in any session, from strangers,
 * the hub and its device, whose keys net claims as it likes; and kern, as far as it speaks. Whatever it says, no device
 * comes or changes, no record is signed, no leaf is asked of ca without a token, and the honest calls of the API go on
 * working.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "service/core_state.h"
#include "tests/unit/core_world.h"

#define INPUTS_A_WORLD 256
#define SESSIONS 8

static struct world *w;
static uint64_t version; /* newest record, when all was honest */
static unsigned asked;

static uint64_t newest(void)
{
	struct rn_core_status status;

	rn_core_status(w->hosts[0].core, &status);
	CHECK(status.devices == 3);
	return status.version;
}

static void begin(void)
{
	if (w)
		world_free(w);
	w = world_three();
	world_wait(w, 200);
	version = newest();
	asked = w->ca_asked;
}

static const uint8_t *key_of(uint8_t which)
{
	static const uint8_t nobody[RN_KEY_SIZE] = {0x66};

	return which % 4 < 3 ? w->hosts[which % 4].noise_public : nobody;
}

static uint64_t session_of(uint8_t which)
{
	return 0x7000000000000000ull + which % SESSIONS;
}

/* A message that decodes, so that its handling is reached whatever the input says of form. */
static void give(const struct rn_local *message)
{
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	int size = rn_local_encode(message, data, sizeof(data));
	struct rn_local decoded;
	uint8_t *exact;

	if (size < 0)
		return;
	exact = fuzz_copy(data, (size_t)size);
	/* What makes no sense ends the connection; net dials again. */
	if (rn_local_decode(exact, (size_t)size, &decoded) < 0 ||
	    !rn_core_receive(w->hosts[0].core, RN_CORE_NET, &decoded)) {
		rn_core_gone(w->hosts[0].core, RN_CORE_NET);
		rn_core_connected(w->hosts[0].core, RN_CORE_NET);
	}
	free(exact);
}

static void open_session(struct fuzz *f)
{
	static const uint8_t kinds[] = {0, RN_KIND_GATEWAY, RN_KIND_REGIONAL, RN_KIND_DESKTOP};
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = session_of(fuzz_u8(f))};

	open.role = kinds[fuzz_u8(f) % 4];
	memcpy(open.key, key_of(fuzz_u8(f)), RN_KEY_SIZE);
	open.number = fuzz_u8(f) & 1 ? fuzz_u32(f) : 0;
	give(&open);
}

static void say(struct fuzz *f)
{
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE, .session = session_of(fuzz_u8(f))};
	uint8_t *block = fuzz_block(f, 8192, &local.block_size);

	local.block = block;
	give(&local);
	free(block);
}

static void anything(struct fuzz *f)
{
	static const enum rn_local_type types[] = {RN_LOCAL_NET_HELLO,	RN_LOCAL_NET_CLOSED,   RN_LOCAL_NET_BUSY,
						   RN_LOCAL_NET_SEALED, RN_LOCAL_KERN_APPLIED, RN_LOCAL_CA_ANSWER};
	struct rn_local local = {
	    .type = types[fuzz_u8(f) % 6], .session = session_of(fuzz_u8(f)), .number = fuzz_u8(f)};
	uint8_t *block = fuzz_block(f, 256, &local.block_size);

	local.block = block;
	give(&local);
	free(block);
}

static void raw(struct fuzz *f)
{
	struct rn_local local;
	size_t size;
	uint8_t *block = fuzz_block(f, 8192, &size);

	if (rn_local_decode(block, size, &local) < 0 || !rn_core_receive(w->hosts[0].core, RN_CORE_NET, &local)) {
		rn_core_gone(w->hosts[0].core, RN_CORE_NET);
		rn_core_connected(w->hosts[0].core, RN_CORE_NET);
	}
	free(block);
}

/* kern is believed in what it has seen, and in no more. */
static void kern_says(struct fuzz *f)
{
	static const enum rn_local_type types[] = {RN_LOCAL_KERN_HELLO,	 RN_LOCAL_KERN_APPLIED, RN_LOCAL_KERN_REFUSED,
						   RN_LOCAL_KERN_EVENTS, RN_LOCAL_KERN_FLOWS,	RN_LOCAL_KERN_STATUS};
	struct rn_local local = {.type = types[fuzz_u8(f) % 6], .number = fuzz_u8(f), .version = fuzz_u8(f)};
	uint8_t more = fuzz_u8(f);
	size_t size;
	uint8_t *block = fuzz_block(f, 1024, &size);

	local.role = more & 1;
	local.block = local.status.peers = block;
	local.block_size = local.status.peers_size = size;
	local.status.id = local.number;
	if ((more & 2 && rn_local_decode(block, size, &local) < 0) ||
	    !rn_core_receive(w->hosts[0].core, RN_CORE_KERN, &local)) {
		rn_core_gone(w->hosts[0].core, RN_CORE_KERN);
		rn_core_connected(w->hosts[0].core, RN_CORE_KERN);
	}
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct fuzz *) = {open_session, say, say, say, anything, raw};
	static unsigned inputs;
	struct fuzz f = {data, size};

	if (inputs++ % INPUTS_A_WORLD == 0)
		begin();
	while (f.size) {
		uint8_t step = fuzz_u8(&f);

		(step >= 0xf0 ? kern_says : steps[step % 6])(&f);
	}
	world_wait(w, 50);
	CHECK(newest() == version && w->ca_asked == asked);
	return 0;
}
