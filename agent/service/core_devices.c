/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway's people do with devices: list, add stock clients, quarantine, trust, revoke. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/homes.h"
#include "domain/name.h"
#include "service/core_numbering.h"
#include "service/core_refusals.h"
#include "service/core_registry.h"
#include "service/core_state.h"

/* ---- looking ---- */

bool rn_devices_connected(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	if (entry->device == core->params.self.device)
		return core->connected[RN_CORE_NET];
	return entry->present || rn_downstream_of(core, entry->device);
}

static int describe(struct rn_core *core, const struct rn_ledger_entry *entry, struct rn_core_device *ret,
		    struct rn_err *err)
{
	const struct rn_ledger_entry *hub = rn_ledger_device(core->books.ledger, entry->record.hub);
	struct rn_store_device row;
	memset(ret, 0, sizeof(*ret));
	ret->record = entry->record;
	if (hub) {
		memcpy(ret->hub_name, hub->record.name, sizeof(ret->hub_name));
		ret->hub_gone = rn_hub_gone(&hub->record, rn_core_now(core));
	}
	uint32_t home;
	for (unsigned i = 0; !rn_kind_is_hub(entry->record.kind) && (home = rn_homes_at(&entry->record, i)); i++) {
		const struct rn_ledger_entry *listed = rn_ledger_device(core->books.ledger, home);
		ret->homes[ret->home_count++] = listed ? listed->record.name : "";
	}
	int rc = rn_store_device(core->books.store, entry->device, &row, err);
	if (rc == -ENOENT)
		return rn_fail(err, -EIO, "the database core.db lacks the device %s: restore a backup",
			       entry->record.name);
	if (rc)
		return rc;
	ret->created = row.created;
	ret->control_connected = rn_devices_connected(core, entry);
	ret->policy_refused = rn_refusals_has(core, entry->device);
	ret->last_handshake = entry->seen.handshake;
	ret->received = entry->seen.received;
	ret->sent = entry->seen.sent;
	return rn_registry_tags(&core->books, entry->device, ret->tags, RN_SELECTORS_MAX, &ret->tag_count, err);
}

int rn_core_devices(struct rn_core *core, uint32_t after, unsigned max,
		    void (*each)(void *context, const struct rn_core_device *), void *context, struct rn_err *err)
{
	struct rn_core_device device;
	const struct rn_ledger_entry *entry;
	int rc = rn_core_need_gateway(core, err);
	for (unsigned i = 0; !rc && max && (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		if (entry->device <= after)
			continue;
		rc = describe(core, entry, &device, err);
		if (!rc)
			each(context, &device);
		max--;
	}
	return rc;
}

static int find(struct rn_core *core, const char *name, const struct rn_ledger_entry **ret, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (rc)
		return rc;
	*ret = rn_ledger_by_name(core->books.ledger, name);
	return *ret ? 0 : rn_fail(err, -ENOENT, "no device is named %.63s: see `rnaut devices`", name);
}

int rn_core_device(struct rn_core *core, const char *name, struct rn_core_device *ret, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	int rc = find(core, name, &entry, err);
	return rc ? rc : describe(core, entry, ret, err);
}

/* ---- changing ---- */

/* All hubs hold hubs; other devices are held by their own. */
static uint32_t concerned(const struct rn_device_record *device)
{
	return rn_kind_is_hub(device->kind) ? 0 : device->hub;
}

/* A hub's record is signed once more, as nobody's peer: before anybody is sent the first. */
static void publish(struct rn_core *core, const struct rn_device_record *device)
{
	bool revoked = device->flags & RN_DEVICE_REVOKED;
	if (revoked && rn_kind_is_hub(device->kind))
		rn_members_remove(core, device->number);
	rn_core_publish(core);
	if (revoked)
		rn_downstream_deny(core, device);
}

static void change_device(struct rn_core *core, const struct rn_device_record *device, const char *what,
			  const char *detail, rn_core_done *done, void *context)
{
	struct rn_err err = {""};
	uint64_t version;
	int rc =
	    rn_change_one(&core->books, rn_core_now(core), device, rn_core_actor(core), what, detail, &version, &err);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	rn_enforcement_wait(core, version, concerned(device), done, context);
	publish(core, device);
}

void rn_core_quarantine(struct rn_core *core, const char *name, bool on, rn_core_done *done, void *context)
{
	const struct rn_ledger_entry *entry;
	struct rn_err err = {""};
	int rc = find(core, name, &entry, &err);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	struct rn_device_record device = entry->record;
	device.flags = on ? device.flags | RN_DEVICE_QUARANTINED : device.flags & ~RN_DEVICE_QUARANTINED;
	change_device(core, &device, on ? "quarantine" : "release", "", done, context);
}

void rn_core_trust(struct rn_core *core, const char *name, uint8_t trust, rn_core_done *done, void *context)
{
	const struct rn_ledger_entry *entry;
	struct rn_err err = {""};
	char detail[8];
	int rc = find(core, name, &entry, &err);
	if (!rc && trust > RN_TRUST_MAX)
		rc = rn_fail(&err, -EINVAL, "trust is 0 to %u", RN_TRUST_MAX);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	struct rn_device_record device = entry->record;
	device.trust = trust;
	snprintf(detail, sizeof(detail), "%u", trust);
	change_device(core, &device, "trust", detail, done, context);
}

static void told_ca(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf, size_t size)
{
	(void)core;
	(void)context;
	(void)leaf;
	(void)size;
	if (code)
		rn_log(RN_LOG_WARNING, "ca did not note a revocation: %s", text);
}

/* Everybody refuses the device by its record; ca only must not renew its certificate. */
static void tell_ca(struct rn_core *core, const struct rn_device_record *device)
{
	struct rn_local local = {.type = RN_LOCAL_CA_REVOKE};
	struct rn_err err = {""};
	memcpy(local.key, device->noise_key, RN_KEY_SIZE);
	if ((device->flags & RN_DEVICE_MANAGED) && rn_ask_ca(core, &local, told_ca, NULL, &err))
		rn_log(RN_LOG_WARNING, "ca did not note the revocation of %s: %s", device->name, err.text);
}

void rn_core_revoke(struct rn_core *core, const char *name, rn_core_done *done, void *context)
{
	const struct rn_ledger_entry *entry;
	struct rn_err err = {""};
	int rc = find(core, name, &entry, &err);
	if (!rc && entry->device == core->params.self.device)
		rc = rn_fail(&err, -EINVAL, "the gateway cannot revoke itself");
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	struct rn_device_record device = entry->record;
	device.flags |= RN_DEVICE_REVOKED;
	tell_ca(core, &device);
	change_device(core, &device, "revoke", "", done, context);
}

int rn_devices_end_hub(struct rn_core *core, const struct rn_device_record *hub, struct rn_err *err)
{
	struct rn_device_record device = *hub;
	uint64_t version;
	int rc;
	device.flags |= RN_DEVICE_REVOKED;
	rc = rn_change_one(&core->books, rn_core_now(core), &device, "gateway", "end", "", &version, err);
	if (rc)
		return rc;
	tell_ca(core, &device);
	publish(core, &device);
	return 0;
}

int rn_devices_set_key(struct rn_core *core, const struct rn_device_record *record, const uint8_t key[RN_KEY_SIZE],
		       struct rn_err *err)
{
	struct rn_device_record device = *record;
	struct rn_change change;
	if (rn_is_zero(key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "the WireGuard key is zero");
	if (rn_equal(device.wireguard_key, key, RN_KEY_SIZE))
		return 0;
	memcpy(device.wireguard_key, key, RN_KEY_SIZE);
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_store_set_wireguard_key(core->books.store, device.number, key, err);
	if (rc == -EEXIST)
		rn_fail(err, rc, "another device has this WireGuard key: make a new one");
	if (!rc)
		rc = rn_change_device(&change, &device);
	if (!rc)
		rc = rn_change_audit(&change, device.name, "WireGuard key", device.name, "");
	if (rc) {
		rn_change_abort(&change);
		return rc;
	}
	rc = rn_change_commit(&change);
	if (!rc)
		rn_core_publish(core);
	return rc;
}

void rn_devices_own_key(struct rn_core *core)
{
	const struct rn_device_record *self = rn_core_self(core);
	struct rn_err err = {""};
	if (self && rn_devices_set_key(core, self, core->kern.wireguard_key, &err))
		rn_log(RN_LOG_ERROR, "this host's WireGuard key could not be stored: %s", err.text);
	self = rn_core_self(core);
	if (self && rn_hubs_mesh_differs(core) &&
	    rn_hubs_set_mesh(core, self, core->kern.mesh_key, core->kern.mesh_port, &err))
		rn_log(RN_LOG_ERROR, "this host's key to other hubs could not be stored: %s", err.text);
}

/* ---- stock clients ---- */

static int check_stock(const struct rn_core_token_request *r, const uint8_t key[RN_KEY_SIZE], struct rn_err *err)
{
	if (!rn_kind_name(r->kind) || rn_kind_is_hub(r->kind))
		return rn_fail(err, -EINVAL, "a stock client is a desktop, mobile, server or iot device");
	if (!rn_name_valid(r->name))
		return rn_fail(err, -EINVAL, "\"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'", r->name);
	if (r->owner[0] && !rn_name_valid(r->owner))
		return rn_fail(err, -EINVAL, "the owner \"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'",
			       r->owner);
	if (rn_is_zero(key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "the client's public key is missing");
	if (r->fallback_count)
		return rn_fail(err, -EINVAL, "a stock client tries one hub alone: it has no fallback hubs");
	return 0;
}

/* One that is being added: until it has a number that may be used. */
struct adding {
	struct rn_core_token_request request;
	struct rn_new_device device;
	char tags[sizeof(((struct rn_store_token *)0)->tags)];
	char actor[RN_NAME_MAX + 8];
	rn_core_done *done;
	void *context;
};

static int commit_stock(struct rn_core *core, struct adding *a, struct rn_device_record *ret, uint64_t *ret_version,
			struct rn_err *err)
{
	struct rn_new_device *d = &a->device;
	struct rn_change change;
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc && a->request.owner[0])
		rc = rn_store_user(core->books.store, a->request.owner, change.now, &d->owner, err);
	if (!rc)
		rc = rn_registry_add(&change, d, ret);
	if (!rc)
		rc = rn_change_audit(&change, a->actor, "device add", d->name, rn_kind_name(d->kind));
	*ret_version = change.version;
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return rc;
}

static void add(struct rn_core *core, void *context, bool late);

/* 0: it is tried again. */
static int wait_for_number(struct rn_core *core, struct adding *a, struct rn_err *err)
{
	uint32_t number;
	int rc = rn_registry_hold(&core->books, &a->device, &number, err);
	if (rc)
		return rc;
	rc = rn_members_wait(core, number, add, a);
	if (rc)
		rn_numbering_release(&core->books, number);
	return rc ? rn_fail(err, rc, "the gateway cannot add anybody just now: try again") : 0;
}

static void add(struct rn_core *core, void *context, bool late)
{
	struct adding *a = context;
	struct rn_device_record device;
	struct rn_err err = {""};
	uint64_t version;
	int rc = commit_stock(core, a, &device, &version, &err);
	if (rc == -EAGAIN && late) {
		rc = rn_members_late(&err);
	} else if (rc == -EAGAIN) {
		rc = wait_for_number(core, a, &err);
		if (!rc)
			return;
	}
	if (rc) {
		a->done(a->context, rc, &err, NULL, 0);
	} else {
		rn_enforcement_wait(core, version, device.hub, a->done, a->context);
		rn_core_publish(core);
	}
	free(a);
}

static int prepare(struct rn_core *core, const struct rn_core_token_request *request, const uint8_t key[RN_KEY_SIZE],
		   struct adding *a, struct rn_err *err)
{
	struct rn_new_device *d = &a->device;
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = check_stock(request, key, err);
	if (!rc)
		rc = rn_tokens_hub(core, request->hub, &d->hub, err);
	if (!rc)
		rc = rn_registry_join_tags(request->tags, request->tag_count, a->tags, sizeof(a->tags), err);
	a->request = *request;
	a->request.tag_count = 0; /* they are the caller's */
	d->kind = request->kind;
	d->trust = RN_TRUST_START;
	d->tags = a->tags;
	snprintf(d->name, sizeof(d->name), "%s", request->name);
	snprintf(d->owner_name, sizeof(d->owner_name), "%s", request->owner);
	memcpy(d->wireguard_key, key, RN_KEY_SIZE);
	snprintf(a->actor, sizeof(a->actor), "%s", rn_core_actor(core));
	return rc;
}

void rn_core_device_add(struct rn_core *core, const struct rn_core_token_request *request,
			const uint8_t wireguard_key[RN_KEY_SIZE], rn_core_done *done, void *context)
{
	struct adding *a = calloc(1, sizeof(*a));
	struct rn_err err = {"out of memory"};
	int rc = a ? prepare(core, request, wireguard_key, a, &err) : -ENOMEM;
	if (rc) {
		free(a);
		done(context, rc, &err, NULL, 0);
		return;
	}
	a->done = done;
	a->context = context;
	add(core, a, false);
}
