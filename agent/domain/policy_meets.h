/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_MEETS_H
#define RN_DOMAIN_POLICY_MEETS_H

#include "domain/record.h"

/*
 * Who has to do with whom under a policy: for whoever asks it of many pairs of devices. Pure. It borrows the policy,
 * and makes its tables when it is asked for the first time. NULL: out of memory.
 */
struct rn_policy_meets;
struct rn_policy_meets *rn_policy_meets_new(const struct rn_policy_record *policy);
void rn_policy_meets_free(struct rn_policy_meets *m); /* NULL is legal */
/*
 * May the two have anything to do with each other, at whatever trust, port and time: does an allow rule take one of
 * them as source and the other as destination? True where there is no memory to find out.
 */
bool rn_policy_meets(struct rn_policy_meets *m, const struct rn_device_record *a, const struct rn_device_record *b);

#endif
