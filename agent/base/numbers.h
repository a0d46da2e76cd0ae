/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_NUMBERS_H
#define RN_BASE_NUMBERS_H

#include <stdint.h>

/* A table from numbers (not 0) to numbers (not 0): open addressing, at most half full. */
struct rn_numbers;

struct rn_numbers *rn_numbers_new(void); /* NULL: out of memory */
void rn_numbers_free(struct rn_numbers *t);
uint32_t rn_numbers_get(const struct rn_numbers *t, uint32_t key);	/* 0: not there */
int rn_numbers_set(struct rn_numbers *t, uint32_t key, uint32_t value); /* 0 or -ENOMEM; -EINVAL where one is 0 */
void rn_numbers_remove(struct rn_numbers *t, uint32_t key);
void rn_numbers_clear(struct rn_numbers *t); /* keeps its memory */
uint32_t rn_numbers_count(const struct rn_numbers *t);

#endif
