/* SPDX-License-Identifier: Apache-2.0 */
/* Step 3 of docs/datapath.md: flows. Every state is reached by playing the packets before it. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

static int open_world(void **state)
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

static struct packet web(bool v6)
{
	return world_packet(LAPTOP, SERVER, v6, IPPROTO_TCP, 4000, 80);
}

/* A packet of the connection p, or of the other direction of it, with these flags. */
static enum rn_reason tcp(struct world *w, const struct packet *p, bool back, uint8_t flags)
{
	struct packet q = world_flags(p, flags);

	if (back)
		q = packet_answer(&q);
	return world_run(w, RN_BPF_IN, &q);
}

static void handshake(struct world *w, const struct packet *p)
{
	assert_int_equal(tcp(w, p, false, SYN), RN_ALLOWED);
	assert_int_equal(tcp(w, p, true, SYN | ACK), RN_ALLOWED);
	assert_int_equal(tcp(w, p, false, ACK), RN_ALLOWED);
}

static void test_counts(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = web(v6);
		uint64_t start = *w->bpf->now;
		struct rn_flow f;

		handshake(w, &p);
		world_advance(w, RN_SECOND_NS);
		assert_int_equal(tcp(w, &p, true, ACK), RN_ALLOWED);
		f = world_flow(w, &p);
		assert_int_equal(f.packets[0], 2);
		assert_int_equal(f.packets[1], 2);
		assert_int_equal(f.bytes[0], 2 * p.size);
		assert_int_equal(f.bytes[1], 2 * p.size);
		assert_int_equal(f.dropped, 0);
		assert_int_equal(f.flags, RN_FLOW_REPLIED);
		assert_int_equal(f.created_ns, start);
		assert_int_equal(f.seen_ns, start + RN_SECOND_NS);
		assert_int_equal(f.source, LAPTOP);
		assert_int_equal(f.destination, SERVER);
		assert_int_equal(f.generation, 2);
		assert_int_equal(f.source_state, w->bpf->devices[LAPTOP].state);
		assert_int_equal(f.destination_state, w->bpf->devices[SERVER].state);
		assert_int_equal(f.from_hi, 0);
	}
	assert_int_equal(rn_bpf_flow_count(w->bpf), 2);
}

/* Which end of the key is which is told by the whole address, its first half before its second. */
static void test_order(void **state)
{
	static const uint8_t halves[][4] = {/* first and second half of the laptop's, of the server's */
					    {1, 5, 2, 5}, {2, 5, 1, 5}, {1, 5, 2, 4}, {2, 4, 1, 5},
					    {1, 4, 1, 5}, {1, 5, 1, 4}, {1, 5, 2, 6}, {2, 6, 1, 5}};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct packet p = web(true);
		bool from_hi = halves[i][0] != halves[i][2] ? halves[i][0] > halves[i][2] : halves[i][1] > halves[i][3];

		world_reset(w);
		p.source.b[6] = halves[i][0];
		p.source.b[15] = halves[i][1];
		p.destination.b[6] = halves[i][2];
		p.destination.b[15] = halves[i][3];
		rn_bpf_address(w->bpf, &p.source, LAPTOP);
		rn_bpf_address(w->bpf, &p.destination, SERVER);
		packet_build(&p);
		handshake(w, &p);
		assert_int_equal(world_flow(w, &p).from_hi, from_hi);
		assert_int_equal(world_flow(w, &p).packets[1], 1);
		assert_int_equal(rn_bpf_flow_count(w->bpf), 1);
		rn_bpf_address(w->bpf, &p.source, 0);
		rn_bpf_address(w->bpf, &p.destination, 0);
	}
}

/* The place in which the flow of p must be. */
static struct rn_flow_slot set_slot(struct world *w, const struct packet *p)
{
	struct rn_flow_key key = packet_key(p);
	struct rn_flow_set set;
	int place = rn_bpf_flow_set(w->bpf, &key, &set);

	assert_true(place >= 0);
	return set.slot[place];
}

/* The reply is allowed because the request was; nothing else from the server is. */
static void test_reply_only(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, 3000, 80), q = packet_answer(&p);

	q = world_flags(&q, ACK);
	expect(w, RN_BPF_IN, &q, RN_DEFAULT_DENY);
	handshake(w, &p);
	expect(w, RN_BPF_IN, &q, RN_ALLOWED);
	q.destination_port++;
	packet_build(&q);
	expect(w, RN_BPF_IN, &q, RN_DEFAULT_DENY);
}

struct timeout {
	const char *what;
	uint8_t protocol;
	uint16_t port;
	uint8_t script[8]; /* TCP flags of the packets that lead there; odd places are replies; others: 1 a packet */
	uint64_t idle;
};

#define BACK 0x40 /* in a script: from the responder */
static const struct timeout timeouts[] = {
    {"TCP opening", IPPROTO_TCP, 80, {SYN}, RN_TCP_OPENING_NS},
    {"TCP established", IPPROTO_TCP, 80, {SYN, BACK | SYN | ACK, ACK}, RN_TCP_ESTABLISHED_NS},
    {"TCP one FIN", IPPROTO_TCP, 80, {SYN, BACK | SYN | ACK, FIN | ACK}, RN_TCP_ESTABLISHED_NS},
    {"TCP other FIN", IPPROTO_TCP, 80, {SYN, BACK | SYN | ACK, BACK | FIN | ACK}, RN_TCP_ESTABLISHED_NS},
    {"TCP closed", IPPROTO_TCP, 80, {SYN, BACK | SYN | ACK, FIN | ACK, BACK | FIN | ACK, ACK}, RN_TCP_CLOSED_NS},
    {"TCP reset", IPPROTO_TCP, 80, {SYN, BACK | RST | ACK}, RN_TCP_CLOSED_NS},
    {"TCP reset by the originator", IPPROTO_TCP, 80, {SYN, BACK | SYN | ACK, RST}, RN_TCP_CLOSED_NS},
    {"UDP opening", IPPROTO_UDP, 53, {ACK}, RN_UDP_OPENING_NS},
    {"UDP established", IPPROTO_UDP, 53, {ACK, BACK | ACK}, RN_UDP_ESTABLISHED_NS},
    {"echo", IPPROTO_ICMP, 0, {ACK}, RN_ICMP_NS},
    {"echo answered", IPPROTO_ICMP, 0, {ACK, BACK | ACK}, RN_ICMP_NS},
};

static struct packet play(struct world *w, const struct timeout *t, bool v6)
{
	struct packet p = world_packet(LAPTOP, SERVER, v6, t->protocol, 3000, t->port);

	world_reset(w);
	for (int i = 0; i < 8 && t->script[i]; i++) {
		if (tcp(w, &p, t->script[i] & BACK, t->script[i] & ~BACK))
			fail_msg("%s, packet %d: %s", t->what, i, world_reason(w->last.reason));
	}
	return p;
}

/* A reply just in time belongs to the flow; at the timeout there is no flow, and no rule lets the server begin one. */
static void test_timeouts(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		const struct timeout *t = &timeouts[i];
		enum rn_reason gone = t->protocol == IPPROTO_ICMP ? RN_UNSOLICITED_REPLY : RN_DEFAULT_DENY;

		families(v6)
		{
			struct packet p = play(w, t, v6);

			world_advance(w, t->idle - 1);
			if (tcp(w, &p, true, ACK))
				fail_msg("%s: %s before its time", t->what, world_reason(w->last.reason));
			p = play(w, t, v6);
			world_advance(w, t->idle);
			if (tcp(w, &p, true, ACK) != gone)
				fail_msg("%s: %s after its time", t->what, world_reason(w->last.reason));
			assert_int_equal(world_flow(w, &p).dropped, 0); /* not counted in, not written */
			assert_int_equal(tcp(w, &p, false, ACK), RN_ALLOWED);
			assert_int_equal(world_flow(w, &p).created_ns, *w->bpf->now); /* a new one */
			assert_int_equal(world_flow(w, &p).packets[0], 1);
			assert_int_equal(world_flow(w, &p).flags, 0);
		}
	}
}

/* A clock of another CPU may be a little behind: that is not idle for centuries. */
static void test_clock_behind(void **state)
{
	struct world *w = *state;
	struct packet p = web(true);

	handshake(w, &p);
	*w->bpf->now -= 5;
	assert_int_equal(tcp(w, &p, true, ACK), RN_ALLOWED);
	assert_int_equal(world_flow(w, &p).packets[1], 2);
}

/* A closed connection's ports may be used again at once, by either end where the rules let it. */
static void test_closed_then_syn(void **state)
{
	struct world *w = *state;
	struct packet p = web(false), q;

	handshake(w, &p);
	tcp(w, &p, true, RST);
	world_advance(w, 1);
	assert_int_equal(tcp(w, &p, false, ACK), RN_ALLOWED); /* still the old one */
	assert_int_equal(world_flow(w, &p).packets[0], 3);
	assert_int_equal(tcp(w, &p, false, SYN), RN_ALLOWED);
	assert_int_equal(world_flow(w, &p).packets[0], 1);
	assert_int_equal(world_flow(w, &p).flags, 0);

	tcp(w, &p, false, RST);
	q = packet_answer(&p);
	assert_int_equal(tcp(w, &q, false, SYN), RN_ALLOWED); /* rule 6: server to laptop 4000 */
	assert_int_equal(world_flow(w, &p).from_hi, 1);
	assert_int_equal(world_flow(w, &p).source, SERVER);
	assert_int_equal(world_flow(w, &p).rule, 6);
}

/* SYN against an open connection's direction is judged alone and leaves the entry alone. */
static void test_syn_backward(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = web(v6), q = packet_answer(&p);
		struct rn_flow before, after;

		handshake(w, &p);
		before = world_flow(w, &p);
		world_advance(w, 77);
		assert_int_equal(tcp(w, &q, false, SYN), RN_ALLOWED); /* rule 6 */
		after = world_flow(w, &p);
		assert_memory_equal(&before, &after, sizeof(before));
		world_policy(w, 4, 6);
		assert_int_equal(tcp(w, &q, false, SYN), RN_DEFAULT_DENY);
		after = world_flow(w, &p);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(tcp(w, &q, false, SYN | ACK), RN_ALLOWED); /* that is a reply */
		world_policy(w, 2, 0);
	}
}

/* An echo request does not ride on the other side's, and only its own identifier is answered. */
static void test_echo(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_ICMP, 5, 0), q = packet_answer(&p);

		expect(w, RN_BPF_IN, &q, RN_UNSOLICITED_REPLY);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED);
		assert_int_equal(world_flow(w, &p).packets[1], 1);
		q.source_port = 6;
		packet_build(&q);
		expect(w, RN_BPF_IN, &q, RN_UNSOLICITED_REPLY);
		q = world_packet(SERVER, LAPTOP, v6, IPPROTO_ICMP, 5, 0);
		expect(w, RN_BPF_IN, &q, RN_DEFAULT_DENY); /* the server may not ask */
		q = packet_answer(&q);
		expect(w, RN_BPF_IN, &q, RN_UNSOLICITED_REPLY);
	}
}

/* What changes under an established flow, and what its next packet is told; then back, and it goes on. */
static void change(struct world *w, int what, bool back)
{
	struct rn_device *laptop = &w->bpf->devices[LAPTOP], *server = &w->bpf->devices[SERVER];
	struct rn_addr address;

	switch (what) {
	case 0:
		laptop->state ^= WORLD_TRUST ^ 49;
		break;
	case 1:
		laptop->state ^= RN_STATE_QUARANTINED;
		break;
	case 2:
		server->state ^= RN_STATE_QUARANTINED;
		break;
	case 3:
		laptop->state ^= RN_STATE_REVOKED;
		break;
	case 4:
		server->state ^= RN_STATE_REVOKED;
		break;
	case 5:
		world_policy(w, w->bpf->config->generation + 1, back ? 0 : 3);
		break;
	case 6: /* another device at the index */
		laptop->identity_slot = back ? LAPTOP * 10 : PHONE * 10;
		laptop->state += 1ull << RN_STATE_INCARNATION_SHIFT;
		break;
	case 7:
		laptop->state ^= RN_STATE_PRESENT;
		break;
	case 8:
		server->state ^= RN_STATE_PRESENT;
		break;
	default: /* the address is no longer the server's */
		address = world_addr(SERVER, true);
		rn_bpf_address(w->bpf, &address, back ? SERVER : 0);
		server->state += 1ull << RN_STATE_INCARNATION_SHIFT;
	}
}

static const enum rn_reason changed[] = {
    RN_TRUST_TOO_LOW, RN_SOURCE_QUARANTINED, RN_DESTINATION_QUARANTINED, RN_SOURCE_REVOKED,	 RN_DESTINATION_REVOKED,
    RN_DEFAULT_DENY,  RN_DEFAULT_DENY,	     RN_UNKNOWN_SOURCE,		 RN_UNKNOWN_DESTINATION, RN_UNKNOWN_DESTINATION,
};

/* first: which direction meets the change first. */
static void judge_again(struct world *w, int what, bool first)
{
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53);
	enum rn_reason reason = changed[what], other = reason;
	struct rn_flow f;

	world_reset(w);
	assert_int_equal(tcp(w, &p, false, 0), RN_ALLOWED);
	assert_int_equal(tcp(w, &p, true, 0), RN_ALLOWED);
	world_advance(w, 1000);
	change(w, what, false);
	if (tcp(w, &p, first, 0) != reason)
		fail_msg("change %d, first packet: %s", what, world_reason(w->last.reason));
	if (tcp(w, &p, !first, 0) != other)
		fail_msg("change %d, second packet: %s", what, world_reason(w->last.reason));
	f = world_flow(w, &p);
	assert_int_equal(f.reason, reason);
	assert_int_equal(f.dropped, 2);
	assert_int_equal(f.packets[0], 1);
	assert_int_equal(f.packets[1], 1);
	assert_int_equal(f.bytes[0], p.size);
	assert_int_equal(f.flags, RN_FLOW_REPLIED);
	assert_int_equal(f.created_ns, *w->bpf->now - 1000);
	assert_int_equal(f.seen_ns, f.created_ns);
	assert_int_equal(f.rule, reason == RN_TRUST_TOO_LOW ? 3 : 0);
	change(w, what, true);
	if (tcp(w, &p, first, 0) != RN_ALLOWED)
		fail_msg("change %d taken back: %s", what, world_reason(w->last.reason));
	f = world_flow(w, &p);
	assert_int_equal(f.packets[first], 2);
	assert_int_equal(f.dropped, 2);
	assert_int_equal(f.rule, 3);
}

static void test_judged_again(void **state)
{
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		judge_again(*state, i, false);
		judge_again(*state, i, true);
	}
}

/* The same for TCP in full flight: the state of the connection changes nothing. */
static void test_established_stops(void **state)
{
	struct world *w = *state;
	struct packet p = web(true);

	handshake(w, &p);
	w->bpf->devices[SERVER].state |= RN_STATE_QUARANTINED;
	assert_int_equal(tcp(w, &p, false, ACK), RN_DESTINATION_QUARANTINED);
	assert_int_equal(tcp(w, &p, true, ACK), RN_DESTINATION_QUARANTINED);
	assert_int_equal(tcp(w, &p, true, FIN | ACK), RN_DESTINATION_QUARANTINED);
	assert_int_equal(world_flow(w, &p).flags, RN_FLOW_REPLIED); /* what does not pass closes nothing */
}

/* A new generation with the same rules costs the flow nothing. */
static void test_generation(void **state)
{
	struct world *w = *state;
	struct packet p = web(true);

	handshake(w, &p);
	for (uint64_t generation = 3; generation < 20; generation++) {
		world_policy(w, generation, 0);
		assert_int_equal(tcp(w, &p, generation % 3, ACK), RN_ALLOWED);
		assert_int_equal(world_flow(w, &p).generation, generation);
	}
	assert_int_equal(world_flow(w, &p).packets[0] + world_flow(w, &p).packets[1], 3 + 17);
}

/* A packet in the wrong place is dropped and spoils nothing, whether the entry holds or not. */
static void test_place(void **state)
{
	struct world *w = *state;
	struct packet p = web(true), q = world_flags(&p, ACK);
	struct rn_flow before, after;

	handshake(w, &p);
	before = world_flow(w, &p);
	expect(w, RN_BPF_OUT, &q, RN_WRONG_SOURCE); /* the hub's own processes are not the laptop */
	after = world_flow(w, &p);
	assert_int_equal(after.dropped, 1);
	after.dropped = 0;
	assert_memory_equal(&before, &after, sizeof(before));
	world_policy(w, 3, 0);
	expect(w, RN_BPF_OUT, &q, RN_WRONG_SOURCE);
	after = world_flow(w, &p);
	assert_int_equal(after.generation, 2);
	assert_int_equal(after.reason, RN_ALLOWED);
	assert_int_equal(after.dropped, 2);
	expect(w, RN_BPF_IN, &q, RN_ALLOWED);
	assert_int_equal(world_flow(w, &p).generation, 3);
}

static void test_hub_itself(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(HUB, SERVER, true, IPPROTO_TCP, 4000, 443), q = packet_answer(&p);

	expect(w, RN_BPF_OUT, &p, RN_ALLOWED);
	assert_int_equal(w->last.action, 0);
	q = world_flags(&q, SYN | ACK);
	expect(w, RN_BPF_IN, &q, RN_ALLOWED);
	assert_int_equal(w->last.action, 0);
	assert_int_equal(world_flow(w, &p).flags, RN_FLOW_REPLIED);
}

/* What is in a place under another key is another flow's, whatever the tag says. */
static void test_same_tag(void **state)
{
	struct world *w = *state;
	struct packet p = web(true), q = world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, 4000, 81);
	struct rn_flow_key key = packet_key(&q);
	struct rn_flow_set set;
	struct rn_flow_slot other;

	handshake(w, &p);
	other = set_slot(w, &p);
	assert_int_equal(rn_bpf_flow_set(w->bpf, &key, &set), -ENOENT);
	for (unsigned i = 0; i < RN_FLOW_WAYS; i++) {
		set.tag[i] = rn_bpf_flow_tag(w->bpf, &key);
		set.slot[i] = other;
	}
	rn_bpf_flow_set_put(w->bpf, &key, &set);
	expect(w, RN_BPF_IN, &q, RN_DEFAULT_DENY);
}

/* An entry that is being written is read under the lock, which its writer has given back by then. */
static void test_being_written(void **state)
{
	struct world *w = *state;
	struct packet p = web(true);
	struct rn_flow_key key = packet_key(&p);
	struct rn_flow_set set;
	int place;

	handshake(w, &p);
	place = rn_bpf_flow_set(w->bpf, &key, &set);
	assert_true(place >= 0);
	set.slot[place].turn |= 1;
	rn_bpf_flow_set_put(w->bpf, &key, &set);
	assert_int_equal(tcp(w, &p, true, ACK), RN_ALLOWED);
	assert_int_equal(world_flow(w, &p).packets[1], 2);
}

static int open_small(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_HUB, .flow_sets = 1};

	*state = world_open(&options);
	return 0;
}

/* A new flow of the device's; its number is the port, or for who may only ping the identifier. */
static struct packet nth(int device, uint16_t n)
{
	return device == LAPTOP ? world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, n, 80)
				: world_packet(device, SERVER, true, IPPROTO_ICMP, n, 0);
}

static void begin(struct world *w, int device, uint16_t from, uint16_t count)
{
	for (uint16_t n = from; n < from + count; n++) {
		struct packet p = nth(device, n);

		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		world_advance(w, 1000);
	}
}

/* Which of the device's flows 0 to 31 have an entry. */
static uint32_t left(struct world *w, int device)
{
	uint32_t there = 0;

	for (uint16_t n = 0; n < 32; n++) {
		struct packet p = nth(device, n);
		struct rn_flow_key key = packet_key(&p);
		struct rn_flow f;

		if (rn_bpf_flow(w->bpf, &key, &f) == 0)
			there |= 1u << n;
	}
	return there;
}

/* Who has a set for itself gives up what it has used least recently. */
static void test_own_oldest(void **state)
{
	struct world *w = *state;
	struct packet p = nth(LAPTOP, 0);
	uint64_t evicted = rn_bpf_evicted(w->bpf);

	begin(w, LAPTOP, 0, 8);
	assert_int_equal(left(w, LAPTOP), 0xff);
	assert_int_equal(tcp(w, &p, false, ACK), RN_ALLOWED); /* 1 is the oldest now */
	begin(w, LAPTOP, 8, 3);
	assert_int_equal(left(w, LAPTOP), 0x7f1);
	assert_int_equal(rn_bpf_flow_count(w->bpf), 8);
	assert_int_equal(rn_bpf_evicted(w->bpf), evicted + 3);
}

/*
 * However many another begins, it gets no more than a third of what one has; and one gets so much of what another has
 * filled.
 */
static void test_flood(void **state)
{
	static const int have[] = {1, 2, 3, 4, 5, 6, 7, 8}, keep[] = {1, 2, 3, 4, 5, 6, 6, 6};
	struct world *w = *state;

	for (int i = 0; i < 8; i++) {
		world_reset(w);
		begin(w, LAPTOP, 0, have[i]);
		begin(w, PHONE, 0, 100);
		assert_int_equal(__builtin_popcount(left(w, LAPTOP)), keep[i]);
		begin(w, PHONE, 0, 100);
		assert_int_equal(__builtin_popcount(left(w, LAPTOP)), keep[i]);
	}
	world_reset(w);
	begin(w, PHONE, 0, 100);
	begin(w, LAPTOP, 0, 2);
	assert_int_equal(left(w, LAPTOP), 3);
	begin(w, LAPTOP, 2, 6);
	assert_int_equal(left(w, LAPTOP), 0xc0);
}

/* What counts as absent gives way before anything that is there, whoever asks. */
static void test_aged_first(void **state)
{
	struct world *w = *state;
	struct packet p = nth(LAPTOP, 3), q = packet_answer(&p);
	uint64_t evicted;

	begin(w, LAPTOP, 0, 8);
	q = world_flags(&q, SYN | ACK);
	expect(w, RN_BPF_IN, &q, RN_ALLOWED); /* 3 is established, the others are not */
	world_advance(w, RN_TCP_OPENING_NS);
	evicted = rn_bpf_evicted(w->bpf);
	begin(w, PHONE, 0, 7);
	assert_int_equal(left(w, LAPTOP), 1 << 3);
	assert_int_equal(rn_bpf_evicted(w->bpf), evicted);
	begin(w, PHONE, 7, 1);
	assert_int_equal(left(w, LAPTOP), 1 << 3);
	assert_int_equal(rn_bpf_evicted(w->bpf), evicted + 1);
	world_advance(w, 5 * RN_SECOND_NS);
	q = world_flags(&q, RST);
	expect(w, RN_BPF_IN, &q, RN_ALLOWED);
	world_advance(w, RN_TCP_CLOSED_NS);
	begin(w, PHONE, 8, 1); /* closed, and long enough */
	assert_int_equal(left(w, LAPTOP), 0);
	assert_int_equal(rn_bpf_evicted(w->bpf), evicted + 1);
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_counts),	     TEST(test_reply_only),	 TEST(test_timeouts),
	    TEST(test_clock_behind), TEST(test_closed_then_syn), TEST(test_syn_backward),
	    TEST(test_echo),	     TEST(test_judged_again),	 TEST(test_established_stops),
	    TEST(test_generation),   TEST(test_place),		 TEST(test_hub_itself),
	    TEST(test_same_tag),     TEST(test_order),		 TEST(test_being_written),
	};
	const struct CMUnitTest small[] = {
	    TEST(test_own_oldest),
	    TEST(test_flood),
	    TEST(test_aged_first),
	};
	int failed = cmocka_run_group_tests(tests, open_world, teardown);

	return failed + cmocka_run_group_tests(small, open_small, teardown);
}
