/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_HISTORY_H
#define RN_SERVICE_CORE_HISTORY_H

#include "service/core.h"

/* The policies that were in force before, and drafts of the next. Of the gateway only; errors as in core.h. */

/* core_history.c: those before the version, at most max, newest first. */
int rn_core_policies(struct rn_core *core, uint64_t before, unsigned max,
		     void (*each)(void *context, const struct rn_core_policy *), void *context, struct rn_err *err);
/* Calls got with one version and its text. -ENOENT: there is none such, or it is kept no more. */
int rn_core_policy_version(struct rn_core *core, uint64_t version,
			   void (*got)(void *context, const struct rn_core_policy *), void *context,
			   struct rn_err *err);
/* Sets new->origin's text as a new version: text and size of *new are not read. Otherwise as rn_core_policy_set. */
void rn_core_policy_rollback(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done,
			     void *context);

/* core_drafts.c: a draft is any text: nobody has checked it. */
struct rn_core_draft {
	const char *name, *author, *comment;
	const char *text; /* NULL in lists */
	size_t size;
	uint64_t based_on; /* version of the policy that it was made from */
	int64_t stored;
};
int rn_core_drafts(struct rn_core *core, void (*each)(void *context, const struct rn_core_draft *), void *context,
		   struct rn_err *err); /* in alphabetical order */
int rn_core_draft(struct rn_core *core, const char *name, void (*got)(void *context, const struct rn_core_draft *),
		  void *context, struct rn_err *err);
/* Of *draft name, text, size, comment and based_on are read; based_on 0: the version in force. -EDQUOT: too many. */
int rn_core_draft_put(struct rn_core *core, const struct rn_core_draft *draft, struct rn_err *err);
int rn_core_draft_delete(struct rn_core *core, const char *name, struct rn_err *err);
/*
 * Sets its text, made from the version that it says; it goes where it is in force. comment NULL: the draft's. As
 * rn_core_policy_set.
 */
void rn_core_draft_publish(struct rn_core *core, const char *name, const char *comment, uint64_t *ret_version,
			   rn_core_done *done, void *context);

/* core_policy.c: 0, or -EINVAL with a sentence. comment NULL is good; based_on 0 too. */
int rn_policy_check_words(struct rn_core *core, const char *comment, uint64_t based_on, struct rn_err *err);

#endif
