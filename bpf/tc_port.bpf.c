/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One UDP port for two protocols. On every interface but our own, at TC ingress: a datagram to WireGuard's port that
 * carries the control protocol's magic and is for this host is given the control process's socket. Nothing is changed
 * in it, so firewall and conntrack see the port that is on the wire; whatever is odd goes on as if this program were
 * not there. It decides where a datagram is read, not whether it may come in.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "abi/port.h"

#define AF_INET 2
#define AF_INET6 10
#define RN_MAGIC_SIZE 3
#define RN_FRAGMENT_MASK 0x3fff /* more fragments, and the offset */
#define RN_VLAN_ID 0x0fff

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rn_port);
} rn_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RN_PORT_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} rn_port_counters SEC(".maps");

/* Interfaces on which kern made the clsact qdisc, so that it takes away no one else's. Not read here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} rn_port_made SEC(".maps");

struct rn_datagram {
	struct bpf_sock_tuple tuple;
	__u32 v6;
	__u32 udp;     /* offset of the UDP header */
	__u32 end;     /* of the IP packet */
	__u32 payload; /* offset */
};

static __always_inline void rn_count(__u32 counter)
{
	__u64 *n = bpf_map_lookup_elem(&rn_port_counters, &counter);

	if (n)
		*n += 1;
}

static __always_inline bool rn_read_ipv4(struct __sk_buff *skb, __u32 at, struct rn_datagram *d)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl != 5 ||
	    ip.protocol != IPPROTO_UDP || ip.frag_off & bpf_htons(RN_FRAGMENT_MASK) ||
	    (bpf_ntohl(ip.daddr) >> 29) == 7) /* multicast, broadcast and what nobody has */
		return false;
	d->tuple.ipv4.saddr = ip.saddr;
	d->tuple.ipv4.daddr = ip.daddr;
	d->udp = at + sizeof(ip);
	d->end = at + bpf_ntohs(ip.tot_len);
	return true;
}

static __always_inline bool rn_read_ipv6(struct __sk_buff *skb, __u32 at, struct rn_datagram *d)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version != 6 || ip.nexthdr != IPPROTO_UDP ||
	    ip.daddr.s6_addr[0] == 0xff)
		return false;
	__builtin_memcpy(d->tuple.ipv6.saddr, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(d->tuple.ipv6.daddr, &ip.daddr, sizeof(ip.daddr));
	d->v6 = 1;
	d->udp = at + sizeof(ip);
	d->end = d->udp + bpf_ntohs(ip.payload_len);
	return true;
}

static __always_inline bool rn_magic_at(struct __sk_buff *skb, __u32 at)
{
	__u8 magic[RN_MAGIC_SIZE];

	return !bpf_skb_load_bytes(skb, at, magic, sizeof(magic)) && magic[0] == 'R' && magic[1] == 'N' &&
	       magic[2] == '1';
}

/*
 * The host may have put datagrams of one sender together (GRO): all of them must be ours. Where WireGuard's are among
 * them, all are WireGuard's: the control protocol repeats what is lost.
 */
static __always_inline bool rn_ours(struct __sk_buff *skb, const struct rn_datagram *d)
{
	__u32 at = d->payload, step = skb->gso_size;

	if (!step)
		return d->end - at <= RN_PORT_DATAGRAM_MAX && rn_magic_at(skb, at);
	if (step > RN_PORT_DATAGRAM_MAX)
		return false;
	for (int i = 0; i < RN_PORT_SEGMENTS_MAX; i++, at += step) {
		if (!rn_magic_at(skb, at))
			return false;
		if (at + step >= d->end)
			return true;
	}
	return false;
}

/* False where the packet is not a whole datagram to WireGuard's port with our magic. */
static __always_inline bool rn_take(struct __sk_buff *skb, __u32 at, const struct rn_port *port, struct rn_datagram *d)
{
	struct udphdr udp;
	__u32 size;

	if (skb->protocol == bpf_htons(ETH_P_IP) ? !rn_read_ipv4(skb, at, d)
						 : skb->protocol != bpf_htons(ETH_P_IPV6) || !rn_read_ipv6(skb, at, d))
		return false;
	d->payload = d->udp + sizeof(udp);
	if (d->end > skb->len || d->payload + RN_MAGIC_SIZE > d->end ||
	    bpf_skb_load_bytes(skb, d->udp, &udp, sizeof(udp)) || udp.dest != port->wireguard)
		return false;
	size = bpf_ntohs(udp.len);
	if (size < sizeof(udp) + RN_MAGIC_SIZE || d->udp + size > d->end)
		return false;
	d->end = d->udp + size;
	if (!d->v6) {
		d->tuple.ipv4.sport = udp.source;
		d->tuple.ipv4.dport = port->control;
	} else {
		d->tuple.ipv6.sport = udp.source;
		d->tuple.ipv6.dport = port->control;
	}
	return rn_ours(skb, d);
}

/* Is it for this host? A packet on its way through must not be given a socket: the kernel would drop it. */
static __always_inline bool rn_is_for_us(struct __sk_buff *skb, const struct rn_datagram *d)
{
	struct bpf_fib_lookup fib = {.l4_protocol = IPPROTO_UDP, .ifindex = skb->ifindex};
	long way;

	if (!d->v6) {
		fib.family = AF_INET;
		fib.ipv4_src = d->tuple.ipv4.saddr;
		fib.ipv4_dst = d->tuple.ipv4.daddr;
	} else {
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, d->tuple.ipv6.saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, d->tuple.ipv6.daddr, sizeof(fib.ipv6_dst));
	}
	way = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return way == BPF_FIB_LKUP_RET_NOT_FWDED || way == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

static __always_inline int rn_look(struct __sk_buff *skb, __u32 l2_length)
{
	struct rn_datagram d = {};
	__u32 zero = 0;
	const struct rn_port *port = bpf_map_lookup_elem(&rn_port, &zero);
	struct bpf_sock *socket;

	/* What carries a VLAN's number meets the program again on the VLAN's own interface. */
	if (!port || !port->wireguard || skb->pkt_type != PACKET_HOST ||
	    (skb->vlan_present && skb->vlan_tci & RN_VLAN_ID) || !rn_take(skb, l2_length, port, &d) ||
	    !rn_is_for_us(skb, &d))
		return TC_ACT_UNSPEC;
	rn_count(RN_PORT_OURS);
	/* The verifier wants to see each size as a number. */
	if (d.v6)
		socket = bpf_sk_lookup_udp(skb, &d.tuple, sizeof(d.tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	else
		socket = bpf_sk_lookup_udp(skb, &d.tuple, sizeof(d.tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return TC_ACT_UNSPEC;
	if (!bpf_sk_assign(skb, socket, 0))
		rn_count(RN_PORT_GIVEN);
	bpf_sk_release(socket);
	return TC_ACT_UNSPEC; /* others' filters go on, whatever became of it */
}

SEC("tc")
int rn_steer(struct __sk_buff *skb)
{
	return rn_look(skb, ETH_HLEN);
}

/* For interfaces without a link-layer header. */
SEC("tc")
int rn_steer_bare(struct __sk_buff *skb)
{
	return rn_look(skb, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
