/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_MESH_H
#define RN_BPF_MESH_H

#include "abi/mesh.h"
#include "parse.h"

/* docs/datapath.md 9: what hubs send each other through rnm0. Nothing here judges who may speak with whom. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rn_mesh_self);
} rn_mesh_self SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RN_MESH_PEERS_MAX);
	__type(key, __u32);
	__type(value, struct rn_mesh_addresses);
} rn_mesh_hubs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RN_MESH_ADDRESSES_MAX);
	__type(key, struct rn_addr);
	__type(value, __u32);
} rn_mesh_peers SEC(".maps");

/* Not allocated before: most hubs have a small part of what fits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RN_BEHIND_MAX);
	__type(key, struct rn_behind_key);
	__type(value, __u32);
} rn_behind SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * RN_MESH_REASON_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} rn_mesh_counters SEC(".maps");

static __always_inline void rn_mesh_count(__u32 direction, enum rn_mesh_reason reason)
{
	__u32 key = direction * RN_MESH_REASON_COUNT + reason;
	__u64 *n = bpf_map_lookup_elem(&rn_mesh_counters, &key);

	if (n)
		*n += 1;
}

#define RN_ECN_MASK 3
#define RN_ECN_ECT1 1
#define RN_ECN_ECT0 2
#define RN_ECN_CE 3
#define RN_IP_DF 0x4000

struct rn_gre {
	__be16 flags, protocol;
	__be32 key;
};
struct rn_mesh_ipv4 {
	struct rn_ipv4 ip;
	struct rn_gre gre;
};
_Static_assert(sizeof(struct rn_mesh_ipv4) == RN_MESH_OVERHEAD_V4, "rn_mesh_ipv4");
struct rn_mesh_ipv6 {
	struct rn_ipv6 ip;
	struct rn_gre gre;
};
_Static_assert(sizeof(struct rn_mesh_ipv6) == RN_MESH_OVERHEAD_V6, "rn_mesh_ipv6");

/* Who a packet is from and which hub it goes to, as the source hub knows it. */
struct rn_mesh_way {
	__u32 peer;
	__u32 identity;
	__u32 trust;
	__u32 router; /* index of this hub, where the packet is its own ICMP error about somebody else's packet */
};

/* A frame that came in, as far as it was read. */
struct rn_mesh_frame {
	struct rn_addr source; /* outer */
	struct rn_addr destination;
	__u32 peer;
	__u32 identity;
	__u32 trust;
	__u32 slot;  /* the identity's, here */
	__u32 there; /* bytes, through the end of the inner packet */
	__u8 v6;
	__u8 tos; /* outer; traffic class */
	__u8 inner_tos;
	__u8 ecn; /* what the inner packet goes on with */
} __attribute__((aligned(8)));

/* One's complement sum over an IPv4 header without options: 0xffff where its checksum is right. */
static __always_inline __u16 rn_mesh_sum(struct rn_ipv4 *ip)
{
	__u32 sum = bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0);

	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline __u8 rn_traffic_class(const __u8 first[2])
{
	return first[0] << 4 | first[1] >> 4;
}

static __always_inline __u32 rn_mesh_overhead(__u8 v6)
{
	return v6 ? RN_MESH_OVERHEAD_V6 : RN_MESH_OVERHEAD_V4;
}

static __always_inline int rn_addr_none(const struct rn_addr *a)
{
	return !rn_addr_word(a, 0) && !rn_addr_word(a, 1);
}

static __always_inline enum rn_mesh_reason rn_mesh_read_gre(struct rn_mesh_frame *f, const struct rn_gre *gre)
{
	__u32 key = bpf_ntohl(gre->key);

	if (gre->flags != bpf_htons(RN_MESH_GRE_FLAGS))
		return RN_MESH_GRE;
	if (gre->protocol != (f->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)))
		return RN_MESH_FAMILY;
	f->identity = RN_MESH_KEY_IDENTITY(key);
	f->trust = RN_MESH_KEY_TRUST(key);
	return RN_MESH_PASSED;
}

static __always_inline enum rn_mesh_reason rn_mesh_read_ipv4(struct __sk_buff *skb, struct rn_mesh_frame *f)
{
	struct rn_mesh_ipv4 h __attribute__((aligned(8)));

	if (f->there < sizeof(h) + sizeof(struct rn_ipv4) || rn_load(skb, 0, &h, sizeof(h)))
		return RN_MESH_SHORT;
	if (h.ip.version_ihl != 0x45)
		return h.ip.version_ihl > 0x45 && h.ip.version_ihl <= 0x4f ? RN_MESH_OPTIONS : RN_MESH_HEADER;
	if (h.ip.fragment & bpf_htons(0x3fff))
		return RN_MESH_FRAGMENT;
	if (h.ip.protocol != IPPROTO_GRE)
		return RN_MESH_PROTOCOL;
	if (bpf_ntohs(h.ip.length) != f->there)
		return RN_MESH_LENGTH;
	if (h.ip.fragment != bpf_htons(RN_IP_DF) || h.ip.ttl != RN_MESH_HOPS)
		return RN_MESH_HEADER;
	if (rn_mesh_sum(&h.ip) != 0xffff)
		return RN_MESH_CHECKSUM;
	f->tos = h.ip.tos;
	rn_addr_map(&f->source, h.ip.source);
	rn_addr_map(&f->destination, h.ip.destination);
	return rn_mesh_read_gre(f, &h.gre);
}

static __always_inline enum rn_mesh_reason rn_mesh_read_ipv6(struct __sk_buff *skb, struct rn_mesh_frame *f)
{
	struct rn_mesh_ipv6 h __attribute__((aligned(8)));

	if (f->there < sizeof(h) + sizeof(struct rn_ipv6) || rn_load(skb, 0, &h, sizeof(h)))
		return RN_MESH_SHORT;
	if (h.ip.version >> 4 != 6)
		return RN_MESH_HEADER;
	if (h.ip.next == IPPROTO_FRAGMENT)
		return RN_MESH_FRAGMENT;
	if (h.ip.next != IPPROTO_GRE)
		return RN_MESH_PROTOCOL;
	if (bpf_ntohs(h.ip.length) + sizeof(h.ip) != f->there)
		return RN_MESH_LENGTH;
	if ((h.ip.flow[0] & 15) || h.ip.flow[1] || h.ip.flow[2] || h.ip.hop_limit != RN_MESH_HOPS)
		return RN_MESH_HEADER;
	if (rn_addr_mapped(&h.ip.source)) /* it would find what an IPv4 address means */
		return RN_MESH_HEADER;
	f->tos = h.ip.version << 4 | h.ip.flow[0] >> 4;
	f->source = h.ip.source;
	f->destination = h.ip.destination;
	return rn_mesh_read_gre(f, &h.gre);
}

/* From whom and to whom, and may that hub say this identity? */
static __always_inline enum rn_mesh_reason rn_mesh_read_peer(struct rn_mesh_frame *f)
{
	__u32 zero = 0;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	struct rn_behind_key behind = {.identity = f->identity};
	const struct rn_addr *own;
	const __u32 *found;

	if (!self)
		return RN_MESH_INTERNAL;
	own = f->v6 ? &self->addresses.v6 : &self->addresses.v4;
	if (rn_addr_none(own) || rn_addr_order(own, &f->destination))
		return RN_MESH_NOT_OURS;
	found = bpf_map_lookup_elem(&rn_mesh_peers, &f->source);
	if (!found)
		return RN_MESH_UNKNOWN_PEER;
	f->peer = behind.peer = *found;
	if (!f->peer || f->peer >= RN_MESH_PEERS_MAX)
		return RN_MESH_INTERNAL;
	if (f->trust > RN_TRUST_MAX)
		return RN_MESH_WRONG_TRUST;
	found = f->identity ? bpf_map_lookup_elem(&rn_behind, &behind) : NULL;
	if (!found)
		return RN_MESH_WRONG_IDENTITY;
	f->slot = *found;
	return f->slot < RN_IDENTITIES_MAX ? RN_MESH_PASSED : RN_MESH_INTERNAL;
}

/* The inner packet's header: of the family, as long as the frame says, not a tunnel's again. */
static __always_inline enum rn_mesh_reason rn_mesh_read_inner(struct __sk_buff *skb, struct rn_mesh_frame *f)
{
	__u32 at = rn_mesh_overhead(f->v6), length;
	__u8 ip[20], next;

	if (rn_load(skb, at, ip, sizeof(ip)))
		return RN_MESH_SHORT;
	if (ip[0] >> 4 != (f->v6 ? 6 : 4))
		return RN_MESH_FAMILY;
	length = f->v6 ? (ip[4] << 8 | ip[5]) + sizeof(struct rn_ipv6) : ip[2] << 8 | ip[3];
	if (length != f->there - at)
		return RN_MESH_LENGTH;
	if (!f->v6 && ((ip[0] & 15) < 5 || (__u32)(ip[0] & 15) * 4 > length))
		return RN_MESH_INNER;
	next = f->v6 ? ip[6] : ip[9];
	if (next == IPPROTO_GRE)
		return RN_MESH_NESTED;
	f->inner_tos = f->v6 ? rn_traffic_class(ip) : ip[1];
	return RN_MESH_PASSED;
}

/* RFC 6040, figure 4. What it calls a combination that may be logged goes on with the inner mark. */
static __always_inline enum rn_mesh_reason rn_mesh_ecn(struct rn_mesh_frame *f)
{
	__u8 outer = f->tos & RN_ECN_MASK, inner = f->inner_tos & RN_ECN_MASK;

	f->ecn = inner;
	if (outer == RN_ECN_CE) {
		if (!inner)
			return RN_MESH_CONGESTION;
		f->ecn = RN_ECN_CE;
	} else if (outer == RN_ECN_ECT1 && inner == RN_ECN_ECT0) {
		f->ecn = RN_ECN_ECT1;
	}
	return RN_MESH_PASSED;
}

/* Reads and judges a whole frame; the packet stays as it is. *f is zero before. */
static __noinline enum rn_mesh_reason rn_mesh_read(struct __sk_buff *skb, struct rn_mesh_frame *f)
{
	enum rn_mesh_reason reason = RN_MESH_NOT_IP;

	f->there = skb->len - rn_l2_length;
	f->v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	if (f->v6)
		reason = rn_mesh_read_ipv6(skb, f);
	else if (skb->protocol == bpf_htons(ETH_P_IP))
		reason = rn_mesh_read_ipv4(skb, f);
	if (!reason)
		reason = rn_mesh_read_peer(f);
	if (!reason)
		reason = rn_mesh_read_inner(skb, f);
	return reason ? reason : rn_mesh_ecn(f);
}

/* The inner packet's ECN becomes f->ecn, and the IPv4 header's checksum follows. */
static __always_inline long rn_mesh_mark(struct __sk_buff *skb, const struct rn_mesh_frame *f)
{
	__u8 first[2], tos = (f->inner_tos & ~RN_ECN_MASK) | f->ecn;
	long failed = rn_load(skb, 0, first, sizeof(first));

	if (failed)
		return failed;
	if (f->v6) {
		first[1] = (first[1] & 15) | tos << 4;
		return bpf_skb_store_bytes(skb, rn_l2_length + 1, first + 1, 1, BPF_F_RECOMPUTE_CSUM);
	}
	failed = bpf_l3_csum_replace(skb, rn_l2_length + offsetof(struct rn_ipv4, checksum), bpf_htons(f->inner_tos),
				     bpf_htons(tos), 2);
	return failed ? failed : bpf_skb_store_bytes(skb, rn_l2_length + 1, &tos, 1, 0);
}

/*
 * Leaves the inner packet of a frame that rn_mesh_read let pass. Its checksum is looked at again by whoever ends it, as
 * the room's default has it. A GSO packet keeps its segments' size: what was in each is what is in each.
 */
static __always_inline enum rn_mesh_reason rn_mesh_remove(struct __sk_buff *skb, const struct rn_mesh_frame *f)
{
	if (bpf_skb_adjust_room(skb, -(__s32)rn_mesh_overhead(f->v6), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return RN_MESH_INTERNAL;
	if (f->ecn != (f->inner_tos & RN_ECN_MASK) && rn_mesh_mark(skb, f))
		return RN_MESH_INTERNAL;
	return RN_MESH_PASSED;
}

/* What a frame is made of, beside the packet itself. */
struct rn_mesh_ends {
	struct rn_addr source;
	struct rn_addr destination;
	__be32 key;
	__u32 length; /* of the whole frame */
	__u32 mtu;
	__u8 tos;
	__u8 reserved[3];
} __attribute__((aligned(8)));

static __always_inline enum rn_mesh_reason rn_mesh_route(const struct rn_mesh_way *way, __u8 v6, struct rn_mesh_ends *e)
{
	__u32 zero = 0, peer = way->peer;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	const struct rn_mesh_addresses *hub = peer ? bpf_map_lookup_elem(&rn_mesh_hubs, &peer) : NULL;

	if (!self)
		return RN_MESH_INTERNAL;
	if (!hub)
		return RN_MESH_NO_ROUTE;
	e->source = v6 ? self->addresses.v6 : self->addresses.v4;
	e->destination = v6 ? hub->v6 : hub->v4;
	e->mtu = self->mtu;
	if (rn_addr_none(&e->source) || rn_addr_none(&e->destination))
		return RN_MESH_NO_ROUTE;
	if (way->trust > RN_TRUST_MAX)
		return RN_MESH_WRONG_TRUST;
	if (!way->identity || way->identity > RN_MESH_IDENTITY_MAX)
		return RN_MESH_WRONG_IDENTITY;
	e->key = bpf_htonl(RN_MESH_KEY(way->identity, way->trust));
	return RN_MESH_PASSED;
}

/* The largest packet of a family that goes to a peer in a frame; 0: none does. */
__noinline __u32 rn_mesh_room_to(__u32 peer, __u32 v6)
{
	struct rn_mesh_way way = {.peer = peer, .identity = 1};
	struct rn_mesh_ends e = {};

	if (rn_mesh_route(&way, v6, &e) || e.mtu <= rn_mesh_overhead(v6))
		return 0;
	return e.mtu - rn_mesh_overhead(v6);
}

/* A GSO packet is as large as one of its segments. What is behind the packet does not travel. */
static __always_inline enum rn_mesh_reason rn_mesh_fit(struct __sk_buff *skb, const struct rn_packet *p, __u32 mtu)
{
	__u32 largest = skb->gso_size ? p->headers + skb->gso_size : p->bytes;

	if (largest + rn_mesh_overhead(p->v6) > mtu)
		return RN_MESH_TOO_BIG;
	if (skb->len - rn_l2_length == p->bytes)
		return RN_MESH_PASSED;
	if (skb->gso_size)
		return RN_MESH_INNER;
	return bpf_skb_change_tail(skb, rn_l2_length + p->bytes, 0) ? RN_MESH_INTERNAL : RN_MESH_PASSED;
}

/*
 * Only GSO packets are said to be in a tunnel: the kernel cuts them and writes the headers of each segment by it. It
 * refuses that for what is in a tunnel already (a host's own VXLAN), which needs it not when it is no GSO packet.
 */
static __always_inline long rn_mesh_room(struct __sk_buff *skb, __u8 v6)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	if (skb->gso_size)
		flags |=
		    BPF_F_ADJ_ROOM_ENCAP_L4_GRE | (v6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
	return bpf_skb_adjust_room(skb, (__s32)rn_mesh_overhead(v6), BPF_ADJ_ROOM_MAC, flags);
}

/* Longer than the field can say is only what the kernel cuts up before it leaves, with a length for each segment. */
static __always_inline __be16 rn_mesh_length(__u32 length)
{
	return length > 0xffff ? 0 : bpf_htons(length);
}

static __always_inline long rn_mesh_write_ipv4(struct __sk_buff *skb, const struct rn_mesh_ends *e)
{
	struct rn_mesh_ipv4 h __attribute__((aligned(8))) = {
	    .ip = {.version_ihl = 0x45, .tos = e->tos, .ttl = RN_MESH_HOPS, .protocol = IPPROTO_GRE}};

	h.ip.length = rn_mesh_length(e->length);
	h.ip.fragment = bpf_htons(RN_IP_DF);
	__builtin_memcpy(h.ip.source, e->source.b + 12, 4);
	__builtin_memcpy(h.ip.destination, e->destination.b + 12, 4);
	h.ip.checksum = ~rn_mesh_sum(&h.ip);
	h.gre.flags = bpf_htons(RN_MESH_GRE_FLAGS);
	h.gre.protocol = bpf_htons(ETH_P_IP);
	h.gre.key = e->key;
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline long rn_mesh_write_ipv6(struct __sk_buff *skb, const struct rn_mesh_ends *e)
{
	struct rn_mesh_ipv6 h __attribute__((aligned(8))) = {.ip = {.next = IPPROTO_GRE, .hop_limit = RN_MESH_HOPS}};

	h.ip.version = 0x60 | e->tos >> 4;
	h.ip.flow[0] = e->tos << 4;
	h.ip.length = rn_mesh_length(e->length - sizeof(h.ip));
	h.ip.source = e->source;
	h.ip.destination = e->destination;
	h.gre.flags = bpf_htons(RN_MESH_GRE_FLAGS);
	h.gre.protocol = bpf_htons(ETH_P_IPV6);
	h.gre.key = e->key;
	return bpf_skb_store_bytes(skb, rn_l2_length, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Makes a frame of a packet that was parsed (p) and judged, and whose hop limit is what it shall be. The packet is as
 * it was where the answer is NO_ROUTE, WRONG_TRUST, WRONG_IDENTITY or TOO_BIG.
 */
static __noinline enum rn_mesh_reason rn_mesh_put(struct __sk_buff *skb, const struct rn_packet *p,
						  const struct rn_mesh_way *way)
{
	struct rn_mesh_ends e = {};
	enum rn_mesh_reason reason;
	__u8 first[2];
	long failed;

	reason = rn_mesh_route(way, p->v6, &e);
	if (!reason)
		reason = rn_mesh_fit(skb, p, e.mtu);
	if (reason)
		return reason;
	if (rn_load(skb, 0, first, sizeof(first)))
		return RN_MESH_INNER;
	e.tos = p->v6 ? rn_traffic_class(first) : first[1];
	e.length = p->bytes + rn_mesh_overhead(p->v6);
	failed = rn_mesh_room(skb, p->v6);
	if (!failed)
		failed = p->v6 ? rn_mesh_write_ipv6(skb, &e) : rn_mesh_write_ipv4(skb, &e);
	return failed ? RN_MESH_INTERNAL : RN_MESH_PASSED;
}

#endif
