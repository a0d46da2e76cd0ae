/* SPDX-License-Identifier: Apache-2.0 */
/* Section 9 of docs/datapath.md, frames spoiled at random: one passes exactly where frame.c takes it. RN_SEED repeats.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hub.h"

#define MUTATIONS 100000u

static uint64_t draw_state;

static uint32_t draw(uint32_t below)
{
	draw_state ^= draw_state << 13;
	draw_state ^= draw_state >> 7;
	draw_state ^= draw_state << 17;
	return (uint32_t)((draw_state >> 16) % below);
}

/* Values that are something somewhere. */
static uint8_t draw_byte(void)
{
	static const uint8_t known[] = {0,  1,	2,    3,    0x20, 0x40, 0x45, 0x46, 0x60,
					47, 64, 0x08, 0x86, 0xdd, 100,	101,  0xff};

	return draw(3) ? known[draw(sizeof(known))] : (uint8_t)draw(256);
}

/* Sets outer, inner or both lengths to what is there, or what is there to one of them. */
static void mend_lengths(uint8_t *b, size_t size, bool v6)
{
	size_t before = frame_overhead(v6);

	if (size < before + (v6 ? 40 : 20))
		return;
	if (draw(2)) {
		b[v6 ? 4 : 2] = (uint8_t)((v6 ? size - 40 : size) >> 8);
		b[v6 ? 5 : 3] = (uint8_t)(v6 ? size - 40 : size);
	}
	if (draw(2)) {
		b[before + (v6 ? 4 : 2)] = (uint8_t)((size - before - (v6 ? 40 : 0)) >> 8);
		b[before + (v6 ? 5 : 3)] = (uint8_t)(size - before - (v6 ? 40 : 0));
	}
}

static size_t mutate(uint8_t *b, size_t size, bool v6)
{
	size_t headers = frame_overhead(v6) + (v6 ? 40 : 20);

	for (uint32_t i = draw(4); i > 0; i--) {
		size_t at = draw(4) ? draw((uint32_t)headers) : draw((uint32_t)size);

		switch (draw(5)) {
		case 0:
			b[at] ^= (uint8_t)(1 << draw(8));
			break;
		case 1:
			b[at] = draw_byte();
			break;
		case 2:
			size = draw(2) ? size - draw(30) : size + draw(30);
			break;
		case 3: /* the key */
			b[frame_overhead(v6) - 1 - draw(4)] = draw_byte();
			break;
		default: /* marks */
			b[draw(2) ? 1 : frame_overhead(v6) + 1] = (uint8_t)(draw(16) << 4);
			break;
		}
	}
	if (draw(2))
		mend_lengths(b, size, v6);
	if (!v6 && draw(4))
		frame_checksum(b);
	return size;
}

static struct frame_world judged_world(void)
{
	struct frame_world w = {.self = hub_a, .peer_count = 2};

	w.peers[0] = (struct frame_peer){hub_b, PEER_B, IDENTITY_B, SLOT_B};
	w.peers[1] = (struct frame_peer){hub_c, PEER_C, IDENTITY_C, SLOT_C};
	return w;
}

/* A frame passes exactly where the judge of frame.c takes it, and goes on as that says. */
static bool one_mutation(const struct frame_world *w, uint32_t number)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	bool v6 = draw(2), c = draw(4) == 0, good;
	struct packet p = hub_packet(v6, protocols[draw(3)], (uint16_t)draw(100));
	struct frame f = hub_frame(v6);
	uint8_t b[MESHED_PACKET_MAX] = {0};
	struct frame_verdict verdict;
	uint16_t ethertype;
	size_t size;
	int got;

	if (c) {
		f.from = hub_c;
		f.identity = IDENTITY_C;
	}
	f.trust = (uint8_t)draw(101);
	f.id = (uint16_t)draw(65536);
	size = mutate(b, frame_encode(&f, p.data, p.size, b), v6);
	ethertype = (draw(50) ? v6 : !v6) ? 0x86dd : 0x0800;
	got = hub_run_as(MESHED_IN, b, size, ethertype);
	if (got == -EINVAL && size < 40)
		return false;
	good = frame_judge(w, ethertype, b, size, &verdict);
	if (good != (got == RN_MESH_PASSED))
		fail_msg("mutation %u (IPv%d, %zu bytes): %s, and the judge says %s", number, v6 ? 6 : 4, size,
			 meshed_reason((unsigned)got), good ? "yes" : "no");
	if (good) {
		struct meshed_last seen = meshed_last(&hub_mesh);

		assert_int_equal(seen.peer, verdict.peer);
		assert_int_equal(seen.identity, verdict.identity);
		assert_int_equal(seen.trust, verdict.trust);
		assert_int_equal(seen.slot, verdict.slot);
		assert_int_equal(hub_last.out_size, verdict.size);
		assert_memory_equal(hub_last.out, verdict.inner, verdict.size);
	}
	return good;
}

static void test_mutations(void **state)
{
	const struct frame_world w = judged_world();
	const char *seed = getenv("RN_SEED");
	uint32_t passed = 0;

	(void)state;
	draw_state = (seed ? strtoull(seed, NULL, 0) : 20261127) * 0x9e3779b97f4a7c15ull + 1;
	for (uint32_t i = 0; i < MUTATIONS; i++)
		passed += one_mutation(&w, i);
	print_message("%u of %u mutations were frames\n", passed, MUTATIONS);
	assert_in_range(passed, MUTATIONS / 20, MUTATIONS * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_mutations, hub_reset),
	};

	return cmocka_run_group_tests(tests, hub_setup, hub_teardown);
}
