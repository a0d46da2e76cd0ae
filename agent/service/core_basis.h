/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_BASIS_H
#define RN_SERVICE_CORE_BASIS_H

#include "service/core_change.h"

/*
 * Which device records a policy rests on (record.h). A device whose record was signed once needs no mention; those that
 * were signed again are listed, and where they are more than RN_NEEDS_MAX, or leave no room for the rules, every record
 * is signed once more: `since` is then the first of these, and the list begins anew. That costs one signature a device
 * for RN_NEEDS_MAX changed devices.
 */

/* Completes policy->since and ->needs (policy owns them) and puts it as the last record of the change. */
int rn_basis_put(struct rn_change *change, struct rn_policy_record *policy);

#endif
