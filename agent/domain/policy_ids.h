/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_IDS_H
#define RN_DOMAIN_POLICY_IDS_H

#include "domain/policy.h"

/* Which rule of a model has an id. Keyed by chance, so that no text makes it slow. */
struct rn_rule_ids;

/*
 * Borrows the rules. NULL: out of memory, or an id stands twice: then *ret_twice is the place of the first rule that
 * has the id of one before it, and *ret_first that one's; else *ret_twice is UINT32_MAX.
 */
struct rn_rule_ids *rn_rule_ids_new(const struct rn_access_policy *rules, uint32_t count, uint32_t *ret_twice,
				    uint32_t *ret_first);
/*
 * Those of before, of which the one at place n is at moved[n] now, or UINT32_MAX: nowhere; the rest are the caller's to
 * add. NULL: out of memory, or it is time to begin anew.
 */
struct rn_rule_ids *rn_rule_ids_moved(const struct rn_rule_ids *before, const uint32_t *moved);
/* false: there is one of that id, or it is time to begin anew. */
bool rn_rule_ids_add(struct rn_rule_ids *ids, const struct rn_access_policy *rules, uint32_t place);
void rn_rule_ids_free(struct rn_rule_ids *ids);
/* The place of the rule of that id, UINT32_MAX: none. id need not end with NUL. */
uint32_t rn_rule_ids_find(const struct rn_rule_ids *ids, const struct rn_access_policy *rules, const char *id,
			  size_t size);

#endif
