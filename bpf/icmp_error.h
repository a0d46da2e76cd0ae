/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_ICMP_ERROR_H
#define RN_BPF_ICMP_ERROR_H

#include "context.h"
#include "flow.h"

/* "Packet too big" and "time exceeded", docs/datapath.md 6a: a dropped packet becomes the error about itself. */

#define RN_ERROR_TOS 0xc0 /* internetwork control, RFC 1812 4.3.2.5 */
#define RN_ERROR_HOPS 64

struct rn_icmp_error {
	__u8 type, code;
	__be16 checksum;
	__be32 mtu;
};
struct rn_error_ipv4 {
	struct rn_ipv4 ip;
	struct rn_icmp_error icmp;
};
struct rn_error_ipv6 {
	struct rn_ipv6 ip;
	struct rn_icmp_error icmp;
};
/* Headers and quotes as what a sum is made of. */
typedef __u32 __attribute__((may_alias)) rn_word;
typedef __u16 __attribute__((may_alias)) rn_half;

#define RN_QUOTE_V4_MAX (RN_ERROR_V4_MAX - sizeof(struct rn_error_ipv4))
#define RN_QUOTE_V6_MAX (RN_ERROR_V6_MAX - sizeof(struct rn_error_ipv6))

/* What an error quotes, to be summed; zero behind it. */
struct rn_error_quote {
	rn_word word[RN_QUOTE_V6_MAX / 4];
};
_Static_assert(sizeof(struct rn_error_quote) == 1232, "rn_error_quote");

/* When what was spent so far will be there again; [0]: of all, else by the device's index. Not pinned. */
RN_ARRAY(rn_error_spent, __u64, RN_DEVICES_MAX);
RN_PERCPU(rn_error_quotes, struct rn_error_quote, 1); /* not pinned: nothing stays in it */

/* A bucket of `burst` tokens, of which one comes back each `each` ns. Who loses a race goes without. */
static __always_inline int rn_error_take(__u32 index, __u64 now, __u64 each, __u64 burst)
{
	__u64 *spent = bpf_map_lookup_elem(&rn_error_spent, &index), before, from;

	if (!spent)
		return 0;
	before = RN_READ_ONCE(*spent);
	from = before > now ? before : now;
	if (from - now > each * (burst - 1))
		return 0;
	return __sync_val_compare_and_swap(spent, before, from + each) == before;
}

/* Nobody is told of an error, of a fragment but the first, or too often. */
static __always_inline int rn_error_may(const struct rn_context *c)
{
	__u32 index = c->backward ? c->destination.index : c->source.index;

	if (c->packet.error || c->packet.fragment == RN_FRAGMENT_LATER || !index)
		return 0;
	return rn_error_take(index, c->now, RN_SECOND_NS / RN_DEVICE_ERRORS_PER_SECOND, RN_DEVICE_ERRORS_BURST) &&
	       rn_error_take(0, c->now, RN_SECOND_NS / RN_ERRORS_PER_SECOND, RN_ERRORS_BURST);
}

static __always_inline __u64 rn_error_sum(const rn_word *word, int words)
{
	__u64 sum = 0;

	for (int i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

static __always_inline __u16 rn_error_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline struct rn_error_quote *rn_error_read(struct __sk_buff *skb, __u32 size)
{
	__u32 zero = 0;
	struct rn_error_quote *q = bpf_map_lookup_elem(&rn_error_quotes, &zero);

	if (!q || size < sizeof(struct rn_ipv4) || size > sizeof(*q))
		return NULL;
	for (__u32 i = 0; i < sizeof(*q) / 4; i++)
		*(volatile rn_word *)&q->word[i] = 0; /* one by one: there is no memset */
	return rn_load(skb, 0, q, size) ? NULL : q;
}

/*
 * A GSO packet is quoted as its first segment, whose length is told. The kernel may still write the segment's checksum
 * (over what is quoted then, long after the error's own is made): it already says what the kernel would write. That is
 * x = -(s + x) in one's complement, s being the sum of the rest: x = -s / 2, and 1 / 2 is 0x8000 modulo 0xffff.
 */
static __always_inline long rn_error_segment(struct __sk_buff *skb, const struct rn_packet *p, struct rn_error_quote *q,
					     __u32 size)
{
	__u32 at = p->protocol == IPPROTO_TCP ? 16 : 6, sum;
	rn_half *half = (rn_half *)q->word;
	__u16 checksum;
	__u64 all;

	if (p->v6) {
		if (((const __u8 *)half)[6] != p->protocol)
			return -1;
		half[2] = bpf_htons(size - sizeof(struct rn_ipv6));
		at += sizeof(struct rn_ipv6);
	} else {
		half[1] = bpf_htons(size);
		half[5] = 0;
		half[5] = ~rn_error_fold(rn_error_sum(q->word, 5));
		at += sizeof(struct rn_ipv4);
	}
	half[at / 2] = 0;
	all = rn_error_sum(q->word, sizeof(*q) / 4) - rn_error_sum(q->word, 5);
	if (p->v6)
		all -= rn_error_sum(q->word + 5, 5);
	sum = rn_error_fold(all);
	checksum = (0xffff - sum) * 0x8000 % 0xffff;
	half[at / 2] = checksum ? checksum : 0xffff;
	if (bpf_skb_store_bytes(skb, rn_l2_length, q, sizeof(struct rn_ipv4), BPF_F_RECOMPUTE_CSUM))
		return -1;
	return bpf_skb_store_bytes(skb, rn_l2_length + at, &half[at / 2], 2, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline long rn_error_write_ipv4(struct __sk_buff *skb, const struct rn_context *c,
						const struct rn_addr *from, int too_big, __u64 sum)
{
	struct rn_error_ipv4 h __attribute__((aligned(8))) = {
	    .ip = {.version_ihl = 0x45, .tos = RN_ERROR_TOS, .ttl = RN_ERROR_HOPS, .protocol = IPPROTO_ICMP}};

	h.ip.length = bpf_htons(c->packet.bytes);
	h.ip.fragment = bpf_htons(RN_IP_DF);
	__builtin_memcpy(h.ip.source, from->b + 12, 4);
	__builtin_memcpy(h.ip.destination, c->packet.source.b + 12, 4);
	h.ip.checksum = ~rn_mesh_sum(&h.ip);
	h.icmp.type = too_big ? 3 : 11;
	h.icmp.code = too_big ? 4 : 0;
	if (too_big) /* above 65535 nothing is too big */
		h.icmp.mtu = bpf_htonl(c->mtu & 0xffff);
	h.icmp.checksum = ~rn_error_fold(sum + rn_error_sum((const rn_word *)&h.icmp, 2));
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline long rn_error_write_ipv6(struct __sk_buff *skb, const struct rn_context *c,
						const struct rn_addr *from, int too_big, __u64 sum)
{
	struct rn_error_ipv6 h __attribute__((aligned(8))) = {
	    .ip = {.version = 0x60 | RN_ERROR_TOS >> 4, .next = IPPROTO_ICMPV6, .hop_limit = RN_ERROR_HOPS}};
	__u32 length = c->packet.bytes - sizeof(h.ip);

	h.ip.length = bpf_htons(length);
	h.ip.source = *from;
	h.ip.destination = c->packet.source;
	h.icmp.type = too_big ? 2 : 3;
	if (too_big)
		h.icmp.mtu = bpf_htonl(c->mtu);
	/* with the pseudo-header: both addresses, length, next header */
	sum += rn_error_sum((const rn_word *)&h.ip.source, 8) + bpf_htonl(length) + bpf_htonl(IPPROTO_ICMPV6);
	h.icmp.checksum = ~rn_error_fold(sum + rn_error_sum((const rn_word *)&h.icmp, 2));
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
}

/* The room for the headers, and they. Of the quote only its sum is needed. */
__noinline long rn_error_write(struct __sk_buff *skb, struct rn_context *c, __u32 too_big, __u64 sum)
{
	__u32 zero = 0;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	struct rn_addr from;

	if (!c || !self)
		return -1;
	from = c->packet.v6 ? self->addresses.v6 : self->addresses.v4;
	if (c->direction == RN_EGRESS) /* from ourselves the host's own stack takes nothing */
		from = c->packet.destination;
	if (rn_addr_none(&from))
		return -1;
	c->packet.bytes += c->packet.v6 ? sizeof(struct rn_error_ipv6) : sizeof(struct rn_error_ipv4);
	if (bpf_skb_adjust_room(skb, c->packet.v6 ? sizeof(struct rn_error_ipv6) : sizeof(struct rn_error_ipv4),
				BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -1;
	return c->packet.v6 ? rn_error_write_ipv6(skb, c, &from, too_big, sum)
			    : rn_error_write_ipv4(skb, c, &from, too_big, sum);
}

/*
 * Makes the error out of the packet, if there may be one. Not 0: it is there, c->packet.bytes long; else the packet is
 * to be dropped and may have been spoiled.
 */
__noinline int rn_error_make(struct __sk_buff *skb, struct rn_context *c, __u32 reason)
{
	__u32 segment = skb->gso_size, size, most;
	struct rn_error_quote *q;

	if (!c || !rn_error_may(c))
		return 0;
	most = c->packet.v6 ? RN_QUOTE_V6_MAX : RN_QUOTE_V4_MAX;
	size = c->packet.bytes < most ? c->packet.bytes : most;
	q = rn_error_read(skb, size);
	if (!q || (segment && rn_error_segment(skb, &c->packet, q, c->packet.headers + segment)))
		return 0;
	if (bpf_skb_change_tail(skb, rn_l2_length + size, 0))
		return 0;
	c->packet.bytes = size;
	return !rn_error_write(skb, c, reason == RN_TOO_BIG, rn_error_sum(q->word, sizeof(*q) / 4));
}

/* To a hub an error goes as from this hub itself, back to where the packet came from. Not 0: it cannot. */
__noinline int rn_error_way(struct rn_context *c)
{
	__u32 zero = 0;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	struct rn_end own = {};
	struct rn_addr address;

	if (!c || !self)
		return 1;
	address = c->packet.v6 ? self->addresses.v6 : self->addresses.v4;
	if (rn_look_up(&own, &address) || !(own.state & RN_STATE_LOCAL))
		return 1;
	c->way.router = own.index;
	c->backward ^= 1;
	return rn_way(c) != RN_ALLOWED;
}

#endif
