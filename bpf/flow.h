/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_FLOW_H
#define RN_BPF_FLOW_H

#include "context.h"
#include "emit.h"
#include "judge.h"
#include "place.h"

#define RN_FLOW_FINS (RN_FLOW_FIN_ORIGIN | RN_FLOW_FIN_RESPONDER)

/* The key of both directions; returns whether the packet's source is its hi end. */
static __always_inline int rn_flow_key(const struct rn_packet *p, struct rn_flow_key *key)
{
	int from_hi = rn_addr_order(&p->source, &p->destination) > 0;
	int echo = p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP;

	key->lo = from_hi ? p->destination : p->source;
	key->hi = from_hi ? p->source : p->destination;
	key->lo_port = from_hi ? p->destination_port : p->source_port;
	key->hi_port = from_hi ? p->source_port : p->destination_port;
	key->protocol = p->protocol;
	key->echo_from_hi = echo && from_hi != p->echo_reply;
	key->reserved = 0;
	return from_hi;
}

static __always_inline __u16 rn_flow_tag(const struct rn_flow_key *key)
{
	__u64 word[sizeof(*key) / 8], hash;

	__builtin_memcpy(word, key, sizeof(word));
	hash = (word[0] + 3 * word[1] + 5 * word[2] + 7 * word[3] + 9 * word[4]) * 0x9e3779b97f4a7c15ull;
	return ((hash ^ hash >> 32) * 0x9e3779b97f4a7c15ull) >> 48;
}

/* What a verdict in the table rests on, copied once. */
struct rn_holding {
	__u64 generation, source_state, destination_state;
	__u32 source, destination;
	union {
		__u64 word;
		struct {
			__u32 rule;
			__u8 reason, from_hi;
			__u16 key_tag;
		};
	};
};

/*
 * Another CPU may remove the entry while we read and give its memory to another flow, filling it from its beginning. So
 * the word with verdict and tag is read last: where the tag is ours, all of it is. False: it is not ours any more.
 */
static __always_inline bool rn_flow_read(const struct rn_flow *flow, __u16 tag, struct rn_holding *h)
{
	h->generation = RN_READ_ONCE(flow->generation);
	h->source_state = RN_READ_ONCE(flow->source_state);
	h->destination_state = RN_READ_ONCE(flow->destination_state);
	h->source = RN_READ_ONCE(flow->source);
	h->destination = RN_READ_ONCE(flow->destination);
	h->word = *(const volatile __u64 *)&flow->rule;
	return h->key_tag == tag;
}

static __always_inline int rn_flow_closed(__u32 flags)
{
	return (flags & RN_FLOW_RST) || (flags & RN_FLOW_FINS) == RN_FLOW_FINS;
}

static __always_inline __u64 rn_flow_timeout(__u8 protocol, __u32 flags)
{
	if (protocol == IPPROTO_UDP)
		return flags & RN_FLOW_REPLIED ? RN_UDP_ESTABLISHED_NS : RN_UDP_OPENING_NS;
	if (protocol != IPPROTO_TCP)
		return RN_ICMP_NS;
	if (rn_flow_closed(flags))
		return RN_TCP_CLOSED_NS;
	return flags & RN_FLOW_REPLIED ? RN_TCP_ESTABLISHED_NS : RN_TCP_OPENING_NS;
}

/* SYN without ACK */
static __always_inline int rn_opens(const struct rn_packet *p)
{
	return p->protocol == IPPROTO_TCP && (p->tcp_flags & (RN_TCP_SYN | RN_TCP_ACK)) == RN_TCP_SYN;
}

static __always_inline int rn_flow_absent(const struct rn_flow *flow, const struct rn_context *c)
{
	__u32 flags = RN_READ_ONCE(flow->flags);
	__u64 seen = RN_READ_ONCE(flow->seen_ns);

	if (c->now > seen && c->now - seen >= rn_flow_timeout(c->packet.protocol, flags))
		return 1;
	return rn_flow_closed(flags) && rn_opens(&c->packet);
}

static __always_inline __u32 rn_flow_flags(const struct rn_context *c)
{
	__u32 flags = c->backward ? RN_FLOW_REPLIED : 0;

	if (c->packet.tcp_flags & RN_TCP_RST)
		flags |= RN_FLOW_RST;
	if (c->packet.tcp_flags & RN_TCP_FIN)
		flags |= c->backward ? RN_FLOW_FIN_RESPONDER : RN_FLOW_FIN_ORIGIN;
	return flags;
}

/* A packet of an entry that stays: what is counted in place. */
static __always_inline void rn_flow_account(struct rn_flow *flow, const struct rn_context *c, enum rn_reason reason)
{
	__u32 flags = rn_flow_flags(c);

	if (reason) {
		__sync_fetch_and_add(&flow->dropped, 1);
		return;
	}
	if (c->backward) {
		__sync_fetch_and_add(&flow->packets[1], 1);
		__sync_fetch_and_add(&flow->bytes[1], c->packet.bytes);
	} else {
		__sync_fetch_and_add(&flow->packets[0], 1);
		__sync_fetch_and_add(&flow->bytes[0], c->packet.bytes);
	}
	*(volatile __u64 *)&flow->seen_ns = c->now;
	if ((RN_READ_ONCE(flow->flags) & flags) != flags)
		__sync_fetch_and_or(&flow->flags, flags);
}

/* The same for an entry that is about to be written. */
static __always_inline void rn_flow_tally(struct rn_flow *flow, const struct rn_context *c, enum rn_reason reason)
{
	if (reason) {
		flow->dropped++;
		return;
	}
	if (c->backward) {
		flow->packets[1]++;
		flow->bytes[1] += c->packet.bytes;
	} else {
		flow->packets[0]++;
		flow->bytes[0] += c->packet.bytes;
	}
	flow->seen_ns = c->now;
	flow->flags |= rn_flow_flags(c);
}

static __always_inline void rn_flow_judged(struct rn_flow *flow, const struct rn_context *c, enum rn_reason verdict)
{
	flow->generation = c->generation;
	flow->source_state = c->source.state;
	flow->destination_state = c->destination.state;
	flow->source = c->source.index;
	flow->destination = c->destination.index;
	flow->rule = c->rule;
	flow->reason = verdict;
	flow->from_hi = c->from_hi != c->backward;
	flow->key_tag = rn_flow_tag(&c->key);
}

/* What a hub's hairpin asks for besides a good verdict. */
static __always_inline enum rn_reason rn_hop(struct __sk_buff *skb, const struct rn_context *c)
{
	__u32 size = c->packet.bytes;

	if (!c->leaves)
		return RN_ALLOWED;
	if (c->packet.hop_limit <= 1)
		return RN_TTL_EXCEEDED;
	if (skb->gso_size)
		size = c->packet.headers + skb->gso_size;
	return size > c->mtu ? RN_TOO_BIG : RN_ALLOWED;
}

/* A first packet that may pass. */
static __noinline enum rn_reason rn_flow_begin(struct rn_context *c)
{
	struct rn_flow flow = {};

	rn_flow_judged(&flow, c, RN_ALLOWED);
	flow.created_ns = c->now;
	rn_flow_tally(&flow, c, RN_ALLOWED);
	if (bpf_map_update_elem(&rn_flows, &c->key, &flow, BPF_ANY))
		return RN_FLOW_TABLE_FULL;
	c->orphan = 0;
	rn_event(c, RN_EVENT_FLOW_NEW, RN_ALLOWED);
	return RN_ALLOWED;
}

/* An entry with a new verdict, while this packet's own outcome is reason. */
static __noinline enum rn_reason rn_flow_replace(struct rn_context *c, struct rn_flow *old, enum rn_reason verdict,
						 enum rn_reason reason)
{
	struct rn_flow flow = *old;

	rn_flow_judged(&flow, c, verdict);
	rn_flow_tally(&flow, c, reason);
	if (bpf_map_update_elem(&rn_flows, &c->key, &flow, BPF_ANY)) {
		rn_flow_account(old, c, RN_FLOW_TABLE_FULL);
		return RN_FLOW_TABLE_FULL;
	}
	if (old->reason != flow.reason || old->rule != flow.rule)
		rn_event(c, RN_EVENT_FLOW_CHANGED, verdict);
	return reason;
}

static __always_inline __u64 rn_device_state(__u32 index)
{
	struct rn_device *device = bpf_map_lookup_elem(&rn_devices, &index);

	return device ? RN_READ_ONCE(device->state) : 0;
}

/* No entry, or a SYN against the direction of one, which is no reply: the packet's source is the originator. */
static __always_inline enum rn_reason rn_flow_first(struct __sk_buff *skb, struct rn_context *c, bool keep)
{
	enum rn_reason reason;

	c->orphan = 1;
	c->backward = 0;
	if (c->packet.echo_reply)
		return RN_UNSOLICITED_REPLY;
	reason = rn_judge(c);
	if (!reason)
		reason = rn_hop(skb, c);
	return reason || !keep ? reason : rn_flow_begin(c);
}

static __always_inline enum rn_reason rn_flow_again(struct __sk_buff *skb, struct rn_context *c, struct rn_flow *flow)
{
	enum rn_reason verdict = rn_judge(c);

	if (c->misplaced) {
		rn_flow_account(flow, c, verdict);
		return verdict;
	}
	return rn_flow_replace(c, flow, verdict, verdict ? verdict : rn_hop(skb, c));
}

/* docs/datapath.md 3. Returns the packet's outcome; it is counted in its flow already. */
static __always_inline enum rn_reason rn_flow(struct __sk_buff *skb, struct rn_context *c)
{
	struct rn_flow *flow;
	struct rn_holding h;
	enum rn_reason reason;

	c->from_hi = rn_flow_key(&c->packet, &c->key);
	flow = bpf_map_lookup_elem(&rn_flows, &c->key);
	if (!flow || rn_flow_absent(flow, c) || !rn_flow_read(flow, rn_flow_tag(&c->key), &h))
		return rn_flow_first(skb, c, true);
	c->backward = h.from_hi != c->from_hi;
	if (c->backward && rn_opens(&c->packet))
		return rn_flow_first(skb, c, false);
	if (!h.source || !h.destination || h.generation != c->generation ||
	    h.source_state != rn_device_state(h.source) || h.destination_state != rn_device_state(h.destination))
		return rn_flow_again(skb, c, flow);
	reason = rn_place(c, h.source_state, h.destination_state);
	if (!reason)
		reason = h.reason;
	if (!reason)
		reason = rn_hop(skb, c);
	rn_flow_account(flow, c, reason);
	return reason;
}

#endif
