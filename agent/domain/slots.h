/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_SLOTS_H
#define RN_DOMAIN_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/limits.h"

/*
 * Local numbers that kern assigns itself. Pure.
 *
 * An identity slot (0..RN_IDENTITIES_MAX-1) stands for one set of selectors while any device uses it. After a restart a
 * slot is adopted by its identity number, and its selectors are learnt with the first record that says them.
 */
struct rn_slots;

struct rn_slots *rn_slots_new(void); /* NULL: out of memory */
void rn_slots_free(struct rn_slots *s);
/*
 * The slot of the set, with one more user. *ret_new: its rows are not in the tables yet. 0 or -ENOSPC. An identity number
 * stands for one set for ever, so it finds an adopted slot whose selectors are not known.
 */
int rn_slots_take(struct rn_slots *s, uint32_t identity, const uint32_t *selectors, uint32_t count, uint32_t *ret_slot,
		  bool *ret_new);
/* A slot found in the tables, with one more user. 0, -ERANGE. */
int rn_slots_adopt(struct rn_slots *s, uint32_t slot, uint32_t identity);
void rn_slots_release(struct rn_slots *s, uint32_t slot);
/* The set of a slot in use; NULL where it has no user or its selectors are not known. */
const uint32_t *rn_slots_selectors(const struct rn_slots *s, uint32_t slot, uint32_t *ret_count);
uint32_t rn_slots_end(const struct rn_slots *s); /* no slot from here on is in use */
uint32_t rn_slots_used(const struct rn_slots *s);

/*
 * Device indices (1..RN_DEVICES_MAX-1): those never used first, then the one freed longest ago, so that what the tables
 * still remember of a removed device is forgotten as late as possible.
 */
struct rn_indices;
struct rn_indices *rn_indices_new(void);
void rn_indices_free(struct rn_indices *t);
int rn_indices_take(struct rn_indices *t, uint32_t *ret_index); /* 0 or -ENOSPC */
int rn_indices_adopt(struct rn_indices *t, uint32_t index);	/* in use already: 0, -ERANGE, -EEXIST */
void rn_indices_free_index(struct rn_indices *t, uint32_t index);
/* After adopting: every index that is not in use is free, those remembered (bit set in `remembered`) last. */
void rn_indices_settle(struct rn_indices *t, const bool *remembered);

#endif
