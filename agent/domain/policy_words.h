/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_WORDS_H
#define RN_DOMAIN_POLICY_WORDS_H

#include "domain/policy.h"

#define RN_CONDITION_WORDS 256
/*
 * What a condition of a rule asks for, as people write it: "mon-fri 08:00-18:00 Europe/Vienna", a moment, a trust. ""
 * where the condition's name says all. What is too long ends with "...". Returns out.
 */
const char *rn_condition_words(const struct rn_access_policy *rule, enum rn_condition condition,
			       char out[RN_CONDITION_WORDS]);

#endif
