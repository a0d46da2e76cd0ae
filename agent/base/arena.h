/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_ARENA_H
#define RN_BASE_ARENA_H

#include <stddef.h>

/* Many small pieces of memory that are freed together. */
struct rn_arena;

/* Begins one where *arena is NULL. Aligned to 8 bytes, not cleared; never NULL for none. NULL: out of memory. */
void *rn_arena_take(struct rn_arena **arena, size_t size);
void rn_arena_free(struct rn_arena *arena); /* NULL is legal */

#endif
