/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_DOOR_H
#define RN_TESTS_BPF_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"
#include "sys/datapath.h"
#include "tunnel.h"

/* A hub of two devices on a tunnel, through the production path (sys/datapath): what test_attach.c plays on. */
enum { HUB = 1, LAPTOP, SERVER };
#define DOOR_SELF 4711u

struct door {
	struct tunnel host;
	struct rn_datapath *dp;
};
extern struct door door;
extern const struct rn_meta door_meta;

/* What the callbacks below have seen: how many, and the last. */
struct door_seen {
	unsigned flows, events;
	struct rn_flow_key key;
	struct rn_flow flow;
	struct rn_event event;
};

uint64_t door_now(void);		     /* CLOCK_BOOTTIME */
struct rn_datapath *door_open(bool adopted); /* fails the test where it is otherwise */
void door_attach(void);
void door_fill(void);		       /* devices, addresses, lease, MTU */
void door_policy(uint64_t generation); /* everybody may send everybody UDP 53 and TCP 80 */
struct packet door_udp(int source, int destination, bool v6, uint16_t port);
/* Sends it in; it is counted under reason and leaves only where that is ALLOWED. */
void door_expect(const struct packet *p, enum rn_reason reason);
uint64_t door_count(int direction, enum rn_reason reason);
uint64_t door_count_all(int direction);
bool door_see_flow(void *context, const struct rn_flow_key *key, const struct rn_flow *flow);
void door_see_event(void *context, const struct rn_event *event);
void door_clear_flows(void); /* while no packet is on its way */

#endif
