/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_REFERENCE_H
#define RN_TESTS_BPF_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/maps.h"
#include "abi/verdict.h"
#include "domain/policy.h"

/*
 * docs/datapath.md once more, written from its text alone by somebody who had not seen bpf/: lists in place of maps,
 * the policy's model in place of bit vectors. Slow, plain, and the judge of the other.
 */
#define REFERENCE_DEVICES 32 /* indices 1..31 */
#define REFERENCE_FLOWS 4096

/* reference_parse.c: section 1. */
struct reference_packet {
	enum rn_reason reason; /* RN_ALLOWED: it may go on, and all that follows is set */
	uint64_t bytes;	       /* IP length, or what is there where that was not known to be good */
	struct rn_addr source, destination;
	uint16_t source_port, destination_port; /* echo: the identifier at the requester's end, 0 at the other */
	uint8_t protocol;			/* IPPROTO_TCP, _UDP, _ICMP or _ICMPV6 */
	bool reply;				/* echo */
	/* ICMP error: source, protocol, ports and reply as of a packet that the answered one's receiver sends back */
	bool error;
	bool router; /* `sender` is somebody else */
	struct rn_addr sender;
	bool syn, ack, fin, rst;
	bool fragment, more; /* of a packet: its bytes [from, to); without ports where it is not the first */
	uint32_t id, from, to;
	uint8_t hop_limit;
	bool v6;
};
void reference_parse(uint16_t ethertype, const uint8_t *data, size_t size, struct reference_packet *ret);

/* What a judgement depends on; any difference from what an entry remembers makes it be judged again. */
struct reference_state {
	bool present, quarantined, revoked, local, attached, remote;
	uint8_t trust;
	uint16_t peer; /* remote: of the hub that it is behind */
	uint32_t incarnation;
};
struct reference_device {
	struct reference_state state;
	struct rn_party party; /* its trust is not read: state.trust is */
	uint32_t identity;
};
struct reference_address {
	struct rn_addr addr;
	uint32_t index; /* of a device */
};

/* Another hub, and what can be behind it. */
#define REFERENCE_BEHIND 32
struct reference_behind {
	uint32_t peer, identity;
	struct rn_party party; /* who has the identity; its owner is not read */
};
struct reference_peer {
	uint32_t peer;
	struct rn_addr v4, v6; /* its own, where frames go; all zero: none of that family gets there */
};

/* What a frame says. */
struct reference_claim {
	uint32_t peer, identity; /* peer 0: there was no frame */
	uint8_t trust;
};

struct reference_flow {
	struct rn_addr originator, responder;
	uint16_t originator_port, responder_port;
	uint8_t protocol;
	uint64_t generation;
	uint32_t source, destination; /* device indices, 0: unknown */
	struct reference_claim as;    /* who the source was taken for; peer 0: for what its record and state say */
	uint32_t identity;	      /* of the source, as it was judged */
	struct reference_state source_state, destination_state;
	enum rn_reason reason;
	uint32_t rule, observed;
	/* It is judged again outside of these. Which they are the programs choose; that nothing changes between is
	 * checked. */
	int64_t since_ns, until_ns;
	int64_t judged_ns; /* wall clock */
	uint32_t made;	   /* as which of all */
	uint64_t created_ns, seen_ns, packets[2], bytes[2], dropped;
	bool replied, fin_originator, fin_responder, rst;
};

/* A packet whose first fragment has passed. */
#define REFERENCE_FRAGMENTS 512
struct reference_fragments {
	struct rn_addr source, destination;
	uint32_t id;
	uint8_t protocol;
	bool out, backward;
	struct reference_claim claim; /* of the first one's frame */
	uint64_t generation, seen_ns;
	uint32_t ends[2]; /* device indices */
	struct reference_state states[2];
	uint32_t next, flow, made; /* the flow, and which of those that were in its place */
};

/* What there is of tokens, in nanoseconds that it takes to get them. */
struct reference_bucket {
	int64_t credit;
	uint64_t at;
};

struct reference {
	enum rn_role role;
	uint64_t generation, lease_until_ns, now_ns;
	int64_t wall_offset_ns; /* of the wall clock, from now_ns */
	uint32_t mtu;
	bool link_down;
	const struct rn_policy_model *policy;
	struct reference_device devices[REFERENCE_DEVICES];
	struct reference_address addresses[2 * REFERENCE_DEVICES];
	uint32_t address_count;
	struct reference_behind behind[REFERENCE_BEHIND];
	uint32_t behind_count;
	struct reference_peer peers[4];
	uint32_t peer_count;
	uint32_t frame_max;				   /* rnm0's MTU */
	struct rn_addr self_v4, self_v6;		   /* of this hub; all zero: it has none */
	struct reference_bucket bucket[REFERENCE_DEVICES]; /* [0]: of all */
	struct reference_flow flows[REFERENCE_FLOWS];
	uint32_t flow_count;
	struct reference_fragments fragments[REFERENCE_FRAGMENTS];
	uint32_t fragment_count;
	uint32_t made; /* flows, so far */
};

/* Which way through section 3 a packet took, and what the entry with its key was before: for the tests' statistics. */
enum reference_path {
	REFERENCE_REFUSED,     /* by section 1 or 2 */
	REFERENCE_FIRST,       /* no entry */
	REFERENCE_EXPIRED,     /* an entry, idle for too long */
	REFERENCE_REOPENED,    /* an entry, closed, and a SYN */
	REFERENCE_REVERSE_SYN, /* present, backward, SYN without ACK */
	REFERENCE_HELD,	       /* the entry's verdict held */
	REFERENCE_AGAIN,       /* judged again */
	REFERENCE_CLAIM,       /* judged again for nothing but what the frame says */
	REFERENCE_TIME,	       /* or for the time */
	REFERENCE_REST,	       /* a fragment, but the first */
	REFERENCE_PATHS
};
enum reference_phase {
	REFERENCE_NONE,
	REFERENCE_TCP_OPENING,
	REFERENCE_TCP_ESTABLISHED,
	REFERENCE_TCP_CLOSED,
	REFERENCE_UDP_OPENING,
	REFERENCE_UDP_ESTABLISHED,
	REFERENCE_ECHO,
	REFERENCE_PHASES
};

struct reference_verdict {
	enum rn_reason reason;
	int action;	   /* TC_ACT_OK, TC_ACT_SHOT, TC_ACT_STOLEN or TC_ACT_REDIRECT */
	uint64_t bytes;	   /* as counted */
	uint32_t rule;	   /* the rule that this packet was judged by just now; 0: none, or the flow's verdict held */
	uint32_t observed; /* likewise, the observed rule that would have decided */
	bool log;
	int64_t until; /* of what was judged just now: Unix seconds, the answer may be another from then on */
	const struct reference_flow *flow; /* the entry with the packet's key, NULL: none */
	int frame;	  /* not 0: it was in a frame that is none (enum rn_mesh_reason), and nothing else is set */
	bool hop;	  /* passes with a hop limit that is one less */
	uint32_t to_peer; /* goes to that hub, in a frame that says: */
	uint32_t identity;
	uint8_t trust;
	bool told;    /* dropped, and the sender is told (6a); to_peer, identity and trust say where as for a packet */
	uint32_t mss; /* 6b: of a SYN that leaves; 0: whatever it says */
	uint32_t told_mtu; /* too big: for what there is room */
	struct rn_addr told_by;
	enum reference_path path;
	enum reference_phase phase;
	bool backward;
	struct reference_packet packet;
};
/*
 * direction 0: through rn_ingress, 1: through rn_egress; claim: what the frame said that the packet was in, NULL: it
 * was in none.
 */
void reference_judge(struct reference *r, int direction, const struct reference_claim *claim, uint16_t ethertype,
		     const uint8_t *data, size_t size, struct reference_verdict *ret);

#endif
