/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rn_prefixes_add(struct rn_prefixes *p, const struct rn_prefix *prefix, uint32_t number)
{
	if (p->count == p->room) {
		uint32_t room = p->room ? 2 * p->room : 16;
		struct rn_named_prefix *list = reallocarray(p->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		p->list = list;
		p->room = room;
	}
	p->list[p->count++] = (struct rn_named_prefix){*prefix, number};
	p->sorted = false;
	return 0;
}

int rn_prefixes_join(struct rn_prefixes *p, const struct rn_prefixes *other)
{
	int rc = 0;
	for (uint32_t i = 0; i < other->count && !rc; i++)
		rc = rn_prefixes_add(p, &other->list[i].prefix, other->list[i].number);
	return rc;
}

/* By length, then by address: those of one length can be searched. */
static int order(const void *a, const void *b)
{
	const struct rn_named_prefix *x = a, *y = b;
	if (x->prefix.bits != y->prefix.bits)
		return x->prefix.bits < y->prefix.bits ? -1 : 1;
	return rn_addr_compare(&x->prefix.addr, &y->prefix.addr);
}

/* The first that is not below this one. */
static uint32_t find(const struct rn_prefixes *p, const struct rn_prefix *prefix)
{
	const struct rn_named_prefix wanted = {*prefix, 0};
	uint32_t low = 0, high = p->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (order(&p->list[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int rn_prefixes_of(struct rn_prefixes *p, const struct rn_addr *address, int (*each)(void *context, uint32_t number),
		   void *context)
{
	int rc = 0;
	if (!p->sorted && p->count)
		qsort(p->list, p->count, sizeof(*p->list), order);
	p->sorted = true;
	for (uint32_t i = 0; i < p->count && !rc;) {
		struct rn_prefix around = {*address, p->list[i].prefix.bits}, next = {.bits = p->list[i].prefix.bits};
		around.addr = rn_prefix_host(&around, 0);
		for (i = find(p, &around); i < p->count && !rc; i++) {
			if (p->list[i].prefix.bits != around.bits ||
			    rn_addr_compare(&p->list[i].prefix.addr, &around.addr))
				break;
			rc = each(context, p->list[i].number);
		}
		next.bits++;
		i = find(p, &next);
	}
	return rc;
}

void rn_prefixes_done(struct rn_prefixes *p)
{
	free(p->list);
	*p = (struct rn_prefixes){0};
}
