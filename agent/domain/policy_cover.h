/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_COVER_H
#define RN_DOMAIN_POLICY_COVER_H

#include "domain/policy.h"

/*
 * Does one rule match wherever another does? true is true for any device that there may ever be; false proves nothing.
 * *work grows by what was compared.
 */
bool rn_rule_covers(const struct rn_policy_model *model, const struct rn_access_policy *a,
		    const struct rn_access_policy *b, uint64_t *work);
/* No device at all can be on this side. */
bool rn_end_is_empty(const struct rn_policy_model *model, const struct rn_policy_end *end, uint64_t *work);
bool rn_service_covers(const struct rn_service *a, const struct rn_service *b);

#endif
