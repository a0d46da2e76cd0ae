/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_FIT_H
#define RN_DOMAIN_POLICY_FIT_H

#include "base/err.h"
#include "domain/record.h"

/* What rn_policy_tables_build says of the policy, without its tables. */
int rn_policy_fit(const struct rn_policy_record *policy, struct rn_err *err);

#endif
