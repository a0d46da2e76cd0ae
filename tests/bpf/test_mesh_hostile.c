/* SPDX-License-Identifier: Apache-2.0 */
/* Section 9 of docs/datapath.md, frames that come in: everything that is not quite one. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "hub.h"

/* Cut at every length, as it was and with outer, and then also inner, lengths that say so. */
static void test_cut(void **state)
{
	uint8_t whole[MESHED_PACKET_MAX], b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		size_t size = hub_frame_bytes(v6, 60, whole), before = frame_overhead(v6),
		       least = before + (v6 ? 40 : 20);

		for (size_t cut = 1; cut < size; cut++) {
			enum rn_mesh_reason reason = cut < least ? RN_MESH_SHORT : RN_MESH_LENGTH;

			memcpy(b, whole, size);
			if (cut < (v6 ? 40 : 20) && hub_run(MESHED_IN, b, cut, v6) == -EINVAL)
				continue;
			hub_expect_in("cut", b, cut, v6, reason);
			if (cut < (v6 ? 40 : 20))
				continue;
			b[v6 ? 5 : 3] = (uint8_t)(v6 ? cut - 40 : cut);
			if (!v6)
				frame_checksum(b);
			hub_expect_in("cut, outer length", b, cut, v6, reason);
			hub_expect_in("bytes behind", b, size, v6, RN_MESH_LENGTH);
			if (cut < least)
				continue;
			b[before + (v6 ? 5 : 3)] = (uint8_t)(cut - before - (v6 ? 40 : 0));
			hub_expect_in("a shorter frame", b, cut, v6,
				      RN_MESH_PASSED); /* section 1 judges what is in it */
		}
	}
}

/* Byte `at` of a frame (from the inner packet where `inner`) is changed; the outer checksum is right again. */
struct spoiled {
	const char *what;
	int v6;
	bool inner;
	uint8_t at, value;
	enum rn_mesh_reason reason;
};

static const struct spoiled spoiled[] = {
    {"version 5", 0, 0, 0, 0x55, RN_MESH_HEADER},
    {"version 6", 0, 0, 0, 0x65, RN_MESH_HEADER},
    {"version 5, header of 0 words", 0, 0, 0, 0x50, RN_MESH_HEADER},
    {"version 3", 0, 0, 0, 0x35, RN_MESH_HEADER},
    {"header of 4 words", 0, 0, 0, 0x44, RN_MESH_HEADER},
    {"header of 0 words", 0, 0, 0, 0x40, RN_MESH_HEADER},
    {"options", 0, 0, 0, 0x46, RN_MESH_OPTIONS},
    {"most options", 0, 0, 0, 0x4f, RN_MESH_OPTIONS},
    {"any DSCP", 0, 0, 1, 0xb8, RN_MESH_PASSED},
    {"length one less", 0, 0, 3, 127, RN_MESH_LENGTH},
    {"length one more", 0, 0, 3, 129, RN_MESH_LENGTH},
    {"length 256 more", 0, 0, 2, 1, RN_MESH_LENGTH},
    {"any id", 0, 0, 4, 0x99, RN_MESH_PASSED},
    {"any id", 0, 0, 5, 0x99, RN_MESH_PASSED},
    {"no DF", 0, 0, 6, 0x00, RN_MESH_HEADER},
    {"reserved bit", 0, 0, 6, 0xc0, RN_MESH_HEADER},
    {"more fragments", 0, 0, 6, 0x20, RN_MESH_FRAGMENT},
    {"more fragments and DF", 0, 0, 6, 0x60, RN_MESH_FRAGMENT},
    {"offset", 0, 0, 6, 0x50, RN_MESH_FRAGMENT},
    {"offset 1", 0, 0, 7, 1, RN_MESH_FRAGMENT},
    {"hop limit 63", 0, 0, 8, 63, RN_MESH_HEADER},
    {"hop limit 65", 0, 0, 8, 65, RN_MESH_HEADER},
    {"hop limit 0", 0, 0, 8, 0, RN_MESH_HEADER},
    {"IPIP", 0, 0, 9, 4, RN_MESH_PROTOCOL},
    {"TCP", 0, 0, 9, 6, RN_MESH_PROTOCOL},
    {"ESP", 0, 0, 9, 50, RN_MESH_PROTOCOL},
    {"unknown peer", 0, 0, 15, 9, RN_MESH_UNKNOWN_PEER},
    {"ourselves", 0, 0, 15, 1, RN_MESH_UNKNOWN_PEER},
    {"another peer's source", 0, 0, 15, 3, RN_MESH_WRONG_IDENTITY},
    {"another hub's", 0, 0, 19, 2, RN_MESH_NOT_OURS},
    {"another network's", 0, 0, 16, 11, RN_MESH_NOT_OURS},
    {"protocol 86dd", 0, 0, 22, 0x86, RN_MESH_FAMILY},
    {"protocol 0801", 0, 0, 23, 1, RN_MESH_FAMILY},
    {"inner version 6", 0, 1, 0, 0x65, RN_MESH_FAMILY},
    {"inner version 5", 0, 1, 0, 0x55, RN_MESH_FAMILY},
    {"inner header of 4 words", 0, 1, 0, 0x44, RN_MESH_INNER},
    {"inner header of 0 words", 0, 1, 0, 0x40, RN_MESH_INNER},
    {"inner options are section 1's", 0, 1, 0, 0x46, RN_MESH_PASSED},
    {"inner length one more", 0, 1, 3, 101, RN_MESH_LENGTH},
    {"inner length one less", 0, 1, 3, 99, RN_MESH_LENGTH},
    {"inner length 256 more", 0, 1, 2, 1, RN_MESH_LENGTH},
    {"GRE in GRE", 0, 1, 9, 47, RN_MESH_NESTED},
    {"beside GRE", 0, 1, 9, 46, RN_MESH_PASSED},
    {"version 4", 1, 0, 0, 0x40, RN_MESH_HEADER},
    {"version 7", 1, 0, 0, 0x70, RN_MESH_HEADER},
    {"any DSCP", 1, 0, 0, 0x6b, RN_MESH_PASSED},
    {"any DSCP", 1, 0, 1, 0x80, RN_MESH_PASSED},
    {"flow label", 1, 0, 1, 0x01, RN_MESH_HEADER},
    {"flow label", 1, 0, 1, 0x08, RN_MESH_HEADER},
    {"flow label", 1, 0, 2, 0x80, RN_MESH_HEADER},
    {"flow label", 1, 0, 3, 1, RN_MESH_HEADER},
    {"length one less", 1, 0, 5, 127, RN_MESH_LENGTH},
    {"length one more", 1, 0, 5, 129, RN_MESH_LENGTH},
    {"length 256 more", 1, 0, 4, 1, RN_MESH_LENGTH},
    {"hop-by-hop options", 1, 0, 6, 0, RN_MESH_PROTOCOL},
    {"routing", 1, 0, 6, 43, RN_MESH_PROTOCOL},
    {"fragment", 1, 0, 6, 44, RN_MESH_FRAGMENT},
    {"no next header", 1, 0, 6, 59, RN_MESH_PROTOCOL},
    {"destination options", 1, 0, 6, 60, RN_MESH_PROTOCOL},
    {"hop limit 63", 1, 0, 7, 63, RN_MESH_HEADER},
    {"hop limit 65", 1, 0, 7, 65, RN_MESH_HEADER},
    {"hop limit 255", 1, 0, 7, 255, RN_MESH_HEADER},
    {"unknown peer", 1, 0, 23, 9, RN_MESH_UNKNOWN_PEER},
    {"unknown network", 1, 0, 8, 0xfe, RN_MESH_UNKNOWN_PEER},
    {"another peer's source", 1, 0, 23, 3, RN_MESH_WRONG_IDENTITY},
    {"another hub's", 1, 0, 39, 2, RN_MESH_NOT_OURS},
    {"another network's", 1, 0, 24, 0xfe, RN_MESH_NOT_OURS},
    {"protocol 08dd", 1, 0, 42, 8, RN_MESH_FAMILY},
    {"protocol 86dc", 1, 0, 43, 0xdc, RN_MESH_FAMILY},
    {"inner version 4", 1, 1, 0, 0x40, RN_MESH_FAMILY},
    {"inner length one more", 1, 1, 5, 81, RN_MESH_LENGTH},
    {"inner length one less", 1, 1, 5, 79, RN_MESH_LENGTH},
    {"inner length 256 more", 1, 1, 4, 1, RN_MESH_LENGTH},
    {"GRE in GRE", 1, 1, 6, 47, RN_MESH_NESTED},
    {"beside GRE", 1, 1, 6, 48, RN_MESH_PASSED},
};

static void test_spoiled(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		const struct spoiled *s = &spoiled[i];
		size_t size = hub_frame_bytes(s->v6, 60, b);

		b[s->at + (s->inner ? frame_overhead(s->v6) : 0)] = s->value;
		if (!s->v6)
			frame_checksum(b);
		hub_expect_in(s->what, b, size, s->v6, s->reason);
	}
}

/* Each bit of an outer IPv4 header changed alone: its checksum tells, where nothing else did before. */
static void test_checksum(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];
	size_t size = hub_frame_bytes(false, 60, b);

	(void)state;
	for (unsigned bit = 0; bit < 160; bit++) {
		b[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(hub_run(MESHED_IN, b, size, false), RN_MESH_PASSED);
		if (bit / 8 == 1 || bit / 8 == 4 || bit / 8 == 5 || bit / 8 >= 10)
			hub_expect_in("checksum", b, size, false, RN_MESH_CHECKSUM);
		b[bit / 8] ^= 1 << bit % 8;
	}
	hub_expect_in("unchanged", b, size, false, RN_MESH_PASSED);
}

/* Flags (checksum, routing, sequence, reserved, version) and protocols by the ten thousand, and each flag alone. */
static void test_gre(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		size_t size = hub_frame_bytes(v6, 60, b), at = frame_overhead(v6) - 8;

		for (unsigned value = 0; value < 0x10000; value += value & 1 ? 7 : 1) {
			b[at] = value >> 8;
			b[at + 1] = value & 0xff;
			hub_expect_in("flags", b, size, v6, value == 0x2000 ? RN_MESH_PASSED : RN_MESH_GRE);
		}
		for (unsigned bit = 0; bit < 16; bit++) {
			unsigned value = 0x2000 ^ 1u << bit;

			b[at] = value >> 8;
			b[at + 1] = value & 0xff;
			hub_expect_in("a bit", b, size, v6, RN_MESH_GRE);
		}
		b[at] = 0x20;
		b[at + 1] = 0;
		for (unsigned value = 0; value < 0x10000; value += 11) { /* the right one is not among them */
			b[at + 2] = value >> 8;
			b[at + 3] = value & 0xff;
			hub_expect_in("protocol", b, size, v6, RN_MESH_FAMILY);
		}
	}
}

/* Frames of one family with the other in them, in every way that one can say so. */
static void test_mixed_families(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		struct packet p = hub_packet(!v6, IPPROTO_TCP, 60);
		struct frame f = hub_frame(v6);
		size_t size = frame_encode(&f, p.data, p.size, b), at = frame_overhead(v6) - 6;

		hub_expect_in("the other's packet", b, size, v6, RN_MESH_FAMILY);
		b[at] = v6 ? 0x08 : 0x86;
		b[at + 1] = v6 ? 0x00 : 0xdd;
		hub_expect_in("and GRE says so", b, size, v6, RN_MESH_FAMILY);
		size = hub_frame_bytes(v6, 60, b);
		hub_expect_in("the other's ethertype", b, size, !v6, RN_MESH_HEADER);
		assert_int_equal(hub_run_as(MESHED_IN, b, size, 0x0806), RN_MESH_NOT_IP);
		assert_int_equal(hub_run_as(MESHED_IN, b, size, 0x6558), RN_MESH_NOT_IP);
	}
}

/* Real options and extension headers, not only numbers that say so. */
static void test_outer_extensions(void **state)
{
	static const uint8_t headers[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_AH,
					  IPPROTO_DSTOPTS};
	uint8_t whole[MESHED_PACKET_MAX], b[MESHED_PACKET_MAX];
	size_t size = hub_frame_bytes(false, 60, whole);

	(void)state;
	for (size_t words = 1; words <= 10; words++) {
		memcpy(b, whole, 20);
		memset(b + 20, 1, 4 * words); /* no operation */
		memcpy(b + 20 + 4 * words, whole + 20, size - 20);
		b[0] = (uint8_t)(0x45 + words);
		b[3] = (uint8_t)(size + 4 * words);
		b[10] = b[11] = 0;
		uint16_t sum = packet_checksum(b, 20 + 4 * words, 0);
		b[10] = sum >> 8;
		b[11] = sum & 0xff;
		hub_expect_in("options", b, size + 4 * words, false, RN_MESH_OPTIONS);
	}
	size = hub_frame_bytes(true, 60, whole);
	for (size_t i = 0; i < sizeof(headers); i++) {
		memcpy(b, whole, 40);
		memset(b + 40, 0, 8);
		b[40] = IPPROTO_GRE;
		b[42] = headers[i] == IPPROTO_HOPOPTS || headers[i] == IPPROTO_DSTOPTS ? 1 : 0; /* PadN */
		b[43] = b[42] ? 4 : 0;
		b[6] = headers[i];
		b[5] = (uint8_t)(b[5] + 8);
		memcpy(b + 48, whole + 40, size - 40);
		hub_expect_in("extension header", b, size + 8, true,
			      headers[i] == IPPROTO_FRAGMENT ? RN_MESH_FRAGMENT : RN_MESH_PROTOCOL);
	}
}

static void test_key(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		size_t size = hub_frame_bytes(v6, 60, b), at = frame_overhead(v6) - 4;

		for (unsigned trust = 0; trust < 256; trust++) {
			b[at + 3] = (uint8_t)trust;
			hub_expect_in("trust", b, size, v6, trust <= 100 ? RN_MESH_PASSED : RN_MESH_WRONG_TRUST);
			if (trust <= 100)
				assert_int_equal(meshed_last(&hub_mesh).trust, trust);
		}
		b[at + 3] = 0;
		for (unsigned bit = 0; bit < 24; bit++) {
			b[at + bit / 8] ^= 1 << bit % 8;
			hub_expect_in("identity", b, size, v6, RN_MESH_WRONG_IDENTITY);
			b[at + bit / 8] ^= 1 << bit % 8;
		}
		memcpy(b + at, "\0\0\0", 3);
		meshed_behind(&hub_mesh, PEER_B, 0, 5); /* such an entry is a mistake, and no key to anything */
		hub_expect_in("identity 0", b, size, v6, RN_MESH_WRONG_IDENTITY);
		meshed_behind_remove(&hub_mesh, PEER_B, 0);
		b[at + 2] = IDENTITY_C; /* which hub-c may say */
		hub_expect_in("another peer's identity", b, size, v6, RN_MESH_WRONG_IDENTITY);
		meshed_behind(&hub_mesh, PEER_B, IDENTITY_C, 9);
		hub_expect_in("an identity behind both", b, size, v6, RN_MESH_PASSED);
		assert_int_equal(meshed_last(&hub_mesh).peer, PEER_B);
		assert_int_equal(meshed_last(&hub_mesh).slot, 9);
		meshed_behind_remove(&hub_mesh, PEER_B, IDENTITY_C);
		hub_expect_in("not any more", b, size, v6, RN_MESH_WRONG_IDENTITY);
	}
}

/* Tables that say what they cannot say; a hub without addresses; mapped addresses. */
static void test_tables(void **state)
{
	struct rn_addr none = {{0}}, mapped = hub_address(&hub_b, false);
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		struct rn_addr source = hub_address(&hub_b, v6);
		size_t size = hub_frame_bytes(v6, 60, b);

		meshed_peer(&hub_mesh, &source, 0);
		hub_expect_in("peer 0", b, size, v6, RN_MESH_INTERNAL);
		meshed_peer(&hub_mesh, &source, RN_MESH_PEERS_MAX);
		hub_expect_in("a peer past the bound", b, size, v6, RN_MESH_INTERNAL);
		meshed_peer(&hub_mesh, &source, PEER_B);
		meshed_behind(&hub_mesh, PEER_B, IDENTITY_B, RN_IDENTITIES_MAX);
		hub_expect_in("a slot past the bound", b, size, v6, RN_MESH_INTERNAL);
		meshed_behind(&hub_mesh, PEER_B, IDENTITY_B, RN_IDENTITIES_MAX - 1);
		hub_expect_in("the last slot", b, size, v6, RN_MESH_PASSED);
		memset(hub_mesh.self, 0, sizeof(*hub_mesh.self));
		hub_expect_in("no address", b, size, v6, RN_MESH_NOT_OURS);
		memset(b + (v6 ? 24 : 16), 0, v6 ? 16 : 4);
		if (!v6)
			frame_checksum(b);
		hub_expect_in("to nobody", b, size, v6, RN_MESH_NOT_OURS);
		hub_reset(NULL);
	}
	/* an IPv6 source must not be what an IPv4 address means */
	size_t size = hub_frame_bytes(true, 60, b);

	memcpy(b + 8, mapped.b, 16);
	hub_expect_in("a mapped source", b, size, true, RN_MESH_HEADER);
	hub_mesh.self->addresses.v6 = none;
	size = hub_frame_bytes(true, 60, b);
	hub_expect_in("no IPv6 address", b, size, true, RN_MESH_NOT_OURS);
	memset(b + 24, 0, 16);
	hub_expect_in("to ::", b, size, true, RN_MESH_NOT_OURS);
}

/* RFC 6040: every pair of marks, under every DSCP. */
static void test_ecn(void **state)
{
	uint8_t b[MESHED_PACKET_MAX];

	(void)state;
	families(v6)
	{
		for (unsigned both = 0; both < 256 * 16; both++) {
			struct packet p = hub_packet(v6, IPPROTO_TCP, both % 50);
			struct frame f = hub_frame(v6);
			unsigned inner = both & 0xff, outer = both >> 8 & 3;
			int after = frame_ecn(inner, outer);
			size_t size;

			f.tos = (uint8_t)((both * 5 & 0xfc) | outer);
			frame_set_tos(p.data, (uint8_t)inner);
			size = frame_encode(&f, p.data, p.size, b);
			hub_expect_in("ECN", b, size, v6, after < 0 ? RN_MESH_CONGESTION : RN_MESH_PASSED);
			if (after < 0)
				continue;
			frame_set_tos(p.data, (uint8_t)((inner & 0xfc) | (unsigned)after));
			assert_int_equal(hub_last.out_size, p.size);
			assert_memory_equal(hub_last.out, p.data, p.size);
			assert_int_equal(v6 ? 0 : packet_checksum(hub_last.out, 20, 0), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_cut, hub_reset),
	    cmocka_unit_test_setup(test_spoiled, hub_reset),
	    cmocka_unit_test_setup(test_checksum, hub_reset),
	    cmocka_unit_test_setup(test_gre, hub_reset),
	    cmocka_unit_test_setup(test_mixed_families, hub_reset),
	    cmocka_unit_test_setup(test_outer_extensions, hub_reset),
	    cmocka_unit_test_setup(test_key, hub_reset),
	    cmocka_unit_test_setup(test_tables, hub_reset),
	    cmocka_unit_test_setup(test_ecn, hub_reset),
	};

	return cmocka_run_group_tests(tests, hub_setup, hub_teardown);
}
