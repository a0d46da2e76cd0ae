/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_FLOW_H
#define RN_BPF_FLOW_H

#include "context.h"
#include "emit.h"
#include "judge.h"
#include "place.h"
#include "table.h"

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

/* SYN without ACK */
static __always_inline int rn_opens(const struct rn_packet *p)
{
	return p->protocol == IPPROTO_TCP && (p->tcp_flags & (RN_TCP_SYN | RN_TCP_ACK)) == RN_TCP_SYN;
}

static __always_inline int rn_flow_absent(const struct rn_context *c)
{
	const struct rn_held *h = &c->held;

	if (c->now > h->seen_ns && c->now - h->seen_ns >= rn_flow_timeouts[h->phase & 7])
		return 1;
	return h->phase == RN_FLOW_TCP_CLOSED && rn_opens(&c->packet);
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
	if (!reason && keep)
		reason = rn_flow_make(c, rn_flow_flags(c));
	if (!reason && keep) {
		c->orphan = 0;
		rn_event(c, RN_EVENT_FLOW_NEW, RN_ALLOWED);
	}
	return reason;
}

static __always_inline enum rn_reason rn_flow_again(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_reason verdict = rn_judge(c), reason = verdict;

	if (!reason)
		reason = rn_hop(skb, c);
	if (!c->misplaced && rn_flow_rejudge(c, verdict))
		rn_event(c, RN_EVENT_FLOW_CHANGED, verdict);
	return reason;
}

/* Is the entry's judgement about what is so now, and about who the frame says it is? */
static __always_inline bool rn_flow_holds(const struct rn_context *c)
{
	const struct rn_held *h = &c->held;

	if (!h->source || !h->destination || h->generation != c->generation)
		return false;
	if (!c->backward &&
	    (h->peer != c->claim.peer || (h->peer && (h->identity != c->claim.identity || h->trust != c->claim.trust))))
		return false;
	return h->source_state == rn_device_state(h->source) && h->destination_state == rn_device_state(h->destination);
}

/* docs/datapath.md 3. Returns the packet's outcome; it is counted in its flow already. */
static __always_inline enum rn_reason rn_flow(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_reason reason;
	int place;

	c->from_hi = rn_flow_key(&c->packet, &c->key);
	place = rn_flow_find(c);
	if (place < 0 || rn_flow_absent(c))
		return rn_flow_first(skb, c, true);
	c->place = place;
	c->backward = c->held.from_hi != c->from_hi;
	if (c->backward && rn_opens(&c->packet))
		return rn_flow_first(skb, c, false);
	if (rn_flow_holds(c)) {
		reason = rn_place(c, c->held.source_state, c->held.destination_state);
		if (!reason)
			reason = c->held.reason;
		if (!reason)
			reason = rn_hop(skb, c);
	} else {
		reason = rn_flow_again(skb, c);
	}
	rn_flow_account(c, rn_flow_flags(c), reason);
	return reason;
}

#endif
