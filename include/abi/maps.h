/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_MAPS_H
#define RN_ABI_MAPS_H

/*
 * Keys and values of every pinned map: one definition for bpf/, agent/ and tests/. Explicit padding is zero.
 * All policy tables are double buffered: the half in use is (generation & 1); kern fills the other half and then
 * stores the new generation, so a policy takes effect with one 8-byte store and a packet sees one policy or the other.
 */

#ifdef __bpf__
#include <linux/bpf.h>
#endif
#include <linux/types.h>

#include "abi/limits.h"

/* An address in network byte order; IPv4 is mapped (RFC 4291 section 2.5.5.2). */
struct rn_addr {
	__u8 b[16];
};
_Static_assert(sizeof(struct rn_addr) == 16, "rn_addr");

enum rn_role { RN_ROLE_HUB = 1, RN_ROLE_NODE = 2 };

/* rn_config[0]: what the datapath reads on every packet. */
struct rn_config {
	__u64 generation;     /* of the policy in use; 0: none, drop everything */
	__u64 lease_until_ns; /* CLOCK_BOOTTIME; at or after it everything is dropped */
	__u32 role;	      /* enum rn_role */
	__u32 ifindex;	      /* of rn0, where forwarded packets are sent */
	__u32 mtu;	      /* of rn0, bytes of the inner packet */
	__u32 link_down;      /* not 0: the operator took the network down */
	__u64 flow_secret;    /* where a flow is in the table depends on it; set once, when the maps are made */
	__s64 wall_offset_ns; /* CLOCK_REALTIME less CLOCK_BOOTTIME */
};
_Static_assert(sizeof(struct rn_config) == 48, "rn_config");

/* rn_meta[0]: whose maps these are; checked before reuse, never written by BPF. */
struct rn_meta {
	__u32 schema; /* RN_SCHEMA_VERSION */
	__u32 role;   /* enum rn_role */
	__u32 self;   /* device number of this host */
	__u32 epoch;  /* of the gateway's state */
	__u64 policy_version;
	__u64 forgotten; /* highest version of a removed device whose index went to another; 0: none */
};
_Static_assert(sizeof(struct rn_meta) == 32, "rn_meta");

/*
 * Device state: one word, read on every packet for both ends. A flow remembers the words it was judged under, so any
 * change of trust, quarantine, revocation or of the device behind the index makes the next packet be judged again.
 */
#define RN_STATE_TRUST_MASK 0xffull
#define RN_STATE_PRESENT (1ull << 8)
#define RN_STATE_QUARANTINED (1ull << 9)
#define RN_STATE_REVOKED (1ull << 10)
#define RN_STATE_LOCAL (1ull << 11)    /* this host itself */
#define RN_STATE_ATTACHED (1ull << 12) /* hub: a device whose WireGuard ends here; node: reached through its hub */
#define RN_STATE_REMOTE (1ull << 13)   /* hub: a device behind another hub, whose peer (mesh.h) is in bits 16 to 31 */
#define RN_STATE_PEER_SHIFT 16
#define RN_STATE_PEER(state) ((__u32)((state) >> 16) & 0xffff)
#define RN_STATE_BEHIND(peer) ((__u64)(peer) << RN_STATE_PEER_SHIFT | RN_STATE_REMOTE)
#define RN_STATE_INCARNATION_SHIFT 32 /* upper half: counts up each time an index is given to another device */

/* rn_devices[index], index 1..RN_DEVICES_MAX-1. An index never changes its meaning while its state is PRESENT. */
struct rn_device {
	__u64 state;
	__u32 number;	       /* the gateway's device number */
	__u32 identity_slot;   /* index into a half of rn_identities */
	__u32 identity_number; /* the gateway's identity number */
	__u32 owner;	       /* the gateway's user number; 0: nobody, which equals nobody */
	__u64 version;	       /* of the signed record that this came from */
	__u8 wireguard_key[32];
};
_Static_assert(sizeof(struct rn_device) == 64, "rn_device");

/*
 * The rules of a policy, by sides. A *side* is what a rule says of one of its two ends; those that say the same are
 * one, numbered from 1, sources and destinations apart. An identity knows which it is on, so a flow's rules are those
 * whose source is one of its source's and whose destination is one of its destination's. Where numbers below point past
 * an array's end, the judgement is INTERNAL.
 */

/*
 * rn_identities[half * RN_IDENTITIES_MAX + slot]: where in rn_lists its sides are, one identity's right behind
 * another's. `destinations` is a set: each is in one of RN_PROBES places from rn_side_place() on, and past the last
 * comes the first; 0 is a free place.
 */
struct rn_identity {
	__u64 mask; /* rn_side_bit() of each destination */
	__u32 sources;
	__u32 source_count;
	__u32 destinations;
	__u32 places; /* a power of two, or 0 */
	__u64 reserved;
};
_Static_assert(sizeof(struct rn_identity) == 32, "rn_identity");

/* rn_lists[half * RN_LISTS_MAX + n / RN_LIST_SIDES].side[n % RN_LIST_SIDES] */
struct rn_list {
	__u32 side[RN_LIST_SIDES];
};
_Static_assert(sizeof(struct rn_list) == 64, "rn_list");

/* rn_sides[half * RN_SIDES_MAX + source side]: the destinations that there are rules to: a set in rn_pairs, as above.
 */
struct rn_side {
	__u64 mask;
	__u32 pairs;
	__u32 places;
};
_Static_assert(sizeof(struct rn_side) == 16, "rn_side");

/* rn_pairs[half * RN_PAIRS_MAX + n]: the rules from one side to another, in order of precedence. */
struct rn_side_pair {
	__u32 destination; /* 0: a free place */
	__u32 candidates;  /* the first */
	__u32 count;
	__u32 reserved;
};
_Static_assert(sizeof(struct rn_side_pair) == 16, "rn_side_pair");

#define RN_TCP 1u /* bits of `protocols` */
#define RN_UDP 2u
#define RN_ECHO4 4u
#define RN_ECHO6 8u

#define RN_RULE_DENY 1u
#define RN_RULE_SAME_OWNER 2u
#define RN_RULE_TIMED 4u /* its times are in rn_rules */
#define RN_RULE_OBSERVE 8u
#define RN_RULE_LOG 16u

/* rn_candidates[half * RN_CANDIDATES_MAX + n]: one rule for some protocols and a range of destination ports. */
struct rn_candidate {
	__u32 rule; /* index: deny rules come before allow rules, and the lower decides */
	__u16 first;
	__u16 last;
	__u8 protocols;
	__u8 flags; /* RN_RULE_* */
	__u8 minimum_trust;
	__u8 minimum_destination_trust;
	__u32 reserved;
};
_Static_assert(sizeof(struct rn_candidate) == 16, "rn_candidate");

/* rn_rules[half * RN_RULES_MAX + n] */
struct rn_rule {
	__u32 number;	/* of the rule in the signed policy record, from 1 */
	__u32 schedule; /* from 1; 0: always */
	__s64 from;	/* Unix seconds, from <= t < until; 0: no bound */
	__s64 until;
};
_Static_assert(sizeof(struct rn_rule) == 24, "rn_rule");

/* rn_openings[half * RN_OPENINGS_MAX + n]: windows of schedules, each schedule's ascending and apart. */
struct rn_opening {
	__s64 from; /* Unix seconds, from <= t < until */
	__s64 until;
};

/*
 * Whom the rules of a half concern: a device that is on one of these sets of selectors. kern reads it after a restart,
 * since the numbers of the sides depend on it; BPF never does.
 */
struct rn_narrowed {
	__u32 whole; /* not 0: everybody, all rules are there (a hub) */
	__u32 sets;  /* 0 and not whole: nobody, there are no rules */
	struct {
		__u32 count;
		__u32 selectors[RN_SELECTORS_MAX]; /* ascending */
	} set[RN_NARROWED_SETS];
};
_Static_assert(sizeof(struct rn_narrowed) == 272, "rn_narrowed");

/* rn_policy[half]: the rest of one policy. */
struct rn_policy {
	__u64 version; /* of the signed policy record */
	__u32 rules;   /* compiled rules in use here */
	__u32 reserved;
	struct {
		__u32 openings; /* the first */
		__u32 count;
	} schedules[RN_SCHEDULES_MAX];
	struct rn_narrowed narrowed;
};
_Static_assert(sizeof(struct rn_policy) == 800, "rn_policy");

static inline __u32 rn_side_bit(__u32 side)
{
	return (side * 0x9e3779b1u) >> 26;
}

/* Of `places`, a power of two. */
static inline __u32 rn_side_place(__u32 side, __u32 places)
{
	side *= 0x85ebca6bu;
	return (side ^ side >> 15) & (places - 1);
}

#ifndef __bpf__
/* One policy as kern writes it into a half. */
struct rn_policy_arrays {
	struct rn_policy policy;
	struct rn_rule *rules; /* policy.rules of them */
	struct rn_side *sides; /* side_count of them, number 0 first */
	struct rn_side_pair *pairs;
	struct rn_candidate *candidates;
	struct rn_opening *openings;
	__u32 side_count, pair_count, candidate_count, opening_count;
};
/* The sides of one identity, for rn_lists from wherever there is room. */
struct rn_identity_lists {
	struct rn_identity at; /* numbers count from the first of these */
	__u32 *sides;
	__u32 count;
};
#endif

/*
 * A flow, the same key for both directions: the end with the smaller address (memcmp) is lo. For TCP and UDP the ports
 * are the ends' ports; equal addresses are never a flow. For echo, the requester's port is the identifier, the other
 * end's is 0, and echo_from_hi says which end asks, so a request never rides on the other side's echo.
 */
struct rn_flow_key {
	struct rn_addr lo;
	struct rn_addr hi;
	__be16 lo_port;
	__be16 hi_port;
	__u8 protocol; /* IPPROTO_TCP, _UDP, _ICMP or _ICMPV6 */
	__u8 echo_from_hi;
	__u16 reserved;
};
_Static_assert(sizeof(struct rn_flow_key) == 40, "rn_flow_key");

#define RN_FLOW_REPLIED 1u /* a packet from the responder has passed */
#define RN_FLOW_FIN_ORIGIN 2u
#define RN_FLOW_FIN_RESPONDER 4u
#define RN_FLOW_RST 8u

/* What protocol and flags make of a flow; each has its idle time. */
enum rn_flow_phase {
	RN_FLOW_TCP_OPENING,
	RN_FLOW_TCP_ESTABLISHED,
	RN_FLOW_TCP_CLOSED, /* RST, or FIN from both ends */
	RN_FLOW_UDP_OPENING,
	RN_FLOW_UDP_ESTABLISHED,
	RN_FLOW_ICMP,
};

/*
 * The judgement (up to `from_hi`) is only ever replaced whole, see rn_flow_slot. What follows it is counted in place.
 */
struct rn_flow {
	__u64 generation;   /* judged under this policy */
	__u64 source_state; /* and these device states; source is the originator */
	__u64 destination_state;
	__s64 since_ns; /* and while since_ns <= CLOCK_REALTIME < until_ns */
	__s64 until_ns;
	__u32 source; /* device indices */
	__u32 destination;
	__u32 identity;	  /* of the source: the number that it was judged as */
	__u32 peer;	  /* the hub whose frames say so; 0: none, the source is a device of this host's */
	__u32 rule;	  /* number of the deciding rule, 0: none */
	__u32 observed;	  /* number of the observed rule that would have decided, 0: none */
	__u8 trust;	  /* of the source: as the frame says; peer 0: as its state says */
	__u8 reason;	  /* enum rn_reason; RN_ALLOWED passes */
	__u8 from_hi;	  /* the originator is the key's hi end */
	__u8 phase;	  /* enum rn_flow_phase, of protocol and flags */
	__u32 flags;	  /* RN_FLOW_* */
	__u64 created_ns; /* CLOCK_BOOTTIME */
	__u64 seen_ns;
	__u64 packets[2]; /* passed: [0] from the originator, [1] from the responder */
	__u64 bytes[2];	  /* inner IP bytes */
	__u64 dropped;	  /* packets dropped, both directions */
};
_Static_assert(sizeof(struct rn_flow) == 128, "rn_flow");
#define RN_NEVER_NS 0x7fffffffffffffffll /* until_ns: for good; since_ns: its negative */

/*
 * A place in the flow table. key and judgement are written under the set's lock and read without it: turn is odd while
 * they are written and afterwards another than before, so whoever finds the same even turn before and after reading has
 * read what belongs together. Its upper half counts the flows that have had the place, its lower half the writings.
 */
struct rn_flow_slot {
	struct rn_flow_key key;
	__u64 turn;
	struct rn_flow flow;
};
_Static_assert(sizeof(struct rn_flow_slot) == 176, "rn_flow_slot");

/* rn_flows[hash of the key and flow_secret]: the places that a flow can be in. Only BPF writes it. */
struct rn_flow_set {
#ifdef __bpf__
	struct bpf_spin_lock lock;
#else
	__u32 lock; /* BPF_F_LOCK takes it */
#endif
	__u32 reserved;
	__u16 tag[RN_FLOW_WAYS]; /* of the hash; 0: nobody has ever had the place */
	struct rn_flow_slot slot[RN_FLOW_WAYS];
};
_Static_assert(sizeof(struct rn_flow_set) == 1432, "rn_flow_set");

/* rn_flow_used[0]: bit n is set where set n may have entries. A bit is never cleared. */
struct rn_flow_used {
	__u64 word[RN_FLOW_SETS / 64];
};

/* rn_counters[direction * RN_REASON_COUNT + reason], per CPU; direction 0: from rn0 (ingress), 1: to rn0 (egress). */
struct rn_counter {
	__u64 packets;
	__u64 bytes;
};

/* rn_lost, per CPU u64 */
enum rn_lost {
	RN_LOST_EVENTS, /* events that found the ring full or the rate used up */
	RN_LOST_FLOWS,	/* flows that had to give their place to another before their time */
	RN_LOST_COUNT
};

#endif
