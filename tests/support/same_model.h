/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_SAME_MODEL_H
#define RN_TESTS_SAME_MODEL_H

#include "domain/policy.h"

/* NULL where the two say the same in every field, places in the text included; else what differs. */
const char *same_model(const struct rn_policy_model *a, const struct rn_policy_model *b);

#endif
