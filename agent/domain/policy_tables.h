/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_TABLES_H
#define RN_DOMAIN_POLICY_TABLES_H

#include "abi/maps.h"
#include "base/err.h"
#include "domain/policy_sides.h"
#include "domain/record.h"

/*
 * Compiled rules -> the arrays of include/abi/maps.h, one half of each, in ordinary memory. Pure. kern copies them into
 * the unused half of the maps and then flips the generation. docs/compiler.md says how.
 *
 * 0, or -EMSGSIZE with a sentence where something exceeds its bound in half a hub's arrays, or -ENOMEM. `sides` are the
 * policy's. *ret is to be let go by the caller.
 */
int rn_policy_tables_build(const struct rn_policy_record *policy, const struct rn_policy_sides *sides, uint64_t version,
			   struct rn_policy_arrays *ret, struct rn_err *err);
void rn_policy_tables_done(struct rn_policy_arrays *a); /* frees and zeroes */
/* Puts the sides into a set of so many places, a power of two; false: one of them has no place that it may be in. */
bool rn_policy_place_sides(uint32_t *set, uint32_t places, const uint32_t *sides, uint32_t count);

/*
 * The sides that an identity with these selectors (ascending) is on. ret->sides is the caller's to free, also where it
 * is NULL. 0, -ENOMEM, or -ENOSPC: more than the lists hold at all.
 */
int rn_policy_tables_identity(struct rn_policy_sides *sides, const uint32_t *selectors, uint32_t count,
			      struct rn_identity_lists *ret);

#endif
