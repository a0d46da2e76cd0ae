/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_EXPLAIN_H
#define RN_SERVICE_CORE_EXPLAIN_H

#include "domain/policy_words.h"
#include "service/core.h"

/* What a condition of a rule (its number in the policy in force) asks for: rn_condition_words. "": no such rule. */
const char *rn_core_condition_words(struct rn_core *core, uint32_t rule, enum rn_condition condition,
				    char out[RN_CONDITION_WORDS]);

#endif
