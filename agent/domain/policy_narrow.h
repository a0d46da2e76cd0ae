/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_NARROW_H
#define RN_DOMAIN_POLICY_NARROW_H

#include "abi/maps.h"
#include "domain/record.h"

/*
 * The rules that concern a host which is one end of all that it judges: those of which one of its sets of selectors is
 * on a side. Between such a set and any other they judge as the whole policy does. Pure. See docs/compiler.md.
 */

/* One set more, where it is not among them; there is room for RN_NARROWED_SETS. */
void rn_narrowed_add(struct rn_narrowed *to, const uint32_t *selectors, uint32_t count);
bool rn_narrowed_has(const struct rn_narrowed *to, const uint32_t *selectors,
		     uint32_t count); /* also where it is whole */

/*
 * The rules in their order and with their numbers, and the schedules, of which those that no rule names are empty; a
 * copy, without what else the policy has. rn_policy_record_done it. 0 or -ENOMEM.
 */
int rn_policy_narrow(const struct rn_policy_record *policy, const struct rn_narrowed *to, struct rn_policy_record *ret);

#endif
