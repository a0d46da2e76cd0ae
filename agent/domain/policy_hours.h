/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_HOURS_H
#define RN_DOMAIN_POLICY_HOURS_H

#include "domain/policy.h"

/*
 * When a policy's lists of windows are open, for whoever asks the reference evaluator much: each different list is
 * reckoned once, and again only for a moment beyond what is known of it. Give it to a question (struct rn_question).
 */
struct rn_policy_hours;
struct rn_policy_hours *rn_policy_hours_new(const struct rn_policy_model *model); /* borrowed; NULL: out of memory */
void rn_policy_hours_free(struct rn_policy_hours *hours);			  /* NULL is legal */

struct rn_policy_hour {
	int open;	     /* 1, 0, or what rn_schedule_open says where it cannot be read */
	int64_t from, until; /* so it is from <= t < until; from is no more than when it was asked for first */
};
/* Of a rule of the model. zones are the same each time. hours NULL: it is reckoned. */
struct rn_policy_hour rn_policy_hours_at(struct rn_policy_hours *hours, const struct rn_access_policy *rule,
					 const struct rn_zone_source *zones, int64_t at);
uint64_t rn_policy_hours_reckoned(const struct rn_policy_hours *hours); /* how often a list was */

#endif
