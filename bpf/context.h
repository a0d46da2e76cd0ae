/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_CONTEXT_H
#define RN_BPF_CONTEXT_H

#include <stdbool.h>

#include "maps.h"
#include "mesh.h"
#include "parse.h"

#define RN_INGRESS 0 /* into this host: from rn0 or rnm0 */
#define RN_EGRESS 1  /* to rn0 */

#define RN_READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

/* What an address was found to be. All zero: unknown. */
struct rn_end {
	__u64 state; /* the whole word, read before and after the rest */
	__u32 index;
	__u32 identity_slot;
	__u32 owner;
	__u32 number;
	__u32 identity_number;
	__u32 reserved;
};

/* What a frame from another hub says of the packet's source. All zero: the packet came in no frame. */
struct rn_claim {
	__u32 peer;
	__u32 identity;
	__u32 trust;
};

/* Where a packet goes on to that does not stay here. */
enum rn_leaves {
	RN_STAYS,
	RN_TO_DEVICE, /* through rn0 */
	RN_TO_HUB,    /* through rnm0 */
};

/* One packet on its way through the steps of docs/datapath.md. */
struct rn_context {
	struct rn_packet packet;
	struct rn_end source; /* the judged flow's originator and responder */
	struct rn_end destination;
	struct rn_claim claim;	/* about the judged flow's originator */
	__u32 from_peer;	/* the hub whose frame the packet came in, 0: it came in none */
	__u32 said;		/* the frame's key */
	struct rn_mesh_way way; /* RN_TO_HUB */
	__u64 secret;
	__u64 now;
	__u64 generation;
	__u64 turn;	/* of the flow's entry, as it was found */
	__s64 wall_ns;	/* CLOCK_REALTIME */
	__s64 since_ns; /* of the judgement: it holds while since_ns <= wall_ns < until_ns */
	__s64 until_ns;
	__u32 mtu; /* of rn0; RN_TO_HUB: the largest packet that goes there */
	__u32 ifindex;
	__u32 rule; /* of the judgement, 0: none */
	__u32 observed;
	__u32 set; /* where the flow's entry is, or is to be */
	__u16 tag;
	__u8 direction;
	__u8 role;
	__u8 trust; /* of the originator, as it was judged */
	__u8 place;
	__u8 backward;	/* the packet's source is the judged flow's responder */
	__u8 misplaced; /* the judgement ended with the packet's place */
	__u8 orphan;	/* belongs to no entry */
	__u8 leaves;	/* enum rn_leaves */
	__u8 from_hi;	/* the packet's source is the key's hi end */
	__u8 verdict;	/* of an entry that holds */
	__u8 claimed;	/* the judgement took the claim */
	__u8 log;	/* its rule asks for it */
} __attribute__((aligned(8)));

#endif
