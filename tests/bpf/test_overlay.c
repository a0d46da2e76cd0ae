/* SPDX-License-Identifier: Apache-2.0 */
/* Steps 2, 4, 5 and 6 of docs/datapath.md: who may talk to whom, where a packet can be, what a hub does with it. */
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

#define SHOT 2
#define STOLEN 4
#define OK 0
#define REDIRECT 7

static int open_world(void **state, enum rn_role role)
{
	struct rn_bpf_options options = {.role = role};

	*state = world_open(&options);
	return 0;
}

static int hub(void **state)
{
	return open_world(state, RN_ROLE_HUB);
}

static int node(void **state)
{
	return open_world(state, RN_ROLE_NODE);
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

/* One packet through an untouched world. */
struct judged {
	int source, destination;
	uint8_t protocol;
	uint16_t port;
	int direction;
	enum rn_reason reason;
	uint32_t rule;
	int action;
};

static void run_all(struct world *w, const struct judged *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct judged *c = &cases[i];

		families(v6)
		{
			struct packet p = world_packet(c->source, c->destination, v6, c->protocol, 3999, c->port);

			world_reset(w);
			if (world_run(w, c->direction, &p) != c->reason || w->last.action != c->action)
				fail_msg("case %zu IPv%d: %s, action %d", i, v6 ? 6 : 4, world_reason(w->last.reason),
					 w->last.action);
			assert_int_equal(rn_bpf_flow_count(w->bpf), !c->reason);
			assert_int_equal(w->last.bytes, p.size);
			if (!c->reason)
				assert_int_equal(world_flow(w, &p).rule, c->rule);
		}
	}
}

static void test_hub(void **state)
{
	static const struct judged cases[] = {
	    {LAPTOP, SERVER, IPPROTO_TCP, 80, RN_BPF_IN, RN_ALLOWED, 2, REDIRECT},
	    {LAPTOP, SERVER, IPPROTO_TCP, 81, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT},
	    {LAPTOP, SERVER, IPPROTO_TCP, 23, RN_BPF_IN, RN_DENY_RULE, 1, SHOT},
	    {LAPTOP, SERVER, IPPROTO_UDP, 80, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT},
	    {LAPTOP, SERVER, IPPROTO_UDP, 53, RN_BPF_IN, RN_ALLOWED, 3, REDIRECT},
	    {PHONE, SERVER, IPPROTO_ICMP, 0, RN_BPF_IN, RN_ALLOWED, 4, REDIRECT},
	    {SERVER, PHONE, IPPROTO_ICMP, 0, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT},
	    {SERVER, LAPTOP, IPPROTO_TCP, 22, RN_BPF_IN, RN_ALLOWED, 5, REDIRECT},
	    {PHONE, SERVER, IPPROTO_TCP, 22, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT}, /* another owner */
	    {PHONE, HUB, IPPROTO_TCP, 22, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT},	   /* nobody's */
	    {LAPTOP, HUB, IPPROTO_ICMP, 0, RN_BPF_IN, RN_ALLOWED, 4, OK},	   /* to this host */
	    {LAPTOP, FAR, IPPROTO_ICMP, 0, RN_BPF_IN, RN_NO_ROUTE, 0, SHOT},
	    {FAR, SERVER, IPPROTO_TCP, 22, RN_BPF_IN, RN_WRONG_SOURCE, 0, SHOT},
	    {HUB, SERVER, IPPROTO_TCP, 443, RN_BPF_IN, RN_WRONG_SOURCE, 0, SHOT},
	    {HUB, SERVER, IPPROTO_TCP, 443, RN_BPF_OUT, RN_ALLOWED, 7, OK},
	    {HUB, SERVER, IPPROTO_TCP, 444, RN_BPF_OUT, RN_DEFAULT_DENY, 0, STOLEN},
	    {HUB, FAR, IPPROTO_TCP, 443, RN_BPF_OUT, RN_NO_ROUTE, 0, STOLEN},
	    {LAPTOP, SERVER, IPPROTO_TCP, 80, RN_BPF_OUT, RN_WRONG_SOURCE, 0, STOLEN},
	    {LAPTOP, HUB, IPPROTO_ICMP, 0, RN_BPF_OUT, RN_WRONG_SOURCE, 0, STOLEN},
	    {77, SERVER, IPPROTO_TCP, 80, RN_BPF_IN, RN_UNKNOWN_SOURCE, 0, SHOT},
	    {LAPTOP, 77, IPPROTO_TCP, 80, RN_BPF_IN, RN_UNKNOWN_DESTINATION, 0, SHOT},
	    {77, 78, IPPROTO_TCP, 80, RN_BPF_IN, RN_UNKNOWN_SOURCE, 0, SHOT},
	};

	run_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_node(void **state)
{
	static const struct judged cases[] = {
	    {LAPTOP, SERVER, IPPROTO_TCP, 80, RN_BPF_OUT, RN_ALLOWED, 2, OK},
	    {LAPTOP, SERVER, IPPROTO_TCP, 81, RN_BPF_OUT, RN_DEFAULT_DENY, 0, STOLEN},
	    {LAPTOP, FAR, IPPROTO_ICMP, 0, RN_BPF_OUT, RN_ALLOWED, 4, OK},
	    {SERVER, LAPTOP, IPPROTO_TCP, 4000, RN_BPF_IN, RN_ALLOWED, 6, OK},
	    {SERVER, LAPTOP, IPPROTO_TCP, 4002, RN_BPF_IN, RN_DEFAULT_DENY, 0, SHOT},
	    {FAR, LAPTOP, IPPROTO_TCP, 22, RN_BPF_IN, RN_ALLOWED, 5, OK},
	    {LAPTOP, SERVER, IPPROTO_TCP, 80, RN_BPF_IN, RN_WRONG_SOURCE, 0, SHOT},
	    {SERVER, PHONE, IPPROTO_TCP, 80, RN_BPF_IN, RN_NO_ROUTE, 0, SHOT},
	    {SERVER, LAPTOP, IPPROTO_TCP, 4000, RN_BPF_OUT, RN_WRONG_SOURCE, 0, STOLEN},
	    {77, LAPTOP, IPPROTO_TCP, 22, RN_BPF_IN, RN_UNKNOWN_SOURCE, 0, SHOT},
	};

	run_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

/* A device's state against a flow from the laptop to the server. */
static void test_states(void **state)
{
	static const struct {
		uint64_t laptop, server;
		enum rn_reason reason;
	} cases[] = {
	    {RN_STATE_QUARANTINED, 0, RN_SOURCE_QUARANTINED},
	    {0, RN_STATE_QUARANTINED, RN_DESTINATION_QUARANTINED},
	    {RN_STATE_REVOKED, 0, RN_SOURCE_REVOKED},
	    {0, RN_STATE_REVOKED, RN_DESTINATION_REVOKED},
	    {RN_STATE_QUARANTINED, RN_STATE_QUARANTINED, RN_SOURCE_QUARANTINED},
	    {RN_STATE_QUARANTINED, RN_STATE_REVOKED, RN_DESTINATION_REVOKED},
	    {RN_STATE_QUARANTINED | RN_STATE_REVOKED, RN_STATE_REVOKED, RN_SOURCE_REVOKED},
	    {RN_STATE_PRESENT, 0, RN_UNKNOWN_SOURCE},
	    {0, RN_STATE_PRESENT, RN_UNKNOWN_DESTINATION},
	    {RN_STATE_ATTACHED, RN_STATE_REVOKED, RN_WRONG_SOURCE}, /* place comes first */
	    {RN_STATE_REVOKED, RN_STATE_ATTACHED, RN_NO_ROUTE},
	    {0, 0, RN_ALLOWED},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p = world_packet(LAPTOP, SERVER, i % 2, IPPROTO_UDP, 4000, 53);

		world_reset(w);
		w->bpf->devices[LAPTOP].state ^= cases[i].laptop;
		w->bpf->devices[SERVER].state ^= cases[i].server;
		expect(w, RN_BPF_IN, &p, cases[i].reason);
	}
}

static void test_trust(void **state)
{
	struct world *w = *state;
	uint64_t rest = w->bpf->devices[LAPTOP].state & ~RN_STATE_TRUST_MASK;

	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_UDP, 4000, 53);

		for (unsigned trust = 0; trust <= RN_TRUST_MAX; trust++) {
			world_reset(w);
			w->bpf->devices[LAPTOP].state = rest | trust;
			w->bpf->devices[SERVER].state &= ~RN_STATE_TRUST_MASK; /* only the source's counts */
			expect(w, RN_BPF_IN, &p, trust < 50 ? RN_TRUST_TOO_LOW : RN_ALLOWED);
		}
		w->bpf->devices[LAPTOP].state = rest | 101;
		rn_bpf_flows_clear(w->bpf);
		expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	}
}

static void test_gate(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53);

	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	w->bpf->config->lease_until_ns = *w->bpf->now + 1;
	expect(w, RN_BPF_IN, &p, RN_ALLOWED);
	w->bpf->config->lease_until_ns = *w->bpf->now;
	expect(w, RN_BPF_IN, &p, RN_LEASE_EXPIRED);
	w->bpf->config->link_down = 1;
	expect(w, RN_BPF_IN, &p, RN_LINK_DOWN);
	w->bpf->config->generation = 0;
	expect(w, RN_BPF_IN, &p, RN_NO_POLICY);
	expect(w, RN_BPF_OUT, &p, RN_NO_POLICY);
	p.data[6] = 43; /* parsing comes first */
	expect(w, RN_BPF_IN, &p, RN_EXTENSION_HEADER);
}

/* What kern never writes must not open anything. */
static void test_bounds(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, false, IPPROTO_UDP, 4000, 53);

	w->bpf->devices[LAPTOP].identity_slot = RN_IDENTITIES_MAX;
	expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	world_reset(w);
	w->bpf->devices[SERVER].identity_slot = ~0u;
	expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	world_reset(w);
	rn_bpf_address(w->bpf, &p.source, RN_DEVICES_MAX);
	expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	world_reset(w);
	rn_bpf_address(w->bpf, &p.destination, ~0u);
	expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	world_reset(w);
	w->bpf->config->role = 3;
	expect(w, RN_BPF_IN, &p, RN_INTERNAL);
	assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
}

/* Each array's numbers past the end of the next. */
static void test_array_bounds(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, false, IPPROTO_UDP, 4000, 53);
	struct rn_identity *laptop, *server;
	struct rn_datapath_half *half;

	for (int i = 0; i < 8; i++) {
		world_reset(w);
		half = rn_bpf_half(w->bpf);
		laptop = &half->identities[LAPTOP * 10];
		server = &half->identities[SERVER * 10];
		switch (i) {
		case 0:
			laptop->sources = RN_LISTS_MAX * RN_LIST_SIDES;
			break;
		case 1:
			((uint32_t *)half->lists)[laptop->sources] = RN_SIDES_MAX;
			break;
		case 2:
			server->destinations = ~0u - 7;
			break;
		case 3:
			for (uint32_t n = 1; n < 10; n++)
				half->sides[n].pairs = RN_PAIRS_MAX;
			break;
		case 4:
			for (uint32_t n = 0; n < 32; n++)
				half->pairs[n].candidates = RN_CANDIDATES_MAX;
			break;
		case 5: /* the lowest rule is no rule */
			for (uint32_t n = 0; n < 16; n++)
				half->candidates[n].rule = RN_RULES_MAX;
			break;
		case 6:
			for (uint32_t n = 0; n < 16; n++) {
				half->candidates[n].flags |= RN_RULE_TIMED;
				half->rules[n].schedule = RN_SCHEDULES_MAX + 1;
			}
			break;
		default:
			for (uint32_t n = 0; n < 16; n++) {
				half->candidates[n].flags |= RN_RULE_TIMED;
				half->rules[n].schedule = 1;
			}
			w->bpf->policy[0].schedules[0].openings = RN_OPENINGS_MAX;
			w->bpf->policy[0].schedules[0].count = 1;
			break;
		}
		if (world_run(w, RN_BPF_IN, &p) != RN_INTERNAL)
			fail_msg("case %d: %s", i, world_reason(w->last.reason));
		assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
	}
}

#define MANY 12000u
static struct rn_policy_rule many[MANY];
static struct rn_service ports[MANY];
static uint32_t from[] = {LAPTOP}, to[] = {SERVER}, from_too[] = {LAPTOP, 1000}, from_also[] = {LAPTOP, 1001};

/* Rules from the laptop to the server, each about a port of its own from 1000 on. */
static void many_rules(struct world *w, uint32_t count)
{
	const struct rn_policy_record policy = {.rules = many, .rule_count = count};
	struct rn_selector_set sources[] = {{from, 1}, {from_too, 2}, {from_also, 2}};

	for (uint32_t i = 0; i < count; i++) {
		ports[i] = (struct rn_service){IPPROTO_UDP, (uint16_t)(1000 + i), (uint16_t)(1000 + i)};
		many[i] = (struct rn_policy_rule){.number = i + 7,
						  .deny = i < count / 3,
						  .source.any = sources[i / (MANY / 3)],
						  .destination.any = {to, 1},
						  .services = &ports[i],
						  .service_count = 1};
	}
	rn_bpf_policy(w->bpf, 3, &policy);
	rn_bpf_identity(w->bpf, LAPTOP * 10, from, 1);
	rn_bpf_identity(w->bpf, SERVER * 10, to, 1);
}

static void test_every_rule(void **state)
{
	struct world *w = *state;

	many_rules(w, 4000);
	for (uint32_t i = 0; i < 4000; i += i < 40 || i > 3960 ? 1 : 97) {
		struct packet p = world_packet(LAPTOP, SERVER, i & 1, IPPROTO_UDP, 4000, (uint16_t)(1000 + i));

		expect(w, RN_BPF_IN, &p, i < 4000 / 3 ? RN_DENY_RULE : RN_ALLOWED);
		if (i >= 4000 / 3)
			assert_int_equal(world_flow(w, &p).rule, i + 7);
	}
}

/* More rules than it looks at: nothing passes, and nothing is said that is not so. */
static void test_too_wide(void **state)
{
	struct world *w = *state;
	struct packet first = world_packet(LAPTOP, SERVER, false, IPPROTO_UDP, 4000, 999);

	many_rules(w, 8000);
	expect(w, RN_BPF_IN, &first, RN_DEFAULT_DENY);
	many_rules(w, MANY);
	expect(w, RN_BPF_IN, &first, RN_POLICY_TOO_WIDE);
	assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
}

/* The lowest rule that matches but wants more trust is named, be it the first of all; one further on may allow. */
static void test_lowest_of_too_low(void **state)
{
	static struct rn_service dns[] = {{IPPROTO_UDP, 53, 53}};
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, false, IPPROTO_UDP, 4000, 53);
	struct rn_selector_set sources[] = {{from, 1}, {from_too, 2}, {from_also, 2}};
	struct rn_policy_rule rules[3];
	const struct rn_policy_record policy = {.rules = rules, .rule_count = 3};

	for (uint32_t turn = 0; turn < 6; turn++) { /* whichever of the three is looked at first */
		for (uint32_t i = 0; i < 3; i++)
			rules[i] = (struct rn_policy_rule){.number = 70 + i,
							   .minimum_trust = i < 2 ? WORLD_TRUST + 1 : WORLD_TRUST,
							   .source.any = sources[(i * (1 + turn / 3) + turn) % 3],
							   .destination.any = {to, 1},
							   .services = dns,
							   .service_count = 1};
		rn_bpf_policy(w->bpf, 3, &policy);
		rn_bpf_identity(w->bpf, LAPTOP * 10, from, 1);
		rn_bpf_identity(w->bpf, SERVER * 10, to, 1);
		rn_bpf_flows_clear(w->bpf);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(world_flow(w, &p).rule, 72);
		w->bpf->devices[LAPTOP].state -= 1;
		expect(w, RN_BPF_IN, &p, RN_TRUST_TOO_LOW);
		assert_int_equal(world_flow(w, &p).rule, 70);
		w->bpf->devices[LAPTOP].state += 1;
	}
}

static unsigned header_sum(const struct rn_bpf_result *r)
{
	return packet_checksum(r->packet, 20, 0);
}

static void test_hairpin(void **state)
{
	struct world *w = *state;

	for (unsigned hops = 0; hops < 256; hops++) {
		families(v6)
		{
			struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_UDP, 4000, 53);
			size_t at = v6 ? 7 : 8;

			p.hops = hops;
			packet_build(&p);
			p.data[at] = hops;
			if (!v6 && !hops) { /* packet_build takes 0 for 64 */
				p.data[10] = p.data[11] = 0;
				p.data[10] = packet_checksum(p.data, 20, 0) >> 8;
				p.data[11] = packet_checksum(p.data, 20, 0) & 0xff;
			}
			expect(w, RN_BPF_IN, &p, hops > 1 ? RN_ALLOWED : RN_TTL_EXCEEDED);
			if (hops <= 1)
				continue;
			assert_int_equal(w->last.action, REDIRECT);
			assert_int_equal(w->last.size, p.size);
			assert_int_equal(w->last.packet[at], hops - 1);
			assert_int_equal(v6 ? 0 : header_sum(&w->last), 0);
			w->last.packet[at] = hops;
			if (!v6)
				memcpy(w->last.packet + 10, p.data + 10, 2);
			assert_memory_equal(w->last.packet, p.data, p.size);
		}
	}
}

/* To the host itself nothing is changed, and the last hop will do. */
static void test_to_host(void **state)
{
	families(v6)
	{
		struct world *w = *state;
		struct packet p = world_packet(LAPTOP, HUB, v6, IPPROTO_ICMP, 4000, 0);

		p.hops = 1;
		p.payload = 2000;
		packet_build(&p);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		assert_int_equal(w->last.action, OK);
		assert_memory_equal(w->last.packet, p.data, p.size);
	}
}

static void test_too_big(void **state)
{
	struct world *w = *state;

	families(v6)
	{
		struct packet p = world_packet(LAPTOP, SERVER, v6, IPPROTO_TCP, 4000, 80);
		struct rn_bpf_send in = {.packet = p.data, .gso_segs = 2};

		p.payload = 1372 - p.transport - 20;
		packet_build(&p);
		expect(w, RN_BPF_IN, &p, RN_ALLOWED);
		p.payload++;
		packet_build(&p);
		expect(w, RN_BPF_IN, &p, RN_TOO_BIG);
		assert_int_equal(world_flow(w, &p).packets[0], 1);
		assert_int_equal(world_flow(w, &p).dropped, 1);

		p.payload = 2600; /* two segments on the wire */
		packet_build(&p);
		in.size = p.size;
		in.gso_size = 1372 - p.transport - 20;
		assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
		assert_string_equal(world_reason(w->last.reason), "allowed");
		in.gso_size++;
		assert_int_equal(rn_bpf_send(w->bpf, RN_BPF_IN, &in, &w->last), 0);
		assert_string_equal(world_reason(w->last.reason), "too_big");
	}
}

/* Judged before the flow is made. */
static void test_no_flow_for_what_cannot_leave(void **state)
{
	struct world *w = *state;
	struct packet p = world_packet(LAPTOP, SERVER, true, IPPROTO_UDP, 4000, 53);

	p.hops = 1;
	packet_build(&p);
	expect(w, RN_BPF_IN, &p, RN_TTL_EXCEEDED);
	p.hops = 2;
	p.payload = 2000;
	packet_build(&p);
	expect(w, RN_BPF_IN, &p, RN_TOO_BIG);
	assert_int_equal(rn_bpf_flow_count(w->bpf), 0);
}

static void test_size(void **state)
{
	struct world *w = *state;

	for (int direction = 0; direction < 2; direction++) {
		unsigned verified = rn_bpf_verified(w->bpf, direction);

		print_message("%s: %u instructions verified\n", direction ? "rn_egress" : "rn_ingress", verified);
		assert_in_range(verified, 0, 300000); /* of the verifier's million */
	}
}

#define TEST(f, role) cmocka_unit_test_setup_teardown(f, role, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_hub, hub),
	    TEST(test_node, node),
	    TEST(test_states, hub),
	    TEST(test_trust, hub),
	    TEST(test_gate, hub),
	    TEST(test_bounds, hub),
	    TEST(test_array_bounds, hub),
	    TEST(test_every_rule, hub),
	    TEST(test_too_wide, hub),
	    TEST(test_hairpin, hub),
	    TEST(test_to_host, hub),
	    TEST(test_too_big, hub),
	    TEST(test_size, hub),
	    TEST(test_no_flow_for_what_cannot_leave, hub),
	    TEST(test_lowest_of_too_low, hub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
