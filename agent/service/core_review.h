/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REVIEW_H
#define RN_SERVICE_CORE_REVIEW_H

#include "domain/policy_tools.h"
#include "service/core.h"

/* What there is to say of a policy before it is set. The gateway's only; errors as in core.h. */
struct rn_core_review {
	/* Of a large policy these are called on another thread: what they write to is nobody else's until done. */
	void *context;
	/* rule and other: their ids, other "" where there is none. */
	void (*finding)(void *context, const struct rn_policy_finding *finding, const char *rule, const char *other);
	void (*test)(void *context, const struct rn_test_result *result);
	/* Against the policy in force, with the devices as they are. NULL: nobody asks what would change. */
	void (*change)(void *context, const struct rn_difference *difference);
	bool incomplete; /* set where findings or changes are more than are looked for, or the policy is too large */
};
/*
 * Is it one that could be set? done is called exactly once, now or later, with 0, or -EINVAL and so on where it would
 * not be set; -EAGAIN and -ECANCELED say nothing of it. Of a text that is a policy its findings and tests are told
 * first; what it changes is worth telling where code is 0. *review is the caller's until then.
 */
void rn_core_policy_review(struct rn_core *core, const char *text, size_t size, struct rn_core_review *review,
			   void (*done)(void *context, int code, const struct rn_err *err), void *context);

#endif
