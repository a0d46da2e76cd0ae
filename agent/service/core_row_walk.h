/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_ROW_WALK_H
#define RN_SERVICE_CORE_ROW_WALK_H

#include "service/core.h"

/* Through the rows of recorded flows, oldest first and in slices of 3 ms, so that nobody else waits. */
struct rn_row_walk {
	struct rn_core_span span; /* what it counts by itself; unknown and stopped are the taker's */
	uint64_t next, end;	  /* serials */
	int64_t begun_ms;
};

/* Of the last so many hours. -ENOTSUP with a sentence: nothing is recorded here. */
int rn_row_walk_begin(struct rn_core *core, struct rn_row_walk *walk, unsigned hours, struct rn_err *err);
/*
 * The next slice. take is called for rows of flows in the span, of kind BEGAN or OBSERVED; what it returns below 0 ends
 * the walk. 0: there is more, and core is armed for it; 1: that was all; -errno with a sentence. last: core ends.
 */
int rn_row_walk_slice(struct rn_core *core, struct rn_row_walk *walk, bool last,
		      int (*take)(struct rn_core *core, void *context, const struct rn_flow_row *row), void *context,
		      struct rn_err *err);

#endif
