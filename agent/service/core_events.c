/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rn_event_ring {
	uint64_t serial; /* of the newest; 0: none yet */
	uint64_t lost;
	unsigned places;
	struct rn_core_event events[];
};

struct rn_event_ring *rn_event_ring_new(unsigned places)
{
	struct rn_event_ring *ring = calloc(1, sizeof(*ring) + places * sizeof(ring->events[0]));

	if (ring)
		ring->places = places;
	return ring;
}

void rn_event_ring_free(struct rn_event_ring *ring)
{
	free(ring);
}

static void name(const struct rn_ledger *ledger, uint32_t number, char out[RN_NAME_MAX + 1])
{
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, number);
	snprintf(out, RN_NAME_MAX + 1, "%s", entry ? entry->record.name : "");
}

static uint32_t hub_of(const struct rn_ledger *ledger, uint32_t number)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, number);
	return entry ? entry->record.hub : 0;
}

void rn_event_ring_add(struct rn_event_ring *ring, const struct rn_ledger *ledger, uint32_t reporter,
		       const uint8_t *events, size_t size)
{
	for (; size >= sizeof(struct rn_event); events += sizeof(struct rn_event), size -= sizeof(struct rn_event)) {
		struct rn_core_event *e = &ring->events[++ring->serial % ring->places];
		e->serial = ring->serial;
		memcpy(&e->event, events, sizeof(e->event));
		name(ledger, reporter, e->reporter);
		name(ledger, e->event.source_number, e->source);
		name(ledger, e->event.destination_number, e->destination);
		e->source_hub = hub_of(ledger, e->event.source_number);
		e->destination_hub = hub_of(ledger, e->event.destination_number);
		snprintf(e->rule, sizeof(e->rule), "%s", rn_ledger_rule(ledger, e->event.rule));
		snprintf(e->observed, sizeof(e->observed), "%s", rn_ledger_rule(ledger, e->event.observed));
	}
}

void rn_event_ring_lost(struct rn_event_ring *ring, uint64_t more)
{
	ring->lost += more;
}

uint64_t rn_event_ring_read(const struct rn_event_ring *ring, uint64_t after, unsigned max,
			    void (*each)(void *context, const struct rn_core_event *), void *context,
			    uint64_t *ret_lost)
{
	if (ret_lost)
		*ret_lost = ring->lost;
	/* A serial from before a restart is higher than any of ours: begin with what there is. */
	if (after > ring->serial)
		after = 0;
	if (ring->serial > ring->places && after < ring->serial - ring->places)
		after = ring->serial - ring->places;
	while (after < ring->serial && max--) {
		after++;
		each(context, &ring->events[after % ring->places]);
	}
	return after;
}
