/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/policy_wire.h"

#include "domain/record_wire.h"

size_t policy_wire(const struct rn_policy_record *policy, uint8_t *to, size_t room)
{
	struct rn_writer w = rn_writer(to, room);

	for (uint32_t i = 0; i < policy->rule_count; i++)
		rn_policy_rule_write(&w, &policy->rules[i], 0);
	for (uint32_t i = 0; i < policy->schedule_count; i++)
		rn_policy_schedule_write(&w, &policy->schedules[i]);
	return w.failed ? 0 : w.at;
}
