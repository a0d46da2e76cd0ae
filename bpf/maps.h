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
RN_ARRAY(rn_identities, struct rn_identity, 2 * RN_IDENTITIES_MAX);
RN_ARRAY(rn_ports, struct rn_ports, 4 * RN_PORT_BLOCKS);
RN_ARRAY(rn_services, struct rn_rule_set, 2 * RN_SERVICES_MAX);
RN_ARRAY(rn_trust, struct rn_rule_set, 2 * (RN_TRUST_MAX + 1));
RN_ARRAY(rn_policy, struct rn_policy, 2);
RN_ARRAY(rn_rules, struct rn_rule, 2 * RN_RULES_MAX);

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

#endif
