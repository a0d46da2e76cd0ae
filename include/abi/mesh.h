/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_MESH_H
#define RN_ABI_MESH_H

/*
 * From hub to hub through rnm0: an outer header of the inner packet's family, GRE with a key and nothing else, the
 * inner packet. docs/datapath.md 9 has every rule.
 *
 *    IPv4  20 bytes  45, TOS of the inner one, length, id, 4000 (DF), 64, 47, checksum, source, destination
 *    IPv6  40 bytes  6, traffic class of the inner one, flow label 0, payload length, 47, 64, source, destination
 *    GRE    8 bytes  2000, 0800 or 86dd, key
 *
 * These maps are apart from those of maps.h. kern writes them; explicit padding is zero.
 */

#include <linux/types.h>

#include "abi/maps.h"

#define RN_MESH_HOPS 64
#define RN_MESH_GRE_FLAGS 0x2000 /* a key; no checksum, no sequence number, no routing; version 0 */
#define RN_MESH_GRE_SIZE 8
#define RN_MESH_OVERHEAD_V4 28 /* bytes before the inner packet */
#define RN_MESH_OVERHEAD_V6 48

/* The key: who the inner source is. identity is 1..RN_MESH_IDENTITY_MAX, trust is 0..RN_TRUST_MAX. */
#define RN_MESH_KEY(identity, trust) ((__u32)(identity) << 8 | (__u32)(trust))
#define RN_MESH_KEY_IDENTITY(key) ((__u32)(key) >> 8)
#define RN_MESH_KEY_TRUST(key) ((__u32)(key)&0xff)

/* A hub's mesh addresses; all zero: it has none of that family, and frames of that family are not for it. */
struct rn_mesh_addresses {
	struct rn_addr v6;
	struct rn_addr v4; /* mapped */
};
_Static_assert(sizeof(struct rn_mesh_addresses) == 32, "rn_mesh_addresses");

/* rn_mesh_self[0]: this hub. */
struct rn_mesh_self {
	struct rn_mesh_addresses addresses;
	__u32 rnm0; /* interface indices */
	__u32 rn0;
	__u32 mtu; /* of rnm0, bytes of a whole frame */
	__u32 reserved;
};
_Static_assert(sizeof(struct rn_mesh_self) == 48, "rn_mesh_self");

/* rn_mesh_hubs[peer], peer 1..RN_MESH_PEERS_MAX-1: rn_mesh_addresses, where frames to that hub go. */

/* rn_mesh_peers[rn_addr]: __u32, which peer has this outer source. WireGuard has bound the address to its key. */

/* rn_behind[rn_behind_key]: __u32, the local identity slot of an identity that the gateway says can be behind a peer.
 */
struct rn_behind_key {
	__u32 peer;
	__u32 identity;
};
_Static_assert(sizeof(struct rn_behind_key) == 8, "rn_behind_key");

/* What became of a frame; the one list is frame.def. */
enum rn_mesh_reason {
#define RN_FRAME(NAME, name, text) RN_MESH_##NAME,
#include "abi/frame.def"
#undef RN_FRAME
	RN_MESH_REASON_COUNT
};

/* rn_mesh_counters[direction * RN_MESH_REASON_COUNT + reason], per CPU u64: packets. 0: from rnm0, 1: to rnm0. */

#endif
