// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "domain/policy_names.h"

static int by_name(const void *a, const void *b)
{
	const struct rn_named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

const struct rn_named *rn_named_sort(struct rn_named_list *names, uint32_t *ret_first)
{
	const struct rn_named *twice = NULL;

	if (names->count)
		qsort(names->list, names->count, sizeof(*names->list), by_name);
	for (uint32_t i = 1; i < names->count; i++) {
		const struct rn_named *a = &names->list[i - 1], *b = &names->list[i];

		if (strcmp(a->name, b->name) != 0 || (twice && twice->place < b->place))
			continue;
		twice = b;
		*ret_first = a->place;
	}
	return twice;
}

const struct rn_named *rn_named_find(const struct rn_named_list *names, const char *name)
{
	uint32_t low = 0, high = names->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(name, names->list[middle].name);

		if (order == 0)
			return &names->list[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
