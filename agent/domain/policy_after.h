/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_AFTER_H
#define RN_DOMAIN_POLICY_AFTER_H

#include "domain/policy_cursor.h"
#include "domain/policy_text.h"

/* What policy_after.c is made of; nobody else includes it. */

#define RN_NOWHERE UINT32_MAX

/* A rule that is not one of before. */
struct rn_fresh {
	uint32_t place; /* among the model's rules */
	const char *text;
	struct rn_rule_extent extent;
};

struct rn_after {
	const struct rn_policy_model *before; /* NULL: nothing is known */
	struct rn_policy_reading reading;
	struct rn_cursor cursor;
	struct rn_cursor rules, behind; /* the list, at its [, and behind its ] */
	struct rn_fresh *fresh;
	uint32_t room, fresh_count, fresh_room;
	uint32_t next;	 /* the rule before that this one probably is */
	uint32_t *moved; /* where those before are now; RN_NOWHERE: not shared */
	size_t values;
};

/* policy_after_walk.c: finds where the text's rules are, and which are shared. false: read it as one document. */
bool rn_after_walk(struct rn_after *after);

#endif
