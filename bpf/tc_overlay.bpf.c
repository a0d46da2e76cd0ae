/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TC programs of rn0 and, on a hub that has others, of rnm0, as docs/datapath.md says: parse.h (1), rn_gate (2),
 * flow.h, table.h and fragment.h (3), judge.h (4), place.h (5), rn_go (6), icmp_error.h (6a), mss.h (6b),
 * emit.h (7), mesh.h (9).
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>

#include "clock.h"
#include "emit.h"
#include "flow.h"
#include "icmp_error.h"
#include "mss.h"

/*
 * What was judged on one device and redirected meets the program of the other. It is known by tc_index, which our
 * programs set or clear on every packet, together with the interface it last came in from. No socket can write either:
 * a host's own packet came in from nowhere, and one that the host forwards came in from elsewhere or, from rn0, with
 * tc_index 0. (mark is a socket option, cb[] holds what the stack left there.)
 */
#define RN_JUDGED 0x524e     /* to rn_egress: from rn0 or rnm0 */
#define RN_JUDGED_OUT 0x524f /* to rn_mesh_egress: a frame of ours, of what came in from rn0 or this host; an error */
#define RN_JUDGED_IN 0x5250  /* to rn_ingress: for this host, out of a frame, or an error; only a redirect does that */

/* Not inlined: the verifier takes a context access only at a constant offset from the untouched pointer. */
static __noinline int rn_mark(struct __sk_buff *skb, __u32 mark)
{
	skb->tc_index = mark;
	return 0;
}

/* docs/datapath.md 2. */
static __always_inline enum rn_reason rn_gate(struct rn_context *c, const struct rn_config *config)
{
	if (!c->generation)
		return RN_NO_POLICY;
	if (RN_READ_ONCE(config->link_down))
		return RN_LINK_DOWN;
	return c->now >= RN_READ_ONCE(config->lease_until_ns) ? RN_LEASE_EXPIRED : RN_ALLOWED;
}

static __always_inline enum rn_reason rn_decide(struct __sk_buff *skb, struct rn_context *c)
{
	__u32 zero = 0;
	const struct rn_config *config = bpf_map_lookup_elem(&rn_config, &zero);
	enum rn_reason reason = RN_INTERNAL;

	c->orphan = 1;
	c->now = rn_now();
	if (!config)
		return reason;
	c->generation = RN_READ_ONCE(config->generation);
	c->wall_ns = c->now + RN_READ_ONCE(config->wall_offset_ns);
	c->role = RN_READ_ONCE(config->role);
	c->mtu = RN_READ_ONCE(config->mtu);
	c->ifindex = RN_READ_ONCE(config->ifindex);
	c->secret = RN_READ_ONCE(config->flow_secret);
	reason = rn_parse(skb, &c->packet);
	if (!reason)
		reason = rn_gate(c, config);
	if (reason)
		return reason;
	c->orphan = 0;
	return rn_flow(skb, c);
}

/* One hop less, the IPv4 header's checksum with it; the sum over an IPv4 header does not change, IPv6's does. */
static __always_inline long rn_decrement(struct __sk_buff *skb, const struct rn_packet *p)
{
	__u8 hops = p->hop_limit - 1;
	long failed = 0;

	if (p->v6)
		return bpf_skb_store_bytes(skb, rn_l2_length + offsetof(struct rn_ipv6, hop_limit), &hops, 1,
					   BPF_F_RECOMPUTE_CSUM);
	failed = bpf_l3_csum_replace(skb, rn_l2_length + offsetof(struct rn_ipv4, checksum),
				     bpf_htons(p->hop_limit << 8), bpf_htons(hops << 8), 2);
	return failed ? failed : bpf_skb_store_bytes(skb, rn_l2_length + offsetof(struct rn_ipv4, ttl), &hops, 1, 0);
}

static __always_inline bool rn_marked(struct __sk_buff *skb, __u32 mark)
{
	__u32 zero = 0;
	const struct rn_config *config = bpf_map_lookup_elem(&rn_config, &zero);
	const struct rn_mesh_self *mesh = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	__u32 from = skb->ingress_ifindex;

	if (skb->tc_index != mark || !config || !mesh)
		return false;
	if (mark == RN_JUDGED_OUT && !from)
		return true;
	if (from == RN_READ_ONCE(config->ifindex))
		return true;
	return mark != RN_JUDGED_IN && from && from == RN_READ_ONCE(mesh->rnm0);
}

/* Who is behind that hub may not have been heard of here yet: core asks for the inner source. */
static __always_inline void rn_tell(struct __sk_buff *skb, struct rn_context *c, const struct rn_mesh_frame *f)
{
	__u32 at = rn_mesh_overhead(f->v6);
	struct rn_ipv6 v6;
	struct rn_ipv4 v4;

	if (f->v6) {
		if (rn_load(skb, at, &v6, sizeof(v6)))
			return;
		c->packet.source = v6.source;
		c->packet.destination = v6.destination;
		c->packet.protocol = v6.next;
	} else {
		if (rn_load(skb, at, &v4, sizeof(v4)))
			return;
		rn_addr_map(&c->packet.source, v4.source);
		rn_addr_map(&c->packet.destination, v4.destination);
		c->packet.protocol = v4.protocol;
	}
	c->packet.bytes = f->there - at;
	c->now = rn_now();
	rn_event(c, RN_EVENT_DENIED, RN_WRONG_IDENTITY);
}

/* Out of a frame, what it says in c; counted. */
__noinline enum rn_mesh_reason rn_arrive(struct __sk_buff *skb, struct rn_context *c)
{
	struct rn_mesh_frame f = {};
	enum rn_mesh_reason reason = RN_MESH_INTERNAL;

	if (!c)
		return reason;
	reason = rn_mesh_read(skb, &f);
	if (!reason)
		reason = rn_mesh_remove(skb, &f);
	rn_mesh_count(0, reason);
	if (reason == RN_MESH_WRONG_IDENTITY)
		rn_tell(skb, c, &f);
	c->from_peer = f.peer;
	c->claim.peer = f.peer;
	c->claim.identity = f.identity;
	c->claim.trust = f.trust;
	c->said = RN_MESH_KEY(f.identity, f.trust);
	return reason;
}

/* Into a frame; counted. */
__noinline enum rn_mesh_reason rn_depart(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_mesh_reason reason = c ? rn_mesh_put(skb, &c->packet, &c->way) : RN_MESH_INTERNAL;

	rn_mesh_count(1, reason);
	return reason;
}

/* docs/datapath.md 6: what a packet that leaves is to be. */
static __always_inline long rn_go(struct __sk_buff *skb, struct rn_context *c)
{
	if (!c->leaves)
		return 0;
	if (c->direction == RN_INGRESS && rn_decrement(skb, &c->packet))
		return -1;
	if ((c->packet.tcp_flags & RN_TCP_SYN) && rn_mss(skb, c))
		return -1;
	return c->leaves == RN_TO_HUB ? rn_depart(skb, c) : 0;
}

static __always_inline int rn_send(struct __sk_buff *skb, __u32 mark, __u32 device, __u64 flags)
{
	rn_mark(skb, mark);
	return bpf_redirect(device, flags);
}

/* A packet that is dropped: its sender may be told why. */
static __always_inline int rn_refuse(struct __sk_buff *skb, struct rn_context *c, enum rn_reason reason, __u32 rnm0)
{
	/* to its sender, a packet that may not leave is lost on the way: no error, nothing to spin on */
	int dropped = c->direction == RN_EGRESS ? TC_ACT_STOLEN : TC_ACT_SHOT;

	if ((reason != RN_TOO_BIG && reason != RN_TTL_EXCEEDED) || !rn_error_make(skb, c, reason))
		return dropped;
	if (c->direction == RN_EGRESS)
		return rn_send(skb, RN_JUDGED_IN, c->ifindex, BPF_F_INGRESS);
	if (!c->from_peer)
		return rn_send(skb, RN_JUDGED, c->ifindex, 0);
	if (rn_error_way(c) || rn_depart(skb, c))
		return dropped;
	return rn_send(skb, RN_JUDGED_OUT, rnm0, 0);
}

static __always_inline int rn_packet_in(struct __sk_buff *skb, struct rn_context *c)
{
	enum rn_reason reason = rn_decide(skb, c);
	__u32 zero = 0;
	const struct rn_mesh_self *mesh = bpf_map_lookup_elem(&rn_mesh_self, &zero);

	if (!reason && (!mesh || rn_go(skb, c)))
		reason = RN_INTERNAL;
	rn_count(c, reason);
	if (reason && c->orphan)
		rn_event(c, RN_EVENT_DENIED, reason);
	if (reason || !mesh)
		return rn_refuse(skb, c, reason, mesh ? RN_READ_ONCE(mesh->rnm0) : 0);
	if (c->leaves == RN_TO_DEVICE)
		return rn_send(skb, RN_JUDGED, c->ifindex, 0);
	if (c->leaves == RN_TO_HUB)
		return rn_send(skb, RN_JUDGED_OUT, RN_READ_ONCE(mesh->rnm0), 0);
	return c->from_peer ? rn_send(skb, RN_JUDGED_IN, c->ifindex, BPF_F_INGRESS) : TC_ACT_OK;
}

SEC("tc")
int rn_ingress(struct __sk_buff *skb)
{
	struct rn_context c = {.direction = RN_INGRESS};
	bool judged = rn_marked(skb, RN_JUDGED_IN);

	rn_mark(skb, 0);
	return judged ? TC_ACT_OK : rn_packet_in(skb, &c);
}

SEC("tc")
int rn_egress(struct __sk_buff *skb)
{
	struct rn_context c = {.direction = RN_EGRESS};
	bool judged = rn_marked(skb, RN_JUDGED);

	rn_mark(skb, 0);
	return judged ? TC_ACT_OK : rn_packet_in(skb, &c);
}

SEC("tc")
int rn_mesh_ingress(struct __sk_buff *skb)
{
	struct rn_context c = {.direction = RN_INGRESS};

	rn_mark(skb, 0);
	return rn_arrive(skb, &c) ? TC_ACT_SHOT : rn_packet_in(skb, &c);
}

/* Nobody speaks on rnm0 but rn_ingress and rn_egress. */
SEC("tc")
int rn_mesh_egress(struct __sk_buff *skb)
{
	bool judged = rn_marked(skb, RN_JUDGED_OUT);

	rn_mark(skb, 0);
	if (judged)
		return TC_ACT_OK;
	rn_mesh_count(1, RN_MESH_UNMARKED);
	return TC_ACT_STOLEN;
}

char _license[] SEC("license") = "Dual BSD/GPL";
