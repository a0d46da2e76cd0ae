/* SPDX-License-Identifier: Apache-2.0 */
/* The MSS that a SYN says, as it leaves a hub: no more than gets through on both sides, and nothing else is touched. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "frame.h"
#include "world.h"

#define PEER 3
#define MTU 1372
#define FRAME_MTU 1390 /* 1362 in IPv4 and 1342 in IPv6 */

static struct world *hub;

static int setup(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};

	(void)state;
	hub = world_open(&options);
	return 0;
}

/* FAR is behind the hub that PHONE is. */
static int reset(void **state)
{
	(void)state;
	world_reset(hub);
	*hub->bpf->mesh = (struct rn_mesh_self){
	    .addresses = {world_addr(HUB, true), world_addr(HUB, false)}, .rnm0 = 9, .rn0 = 7, .mtu = FRAME_MTU};
	hub->bpf->hubs[PEER] = (struct rn_mesh_addresses){world_addr(PHONE, true), world_addr(PHONE, false)};
	families(v6)
	{
		struct rn_addr a = world_addr(PHONE, v6);

		rn_bpf_peer(hub->bpf, &a, PEER);
	}
	for (int d = PHONE; d <= FAR; d++) {
		hub->bpf->devices[d].state = RN_STATE_PRESENT | WORLD_TRUST | RN_STATE_BEHIND(PEER);
		rn_bpf_behind(hub->bpf, PEER, d * 100, d * 10);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(hub);
	return 0;
}

static struct packet syn(int from, int to, bool v6, uint16_t mss, uint8_t nops)
{
	struct packet p = world_packet(from, to, v6, IPPROTO_TCP, 4000, 22);

	p.mss = mss;
	p.nops = nops;
	p.payload = 11;
	packet_build(&p);
	return p;
}

/* What left is p with that MSS, one hop less and right checksums. */
static void left_with(const struct packet *p, bool v6, bool framed, uint16_t mss)
{
	struct packet wanted = *p;
	const uint8_t *got = hub->last.packet + (framed ? (v6 ? 48 : 28) : 0);

	wanted.mss = mss;
	wanted.hops = 63;
	packet_build(&wanted);
	assert_int_equal(hub->last.action, 7);
	assert_int_equal(hub->last.size - (size_t)(got - hub->last.packet), p->size);
	assert_memory_equal(got, wanted.data, p->size);
}

static uint16_t least(unsigned a, unsigned b)
{
	return (uint16_t)(a < b ? a : b);
}

static void test_leaves(void **state)
{
	(void)state;
	families(v6)
	{
		unsigned here = MTU - (v6 ? 60 : 40), there = FRAME_MTU - (v6 ? 108 : 68);

		for (uint8_t nops = 0; nops <= 36; nops += nops < 3 ? 1 : 33) { /* the most that stand before it */
			for (uint16_t mss = (uint16_t)(there - 3); mss < here + 4; mss++) {
				struct packet p = syn(LAPTOP, SERVER, v6, mss, nops);

				expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
				left_with(&p, v6, false, least(mss, here));
				p = syn(LAPTOP, FAR, v6, mss, nops);
				expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
				left_with(&p, v6, true, least(mss, there));
			}
		}
	}
}

/* What comes out of a frame goes to a device by a way that takes more: back through the frames it takes less. */
static void test_comes(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = syn(FAR, LAPTOP, v6, 1460, 1);
		struct rn_addr from = world_addr(PHONE, true), to = world_addr(HUB, true);
		struct frame f = {.v6 = v6, .identity = FAR * 100, .trust = WORLD_TRUST};
		uint8_t bytes[PACKET_MAX];

		memcpy(f.from.v6, from.b, 16);
		memcpy(f.to.v6, to.b, 16);
		memcpy(f.from.v4, world_addr(PHONE, false).b + 12, 4);
		memcpy(f.to.v4, world_addr(HUB, false).b + 12, 4);
		assert_int_equal(
		    rn_bpf_run(hub->bpf, RN_BPF_MESH, bytes, frame_encode(&f, p.data, p.size, bytes), &hub->last),
		    RN_ALLOWED);
		left_with(&p, v6, false, FRAME_MTU - (v6 ? 108 : 68));
	}
}

/* This host's own packet goes one way only. */
static void test_own(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = syn(HUB, FAR, v6, 1460, 0);

		hub->bpf->devices[HUB].owner = 1;
		hub->bpf->config->mtu = 1280;
		p.hops = 63;
		packet_build(&p);
		expect(hub, RN_BPF_OUT, &p, RN_ALLOWED);
		left_with(&p, v6, true, FRAME_MTU - (v6 ? 108 : 68));
	}
}

/* SYN-ACK too, with extension headers too; no other packet, and nothing for this host. */
static void test_which(void **state)
{
	(void)state;
	families(v6)
	{
		unsigned most = MTU - (v6 ? 60 : 40);
		struct packet p = syn(LAPTOP, SERVER, v6, 1460, 1), answer = packet_answer(&p);

		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		answer = world_flags(&answer, SYN | ACK);
		expect(hub, RN_BPF_IN, &answer, RN_ALLOWED);
		left_with(&answer, v6, false, (uint16_t)most);
		p = world_flags(&p, ACK);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		left_with(&p, v6, false, 1460);
		hub->bpf->devices[HUB].owner = 1;
		p = syn(LAPTOP, HUB, v6, 1460, 1);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(hub->last.action, 0);
		assert_memory_equal(hub->last.packet, p.data, p.size);
		if (v6) {
			p = syn(LAPTOP, SERVER, v6, 1460, 2);
			p.extensions = 3;
			packet_build(&p);
			expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
			left_with(&p, v6, false, (uint16_t)most);
		}
	}
}

/* Every kind of an option before it, with lengths that are right and wrong: it is found where that ends before it. */
static void test_options(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 65536; i += i % 256 < 8 ? 1 : 31) {
		struct packet p = syn(LAPTOP, SERVER, false, 1460, 3);
		uint8_t kind = (uint8_t)(i >> 8), length = (uint8_t)i, *at = p.data + 40, wanted[PACKET_MAX];

		at[0] = kind;
		at[1] = length;
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		memcpy(wanted, p.data, p.size);
		packet_clamp(wanted, p.size, MTU - 40);
		wanted[8]--;
		memcpy(wanted + 10, hub->last.packet + 10, 2);
		assert_int_equal(hub->last.size, p.size);
		assert_memory_equal(hub->last.packet, wanted, p.size);
		found += wanted[46] != p.data[46];
	}
	assert_in_range(found, 500, 530);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
	    TEST(test_leaves), TEST(test_comes), TEST(test_own), TEST(test_which), TEST(test_options),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
