/* SPDX-License-Identifier: Apache-2.0 */
/* "Packet too big" and "time exceeded" as a hub makes them: every byte, to whom, for what, how often; the whole way. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "error.h"
#include "frame.h"
#include "world.h"

#define PEER 3
#define MTU 1372
#define FRAME_MTU 1400
#define OK 0
#define SHOT 2
#define STOLEN 4
#define REDIRECT 7

/* laptop (node) - hub - other (the hub that PHONE is) - far */
static struct world *hub, *other, *node;

static int setup(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};

	(void)state;
	hub = world_open(&options);
	other = world_open(&options);
	options.role = RN_ROLE_NODE;
	node = world_open(&options);
	return 0;
}

/* A hub's tables: itself is `self`, its only peer `peer`; what is behind that. */
static void mesh_of(struct world *w, int self, int peer, int behind, int attached)
{
	const int remote[] = {peer, behind};
	uint64_t base = RN_STATE_PRESENT | WORLD_TRUST | 1ull << RN_STATE_INCARNATION_SHIFT;

	world_reset(w);
	*w->bpf->mesh = (struct rn_mesh_self){
	    .addresses = {world_addr(self, true), world_addr(self, false)}, .rnm0 = 9, .rn0 = 7, .mtu = FRAME_MTU};
	w->bpf->hubs[PEER] = (struct rn_mesh_addresses){world_addr(peer, true), world_addr(peer, false)};
	families(v6)
	{
		struct rn_addr a = world_addr(peer, v6);

		rn_bpf_peer(w->bpf, &a, PEER);
	}
	for (int i = 0; i < 2; i++) {
		w->bpf->devices[remote[i]].state = base | RN_STATE_BEHIND(PEER);
		rn_bpf_behind(w->bpf, PEER, remote[i] * 100, remote[i] * 10);
	}
	w->bpf->devices[self].state = base | RN_STATE_LOCAL;
	w->bpf->devices[attached].state = base | RN_STATE_ATTACHED;
}

static int reset(void **state)
{
	(void)state;
	mesh_of(hub, HUB, PHONE, FAR, LAPTOP);
	mesh_of(other, PHONE, HUB, LAPTOP, FAR);
	world_reset(node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(hub);
	world_close(other);
	world_close(node);
	return 0;
}

static struct packet packet_of(int from, int to, bool v6, uint8_t protocol, uint16_t port, uint16_t payload,
			       uint8_t hops)
{
	struct packet p = world_packet(from, to, v6, protocol, 4000, port);

	p.payload = payload;
	p.hops = hops;
	packet_build(&p);
	for (size_t i = p.size - payload; i < p.size; i++)
		p.data[i] = (uint8_t)(i * 31 + 7);
	return p;
}

/* What left is that error; `by` a device, mtu -1: time exceeded. */
static void expect_error(const struct world *w, int by, int mtu, const struct packet *about)
{
	struct rn_addr from = world_addr(by, about->data[0] >> 4 == 6);
	uint8_t wanted[ERROR_MAX];
	size_t size = error_about(&from, mtu, about->data, about->size, wanted);

	assert_int_equal(w->last.action, REDIRECT);
	assert_int_equal(w->last.size, size);
	assert_memory_equal(w->last.packet, wanted, size);
}

static void expect_silence(const struct world *w, int action)
{
	assert_int_equal(w->last.action, action);
	assert_false(w->last.returned);
}

/* To a device that is here, of every length around what is quoted, with what is behind the packet left out. */
static void test_to_device(void **state)
{
	(void)state;
	families(v6)
	{
		for (uint16_t payload = 0; payload < 1400; payload += payload < 20 ? 1 : 37) {
			struct packet p = packet_of(LAPTOP, SERVER, v6, IPPROTO_UDP, 53, payload, 1);

			reset(NULL);
			expect(hub, RN_BPF_IN, &p, RN_TTL_EXCEEDED);
			if (p.size <= MTU)
				expect_error(hub, HUB, -1, &p);
		}
		for (uint16_t size = MTU + 1; size < MTU + 900; size += 113) {
			struct packet p = packet_of(LAPTOP, SERVER, v6, IPPROTO_UDP, 53, size - (v6 ? 48 : 28), 2);

			reset(NULL);
			expect(hub, RN_BPF_IN, &p, RN_TOO_BIG);
			assert_int_equal(hub->last.bytes, size);
			expect_error(hub, HUB, MTU, &p);
			assert_int_equal(rn_bpf_flow_count(hub->bpf), 0);
		}
		{
			struct packet p = packet_of(LAPTOP, SERVER, v6, IPPROTO_UDP, 53, 9, 1), longer = p;

			longer.size += 5;
			expect(hub, RN_BPF_IN, &longer, RN_TTL_EXCEEDED);
			expect_error(hub, HUB, -1, &p);
		}
	}
}

/* What fits on the way to that hub is told; a hop limit comes before a size. */
static void test_to_hub(void **state)
{
	(void)state;
	families(v6)
	{
		uint16_t room = FRAME_MTU - (v6 ? 48 : 28), headers = v6 ? 60 : 40;
		struct packet p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, room - headers, 2);

		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		assert_true(hub->last.framed);
		p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, room - headers + 1, 2);
		expect(hub, RN_BPF_IN, &p, RN_TOO_BIG);
		expect_error(hub, HUB, room, &p);
		assert_int_equal(world_flow(hub, &p).dropped, 1);
		p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, room - headers + 1, 1);
		expect(hub, RN_BPF_IN, &p, RN_TTL_EXCEEDED);
		expect_error(hub, HUB, -1, &p);
	}
}

/* This host's own packet: its stack is told by the receiver, because from its own address it takes nothing. */
static void test_own(void **state)
{
	(void)state;
	families(v6)
	{
		uint16_t room = FRAME_MTU - (v6 ? 48 : 28);
		struct packet p = packet_of(HUB, FAR, v6, IPPROTO_ICMP, 0, room, 64), q;

		p.protocol = IPPROTO_ICMP;
		hub->bpf->devices[HUB].owner = 1;
		p = packet_of(HUB, FAR, v6, IPPROTO_TCP, 22, room, 1); /* its hop limit begins here */
		expect(hub, RN_BPF_OUT, &p, RN_TOO_BIG);
		expect_error(hub, FAR, room, &p);
		q = packet_of(HUB, FAR, v6, IPPROTO_TCP, 22, 10, 1);
		expect(hub, RN_BPF_OUT, &q, RN_ALLOWED);
	}
}

/* In a frame, with the hub's own identity and trust, to the hub that the packet came from. */
static void expect_returned(const struct world *w, int by, int to, int mtu, const struct packet *about)
{
	bool v6 = about->data[0] >> 4 == 6;
	struct rn_addr from = world_addr(by, v6), by6 = world_addr(by, true), to6 = world_addr(to, true);
	struct frame f = {.v6 = v6, .identity = by * 100, .trust = WORLD_TRUST, .tos = 0xc0};
	uint8_t error[ERROR_MAX], wanted[ERROR_MAX + 64];
	size_t size = error_about(&from, mtu, about->data, about->size, error);

	memcpy(f.from.v6, by6.b, 16);
	memcpy(f.to.v6, to6.b, 16);
	memcpy(f.from.v4, world_addr(by, false).b + 12, 4);
	memcpy(f.to.v4, world_addr(to, false).b + 12, 4);
	size = frame_encode(&f, error, size, wanted);
	assert_true(w->last.returned);
	assert_int_equal(w->last.action, REDIRECT);
	assert_int_equal(w->last.size, size);
	assert_memory_equal(w->last.packet, wanted, size);
}

static enum rn_reason carry(struct world *to, int direction, const struct world *from)
{
	uint8_t bytes[RN_BPF_PACKET_MAX];
	size_t size = from->last.size;

	memcpy(bytes, from->last.packet, size);
	return rn_bpf_run(to->bpf, direction, bytes, size, &to->last);
}

/* The packet as it left the hub and came out of its frame at the other. */
static struct packet inner_of(const struct packet *p)
{
	struct packet q = *p;

	q.hops = p->hops - 1;
	packet_build(&q);
	memcpy(q.data + q.transport, p->data + p->transport, p->size - p->transport);
	return q;
}

/* laptop's packet ends at the other hub: its error passes every door back. */
static void test_way_back(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, 100, 2), q;

		expect(node, RN_BPF_OUT, &p, RN_ALLOWED);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(carry(other, RN_BPF_MESH, hub), RN_TTL_EXCEEDED);
		q = inner_of(&p);
		expect_returned(other, PHONE, HUB, -1, &q);
		assert_int_equal(carry(hub, RN_BPF_MESH, other), RN_ALLOWED);
		assert_int_equal(hub->last.action, REDIRECT);
		assert_int_equal(hub->last.packet[v6 ? 7 : 8], 63);
		assert_int_equal(carry(node, RN_BPF_IN, hub), RN_ALLOWED);
		assert_int_equal(node->last.action, OK);
		assert_int_equal(world_flow(hub, &p).packets[1], 1);
		assert_int_equal(world_flow(hub, &p).dropped, 0);
	}
}

/* far's answer is too big for laptop's hub, and the hub's error about it passes at the other. */
static void test_way_back_of_answer(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, 100, 5), answer = packet_answer(&p), q;

		hub->bpf->config->mtu = 1290;
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(carry(other, RN_BPF_MESH, hub), RN_ALLOWED);
		answer.flags = ACK;
		answer.hops = 9;
		answer.payload = 1291 - (v6 ? 60 : 40);
		packet_build(&answer);
		expect(other, RN_BPF_IN, &answer, RN_ALLOWED);
		assert_int_equal(carry(hub, RN_BPF_MESH, other), RN_TOO_BIG);
		q = inner_of(&answer);
		expect_returned(hub, HUB, PHONE, 1290, &q);
		assert_int_equal(carry(other, RN_BPF_MESH, hub), RN_ALLOWED);
		assert_int_equal(other->last.action, REDIRECT);
		assert_int_equal(other->last.size, v6 ? 1280 : 576);
	}
}

/* Without an identity of its own, or an address, a hub says nothing. */
static void test_nobody(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, 100, 2);

		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		other->bpf->devices[PHONE].identity_number = 0;
		assert_int_equal(carry(other, RN_BPF_MESH, hub), RN_TTL_EXCEEDED);
		expect_silence(other, SHOT);
		other->bpf->devices[PHONE].identity_number = PHONE * 100;
		p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, 100, 1);
		memset(&hub->bpf->mesh->addresses, 0, sizeof(hub->bpf->mesh->addresses));
		expect(hub, RN_BPF_IN, &p, RN_TTL_EXCEEDED);
		expect_silence(hub, SHOT);
		reset(NULL);
	}
}

/* No answer to what was denied, whatever its hop limit and size; none to an error; none to a later fragment. */
static void test_silence(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet denied = packet_of(LAPTOP, SERVER, v6, IPPROTO_TCP, 23, 1600, 1);
		struct packet p = packet_of(LAPTOP, SERVER, v6, IPPROTO_UDP, 53, 3000, 64), e, first, later;
		struct rn_addr server = world_addr(SERVER, v6);

		reset(NULL);
		expect(hub, RN_BPF_IN, &denied, RN_DENY_RULE);
		expect_silence(hub, SHOT);
		first = packet_fragment(&p, 7, 0, 1280, true);
		later = packet_fragment(&p, 7, 1280, 1480, true);
		expect(hub, RN_BPF_IN, &first, RN_ALLOWED);
		expect(hub, RN_BPF_IN, &later, RN_TOO_BIG);
		expect_silence(hub, SHOT);
		first = packet_fragment(&p, 8, 0, 1480, true);
		expect(hub, RN_BPF_IN, &first, RN_TOO_BIG);
		expect_error(hub, HUB, MTU, &first);

		p = packet_of(SERVER, LAPTOP, v6, IPPROTO_TCP, 4000, 100, 64);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		e = packet_of(LAPTOP, SERVER, v6, IPPROTO_ICMP, 0, 100,
			      1); /* about that one, with the last hop used up */
		e.size = error_about(&server, -1, p.data, p.size, e.data);
		memcpy(e.data + (v6 ? 8 : 12), p.data + (v6 ? 24 : 16), v6 ? 16 : 4);
		memcpy(e.data + (v6 ? 24 : 16), p.data + (v6 ? 8 : 12), v6 ? 16 : 4);
		e.data[v6 ? 7 : 8] = 1;
		expect(hub, RN_BPF_IN, &e, RN_TTL_EXCEEDED);
		expect_silence(hub, SHOT);
	}
}

static unsigned told(struct packet *p, unsigned times)
{
	unsigned count = 0;

	for (unsigned i = 0; i < times; i++) {
		expect(hub, RN_BPF_IN, p, RN_TTL_EXCEEDED);
		count += hub->last.action == REDIRECT;
	}
	return count;
}

/* So many about one device, which takes nothing from another's; and so many about all. */
static void test_rate(void **state)
{
	struct packet a = packet_of(LAPTOP, SERVER, true, IPPROTO_UDP, 53, 10, 1);
	struct packet b = packet_of(SERVER, LAPTOP, false, IPPROTO_TCP, 4000, 10, 1);

	(void)state;
	assert_int_equal(told(&a, 30), RN_DEVICE_ERRORS_BURST);
	assert_int_equal(told(&b, 30), RN_DEVICE_ERRORS_BURST);
	world_advance(hub, RN_SECOND_NS / RN_DEVICE_ERRORS_PER_SECOND - 1);
	assert_int_equal(told(&a, 2), 0);
	world_advance(hub, 1);
	assert_int_equal(told(&a, 2), 1);
	world_advance(hub, 100 * RN_SECOND_NS);
	assert_int_equal(told(&a, 30), RN_DEVICE_ERRORS_BURST);
	world_advance(hub, RN_SECOND_NS);
	/* others have had all but three */
	hub->bpf->spent[0] = *hub->bpf->now + (uint64_t)(RN_ERRORS_BURST - 3) * (RN_SECOND_NS / RN_ERRORS_PER_SECOND);
	assert_int_equal(told(&a, 10), 3);
	world_advance(hub, RN_SECOND_NS / RN_ERRORS_PER_SECOND);
	assert_int_equal(told(&b, 10), 1);
}

static uint16_t word_at(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

/* A GSO packet is told of as its first segment, with a checksum that the kernel may write once more. */
static void test_gso(void **state)
{
	(void)state;
	families(v6)
	{
		for (uint16_t payload = 1500; payload < 3400; payload += 211) {
			struct packet p = packet_of(LAPTOP, FAR, v6, IPPROTO_TCP, 22, payload, 9);
			struct rn_bpf_send in = {p.data, p.size, .gso_size = 1340, .gso_segs = 3};
			size_t at = v6 ? 48 : 28, size = v6 ? 1280 : 576;
			uint8_t *quoted = hub->last.packet + at;
			struct rn_addr from = world_addr(HUB, v6);
			uint8_t wanted[ERROR_MAX];
			uint16_t before;

			reset(NULL);
			assert_int_equal(rn_bpf_send(hub->bpf, RN_BPF_IN, &in, &hub->last), 0);
			assert_string_equal(world_reason(hub->last.reason), "too_big");
			assert_int_equal(hub->last.action, REDIRECT);
			assert_int_equal(hub->last.size, size);
			assert_int_equal(word_at(quoted + (v6 ? 4 : 2)), 1340 + 20 + (v6 ? 0 : 20));
			if (!v6)
				assert_int_equal(packet_checksum(quoted, 20, 0), 0);
			before = word_at(quoted + p.transport + 16);
			assert_int_equal(before, packet_checksum(quoted + p.transport, size - at - p.transport, 0));
			/* the rest is as of any other */
			memcpy(p.data + (v6 ? 4 : 2), quoted + (v6 ? 4 : 2), 2);
			memcpy(p.data + 10, quoted + 10, v6 ? 0 : 2);
			memcpy(p.data + p.transport + 16, quoted + p.transport + 16, 2);
			error_about(&from, FRAME_MTU - (v6 ? 48 : 28), p.data, p.size, wanted);
			assert_memory_equal(hub->last.packet, wanted, size);
		}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
	    TEST(test_to_device),
	    TEST(test_to_hub),
	    TEST(test_own),
	    TEST(test_way_back),
	    TEST(test_way_back_of_answer),
	    TEST(test_nobody),
	    TEST(test_silence),
	    TEST(test_rate),
	    TEST(test_gso),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
