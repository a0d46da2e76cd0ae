/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's hubs: which there are, and the end of those of projects. */
#include <errno.h>
#include <string.h>

#include "service/core_registry.h"
#include "service/core_state.h"

#define RETRY_S 60 /* of an end that could not be stored */

enum rn_hub_gone rn_hub_gone(const struct rn_device_record *hub, int64_t now)
{
	if (hub->ends && (uint64_t)now >= hub->ends)
		return RN_HUB_ENDED;
	return hub->flags & RN_DEVICE_REVOKED ? RN_HUB_REVOKED : RN_HUB_THERE;
}

/* ---- looking ---- */

static void count_devices(struct rn_core *core, struct rn_core_hub *hub)
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		if (entry->record.hub != hub->record.number || (entry->record.flags & RN_DEVICE_REVOKED))
			continue;
		hub->devices++;
		hub->devices_connected += rn_devices_connected(core, entry);
	}
}

static void describe_hub(struct rn_core *core, const struct rn_ledger_entry *entry, struct rn_core_hub *ret)
{
	const struct rn_downstream *session = rn_downstream_of(core, entry->device);
	bool self = entry->device == core->params.self.device;
	const struct rn_ledger_entry *parent = rn_ledger_device(core->books.ledger, entry->record.parent);
	*ret = (struct rn_core_hub){.record = entry->record, .connected = rn_devices_connected(core, entry)};
	if (parent)
		memcpy(ret->parent_name, parent->record.name, sizeof(ret->parent_name));
	ret->applied_known = self ? core->connected[RN_CORE_KERN] : session != NULL;
	if (ret->applied_known) {
		const struct rn_position *at = self ? &core->kern.applied : &session->applied;
		const struct rn_ledger_entry *policy = rn_ledger_policy(core->books.ledger);

		ret->applied = at->version;
		ret->policy_behind = policy && rn_position_before(at, policy);
	}
	count_devices(core, ret);
}

int rn_core_hubs(struct rn_core *core, void (*each)(void *context, const struct rn_core_hub *), void *context,
		 struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	struct rn_core_hub hub;
	int rc = rn_core_need_gateway(core, err);
	for (unsigned i = 0; !rc && (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		if (!rn_kind_is_hub(entry->record.kind) || (entry->record.flags & RN_DEVICE_REVOKED))
			continue;
		describe_hub(core, entry, &hub);
		each(context, &hub);
	}
	return rc;
}

static int find(struct rn_core *core, const char *name, const struct rn_ledger_entry **ret, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (rc)
		return rc;
	*ret = rn_ledger_by_name(core->books.ledger, name);
	if (!*ret || !rn_kind_is_hub((*ret)->record.kind) || rn_hub_gone(&(*ret)->record, rn_core_now(core)))
		return rn_fail(err, -ENOENT, "no hub is named %.63s: see `rnaut hubs`", name);
	return 0;
}

int rn_core_hub(struct rn_core *core, const char *name, struct rn_core_hub *ret, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	int rc = find(core, name, &entry, err);
	if (!rc)
		describe_hub(core, entry, ret);
	return rc;
}

/* ---- changing ---- */

/* Hubs are a tree with the gateway at its root. */
static int set_parent(struct rn_core *core, struct rn_device_record *device, const char *name, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	uint32_t parent;
	int rc;
	if (device->kind == RN_KIND_GATEWAY)
		return rn_fail(err, -EINVAL, "the gateway has no parent");
	rc = rn_tokens_parent(core, name, &parent, err);
	if (rc)
		return rc;
	for (uint32_t above = parent; above; above = entry ? entry->record.parent : 0) {
		if (above == device->number)
			return rn_fail(err, -EINVAL, "%s is %s itself, or below it", name, device->name);
		entry = rn_ledger_device(core->books.ledger, above);
	}
	device->parent = parent;
	return 0;
}

static int set_end(struct rn_core *core, struct rn_device_record *device, int64_t ends, struct rn_err *err)
{
	if (device->kind != RN_KIND_PROJECT)
		return rn_fail(err, -EINVAL, "only a project hub has an end");
	if (ends <= rn_core_now(core) || ends > (int64_t)RN_ENDS_MAX)
		return rn_fail(err, -EINVAL, "the end of a project hub must be in the future");
	device->ends = (uint64_t)ends;
	return 0;
}

/* *ret_version stays 0 where there is nothing to change. */
static int configure(struct rn_core *core, const char *name, const struct rn_core_hub_change *change,
		     uint64_t *ret_version, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	struct rn_device_record device;
	int rc = find(core, name, &entry, err);
	if (rc)
		return rc;
	if (!change->parent && !change->ends)
		return 0;
	device = entry->record;
	if (change->parent)
		rc = set_parent(core, &device, change->parent, err);
	if (!rc && change->ends)
		rc = set_end(core, &device, change->ends, err);
	return rc ? rc
		  : rn_change_one(&core->books, rn_core_now(core), &device, rn_core_actor(core), "hub configure",
				  change->parent ? change->parent : "", ret_version, err);
}

void rn_core_hub_configure(struct rn_core *core, const char *name, const struct rn_core_hub_change *change,
			   rn_core_done *done, void *context)
{
	struct rn_err err = {""};
	uint64_t version = 0;
	int rc = configure(core, name, change, &version, &err);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	if (!version) {
		done(context, 0, NULL, NULL, 0);
		return;
	}
	rn_enforcement_wait(core, version, 0, done, context);
	rn_core_publish(core);
}

/* ---- the device to other hubs ---- */

bool rn_hubs_mesh_differs(struct rn_core *core)
{
	const struct rn_device_record *self = rn_core_self(core);
	return self && core->kern.key_known && core->kern.mesh_port &&
	       (self->mesh.port != core->kern.mesh_port || !rn_equal(self->mesh_key, core->kern.mesh_key, RN_KEY_SIZE));
}

/* All hubs know every hub's key, so a hub that claims another's would take its peer away from it. */
static bool key_taken(struct rn_core *core, uint32_t hub, const uint8_t key[RN_KEY_SIZE])
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		if (rn_equal(entry->record.wireguard_key, key, RN_KEY_SIZE) ||
		    (entry->device != hub && rn_equal(entry->record.mesh_key, key, RN_KEY_SIZE)))
			return true;
	}
	return false;
}

int rn_hubs_set_mesh(struct rn_core *core, const struct rn_device_record *hub, const uint8_t key[RN_KEY_SIZE],
		     uint16_t port, struct rn_err *err)
{
	struct rn_device_record device = *hub;
	uint64_t version;
	int rc;
	if (!rn_kind_is_hub(hub->kind) || rn_addr_is_zero(&hub->wireguard.addr))
		return rn_fail(err, -EINVAL, "only a hub that others reach has a device to other hubs");
	if (rn_is_zero(key, RN_KEY_SIZE) || !port)
		return rn_fail(err, -EINVAL, "the key to other hubs, or its port, is zero");
	if (key_taken(core, hub->number, key))
		return rn_fail(err, -EEXIST, "another device has this key: remove mesh.key and start kern again");
	memcpy(device.mesh_key, key, RN_KEY_SIZE);
	device.mesh = (struct rn_endpoint){hub->wireguard.addr, port};
	if (hub->mesh.port == port && rn_equal(hub->mesh_key, key, RN_KEY_SIZE) &&
	    rn_addr_compare(&hub->mesh.addr, &device.mesh.addr) == 0)
		return 0;
	rc = rn_change_one(&core->books, rn_core_now(core), &device, device.name, "mesh key", "", &version, err);
	if (!rc)
		rn_core_publish(core);
	return rc;
}

/* ---- the end of a project's hub ---- */

/*
 * Its end is signed: from then on it is revoked, for good. Whoever does not hear of that in time knows the end from the
 * hub's own record, and needs no gateway to keep it.
 */
static void end(struct rn_core *core, const struct rn_device_record *hub)
{
	struct rn_err err = {""};
	if (!rn_devices_end_hub(core, hub, &err)) {
		rn_log(RN_LOG_NOTICE, "the project hub %s has ended", hub->name);
		return;
	}
	rn_log(RN_LOG_ERROR, "the end of the project hub %s is not stored: %s; trying again", hub->name, err.text);
	if (core->hubs.look_at > rn_core_now(core) + RETRY_S)
		core->hubs.look_at = rn_core_now(core) + RETRY_S;
}

/* Ends those that are due, and finds when to look next. */
static void look(struct rn_core *core)
{
	const struct rn_ledger_entry *entry;
	int64_t now = rn_core_now(core);
	core->hubs.look_at = INT64_MAX;
	for (unsigned i = 0; (entry = rn_ledger_hub(core->books.ledger, i)); i++) {
		struct rn_device_record hub = entry->record;
		if (!hub.ends || (hub.flags & RN_DEVICE_REVOKED))
			continue;
		if ((uint64_t)now >= hub.ends)
			end(core, &hub);
		else if ((int64_t)hub.ends < core->hubs.look_at)
			core->hubs.look_at = (int64_t)hub.ends;
	}
}

void rn_hubs_tick(struct rn_core *core)
{
	const struct rn_ledger_entry *newest = rn_ledger_newest(core->books.ledger);
	uint64_t version = newest ? newest->version : 0;
	if (version == core->hubs.looked && rn_core_now(core) < core->hubs.look_at)
		return;
	look(core);
	newest = rn_ledger_newest(core->books.ledger);
	core->hubs.looked = newest ? newest->version : 0;
}
