/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REPLAY_MEMO_H
#define RN_SERVICE_CORE_REPLAY_MEMO_H

#include "domain/policy.h"
#include "service/core_replay_sums.h"

/*
 * What has been judged, so that equal flows are judged once: by source, destination, protocol and port, where ports
 * that no service of either policy tells apart are one. It has a fixed size; who comes to a place that is taken takes
 * it.
 */
struct rn_replay_memo;
struct rn_replay_memo *rn_replay_memo_new(const struct rn_policy_model *now,
					  const struct rn_policy_model *draft); /* NULL: out of memory */
void rn_replay_memo_free(struct rn_replay_memo *memo);				/* NULL is legal */
/* NULL: not judged, or not for this time. */
const struct rn_replay_verdict *rn_replay_memo_get(const struct rn_replay_memo *memo, const struct rn_flow_row *row);
/* The verdict on such a flow is the same from when the row was heard until then, Unix seconds. */
const struct rn_replay_verdict *rn_replay_memo_set(struct rn_replay_memo *memo, const struct rn_flow_row *row,
						   const struct rn_replay_verdict *verdict, int64_t until);

#endif
