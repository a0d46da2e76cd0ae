/* SPDX-License-Identifier: Apache-2.0 */
#include "service/telemetry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "sys/datapath_mesh.h"

#define NS 1000000000ull
#define FLOW_PIECE ((RN_LOCAL_SIZE_MAX - 64) / sizeof(struct rn_local_flow))
#define RECOUNT_NS (10 * NS) /* a large table is not walked more often for its size alone */
#define SMALL_TABLE 2048u

_Static_assert(sizeof(struct rn_local_flow) == 184, "no padding: it is sent as it is");

struct rn_telemetry {
	struct rn_datapath *dp;
	struct rn_event batch[RN_EVENT_BATCH];
	unsigned batched;
	uint64_t dropped;
	int64_t offset_ns; /* Unix time less boot time */
	rn_telemetry_send *send;
	void *context;
	struct rn_local_flow *flows;
	size_t flow_count, flow_room, flow_at;
	uint32_t flows_id;
	bool flows_active;
	uint64_t counted, counted_at_ns;
	uint8_t counters[RN_DATAPATH_COUNTERS * 2 * sizeof(uint64_t)];
	uint8_t frames[RN_DATAPATH_FRAMES * sizeof(uint64_t)];
};

struct rn_telemetry *rn_telemetry_new(struct rn_datapath *dp)
{
	struct rn_telemetry *t = calloc(1, sizeof(*t));

	if (t)
		t->dp = dp;
	return t;
}

void rn_telemetry_free(struct rn_telemetry *t)
{
	if (!t)
		return;
	free(t->flows);
	free(t);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

static void set_offset(struct rn_telemetry *t)
{
	t->offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

uint64_t rn_telemetry_lost(const struct rn_telemetry *t)
{
	uint64_t lost = 0;

	rn_datapath_lost(t->dp, &lost);
	return lost + t->dropped;
}

void rn_telemetry_flush(struct rn_telemetry *t, rn_telemetry_send *send, void *context)
{
	struct rn_local message = {
	    .type = RN_LOCAL_KERN_EVENTS,
	    .block = (const uint8_t *)t->batch,
	    .block_size = t->batched * sizeof(t->batch[0]),
	};

	if (!t->batched)
		return;
	message.version = rn_telemetry_lost(t);
	if (send(context, &message) < 0)
		t->dropped += t->batched;
	t->batched = 0;
}

static void take_event(void *context, const struct rn_event *event)
{
	struct rn_telemetry *t = context;

	if (t->batched == RN_EVENT_BATCH)
		rn_telemetry_flush(t, t->send, t->context);
	t->batch[t->batched] = *event;
	t->batch[t->batched++].time_ns += t->offset_ns;
}

void rn_telemetry_collect(struct rn_telemetry *t, rn_telemetry_send *send, void *context)
{
	set_offset(t);
	t->send = send;
	t->context = context;
	rn_datapath_events(t->dp, take_event, t);
}

bool rn_telemetry_pending(const struct rn_telemetry *t)
{
	return t->batched;
}

static bool copy_flow(void *context, const struct rn_flow_key *key, const struct rn_flow *flow)
{
	struct rn_telemetry *t = context;
	struct rn_device source = {0}, destination = {0};
	struct rn_local_flow *out;

	if (t->flow_count == t->flow_room) {
		size_t room = t->flow_room ? t->flow_room * 2 : 256;
		struct rn_local_flow *more = realloc(t->flows, room * sizeof(*more));

		if (!more)
			return false;
		t->flows = more;
		t->flow_room = room;
	}
	rn_datapath_device(t->dp, flow->source, &source);
	rn_datapath_device(t->dp, flow->destination, &destination);
	out = &t->flows[t->flow_count++];
	*out = (struct rn_local_flow){
	    .key = *key,
	    .flow = *flow,
	    .source_number = source.number,
	    .destination_number = destination.number,
	    .source_identity = source.identity_number,
	    .destination_identity = destination.identity_number,
	};
	out->flow.created_ns += t->offset_ns;
	out->flow.seen_ns += t->offset_ns;
	return t->flow_count < RN_FLOWS_MAX;
}

int rn_telemetry_flows_begin(struct rn_telemetry *t, uint32_t id)
{
	int r;

	rn_telemetry_flows_end(t);
	set_offset(t);
	r = rn_datapath_flows(t->dp, copy_flow, t);
	if (r < 0) {
		rn_telemetry_flows_end(t);
		return r;
	}
	t->flows_id = id;
	t->flows_active = true;
	return 0;
}

int rn_telemetry_flows_pump(struct rn_telemetry *t, rn_telemetry_send *send, void *context)
{
	while (t->flows_active) {
		size_t left = t->flow_count - t->flow_at;
		size_t count = left < FLOW_PIECE ? left : FLOW_PIECE;
		struct rn_local message = {
		    .type = RN_LOCAL_KERN_FLOWS,
		    .number = t->flows_id,
		    .role = count < left,
		    .block = (const uint8_t *)(t->flows + t->flow_at),
		    .block_size = count * sizeof(t->flows[0]),
		};
		int r = send(context, &message);

		if (r < 0)
			return r;
		t->flow_at += count;
		if (!message.role)
			rn_telemetry_flows_end(t);
	}
	return 0;
}

bool rn_telemetry_flows_active(const struct rn_telemetry *t)
{
	return t->flows_active;
}

void rn_telemetry_flows_end(struct rn_telemetry *t)
{
	free(t->flows);
	t->flows = NULL;
	t->flow_count = t->flow_room = t->flow_at = 0;
	t->flows_active = false;
}

static bool count_flow(void *context, const struct rn_flow_key *key, const struct rn_flow *flow)
{
	(void)key;
	(void)flow;
	++*(uint64_t *)context;
	return true;
}

static void count_flows(struct rn_telemetry *t)
{
	uint64_t count = 0, now = clock_ns(CLOCK_BOOTTIME);

	if (t->counted > SMALL_TABLE && now - t->counted_at_ns < RECOUNT_NS)
		return;
	if (rn_datapath_flows(t->dp, count_flow, &count) == 0)
		t->counted = count;
	t->counted_at_ns = now;
}

/* Of a hub's frames; a node has none. */
static void count_frames(struct rn_telemetry *t, struct rn_local_status *status)
{
	uint64_t frames[RN_DATAPATH_FRAMES];
	struct rn_writer w = rn_writer(t->frames, sizeof(t->frames));
	struct rn_config config;

	rn_datapath_config(t->dp, &config);
	status->frames = t->frames;
	if (config.role != RN_ROLE_HUB || rn_datapath_frames(t->dp, frames) < 0)
		return;
	for (unsigned i = 0; i < RN_DATAPATH_FRAMES; i++)
		rn_write_u64(&w, frames[i]);
	status->frames_size = w.at;
}

void rn_telemetry_status(struct rn_telemetry *t, struct rn_local_status *status)
{
	struct rn_counter counters[RN_DATAPATH_COUNTERS] = {0};
	struct rn_writer w = rn_writer(t->counters, sizeof(t->counters));

	rn_datapath_counters(t->dp, counters);
	for (unsigned i = 0; i < RN_DATAPATH_COUNTERS; i++) {
		rn_write_u64(&w, counters[i].packets);
		rn_write_u64(&w, counters[i].bytes);
	}
	count_flows(t);
	count_frames(t, status);
	status->counters = t->counters;
	status->counters_size = sizeof(t->counters);
	status->flows = t->counted;
	status->lost = rn_telemetry_lost(t);
}
