/* SPDX-License-Identifier: Apache-2.0 */
/* Step 7 of docs/datapath.md: what is told, and that telling has a limit. */
#include <arpa/inet.h>
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
	struct world *w = *state;

	world_advance(w, 2 * RN_SECOND_NS); /* what earlier tests used up of the rate */
	world_reset(w);
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

/* Exactly one event waits; it is filled for a packet of p's flow. */
static struct rn_event one(struct world *w, const struct packet *p, enum rn_event_kind kind, enum rn_reason reason)
{
	struct rn_event e[3] = {0};

	assert_int_equal(rn_bpf_events(w->bpf, e, 3), 1);
	assert_int_equal(e[0].kind, kind);
	assert_string_equal(world_reason(e[0].reason), world_reason(reason));
	assert_int_equal(e[0].time_ns, *w->bpf->now);
	assert_int_equal(e[0].generation, w->bpf->config->generation);
	assert_memory_equal(&e[0].source, &p->source, 16);
	assert_memory_equal(&e[0].destination, &p->destination, 16);
	assert_int_equal(ntohs(e[0].source_port), p->source_port);
	assert_int_equal(ntohs(e[0].destination_port), p->destination_port);
	for (size_t i = 0; i < sizeof(e[0].reserved); i++)
		assert_int_equal(e[0].reserved[i], 0);
	return e[0];
}

static void test_new(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_UDP, 4000, 53), q = packet_answer(&p);
		struct rn_event e;

		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		e = one(w, &p, RN_EVENT_FLOW_NEW, RN_ALLOWED);
		assert_int_equal(e.source_number, LAPTOP * 1000);
		assert_int_equal(e.destination_number, SERVER * 1000);
		assert_int_equal(e.source_identity, LAPTOP * 100);
		assert_int_equal(e.destination_identity, SERVER * 100);
		assert_int_equal(e.rule, 3);
		assert_int_equal(e.bytes, p.size);
		assert_int_equal(e.protocol, IPPROTO_UDP);
		assert_int_equal(e.direction, 0);
		assert_int_equal(e.source_trust, WORLD_TRUST);
		expect(w, RN_BPF_IN, &q, RN_ALLOWED); /* says nothing new */
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(rn_bpf_events(w->bpf, &e, 1), 0);
	}
}

static void test_changed(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53), q = packet_answer(&p);
	struct rn_event e;

	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	one(w, &p, RN_EVENT_FLOW_NEW, RN_ALLOWED);
	w->bpf->devices[LAPTOP].state |= RN_STATE_QUARANTINED;
	expect(w, RN_BPF_IN, &q, RN_SOURCE_QUARANTINED);
	e = one(w, &p, RN_EVENT_FLOW_CHANGED, RN_SOURCE_QUARANTINED); /* by its originator, whoever sent */
	assert_int_equal(e.source_number, LAPTOP * 1000);
	assert_int_equal(e.rule, 0);
	expect(w, RN_BPF_IN, &p, RN_SOURCE_QUARANTINED);
	assert_int_equal(rn_bpf_events(w->bpf, &e, 1), 0); /* told once */
	world_policy(w, 3, 0);
	expect(w, RN_BPF_IN, &p, RN_SOURCE_QUARANTINED);
	assert_int_equal(rn_bpf_events(w->bpf, &e, 1), 0); /* judged again, nothing changed */
	w->bpf->devices[LAPTOP].state &= ~RN_STATE_QUARANTINED;
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	e = one(w, &p, RN_EVENT_FLOW_CHANGED, RN_ALLOWED);
	assert_int_equal(e.rule, 3);
}

/* Another rule with the same outcome, and another outcome of the same rule: both are told. */
static void test_changed_in_part(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53);
	struct rn_rule *rules;
	unsigned i;

	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	one(w, &p, RN_EVENT_FLOW_NEW, RN_ALLOWED);
	world_policy(w, 3, 0);
	rules = rn_bpf_half(w->bpf)->rules;
	for (i = 0; rules[i].number != 3; i++)
		;
	rules[i].number = 33;
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	assert_int_equal(one(w, &p, RN_EVENT_FLOW_CHANGED, RN_ALLOWED).rule, 33);
	w->bpf->devices[LAPTOP].state -= WORLD_TRUST - 49;
	expect(w, RN_BPF_IN, &p, RN_TRUST_TOO_LOW);
	assert_int_equal(one(w, &p, RN_EVENT_FLOW_CHANGED, RN_TRUST_TOO_LOW).rule, 33);
}

static void test_denied(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, 4000, 23);
	struct rn_event e;

	expect(w, RN_BPF_IN, &p, RN_DENY_RULE);
	e = one(w, &p, RN_EVENT_DENIED, RN_DENY_RULE);
	assert_int_equal(e.rule, 1);
	assert_int_equal(e.source_number, LAPTOP * 1000);
	p = world_packet(77, SERVER, false, IPPROTO_TCP, 4000, 23);
	expect(w, RN_BPF_IN, &p, RN_UNKNOWN_SOURCE);
	e = one(w, &p, RN_EVENT_DENIED, RN_UNKNOWN_SOURCE);
	assert_int_equal(e.source_number, 0);
	assert_int_equal(e.source_trust, 0);
	assert_int_equal(e.destination_number, SERVER * 1000);
	p = world_packet(HUB, SERVER, true, IPPROTO_TCP, 4000, 444);
	expect(w, RN_BPF_OUT, &p, RN_DEFAULT_DENY);
	e = one(w, &p, RN_EVENT_DENIED, RN_DEFAULT_DENY);
	assert_int_equal(e.direction, 1);
	w->bpf->config->link_down = 1;
	expect(w, RN_BPF_IN, &p, RN_LINK_DOWN);
	e = one(w, &p, RN_EVENT_DENIED, RN_LINK_DOWN);
	assert_int_equal(e.source_number, 0); /* nobody looked it up */
}

static void test_denied_echo(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_ICMP, 9, 0), q = packet_answer(&p);

	expect(w, RN_BPF_IN, &q, RN_UNSOLICITED_REPLY);
	one(w, &q, RN_EVENT_DENIED, RN_UNSOLICITED_REPLY); /* the port is the identifier */
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	one(w, &p, RN_EVENT_FLOW_NEW, RN_ALLOWED);
}

static void test_syn_backward(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, 3000, 80), q = packet_answer(&p);

	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	one(w, &p, RN_EVENT_FLOW_NEW, RN_ALLOWED);
	expect(w, RN_BPF_IN, &q, RN_DEFAULT_DENY);
	one(w, &q, RN_EVENT_DENIED, RN_DEFAULT_DENY);
}

/* A packet of which nothing could be read. */
static void test_unparsed(void **state)
{
	struct world *w = *state;
	struct packet p = {.size = 20};
	struct rn_bpf_send in = {.packet = p.data, .size = 20, .ethertype = 0x0806};
	struct rn_event e;

	assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
	e = one(w, &p, RN_EVENT_DENIED, RN_NOT_IP);
	assert_int_equal(e.bytes, 20);
	assert_int_equal(e.protocol, 0);
}

static size_t drain(struct world *w)
{
	static struct rn_event events[8192];

	return rn_bpf_events(w->bpf, events, 8192);
}

static void flood(struct world *w, unsigned count)
{
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_TCP, 4000, 23);

	while (count--)
		expect(w, RN_BPF_IN, &p, RN_DENY_RULE);
}

static void test_rate(void **state)
{
	struct world *w = *state;
	uint64_t lost = rn_bpf_lost(w->bpf);

	flood(w, RN_EVENTS_PER_SECOND);
	assert_int_equal(rn_bpf_lost(w->bpf), lost);
	flood(w, 5);
	assert_int_equal(rn_bpf_lost(w->bpf), lost + 5);
	assert_int_equal(drain(w), RN_EVENTS_PER_SECOND);
	world_advance(w, RN_SECOND_NS - 1);
	flood(w, 1);
	assert_int_equal(rn_bpf_lost(w->bpf), lost + 6);
	world_advance(w, 1);
	flood(w, 3);
	assert_int_equal(drain(w), 3);
	assert_int_equal(rn_bpf_lost(w->bpf), lost + 6);
}

/* Nobody reads: the ring fills, the rest is counted, verdicts stay what they are. */
static void test_full_ring(void **state)
{
	struct world *w = *state;
	uint64_t lost = rn_bpf_lost(w->bpf);
	size_t kept;

	for (int second = 0; second < 4; second++) {
		flood(w, RN_EVENTS_PER_SECOND);
		world_advance(w, RN_SECOND_NS);
	}
	kept = drain(w);
	assert_in_range(kept, 5000, RN_EVENT_RING_BYTES / sizeof(struct rn_event));
	assert_int_equal(rn_bpf_lost(w->bpf) - lost, 4 * RN_EVENTS_PER_SECOND - kept);
	flood(w, 1);
	assert_int_equal(drain(w), 1);
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_new),	    TEST(test_changed),	     TEST(test_denied),
	    TEST(test_denied_echo), TEST(test_syn_backward), TEST(test_unparsed),
	    TEST(test_rate),	    TEST(test_full_ring),    TEST(test_changed_in_part),
	};

	return cmocka_run_group_tests(tests, open_world, teardown);
}
