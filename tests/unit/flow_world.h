/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_UNIT_FLOW_WORLD_H
#define RN_TESTS_UNIT_FLOW_WORLD_H

#include "abi/events.h"
#include "abi/verdict.h"
#include "core_world.h"

/*
 * A world that records flows: gw (the gateway), and behind hub: laptop and server, which are alice's, phone bob's,
 * thing nobody's. flow_world_text is in force: rule 1 is "web", rule 2 "ssh".
 */
extern const char flow_world_text[];
int flow_world_setup(void **state);
int flow_world_teardown(void **state);

void flow_world_client(struct world *w, const char *name, const char *owner, uint8_t key);
void flow_world_policy(struct world *w, const char *text);
const struct rn_device_record *flow_world_device(struct world *w, const char *name);
struct rn_event flow_world_event(struct world *w, const char *from, const char *to, uint8_t protocol, uint16_t port,
				 enum rn_reason reason, uint32_t rule);
/* The kern of a host tells; lost: all that it ever lost. */
void flow_world_tell_lost(struct world *w, unsigned host, const struct rn_event *e, uint64_t lost);
void flow_world_tell(struct world *w, unsigned host, struct rn_event e);
/* Flows of one kind that the hub tells of; port 0: echo. */
void flow_world_flows(struct world *w, unsigned count, const char *from, const char *to, uint16_t port,
		      enum rn_reason reason, uint32_t rule);

#endif
