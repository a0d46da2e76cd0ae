/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_EMIT_H
#define RN_BPF_EMIT_H

#include "context.h"

static __always_inline void rn_count(struct rn_context *c, enum rn_reason reason)
{
	__u32 key = c->direction * RN_REASON_COUNT + reason;
	struct rn_counter *counter = bpf_map_lookup_elem(&rn_counters, &key);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += c->packet.bytes;
}

static __always_inline int rn_event_may(__u64 now)
{
	__u32 zero = 0;
	struct rn_rate *rate = bpf_map_lookup_elem(&rn_rates, &zero);

	if (!rate)
		return 0;
	if (now - rate->start_ns >= RN_SECOND_NS) {
		rate->start_ns = now;
		rate->used = 0;
	}
	return rate->used++ < RN_EVENTS_PER_SECOND;
}

static __always_inline void rn_event_fill(struct rn_event *e, const struct rn_context *c)
{
	const struct rn_packet *p = &c->packet;

	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = c->now;
	e->generation = c->generation;
	e->source = c->backward ? p->destination : p->source;
	e->destination = c->backward ? p->source : p->destination;
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) {
		e->source_port = c->backward ? p->destination_port : p->source_port;
		e->destination_port = c->backward ? p->source_port : p->destination_port;
	} else {
		e->source_port = p->source_port | p->destination_port; /* the identifier, whoever sends */
	}
	e->source_number = c->source.number;
	e->destination_number = c->destination.number;
	e->source_identity = c->source.identity_number;
	e->destination_identity = c->destination.identity_number;
	e->rule = c->rule;
	e->bytes = p->bytes;
	e->protocol = p->protocol;
	e->direction = c->direction;
	e->source_trust = c->trust;
	e->flags = c->log ? RN_EVENT_LOG : 0;
	e->observed = c->observed;
}

/* docs/datapath.md 7. */
__noinline int rn_event(struct rn_context *c, enum rn_event_kind kind, enum rn_reason reason)
{
	struct rn_event *e = NULL;
	__u32 events = RN_LOST_EVENTS;
	__u64 *lost;

	if (!c)
		return 0;
	if (rn_event_may(c->now))
		e = bpf_ringbuf_reserve(&rn_events, sizeof(*e), 0);
	if (!e) {
		lost = bpf_map_lookup_elem(&rn_lost, &events);
		if (lost)
			(*lost)++;
		return 0;
	}
	rn_event_fill(e, c);
	e->kind = kind;
	e->reason = reason;
	bpf_ringbuf_submit(e, 0);
	return 1;
}

#endif
