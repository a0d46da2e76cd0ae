/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_SIDES_H
#define RN_DOMAIN_POLICY_SIDES_H

#include "domain/record.h"

/*
 * The sides of a policy's rules: those that say the same are one, numbered from 1, sources and destinations apart; and
 * on which of them a device's set of selectors is. Pure. See docs/compiler.md.
 */
struct rn_policy_sides;
enum rn_end { RN_SOURCE, RN_DESTINATION, RN_ENDS };

/* Borrows what policy->rules points to. NULL: out of memory. */
struct rn_policy_sides *rn_policy_sides_new(const struct rn_policy_record *policy);
void rn_policy_sides_free(struct rn_policy_sides *s); /* NULL is legal */
uint32_t rn_policy_sides_count(const struct rn_policy_sides *s, enum rn_end end);
/* Of policy->rules[rule]. */
uint32_t rn_policy_side_of(const struct rn_policy_sides *s, enum rn_end end, uint32_t rule);
/* The sides that the set (ascending) is on, each once, in no order; *ret is valid until the next call for this end. */
uint32_t rn_policy_sides_on(struct rn_policy_sides *s, enum rn_end end, const uint32_t *selectors, uint32_t count,
			    const uint32_t **ret);

/* Is the set on the side? The one place that says so. */
bool rn_rule_side_has(const struct rn_rule_side *side, const uint32_t *selectors, uint32_t count);

#endif
