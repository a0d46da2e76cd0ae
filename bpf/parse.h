/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_PARSE_H
#define RN_BPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi/maps.h"
#include "abi/verdict.h"

/* Bytes before the IP header: none on a WireGuard device; test runs always put an Ethernet header there. */
const volatile __u32 rn_l2_length = 0;

#define RN_TCP_FIN 0x01
#define RN_TCP_SYN 0x02
#define RN_TCP_RST 0x04
#define RN_TCP_ACK 0x10

/* An ICMP error, from whom? */
enum rn_error {
	RN_NO_ERROR,
	RN_ERROR_AT_THE_END, /* who the packet was for that it is about */
	RN_ERROR_ON_THE_WAY, /* somebody else */
};

enum rn_piece {
	RN_NO_FRAGMENT,
	RN_FRAGMENT_FIRST, /* with the whole transport header: parsed as a packet */
	RN_FRAGMENT_LATER, /* without ports */
};

/* One packet, as far as it was parsed; the rest is zero. */
struct rn_packet {
	struct rn_addr source;
	struct rn_addr destination;
	__be16 source_port; /* echo: the requester's end carries the identifier, the other 0 */
	__be16 destination_port;
	__u8 protocol;
	__u8 v6;
	__u8 tcp_flags;
	__u8 echo_reply;
	__u8 error;    /* enum rn_error; then source, ports and protocol are as of an answer to what it is about */
	__u8 fragment; /* enum rn_piece */
	__u8 last;     /* no more fragments follow */
	__u8 hop_limit;
	__be32 id;	/* of a fragment */
	__u16 from, to; /* its bytes in the packet that it is of, without that one's headers */
	__u32 bytes;   /* IP length, or what is there until that is known */
	__u32 headers; /* bytes through TCP's or UDP's header */
	__u32 tcp;     /* bytes before TCP's header */
} __attribute__((aligned(8)));

struct rn_ipv4 {
	__u8 version_ihl, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__u16 checksum;
	__u8 source[4], destination[4];
};

struct rn_ipv6 {
	__u8 version, flow[3];
	__be16 length;
	__u8 next, hop_limit;
	struct rn_addr source, destination;
};

/* The helper reads linear and paged bytes alike. */
static __always_inline long rn_load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, rn_l2_length + offset, to, size);
}

static __always_inline __u64 rn_addr_word(const struct rn_addr *a, int word)
{
	__u64 v;

	__builtin_memcpy(&v, a->b + 8 * word, sizeof(v));
	return bpf_be64_to_cpu(v);
}

/* Below, equal, above: negative, 0, positive, as memcmp. */
static __always_inline int rn_addr_order(const struct rn_addr *a, const struct rn_addr *b)
{
	__u64 a0 = rn_addr_word(a, 0), b0 = rn_addr_word(b, 0);
	__u64 a1 = rn_addr_word(a, 1), b1 = rn_addr_word(b, 1);

	if (a0 != b0)
		return a0 < b0 ? -1 : 1;
	return a1 == b1 ? 0 : a1 < b1 ? -1 : 1;
}

static __always_inline int rn_addr_mapped(const struct rn_addr *a)
{
	return !rn_addr_word(a, 0) && rn_addr_word(a, 1) >> 32 == 0xffff;
}

static __always_inline void rn_addr_map(struct rn_addr *to, const __u8 from[4])
{
	__builtin_memset(to, 0, 8);
	__builtin_memcpy(to->b + 8, "\0\0\xff\xff", 4);
	__builtin_memcpy(to->b + 12, from, 4);
}

/* A transport header that is not there; in a first fragment, where it would be in those that follow. */
static __always_inline enum rn_reason rn_parse_short(const struct rn_packet *p)
{
	return p->fragment ? RN_FRAGMENT : RN_MALFORMED;
}

static __always_inline enum rn_reason rn_parse_tcp(struct __sk_buff *skb, struct rn_packet *p, __u32 at)
{
	struct {
		__be16 source, destination;
		__be32 sequence, acknowledged;
		__u8 offset, flags;
		__be16 window, checksum, urgent;
	} tcp;
	__u32 size;

	if (at + sizeof(tcp) > p->bytes || rn_load(skb, at, &tcp, sizeof(tcp)))
		return rn_parse_short(p);
	size = (tcp.offset >> 4) * 4;
	if (size < sizeof(tcp))
		return RN_MALFORMED;
	if (at + size > p->bytes)
		return rn_parse_short(p);
	if ((tcp.flags & RN_TCP_SYN) && (tcp.flags & (RN_TCP_FIN | RN_TCP_RST)))
		return RN_MALFORMED;
	if (!(tcp.flags & (RN_TCP_SYN | RN_TCP_ACK | RN_TCP_FIN | RN_TCP_RST)))
		return RN_MALFORMED;
	p->source_port = tcp.source;
	p->destination_port = tcp.destination;
	p->tcp_flags = tcp.flags;
	p->headers = at + size;
	p->tcp = at;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_parse_udp(struct __sk_buff *skb, struct rn_packet *p, __u32 at)
{
	struct {
		__be16 source, destination, length, checksum;
	} udp;
	__u32 size;

	if (at + sizeof(udp) > p->bytes || rn_load(skb, at, &udp, sizeof(udp)))
		return rn_parse_short(p);
	size = bpf_ntohs(udp.length);
	if (size < sizeof(udp) || (!p->fragment && at + size > p->bytes))
		return RN_MALFORMED;
	p->source_port = udp.source;
	p->destination_port = udp.destination;
	p->headers = at + sizeof(udp);
	return RN_ALLOWED;
}

static __always_inline int rn_icmp_is_error(const struct rn_packet *p, __u8 type)
{
	if (p->v6)
		return type >= 1 && type <= 127;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Those that may tell a flow's end what became of its packet. */
static __always_inline int rn_icmp_is_answer(const struct rn_packet *p, __u8 type)
{
	return p->v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
}

/* Steps over hop-by-hop and destination options; leaves the protocol that follows and where that begins. */
static __always_inline enum rn_reason rn_parse_extensions(struct __sk_buff *skb, __u32 bytes, __u8 *protocol, __u32 *at)
{
	__u8 option[2];

	for (int i = 0; i <= (int)RN_EXTENSION_HEADERS_MAX; i++) {
		__u8 next = *protocol;

		if (next == IPPROTO_FRAGMENT)
			return RN_FRAGMENT;
		if (next == IPPROTO_ROUTING || next == IPPROTO_AH || next == 135 || next == 139 || next == 140)
			return RN_EXTENSION_HEADER;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS)
			return RN_ALLOWED;
		if (i == (int)RN_EXTENSION_HEADERS_MAX || (next == IPPROTO_HOPOPTS && i))
			return RN_EXTENSION_HEADER;
		if (*at + sizeof(option) > bytes || rn_load(skb, *at, option, sizeof(option)))
			return RN_MALFORMED;
		*at += (option[1] + 1) * 8;
		if (*at > bytes)
			return RN_MALFORMED;
		*protocol = option[0];
	}
	return RN_EXTENSION_HEADER;
}

struct rn_fragment_header {
	__u8 next, reserved;
	__be16 offset; /* in the upper 13 bits, of 8 bytes each; bit 0: more follow */
	__be32 id;
};

/*
 * The headers that the answered packet began with, of p's family and from p's destination. Leaves who it was for, its
 * protocol (0: not so) and where its transport header begins.
 */
static __always_inline __u8 rn_parse_answered(struct __sk_buff *skb, const struct rn_packet *p, __u32 *at,
					      struct rn_addr *ret_for)
{
	struct rn_fragment_header fragment;
	struct rn_addr source;
	struct rn_ipv6 v6 __attribute__((aligned(8)));
	struct rn_ipv4 v4;
	enum rn_reason reason;
	__u8 protocol;

	if (!p->v6) {
		if (rn_load(skb, *at, &v4, sizeof(v4)) || v4.version_ihl != 0x45 || (v4.fragment & bpf_htons(0x1fff)))
			return 0;
		*at += sizeof(v4);
		rn_addr_map(&source, v4.source);
		rn_addr_map(ret_for, v4.destination);
		return rn_addr_order(&source, &p->destination) ? 0 : v4.protocol;
	}
	if (rn_load(skb, *at, &v6, sizeof(v6)) || v6.version >> 4 != 6 || rn_addr_order(&v6.source, &p->destination))
		return 0;
	*at += sizeof(v6);
	*ret_for = v6.destination;
	protocol = v6.next;
	reason = rn_parse_extensions(skb, p->bytes, &protocol, at);
	if (!reason)
		return protocol;
	if (reason != RN_FRAGMENT || *at + sizeof(fragment) > p->bytes ||
	    rn_load(skb, *at, &fragment, sizeof(fragment)) || (fragment.offset & bpf_htons(0xfff8)))
		return 0;
	*at += sizeof(fragment);
	return fragment.next;
}

/*
 * An error becomes a packet of the flow that it is about, from the end that the answered packet was for. (A global
 * function, for the verifier.)
 */
__noinline enum rn_reason rn_parse_error(struct __sk_buff *skb, struct rn_packet *p, __u32 at)
{
	struct rn_addr from = {};
	__be16 word[4];
	__u8 protocol;

	if (!p || at > 0xffff)
		return RN_ICMP_ERROR;
	p->headers = at;
	protocol = rn_parse_answered(skb, p, &at, &from);
	if (at + sizeof(word) > p->bytes || rn_load(skb, at, word, sizeof(word)))
		return RN_ICMP_ERROR;
	if (protocol == p->protocol) {
		p->echo_reply = word[0] == (p->v6 ? bpf_htons(128 << 8) : bpf_htons(8 << 8));
		if (!p->echo_reply && word[0] != (p->v6 ? bpf_htons(129 << 8) : 0))
			return RN_ICMP_ERROR;
		p->source_port = p->echo_reply ? 0 : word[2];
		p->destination_port = p->echo_reply ? word[2] : 0;
	} else if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		p->source_port = word[1];
		p->destination_port = word[0];
		p->protocol = protocol;
	} else {
		return RN_ICMP_ERROR;
	}
	p->error = rn_addr_order(&from, &p->source) ? RN_ERROR_ON_THE_WAY : RN_ERROR_AT_THE_END;
	p->source = from;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_parse_icmp(struct __sk_buff *skb, struct rn_packet *p, __u32 at)
{
	__u8 request = p->v6 ? 128 : 8, reply = p->v6 ? 129 : 0;
	struct {
		__u8 type, code;
		__be16 checksum, id, sequence;
	} icmp;

	if (at + sizeof(icmp) > p->bytes || rn_load(skb, at, &icmp, sizeof(icmp)))
		return rn_parse_short(p);
	if (rn_icmp_is_answer(p, icmp.type) && !p->fragment)
		return rn_parse_error(skb, p, at + sizeof(icmp));
	if (rn_icmp_is_error(p, icmp.type))
		return RN_ICMP_ERROR;
	if ((icmp.type != request && icmp.type != reply) || icmp.code)
		return RN_ICMP_TYPE;
	p->echo_reply = icmp.type == reply;
	if (p->echo_reply)
		p->destination_port = icmp.id;
	else
		p->source_port = icmp.id;
	p->headers = at + sizeof(icmp);
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_parse_transport(struct __sk_buff *skb, struct rn_packet *p, __u32 at)
{
	if (!rn_addr_order(&p->source, &p->destination))
		return RN_MALFORMED;
	if (p->v6 && (rn_addr_mapped(&p->source) || rn_addr_mapped(&p->destination)))
		return RN_MALFORMED;
	if (p->fragment == RN_FRAGMENT_LATER) {
		p->headers = at;
		return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP ||
			       p->protocol == (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)
			   ? RN_ALLOWED
			   : RN_FRAGMENT;
	}
	if (p->protocol == IPPROTO_TCP)
		return rn_parse_tcp(skb, p, at);
	if (p->protocol == IPPROTO_UDP)
		return rn_parse_udp(skb, p, at);
	if (p->protocol == (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return rn_parse_icmp(skb, p, at);
	return RN_PROTOCOL;
}

/* A fragment whose bytes begin at `at`. What nobody needs to send is none: empty, not of whole eights, alone. */
static __always_inline enum rn_reason rn_parse_piece(struct rn_packet *p, __u32 offset, __u8 more, __u32 at)
{
	__u32 length = p->bytes - at, end = offset + length;
	/* what the whole packet's length counts beside its bytes */
	__u32 headers = p->v6 ? at - sizeof(struct rn_fragment_header) - sizeof(struct rn_ipv6) : at;

	if (at >= p->bytes || (more && length % 8) || end + headers > 0xffff || (!offset && !more))
		return RN_FRAGMENT;
	p->fragment = offset ? RN_FRAGMENT_LATER : RN_FRAGMENT_FIRST;
	p->last = !more;
	p->from = offset;
	p->to = end;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_parse_ipv4(struct __sk_buff *skb, struct rn_packet *p)
{
	struct rn_ipv4 ip;
	__u32 header, length;

	if (p->bytes < sizeof(ip) || rn_load(skb, 0, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4)
		return RN_MALFORMED;
	header = (ip.version_ihl & 15) * 4;
	length = bpf_ntohs(ip.length);
	if (header < sizeof(ip) || length < header || length > p->bytes)
		return RN_MALFORMED;
	p->bytes = length;
	p->protocol = ip.protocol;
	p->hop_limit = ip.ttl;
	rn_addr_map(&p->source, ip.source);
	rn_addr_map(&p->destination, ip.destination);
	if (header > sizeof(ip))
		return RN_IP_OPTIONS;
	if (ip.fragment & bpf_htons(0x3fff)) {
		__u32 word = bpf_ntohs(ip.fragment);

		p->id = ip.id;
		if (rn_parse_piece(p, (word & 0x1fff) * 8, !!(word & 0x2000), sizeof(ip)))
			return RN_FRAGMENT;
	}
	if (ip.destination[0] >> 4 == 14 || (__u32)rn_addr_word(&p->destination, 1) == 0xffffffff)
		return RN_MULTICAST;
	return rn_parse_transport(skb, p, sizeof(ip));
}

static __always_inline enum rn_reason rn_parse_ipv6_piece(struct __sk_buff *skb, struct rn_packet *p, __u32 *at)
{
	struct rn_fragment_header h;
	__u32 word;

	if (*at + sizeof(h) > p->bytes || rn_load(skb, *at, &h, sizeof(h)))
		return RN_FRAGMENT;
	*at += sizeof(h);
	word = bpf_ntohs(h.offset);
	p->protocol = h.next;
	p->id = h.id;
	return rn_parse_piece(p, word & 0xfff8, word & 1, *at);
}

static __always_inline enum rn_reason rn_parse_ipv6(struct __sk_buff *skb, struct rn_packet *p)
{
	struct rn_ipv6 ip __attribute__((aligned(8)));
	__u32 at = sizeof(ip);
	enum rn_reason reason;

	if (p->bytes < sizeof(ip) || rn_load(skb, 0, &ip, sizeof(ip)) || ip.version >> 4 != 6)
		return RN_MALFORMED;
	if (bpf_ntohs(ip.length) + sizeof(ip) > p->bytes)
		return RN_MALFORMED;
	p->bytes = bpf_ntohs(ip.length) + sizeof(ip);
	p->protocol = ip.next;
	p->hop_limit = ip.hop_limit;
	p->source = ip.source;
	p->destination = ip.destination;
	if (ip.destination.b[0] == 0xff)
		return RN_MULTICAST;
	reason = rn_parse_extensions(skb, p->bytes, &p->protocol, &at);
	if (reason == RN_FRAGMENT)
		reason = rn_parse_ipv6_piece(skb, p, &at);
	return reason ? reason : rn_parse_transport(skb, p, at);
}

/* docs/datapath.md 1. *p is zero before. */
__noinline enum rn_reason rn_parse(struct __sk_buff *skb, struct rn_packet *p)
{
	if (!p)
		return RN_INTERNAL;
	p->bytes = skb->len - rn_l2_length;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return rn_parse_ipv4(skb, p);
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		p->v6 = 1;
		return rn_parse_ipv6(skb, p);
	}
	return RN_NOT_IP;
}

#endif
