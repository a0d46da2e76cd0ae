// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define GONE UINT32_MAX

struct slot {
	uint32_t hash;
	uint32_t rule; /* place + 1; 0: free, GONE: it was there once */
};
struct rn_rule_ids {
	uint8_t key[RN_SIPHASH_KEY];
	uint32_t mask, used;
	struct slot slots[]; /* open addressing, at most half full */
};

/* The slot that it is in, or the free one where it belongs. Texts are looked at where the hashes are the same. */
static struct slot *slot_of(const struct rn_rule_ids *ids, const struct rn_access_policy *rules, const char *id,
			    size_t size, uint32_t hash)
{
	struct slot *slots = ((struct rn_rule_ids *)ids)->slots;
	uint32_t at = hash & ids->mask;

	for (; slots[at].rule; at = (at + 1) & ids->mask) {
		const char *other;

		if (slots[at].hash != hash || slots[at].rule == GONE)
			continue;
		other = rules[slots[at].rule - 1].id;
		if (strlen(other) == size && memcmp(other, id, size) == 0)
			break;
	}
	return &slots[at];
}

static struct rn_rule_ids *make(uint32_t room)
{
	struct rn_rule_ids *ids = calloc(1, sizeof(*ids) + room * sizeof(ids->slots[0]));

	if (ids)
		ids->mask = room - 1;
	return ids;
}

/* UINT32_MAX: it was added; else the place of the one that has its id. */
static uint32_t add(struct rn_rule_ids *ids, const struct rn_access_policy *rules, uint32_t place)
{
	const char *id = rules[place].id;
	size_t size = strlen(id);
	uint32_t hash = (uint32_t)rn_siphash(ids->key, id, size);
	struct slot *slot = slot_of(ids, rules, id, size, hash);

	if (slot->rule)
		return slot->rule - 1;
	*slot = (struct slot){hash, place + 1};
	ids->used++;
	return UINT32_MAX;
}

struct rn_rule_ids *rn_rule_ids_new(const struct rn_access_policy *rules, uint32_t count, uint32_t *ret_twice,
				    uint32_t *ret_first)
{
	struct rn_rule_ids *ids;
	uint32_t room = 64;

	*ret_twice = UINT32_MAX;
	while (room < 2 * count)
		room *= 2;
	ids = make(room);
	if (!ids)
		return NULL;
	rn_random(ids->key, sizeof(ids->key));
	for (uint32_t i = 0; i < count; i++) {
		*ret_first = add(ids, rules, i);
		if (*ret_first == UINT32_MAX)
			continue;
		*ret_twice = i;
		free(ids);
		return NULL;
	}
	return ids;
}

struct rn_rule_ids *rn_rule_ids_moved(const struct rn_rule_ids *before, const uint32_t *moved)
{
	struct rn_rule_ids *ids = make(before->mask + 1);

	if (!ids)
		return NULL;
	memcpy(ids->key, before->key, sizeof(ids->key));
	ids->used = before->used;
	for (uint32_t i = 0; i <= ids->mask; i++) {
		uint32_t rule = before->slots[i].rule;

		ids->slots[i].hash = before->slots[i].hash;
		if (rule && rule != GONE && moved[rule - 1] != UINT32_MAX)
			ids->slots[i].rule = moved[rule - 1] + 1;
		else
			ids->slots[i].rule = rule ? GONE : 0;
	}
	return ids;
}

bool rn_rule_ids_add(struct rn_rule_ids *ids, const struct rn_access_policy *rules, uint32_t place)
{
	return 2 * ids->used <= ids->mask && add(ids, rules, place) == UINT32_MAX;
}

void rn_rule_ids_free(struct rn_rule_ids *ids)
{
	free(ids);
}

uint32_t rn_rule_ids_find(const struct rn_rule_ids *ids, const struct rn_access_policy *rules, const char *id,
			  size_t size)
{
	uint32_t rule = slot_of(ids, rules, id, size, (uint32_t)rn_siphash(ids->key, id, size))->rule;

	return rule ? rule - 1 : UINT32_MAX;
}
