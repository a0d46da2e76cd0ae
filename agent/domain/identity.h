/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IDENTITY_H
#define RN_DOMAIN_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/record.h"

/*
 * The gateway's identity numbers. A number stands for one set of selector numbers for ever: it is never given another
 * meaning and never used again, so a hub that still knows an old number is never wrong about what it means.
 * Numbers are 1..RN_IDENTITY_MAX (24 bits: they will travel in packets). Sets are ascending, without repetition, and
 * have 1..RN_SELECTORS_MAX members.
 */
#define RN_IDENTITY_MAX 0xffffffu

struct rn_identities;

struct rn_identities *rn_identities_new(void); /* NULL: out of memory */
void rn_identities_free(struct rn_identities *t);

/*
 * The number of the set, allotting the next one where the set is new (*ret_new; store it before it is used anywhere).
 * 0, -EINVAL (not such a set), -ENOSPC (numbers used up), -ENOMEM. ret_new may be NULL.
 */
int rn_identities_intern(struct rn_identities *t, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
			 bool *ret_new);
/* Loads what was stored. 0, -EINVAL, -EEXIST where number or set is known already, -ENOMEM. */
int rn_identities_load(struct rn_identities *t, uint32_t number, const uint32_t *selectors, uint32_t count);
/* The set, valid until the next change of the table; NULL (and *ret_count 0) for an unknown number. */
const uint32_t *rn_identities_get(const struct rn_identities *t, uint32_t number, uint32_t *ret_count);
/* Calls each for every identity in ascending order of number. */
void rn_identities_each(const struct rn_identities *t,
			void (*each)(void *context, uint32_t number, const uint32_t *selectors, uint32_t count),
			void *context);

#endif
