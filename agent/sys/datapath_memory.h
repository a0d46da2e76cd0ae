/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_DATAPATH_MEMORY_H
#define RN_SYS_DATAPATH_MEMORY_H

#include "sys/datapath.h"

/*
 * Between the files of the datapath: datapath.c has libbpf and files, datapath_filter.c the interfaces, datapath_mesh.c
 * hubs, datapath_map.c maps the arrays into this process, datapath_memory.c stores into them. Nobody else includes
 * this.
 */
struct ring_buffer;

/* Everything of the kernel's that is held open. */
enum rn_datapath_fd {
	RN_FD_CONFIG,
	RN_FD_META,
	RN_FD_DEVICES,
	RN_FD_POLICY,
	RN_FD_IDENTITIES, /* these are mapped by halves */
	RN_FD_LISTS,
	RN_FD_SIDES,
	RN_FD_PAIRS,
	RN_FD_CANDIDATES,
	RN_FD_RULES,
	RN_FD_OPENINGS,
	RN_FD_ADDRESSES,
	RN_FD_FLOWS,
	RN_FD_FLOW_USED,
	RN_FD_COUNTERS,
	RN_FD_LOST,
	RN_FD_EVENTS,
	RN_FD_MESH_SELF,
	RN_FD_MESH_HUBS,
	RN_FD_MESH_PEERS,
	RN_FD_BEHIND,
	RN_FD_FRAMES,
	RN_FD_INGRESS,
	RN_FD_EGRESS,
	RN_FD_MESH_INGRESS,
	RN_FD_MESH_EGRESS,
	RN_FD_COUNT
};

/*
 * A mapped page of an array counts as this process's memory whether it is used or not. So the small arrays are mapped
 * for good, rn_devices by windows as its indices come into use, and the large ones of a policy only while it is
 * written.
 */
#define RN_WINDOW_DEVICES 1024u /* 64 KiB: a multiple of every page size */
#define RN_WINDOWS (RN_DEVICES_MAX / RN_WINDOW_DEVICES)

/* One half of the arrays of a policy. */
struct rn_datapath_half {
	struct rn_identity *identities; /* NULL: none is open */
	struct rn_list *lists;
	struct rn_side *sides;
	struct rn_side_pair *pairs;
	struct rn_candidate *candidates;
	struct rn_rule *rules;
	struct rn_opening *openings;
};

struct rn_datapath {
	struct ring_buffer *ring;
	int fd[RN_FD_COUNT];
	struct rn_config *config; /* mapped; NULL: not */
	struct rn_meta *meta;
	struct rn_policy *policy;
	unsigned shift;		      /* of the sizes of a policy's arrays: RN_NODE_SHIFT on a node */
	struct rn_device *devices;    /* RN_DEVICES_MAX, of which those of open windows are there */
	bool window[RN_WINDOWS];      /* open */
	uint32_t identities_end[2];   /* of each half: from here on all is zero */
	uint32_t sides_end[2];	      /* in the lists: from here on nothing is used */
	struct rn_datapath_half open; /* of the half `open_half` */
	unsigned open_half;
	struct rn_counter *cpu_counters; /* one for each possible CPU */
	uint64_t *cpu_lost;
	unsigned cpus;
	uint32_t ingress_id, egress_id, mesh_ingress_id, mesh_egress_id; /* of the programs */
	void (*each_event)(void *context, const struct rn_event *event);
	void *each_context;
};

/* datapath_map.c: 0 or -errno; after a failure rn_datapath_unmap. */
int rn_datapath_map(struct rn_datapath *dp);
void rn_datapath_unmap(struct rn_datapath *dp);
int rn_datapath_window(struct rn_datapath *dp, uint32_t index); /* makes devices[index] writable */
/* Opens the arrays of a half, or nothing of them; what is open already stays so. */
int rn_datapath_half_open(struct rn_datapath *dp, unsigned half);
void rn_datapath_half_close(struct rn_datapath *dp);

/* datapath_memory.c */
/* New maps: takes *want and the role; the schema comes last, until then the maps count as unfinished. */
void rn_datapath_begin(struct rn_datapath *dp, const struct rn_meta *want);
bool rn_datapath_index_valid(uint32_t index);
/* After a restart: where what is used of the halves ends. 0 or -errno. */
int rn_datapath_find_ends(struct rn_datapath *dp);
/* As rn_datapath_policy_write, into the half in use too: of a datapath that judges nothing meanwhile. */
int rn_datapath_half_write(struct rn_datapath *dp, unsigned half, const struct rn_policy_arrays *policy);
/* Whatever was judged for the index is judged again. Index 0, past the end or never set: nothing. */
void rn_datapath_count_up(struct rn_datapath *dp, uint32_t index);
void rn_datapath_count_up_behind(struct rn_datapath *dp, uint32_t peer); /* of every device behind that hub */

#endif
