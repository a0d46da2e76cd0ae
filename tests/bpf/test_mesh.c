/* SPDX-License-Identifier: Apache-2.0 */
/* Section 9 of docs/datapath.md, frames made: byte for byte as the RFCs have them, and taken apart again. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "hub.h"

/* Frames as the RFCs have them: all sizes up to the MTU, protocols, marks, identities and trusts. */
static void test_bytes(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	uint8_t wanted[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		for (unsigned i = 0; i < 1300; i++) {
			struct packet p = hub_packet(v6, protocols[i % 3], (uint16_t)i);
			struct frame f = {.v6 = v6, .from = hub_a, .to = i & 1 ? hub_b : hub_c};
			size_t size;

			f.identity = i % 5 ? i * 12907 % 0xffffff + 1 : RN_MESH_IDENTITY_MAX;
			f.trust = i % 101;
			frame_set_tos(p.data, i & 0xff);
			f.tos = i & 0xff;
			size = frame_encode(&f, p.data, p.size, wanted);
			meshed_way(&hub_mesh, i & 1 ? PEER_B : PEER_C, f.identity, f.trust);
			hub_expect_out(&p, v6, size > MTU ? RN_MESH_TOO_BIG : RN_MESH_PASSED);
			if (size > MTU)
				continue;
			assert_int_equal(hub_last.out_size, size);
			assert_memory_equal(hub_last.out, wanted, size);
		}
	}
}

/* One of each, written down: nothing computed it. */
static void test_written_down(void **state)
{
	static const uint8_t v4[] = {0x45, 0xb8, 0x00, 0x39, 0x00, 0x00, 0x40, 0x00, 0x40, 0x2f,
				     0x25, 0xca, 0x0a, 0x09, 0x00, 0x01, 0x0a, 0x09, 0x00, 0x02,
				     0x20, 0x00, 0x08, 0x00, 0x00, 0x00, 0x4d, 0x37};
	static const uint8_t v6[] = {0x6b, 0x80, 0x00, 0x00, 0x00, 0x39, 0x2f, 0x40, 0xfd, 0x00, 0x00, 0x09,
				     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
				     0xfd, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
				     0x00, 0x00, 0x00, 0x02, 0x20, 0x00, 0x86, 0xdd, 0x00, 0x00, 0x4d, 0x37};
	struct packet p = hub_packet(false, IPPROTO_UDP, 1);

	(void)state;
	frame_set_tos(p.data, 0xb8);
	hub_expect_out(&p, false, RN_MESH_PASSED);
	assert_memory_equal(hub_last.out, v4, sizeof(v4));
	p = hub_packet(true, IPPROTO_UDP, 1);
	frame_set_tos(p.data, 0xb8);
	hub_expect_out(&p, true, RN_MESH_PASSED);
	assert_memory_equal(hub_last.out, v6, sizeof(v6));
}

/* What hub-a sends, hub-b takes apart. */
static void test_round_trip(void **state)
{
	uint8_t frame[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		struct rn_addr a = hub_address(&hub_a, v6);

		meshed_peer(&hub_mesh, &a, 1);
		meshed_behind(&hub_mesh, 1, IDENTITY_C, 12);
		for (uint16_t payload = 0; payload < 1200; payload += 13) {
			struct packet p = hub_packet(v6, payload & 1 ? IPPROTO_TCP : IPPROTO_ICMP, payload);
			struct meshed_last seen;
			size_t size;

			frame_set_tos(p.data, payload & 0xff);
			hub_mesh.self->addresses = hub_addresses(&hub_a);
			hub_expect_out(&p, v6, RN_MESH_PASSED);
			size = hub_last.out_size;
			memcpy(frame, hub_last.out, size);
			hub_mesh.self->addresses = hub_addresses(&hub_b);
			hub_expect_in("round trip", frame, size, v6, RN_MESH_PASSED);
			assert_int_equal(hub_last.out_size, p.size);
			assert_memory_equal(hub_last.out, p.data, p.size);
			seen = meshed_last(&hub_mesh);
			assert_int_equal(seen.peer, 1);
			assert_int_equal(seen.identity, IDENTITY_C);
			assert_int_equal(seen.trust, 55);
			assert_int_equal(seen.slot, 12);
		}
		meshed_peer_remove(&hub_mesh, &a);
		meshed_behind_remove(&hub_mesh, 1, IDENTITY_C);
	}
}

static void test_out_refused(void **state)
{
	static const struct {
		uint32_t peer, identity, trust;
		enum rn_mesh_reason reason;
	} ways[] = {
	    {0, 1, 0, RN_MESH_NO_ROUTE},
	    {2, 1, 0, RN_MESH_NO_ROUTE}, /* nobody is there */
	    {RN_MESH_PEERS_MAX, 1, 0, RN_MESH_NO_ROUTE},
	    {0xffffffff, 1, 0, RN_MESH_NO_ROUTE},
	    {PEER_B, 0, 0, RN_MESH_WRONG_IDENTITY},
	    {PEER_B, 0x1000000, 0, RN_MESH_WRONG_IDENTITY},
	    {PEER_B, 0xffffffff, 0, RN_MESH_WRONG_IDENTITY},
	    {PEER_B, 0xffffff, 101, RN_MESH_WRONG_TRUST},
	    {PEER_B, 0xffffff, 255, RN_MESH_WRONG_TRUST},
	    {PEER_B, 0xffffff, 256, RN_MESH_WRONG_TRUST},
	    {PEER_B, 0xffffff, 100, RN_MESH_PASSED},
	    {PEER_C, 1, 0, RN_MESH_PASSED},
	};

	(void)state;
	families(v6)
	{
		struct packet p = hub_packet(v6, IPPROTO_UDP, 100);

		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			meshed_way(&hub_mesh, ways[i].peer, ways[i].identity, ways[i].trust);
			hub_expect_out(&p, v6, ways[i].reason);
		}
		p.data[v6 ? 5 : 3]++; /* longer than it is */
		hub_expect_out(&p, v6, RN_MESH_INNER);
		assert_int_equal(hub_run_as(MESHED_OUT, p.data, p.size, 0x0806), RN_MESH_INNER);
	}
}

/* Both ends need an address of the packet's family. */
static void test_out_one_family(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = hub_packet(v6, IPPROTO_UDP, 100), other = hub_packet(!v6, IPPROTO_UDP, 100);

		hub_reset(NULL);
		memset(v6 ? &hub_mesh.hubs[PEER_B].v6 : &hub_mesh.hubs[PEER_B].v4, 0, 16);
		hub_expect_out(&p, v6, RN_MESH_NO_ROUTE);
		hub_expect_out(&other, !v6, RN_MESH_PASSED);
		hub_reset(NULL);
		memset(v6 ? &hub_mesh.self->addresses.v6 : &hub_mesh.self->addresses.v4, 0, 16);
		hub_expect_out(&p, v6, RN_MESH_NO_ROUTE);
		hub_expect_out(&other, !v6, RN_MESH_PASSED);
	}
}

/* Bytes that are behind the packet stay behind. */
static void test_out_trailer(void **state)
{
	uint8_t wanted[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		struct packet p = hub_packet(v6, IPPROTO_UDP, 100);
		struct frame f = {.v6 = v6, .from = hub_a, .to = hub_b, .identity = IDENTITY_C, .trust = 55};
		size_t size = frame_encode(&f, p.data, p.size, wanted);

		for (size_t more = 1; more < 60; more += 9) {
			struct packet q = p;

			q.size += more;
			hub_expect_out(&q, v6, RN_MESH_PASSED);
			assert_int_equal(hub_last.out_size, size);
			assert_memory_equal(hub_last.out, wanted, size);
		}
	}
}

/*
 * A GSO packet is as large as its segments. Those of test runs are of no type, and the kernel makes no room in what is
 * neither TCP nor UDP: they get as far as that. test_mesh_pair.c sends real ones.
 */
static void test_gso_sizes(void **state)
{
	uint8_t frame[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		struct packet p = hub_packet(v6, IPPROTO_TCP, 3000);
		uint32_t fits = MTU - (uint32_t)frame_overhead(v6) - (v6 ? 60 : 40);
		size_t size = hub_frame_bytes(v6, 3000, frame);

		hub_last.gso_size = fits;
		hub_expect_out(&p, v6, RN_MESH_INTERNAL);
		hub_expect_in("GSO", frame, size, v6, RN_MESH_INTERNAL);
		hub_last.gso_size = fits + 1;
		hub_expect_out(&p, v6, RN_MESH_TOO_BIG);
		hub_last.gso_size = fits;
		p.size++;
		hub_expect_out(&p, v6, RN_MESH_INNER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_bytes, hub_reset),
	    cmocka_unit_test_setup(test_written_down, hub_reset),
	    cmocka_unit_test_setup(test_round_trip, hub_reset),
	    cmocka_unit_test_setup(test_out_refused, hub_reset),
	    cmocka_unit_test_setup(test_out_one_family, hub_reset),
	    cmocka_unit_test_setup(test_out_trailer, hub_reset),
	    cmocka_unit_test_setup(test_gso_sizes, hub_reset),
	};

	return cmocka_run_group_tests(tests, hub_setup, hub_teardown);
}
