// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

struct rn_rule_ids {
	uint8_t key[RN_SIPHASH_KEY];
	uint32_t mask;
	uint32_t slots[]; /* place + 1, 0: free; open addressing, at most half full */
};

/* The slot that it is in, or the free one where it belongs. */
static uint32_t slot_of(const struct rn_rule_ids *ids, const struct rn_access_policy *rules, const char *id,
			size_t size)
{
	uint32_t at = (uint32_t)rn_siphash(ids->key, id, size) & ids->mask;

	for (; ids->slots[at]; at = (at + 1) & ids->mask) {
		const char *other = rules[ids->slots[at] - 1].id;

		if (strlen(other) == size && memcmp(other, id, size) == 0)
			break;
	}
	return at;
}

struct rn_rule_ids *rn_rule_ids_new(const struct rn_access_policy *rules, uint32_t count, uint32_t *ret_twice,
				    uint32_t *ret_first)
{
	struct rn_rule_ids *ids;
	uint32_t room = 64;

	*ret_twice = UINT32_MAX;
	while (room < 2 * count)
		room *= 2;
	ids = calloc(1, sizeof(*ids) + room * sizeof(ids->slots[0]));
	if (!ids)
		return NULL;
	ids->mask = room - 1;
	rn_random(ids->key, sizeof(ids->key));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = slot_of(ids, rules, rules[i].id, strlen(rules[i].id));

		if (ids->slots[at]) {
			*ret_twice = i;
			*ret_first = ids->slots[at] - 1;
			free(ids);
			return NULL;
		}
		ids->slots[at] = i + 1;
	}
	return ids;
}

void rn_rule_ids_free(struct rn_rule_ids *ids)
{
	free(ids);
}

uint32_t rn_rule_ids_find(const struct rn_rule_ids *ids, const struct rn_access_policy *rules, const char *id,
			  size_t size)
{
	uint32_t place = ids->slots[slot_of(ids, rules, id, size)];

	return place ? place - 1 : UINT32_MAX;
}
