/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_SHARE_H
#define RN_DOMAIN_POLICY_SHARE_H

#include <stdatomic.h>

#include "domain/policy.h"

/*
 * What a rule is apart from where it stands: its text, and all that was read of it, in one piece of memory that models
 * share. Nothing of it is written once it is made, but for the count of who holds it, so threads may share it too.
 */
struct rn_rule_extent {
	uint32_t size;	 /* bytes of its text, from { to }; 0: not kept */
	uint32_t lines;	 /* ends of lines in it */
	uint32_t tail;	 /* columns behind the last of them, or all of them */
	uint32_t values; /* JSON values */
};
struct rn_rule_share {
	_Atomic uint32_t holders;
	bool names_tag, names_group, names_prefix;
	struct rn_rule_extent extent;
	const char *text;
};

/*
 * Moves what the rule points to (id borrowed, the rest on the heap, freed here whatever happens) into a share, which
 * the rule then holds. 0 or -ENOMEM.
 */
int rn_rule_pack(struct rn_access_policy *rule, const char *text, const struct rn_rule_extent *extent);
/* Frees what a rule points to before it is packed. */
void rn_rule_drop(struct rn_access_policy *rule);
void rn_rule_share_hold(struct rn_rule_share *share);
void rn_rule_share_free(struct rn_rule_share *share); /* with the last that holds it; NULL is legal */

#endif
