/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors: whose they may be, about what, at which door, and what they may not do to a flow. */
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

/* Destination unreachable from a device, with the first `quoted` bytes of a packet, to who sent that. */
static struct packet error_from(int device, const struct packet *about, bool v6, size_t quoted)
{
	struct packet p = {.source = world_addr(device, v6),
			   .destination = about->source,
			   .protocol = IPPROTO_ICMP,
			   .payload = (uint16_t)quoted};

	packet_build(&p);
	p.data[p.transport] = v6 ? 1 : 3;
	memcpy(p.data + p.transport + 8, about->data, quoted);
	return p;
}

static struct packet dns(int from, int to, bool v6)
{
	return world_packet(from, to, v6, IPPROTO_UDP, 4000, 53);
}

static void same_flow(const struct rn_flow *before, const struct rn_flow *after, uint64_t bytes)
{
	struct rn_flow f = *after;

	assert_int_equal(f.packets[1], before->packets[1] + 1);
	assert_int_equal(f.bytes[1], before->bytes[1] + bytes);
	f.packets[1] = before->packets[1];
	f.bytes[1] = before->bytes[1];
	assert_memory_equal(before, &f, sizeof(f));
}

/* From the one who got the packet. */
static void test_end(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), q = packet_answer(&p);
		struct packet refused = error_from(SERVER, &p, v6, p.size), back = error_from(LAPTOP, &q, v6, q.size);
		struct rn_flow before;

		world_reset(w);
		expect(w, RN_BPF_IN, &refused, RN_ICMP_ERROR);
		assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		before = world_flow(w, &p);
		world_advance(w, 1000);
		expect(w, RN_BPF_IN, &refused, RN_ALLOWED);
		assert_int_equal(w->last.action, ACTION_REDIRECT);
		{
			struct rn_flow after = world_flow(w, &p);

			same_flow(&before, &after, refused.size);
		}
		expect(w, RN_BPF_IN, &back, RN_ICMP_ERROR); /* the server has sent nothing */
		assert_int_equal(world_flow(w, &p).dropped, 0);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED);
		expect(w, RN_BPF_IN, &back, RN_ALLOWED);
		world_advance(w, RN_UDP_ESTABLISHED_NS - 1);
		expect(w, RN_BPF_IN, &refused, RN_ALLOWED);
		world_advance(w, 1); /* which has not kept it */
		expect(w, RN_BPF_IN, &refused, RN_ICMP_ERROR);
	}
}

/* What is judged anew at the next packet is not judged for an error's sake; where the verdict is no, so is its. */
static void test_not_judged(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), refused = error_from(SERVER, &p, v6, p.size);
		struct rn_flow before, after;

		world_reset(w);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		w->bpf->devices[SERVER].state |= RN_STATE_QUARANTINED;
		before = world_flow(w, &p);
		expect(w, RN_BPF_IN, &refused, RN_ICMP_ERROR);
		after = world_flow(w, &p);
		assert_memory_equal(&before, &after, sizeof(before));
		expect(w, RN_BPF_IN, &p, RN_DESTINATION_QUARANTINED);
		expect(w, RN_BPF_IN, &refused, RN_DESTINATION_QUARANTINED);
		assert_int_equal(world_flow(w, &p).dropped, 2);
		w->bpf->devices[SERVER].state &= ~RN_STATE_QUARANTINED;
		world_policy(w, 4, 0);
		expect(w, RN_BPF_IN, &refused, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		expect(w, RN_BPF_IN, &refused, RN_ALLOWED);
	}
}

/* Each byte of what is quoted that says which flow it is about. */
static void test_about_another(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), good = error_from(SERVER, &p, v6, p.size);
		uint8_t *quoted = good.data + good.transport + 8;
		size_t from = v6 ? 8 : 12, to = p.transport + 4;

		world_reset(w);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		for (size_t at = from; at < to; at++) {
			quoted[at] ^= 1;
			expect(w, RN_BPF_IN, &good, RN_ICMP_ERROR);
			quoted[at] ^= 1;
		}
		quoted[v6 ? 6 : 9] = IPPROTO_TCP;
		expect(w, RN_BPF_IN, &good, RN_ICMP_ERROR);
		quoted[v6 ? 6 : 9] = 132;
		expect(w, RN_BPF_IN, &good, RN_ICMP_ERROR);
		quoted[v6 ? 6 : 9] = IPPROTO_UDP;
		quoted[0] ^= 0x20; /* the other family */
		expect(w, RN_BPF_IN, &good, RN_ICMP_ERROR);
		quoted[0] ^= 0x20;
		expect(w, RN_BPF_IN, &good, RN_ALLOWED);
	}
}

/* Quoted is as much as there is: through eight bytes of the transport header, and no byte less. */
static void test_quoted_size(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6);

		world_reset(hub);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		for (size_t size = 0; size <= p.size; size++) {
			struct packet e = error_from(SERVER, &p, v6, size);

			expect(hub, RN_BPF_IN, &e, size < p.transport + 8 ? RN_ICMP_ERROR : RN_ALLOWED);
		}
	}
}

/* Extension headers that pass are stepped over, fragments where they are the first. */
static void test_quoted_headers(void **state)
{
	struct packet p = dns(LAPTOP, SERVER, true), e;

	(void)state;
	for (uint8_t count = 0; count <= 5; count++) {
		p.extensions = count;
		packet_build(&p);
		world_reset(hub);
		expect(hub, RN_BPF_IN, &p, count < 5 ? RN_ALLOWED : RN_EXTENSION_HEADER);
		e = error_from(SERVER, &p, true, p.size);
		expect(hub, RN_BPF_IN, &e, count < 5 ? RN_ALLOWED : RN_ICMP_ERROR);
	}
	p.extensions = 1;
	packet_build(&p);
	world_reset(hub);
	expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
	e = error_from(SERVER, &p, true, p.size);
	for (unsigned kind = 0; kind < 256; kind++) {
		bool good = kind == 0 || kind == 60 || kind == 44;

		e.data[e.transport + 8 + 6] = (uint8_t)kind;
		memset(e.data + e.transport + 8 + 42, 0, 2);
		expect(hub, RN_BPF_IN, &e, good ? RN_ALLOWED : RN_ICMP_ERROR);
	}
	e.data[e.transport + 8 + 6] = 44;
	for (unsigned bit = 0; bit < 16; bit++) { /* the three lowest are no offset */
		uint8_t *at = e.data + e.transport + 8 + 42 + (bit < 8);

		*at ^= (uint8_t)(1u << bit % 8);
		expect(hub, RN_BPF_IN, &e, bit < 3 ? RN_ALLOWED : RN_ICMP_ERROR);
		*at ^= (uint8_t)(1u << bit % 8);
	}
	p = dns(LAPTOP, SERVER, false);
	expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
	e = error_from(SERVER, &p, false, p.size);
	for (unsigned bit = 0; bit < 16; bit++) {
		uint8_t *at = e.data + e.transport + 8 + 6 + (bit < 8);

		*at ^= (uint8_t)(1u << bit % 8);
		expect(hub, RN_BPF_IN, &e, bit >= 13 ? RN_ALLOWED : RN_ICMP_ERROR);
		*at ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned words = 0; words < 16; words++) {
		e.data[e.transport + 8] = (uint8_t)(0x40 | words);
		expect(hub, RN_BPF_IN, &e, words == 5 ? RN_ALLOWED : RN_ICMP_ERROR);
	}
}

/* Every type, with codes, in each state of a flow. */
static void test_types(void **state)
{
	static const uint8_t codes[] = {0, 1, 4, 15, 255};
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), q = packet_answer(&p),
			      e = error_from(SERVER, &p, v6, p.size);

		world_reset(w);
		for (unsigned phase = 0; phase < 4; phase++) { /* none, opening, established, gone */
			if (phase == 1)
				expect(w, RN_BPF_IN, &p, RN_ALLOWED);
			if (phase == 2)
				expect(w, RN_BPF_IN, &q, RN_ALLOWED);
			if (phase == 3)
				world_advance(w, RN_UDP_ESTABLISHED_NS);
			for (unsigned i = 0; i < 256 * sizeof(codes); i++) {
				uint8_t type = (uint8_t)(i / sizeof(codes)), code = codes[i % sizeof(codes)];
				bool answer = v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
				bool error = v6 ? type >= 1 && type <= 127 : answer || type == 4 || type == 5;
				bool echo = v6 ? type == 128 || type == 129 : type == 8 || type == 0;

				if (echo && code == 0)
					continue;
				e.data[e.transport] = type;
				e.data[e.transport + 1] = code;
				expect(w, RN_BPF_IN, &e,
				       answer && (phase == 1 || phase == 2) ? RN_ALLOWED
				       : error				    ? RN_ICMP_ERROR
									    : RN_ICMP_TYPE);
			}
		}
	}
}

/* About an echo request and about its reply, each to who sent that. */
static void test_echo(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_ICMP, 77, 0), q = packet_answer(&p);
		struct packet about_request = error_from(SERVER, &p, v6, p.size);
		struct packet about_reply = error_from(LAPTOP, &q, v6, q.size), turned;

		world_reset(w);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		expect(w, RN_BPF_IN, &about_request, RN_ALLOWED);
		expect(w, RN_BPF_IN, &about_reply, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED);
		expect(w, RN_BPF_IN, &about_reply, RN_ALLOWED);
		turned = about_reply; /* a request of the server's, which has asked nothing */
		turned.data[turned.transport + 8 + q.transport] = v6 ? 128 : 8;
		expect(w, RN_BPF_IN, &turned, RN_ICMP_ERROR);
		turned.data[turned.transport + 8 + q.transport] = v6 ? 1 : 3; /* an error about an error */
		expect(w, RN_BPF_IN, &turned, RN_ICMP_ERROR);
	}
}

/* A hub may say what became of a packet that it forwarded; a device may not, of somebody else's packet. */
static void test_router_hub(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), q = packet_answer(&p);
		struct packet own = error_from(HUB, &p, v6, p.size), other = error_from(PHONE, &p, v6, p.size);
		struct packet back = error_from(HUB, &q, v6, q.size);

		world_reset(w);
		expect(w, RN_BPF_OUT, &own, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		expect(w, RN_BPF_OUT, &own, RN_ALLOWED);
		assert_int_equal(w->last.action, 0);
		assert_int_equal(world_flow(w, &p).packets[1], 1);
		assert_int_equal(world_flow(w, &p).flags, 0);
		expect(w, RN_BPF_OUT, &back, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED);
		expect(w, RN_BPF_OUT, &back, RN_ALLOWED);
		expect(w, RN_BPF_IN, &other, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &own, RN_ICMP_ERROR); /* forged: nobody behind rn0 is this hub */
		expect(w, RN_BPF_OUT, &other, RN_ICMP_ERROR);
		assert_int_equal(world_flow(w, &p).dropped, 0);
		w->bpf->devices[HUB].state |= RN_STATE_REVOKED;
		expect(w, RN_BPF_OUT, &own, RN_ICMP_ERROR);
	}
}

/* Who refused an error from on the way is told in the event, not whom it spoke for. */
static void test_router_event(void **state)
{
	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), other = error_from(PHONE, &p, v6, p.size);
		struct rn_addr phone = world_addr(PHONE, v6), laptop = world_addr(LAPTOP, v6);
		struct rn_event e[4];

		world_reset(hub);
		expect(hub, RN_BPF_IN, &p, RN_ALLOWED);
		rn_bpf_events(hub->bpf, e, 4);
		world_advance(hub, RN_SECOND_NS);
		expect(hub, RN_BPF_IN, &other, RN_ICMP_ERROR);
		assert_int_equal(rn_bpf_events(hub->bpf, e, 4), 1);
		assert_int_equal(e[0].kind, RN_EVENT_DENIED);
		assert_memory_equal(&e[0].source, &phone, sizeof(phone));
		assert_memory_equal(&e[0].destination, &laptop, sizeof(laptop));
	}
}

/* At a node's door whoever its hub lets through, about what the node itself has sent. */
static void test_router_node(void **state)
{
	struct world *w = node;

	(void)state;
	families(v6)
	{
		struct packet p = dns(LAPTOP, SERVER, v6), forged = dns(PHONE, SERVER, v6);
		struct packet e = error_from(HUB, &p, v6, p.size), stranger = e,
			      own = error_from(LAPTOP, &p, v6, p.size);

		world_reset(w);
		expect(w, RN_BPF_IN, &e, RN_ICMP_ERROR);
		expect(w, RN_BPF_OUT, &p, RN_ALLOWED);
		expect(w, RN_BPF_IN, &e, RN_ALLOWED);
		assert_int_equal(w->last.action, 0);
		stranger.data[v6 ? 9 : 13] ^= 9;
		expect(w, RN_BPF_IN, &stranger, RN_ALLOWED); /* a hub further on */
		e = error_from(HUB, &forged, v6, forged.size);
		expect(w, RN_BPF_IN, &e, RN_ICMP_ERROR);
		expect(w, RN_BPF_IN, &own, RN_MALFORMED); /* from and to one address */
		e = error_from(PHONE, &p, v6, p.size);
		w->bpf->devices[PHONE].state |= RN_STATE_QUARANTINED;
		expect(w, RN_BPF_IN, &e, RN_ICMP_ERROR);
		e = error_from(HUB, &p, v6, p.size);
		expect(w, RN_BPF_OUT, &e, RN_ICMP_ERROR);
	}
}

/* FAR is behind the hub that PHONE is, whose mesh address is its own. */
static void mesh_world(struct world *w)
{
	world_reset(w);
	*w->bpf->mesh = (struct rn_mesh_self){
	    .addresses = {world_addr(HUB, true), world_addr(HUB, false)}, .rnm0 = 9, .rn0 = 7, .mtu = 1420};
	w->bpf->hubs[PEER] = (struct rn_mesh_addresses){world_addr(PHONE, true), world_addr(PHONE, false)};
	families(v6)
	{
		struct rn_addr a = world_addr(PHONE, v6);

		rn_bpf_peer(w->bpf, &a, PEER);
	}
	for (int d = PHONE; d <= FAR; d++) {
		w->bpf->devices[d].state = RN_STATE_PRESENT | WORLD_TRUST | RN_STATE_BEHIND(PEER);
		rn_bpf_behind(w->bpf, PEER, d * 100, d * 10);
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

static enum rn_reason in_frame(struct world *w, const struct packet *p, int as)
{
	bool v6 = p->data[0] >> 4 == 6;
	struct frame f = {v6, frame_of(PHONE), frame_of(HUB), as * 100, WORLD_TRUST, .tos = 0};
	uint8_t bytes[PACKET_MAX];
	size_t size = frame_encode(&f, p->data, p->size, bytes);

	return rn_bpf_run(w->bpf, RN_BPF_MESH, bytes, size, &w->last);
}

/* Out of a frame: from its hub, about a packet to what is behind it. To a hub: as this hub itself. */
static void test_router_mesh(void **state)
{
	struct world *w = hub;

	(void)state;
	families(v6)
	{
		struct packet p = world_packet(LAPTOP, FAR, v6, IPPROTO_TCP, 4000, 22), q = packet_answer(&p);
		struct packet here = dns(LAPTOP, SERVER, v6);
		struct packet e = error_from(PHONE, &p, v6, p.size), back;

		mesh_world(w);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		expect(w, RN_BPF_IN, &here, RN_ALLOWED);
		assert_int_equal(in_frame(w, &e, PHONE), RN_ALLOWED);
		assert_int_equal(w->last.action, ACTION_REDIRECT);
		e = error_from(PHONE, &here, v6, here.size); /* the server is not behind it */
		assert_int_equal(in_frame(w, &e, PHONE), RN_ICMP_ERROR);
		e = error_from(SERVER, &p, v6, p.size); /* is no hub, and not behind it */
		assert_int_equal(in_frame(w, &e, PHONE), RN_ICMP_ERROR);
		w->bpf->devices[SERVER].state = w->bpf->devices[FAR].state; /* behind it, and no hub */
		rn_bpf_behind(w->bpf, PEER, SERVER * 100, SERVER * 10);
		e = error_from(SERVER, &p, v6, p.size);
		assert_int_equal(in_frame(w, &e, SERVER), RN_ICMP_ERROR);
		e = error_from(FAR, &p, v6, p.size); /* the end itself */
		assert_int_equal(in_frame(w, &e, FAR), RN_ALLOWED);
		q = world_flags(&q, SYN | ACK);
		assert_int_equal(in_frame(w, &q, FAR), RN_ALLOWED);
		back = error_from(HUB, &q, v6, q.size); /* to far, in a frame as from the hub */
		expect(w, RN_BPF_OUT, &back, RN_ALLOWED);
		assert_int_equal(w->last.action, ACTION_REDIRECT);
		assert_true(w->last.framed);
		assert_int_equal(w->last.packet[v6 ? 44 : 24] << 16 | w->last.packet[v6 ? 45 : 25] << 8 |
				     w->last.packet[v6 ? 46 : 26],
				 HUB * 100);
		p = world_packet(FAR, LAPTOP, v6, IPPROTO_TCP, 4001, 22);
		assert_int_equal(in_frame(w, &p, FAR), RN_ALLOWED);
		q = packet_answer(&p);
		q = world_flags(&q, SYN | ACK);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED);
		e = error_from(PHONE, &q, v6, q.size); /* its frame does not speak of who began the flow */
		assert_int_equal(in_frame(w, &e, PHONE), RN_ALLOWED);
		p = world_packet(LAPTOP, FAR, v6, IPPROTO_TCP, 4000, 22);
		w->bpf->devices[PHONE].state = RN_STATE_PRESENT | RN_STATE_BEHIND(PEER + 1);
		e = error_from(PHONE, &p, v6, p.size);
		assert_int_equal(in_frame(w, &e, PHONE), RN_ICMP_ERROR);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, worlds_reset)
	const struct CMUnitTest tests[] = {
	    TEST(test_end),	    TEST(test_not_judged),     TEST(test_about_another),
	    TEST(test_quoted_size), TEST(test_quoted_headers), TEST(test_types),
	    TEST(test_echo),	    TEST(test_router_hub),     TEST(test_router_event),
	    TEST(test_router_node), TEST(test_router_mesh),
	};

	return cmocka_run_group_tests(tests, worlds_open, worlds_close);
}
