/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_RECORDER_H
#define RN_SERVICE_CORE_RECORDER_H

#include "service/core_ledger.h"
#include "sys/flow_store.h"

/*
 * Flow events -> rows of the gateway's ring file (sys/flow_store.h, docs/flows.md). Equal flows of one minute are one
 * row. Rows are written once a second; what cannot be written is counted, and nothing else is held up.
 */
struct rn_recorder;
/*
 * rows 0 or days 0: nothing is recorded, and what was is removed. NULL where that is so, and where the file cannot be
 * used, which has been logged and is said in *why ("" otherwise). now: Unix seconds; now_ms: monotonic.
 */
struct rn_recorder *rn_recorder_new(const char *dir, uint32_t rows, uint32_t days, int64_t now, int64_t now_ms,
				    struct rn_err *why);
void rn_recorder_free(struct rn_recorder *r, int64_t now); /* writes first; NULL is legal, here and below */

/*
 * Events that a device tells, and how many more it lost. policy: the version that it has in force, 0: not known.
 * Returns when a tick is due for them, ms.
 */
int64_t rn_recorder_take(struct rn_recorder *r, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
			 const uint8_t *events, size_t size, uint64_t lost, int64_t now, int64_t now_ms);
void rn_recorder_tick(struct rn_recorder *r, int64_t now, int64_t now_ms);
/* What has been heard is in the file, for who reads it now; NULL: nothing is recorded. */
const struct rn_flow_store *rn_recorder_read(struct rn_recorder *r, int64_t now);
/* Events that are in no row and in no row of kind LOST yet: the disk is full. */
uint64_t rn_recorder_unwritten(const struct rn_recorder *r);

struct rn_recorder_state {
	uint64_t rows, room; /* that are kept; the most that are */
	int64_t oldest;	     /* Unix seconds, of the oldest row that can be read; 0: there is none */
	uint64_t lost;	     /* events that are in no row, since core started */
	int failing;	     /* -errno: rows cannot be written now */
	bool aside;	     /* the file was damaged when core started, and is set aside */
};
void rn_recorder_state(const struct rn_recorder *r, struct rn_recorder_state *ret);

#endif
