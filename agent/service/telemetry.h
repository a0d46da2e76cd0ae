/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_TELEMETRY_H
#define RN_SERVICE_TELEMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/local.h"
#include "sys/datapath.h"

/* What the datapath has seen, as messages for core: events in batches, the flow table in pieces, counters. */
#define RN_EVENT_BATCH 100u

struct rn_telemetry;
struct rn_telemetry *rn_telemetry_new(struct rn_datapath *dp); /* NULL: out of memory */
void rn_telemetry_free(struct rn_telemetry *t);

/* send: 0, or -errno where core is slow or away. What it does not take is dropped and counted as lost. */
typedef int rn_telemetry_send(void *context, const struct rn_local *message);
/* Reads the ring; sends each batch as it fills. */
void rn_telemetry_collect(struct rn_telemetry *t, rn_telemetry_send *send, void *context);
/* Sends what has been collected, if anything. */
void rn_telemetry_flush(struct rn_telemetry *t, rn_telemetry_send *send, void *context);
bool rn_telemetry_pending(const struct rn_telemetry *t);
uint64_t rn_telemetry_lost(const struct rn_telemetry *t); /* in the kernel and here */

/*
 * A copy of the flow table is taken and goes out in pieces, the last with role 0. Asked for while one is going out, it
 * begins anew. pump: 0 when all is out, -EAGAIN where there is more for when core reads on, or another error of send.
 */
int rn_telemetry_flows_begin(struct rn_telemetry *t, uint32_t id);
int rn_telemetry_flows_pump(struct rn_telemetry *t, rn_telemetry_send *send, void *context);
bool rn_telemetry_flows_active(const struct rn_telemetry *t);
void rn_telemetry_flows_end(struct rn_telemetry *t);

/* Fills counters, flows and lost of the status; the view of the counters is good until the next call. */
void rn_telemetry_status(struct rn_telemetry *t, struct rn_local_status *status);

#endif
