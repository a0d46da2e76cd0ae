/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_FLOW_ROW_H
#define RN_SERVICE_CORE_FLOW_ROW_H

#include "abi/events.h"
#include "service/core_ledger.h"
#include "sys/flow_store.h"

/*
 * What becomes of a flow event: a row for the flow that began or was denied, and one for the observed rule that would
 * have decided it, also where a flow that runs is judged again. reporter: device number of who tells; policy: the
 * version that it has in force, 0: not known; now: Unix seconds. flows, packets and rule_id are left empty. false: no
 * row.
 */
bool rn_flow_row_began(const struct rn_event *e, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
		       int64_t now, struct rn_flow_row *ret);
bool rn_flow_row_observed(const struct rn_event *e, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
			  int64_t now, struct rn_flow_row *ret);

#endif
