/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet's whole way: laptop, hub a, hub b, the node server, and a reply's back. What one hub's program sends is what
 * the next one gets, byte for byte. Each has its own opinion of the two devices, which changes at random; a packet
 * arrives exactly where every door on its way lets it through, and hub b believes of the laptop the smaller trust of
 * hub a's and its own. RN_SEED repeats.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness.h"
#include "packet.h"
#include "tests/support/rng.h"

#define STEPS 20000u
#define NEEDED 40u /* trust that the rule asks for */
#define TC_ACT_OK 0
#define TC_ACT_REDIRECT 7

enum { HUB_A, HUB_B, NODE, HOSTS };
enum { LAPTOP, SERVER, ENDS };
enum { PEER_AT_A = 9, PEER_AT_B = 4, GENERATION = 2 };

/* The same device is another index and another slot everywhere; its number and its identity's are the network's. */
static const uint32_t index_of[HOSTS][ENDS] = {{5, 9}, {9, 3}, {2, 4}},
		      slot_of[HOSTS][ENDS] = {{1, 2}, {20, 10}, {7, 8}};
static const uint32_t identity_of[ENDS] = {0x111111, 0x222222};

struct opinion {
	uint8_t trust;
	bool quarantined;
};
struct host {
	struct rn_bpf *bpf;
	struct opinion of[ENDS];
};
static struct host hosts[HOSTS];

static struct rn_addr address(int end, bool v6)
{
	return v6 ? packet_v6(end + 1) : packet_v4(10, 5, 0, end + 1);
}

static struct rn_mesh_addresses mesh_address(int hub)
{
	struct rn_mesh_addresses a = {.v4 = packet_v4(10, 9, 0, hub + 1), .v6 = packet_v6(0x900 + hub)};

	return a;
}

/* How a host stands to a device. */
static uint64_t place_of(int host, int end)
{
	if (host == NODE)
		return end == SERVER ? RN_STATE_LOCAL : RN_STATE_ATTACHED;
	if ((host == HUB_A) == (end == LAPTOP))
		return RN_STATE_ATTACHED;
	return RN_STATE_BEHIND(host == HUB_A ? PEER_AT_A : PEER_AT_B);
}

static void write_opinion(int host, int end)
{
	const struct opinion *o = &hosts[host].of[end];

	hosts[host].bpf->devices[index_of[host][end]].state = RN_STATE_PRESENT | place_of(host, end) | o->trust |
							      (o->quarantined ? RN_STATE_QUARANTINED : 0) |
							      1ull << RN_STATE_INCARNATION_SHIFT;
}

/* One rule: laptop to server, UDP 53, with trust. */
static void fill_policy(int host)
{
	uint32_t source[] = {1}, destination[] = {2};
	struct rn_service dns[] = {{IPPROTO_UDP, 53, 53}};
	struct rn_policy_rule rule = {.number = 1,
				      .minimum_trust = NEEDED,
				      .source.any = {source, 1},
				      .destination.any = {destination, 1},
				      .services = dns,
				      .service_count = 1};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};

	rn_bpf_policy(hosts[host].bpf, GENERATION, &policy);
	rn_bpf_identity(hosts[host].bpf, slot_of[host][LAPTOP], source, 1);
	rn_bpf_identity(hosts[host].bpf, slot_of[host][SERVER], destination, 1);
}

static void fill_mesh(int host)
{
	struct rn_bpf *b = hosts[host].bpf;
	uint32_t peer = host == HUB_A ? PEER_AT_A : PEER_AT_B;
	struct rn_mesh_addresses other = mesh_address(host == HUB_A ? HUB_B : HUB_A);
	int end = host == HUB_A ? SERVER : LAPTOP;

	*b->mesh = (struct rn_mesh_self){.addresses = mesh_address(host), .rnm0 = 8, .rn0 = 7, .mtu = 1420};
	b->hubs[peer] = other;
	rn_bpf_peer(b, &other.v4, peer);
	rn_bpf_peer(b, &other.v6, peer);
	rn_bpf_behind(b, peer, identity_of[end], slot_of[host][end]);
}

static int setup(void **state)
{
	(void)state;
	for (int h = 0; h < HOSTS; h++) {
		struct rn_bpf_options options = {.role = h == NODE ? RN_ROLE_NODE : RN_ROLE_HUB};

		hosts[h].bpf = rn_bpf_open(&options);
		for (int end = 0; end < ENDS; end++) {
			struct rn_device *d = &hosts[h].bpf->devices[index_of[h][end]];

			*d = (struct rn_device){.number = 100 + end,
						.identity_slot = slot_of[h][end],
						.identity_number = identity_of[end],
						.owner = 1 + end};
			for (int v6 = 0; v6 < 2; v6++) {
				struct rn_addr a = address(end, v6);

				rn_bpf_address(hosts[h].bpf, &a, index_of[h][end]);
			}
			hosts[h].of[end].trust = 80;
			write_opinion(h, end);
		}
		fill_policy(h);
		if (h != NODE)
			fill_mesh(h);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int h = 0; h < HOSTS; h++)
		rn_bpf_close(hosts[h].bpf);
	return 0;
}

/* One door; what leaves it is in *r. Whether it let the packet through. */
static bool pass(int host, int direction, const void *packet, size_t size, int action, struct rn_bpf_result *r)
{
	if (rn_bpf_run(hosts[host].bpf, direction, packet, size, r) || r->frame)
		return false;
	assert_int_equal(r->action, action);
	return true;
}

/* How many doors let it through: 3 is all. */
static int forward(const struct packet *p)
{
	struct rn_bpf_result a, b, n;

	if (!pass(HUB_A, RN_BPF_IN, p->data, p->size, TC_ACT_REDIRECT, &a))
		return 0;
	assert_true(a.framed);
	if (!pass(HUB_B, RN_BPF_MESH, a.packet, a.size, TC_ACT_REDIRECT, &b))
		return 1;
	assert_int_equal(b.size, p->size);
	assert_int_equal(b.packet[p->data[0] >> 4 == 6 ? 7 : 8], 62); /* two hubs, two hops */
	return pass(NODE, RN_BPF_IN, b.packet, b.size, TC_ACT_OK, &n) ? 3 : 2;
}

static int backward(const struct packet *p)
{
	struct rn_bpf_result a, b, n;

	if (!pass(NODE, RN_BPF_OUT, p->data, p->size, TC_ACT_OK, &n))
		return 0;
	if (!pass(HUB_B, RN_BPF_IN, n.packet, n.size, TC_ACT_REDIRECT, &b))
		return 1;
	assert_true(b.framed);
	return pass(HUB_A, RN_BPF_MESH, b.packet, b.size, TC_ACT_REDIRECT, &a) ? 3 : 2;
}

static bool quiet_at(int host)
{
	return !hosts[host].of[LAPTOP].quarantined && !hosts[host].of[SERVER].quarantined;
}

/* What hub b takes the laptop's trust to be, by a frame in which hub a said so much. */
static bool enough_at_b(uint8_t said)
{
	return said >= NEEDED && hosts[HUB_B].of[LAPTOP].trust >= NEEDED;
}

static int expected_forward(void)
{
	if (!quiet_at(HUB_A) || hosts[HUB_A].of[LAPTOP].trust < NEEDED)
		return 0;
	if (!quiet_at(HUB_B) || !enough_at_b(hosts[HUB_A].of[LAPTOP].trust))
		return 1;
	return quiet_at(NODE) && hosts[NODE].of[LAPTOP].trust >= NEEDED ? 3 : 2;
}

/* Of a flow that has got through once; `said` is what hub a's last frame of it said to hub b. */
static int expected_backward(uint8_t said)
{
	if (!quiet_at(NODE) || hosts[NODE].of[LAPTOP].trust < NEEDED)
		return 0;
	if (!quiet_at(HUB_B) || !enough_at_b(said))
		return 1;
	return quiet_at(HUB_A) && hosts[HUB_A].of[LAPTOP].trust >= NEEDED ? 3 : 2;
}

static void change_an_opinion(struct rng *rng)
{
	int host = (int)rng_below(rng, HOSTS), end = (int)rng_below(rng, ENDS);
	struct opinion *o = &hosts[host].of[end];

	if (rng_percent(rng, 40))
		o->quarantined = rng_percent(rng, 30);
	else
		o->trust = (uint8_t)(rng_percent(rng, 70) ? NEEDED + rng_below(rng, 60) : rng_below(rng, NEEDED));
	write_opinion(host, end);
}

struct flow {
	struct packet first, answer;
	bool known; /* has got through */
	uint8_t said;
};

static void one_packet(struct rng *rng, struct flow *f, unsigned tally[2][4])
{
	bool back = f->known && rng_percent(rng, 50);
	int wanted = back ? expected_backward(f->said) : expected_forward(), got;

	if (!back && quiet_at(HUB_A) && hosts[HUB_A].of[LAPTOP].trust >= NEEDED)
		f->said = hosts[HUB_A].of[LAPTOP].trust;
	got = back ? backward(&f->answer) : forward(&f->first);
	if (got != wanted)
		fail_msg("%s: %d doors let it through, and not %d", back ? "back" : "forward", got, wanted);
	f->known |= got == 3;
	tally[back][got]++;
}

static void test_chain(void **state)
{
	const char *text = getenv("RN_SEED");
	struct rng rng = {text ? strtoull(text, NULL, 10) : 20261127};
	unsigned tally[2][4] = {{0}};
	struct flow flows[16];

	(void)state;
	memset(flows, 0, sizeof(flows));
	for (unsigned i = 0; i < 16; i++) {
		struct packet p = {.source = address(LAPTOP, i & 1),
				   .destination = address(SERVER, i & 1),
				   .source_port = (uint16_t)(5000 + i),
				   .destination_port = 53,
				   .protocol = IPPROTO_UDP,
				   .payload = 20};

		packet_build(&p);
		flows[i].first = p;
		flows[i].answer = packet_answer(&p);
	}
	for (unsigned step = 0; step < STEPS; step++) {
		if (rng_percent(&rng, 20))
			change_an_opinion(&rng);
		one_packet(&rng, &flows[rng_below(&rng, 16)], tally);
	}
	for (int doors = 0; doors < 4; doors++) {
		print_message("%d doors: %u forward, %u back\n", doors, tally[0][doors], tally[1][doors]);
		assert_true(tally[0][doors] > 100 && tally[1][doors] > 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_chain, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
