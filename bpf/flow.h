/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_FLOW_H
#define RN_BPF_FLOW_H

#include "context.h"
#include "emit.h"
#include "fragment.h"
#include "judge.h"
#include "place.h"
#include "table.h"

static __always_inline __u32 rn_flow_flags(const struct rn_context *c)
{
	__u32 flags = c->backward ? RN_FLOW_REPLIED : 0;

	if (c->packet.tcp_flags & RN_TCP_RST)
		flags |= RN_FLOW_RST;
	if (c->packet.tcp_flags & RN_TCP_FIN)
		flags |= c->backward ? RN_FLOW_FIN_RESPONDER : RN_FLOW_FIN_ORIGIN;
	return flags;
}

/* What travels between hubs with the packet: who it is from, now. */
static __always_inline enum rn_reason rn_way(struct rn_context *c)
{
	__u32 index = c->backward ? c->destination.index : c->source.index;
	__u64 from = c->backward ? c->destination.state : c->source.state;
	__u64 to = c->backward ? c->source.state : c->destination.state;
	const struct rn_device *device;

	if (c->way.router) {
		index = c->way.router;
		from = rn_device_state(index);
	}
	device = bpf_map_lookup_elem(&rn_devices, &index);
	if (!device)
		return RN_INTERNAL;
	c->way.peer = RN_STATE_PEER(to);
	c->way.identity = RN_READ_ONCE(device->identity_number);
	c->way.trust = from & RN_STATE_TRUST_MASK;
	if (RN_READ_ONCE(device->state) != from) /* by now it is somebody else */
		return RN_INTERNAL;
	return c->way.identity && c->way.identity <= RN_MESH_IDENTITY_MAX ? RN_ALLOWED : RN_INTERNAL;
}

/* What leaving asks for besides a good verdict. */
static __always_inline enum rn_reason rn_hop(struct __sk_buff *skb, struct rn_context *c)
{
	__u32 size = skb->gso_size ? c->packet.headers + skb->gso_size : c->packet.bytes;
	enum rn_reason reason;

	if (!c->leaves)
		return RN_ALLOWED;
	if (c->direction == RN_INGRESS && c->packet.hop_limit <= 1)
		return RN_TTL_EXCEEDED;
	if (c->leaves == RN_TO_HUB) {
		reason = rn_way(c);
		if (reason)
			return reason;
		c->mtu = rn_mesh_room_to(c->way.peer, c->packet.v6);
		if (!c->mtu)
			return RN_NO_ROUTE;
	}
	return size > c->mtu ? RN_TOO_BIG : RN_ALLOWED;
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

/* Who has really sent an error from on the way, instead of whom it speaks for. */
static __always_inline void rn_router_address(struct __sk_buff *skb, struct rn_packet *p)
{
	__u8 v4[4] = {};

	if (p->v6) {
		rn_load(skb, offsetof(struct rn_ipv6, source), &p->source, sizeof(p->source));
		return;
	}
	rn_load(skb, offsetof(struct rn_ipv4, source), v4, sizeof(v4));
	rn_addr_map(&p->source, v4);
}

/* An error from a hub that the answered packet came by. The flow's entry holds. */
__noinline int rn_router_may(struct __sk_buff *skb, struct rn_context *c)
{
	const struct rn_mesh_addresses *hub;
	struct rn_end router = {};
	__u64 to, about;
	__u32 peer;

	if (!c || (c->role == RN_ROLE_HUB) == (c->direction == RN_INGRESS && !c->from_peer))
		return 0; /* on a hub itself and other hubs, on a node whoever its hub lets through */
	rn_router_address(skb, &c->packet);
	/* a node knows its hub's devices, and of other hubs those that it speaks with */
	if ((rn_look_up(&router, &c->packet.source) && c->role != RN_ROLE_NODE) ||
	    (router.state & (RN_STATE_REVOKED | RN_STATE_QUARANTINED)))
		return 0;
	to = c->backward ? c->source.state : c->destination.state;
	about = c->backward ? c->destination.state : c->source.state;
	peer = c->from_peer;
	if (peer) { /* of its own devices' packets alone */
		hub = bpf_map_lookup_elem(&rn_mesh_hubs, &peer);
		if (!hub || rn_addr_order(c->packet.v6 ? &hub->v6 : &hub->v4, &c->packet.source))
			return 0;
		if (rn_place_at(c, about, to))
			return 0;
	}
	c->way.router = router.index;
	return !rn_place_at(c, router.state, to);
}

/* An ICMP error goes with the flow that it is about, judged as that was, and does nothing to it. */
static __always_inline enum rn_reason rn_flow_answer(struct __sk_buff *skb, struct rn_context *c, enum rn_found found)
{
	bool router = c->packet.error == RN_ERROR_ON_THE_WAY;
	enum rn_reason reason = RN_ALLOWED;

	c->orphan = 1;
	if (found != RN_FOUND_HOLDS || (router && !rn_router_may(skb, c))) {
		if (router)
			rn_router_address(skb, &c->packet);
		c->backward = 0;
		return RN_ICMP_ERROR;
	}
	c->orphan = 0;
	if (!router)
		reason = rn_place(c, c->source.state, c->destination.state);
	if (!reason)
		reason = c->verdict;
	if (!reason)
		reason = rn_hop(skb, c);
	rn_flow_account(c, 0, reason);
	return reason;
}

/* A fragment that is not the first passes as that did, in order. */
static __always_inline enum rn_reason rn_flow_rest(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_reason reason;

	c->orphan = 1;
	if (!rn_fragment_follows(c)) {
		c->backward = 0;
		return RN_FRAGMENT;
	}
	reason = rn_place(c, c->source.state, c->destination.state);
	if (!reason)
		reason = rn_hop(skb, c);
	if (!reason && !rn_fragment_passes(c)) {
		c->backward = 0;
		return RN_FRAGMENT;
	}
	c->orphan = 0;
	rn_flow_account(c, rn_flow_flags(c), reason);
	return reason;
}

static __always_inline enum rn_reason rn_flow_whole(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_found found = rn_flow_find(c);
	enum rn_reason reason;

	if (c->packet.error)
		return rn_flow_answer(skb, c, found);
	if (c->packet.fragment && found == RN_FOUND_AGAINST) {
		c->orphan = 1;
		c->backward = 0;
		return RN_FRAGMENT; /* there is no entry that it could belong to */
	}
	if (found == RN_FOUND_NONE || found == RN_FOUND_AGAINST)
		return rn_flow_first(skb, c, found == RN_FOUND_NONE);
	if (found == RN_FOUND_AGAIN) {
		reason = rn_flow_again(skb, c);
	} else {
		reason = rn_place(c, c->source.state, c->destination.state);
		if (!reason)
			reason = c->verdict;
		if (!reason)
			reason = rn_hop(skb, c);
	}
	rn_flow_account(c, rn_flow_flags(c), reason);
	return reason;
}

/* docs/datapath.md 3. Returns the packet's outcome; it is counted in its flow already. */
static __always_inline enum rn_reason rn_flow(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_reason reason;

	if (c->packet.fragment == RN_FRAGMENT_LATER)
		return rn_flow_rest(skb, c);
	if (c->packet.fragment && rn_fragment_again(c)) {
		c->orphan = 1;
		return RN_FRAGMENT;
	}
	reason = rn_flow_whole(skb, c);
	if (!reason && c->packet.fragment)
		rn_fragment_keep(c);
	return reason;
}

#endif
