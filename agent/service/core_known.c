/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_known.h"

#include <stdlib.h>

#include "base/numbers.h"

struct rn_known {
	const struct rn_ledger *ledger;
	const struct rn_ledger_entry **one;   /* of each identity */
	const struct rn_ledger_entry **owned; /* by owner; of nobody's there are none */
	unsigned one_count, owned_count;
};

static int by_owner(const void *a, const void *b)
{
	const struct rn_ledger_entry *const *left = a, *const *right = b;
	uint32_t l = (*left)->record.owner, r = (*right)->record.owner;
	return (l > r) - (l < r);
}

static bool asks_for_owner(const struct rn_policy_record *rules)
{
	for (uint32_t i = 0; i < rules->rule_count; i++)
		if (!rules->rules[i].deny && rules->rules[i].same_owner)
			return true;
	return false;
}

static int fill(struct rn_known *k, const struct rn_ledger *ledger, uint32_t hub, struct rn_numbers *seen)
{
	bool owners = asks_for_owner(rn_ledger_rules(ledger));
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_at(ledger, i)); i++) {
		if (entry->record.hub != hub)
			continue;
		if (!rn_numbers_get(seen, entry->record.identity)) {
			if (rn_numbers_set(seen, entry->record.identity, 1))
				return -1;
			k->one[k->one_count++] = entry;
		}
		if (owners && entry->record.owner)
			k->owned[k->owned_count++] = entry;
	}
	qsort(k->owned, k->owned_count, sizeof(*k->owned), by_owner);
	return 0;
}

struct rn_known *rn_known_new(const struct rn_ledger *ledger, uint32_t hub)
{
	struct rn_known *k = calloc(1, sizeof(*k));
	struct rn_numbers *seen = rn_numbers_new();
	unsigned room = rn_ledger_count(ledger) + 1;
	if (k && seen) {
		k->ledger = ledger;
		k->one = calloc(room, sizeof(*k->one));
		k->owned = calloc(room, sizeof(*k->owned));
	}
	if (!k || !seen || !k->one || !k->owned || fill(k, ledger, hub, seen)) {
		rn_known_free(k);
		k = NULL;
	}
	if (seen)
		rn_numbers_free(seen);
	return k;
}

void rn_known_free(struct rn_known *k)
{
	if (!k)
		return;
	free(k->one);
	free(k->owned);
	free(k);
}

/* The first of this owner's, or where it would be. */
static unsigned first_of(const struct rn_known *k, uint32_t owner)
{
	unsigned low = 0, high = k->owned_count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (k->owned[middle]->record.owner < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rn_ledger_entry *rn_known_for(const struct rn_known *k, const struct rn_device_record *other)
{
	for (unsigned i = 0; i < k->one_count; i++)
		if (rn_ledger_meets(k->ledger, &k->one[i]->record, other))
			return k->one[i];
	for (unsigned i = first_of(k, other->owner); i < k->owned_count; i++) {
		if (k->owned[i]->record.owner != other->owner)
			break;
		if (rn_ledger_meets(k->ledger, &k->owned[i]->record, other))
			return k->owned[i];
	}
	return NULL;
}
