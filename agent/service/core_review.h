/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REVIEW_H
#define RN_SERVICE_CORE_REVIEW_H

#include "domain/policy_tools.h"
#include "service/core.h"

/* What there is to say of a policy before it is set. The gateway's only; errors as in core.h. */
struct rn_core_review {
	void *context;
	/* rule and other: their ids, other "" where there is none. */
	void (*finding)(void *context, const struct rn_policy_finding *finding, const char *rule, const char *other);
	void (*test)(void *context, const struct rn_test_result *result);
	/* Against the policy in force, with the devices as they are. NULL: nobody asks what would change. */
	void (*change)(void *context, const struct rn_difference *difference);
	bool incomplete; /* set where findings or changes are more than are looked for, or the policy is too large */
};
/*
 * As rn_core_policy_check: 0, or -EINVAL and so on where it would not be set. Whatever it answers, of a text that is a
 * policy the tests and findings are told first, and the changes where it would be set.
 */
int rn_core_policy_review(struct rn_core *core, const char *text, size_t size, struct rn_core_review *review,
			  struct rn_err *err);

#endif
