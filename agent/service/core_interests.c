/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_interests.h"

#include <errno.h>
#include <stdlib.h>

#include "base/numbers.h"

struct rn_interests {
	struct rn_numbers *places;	  /* device -> its place in order, from 1 */
	uint32_t order[RN_INTERESTS_MAX]; /* 0: free */
	unsigned next;
};

struct rn_interests *rn_interests_new(void)
{
	struct rn_interests *set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	set->places = rn_numbers_new();
	if (set->places)
		return set;
	free(set);
	return NULL;
}

void rn_interests_free(struct rn_interests *set)
{
	if (!set)
		return;
	rn_numbers_free(set->places);
	free(set);
}

bool rn_interests_has(const struct rn_interests *set, uint32_t device)
{
	return set && rn_numbers_get(set->places, device);
}

int rn_interests_add(struct rn_interests *set, uint32_t device, uint32_t *ret_gone)
{
	*ret_gone = 0;
	if (rn_interests_has(set, device))
		return 0;
	int rc = rn_numbers_set(set->places, device, set->next + 1);
	if (rc)
		return rc;
	*ret_gone = set->order[set->next];
	if (*ret_gone)
		rn_numbers_remove(set->places, *ret_gone);
	set->order[set->next] = device;
	set->next = (set->next + 1) % RN_INTERESTS_MAX;
	return 0;
}

void rn_interests_remove(struct rn_interests *set, uint32_t device)
{
	uint32_t place = rn_numbers_get(set->places, device);
	if (!place)
		return;
	set->order[place - 1] = 0;
	rn_numbers_remove(set->places, device);
}

unsigned rn_interests_count(const struct rn_interests *set)
{
	return set ? rn_numbers_count(set->places) : 0;
}
