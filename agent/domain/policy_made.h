/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_MADE_H
#define RN_DOMAIN_POLICY_MADE_H

#include "domain/policy.h"

/*
 * A policy on its way from its text to rules: all that takes long and needs nobody's store, so that it can be done
 * elsewhere. Selectors get numbers of its own, which whoever has the store puts his own in the place of. One that is in
 * force is what the next one is made after: it is not written any more then, so another thread may read it.
 */
struct rn_policy_made {
	char *text; /* heap, ends with NUL */
	size_t size;
	struct rn_policy_model *model;
	struct rn_policy_record record;
	char **selectors; /* texts; the first has the number 1; none: its rules are not compiled */
	uint32_t selector_count, selector_room;
	uint32_t *own; /* the record's selector numbers as they were compiled, in the order in which they stand there */
	size_t own_count;
};

/* The three in this order. 0, or -errno with a sentence; whatever they return, rn_policy_made_done it. */
int rn_policy_made_take(struct rn_policy_made *made, const char *text, size_t size, struct rn_err *err); /* copies */
/* before: one that it may be like (rn_policy_parse_after), with its record over its own numbers; NULL: none. */
int rn_policy_made_parse(struct rn_policy_made *made, const struct rn_policy_made *before, struct rn_err *err);
/* As rn_policy_compile_after, and it fits the parts that hosts hold. */
int rn_policy_made_compile(struct rn_policy_made *made, const struct rn_policy_made *before,
			   const struct rn_zone_source *zones, int64_t now, struct rn_err *err);
/* The record is over these from now on: numbers[n - 1] in the place of the n of its own; NULL: its own again. */
void rn_policy_made_number(struct rn_policy_made *made, const uint32_t *numbers);
void rn_policy_made_done(struct rn_policy_made *made);

#endif
