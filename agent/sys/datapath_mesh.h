/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_DATAPATH_MESH_H
#define RN_SYS_DATAPATH_MESH_H

#include "abi/mesh.h"
#include "sys/datapath.h"

/*
 * The part of a hub's datapath that is about other hubs: the programs of rnm0 and the tables of include/abi/mesh.h.
 * Errors as in datapath.h; -EOPNOTSUPP on a node, whose tables have no room for it.
 *
 * A device behind another hub is an ordinary device (rn_datapath_device_set) with RN_STATE_BEHIND(peer) in its state,
 * and neither ATTACHED nor LOCAL. Moving it to another hub, or here, is one rn_datapath_device_state, and whatever was
 * judged for it is judged again. Its identity_slot and identity_number are its record's; what a frame says beside that
 * is believed where rn_datapath_behind_set has said so.
 *
 * Order: a peer before the devices behind it; the devices away before their peer.
 */

/* Who we are: mesh addresses (all zero: none of that family), rnm0's interface index and MTU. rn0's is taken care of.
 */
int rn_datapath_mesh_self(struct rn_datapath *dp, const struct rn_mesh_addresses *addresses, unsigned rnm0,
			  uint32_t mtu);
/* What it says now, also from before a restart; all zero where nobody has said it yet. */
int rn_datapath_mesh_who(const struct rn_datapath *dp, struct rn_mesh_self *ret);

/*
 * A hub that frames go to and come from; what it had before is taken back. Peer numbers, 1..RN_MESH_PEERS_MAX-1, are
 * the caller's (-ERANGE). -EEXIST: another peer has one of the addresses, and nothing has changed.
 */
int rn_datapath_peer_set(struct rn_datapath *dp, uint32_t peer, const struct rn_mesh_addresses *addresses);
/* Its addresses, and every identity that can be behind it. 0 also where there was none. */
int rn_datapath_peer_remove(struct rn_datapath *dp, uint32_t peer);
/* Calls each for every peer that has an address. It must not change them. */
int rn_datapath_peers(const struct rn_datapath *dp,
		      void (*each)(void *context, uint32_t peer, const struct rn_mesh_addresses *addresses),
		      void *context);

/*
 * The identity number can be behind that peer, and is the slot of rn_datapath_identity_write, in both halves. -ENOSPC.
 * Taken away it is believed no more, in any frame or flow: whatever was judged for a device behind that peer is judged
 * again, replies too.
 */
int rn_datapath_behind_set(struct rn_datapath *dp, uint32_t peer, uint32_t identity, uint32_t slot);
int rn_datapath_behind_remove(struct rn_datapath *dp, uint32_t peer, uint32_t identity); /* 0 also where it was not */
/* Calls each for every pair. It must not change them. */
int rn_datapath_behind(const struct rn_datapath *dp,
		       void (*each)(void *context, uint32_t peer, uint32_t identity, uint32_t slot), void *context);

/*
 * As rn_datapath_attach and _in_place, for rn_mesh_ingress and rn_mesh_egress (in datapath.c). Before rnm0 goes up.
 * rn_datapath_detach takes them off, too.
 */
int rn_datapath_mesh_attach(struct rn_datapath *dp, unsigned rnm0, struct rn_err *err);
int rn_datapath_mesh_in_place(struct rn_datapath *dp, unsigned rnm0);

/* Frames: [direction * RN_MESH_REASON_COUNT + reason]; direction 0: from rnm0, 1: to it. Sums over all CPUs. */
#define RN_DATAPATH_FRAMES (2 * RN_MESH_REASON_COUNT)
int rn_datapath_frames(const struct rn_datapath *dp, uint64_t ret[RN_DATAPATH_FRAMES]);

#endif
