/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_RULE_NAMES_H
#define RN_DOMAIN_RULE_NAMES_H

#include "domain/record.h"

/* The ids of a policy's rules by their numbers, and what they do: what a host that judges nothing itself needs of it.
 * Pure; copies. */
struct rn_rule_names;
struct rn_rule_names *rn_rule_names_new(const struct rn_policy_record *policy); /* NULL: out of memory */
void rn_rule_names_free(struct rn_rule_names *names);				/* NULL is legal */
const char *rn_rule_name(const struct rn_rule_names *names, uint32_t number); /* "": there is none; names NULL: none */
bool rn_rule_denies(const struct rn_rule_names *names, uint32_t number);      /* false too where there is none */

#endif
