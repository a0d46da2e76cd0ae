/* SPDX-License-Identifier: Apache-2.0 */
/* Step 1 of docs/datapath.md, and that what is cut short or paged never passes on other grounds. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

static struct packet sample(bool v6, uint8_t protocol)
{
	static const uint16_t ports[] = {[IPPROTO_TCP] = 80, [IPPROTO_UDP] = 53, [IPPROTO_ICMP] = 0};

	return world_packet(LAPTOP, SERVER, v6, protocol, 4000, ports[protocol]);
}

/* Byte `at` of a sample (from the transport header where `inner`) becomes `value`. */
struct spoiled {
	const char *what;
	int v6;
	uint8_t protocol;
	bool inner;
	uint16_t at;
	uint8_t value;
	enum rn_reason reason;
};

static const struct spoiled spoiled[] = {
    {"version 5", 0, IPPROTO_TCP, 0, 0, 0x55, RN_MALFORMED},
    {"header length 4 words", 0, IPPROTO_TCP, 0, 0, 0x44, RN_MALFORMED},
    {"options", 0, IPPROTO_TCP, 0, 0, 0x46, RN_IP_OPTIONS},
    {"header past the total length", 0, IPPROTO_UDP, 0, 0, 0x4f, RN_MALFORMED},
    {"total length 19", 0, IPPROTO_TCP, 0, 3, 19, RN_MALFORMED},
    {"total length past the packet", 0, IPPROTO_TCP, 0, 3, 255, RN_MALFORMED},
    {"total length 39 of TCP", 0, IPPROTO_TCP, 0, 3, 39, RN_MALFORMED},
    {"total length 27 of UDP", 0, IPPROTO_UDP, 0, 3, 27, RN_MALFORMED},
    {"do not fragment is no fragment", 0, IPPROTO_TCP, 0, 6, 0x40, RN_ALLOWED},
    {"reserved bit is no fragment", 0, IPPROTO_TCP, 0, 6, 0x80, RN_ALLOWED},
    {"more fragments", 0, IPPROTO_TCP, 0, 6, 0x20, RN_FRAGMENT},
    {"offset", 0, IPPROTO_TCP, 0, 6, 0x10, RN_FRAGMENT},
    {"offset 1", 0, IPPROTO_TCP, 0, 7, 1, RN_FRAGMENT},
    {"multicast", 0, IPPROTO_UDP, 0, 16, 224, RN_MULTICAST},
    {"multicast 239", 0, IPPROTO_UDP, 0, 16, 239, RN_MULTICAST},
    {"223 is not multicast", 0, IPPROTO_UDP, 0, 16, 223, RN_UNKNOWN_DESTINATION},
    {"240 is not multicast", 0, IPPROTO_UDP, 0, 16, 240, RN_UNKNOWN_DESTINATION},
    {"source equals destination", 0, IPPROTO_TCP, 0, 15, SERVER, RN_MALFORMED},
    {"GRE", 0, IPPROTO_TCP, 0, 9, 47, RN_PROTOCOL},
    {"ICMPv6 in IPv4", 0, IPPROTO_ICMP, 0, 9, IPPROTO_ICMPV6, RN_PROTOCOL},
    {"version 4 in IPv6", 1, IPPROTO_TCP, 0, 0, 0x40, RN_MALFORMED},
    {"payload past the packet", 1, IPPROTO_TCP, 0, 5, 255, RN_MALFORMED},
    {"payload 19 of TCP", 1, IPPROTO_TCP, 0, 5, 19, RN_MALFORMED},
    {"multicast", 1, IPPROTO_UDP, 0, 24, 0xff, RN_MULTICAST},
    {"link-local is not multicast", 1, IPPROTO_UDP, 0, 24, 0xfe, RN_UNKNOWN_DESTINATION},
    {"source equals destination", 1, IPPROTO_TCP, 0, 23, SERVER, RN_MALFORMED},
    {"routing", 1, IPPROTO_TCP, 0, 6, 43, RN_EXTENSION_HEADER},
    {"fragment", 1, IPPROTO_TCP, 0, 6, 44, RN_FRAGMENT},
    {"authentication", 1, IPPROTO_TCP, 0, 6, 51, RN_EXTENSION_HEADER},
    {"mobility", 1, IPPROTO_TCP, 0, 6, 135, RN_EXTENSION_HEADER},
    {"host identity", 1, IPPROTO_TCP, 0, 6, 139, RN_EXTENSION_HEADER},
    {"shim6", 1, IPPROTO_TCP, 0, 6, 140, RN_EXTENSION_HEADER},
    {"UDP-Lite, beside mobility", 1, IPPROTO_TCP, 0, 6, 136, RN_PROTOCOL},
    {"beside mobility", 1, IPPROTO_TCP, 0, 6, 134, RN_PROTOCOL},
    {"beside host identity", 1, IPPROTO_TCP, 0, 6, 138, RN_PROTOCOL},
    {"beside shim6", 1, IPPROTO_TCP, 0, 6, 141, RN_PROTOCOL},
    {"ESP", 1, IPPROTO_TCP, 0, 6, 50, RN_PROTOCOL},
    {"no next header", 1, IPPROTO_TCP, 0, 6, 59, RN_PROTOCOL},
    {"ICMP in IPv6", 1, IPPROTO_ICMP, 0, 6, IPPROTO_ICMP, RN_PROTOCOL},
    {"destination options past the packet", 1, IPPROTO_UDP, 0, 6, 60, RN_MALFORMED},
    {"data offset 4", -1, IPPROTO_TCP, 1, 12, 0x40, RN_MALFORMED},
    {"data offset 15", -1, IPPROTO_TCP, 1, 12, 0xf0, RN_MALFORMED},
    {"data offset 7", -1, IPPROTO_TCP, 1, 12, 0x70, RN_ALLOWED},
    {"no flags", -1, IPPROTO_TCP, 1, 13, 0, RN_MALFORMED},
    {"PSH and URG alone", -1, IPPROTO_TCP, 1, 13, 0x28, RN_MALFORMED},
    {"SYN FIN", -1, IPPROTO_TCP, 1, 13, SYN | FIN, RN_MALFORMED},
    {"SYN RST", -1, IPPROTO_TCP, 1, 13, SYN | RST, RN_MALFORMED},
    {"SYN ECE CWR", -1, IPPROTO_TCP, 1, 13, SYN | 0xc0, RN_ALLOWED},
    {"FIN", -1, IPPROTO_TCP, 1, 13, FIN, RN_ALLOWED},
    {"UDP length 7", -1, IPPROTO_UDP, 1, 5, 7, RN_MALFORMED},
    {"UDP length 8", -1, IPPROTO_UDP, 1, 5, 8, RN_ALLOWED},
    {"UDP length 19 of 18", -1, IPPROTO_UDP, 1, 5, 19, RN_MALFORMED},
    {"echo with code 1", -1, IPPROTO_ICMP, 1, 1, 1, RN_ICMP_TYPE},
    {"unreachable", 0, IPPROTO_ICMP, 1, 0, 3, RN_ICMP_ERROR},
    {"source quench", 0, IPPROTO_ICMP, 1, 0, 4, RN_ICMP_ERROR},
    {"redirect", 0, IPPROTO_ICMP, 1, 0, 5, RN_ICMP_ERROR},
    {"time exceeded", 0, IPPROTO_ICMP, 1, 0, 11, RN_ICMP_ERROR},
    {"parameter problem", 0, IPPROTO_ICMP, 1, 0, 12, RN_ICMP_ERROR},
    {"timestamp", 0, IPPROTO_ICMP, 1, 0, 13, RN_ICMP_TYPE},
    {"type 128 in IPv4", 0, IPPROTO_ICMP, 1, 0, 128, RN_ICMP_TYPE},
    {"type 0", 1, IPPROTO_ICMP, 1, 0, 0, RN_ICMP_TYPE},
    {"type 1", 1, IPPROTO_ICMP, 1, 0, 1, RN_ICMP_ERROR},
    {"too big", 1, IPPROTO_ICMP, 1, 0, 2, RN_ICMP_ERROR},
    {"type 127", 1, IPPROTO_ICMP, 1, 0, 127, RN_ICMP_ERROR},
    {"neighbour solicitation", 1, IPPROTO_ICMP, 1, 0, 135, RN_ICMP_TYPE},
    {"reply without a request", 0, IPPROTO_ICMP, 1, 0, 0, RN_UNSOLICITED_REPLY},
    {"reply without a request", 1, IPPROTO_ICMP, 1, 0, 129, RN_UNSOLICITED_REPLY},
};

static void test_spoiled(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		const struct spoiled *s = &spoiled[i];

		families(v6)
		{
			struct packet p = sample(v6, s->protocol);

			if (s->v6 >= 0 && s->v6 != v6)
				continue;
			world_reset(w);
			p.data[s->at + (s->inner ? p.transport : 0)] = s->value;
			if (world_run(w, RN_BPF_IN, &p) != s->reason)
				fail_msg("%s (IPv%d): %s", s->what, v6 ? 6 : 4, world_reason(w->last.reason));
		}
	}
}

static void test_not_ip(void **state)
{
	static const uint16_t types[] = {0x0806, 0x86dc, 0x88cc};
	struct world *w = *state;
	struct packet p = sample(false, IPPROTO_TCP);
	struct rn_bpf_send in = {.packet = p.data, .size = p.size};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		in.ethertype = types[i];
		assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
		assert_string_equal(world_reason(w->last.reason), "not_ip");
		assert_int_equal(w->last.action, 2);
		assert_int_equal(w->last.bytes, p.size);
	}
	/* the family is the protocol's, not the first nibble's */
	in.ethertype = 0x86dd;
	assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
	assert_string_equal(world_reason(w->last.reason), "malformed");
}

static void test_broadcast(void **state)
{
	struct packet p = sample(false, IPPROTO_UDP);

	p.destination = packet_v4(255, 255, 255, 255);
	packet_build(&p);
	expect(*state, RN_BPF_IN, &p, RN_MULTICAST);
	p.destination = packet_v4(255, 255, 255, 254);
	packet_build(&p);
	expect(*state, RN_BPF_IN, &p, RN_UNKNOWN_DESTINATION);
}

/* A header and nothing after it is whole; what follows it is then not spoken here. */
static void test_headers_alone(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = sample(v6, IPPROTO_UDP);

		p.size = v6 ? 40 : 20;
		p.data[v6 ? 5 : 3] = v6 ? 0 : 20;
		p.data[v6 ? 6 : 9] = 59; /* no next header */
		expect(w, RN_BPF_IN, &p, RN_PROTOCOL);
		p.data[v6 ? 6 : 9] = IPPROTO_UDP;
		expect(w, RN_BPF_IN, &p, RN_MALFORMED);
	}
	struct packet p = sample(true, IPPROTO_UDP);

	p.extensions = 4;
	packet_build(&p);
	p.size = 40 + 4 * 8;
	p.data[5] = 4 * 8;
	p.data[40 + 3 * 8] = 59;
	expect(w, RN_BPF_IN, &p, RN_PROTOCOL);
	p.data[40 + 3 * 8] = 60; /* a fifth, which is not even there: more than are looked at */
	expect(w, RN_BPF_IN, &p, RN_EXTENSION_HEADER);
}

/* An IPv6 packet must not get at what its IPv4-mapped address means. */
static void test_mapped(void **state)
{
	struct rn_addr mapped = world_addr(SERVER, false);
	struct packet p = sample(true, IPPROTO_TCP);

	memcpy(p.data + 24, &mapped, 16);
	expect(*state, RN_BPF_IN, &p, RN_MALFORMED);
	p = sample(true, IPPROTO_TCP);
	mapped = world_addr(LAPTOP, false);
	memcpy(p.data + 8, &mapped, 16);
	expect(*state, RN_BPF_IN, &p, RN_MALFORMED);
	/* what only looks like it in one half is an address as any other */
	p.data[8] = 0xfd;
	expect(*state, RN_BPF_IN, &p, RN_UNKNOWN_SOURCE);
	p.data[8] = 0;
	for (int at = 16; at < 20; at++) {
		p.data[at] ^= 1;
		expect(*state, RN_BPF_IN, &p, RN_UNKNOWN_SOURCE);
		p.data[at] ^= 1;
	}
	expect(*state, RN_BPF_IN, &p, RN_MALFORMED);
}

static void test_extensions(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct world *w = *state;

	for (int i = 0; i < 3; i++) {
		for (int count = 0; count <= 5; count++) {
			struct packet p = sample(true, protocols[i]);

			world_reset(w);
			p.extensions = count;
			packet_build(&p);
			expect(w, RN_BPF_IN, &p, count < 5 ? RN_ALLOWED : RN_EXTENSION_HEADER);
			if (!count)
				continue;
			p.data[6] = IPPROTO_HOPOPTS;
			expect(w, RN_BPF_IN, &p, count < 5 ? RN_ALLOWED : RN_EXTENSION_HEADER);
			p.data[40 + 8 * (count - 1)] = IPPROTO_FRAGMENT;
			expect(w, RN_BPF_IN, &p, count < 5 ? RN_FRAGMENT : RN_EXTENSION_HEADER);
			p.data[40 + 8 * (count - 1)] = IPPROTO_HOPOPTS;
			expect(w, RN_BPF_IN, &p, RN_EXTENSION_HEADER);
			p.data[41] = 30; /* longer than what is there */
			expect(w, RN_BPF_IN, &p, RN_MALFORMED);
		}
	}
}

/* Newer kernels' test runs take no frame without a whole IP header; test_attach.c sends those too. */
static size_t shortest(struct world *w, const struct packet *p)
{
	struct rn_bpf_send in = {.packet = p->data, .size = 1};

	while (rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last) == -EINVAL)
		in.size++;
	assert_in_range(in.size, 1, p->data[0] >> 4 == 6 ? 40 : 20);
	return in.size;
}

/* Every sample cut at every length, with the lengths in its headers as they were and as they should be. */
static void cut(struct world *w, bool v6, uint8_t protocol, int extensions)
{
	struct packet p = sample(v6, protocol);

	p.extensions = extensions;
	packet_build(&p);
	for (size_t size = shortest(w, &p); size < p.size; size++) {
		size_t whole = p.transport + (protocol == IPPROTO_TCP ? 20 : 8);
		struct packet q = p;

		world_reset(w);
		q.size = size;
		expect(w, RN_BPF_IN, &q, RN_MALFORMED);
		if (size < (v6 ? 40 : 20))
			continue;
		q.data[v6 ? 5 : 3] = v6 ? size - 40 : size;
		if (protocol == IPPROTO_UDP && size >= whole)
			q.data[q.transport + 5] = size - q.transport;
		expect(w, RN_BPF_IN, &q, size < whole ? RN_MALFORMED : RN_ALLOWED);
		q.size = p.size; /* what is after the IP length is not looked at */
		expect(w, RN_BPF_IN, &q, size < whole ? RN_MALFORMED : RN_ALLOWED);
		assert_int_equal(w->last.bytes, size);
	}
}

static void test_cut(void **state)
{
	families(v6)
	{
		cut(*state, v6, IPPROTO_TCP, 0);
		cut(*state, v6, IPPROTO_UDP, 0);
		cut(*state, v6, IPPROTO_ICMP, 0);
	}
	cut(*state, true, IPPROTO_TCP, 4);
	cut(*state, true, IPPROTO_UDP, 1);
}

/* The helper that reads headers does not care where they are; test_attach.c shows it on every kernel. */
static void test_paged(void **state)
{
	struct world *w = *state;

	if (!rn_bpf_can_page(w->bpf)) {
		print_message("this kernel's test runs make no paged packets: see test_attach\n");
		skip();
	}
	families(v6)
	{
		struct packet p = sample(v6, IPPROTO_TCP);
		struct rn_bpf_send in = {.packet = p.data, .size = p.size};

		for (in.linear = 1; in.linear < p.size; in.linear++) {
			world_reset(w);
			assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
			assert_string_equal(world_reason(w->last.reason), "allowed");
		}
	}
}

static int setup(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};

	*state = world_open(&options);
	return 0;
}

static int reset(void **state)
{
	world_reset(*state);
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_spoiled, reset),    cmocka_unit_test_setup(test_not_ip, reset),
	    cmocka_unit_test_setup(test_broadcast, reset),  cmocka_unit_test_setup(test_mapped, reset),
	    cmocka_unit_test_setup(test_extensions, reset), cmocka_unit_test_setup(test_cut, reset),
	    cmocka_unit_test_setup(test_paged, reset),	    cmocka_unit_test_setup(test_headers_alone, reset),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
