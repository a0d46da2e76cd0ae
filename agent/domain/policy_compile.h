/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_COMPILE_H
#define RN_DOMAIN_POLICY_COMPILE_H

#include "domain/policy.h"
#include "domain/policy_selectors.h"

/* What policy_compile.c is made of, a file each; nobody else includes it. Functions return 0 or -errno with a sentence.
 */

/* A set that grows, and whose memory serves the next rule again. */
struct rn_growing_set {
	uint32_t *numbers;
	uint32_t count, room;
};
/* An end of a rule while it is compiled. */
struct rn_compiled_end {
	struct rn_growing_set any, types, none;
	uint32_t also;
	bool some;	 /* there are criteria without ! but for same-owner */
	bool everyone;	 /* one of them is everyone */
	bool same_owner; /* stands there */
};
/* Where the search for what was compiled before goes on. */
struct rn_known_search {
	const struct rn_policy_known *known; /* NULL: nothing is */
	uint32_t denies;		     /* of its compiled rules */
	uint32_t place, number;		     /* the last one that was looked for: its place before, its number now */
	uint32_t at[2];			     /* compiled ones: of rules that allow, that deny */
	bool *same_groups;		     /* by place in the model: of the same users as before */
};
struct rn_compile {
	const struct rn_policy_model *model;
	struct rn_policy_selectors *selectors;
	const struct rn_zone_source *zones;
	int64_t now;
	struct rn_policy_record *record;
	const struct rn_access_policy **times; /* whose windows the schedule n + 1 has */
	struct rn_compiled_end source, destination;
	struct rn_known_search search;
	uint32_t room; /* for rules in the record */
	size_t size;   /* of the record so far, at most, on the wire (record_policy.c) */
	struct rn_err *err;
};

/* ---- policy_compile.c ---- */
int rn_compile_no_memory(const struct rn_compile *c);
int rn_compile_too_large(const struct rn_compile *c, uint32_t number, const char *id);

/* ---- policy_compile_end.c ---- */
int rn_compile_end(const struct rn_compile *c, const struct rn_access_policy *rule, const struct rn_policy_end *end,
		   struct rn_compiled_end *ret);
void rn_compiled_end_done(struct rn_compiled_end *end);

/* ---- policy_compile_times.c: the number of the rule's schedule; rules of the same windows share it ---- */
int rn_compile_times(struct rn_compile *c, const struct rn_access_policy *rule, uint32_t *ret);

/* ---- policy_known.c ---- */
/* Both are borrowed; rn_known_search_done it. Where there is no memory, no rule with a group is found. */
struct rn_known_search rn_known_search(const struct rn_policy_known *known, const struct rn_policy_model *model);
void rn_known_search_done(struct rn_known_search *search);
/* What was compiled of this rule before, in *ret_count neighbours, and is the same but for its number. NULL: nothing.
 */
const struct rn_policy_rule *rn_known_find(struct rn_known_search *s, const struct rn_access_policy *rule,
					   uint32_t *ret_count);

#endif
