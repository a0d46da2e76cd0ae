/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_COMPLAIN_H
#define RN_BPF_COMPLAIN_H

#include "context.h"
#include "emit.h"

/*
 * "Time exceeded" and "packet too big": what a hub tells the device that a packet came from, docs/datapath.md 6. The
 * packet itself becomes the error. Nobody else makes one, because what is redirected meets neither the kernel's routing
 * nor its MTU checks.
 */
const volatile __u32 rn_errors_per_second = RN_ERRORS_PER_SECOND; /* a CPU; tests have others */

RN_PERCPU(rn_error_rates, struct rn_rate, 1);

#define RN_QUOTED_V4 548u  /* RFC 1812 4.3.2.3: an error of 576 bytes at most */
#define RN_QUOTED_V6 1232u /* RFC 4443 3: of 1280 */
#define RN_CHUNK 64u

struct rn_icmp {
	__u8 type, code;
	__be16 checksum;
	__be32 rest; /* the MTU; IPv4: its lower half */
};
struct rn_error_ipv4 {
	struct rn_ipv4 ip;
	struct rn_icmp icmp;
};
struct rn_error_ipv6 {
	struct rn_ipv6 ip;
	struct rn_icmp icmp;
};

static __always_inline bool rn_error_may(__u64 now)
{
	__u32 zero = 0;
	struct rn_rate *rate = bpf_map_lookup_elem(&rn_error_rates, &zero);

	if (!rate)
		return false;
	if (now - rate->start_ns >= RN_SECOND_NS) {
		rate->start_ns = now;
		rate->used = 0;
	}
	return rate->used++ < rn_errors_per_second;
}

static __always_inline __u16 rn_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* Over the packet's first bytes; at most RN_QUOTED_V6. */
static __always_inline __s64 rn_quoted_sum(struct __sk_buff *skb, __u32 bytes)
{
	__u32 buffer[RN_CHUNK / 4];
	__s64 sum = 0;

	for (__u32 at = 0; at < RN_QUOTED_V6; at += RN_CHUNK) {
		__u32 behind = bytes - at - 1; /* the chunk's first byte */

		if (at >= bytes)
			break;
		__builtin_memset(buffer, 0, sizeof(buffer));
		behind = behind < RN_CHUNK ? behind : RN_CHUNK - 1;
		asm volatile("" : "+r"(behind)); /* Linux 6.1 wants to see that nothing is never loaded */
		if (rn_load(skb, at, buffer, (behind & (RN_CHUNK - 1)) + 1))
			return -1;
		sum = bpf_csum_diff(NULL, 0, buffer, RN_CHUNK, sum);
	}
	return sum;
}

static __always_inline long rn_error_ipv4(struct __sk_buff *skb, const struct rn_context *c, bool big, __u32 quoted,
					  __s64 sum, const struct rn_addr *own)
{
	struct rn_error_ipv4 h __attribute__((aligned(8))) = {
	    .ip = {.version_ihl = 0x45, .tos = 0xc0, .ttl = RN_MESH_HOPS, .protocol = IPPROTO_ICMP}};

	h.ip.length = bpf_htons(quoted + sizeof(h));
	h.ip.fragment = bpf_htons(RN_IP_DF);
	__builtin_memcpy(h.ip.source, own->b + 12, 4);
	__builtin_memcpy(h.ip.destination, c->packet.source.b + 12, 4);
	h.ip.checksum = ~rn_mesh_sum(&h.ip);
	h.icmp.type = big ? 3 : 11;
	h.icmp.code = big ? 4 : 0;
	h.icmp.rest = big ? bpf_htonl(c->mtu & 0xffff) : 0;
	h.icmp.checksum = rn_fold(bpf_csum_diff(NULL, 0, (__be32 *)&h.icmp, sizeof(h.icmp), sum));
	if (bpf_skb_adjust_room(skb, sizeof(h), BPF_ADJ_ROOM_MAC, 0))
		return -1;
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), 0);
}

static __always_inline long rn_error_ipv6(struct __sk_buff *skb, const struct rn_context *c, bool big, __u32 quoted,
					  __s64 sum, const struct rn_addr *own)
{
	struct rn_error_ipv6 h __attribute__((aligned(8))) = {
	    .ip = {.version = 0x60, .next = IPPROTO_ICMPV6, .hop_limit = RN_MESH_HOPS}};
	__be32 pseudo[2];

	h.ip.length = bpf_htons(quoted + sizeof(h.icmp));
	h.ip.source = *own;
	h.ip.destination = c->packet.source;
	h.icmp.type = big ? 2 : 3;
	h.icmp.rest = big ? bpf_htonl(c->mtu) : 0;
	pseudo[0] = bpf_htonl(quoted + sizeof(h.icmp));
	pseudo[1] = bpf_htonl(IPPROTO_ICMPV6);
	sum = bpf_csum_diff(NULL, 0, pseudo, sizeof(pseudo), sum);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&h.ip.source, 2 * sizeof(struct rn_addr), sum);
	h.icmp.checksum = rn_fold(bpf_csum_diff(NULL, 0, (__be32 *)&h.icmp, sizeof(h.icmp), sum));
	if (bpf_skb_adjust_room(skb, sizeof(h), BPF_ADJ_ROOM_MAC, 0))
		return -1;
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), 0);
}

/*
 * Not 0: the packet is now the error about itself, for rn0. Of a packet that was allowed and may not leave for that
 * reason alone; c->mtu is what it may have. Never about errors, about pieces without ports or about GSO packets (whose
 * checksums are not there yet; their sender sends a single one again).
 */
__noinline int rn_complain(struct __sk_buff *skb, struct rn_context *c, enum rn_reason reason)
{
	__u32 zero = 0, quoted, most;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	bool big = reason == RN_TOO_BIG;
	struct rn_addr own;
	__be16 fragment = 0;
	__s64 sum;

	if (!c || !self || (reason != RN_TOO_BIG && reason != RN_TTL_EXCEEDED) || skb->gso_size)
		return 0;
	if (c->direction != RN_INGRESS || c->from_peer || c->packet.error || c->packet.fragment == RN_FRAGMENT_LATER)
		return 0;
	own = c->packet.v6 ? self->addresses.v6 : self->addresses.v4;
	if (big && !c->packet.v6 &&
	    (rn_load(skb, offsetof(struct rn_ipv4, fragment), &fragment, 2) || !(fragment & bpf_htons(RN_IP_DF))))
		return 0;
	if (rn_addr_none(&own) || !rn_error_may(c->now))
		return 0;
	most = c->packet.v6 ? RN_QUOTED_V6 : RN_QUOTED_V4;
	quoted = c->packet.bytes < most ? c->packet.bytes : most;
	if (skb->len - rn_l2_length != quoted && bpf_skb_change_tail(skb, rn_l2_length + quoted, 0))
		return 0;
	sum = rn_quoted_sum(skb, quoted);
	if (sum < 0)
		return 0;
	return c->packet.v6 ? !rn_error_ipv6(skb, c, big, quoted, sum, &own)
			    : !rn_error_ipv4(skb, c, big, quoted, sum, &own);
}

#endif
