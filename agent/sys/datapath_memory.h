/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_DATAPATH_MEMORY_H
#define RN_SYS_DATAPATH_MEMORY_H

#include "sys/datapath.h"

/*
 * Between the two files of the datapath: datapath.c has libbpf, files and sockets, datapath_memory.c the stores into
 * the mapped arrays. Nobody else includes this.
 */
struct tc_overlay;
struct ring_buffer;

enum rn_memory_part {
	RN_MEMORY_CONFIG,
	RN_MEMORY_META,
	RN_MEMORY_DEVICES,
	RN_MEMORY_IDENTITIES,
	RN_MEMORY_PORTS,
	RN_MEMORY_SERVICES,
	RN_MEMORY_TRUST,
	RN_MEMORY_POLICY,
	RN_MEMORY_RULES,
	RN_MEMORY_COUNT
};

struct rn_memory {
	void *data;
	size_t size;
};

struct rn_datapath {
	struct tc_overlay *skeleton;
	struct ring_buffer *ring;
	struct rn_memory memory[RN_MEMORY_COUNT]; /* the arrays that kern writes, mapped */
	struct rn_config *config;		  /* ... and the same by their types */
	struct rn_meta *meta;
	struct rn_device *devices;
	struct rn_identity *identities;
	struct rn_ports *ports;
	struct rn_rule_set *services, *trust;
	struct rn_policy *policy;
	struct rn_rule *rules;
	struct rn_flow_key *batch_keys;
	struct rn_flow *batch_flows;
	struct rn_counter *cpu_counters; /* one for each possible CPU */
	uint64_t *cpu_lost;
	unsigned cpus;
	uint32_t ingress_id, egress_id; /* of the programs */
	void (*each_event)(void *context, const struct rn_event *event);
	void *each_context;
};

/* New maps: takes *want and the role; the schema comes last, until then the maps count as unfinished. */
void rn_datapath_begin(struct rn_datapath *dp, const struct rn_meta *want);
bool rn_datapath_index_valid(uint32_t index);
/* Whatever was judged for the index is judged again. Index 0 or past the end: nothing. */
void rn_datapath_count_up(struct rn_datapath *dp, uint32_t index);

#endif
