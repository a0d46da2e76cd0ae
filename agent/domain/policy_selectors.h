/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_SELECTORS_H
#define RN_DOMAIN_POLICY_SELECTORS_H

#include "domain/policy.h"

/*
 * The selector numbers of one policy while it is compiled: each text is asked for once, however many rules name it, and
 * each group's users are numbered once.
 */
struct rn_policy_selectors;

/* All that it is given is borrowed. NULL: out of memory. */
struct rn_policy_selectors *rn_policy_selectors_new(const struct rn_policy_model *model,
						    const struct rn_selector_source *source);
void rn_policy_selectors_free(struct rn_policy_selectors *s);
/* This text, "tag:a", has this number; the source is not asked for it. 0 or -ENOMEM. */
int rn_policy_selectors_know(struct rn_policy_selectors *s, const char *text, uint32_t number);

/* The number of kind ("tag:") and name together; 0: none could be had. */
uint32_t rn_policy_selector(struct rn_policy_selectors *s, const char *kind, const char *name);
/* The numbers of what a criterion names, borrowed until the next call; same-owner and everyone name nothing. 0 or
 * -ENOMEM. */
int rn_policy_selectors_of(struct rn_policy_selectors *s, const struct rn_criterion *c, struct rn_selector_set *ret);

#endif
