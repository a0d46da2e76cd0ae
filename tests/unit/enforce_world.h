/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENFORCE_WORLD_H
#define ENFORCE_WORLD_H

#include "service/enforce.h"
#include "tests/support/mesh_tables.h"

/* A hub's kern without a kernel: service/enforce over a datapath that is memory. */
#define SELF 1

struct hub {
	struct rn_datapath *dp;
	struct rn_enforce *enforce;
	bool node; /* it is none, but a device that has this kern */
};

extern struct mesh_tables mesh;

void *zeros(size_t count, size_t size);
int enforce_setup(void **state);
int enforce_setup_node(void **state);
int enforce_teardown(void **state);
/* kern is killed and starts again: the maps are what it remembers. */
void restart(struct hub *h);
struct rn_device_record device(uint32_t number, uint32_t identity, uint32_t flags); /* of this hub */
int give(struct hub *h, uint64_t version, struct rn_device_record d);
void policy(struct hub *h, uint64_t version);	   /* without rules */
uint64_t state_of(struct hub *h, uint32_t number); /* what a packet of the device finds; 0: nobody */
bool gets_through(struct hub *h, uint32_t number);
/* The half in use, and the lists of the slot's identity in it, as tests/support/tables.h reads them. */
struct rn_policy_arrays world_half(const struct hub *h, struct rn_identity_lists *ret, uint32_t slot);
extern void (*world_watch)(void);	     /* NULL, or called between kern's writings */
void nobody(void *context, uint32_t number); /* for sync_end */

#endif
