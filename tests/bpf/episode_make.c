// SPDX-License-Identifier: Apache-2.0
/*
 * What happens in an episode: conversations of plausible packets, in each direction and order, spoiled packets between
 * them, and changes of everything that a verdict depends on. For each rule of the policy one conversation begins with a
 * packet that it decides, after whatever stood in its way has been put right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "episode.h"
#include "packet.h"

#define CONVERSATIONS 12u

struct conversation {
	unsigned source, destination;
	bool v6;
	uint8_t protocol;
	uint16_t source_port, destination_port;
};

struct maker {
	struct episode *e;
	struct player *p;
	struct rng *rng;
	struct witness witnesses[EPISODE_RULES_MAX];
	bool decided[EPISODE_RULES_MAX];
	unsigned rules;
	struct conversation conversations[CONVERSATIONS];
	unsigned conversation_count;
	uint16_t next_port; /* for conversations that must be new */
	uint64_t policy;    /* as last set by a step */
	int64_t until;	    /* of some answer; 0: none yet */
	unsigned packets;
	void (*seen)(void *context, const struct episode *e, const struct step *step,
		     const struct reference_verdict *verdict);
	void *context;
	struct reference_verdict last;
};

static int add(struct maker *m, const struct step *step)
{
	const struct step *kept = episode_add(m->e, step);
	int code = player_step(m->p, kept, &m->last);

	if (step->kind == STEP_POLICY)
		m->policy = step->value;
	if (step->kind != STEP_PACKET || code != 0)
		return code < 0 ? code : 0;
	m->packets++;
	m->seen(m->context, m->e, kept, &m->last);
	if (m->policy == 0 && m->last.rule && (m->last.reason == RN_ALLOWED || m->last.reason == RN_DENY_RULE))
		m->decided[m->last.rule - 1] = true;
	if (m->policy == 0 && m->last.observed)
		m->decided[m->last.observed - 1] = true;
	if (m->last.until && m->last.until != INT64_MAX)
		m->until = m->last.until;
	return 0;
}

static int change(struct maker *m, enum step_kind kind, unsigned device, uint64_t value)
{
	struct step step = {.kind = kind, .device = device, .value = value};

	return add(m, &step);
}

static const struct reference_state *state_of(const struct maker *m, unsigned device)
{
	return &player_reference(m->p)->devices[player_index(device)].state;
}

/* Puts right whatever keeps the device from what its policy allows. */
static int heal_device(struct maker *m, unsigned device)
{
	const struct reference_state *s = state_of(m, device);
	int code = change(m, STEP_MEMBER, device, device + 1);

	if (code == 0 && !s->present)
		code = change(m, STEP_PRESENT, device, 1);
	if (code == 0 && s->revoked)
		code = change(m, STEP_REVOKE, device, 0);
	if (code == 0 && s->quarantined)
		code = change(m, STEP_QUARANTINE, device, 0);
	if (code == 0 && s->attached != (device != m->e->self && !m->e->home[device]))
		code = change(m, STEP_ATTACH, device, !s->attached);
	if (code == 0 && m->e->home[device])
		code = change(m, STEP_REMOTE, device, m->e->home[device]);
	if (code == 0 && m->e->home[device])
		code = change(m, STEP_BEHIND, device, 1);
	return code;
}

static int heal_host(struct maker *m)
{
	const struct reference *r = player_reference(m->p);
	int code = 0;

	if (r->link_down)
		code = change(m, STEP_LINK, 0, 0);
	if (code == 0 && r->lease_until_ns < r->now_ns + 100000 * RN_SECOND_NS)
		code = change(m, STEP_LEASE, 0, 1000000 * RN_SECOND_NS);
	if (code == 0 && m->policy != 0)
		code = change(m, STEP_POLICY, 0, 0);
	return code;
}

static int heal(struct maker *m)
{
	int code = heal_host(m);

	for (unsigned d = 0; d < REALM_DEVICES && code == 0; d++)
		code = heal_device(m, d);
	return code;
}

/* Where such a packet meets this host: what it sends and, on a hub, what others send to anybody. */
static int hook_of(const struct maker *m, unsigned source)
{
	if (m->e->home[source])
		return RN_BPF_MESH;
	return source == m->e->self ? RN_BPF_OUT : RN_BPF_IN;
}

/* Some device behind the same hub. */
static unsigned like(struct maker *m, unsigned device)
{
	for (unsigned i = 0, at = rng_below(m->rng, REALM_DEVICES); i < REALM_DEVICES;
	     i++, at = (at + 1) % REALM_DEVICES)
		if (m->e->home[at] == m->e->home[device])
			return at;
	return device;
}

/* The frame that a packet of the device's is in; now and then one that lies. */
static void frame_it(struct maker *m, struct step *step, unsigned source, bool v6)
{
	struct rng *rng = m->rng;
	unsigned as = source;

	step->hub = m->e->home[source] ? m->e->home[source] : 1 + rng_below(rng, EPISODE_HUBS);
	step->v6 = v6;
	step->trust = state_of(m, source)->trust;
	if (rng_percent(rng, 16))
		as = like(m, source);
	if (rng_percent(rng, 16))
		step->trust = (uint8_t)rng_below(rng, rng_percent(rng, 10) ? 256 : 101);
	if (rng_percent(rng, 4))
		step->hub = 1 + rng_below(rng, EPISODE_HUBS);
	step->identity = player_identity(as);
	if (rng_percent(rng, 3))
		step->identity =
		    rng_percent(rng, 50) ? player_identity(rng_below(rng, REALM_DEVICES)) : rng_below(rng, 1u << 24);
}

static uint8_t some_flags(struct rng *rng, bool first)
{
	static const uint8_t begin[] = {SYN, SYN, SYN, SYN, SYN, SYN, ACK, SYN | ACK, FIN | ACK, RST, PSH | ACK};
	static const uint8_t later[] = {ACK,	   ACK,	      ACK,	 PSH | ACK, PSH | ACK, SYN, SYN | ACK,
					SYN | ACK, FIN | ACK, FIN | ACK, RST,	    RST | ACK, FIN, SYN | PSH};

	return first ? begin[rng_below(rng, sizeof(begin))] : later[rng_below(rng, sizeof(later))];
}

/* Sizes around the MTU now and then. */
static uint16_t some_payload(struct rng *rng, bool v6, uint32_t mtu)
{
	uint32_t headers = (v6 ? 40 : 20) + 20;

	if (rng_percent(rng, 4))
		return (uint16_t)(mtu - headers - 14 + rng_below(rng, 32));
	return (uint16_t)rng_below(rng, 64);
}

static struct packet build(struct maker *m, const struct conversation *c, bool back, bool first)
{
	struct rng *rng = m->rng;
	unsigned from = back ? c->destination : c->source, to = back ? c->source : c->destination;
	struct packet p = {
	    .source = m->e->addresses[from][c->v6],
	    .destination = m->e->addresses[to][c->v6],
	    .source_port = back && c->protocol != IPPROTO_ICMP ? c->destination_port : c->source_port,
	    .destination_port = back ? c->source_port : c->destination_port,
	    .protocol = c->protocol,
	    .flags = some_flags(rng, first),
	    .reply = back,
	    .payload = some_payload(rng, c->v6, player_reference(m->p)->mtu),
	    .extensions = c->v6 && rng_percent(rng, 8) ? (uint8_t)(1 + rng_below(rng, 4)) : 0,
	};

	if (rng_percent(rng, 3))
		p.hops = (uint8_t)(1 + rng_below(rng, 3));
	if (p.flags & SYN && rng_percent(rng, 60)) {
		p.mss = (uint16_t)(rng_percent(rng, 80) ? 1260 + rng_below(rng, 260) : 1 + rng_below(rng, 0xffff));
		p.nops = (uint8_t)rng_below(rng, 4);
	}
	packet_build(&p);
	return p;
}

static struct step step_of(struct maker *m, const struct packet *p, int direction)
{
	struct step step = {.kind = STEP_PACKET, .direction = direction, .size = p->size};

	if (p->size > EPISODE_PACKET_MAX)
		abort();
	memcpy(step.data, p->data, p->size);
	if (rng_percent(m->rng, 10))
		step.linear = 20 + rng_below(m->rng, 50);
	if (step.linear >= step.size)
		step.linear = 0;
	return step;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void spoil_v4(struct step *s, struct rng *rng)
{
	static const uint8_t icmp_types[] = {3, 4, 5, 11, 12, 8, 0, 13, 17, 255};
	uint8_t *ip = s->data;

	switch (rng_below(rng, 9)) {
	case 0:
		ip[0] = (uint8_t)(0x40 | rng_below(rng, 16));
		break;
	case 1:
		put16(ip + 2, rng_percent(rng, 50) ? rng_below(rng, 64) : rng_below(rng, 2000));
		break;
	case 2:
		put16(ip + 6, rng_percent(rng, 50) ? 0x2000 : rng_below(rng, 0x10000));
		break;
	case 3:
		ip[16] = (uint8_t)(224 + rng_below(rng, 32));
		break;
	case 4:
		memset(ip + 16, 255, 4);
		break;
	case 5:
		memcpy(ip + 16, ip + 12, 4);
		break;
	case 6:
		ip[9] = (uint8_t)rng_below(rng, 256);
		break;
	case 7:
		ip[9] = IPPROTO_ICMP;
		ip[20] = icmp_types[rng_below(rng, sizeof(icmp_types))];
		ip[21] = (uint8_t)rng_below(rng, 3);
		break;
	default:
		ip[6] = 0x40; /* don't fragment is no fragment */
		ip[8] = 0;
	}
}

static void spoil_v6(struct step *s, struct rng *rng)
{
	static const uint8_t headers[] = {0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 6, 17, 58, 1, 4, 41};
	static const uint8_t icmp_types[] = {1, 2, 3, 4, 127, 128, 129, 130, 135, 0, 255};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t *ip = s->data;

	switch (rng_below(rng, 9)) {
	case 0:
		ip[0] = (uint8_t)(rng_below(rng, 16) << 4);
		break;
	case 1:
		put16(ip + 4, rng_percent(rng, 50) ? rng_below(rng, 64) : rng_below(rng, 2000));
		break;
	case 2:
		ip[24] = 0xff;
		break;
	case 3:
		memcpy(ip + 24, ip + 8, 16);
		break;
	case 4:
		memcpy(ip + (rng_percent(rng, 50) ? 8 : 24), mapped, 12);
		break;
	case 5:
		ip[6] = headers[rng_below(rng, sizeof(headers))];
		break;
	case 6:
		ip[6] = IPPROTO_ICMPV6;
		ip[40] = icmp_types[rng_below(rng, sizeof(icmp_types))];
		ip[41] = (uint8_t)rng_below(rng, 2);
		break;
	case 7: /* within a chain, where there is one */
		ip[40] = headers[rng_below(rng, sizeof(headers))];
		ip[41] = (uint8_t)rng_below(rng, 4);
		break;
	default:
		ip[7] = 0;
	}
}

/* A chain of up to six extension headers of each kind before the transport header. */
static void insert_chain(struct step *s, struct rng *rng)
{
	static const uint8_t kinds[] = {0, 60, 60, 60, 60, 60, 44, 43};
	unsigned count = 1 + rng_below(rng, 6);
	size_t grown = 8u * count;
	uint8_t *ip = s->data, next = ip[6];

	if (s->size + grown > EPISODE_PACKET_MAX || s->size < 40)
		return;
	memmove(ip + 40 + grown, ip + 40, s->size - 40);
	memset(ip + 40, 0, grown);
	for (unsigned i = 0; i < count; i++) {
		uint8_t kind = i == 0 && rng_percent(rng, 50) ? 0 : kinds[rng_below(rng, sizeof(kinds))];

		if (i == 0)
			ip[6] = kind;
		else
			ip[40 + 8 * (i - 1)] = kind;
		ip[40 + 8 * i] = next;
		if (rng_percent(rng, 5))
			ip[41 + 8 * i] = (uint8_t)rng_below(rng, 6);
	}
	put16(ip + 4, ((uint32_t)ip[4] << 8 | ip[5]) + (uint32_t)grown);
	s->size += grown;
}

/* Transport header of a packet as built: fixed header only. */
static void spoil_transport(struct step *s, struct rng *rng)
{
	uint8_t *t = s->data + (s->data[0] >> 4 == 6 ? 40 : 20);

	switch (rng_below(rng, 4)) {
	case 0:
		t[12] = (uint8_t)(rng_below(rng, 16) << 4);
		break;
	case 1:
		t[13] = (uint8_t)rng_below(rng, 256);
		break;
	case 2:
		put16(t + 4, rng_below(rng, 80));
		break;
	default:
		t[rng_below(rng, 8)] ^= (uint8_t)(1u << rng_below(rng, 8));
	}
}

static void spoil(struct step *s, struct rng *rng)
{
	static const uint16_t types[] = {ETH_P_ARP, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, ETH_P_MPLS_UC};
	bool v6 = s->data[0] >> 4 == 6;

	switch (rng_below(rng, 8)) {
	case 0:
		s->size = 1 + rng_below(rng, (uint32_t)s->size);
		break;
	case 1:
		s->data[rng_below(rng, (uint32_t)(s->size < 64 ? s->size : 64))] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 2:
		s->ethertype = types[rng_below(rng, sizeof(types) / sizeof(types[0]))];
		break;
	case 3: /* bytes after the IP length */
		if (s->size + 16 <= EPISODE_PACKET_MAX)
			s->size += 1 + rng_below(rng, 16);
		break;
	case 4:
		spoil_transport(s, rng);
		break;
	case 5:
		if (v6)
			insert_chain(s, rng);
		else
			spoil_v4(s, rng);
		break;
	default:
		if (v6)
			spoil_v6(s, rng);
		else
			spoil_v4(s, rng);
	}
	if (s->linear >= s->size)
		s->linear = 0;
}

/* The device that is the hub which the other is at home at. */
static unsigned hub_of(const struct maker *m, unsigned device)
{
	unsigned at = 0;

	if (!m->e->home[device])
		return m->e->self;
	while (m->e->home[at] != m->e->home[device])
		at++;
	return at;
}

/* Who complains about a packet for that device. */
static unsigned complainer(struct maker *m, unsigned destination)
{
	if (rng_percent(m->rng, 45))
		return destination;
	if (m->e->role == RN_ROLE_NODE || rng_percent(m->rng, 10))
		return rng_percent(m->rng, 50) ? like(m, destination) : rng_below(m->rng, REALM_DEVICES);
	return rng_percent(m->rng, 35) ? m->e->self : hub_of(m, destination);
}

/* An ICMP error about the packet, mostly one that is passed on. */
static struct packet complain(struct maker *m, const struct packet *about, unsigned from, bool v6)
{
	static const uint8_t types[2][6] = {{3, 3, 11, 12, 4, 5}, {1, 2, 3, 4, 5, 127}};
	struct packet p = {.source = m->e->addresses[from][v6], .destination = about->source, .protocol = IPPROTO_ICMP};
	size_t most = about->transport + 8 + rng_below(m->rng, 30), size = about->size < most ? about->size : most;

	if (rng_percent(m->rng, 5))
		size = rng_below(m->rng, (uint32_t)size);
	p.payload = (uint16_t)size;
	packet_build(&p);
	p.data[p.transport] = types[v6][rng_below(m->rng, rng_percent(m->rng, 90) ? 4 : 6)];
	p.data[p.transport + 1] = (uint8_t)rng_below(m->rng, 5);
	memcpy(p.data + p.transport + 8, about->data, size);
	if (rng_percent(m->rng, 5) && size > 40)
		p.data[p.transport + 8 + rng_below(m->rng, 40)] ^= (uint8_t)(1u << rng_below(m->rng, 8));
	return p;
}

static struct conversation *keep(struct maker *m, const struct conversation *c)
{
	unsigned at =
	    m->conversation_count < CONVERSATIONS ? m->conversation_count++ : rng_below(m->rng, CONVERSATIONS);

	m->conversations[at] = *c;
	return &m->conversations[at];
}

static struct conversation *new_conversation(struct maker *m)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	const struct witness *w = &m->witnesses[rng_below(m->rng, m->rules)];
	struct conversation c = {w->source, w->destination, w->v6, w->protocol, 0, w->port};

	if (rng_percent(m->rng, 50)) {
		c.source = rng_below(m->rng, REALM_DEVICES);
		c.destination = (c.source + 1 + rng_below(m->rng, REALM_DEVICES - 1)) % REALM_DEVICES;
		if (m->e->role == RN_ROLE_NODE && rng_percent(m->rng, 90) && c.source != m->e->self)
			c.destination = m->e->self;
		c.protocol = protocols[rng_below(m->rng, 4)];
		c.destination_port = c.protocol == IPPROTO_ICMP ? 0 : realm_port(m->rng);
	}
	c.source_port = (uint16_t)(rng_percent(m->rng, 10) ? realm_port(m->rng) : m->next_port++);
	return keep(m, &c);
}

static int send_packet(struct maker *m)
{
	bool first = m->conversation_count == 0 || rng_percent(m->rng, 20);
	struct conversation *c =
	    first ? new_conversation(m) : &m->conversations[rng_below(m->rng, m->conversation_count)];
	bool back = rng_percent(m->rng, first ? 5 : 45);
	struct packet p = build(m, c, back, first);
	unsigned from = back ? c->destination : c->source;
	struct step step;

	if (rng_percent(m->rng, 12)) {
		from = complainer(m, back ? c->source : c->destination);
		p = complain(m, &p, from, c->v6);
	}
	step = step_of(m, &p, hook_of(m, from));

	if (rng_percent(m->rng, 5))
		step.direction = (int)rng_below(m->rng, m->e->role == RN_ROLE_HUB ? RN_BPF_DIRECTIONS : RN_BPF_MESH);
	if (step.direction == RN_BPF_MESH)
		frame_it(m, &step, from, c->v6);
	if (rng_percent(m->rng, 2))
		step.data[p.transport - (rng_percent(m->rng, 50) ? 1 : 0)] ^= 1; /* an address or a port nobody has */
	if (rng_percent(m->rng, 12))
		spoil(&step, m->rng);
	return add(m, &step);
}

/* Sets the wall clock: to the edge of an answer, a second off it, or somewhere near. Time goes back, too. */
static int move_wall(struct maker *m)
{
	int64_t at = EPISODE_AROUND - 7200 + rng_below(m->rng, 18000), ns = rng_below(m->rng, 1000000000);

	if (m->until && rng_percent(m->rng, 70)) {
		at = m->until - rng_below(m->rng, 2);
		ns = rng_percent(m->rng, 50) ? 0 : 999999999;
	}
	return change(m, STEP_WALL, 0, (uint64_t)(at * 1000000000 + ns));
}

/* Moves the clock to where some entry is about to expire, or just has. */
static int move_clock(struct maker *m)
{
	static const uint64_t timeouts[] = {RN_TCP_OPENING_NS, RN_TCP_ESTABLISHED_NS, RN_TCP_CLOSED_NS,
					    RN_UDP_OPENING_NS, RN_UDP_ESTABLISHED_NS, RN_ICMP_NS};
	const struct reference *r = player_reference(m->p);
	uint64_t until;

	if (r->flow_count == 0 || rng_percent(m->rng, 70))
		return change(m, STEP_CLOCK, 0, rng_below(m->rng, 2000) * 1000000ull);
	until = r->flows[rng_below(m->rng, r->flow_count)].seen_ns + timeouts[rng_below(m->rng, 6)] - 1 +
		rng_below(m->rng, 3);
	return change(m, STEP_CLOCK, 0, until > r->now_ns ? until - r->now_ns : 0);
}

/* The end of a conversation: changes of a device that nobody talks with show nothing. */
static unsigned some_device(struct maker *m)
{
	const struct conversation *c;

	if (m->conversation_count == 0 || rng_percent(m->rng, 10))
		return rng_below(m->rng, REALM_DEVICES);
	c = &m->conversations[rng_below(m->rng, m->conversation_count)];
	return rng_percent(m->rng, 50) ? c->source : c->destination;
}

static int change_something(struct maker *m)
{
	unsigned device = some_device(m);
	const struct reference_state *s = state_of(m, device);

	switch (rng_below(m->rng, 22)) {
	case 0:
	case 1:
	case 2:
		return change(m, STEP_TRUST, device, rng_percent(m->rng, 40) ? 100 : rng_below(m->rng, 101));
	case 3:
	case 4:
		return change(m, STEP_QUARANTINE, device, !s->quarantined);
	case 5:
		return change(m, STEP_REVOKE, device, !s->revoked);
	case 6:
	case 7:
		return change(m, STEP_POLICY, 0, rng_percent(m->rng, 10) ? 2 : !m->policy);
	case 8:
		return change(m, STEP_LINK, 0, !player_reference(m->p)->link_down);
	case 9:
		return change(m, STEP_LEASE, 0, rng_below(m->rng, 3));
	case 10:
		return change(m, STEP_ATTACH, device, !s->attached);
	case 11:
		return change(m, STEP_PRESENT, device, !s->present);
	case 12:
	case 13:
		return change(m, STEP_MEMBER, device,
			      rng_percent(m->rng, 30) ? 0 : 1 + rng_below(m->rng, REALM_DEVICES));
	case 14:
		if (m->e->role == RN_ROLE_HUB)
			return change(m, STEP_REMOTE, device, rng_below(m->rng, EPISODE_NOWHERE + 1));
		return 0;
	case 15:
	case 16:
	case 17:
	case 18:
		if (m->e->home[device])
			return change(m, STEP_BEHIND, device, rng_percent(m->rng, 30));
		return 0;
	default:
		return heal(m);
	}
}

/* What may become of a packet's fragments between their sender and here: places in `order`, so many. */
static unsigned mix_up(struct maker *m, uint8_t *order, unsigned count)
{
	unsigned a = rng_below(m->rng, count), b = rng_below(m->rng, count);
	uint8_t kept = order[a];

	switch (rng_below(m->rng, 8)) {
	case 0: /* two change places */
		order[a] = order[b];
		order[b] = kept;
		return count;
	case 1: /* one comes twice */
		memmove(order + b + 1, order + b, count - b);
		order[b] = kept;
		return count + 1;
	case 2: /* one is lost */
		memmove(order + a, order + a + 1, count - a - 1);
		return count - 1;
	default:
		return count;
	}
}

/* One fragment, now and then another than it should be. */
static int send_fragment(struct maker *m, const struct packet *whole, uint32_t id, const size_t *cuts, unsigned at,
			 unsigned last)
{
	size_t from = cuts[at], to = cuts[at + 1];
	unsigned device = 0;
	struct packet p;
	struct step step;

	if (rng_percent(m->rng, 3) && from)
		from -= 8;
	if (rng_percent(m->rng, 3))
		to += rng_percent(m->rng, 50) ? 8 : 1;
	p = packet_fragment(whole, rng_percent(m->rng, 2) ? id + 1 : id, from, to - from,
			    rng_percent(m->rng, 97) ? at < last : at >= last);
	if (rng_percent(m->rng, 3))
		p.data[whole->data[0] >> 4 == 6 ? 7 : 8] = 1; /* it does not get far */
	while (device + 1 < REALM_DEVICES &&
	       memcmp(&m->e->addresses[device][whole->data[0] >> 4 == 6], &whole->source, 16))
		device++;
	step = step_of(m, &p, hook_of(m, device));
	if (rng_percent(m->rng, 3))
		step.direction = (int)rng_below(m->rng, m->e->role == RN_ROLE_HUB ? RN_BPF_DIRECTIONS : RN_BPF_MESH);
	if (step.direction == RN_BPF_MESH)
		frame_it(m, &step, device, whole->data[0] >> 4 == 6);
	if (rng_percent(m->rng, 3))
		spoil(&step, m->rng);
	return add(m, &step);
}

/* A packet in two to four pieces. Between them the world goes on. */
static int send_fragments(struct maker *m)
{
	const struct conversation *c = &m->conversations[rng_below(m->rng, m->conversation_count)];
	struct packet whole = build(m, c, rng_percent(m->rng, 45), rng_percent(m->rng, 50));
	unsigned last = 1 + rng_below(m->rng, 3), count = last + 1;
	uint32_t id = rng_below(m->rng, 4) + (c->v6 ? 0x10000u * rng_below(m->rng, 2) : 0);
	uint8_t order[8] = {0, 1, 2, 3};
	size_t cuts[5] = {0};
	int code = 0;

	whole.payload = (uint16_t)(40 + rng_below(m->rng, 200));
	packet_build(&whole);
	for (unsigned i = 1; i <= last; i++)
		cuts[i] = cuts[i - 1] + 8 * (1 + rng_below(m->rng, 4)) + (i == 1 && rng_percent(m->rng, 85) ? 16 : 0);
	cuts[count] = whole.size - whole.transport;
	if (cuts[count] <= cuts[last])
		cuts[count] = cuts[last] + 5;
	count = mix_up(m, order, count);
	for (unsigned i = 0; i < count && code == 0; i++) {
		if (rng_percent(m->rng, 4))
			code = change_something(m);
		else if (rng_percent(m->rng, 4))
			code = change(m, STEP_CLOCK, 0, RN_FRAGMENT_NS - 1 + rng_below(m->rng, 2));
		if (code == 0)
			code = send_fragment(m, &whole, id, cuts, order[i], last);
	}
	return code;
}

/* The packet that the rule decides, as the first of a new conversation. */
static int show_rule(struct maker *m, unsigned rule)
{
	const struct witness *w = &m->witnesses[rule];
	struct conversation c = {w->source, w->destination, w->v6, w->protocol, m->next_port++, w->port};
	int code = heal_host(m);
	struct packet p;
	struct step step;

	if (code == 0)
		code = heal_device(m, w->source);
	if (code == 0)
		code = heal_device(m, w->destination);
	if (code == 0)
		code = change(m, STEP_TRUST, w->source, w->trust);
	if (code == 0)
		code = change(m, STEP_TRUST, w->destination, w->destination_trust);
	if (code == 0)
		code = change(m, STEP_WALL, 0, (uint64_t)w->at * RN_SECOND_NS + rng_below(m->rng, 1000000000));
	if (code < 0)
		return code;
	p = build(m, keep(m, &c), false, true);
	p.flags = SYN;
	p.payload = 8;
	p.hops = 64;
	packet_build(&p);
	step = step_of(m, &p, hook_of(m, c.source));
	step.hub = m->e->home[c.source];
	step.v6 = c.v6;
	step.identity = player_identity(c.source);
	step.trust = w->trust;
	code = add(m, &step);
	if (code == 0 && !m->decided[rule]) {
		fprintf(stderr, "rule %u was to decide a packet, but the verdict was %d by rule %u\n", rule + 1,
			(int)m->last.reason, m->last.rule);
		abort();
	}
	return code;
}

/* Nothing passes at all: true for a while shows it, true for long shows nothing else. */
static bool all_stopped(const struct maker *m)
{
	const struct reference *r = player_reference(m->p);

	return r->link_down || r->lease_until_ns <= r->now_ns || r->generation == 0;
}

static int happen(struct maker *m)
{
	if (all_stopped(m) && rng_percent(m->rng, 30))
		return heal_host(m);
	if (rng_percent(m->rng, 16))
		return change_something(m);
	if (rng_percent(m->rng, 20))
		return move_clock(m);
	if (rng_percent(m->rng, 8))
		return move_wall(m);
	if (m->conversation_count && rng_percent(m->rng, 7))
		return send_fragments(m);
	return send_packet(m);
}

static void make_realm(struct episode *e, struct rng *rng)
{
	bool hub[EPISODE_HUBS + 1] = {false};

	realm_random(&e->realm, rng);
	e->role = rng_percent(rng, 50) ? RN_ROLE_HUB : RN_ROLE_NODE;
	e->self = rng_below(rng, REALM_DEVICES);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		e->home[d] = e->role == RN_ROLE_HUB && d != e->self && rng_percent(rng, 50)
				 ? 1 + rng_below(rng, EPISODE_HUBS)
				 : 0;
	for (unsigned d = 0; d < REALM_DEVICES; d++) {
		e->addresses[d][0] =
		    packet_v4(100, 64, (uint8_t)rng_below(rng, 256), (uint8_t)(16 * d + rng_below(rng, 16)));
		e->addresses[d][1] = packet_v6((uint16_t)(rng_below(rng, 256) << 8 | (16 * d + rng_below(rng, 16))));
		if (e->role == RN_ROLE_HUB && (d == e->self || e->home[d]) && !hub[e->home[d]]) {
			hub[e->home[d]] = true;
			e->addresses[d][0] = player_hub_address(e->home[d], false);
			e->addresses[d][1] = player_hub_address(e->home[d], true);
		}
	}
}

int episode_make(struct episode *e, struct player *p, struct rng *rng, unsigned packets,
		 void (*seen)(void *context, const struct episode *e, const struct step *step,
			      const struct reference_verdict *verdict),
		 void *context)
{
	struct maker m = {
	    .e = e, .p = p, .rng = rng, .next_port = 20000, .seen = seen, .context = context, .policy = 2};
	struct witness unused[EPISODE_RULES_MAX];
	unsigned shown = 0;
	int code;

	make_realm(e, rng);
	m.rules = policy_make(e, rng, e->policies[0], m.witnesses);
	policy_make(e, rng, e->policies[1], unused);
	code = player_start(p, e);
	if (code == 0)
		code = change(&m, STEP_WALL, 0, (uint64_t)EPISODE_AROUND * RN_SECOND_NS);
	if (code == 0 && rng_percent(rng, 90))
		code = change(&m, STEP_POLICY, 0, 0);
	while (code == 0 && (m.packets < packets || shown < m.rules) && e->step_count + 64 < EPISODE_STEPS) {
		if (shown < m.rules && rng_below(rng, packets) < 2 * m.rules)
			code = show_rule(&m, shown++);
		else
			code = happen(&m);
	}
	if (code == 0 && shown < m.rules)
		abort();
	return code;
}
