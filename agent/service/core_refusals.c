/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_refusals.h"

#include "service/core_state.h"

#define GOOD_FOR_S (3 * 3600)

/* Versions of one epoch count up by one, so their last 32 bits say which. */
int rn_refusals_note(struct rn_core *core, uint32_t device, uint64_t version)
{
	int rc = 0;

	rn_numbers_remove(core->refused, device);
	if ((uint32_t)version)
		rc = rn_numbers_set(core->refused, device, (uint32_t)version);
	return rc ? rc : rn_numbers_set(core->refused_at, device, (uint32_t)rn_core_now(core));
}

bool rn_refusals_has(struct rn_core *core, uint32_t device)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(core->books.ledger);
	uint32_t version = core->gateway ? rn_numbers_get(core->refused, device) : 0;
	uint32_t at = core->gateway ? rn_numbers_get(core->refused_at, device) : 0;

	return policy && version && version == (uint32_t)policy->version &&
	       (uint32_t)rn_core_now(core) - at < GOOD_FOR_S;
}
