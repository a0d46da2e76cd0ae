/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EVERYONE 100u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t hub[] = {HUB}, laptop[] = {LAPTOP}, server[] = {SERVER}, everyone[] = {EVERYONE};
static uint32_t askers[] = {LAPTOP, PHONE}, answerers[] = {HUB, SERVER, FAR};
static struct rn_service telnet[] = {{IPPROTO_TCP, 23, 23}}, web[] = {{IPPROTO_TCP, 80, 80}};
static struct rn_service dns[] = {{IPPROTO_UDP, 53, 53}},
			 echo[] = {{IPPROTO_ICMP, 0, 65535}, {IPPROTO_ICMPV6, 0, 65535}};
static struct rn_service ssh[] = {{IPPROTO_TCP, 22, 22}}, back[] = {{IPPROTO_TCP, 4000, 4001}};
static struct rn_service tls[] = {{IPPROTO_TCP, 443, 443}};

#define ENDS(a, b) .source.any = {a, COUNT(a)}, .destination.any = {b, COUNT(b)}
#define SERVICE(s) .services = s, .service_count = COUNT(s)
static const struct rn_policy_rule all_rules[] = {
    {.number = 1, .deny = true, ENDS(laptop, server), SERVICE(telnet)},
    {.number = 2, ENDS(laptop, server), SERVICE(web)},
    {.number = 3, .minimum_trust = 50, ENDS(laptop, server), SERVICE(dns)},
    {.number = 4, ENDS(askers, answerers), SERVICE(echo)},
    {.number = 5, .same_owner = true, ENDS(everyone, everyone), SERVICE(ssh)},
    {.number = 6, ENDS(server, laptop), SERVICE(back)},
    {.number = 7, ENDS(hub, server), SERVICE(tls)},
};

void world_policy(struct world *w, uint64_t generation, uint32_t without)
{
	struct rn_policy_rule rules[COUNT(all_rules)];
	struct rn_policy_record policy = {.rules = rules};

	for (size_t i = 0; i < COUNT(all_rules); i++) {
		if (all_rules[i].number != without)
			rules[policy.rule_count++] = all_rules[i];
	}
	rn_bpf_policy(w->bpf, generation, &policy);
	for (uint32_t d = HUB; d < DEVICES; d++) {
		const uint32_t selectors[] = {d, EVERYONE};

		rn_bpf_identity(w->bpf, d * 10, selectors, COUNT(selectors));
	}
}

struct rn_addr world_addr(int device, bool v6)
{
	return v6 ? packet_v6(device) : packet_v4(10, 5, 0, device);
}

static uint64_t first_state(const struct world *w, int device)
{
	uint64_t state = RN_STATE_PRESENT | WORLD_TRUST | 1ull << RN_STATE_INCARNATION_SHIFT;
	int here = w->bpf->config->role == RN_ROLE_HUB ? HUB : LAPTOP;

	if (device == here)
		return state | RN_STATE_LOCAL;
	return device == FAR ? state : state | RN_STATE_ATTACHED;
}

void world_reset(struct world *w)
{
	rn_bpf_reset(w->bpf);
	for (int d = HUB; d < DEVICES; d++) {
		struct rn_device *device = &w->bpf->devices[d];

		device->number = d * 1000;
		device->identity_slot = d * 10;
		device->identity_number = d * 100;
		device->owner = d == PHONE ? 2 : d == HUB ? 0 : 1;
		device->state = first_state(w, d);
		families(v6)
		{
			struct rn_addr addr = world_addr(d, v6);

			rn_bpf_address(w->bpf, &addr, d);
		}
	}
	world_policy(w, 2, 0);
}

struct world *world_open(const struct rn_bpf_options *options)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->bpf = rn_bpf_open(options);
	world_reset(w);
	return w;
}

void world_close(struct world *w)
{
	rn_bpf_close(w->bpf);
	free(w);
}

struct packet world_packet(int source, int destination, bool v6, uint8_t protocol, uint16_t source_port,
			   uint16_t destination_port)
{
	struct packet p = {
	    .source = world_addr(source, v6),
	    .destination = world_addr(destination, v6),
	    .source_port = source_port,
	    .destination_port = destination_port,
	    .protocol = protocol,
	    .flags = SYN,
	    .payload = 10,
	};

	packet_build(&p);
	return p;
}

struct packet world_flags(const struct packet *p, uint8_t flags)
{
	struct packet q = *p;

	q.flags = flags;
	packet_build(&q);
	return q;
}

enum rn_reason world_run(struct world *w, int direction, const struct packet *p)
{
	enum rn_reason reason = rn_bpf_run(w->bpf, direction, p->data, p->size, &w->last);

	if ((reason == RN_TOO_BIG || reason == RN_TTL_EXCEEDED) && w->last.action == 7)
		return reason; /* the sender is told; test_errors.c */
	if (reason)
		assert_int_equal(w->last.action, direction == RN_BPF_OUT ? 4 : 2);
	else
		assert_true(w->last.action == 0 || w->last.action == 7);
	return reason;
}

struct rn_flow world_flow(struct world *w, const struct packet *p)
{
	struct rn_flow_key key = packet_key(p);
	struct rn_flow flow;

	assert_int_equal(rn_bpf_flow(w->bpf, &key, &flow), 0);
	return flow;
}

void world_advance(struct world *w, uint64_t ns)
{
	*w->bpf->now += ns;
}

const char *world_reason(enum rn_reason reason)
{
	static const char *const names[] = {
#define RN_REASON(number, NAME, name, text) [number] = name,
#include "abi/verdict.def"
#undef RN_REASON
	};

	return reason < RN_REASON_COUNT ? names[reason] : "?";
}
