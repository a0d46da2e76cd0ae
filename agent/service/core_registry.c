/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/ipam.h"
#include "domain/name.h"
#include "service/core_numbering.h"
#include "service/core_selectors.h"

/* ---- identity ---- */

int rn_registry_identify(struct rn_change *change, struct rn_device_record *device, bool *ret_changed)
{
	struct rn_selectors c;
	uint32_t identity;
	int rc = rn_selectors_of(change->books, change, device, &c, change->err);
	if (!rc)
		rc = rn_numbering_identify(change, device->number, device->identity, c.numbers, c.count, &identity);
	if (rc)
		return rc;
	*ret_changed = device->identity != identity;
	device->identity = identity;
	memset(device->selectors, 0, sizeof(device->selectors));
	memcpy(device->selectors, c.numbers, c.count * sizeof(*c.numbers));
	device->selector_count = c.count;
	return 0;
}

int rn_registry_identify_all(struct rn_change *change)
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_at(change->books->ledger, i)); i++) {
		struct rn_device_record device = entry->record;
		bool changed = false;
		int rc = rn_registry_identify(change, &device, &changed);
		if (!rc && changed)
			rc = rn_change_device(change, &device);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- who waits for a number ---- */

static bool has_set(const struct rn_books *books, const struct rn_device_record *device, const struct rn_selectors *c)
{
	return device->selector_count == c->count &&
	       !memcmp(device->selectors, c->numbers, c->count * sizeof(*c->numbers)) &&
	       rn_numbering_means(books, device->identity);
}

static int pend(struct rn_books *books, const struct rn_ledger_entry *entry, struct rn_err *err)
{
	struct rn_selectors c;
	int rc = rn_selectors_of(books, NULL, &entry->record, &c, err);
	if (!rc && !has_set(books, &entry->record, &c))
		rc = rn_numbering_pend(books, entry->device, c.numbers, c.count, err);
	return rc;
}

int rn_registry_pend_all(struct rn_books *books, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	int rc = 0;
	for (unsigned i = 0; !rc && (entry = rn_ledger_at(books->ledger, i)); i++) {
		rc = pend(books, entry, err);
		/* It keeps what it has; a policy that would need it is refused. */
		if (rc == -EMSGSIZE)
			rc = 0;
	}
	return rc;
}

int rn_registry_pend(struct rn_books *books, uint32_t device, struct rn_err *err)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(books->ledger, device);
	return entry ? pend(books, entry, err) : 0;
}

int rn_registry_hold(struct rn_books *books, const struct rn_new_device *in, uint32_t *ret_number, struct rn_err *err)
{
	struct rn_selectors c;
	int rc = rn_selectors_of_new(books, in, &c, err);
	return rc ? rc : rn_numbering_hold(books, c.numbers, c.count, ret_number, err);
}

/* ---- new devices ---- */

static int allot(struct rn_change *change, struct rn_device_record *device)
{
	struct rn_network network;
	uint64_t number;
	const struct rn_ledger_entry *entry = rn_ledger_network(change->books->ledger);
	if (!entry || rn_record_get_network(entry->blob, entry->size, &network))
		return rn_fail(change->err, -EIO,
			       "the network's record is missing: restore a backup of the state directory");
	if (!rn_kind_is_hub(device->kind) &&
	    rn_ledger_attached(change->books->ledger, device->hub) >= RN_HUB_DEVICES_MAX)
		return rn_fail(change->err, -ENOSPC,
			       "the hub has %u devices, which is all it can have: use another hub", RN_HUB_DEVICES_MAX);
	int rc = rn_store_next(change->books->store, "device", &number, change->err);
	if (rc)
		return rc;
	device->number = (uint32_t)number;
	rc = number > UINT32_MAX ? -ENOSPC : rn_ipam_address(&network.ipv6, device->number, &device->ipv6);
	if (!rc && network.ipv4.bits)
		rc = rn_ipam_address(&network.ipv4, device->number, &device->ipv4);
	return rc ? rn_fail(change->err, rc,
			    "no address is left in the network's ranges: begin a network with larger ranges")
		  : 0;
}

static int store_device(struct rn_change *change, const struct rn_device_record *device, const char *tags)
{
	struct rn_store_device row = {.number = device->number, .created = change->now};
	const char *clash = "name";
	snprintf(row.name, sizeof(row.name), "%s", device->name);
	memcpy(row.noise_key, device->noise_key, RN_KEY_SIZE);
	memcpy(row.wireguard_key, device->wireguard_key, RN_KEY_SIZE);
	int rc = rn_store_add_device(change->books->store, &row, &clash, change->err);
	if (rc == -EEXIST && strcmp(clash, "name"))
		return rn_fail(change->err, rc, "another device has the same %s: make new keys and try again", clash);
	if (rc == -EEXIST)
		return rn_fail(change->err, rc, "a device named %s exists: choose another name", device->name);
	while (!rc && *tags) {
		char tag[RN_NAME_MAX + 1];
		size_t length = strcspn(tags, "\n");
		snprintf(tag, sizeof(tag), "%.*s", (int)length, tags);
		rc = rn_store_add_tag(change->books->store, device->number, tag, change->err);
		tags += length + (tags[length] == '\n');
	}
	return rc;
}

static void describe(const struct rn_new_device *in, struct rn_device_record *out)
{
	*out = (struct rn_device_record){
	    .hub = in->hub,
	    .owner = in->owner,
	    .kind = in->kind,
	    .trust = in->trust,
	    .wireguard = in->wireguard,
	    .control = in->control,
	    .parent = in->parent,
	    .ends = in->ends,
	};
	if (!rn_kind_is_hub(in->kind)) {
		memcpy(out->homes, in->homes, sizeof(out->homes));
		out->home_count = in->home_count;
	}
	if (!rn_is_zero(in->noise_key, RN_KEY_SIZE))
		out->flags = RN_DEVICE_MANAGED;
	if (rn_kind_is_hub(in->kind)) /* until it knows what it must */
		out->flags |= RN_DEVICE_APART;
	memcpy(out->name, in->name, sizeof(out->name));
	if (in->owner)
		memcpy(out->owner_name, in->owner_name, sizeof(out->owner_name));
	memcpy(out->noise_key, in->noise_key, RN_KEY_SIZE);
	memcpy(out->wireguard_key, in->wireguard_key, RN_KEY_SIZE);
}

int rn_registry_add(struct rn_change *change, const struct rn_new_device *in, struct rn_device_record *ret)
{
	struct rn_device_record device;
	bool changed;
	describe(in, &device);
	int rc = allot(change, &device);
	if (!rc && rn_kind_is_hub(in->kind))
		device.hub = device.number;
	if (!rc)
		rc = store_device(change, &device, in->tags);
	if (!rc)
		rc = rn_registry_identify(change, &device, &changed);
	if (!rc)
		rc = rn_change_device(change, &device);
	if (!rc)
		*ret = device;
	return rc;
}

/* ---- tags ---- */

struct listing {
	char (*out)[RN_NAME_MAX + 1];
	unsigned count, max;
};

static int list_tag(void *context, const char *tag)
{
	struct listing *l = context;
	if (l->count < l->max)
		snprintf(l->out[l->count++], RN_NAME_MAX + 1, "%s", tag);
	return 0;
}

int rn_registry_tags(struct rn_books *books, uint32_t device, char ret[][RN_NAME_MAX + 1], unsigned max,
		     unsigned *ret_count, struct rn_err *err)
{
	struct listing l = {.out = ret, .max = max};
	int rc = rn_store_tags(books->store, device, list_tag, &l, err);
	if (!rc)
		*ret_count = l.count;
	return rc;
}

int rn_registry_join_tags(const char *const *tags, unsigned count, char *out, size_t size, struct rn_err *err)
{
	size_t at = 0;
	if (count > RN_TAGS_MAX)
		return rn_fail(err, -EINVAL, "a device can have at most %d tags", RN_TAGS_MAX);
	out[0] = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!rn_name_valid(tags[i]))
			return rn_fail(err, -EINVAL, "the tag \"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'",
				       tags[i]);
		at += (size_t)snprintf(out + at, size - at, "%s\n", tags[i]);
		if (at >= size)
			return rn_fail(err, -EINVAL, "the tags are too long together");
	}
	return 0;
}
