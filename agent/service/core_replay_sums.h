/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REPLAY_SUMS_H
#define RN_SERVICE_CORE_REPLAY_SUMS_H

#include "service/core.h"
#include "service/core_ledger.h"

/* What a replay adds up of flows whose verdict changes: by who, to where, for what, and by which rules. */
struct rn_replay_verdict {
	uint8_t now_reason, draft_reason;
	uint32_t now_rule, draft_rule; /* numbers in their policies */
};

struct rn_replay_sums;
struct rn_replay_sums *rn_replay_sums_new(void);       /* NULL: out of memory */
void rn_replay_sums_free(struct rn_replay_sums *sums); /* NULL is legal */
/* Flows of a row whose verdict changes. 0 or -ENOMEM. */
int rn_replay_sums_add(struct rn_replay_sums *sums, const struct rn_device_record *source,
		       const struct rn_device_record *destination, const struct rn_replay_verdict *verdict,
		       const struct rn_flow_row *row);
/* Fills what has changed; it points into sums, the models and the ledger. */
void rn_replay_sums_end(struct rn_replay_sums *sums, const struct rn_policy_model *now,
			const struct rn_policy_model *draft, const struct rn_ledger *ledger,
			struct rn_core_replayed *ret);

#endif
