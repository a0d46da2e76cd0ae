// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_LEAST (4u * 1024u) /* doubled from block to block */
#define BLOCK_MOST (256u * 1024u)

/* The newest block stands for all. */
struct rn_arena {
	struct rn_arena *next;
	size_t used, room;
	_Alignas(8) char memory[];
};

void *rn_arena_take(struct rn_arena **arena, size_t size)
{
	struct rn_arena *a = *arena;
	void *ret;

	size = (size + 7) & ~(size_t)7;
	if (!a || size > a->room - a->used) {
		size_t room = !a ? BLOCK_LEAST : a->room < BLOCK_MOST ? 2 * a->room : BLOCK_MOST;

		if (room < size)
			room = size;
		a = malloc(sizeof(*a) + room);
		if (!a)
			return NULL;
		*a = (struct rn_arena){.next = *arena, .room = room};
		*arena = a;
	}
	ret = a->memory + a->used;
	a->used += size;
	return ret;
}

void rn_arena_free(struct rn_arena *arena)
{
	while (arena) {
		struct rn_arena *next = arena->next;

		free(arena);
		arena = next;
	}
}
