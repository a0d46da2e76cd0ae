/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_MSS_H
#define RN_BPF_MSS_H

#include "context.h"

/*
 * docs/datapath.md 6b: a SYN's MSS option becomes no larger than what gets through on both sides of this hub, so that
 * TCP goes on where a device's own firewall drops "packet too big".
 */
#define RN_TCP_OPTIONS_MAX 40
#define RN_TCP_OPTION_END 0
#define RN_TCP_OPTION_NONE 1
#define RN_TCP_OPTION_MSS 2

struct rn_tcp_option {
	__u8 kind, length;
	__be16 mss;
};

/* An option may begin anywhere: at an odd place the sum's 16 bit words hold its bytes the other way round. */
static __always_inline long rn_mss_write(struct __sk_buff *skb, const struct rn_packet *p, __u32 at, __be16 was,
					 __be16 mss)
{
	bool odd = (at - p->tcp) & 1;
	long failed = bpf_l4_csum_replace(skb, rn_l2_length + p->tcp + 16, odd ? bpf_ntohs(was) : was,
					  odd ? bpf_ntohs(mss) : mss, 2);

	return failed ? failed : bpf_skb_store_bytes(skb, rn_l2_length + at + 2, &mss, sizeof(mss), 0);
}

/* Of a TCP SYN that leaves this hub; c->mtu is what gets through there. Not 0: it could not be written. */
__noinline int rn_mss(struct __sk_buff *skb, struct rn_context *c)
{
	__u32 zero = 0, most, at, from, headers;
	const struct rn_config *config = bpf_map_lookup_elem(&rn_config, &zero);
	struct rn_tcp_option o = {};

	if (!c || !config || c->packet.fragment)
		return 0;
	from = RN_READ_ONCE(config->mtu);
	if (c->from_peer)
		from = rn_mesh_room_to(c->from_peer, c->packet.v6);
	most = c->direction == RN_INGRESS && from && from < c->mtu ? from : c->mtu;
	headers = c->packet.v6 ? sizeof(struct rn_ipv6) + 20 : sizeof(struct rn_ipv4) + 20;
	if (most <= headers)
		return 0;
	most -= headers;
	at = c->packet.tcp + 20;
	for (int i = 0; i < RN_TCP_OPTIONS_MAX; i++) {
		if (at + sizeof(o) > c->packet.headers || rn_load(skb, at, &o, sizeof(o)))
			return 0;
		if (o.kind == RN_TCP_OPTION_MSS && o.length == sizeof(o)) {
			if (bpf_ntohs(o.mss) <= most)
				return 0;
			return rn_mss_write(skb, &c->packet, at, o.mss, bpf_htons(most)) ? -1 : 0;
		}
		if (o.kind == RN_TCP_OPTION_END || (o.kind != RN_TCP_OPTION_NONE && o.length < 2))
			return 0;
		at += o.kind == RN_TCP_OPTION_NONE ? 1 : o.length;
	}
	return 0;
}

#endif
