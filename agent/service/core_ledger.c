/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_ledger_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/ipam.h"
#include "domain/policy_meets.h"
#include "domain/policy_parts.h"
#include "sys/memory.h"

struct rn_ledger *rn_ledger_new(void)
{
	struct rn_ledger *ledger = calloc(1, sizeof(*ledger));
	if (ledger)
		*ledger = (struct rn_ledger){.attached = rn_attached_new(),
					     .devices.max = RN_LEDGER_DEVICES_MAX,
					     .identities.max = RN_IDENTITY_MAX,
					     .parts.max = RN_LEDGER_PARTS_MAX};
	if (ledger)
		ledger->meets = rn_policy_meets_new(&ledger->rules);
	if (ledger && ledger->attached && ledger->meets)
		return ledger;
	rn_ledger_free(ledger);
	return NULL;
}

void rn_ledger_set_brief(struct rn_ledger *ledger)
{
	ledger->brief = true;
}

static void entry_free(struct rn_ledger_entry *entry)
{
	if (!entry)
		return;
	free(entry->blob);
	free(entry);
}

static void table_free(struct rn_ledger_table *table)
{
	for (unsigned i = 0; i < table->count; i++)
		entry_free(table->list[i]);
	free(table->list);
}

void rn_ledger_free(struct rn_ledger *ledger)
{
	if (!ledger)
		return;
	table_free(&ledger->devices);
	table_free(&ledger->identities);
	table_free(&ledger->parts);
	free(ledger->swept);
	entry_free(ledger->network);
	entry_free(ledger->policy);
	rn_attached_free(ledger->attached);
	rn_policy_meets_free(ledger->meets);
	rn_rule_names_free(ledger->names);
	rn_policy_record_done(&ledger->rules);
	free(ledger);
}

/* ---- the list by version ---- */

static bool is_older(const struct rn_ledger_entry *a, const struct rn_ledger_entry *b)
{
	return a->epoch != b->epoch ? a->epoch < b->epoch : a->version < b->version;
}

/* Nearly always at the end: versions rise. */
static void list_insert(struct rn_ledger *ledger, struct rn_ledger_entry *entry)
{
	struct rn_ledger_entry *before = ledger->newest;
	while (before && is_older(entry, before))
		before = before->older;
	entry->older = before;
	entry->newer = before ? before->newer : ledger->oldest;
	*(entry->newer ? &entry->newer->older : &ledger->newest) = entry;
	*(before ? &before->newer : &ledger->oldest) = entry;
}

static void list_remove(struct rn_ledger *ledger, struct rn_ledger_entry *entry)
{
	*(entry->newer ? &entry->newer->older : &ledger->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &ledger->oldest) = entry->newer;
}

/* ---- devices, identities and parts by number ---- */

/* The first index whose number is not below. */
static unsigned index_of(const struct rn_ledger_table *table, uint32_t number)
{
	unsigned low = 0, high = table->count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (table->list[middle]->device < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct rn_ledger_entry *find(const struct rn_ledger_table *table, uint32_t number)
{
	unsigned at = index_of(table, number);
	return at < table->count && table->list[at]->device == number ? table->list[at] : NULL;
}

static int make_room(struct rn_ledger_table *table)
{
	if (table->count < table->room)
		return 0;
	unsigned room = table->room ? table->room * 2 : 64;
	struct rn_ledger_entry **list = realloc(table->list, room * sizeof(*list));
	if (!list)
		return -ENOMEM;
	table->list = list;
	table->room = room;
	return 0;
}

static struct rn_ledger_table *table_of(struct rn_ledger *ledger, enum rn_record_type type)
{
	if (type == RN_RECORD_DEVICE)
		return &ledger->devices;
	return type == RN_RECORD_PART ? &ledger->parts : &ledger->identities;
}

/* Where the pointer to the held entry of the same thing is; a new one gets a gap with NULL. */
static int slot_of(struct rn_ledger *ledger, const struct rn_ledger_entry *entry, struct rn_ledger_entry ***ret)
{
	struct rn_ledger_table *table = table_of(ledger, entry->type);
	if (entry->type == RN_RECORD_NETWORK || entry->type == RN_RECORD_POLICY) {
		*ret = entry->type == RN_RECORD_NETWORK ? &ledger->network : &ledger->policy;
		return 0;
	}
	unsigned at = index_of(table, entry->device);
	if (at == table->count || table->list[at]->device != entry->device) {
		if (table->count >= table->max)
			return -ENOSPC;
		int rc = make_room(table);
		if (rc)
			return rc;
		memmove(&table->list[at + 1], &table->list[at], (table->count - at) * sizeof(*table->list));
		table->list[at] = NULL;
		table->count++;
	}
	*ret = &table->list[at];
	return 0;
}

static void table_remove(struct rn_ledger *ledger, struct rn_ledger_table *table, uint32_t number)
{
	unsigned at = index_of(table, number);
	if (at == table->count || table->list[at]->device != number)
		return;
	list_remove(ledger, table->list[at]);
	entry_free(table->list[at]);
	table->count--;
	memmove(&table->list[at], &table->list[at + 1], (table->count - at) * sizeof(*table->list));
}

static const struct rn_ledger_entry *held(const struct rn_ledger *ledger, const struct rn_ledger_entry *entry)
{
	switch (entry->type) {
	case RN_RECORD_DEVICE:
		return find(&ledger->devices, entry->device);
	case RN_RECORD_IDENTITY:
		return find(&ledger->identities, entry->device);
	case RN_RECORD_PART:
		return find(&ledger->parts, entry->device);
	case RN_RECORD_NETWORK:
		return ledger->network;
	case RN_RECORD_POLICY:
		break;
	}
	return ledger->policy;
}

/* ---- taking ---- */

static int decode(const uint8_t *blob, size_t size, struct rn_ledger_entry *entry)
{
	struct rn_record_head head;
	struct rn_identity_record identity = {0};
	struct rn_network network;
	struct rn_part part = {0};
	int rc = rn_record_head(blob, size, &head);
	if (rc)
		return rc;
	entry->type = head.type;
	entry->epoch = head.epoch;
	entry->version = head.version;
	entry->issued = head.issued;
	if (head.type == RN_RECORD_DEVICE)
		rc = rn_record_get_device(blob, size, &entry->record);
	else if (head.type == RN_RECORD_NETWORK)
		rc = rn_record_get_network(blob, size, &network);
	else if (head.type == RN_RECORD_IDENTITY)
		rc = rn_record_get_identity(blob, size, &identity);
	else if (head.type == RN_RECORD_PART)
		rc = rn_record_get_part(blob, size, &part);
	entry->device = head.type == RN_RECORD_DEVICE ? entry->record.number : identity.number + part.number;
	return rc;
}

/* Its place, counted at its hub. */
static int device_slot(struct rn_ledger *ledger, const struct rn_ledger_entry *entry, struct rn_ledger_entry ***ret)
{
	const struct rn_ledger_entry *old = held(ledger, entry);
	int rc = rn_attached_put(ledger->attached, old ? &old->record : NULL, &entry->record);
	if (rc)
		return rc;
	rc = slot_of(ledger, entry, ret);
	if (rc) /* then there is no old one */
		rn_attached_remove(ledger->attached, &entry->record);
	return rc;
}

/* ---- parts of policies ---- */

struct joining {
	const struct rn_ledger *ledger;
	uint32_t epoch; /* in another one the number may have meant something else */
};

static bool part_of(void *context, uint32_t number, struct rn_part *ret)
{
	const struct joining *j = context;
	const struct rn_ledger_entry *entry = find(&j->ledger->parts, number);
	return entry && entry->epoch == j->epoch && !rn_record_get_part(entry->blob, entry->size, ret);
}

static int decode_policy(const struct rn_ledger *ledger, const struct rn_ledger_entry *entry,
			 struct rn_policy_record *ret)
{
	struct joining joining = {ledger, entry->epoch};
	const struct rn_part_source parts = {&joining, part_of};
	int rc = rn_record_get_policy(entry->blob, entry->size, ret);
	if (!rc)
		rc = rn_policy_join(ret, &parts);
	if (rc)
		rn_policy_record_done(ret);
	return rc;
}

/* What memory has no room for stays in the store, and goes with the next policy after a start. */
static void remember_swept(struct rn_ledger *ledger, uint32_t number)
{
	if (ledger->swept_count == ledger->swept_room) {
		unsigned room = ledger->swept_room ? 2 * ledger->swept_room : 64;
		uint32_t *more = realloc(ledger->swept, room * sizeof(*more));
		if (!more)
			return;
		ledger->swept = more;
		ledger->swept_room = room;
	}
	ledger->swept[ledger->swept_count++] = number;
}

/* Parts that are newer belong to a policy that is on its way. */
static void drop_parts(struct rn_ledger *ledger)
{
	for (unsigned i = ledger->parts.count; i > 0; i--) {
		const struct rn_ledger_entry *part = ledger->parts.list[i - 1];
		uint32_t number = part->device;
		if (!is_older(part, ledger->policy) || rn_policy_names_part(&ledger->rules, number))
			continue;
		remember_swept(ledger, number);
		table_remove(ledger, &ledger->parts, number);
	}
}

static int put(struct rn_ledger *ledger, struct rn_ledger_entry *entry)
{
	struct rn_policy_record rules = {0};
	struct rn_policy_meets *meets = NULL;
	struct rn_rule_names *names = NULL;
	struct rn_ledger_entry **slot = NULL;
	int rc = 0;
	if (entry->type == RN_RECORD_POLICY)
		rc = decode_policy(ledger, entry, &rules);
	if (!rc && entry->type == RN_RECORD_POLICY &&
	    (!(meets = rn_policy_meets_new(&ledger->rules)) || !(names = rn_rule_names_new(&rules))))
		rc = -ENOMEM;
	if (!rc)
		rc = (entry->type == RN_RECORD_DEVICE ? device_slot : slot_of)(ledger, entry, &slot);
	if (rc) {
		rn_policy_meets_free(meets);
		rn_rule_names_free(names);
		rn_policy_record_done(&rules);
		return rc;
	}
	if (entry->type == RN_RECORD_NETWORK)
		rn_record_get_network(entry->blob, entry->size, &ledger->ranges);
	if (entry->type == RN_RECORD_POLICY) {
		rn_policy_meets_free(ledger->meets);
		rn_policy_record_done(&ledger->rules);
		rn_rule_names_free(ledger->names);
		ledger->rules = rules;
		ledger->meets = meets;
		ledger->names = names;
		if (ledger->brief && ledger->rules.part_count) {
			rn_policy_unjoin(&ledger->rules);
			rn_memory_settle();
		}
	}
	if (*slot) {
		entry->present = (*slot)->present;
		entry->seen = (*slot)->seen;
		entry->seen_told = (*slot)->seen_told;
		entry->here = (*slot)->here;
		entry->lost = (*slot)->lost;
		list_remove(ledger, *slot);
		entry_free(*slot);
	}
	*slot = entry;
	list_insert(ledger, entry);
	if (entry->type == RN_RECORD_POLICY)
		drop_parts(ledger);
	return 0;
}

int rn_ledger_take(struct rn_ledger *ledger, const uint8_t *blob, size_t size, struct rn_ledger_entry **ret_entry)
{
	struct rn_ledger_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	int rc = decode(blob, size, entry);
	if (rc)
		goto fail;
	const struct rn_ledger_entry *old = held(ledger, entry);
	rc = -ESTALE;
	if (old && !is_older(old, entry))
		goto fail;
	rc = -ENOMEM;
	entry->blob = malloc(size);
	if (!entry->blob)
		goto fail;
	memcpy(entry->blob, blob, size);
	entry->size = size;
	entry->dirty = true;
	rc = put(ledger, entry);
	if (rc)
		goto fail;
	*ret_entry = entry;
	return 0;
fail:
	entry_free(entry);
	return rc;
}

void rn_ledger_remove(struct rn_ledger *ledger, uint32_t device)
{
	const struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		rn_attached_remove(ledger->attached, &entry->record);
	table_remove(ledger, &ledger->devices, device);
}

void rn_ledger_remove_identity(struct rn_ledger *ledger, uint32_t number)
{
	table_remove(ledger, &ledger->identities, number);
}

void rn_ledger_set_present(struct rn_ledger *ledger, uint32_t device, bool present)
{
	struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		entry->present = present;
}

void rn_ledger_set_seen(struct rn_ledger *ledger, uint32_t device, const struct rn_seen *seen)
{
	struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		entry->seen = *seen;
}

void rn_ledger_set_lost(struct rn_ledger *ledger, uint32_t device, uint64_t lost)
{
	struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		entry->lost = lost;
}

void rn_ledger_set_seen_told(struct rn_ledger *ledger, uint32_t device, int64_t handshake)
{
	struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		entry->seen_told = handshake;
}

void rn_ledger_set_here(struct rn_ledger *ledger, uint32_t device, uint64_t moved)
{
	struct rn_ledger_entry *entry = find(&ledger->devices, device);
	if (entry)
		entry->here = moved;
}

/* ---- look-ups ---- */

bool rn_position_before(const struct rn_position *position, const struct rn_ledger_entry *entry)
{
	return position->epoch != entry->epoch ? position->epoch < entry->epoch : position->version < entry->version;
}

bool rn_position_reaches(const struct rn_position *position, const struct rn_position *other)
{
	return position->epoch != other->epoch ? position->epoch > other->epoch : position->version >= other->version;
}

const struct rn_ledger_entry *rn_ledger_device(const struct rn_ledger *ledger, uint32_t number)
{
	return find(&ledger->devices, number);
}

const struct rn_ledger_entry *rn_ledger_identity(const struct rn_ledger *ledger, uint32_t number)
{
	return find(&ledger->identities, number);
}

const struct rn_ledger_entry *rn_ledger_identity_at(const struct rn_ledger *ledger, unsigned index)
{
	return index < ledger->identities.count ? ledger->identities.list[index] : NULL;
}

const struct rn_ledger_entry *rn_ledger_by_name(const struct rn_ledger *ledger, const char *name)
{
	for (unsigned i = 0; i < ledger->devices.count; i++)
		if (!strcmp(ledger->devices.list[i]->record.name, name))
			return ledger->devices.list[i];
	return NULL;
}

const struct rn_ledger_entry *rn_ledger_by_noise_key(const struct rn_ledger *ledger, const uint8_t key[RN_KEY_SIZE])
{
	/* A stock client has no key: zero is nobody. */
	if (rn_is_zero(key, RN_KEY_SIZE))
		return NULL;
	for (unsigned i = 0; i < ledger->devices.count; i++)
		if (!memcmp(ledger->devices.list[i]->record.noise_key, key, RN_KEY_SIZE))
			return ledger->devices.list[i];
	return NULL;
}

const struct rn_ledger_entry *rn_ledger_by_address(const struct rn_ledger *ledger, const struct rn_addr *address)
{
	if (rn_addr_is_zero(address))
		return NULL;
	uint32_t number = rn_ipam_device(&ledger->ranges.ipv6, address);
	if (!number && ledger->ranges.ipv4.bits)
		number = rn_ipam_device(&ledger->ranges.ipv4, address);
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, number);
	bool its =
	    entry && (!rn_addr_compare(&entry->record.ipv6, address) || !rn_addr_compare(&entry->record.ipv4, address));
	return its ? entry : NULL;
}

const struct rn_ledger_entry *rn_ledger_network(const struct rn_ledger *ledger)
{
	return ledger->network;
}

const struct rn_ledger_entry *rn_ledger_policy(const struct rn_ledger *ledger)
{
	return ledger->policy;
}

const struct rn_ledger_entry *rn_ledger_part_at(const struct rn_ledger *ledger, unsigned index)
{
	return index < ledger->parts.count ? ledger->parts.list[index] : NULL;
}

const struct rn_ledger_entry *rn_ledger_newest(const struct rn_ledger *ledger)
{
	return ledger->newest;
}

unsigned rn_ledger_count(const struct rn_ledger *ledger)
{
	return ledger->devices.count;
}

const struct rn_ledger_entry *rn_ledger_at(const struct rn_ledger *ledger, unsigned index)
{
	return index < ledger->devices.count ? ledger->devices.list[index] : NULL;
}

const struct rn_ledger_entry *rn_ledger_hub(const struct rn_ledger *ledger, unsigned index)
{
	return rn_ledger_device(ledger, rn_attached_hub(ledger->attached, index));
}

uint32_t rn_ledger_attached(const struct rn_ledger *ledger, uint32_t hub)
{
	return rn_attached_count(ledger->attached, hub);
}

const struct rn_policy_record *rn_ledger_rules(const struct rn_ledger *ledger)
{
	return &ledger->rules;
}

bool rn_ledger_meets(const struct rn_ledger *ledger, const struct rn_device_record *a, const struct rn_device_record *b)
{
	return rn_policy_meets(ledger->meets, a, b);
}

const char *rn_ledger_rule(const struct rn_ledger *ledger, uint32_t number)
{
	return number ? rn_rule_name(ledger->names, number) : "";
}

bool rn_ledger_rule_denies(const struct rn_ledger *ledger, uint32_t number)
{
	return number && rn_rule_denies(ledger->names, number);
}
