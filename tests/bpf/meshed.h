/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_MESHED_H
#define RN_TESTS_BPF_MESHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/mesh.h"

#define MESHED_PACKET_MAX 4096u

enum { MESHED_IN, MESHED_OUT };

/* The programs of bpf/tc_mesh.bpf.c with maps of their own. What goes wrong in a sound test ends the program. */
struct meshed {
	struct rn_mesh_self *self; /* the arrays as memory */
	struct rn_mesh_addresses *hubs;
	struct tc_mesh *skeleton;
	unsigned cpus;
	uint64_t seen[2 * RN_MESH_REASON_COUNT];
};
void meshed_open(struct meshed *m, uint32_t l2_length);
void meshed_close(struct meshed *m);
void meshed_peer(struct meshed *m, const struct rn_addr *source, uint32_t peer); /* 0 is written as any other */
void meshed_peer_remove(struct meshed *m, const struct rn_addr *source);
void meshed_behind(struct meshed *m, uint32_t peer, uint32_t identity, uint32_t slot);
void meshed_behind_remove(struct meshed *m, uint32_t peer, uint32_t identity);
void meshed_way(struct meshed *m, uint32_t peer, uint32_t identity, uint32_t trust); /* of what goes out */
/* What rn_mesh_in read of the last frame that passed. */
struct meshed_last {
	uint32_t peer, identity, trust, slot;
};
struct meshed_last meshed_last(const struct meshed *m);
int meshed_program(const struct meshed *m, int direction); /* file descriptor */
/* Packets with that outcome so far, on all CPUs. */
uint64_t meshed_count(const struct meshed *m, int direction, enum rn_mesh_reason reason);
const char *meshed_reason(unsigned reason);

struct meshed_run {
	const uint8_t *packet;
	size_t size;
	uint16_t ethertype; /* 0: by the first nibble */
	uint32_t gso_size;
	int action; /* afterwards, as all that follows */
	size_t out_size;
	uint8_t out[MESHED_PACKET_MAX];
};
/* One test run; which counter went up by one, alone. -EINVAL: the kernel makes no such packet. */
int meshed_send(struct meshed *m, int direction, struct meshed_run *run);

#endif
