/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_MAPS_H
#define RN_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/events.h"
#include "abi/maps.h"
#include "abi/verdict.h"

/*
 * What kern writes is mapped into it (BPF_F_MMAPABLE), so that a change of the generation, of the lease or of a
 * device's state is one aligned store. See include/abi/maps.h for keys and values.
 */
#define RN_ARRAY(name, value_type, entries)                                                                            \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(map_flags, BPF_F_MMAPABLE);                                                                     \
		__uint(max_entries, entries);                                                                          \
		__type(key, __u32);                                                                                    \
		__type(value, value_type);                                                                             \
	} name SEC(".maps")

#define RN_PERCPU(name, value_type, entries)                                                                           \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                               \
		__uint(max_entries, entries);                                                                          \
		__type(key, __u32);                                                                                    \
		__type(value, value_type);                                                                             \
	} name SEC(".maps")

RN_ARRAY(rn_config, struct rn_config, 1);
RN_ARRAY(rn_meta, struct rn_meta, 1);
RN_ARRAY(rn_devices, struct rn_device, RN_DEVICES_MAX);
RN_ARRAY(rn_policy, struct rn_policy, 2);
RN_ARRAY(rn_identities, struct rn_identity, 2 * RN_IDENTITIES_MAX);
/* kern makes these smaller on a node (rn_policy_shift). */
RN_ARRAY(rn_lists, struct rn_list, 2 * RN_LISTS_MAX);
RN_ARRAY(rn_sides, struct rn_side, 2 * RN_SIDES_MAX);
RN_ARRAY(rn_pairs, struct rn_side_pair, 2 * RN_PAIRS_MAX);
RN_ARRAY(rn_candidates, struct rn_candidate, 2 * RN_CANDIDATES_MAX);
RN_ARRAY(rn_rules, struct rn_rule, 2 * RN_RULES_MAX);
RN_ARRAY(rn_openings, struct rn_opening, 2 * RN_OPENINGS_MAX);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RN_ADDRESSES_MAX);
	__type(key, struct rn_addr);
	__type(value, __u32);
} rn_addresses SEC(".maps");

/* Has a lock, so it cannot be mapped: kern reads with BPF_F_LOCK. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RN_FLOW_SETS);
	__type(key, __u32);
	__type(value, struct rn_flow_set);
} rn_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rn_flow_used);
} rn_flow_used SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RN_EVENT_RING_BYTES);
} rn_events SEC(".maps");

RN_PERCPU(rn_counters, struct rn_counter, 2 * RN_REASON_COUNT);
RN_PERCPU(rn_lost, __u64, RN_LOST_COUNT);

/* Events sent in the second that began at start_ns; not pinned. */
struct rn_rate {
	__u64 start_ns;
	__u64 used;
};
RN_PERCPU(rn_rates, struct rn_rate, 1);

/* The search for a judgement's rules, between its steps (walk.h); not pinned. */
struct rn_walk {
	__u64 mask;	 /* of the destination */
	__u64 side_mask; /* of the source side that is looked at */
	__s64 time;	 /* Unix seconds */
	__s64 since;	 /* the judgement holds while since <= time < until */
	__s64 until;
	__u32 half;
	__u32 source; /* the next, and the end, in rn_lists */
	__u32 source_end;
	__u32 destinations;
	__u32 destination_places;
	__u32 pairs; /* of the source side, and how many */
	__u32 pair_places;
	__u32 place; /* the next, and the end, of those or of the destination's */
	__u32 places;
	__u32 over;	 /* the destination's */
	__u32 candidate; /* the next, and the end */
	__u32 candidate_end;
	__u32 best[4]; /* by enum rn_finding: the lowest rule */
	__u8 best_flags[4];
	__u16 port;
	__u8 protocol; /* RN_TCP ... */
	__u8 same_owner;
	__u8 trust;
	__u8 destination_trust;
	__u8 broken;
	__u8 reserved;
};
RN_PERCPU(rn_walks, struct rn_walk, 1);

#endif
