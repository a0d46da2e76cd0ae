/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_EVENTS_H
#define RN_SERVICE_CORE_EVENTS_H

#include "service/core.h"
#include "service/core_ledger.h"

/* The last flow events, with names as they were when the events arrived. */
struct rn_event_ring;

struct rn_event_ring *rn_event_ring_new(unsigned places); /* at most RN_CORE_EVENTS_MAX; NULL: out of memory */
void rn_event_ring_free(struct rn_event_ring *ring);

/* Appends what a host reported: events are struct rn_event back to back, with Unix times; a torn end is ignored. */
void rn_event_ring_add(struct rn_event_ring *ring, const struct rn_ledger *ledger, uint32_t reporter,
		       const uint8_t *events, size_t size);
/* A reporter's count of lost events, since its start, rose by `more`. */
void rn_event_ring_lost(struct rn_event_ring *ring, uint64_t more);
/* As rn_core_events. */
uint64_t rn_event_ring_read(const struct rn_event_ring *ring, uint64_t after, unsigned max,
			    void (*each)(void *context, const struct rn_core_event *), void *context,
			    uint64_t *ret_lost);

#endif
