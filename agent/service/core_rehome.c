/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices with several hubs, as the gateway and the hubs see them. The gateway signs the list and, at the device's own
 * word, where of it the device is. Until it has, a hub of the list takes that word for itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "domain/homes.h"
#include "service/core_state.h"
#include "service/core_registry.h"

/* A counter is milliseconds of the device's clock, or one more than the last: 34 years of error are enough. */
#define MOVED_AHEAD (1ull << 40)

/* One device moves once a second, and some times at once. */
#define MOVE_COSTS_MS 1000
#define MOVES_AT_ONCE_MS 5000

/* Not more than anybody's clock can say. */
static bool moved_good(struct rn_core *core, const struct rn_device_record *record, uint64_t moved)
{
	uint64_t now = (uint64_t)rn_core_now(core) * 1000;
	return moved <= (now > record->moved ? now : record->moved) + MOVED_AHEAD;
}

/* ---- a hub: who is here ---- */

static bool is_here(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	return entry->here &&
	       rn_homes_now(&entry->record, core->params.self.device, entry->here) == core->params.self.device;
}

void rn_rehome_remind(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	struct rn_local local = {.type = RN_LOCAL_KERN_HOME,
				 .session = core->params.self.device,
				 .number = entry->device,
				 .version = entry->here};
	if (entry->record.hub != core->params.self.device && is_here(core, entry))
		rn_core_send(core, RN_CORE_KERN, &local);
}

void rn_rehome_said(struct rn_downstream *from, const struct rn_message_home *m)
{
	struct rn_core *core = from->core;
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, from->device);
	if (!entry || m->device != from->device || !rn_homes_list(&entry->record, core->params.self.device) ||
	    m->moved <= entry->record.moved || m->moved <= entry->here || !moved_good(core, &entry->record, m->moved) ||
	    !rn_downstream_share(from, &from->moves_ms, MOVE_COSTS_MS, MOVES_AT_ONCE_MS))
		return;
	rn_log(RN_LOG_NOTICE, "%s has moved here", entry->record.name);
	rn_ledger_set_here(core->books.ledger, entry->device, m->moved);
	rn_rehome_remind(core, entry);
}

/* The gateway counts who is here from its own word on, so it is told then. */
void rn_rehome_signed(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	if (core->hub && entry->record.hub == core->params.self.device && rn_downstream_of(core, entry->device))
		rn_upstream_presence(core, entry->device, true);
}

/* ---- the gateway: what it signs ---- */

static const char *name_of(struct rn_core *core, uint32_t hub)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);
	return entry ? entry->record.name : "";
}

/* Where the policy names hubs, who has moved means something else: it is signed so once all hubs know that number. */
static void follow(struct rn_core *core, uint32_t device)
{
	struct rn_err err = {""};
	if (rn_registry_pend(&core->books, device, &err))
		rn_log(RN_LOG_ERROR, "a device that has moved keeps its identity: %s", err.text);
	rn_members_settle(core);
}

int rn_rehome_request(struct rn_core *core, const struct rn_device_record *record, uint32_t hub, uint64_t moved,
		      struct rn_err *err)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);
	struct rn_device_record device = *record;
	uint64_t version;
	int rc;
	if (rn_kind_is_hub(record->kind) || !rn_homes_list(record, hub) || !entry ||
	    rn_hub_gone(&entry->record, rn_core_now(core)))
		return rn_fail(err, -EACCES, "this device does not list hub %u, or that is gone", hub);
	if (moved == record->moved && hub == record->hub)
		return 0;
	if (moved <= record->moved)
		return rn_fail(err, -EALREADY, "this device has moved since");
	if (!moved_good(core, record, moved))
		return rn_fail(err, -EINVAL, "the counter of this move is too large: set the device's clock");
	device.hub = hub;
	device.moved = moved;
	rc = rn_change_one(&core->books, rn_core_now(core), &device, device.name, "move", entry->record.name, &version,
			   err);
	if (rc)
		return rc;
	rn_log(RN_LOG_NOTICE, "%s has moved to %s", device.name, entry->record.name);
	follow(core, device.number);
	rn_core_publish(core);
	return 0;
}

int rn_rehome_hubs(struct rn_core *core, const char *target, const char *const *fallbacks, unsigned count,
		   uint32_t ret[RN_HOMES_MAX], struct rn_err *err)
{
	int rc = rn_tokens_hub(core, target, &ret[0], err);
	if (!rc && count >= RN_HOMES_MAX)
		return rn_fail(err, -EINVAL, "a device lists at most %d hubs, the first of them included",
			       RN_HOMES_MAX);
	for (unsigned i = 0; i < count && !rc; i++) {
		rc = rn_tokens_hub(core, fallbacks[i], &ret[i + 1], err);
		for (unsigned k = 0; k <= i && !rc; k++)
			if (ret[k] == ret[i + 1])
				rc = rn_fail(err, -EINVAL, "%s is listed twice", name_of(core, ret[k]));
	}
	return rc;
}

/* What is not given stays as it is; a target that was a fallback is one no more. */
static int wanted(struct rn_core *core, const struct rn_device_record *device, const struct rn_core_homes *change,
		  uint32_t ret[RN_HOMES_MAX], unsigned *ret_count, struct rn_err *err)
{
	const char *names[RN_HOMES_MAX], *target = change->target;
	unsigned count = 0;
	uint32_t hub;
	if (!target)
		target = name_of(core, rn_homes_at(device, 0));
	for (unsigned i = 0; change->fallbacks_given && i < change->fallback_count; i++)
		names[count++] = change->fallbacks[i];
	for (unsigned i = 1; !change->fallbacks_given && (hub = rn_homes_at(device, i)); i++)
		if (strcmp(name_of(core, hub), target) != 0)
			names[count++] = name_of(core, hub);
	*ret_count = count + 1;
	return rn_rehome_hubs(core, target, names, count, ret, err);
}

static bool same(const struct rn_device_record *device, const uint32_t *hubs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (rn_homes_at(device, i) != hubs[i])
			return false;
	return !rn_homes_at(device, count);
}

/* *ret_version stays 0 where there is nothing to change. */
static int change_homes(struct rn_core *core, const char *name, const struct rn_core_homes *change,
			struct rn_device_record *device, uint64_t *ret_version, struct rn_err *err)
{
	uint32_t hubs[RN_HOMES_MAX];
	unsigned count = 0;
	int rc = rn_core_need_gateway(core, err);
	const struct rn_ledger_entry *entry = rc ? NULL : rn_ledger_by_name(core->books.ledger, name);
	if (rc)
		return rc;
	if (!entry)
		return rn_fail(err, -ENOENT, "no device is named %.63s: see `rnaut devices`", name);
	*device = entry->record;
	if (rn_kind_is_hub(device->kind))
		return rn_fail(err, -EINVAL, "%s is a hub, which is at home with itself", name);
	rc = wanted(core, device, change, hubs, &count, err);
	if (!rc && count > 1 && !(device->flags & RN_DEVICE_MANAGED))
		rc = rn_fail(err, -EINVAL, "%s is a stock client, which tries one hub alone", name);
	if (rc)
		return rc;
	bool go = change->target && device->hub != hubs[0];
	if (!go && same(device, hubs, count))
		return 0;
	rn_homes_set(device, hubs, count, go, (uint64_t)rn_core_now(core) * 1000);
	return rn_change_one(&core->books, rn_core_now(core), device, rn_core_actor(core), "homes",
			     name_of(core, hubs[0]), ret_version, err);
}

void rn_core_device_homes(struct rn_core *core, const char *name, const struct rn_core_homes *change,
			  rn_core_done *done, void *context)
{
	struct rn_device_record device;
	struct rn_err err = {""};
	uint64_t version = 0;
	int rc = change_homes(core, name, change, &device, &version, &err);
	if (rc || !version) {
		done(context, rc, rc ? &err : NULL, NULL, 0);
		return;
	}
	follow(core, device.number);
	rn_enforcement_wait(core, version, device.hub, done, context);
	rn_core_publish(core);
}
