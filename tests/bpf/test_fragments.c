/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in fragments: what passes is the head that was judged and then, without gap or overlap, the rest. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "frame.h"
#include "worlds.h"

#define PEER 3
#define ACTION_REDIRECT 7

/* UDP 53, 120 bytes after the IP header. */
static struct packet dns(int from, int to, bool v6)
{
	struct packet p = world_packet(from, to, v6, IPPROTO_UDP, 4000, 53);

	p.payload = 112;
	packet_build(&p);
	for (size_t i = p.transport + 8; i < p.size; i++)
		p.data[i] = (uint8_t)i;
	return p;
}

static enum rn_reason piece(struct world *w, int direction, const struct packet *p, uint32_t id, size_t from,
			    size_t size, bool more)
{
	struct packet f = packet_fragment(p, id, from, size, more);

	return world_run(w, direction, &f);
}

#define expect_piece(w, direction, p, id, from, size, more, wanted)                                                    \
	assert_string_equal(world_reason(piece(w, direction, p, id, from, size, more)), world_reason(wanted))
#define passes(p, id, from, size, more) expect_piece(hub, RN_BPF_IN, p, id, from, size, more, RN_ALLOWED)
#define drops(p, id, from, size, more) expect_piece(hub, RN_BPF_IN, p, id, from, size, more, RN_FRAGMENT)

static void test_in_order(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);
		struct rn_flow f;
		size_t headers = v6 ? 48 : 20;

		for (int again = 0; again < 2; again++) { /* the number may be used again when all has passed */
			passes(&p, 7, 0, 48, true);
			assert_int_equal(hub->last.action, ACTION_REDIRECT);
			passes(&p, 7, 48, 40, true);
			assert_int_equal(hub->last.action, ACTION_REDIRECT);
			assert_int_equal(hub->last.packet[v6 ? 7 : 8], 63);
			passes(&p, 7, 88, 32, false);
		}
		f = world_flow(hub, &p);
		assert_int_equal(f.packets[0], 6);
		assert_int_equal(f.bytes[0], 2 * (120 + 3 * headers));
		assert_int_equal(f.dropped, 0);
	}
	assert_int_equal(rn_bpf_flow_count(hub->bpf), 2);
}

/* A node's two worlds; an answer's pieces count for the other end. */
static void test_node(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), q = packet_answer(&p);

		expect_piece(node, RN_BPF_OUT, &p, 1, 0, 48, true, RN_ALLOWED);
		expect_piece(node, RN_BPF_IN, &q, 1, 0, 48, true, RN_ALLOWED);
		expect_piece(node, RN_BPF_OUT, &p, 1, 48, 72, false, RN_ALLOWED);
		expect_piece(node, RN_BPF_IN, &q, 1, 48, 72, false, RN_ALLOWED);
		assert_int_equal(node->last.action, 0);
		assert_int_equal(world_flow(node, &p).packets[0], 2);
		assert_int_equal(world_flow(node, &p).packets[1], 2);
		expect_piece(node, RN_BPF_IN, &q, 2, 0, 48, true, RN_ALLOWED);
		expect_piece(node, RN_BPF_OUT, &q, 2, 48, 72, false, RN_FRAGMENT); /* the wrong door */
		expect_piece(node, RN_BPF_IN, &q, 2, 48, 72, false, RN_ALLOWED);
	}
}

/* Without a first, in another order, with a gap (Rose: the last, never the middle), overlapping (teardrop), twice. */
static void test_disorder(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);

		world_reset(hub);
		drops(&p, 1, 48, 40, true);
		drops(&p, 1, 88, 32, false);
		assert_int_equal(rn_bpf_flow_count(hub->bpf), 0);
		passes(&p, 1, 0, 48, true);
		for (size_t from = 8; from < 160; from += 8) {
			if (from == 48)
				continue;
			drops(&p, 1, from, 40, true);
			drops(&p, 1, from, 21, false);
		}
		drops(&p, 1, 0, 48, true); /* the first again, and another head */
		drops(&p, 1, 0, 24, true);
		passes(&p, 1, 48, 40, true);
		drops(&p, 1, 48, 40, true);
		passes(&p, 1, 88, 32, false);
		drops(&p, 1, 88, 32, false);
		drops(&p, 1, 120, 8, false);
		assert_int_equal(world_flow(hub, &p).packets[0], 3);
		assert_int_equal(world_flow(hub, &p).dropped, 0);
	}
}

/* A first that does not hold the whole transport header (RFC 1858, 3128), an empty one, odd lengths, an atomic one. */
static void test_tiny(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), t = world_packet(LAPTOP, SERVER, v6, IPPROTO_TCP, 4000, 80);

		for (size_t size = 0; size < 20; size++)
			drops(&t, (uint32_t)size, 0, size, true);
		drops(&t, 50, 8, 16, false);
		t.data[t.transport + 12] = 0x70; /* 28 bytes of header */
		drops(&t, 51, 0, 24, true);
		for (size_t size = 0; size < 40; size++) {
			bool good = size && size % 8 == 0;

			expect_piece(hub, RN_BPF_IN, &p, 100 + (uint32_t)size, 0, size, true,
				     good ? RN_ALLOWED : RN_FRAGMENT);
		}
		drops(&p, 108, 8, 0, true);
		drops(&p, 108, 8, 0, false);
		drops(&p, 108, 8, 12, true);
		passes(&p, 108, 8, 12, false);
		if (v6)
			drops(&p, 60, 0, 120, false); /* IPv4 has no such thing: it is a whole packet */
	}
}

/* Longer together than a packet can be: the ping of death. */
static void test_too_long(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);
		size_t most = v6 ? 65535 : 65515, at = 0;

		while (at + 1200 < most) {
			passes(&p, 1, at, 1200, true);
			at += 1200;
		}
		drops(&p, 1, at, most - at + 1, false);
		passes(&p, 1, at, most - at, false);
	}
}

/* Another id, protocol, source or destination is another packet. */
static void test_another(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), q = packet_answer(&p), other;

		passes(&p, 0x1234, 0, 48, true);
		for (unsigned bit = 0; bit < (v6 ? 32 : 16); bit++)
			drops(&p, 0x1234 ^ 1u << bit, 48, 72, false);
		other = packet_fragment(&p, 0x1234, 48, 72, false);
		other.data[v6 ? 40 : 9] = IPPROTO_TCP;
		expect(hub, RN_BPF_IN, &other, RN_FRAGMENT);
		other.data[v6 ? 40 : 9] = 132;
		expect(hub, RN_BPF_IN, &other, RN_FRAGMENT);
		drops(&q, 0x1234, 48, 72, false);
		other = dns(PHONE, SERVER, v6);
		drops(&other, 0x1234, 48, 72, false);
		other = dns(LAPTOP, PHONE, v6);
		drops(&other, 0x1234, 48, 72, false);
		passes(&p, 0x1234, 48, 72, false);
	}
}

static void test_too_late(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);

		passes(&p, 1, 0, 48, true);
		world_advance(hub, RN_FRAGMENT_NS - 1);
		passes(&p, 1, 48, 40, true);
		world_advance(hub, RN_FRAGMENT_NS);
		drops(&p, 1, 88, 32, false);
		passes(&p, 1, 0, 48, true);
		world_advance(hub, RN_FRAGMENT_NS);
		passes(&p, 1, 0, 48, true);
	}
}

static void quarantine(uint32_t device)
{
	hub->bpf->devices[device].state |= RN_STATE_QUARANTINED;
}

static void trust(uint32_t device)
{
	hub->bpf->devices[device].state -= 1;
}

static void generation(uint32_t device)
{
	(void)device;
	world_policy(hub, 4, 0);
}

/* Whatever would make a packet be judged again ends a packet in the middle. */
static void test_verdict_changes(void **state)
{
	void (*const changes[])(uint32_t) = {quarantine, trust, generation};

	(void)state;
	families(v6)
	{
		for (unsigned i = 0; i < 6; i++) {
			struct packet p = dns(LAPTOP, SERVER, v6);

			world_reset(hub);
			passes(&p, 1, 0, 48, true);
			passes(&p, 1, 48, 40, true);
			changes[i / 2](i % 2 ? SERVER : LAPTOP);
			drops(&p, 1, 88, 32, false);
			assert_int_equal(world_flow(hub, &p).packets[0], 2);
		}
	}
}

/* What is not let in has no rest; nor has a SYN against its flow's direction, which makes no entry. */
static void test_denied(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(PHONE, SERVER, v6), t = world_packet(LAPTOP, SERVER, v6, IPPROTO_TCP, 4000, 22),
			      q = packet_answer(&t);

		expect_piece(hub, RN_BPF_IN, &p, 1, 0, 48, true, RN_DEFAULT_DENY);
		drops(&p, 1, 48, 72, false);
		expect(hub, RN_BPF_IN, &t, RN_ALLOWED);
		drops(&q, 1, 0, 24, true);
		drops(&q, 1, 24, 6, false);
		assert_int_equal(world_flow(hub, &t).dropped, 0);
	}
}

/* A middle that is dropped for its hop limit or size is a gap, whatever comes after it. */
static void test_dropped_middle(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), short_lived;

		passes(&p, 1, 0, 48, true);
		short_lived = packet_fragment(&p, 1, 48, 40, true);
		short_lived.data[v6 ? 7 : 8] = 1;
		expect(hub, RN_BPF_IN, &short_lived, RN_TTL_EXCEEDED);
		assert_int_equal(world_flow(hub, &p).dropped, 1);
		drops(&p, 1, 88, 32, false);
		expect_piece(hub, RN_BPF_IN, &p, 1, 48, 1400, true, RN_TOO_BIG);
		drops(&p, 1, 48 + 1400, 32, false);
		passes(&p, 1, 48, 40, true);
		passes(&p, 1, 88, 32, false);
	}
}

/* Large pings do pass, both ways; no ICMP error needs to be in pieces. */
static void test_icmp(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_ICMP, 9, 0), q;

		p.payload = 100;
		packet_build(&p);
		q = packet_answer(&p);
		drops(&q, 1, 56, 52, false);
		expect_piece(hub, RN_BPF_IN, &q, 1, 0, 56, true, RN_UNSOLICITED_REPLY);
		passes(&p, 1, 0, 56, true);
		passes(&p, 1, 56, 52, false);
		passes(&q, 1, 0, 56, true);
		passes(&q, 1, 56, 52, false);
		q.data[q.transport] = v6 ? 1 : 3;
		memcpy(q.data + q.transport + 8, p.data, 60);
		expect_piece(hub, RN_BPF_IN, &q, 2, 0, 80, true, RN_ICMP_ERROR);
	}
}

static struct frame_hub frame_of(int device)
{
	struct rn_addr v6 = world_addr(device, true), v4 = world_addr(device, false);
	struct frame_hub h;

	memcpy(h.v6, v6.b, 16);
	memcpy(h.v4, v4.b + 12, 4);
	return h;
}

/* PHONE and SERVER are two other hubs, FAR is behind PHONE. */
static void mesh_world(void)
{
	world_reset(hub);
	*hub->bpf->mesh = (struct rn_mesh_self){
	    .addresses = {world_addr(HUB, true), world_addr(HUB, false)}, .rnm0 = 9, .rn0 = 7, .mtu = 1420};
	for (int peer = PEER; peer <= PEER + 1; peer++) {
		int device = peer == PEER ? PHONE : SERVER;

		hub->bpf->hubs[peer] = (struct rn_mesh_addresses){world_addr(device, true), world_addr(device, false)};
		families(v6)
		{
			struct rn_addr a = world_addr(device, v6);

			rn_bpf_peer(hub->bpf, &a, (uint32_t)peer);
		}
		rn_bpf_behind(hub->bpf, (uint32_t)peer, FAR * 100, FAR * 10);
		rn_bpf_behind(hub->bpf, (uint32_t)peer, LAPTOP * 100, LAPTOP * 10);
	}
	hub->bpf->devices[FAR].state = RN_STATE_PRESENT | WORLD_TRUST | RN_STATE_BEHIND(PEER);
}

static enum rn_reason in_frame(const struct packet *p, int from, int as, uint8_t said)
{
	struct frame f = {p->data[0] >> 4 == 6, frame_of(from), frame_of(HUB), (uint32_t)as * 100, said, .tos = 0};
	uint8_t bytes[PACKET_MAX];
	size_t size = frame_encode(&f, p->data, p->size, bytes);

	return rn_bpf_run(hub->bpf, RN_BPF_MESH, bytes, size, &hub->last);
}

/* Fragments travel in frames as they are; those that follow must come in the same hub's, which says the same. */
static void test_frames(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = world_packet(FAR, LAPTOP, v6, IPPROTO_TCP, 4000, 22), first, rest, q;

		mesh_world();
		p.payload = 100;
		packet_build(&p);
		q = packet_answer(&p);
		first = packet_fragment(&p, 1, 0, 48, true);
		rest = packet_fragment(&p, 1, 48, 72, false);
		assert_int_equal(in_frame(&first, PHONE, FAR, 80), RN_ALLOWED);
		assert_int_equal(hub->last.action, ACTION_REDIRECT);
		assert_int_equal(in_frame(&rest, SERVER, FAR, 80), RN_FRAGMENT);
		assert_int_equal(in_frame(&rest, PHONE, LAPTOP, 80), RN_FRAGMENT);
		assert_int_equal(in_frame(&rest, PHONE, FAR, 79), RN_FRAGMENT);
		expect(hub, RN_BPF_IN, &rest, RN_FRAGMENT);
		assert_int_equal(in_frame(&rest, PHONE, FAR, 80), RN_ALLOWED);
		assert_int_equal(hub->last.size, rest.size);
		q.flags = SYN | ACK;
		packet_build(&q);
		passes(&q, 1, 0, 48, true);
		assert_true(hub->last.framed);
		assert_int_equal(hub->last.size, (v6 ? 96u + 48 : 48u + 48));
		passes(&q, 1, 48, 72, false);
		assert_true(hub->last.framed);
		assert_int_equal(world_flow(hub, &p).packets[1], 2);
		expect_piece(hub, RN_BPF_IN, &q, 2, 0, 1392, true, RN_TOO_BIG); /* it is not cut up any further */
	}
}

/* As the datapath chooses it: bpf/fragment.h. */
static unsigned set_of(const struct rn_addr *source)
{
	uint64_t hash = hub->bpf->config->flow_secret;

	for (int word = 0; word < 2; word++) {
		uint64_t v = 0;

		for (int i = 0; i < 8; i++)
			v = v << 8 | source->b[8 * word + i];
		hash = (hash ^ v) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash % 1024;
}

/* Heads without end from somebody who shares the laptop's places take two of the eight. */
static void test_flood(void **state)
{
	struct packet p = dns(LAPTOP, SERVER, true), flood = p;

	(void)state;
	do {
		flood.source.b[14]++;
		flood.source.b[13] += !flood.source.b[14];
	} while (set_of(&flood.source) != set_of(&p.source));
	rn_bpf_address(hub->bpf, &flood.source, SERVER);
	flood.destination = world_addr(LAPTOP, true);
	flood.protocol = IPPROTO_TCP;
	flood.destination_port = 4000;
	flood.flags = SYN;
	packet_build(&flood);
	for (uint32_t id = 0; id < 6; id++)
		passes(&p, id, 0, 48, true);
	world_advance(hub, 1000);
	for (uint32_t id = 0; id < 1000; id++) {
		world_advance(hub, 1);
		passes(&flood, id, 0, 48, true);
	}
	for (uint32_t id = 0; id < 6; id++)
		passes(&p, id, 48, 72, false);
	passes(&flood, 999, 48, 72, false);
	passes(&flood, 998, 48, 72, false);
	drops(&flood, 990, 48, 72, false);
	for (uint32_t id = 10; id < 18; id++) { /* and who has come to what it filled gets his own */
		passes(&flood, 2000 + id, 0, 48, true);
		passes(&p, id, 0, 48, true);
		passes(&p, id, 48, 72, false);
	}
	assert_int_equal(rn_bpf_flow_count(hub->bpf), 2);
}

/* Of his own the oldest gives way. */
static void test_own_oldest(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);

		for (uint32_t id = 0; id < 10; id++) {
			passes(&p, id, 0, 48, true);
			world_advance(hub, 1000);
		}
		for (uint32_t id = 0; id < 10; id++)
			expect_piece(hub, RN_BPF_IN, &p, id, 48, 72, false, id < 2 ? RN_FRAGMENT : RN_ALLOWED);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, worlds_reset)
	const struct CMUnitTest tests[] = {
	    TEST(test_in_order), TEST(test_node),	TEST(test_disorder),	   TEST(test_tiny),
	    TEST(test_too_long), TEST(test_another),	TEST(test_too_late),	   TEST(test_verdict_changes),
	    TEST(test_denied),	 TEST(test_icmp),	TEST(test_dropped_middle), TEST(test_frames),
	    TEST(test_flood),	 TEST(test_own_oldest),
	};

	return cmocka_run_group_tests(tests, worlds_open, worlds_close);
}
