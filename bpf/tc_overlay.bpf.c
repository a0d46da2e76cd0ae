/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two TC programs of rn0, as docs/datapath.md says: parse.h (1), rn_gate (2), flow.h (3), judge.h (4), place.h (5),
 * rn_leave (6), emit.h (7).
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

/*
 * What rn_ingress has judged and redirected meets rn_egress of the same device. It is known by tc_index, which
 * rn_ingress sets or clears on every packet, together with the interface it last came in from. No socket can write
 * either: a host's own packet came in from nowhere, and one that the host forwards came in from elsewhere or, from rn0,
 * with tc_index 0. (mark is a socket option, cb[] holds what the stack left there.)
 */
#define RN_JUDGED 0x524e

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

static __always_inline int rn_judged_before(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct rn_config *config = bpf_map_lookup_elem(&rn_config, &zero);

	return config && skb->tc_index == RN_JUDGED && skb->ingress_ifindex == RN_READ_ONCE(config->ifindex);
}

static __always_inline int rn_packet_in(struct __sk_buff *skb, __u32 direction)
{
	struct rn_context c = {.direction = direction};
	enum rn_reason reason = rn_decide(skb, &c);

	if (!reason && c.leaves && rn_decrement(skb, &c.packet))
		reason = RN_INTERNAL;
	rn_count(&c, reason);
	if (reason && c.orphan)
		rn_event(&c, RN_EVENT_DENIED, reason);
	if (reason) /* to its sender, a packet that may not leave is lost on the way: no error, nothing to spin on */
		return direction == RN_EGRESS ? TC_ACT_STOLEN : TC_ACT_SHOT;
	if (!c.leaves)
		return TC_ACT_OK;
	rn_mark(skb, RN_JUDGED);
	return bpf_redirect(c.ifindex, 0);
}

SEC("tc")
int rn_ingress(struct __sk_buff *skb)
{
	rn_mark(skb, 0);
	return rn_packet_in(skb, RN_INGRESS);
}

SEC("tc")
int rn_egress(struct __sk_buff *skb)
{
	bool judged = rn_judged_before(skb);

	rn_mark(skb, 0);
	return judged ? TC_ACT_OK : rn_packet_in(skb, RN_EGRESS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
