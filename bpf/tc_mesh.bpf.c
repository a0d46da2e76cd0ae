/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What mesh.h does, as two programs: rn_mesh_out makes frames of packets that were judged elsewhere, rn_mesh_in takes
 * them apart. Nothing attaches them but tests, which see frames alone here; the programs of tc_overlay.bpf.c call the
 * same functions.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

#include "mesh.h"

/* What rn_mesh_out says of every packet, and what rn_mesh_in has read of the last frame that passed. */
volatile __u32 rn_test_peer = 0, rn_test_identity = 0, rn_test_trust = 0;
volatile __u32 rn_last_peer = 0, rn_last_identity = 0, rn_last_trust = 0, rn_last_slot = 0;

SEC("tc")
int rn_mesh_in(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	struct rn_mesh_frame f = {};
	enum rn_mesh_reason reason = rn_mesh_read(skb, &f);

	if (!reason)
		reason = rn_mesh_remove(skb, &f);
	rn_mesh_count(0, reason);
	if (reason || !self)
		return TC_ACT_SHOT;
	rn_last_peer = f.peer;
	rn_last_identity = f.identity;
	rn_last_trust = f.trust;
	rn_last_slot = f.slot;
	return self->rn0 ? bpf_redirect(self->rn0, BPF_F_INGRESS) : TC_ACT_OK;
}

SEC("tc")
int rn_mesh_out(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct rn_mesh_self *self = bpf_map_lookup_elem(&rn_mesh_self, &zero);
	struct rn_mesh_way way = {.peer = rn_test_peer, .identity = rn_test_identity, .trust = rn_test_trust};
	enum rn_mesh_reason reason = RN_MESH_INNER;
	struct rn_packet p = {};

	if (!rn_parse(skb, &p))
		reason = rn_mesh_put(skb, &p, &way);
	rn_mesh_count(1, reason);
	if (reason || !self)
		return TC_ACT_SHOT;
	return self->rnm0 ? bpf_redirect(self->rnm0, 0) : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
