/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_LEDGER_STATE_H
#define RN_SERVICE_CORE_LEDGER_STATE_H

#include "domain/rule_names.h"
#include "service/core_attached.h"
#include "service/core_ledger.h"

/* What core_ledger.c and core_ledger_store.c share; nobody else includes it. */

struct rn_ledger_table { /* by number */
	struct rn_ledger_entry **list;
	unsigned count, room, max;
};

struct rn_ledger {
	struct rn_ledger_table devices, identities, parts;
	uint32_t *swept; /* parts that have gone and may be in the store */
	unsigned swept_count, swept_room;
	struct rn_ledger_entry *network, *policy;
	struct rn_ledger_entry *oldest, *newest;
	struct rn_policy_record rules; /* of policy, decoded */
	struct rn_policy_meets *meets; /* of rules */
	struct rn_rule_names *names;   /* of rules */
	bool brief;		       /* of a policy in parts the names alone are kept */
	struct rn_network ranges;      /* of network, decoded */
	struct rn_attached *attached;
};

#endif
