/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "role/kern.h"
#include "sys/memory.h"

#define NS 1000000000ll

void rn_kern_save(struct rn_kern *k)
{
	int r = rn_lease_save(k->lease, rn_boottime_ns());

	if (r < 0)
		rn_log(RN_LOG_ERROR, "cannot write floor.bin in %s/state/kern: %s; free some space there",
		       k->conf.state_dir, strerror(-r));
}

void rn_kern_save_revoked(struct rn_kern *k)
{
	int r = rn_revoked_save(k->revoked);

	if (r < 0)
		rn_log(RN_LOG_ERROR,
		       "cannot write revoked.bin in %s/state/kern: %s; what was revoked is in force, but a reboot may "
		       "forget it; free some space there",
		       k->conf.state_dir, strerror(-r));
}

static void set_lease(struct rn_kern *k, uint64_t until_ns)
{
	rn_lease_set_until(k->lease, until_ns);
	rn_datapath_set_lease(k->dp, until_ns);
}

/* 0: applied or already there; else -errno and err says why not. */
static int take_network(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
			struct rn_err *err)
{
	struct rn_floor *floor = rn_lease_floor(k->lease);
	struct rn_network network;

	if (rn_record_get_network(data, size, &network) < 0)
		return rn_fail(err, -EBADMSG, "a network record that makes no sense");
	if (head->version < floor->network_version)
		return rn_fail(err, -ESTALE, "network %llu is older than %llu, which is in force",
			       (unsigned long long)head->version, (unsigned long long)floor->network_version);
	if (head->version == floor->network_version && k->network_applied)
		return 0;
	if (head->version > floor->network_version) {
		set_lease(k, rn_lease_renew(rn_lease_until(k->lease), network.lease_seconds, head->issued,
					    rn_unix_ns() / NS, rn_boottime_ns()));
		floor->network_version = head->version;
		rn_kern_save(k);
	}
	k->network_applied = true;
	rn_overlay_set_network(k->overlay, &network);
	rn_peers_network(k->peers, &network);
	return 0;
}

/* A project's hub whose end has come is not there, whatever else its record says; at home it takes its link down. */
static bool ended(struct rn_kern *k, uint64_t version, const struct rn_device_record *device)
{
	int r = rn_endings_note(k->endings, device, version, rn_unix_ns() / NS);

	if (device->number == k->self.device)
		rn_kern_set_ended(k, r == 1 || (device->ends && (device->flags & RN_DEVICE_REVOKED)));
	if (r < 0)
		rn_log(RN_LOG_ERROR, "cannot remember when hub %s ends: %s", device->name, strerror(-r));
	return r == 1 && device->number != k->self.device;
}

static int apply_device(struct rn_kern *k, uint64_t version, const struct rn_device_record *device, struct rn_err *err)
{
	int r;

	if (ended(k, version, device)) {
		rn_kern_remove(k, device->number);
		return 0;
	}
	r = rn_enforce_device(k->enforce, version, device, err);
	if (r < 0)
		return r;
	rn_kern_number_hub(k, version, device);
	if (r != 0)
		return 0;
	r = rn_peers_device(k->peers, device);
	if (r < 0 && r != -ENODEV)
		rn_log(RN_LOG_ERROR, "WireGuard did not take device %s: %s", device->name, strerror(-r));
	if (device->number == k->self.device) {
		rn_overlay_set_addresses(k->overlay, &device->ipv6, &device->ipv4);
		rn_kern_mesh_addresses(k, device);
	}
	return 0;
}

/* Revoked is for good, whatever becomes of this record here. The disk comes after the kernel and before APPLIED. */
static int take_device(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
		       struct rn_err *err)
{
	struct rn_device_record device;
	int r = rn_record_get_device(data, size, &device), kept = 0;

	if (r < 0)
		return rn_fail(err, r, "a device record that makes no sense");
	if (device.flags & RN_DEVICE_REVOKED)
		kept = rn_revoked_add(k->revoked, device.number);
	else if (rn_revoked_has(k->revoked, device.number))
		return rn_fail(err, -ESTALE, "device %u was revoked, which is final", device.number);
	if (kept < 0)
		rn_log(RN_LOG_ERROR, "cannot remember that device %u is revoked: %s", device.number, strerror(-kept));
	r = apply_device(k, head->version, &device, err);
	if (kept == 1 && !k->syncing) /* in a sync all at once, at its end */
		rn_kern_save_revoked(k);
	return r;
}

static int take_part(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
		     struct rn_err *err)
{
	struct rn_part part;
	int r = rn_record_get_part(data, size, &part);

	if (r < 0)
		return rn_fail(err, r, "a part of a policy that makes no sense");
	r = rn_parts_put(k->parts, &part, head->version);
	return r < 0 ? rn_fail(err, r, "part %u of a policy cannot be kept: %s", part.number, strerror(-r)) : 0;
}

static int read_policy(struct rn_kern *k, const uint8_t *data, size_t size, struct rn_policy_record *ret,
		       struct rn_err *err)
{
	const struct rn_part_source parts = rn_parts_source(k->parts);
	int r = rn_record_get_policy(data, size, ret);

	if (r < 0)
		return rn_fail(err, r, "a policy record that makes no sense");
	r = rn_policy_join(ret, &parts);
	if (r == 0)
		return 0;
	rn_policy_record_done(ret);
	return rn_fail(err, r,
		       r == -ENOENT ? "a policy whose parts have not all come" : "a policy whose parts make no sense");
}

static int take_policy(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
		       struct rn_err *err)
{
	struct rn_floor *floor = rn_lease_floor(k->lease);
	struct rn_policy_record policy;
	uint32_t before = rn_enforce_devices(k->enforce);
	bool large;
	int r;

	if (head->version < floor->policy_version)
		return rn_fail(err, -ESTALE, "policy %llu is older than %llu, which is in force",
			       (unsigned long long)head->version, (unsigned long long)floor->policy_version);
	r = read_policy(k, data, size, &policy, err);
	if (r < 0)
		return r;
	rn_parts_keep(k->parts, &policy, rn_enforce_in_force(k->enforce), head->version);
	large = policy.part_count;
	r = rn_enforce_policy(k->enforce, head->epoch, head->version, &policy, err);
	if (large)
		rn_memory_settle(); /* until it was in the tables it took a lot */
	if (r < 0)
		return r;
	rn_parts_keep(k->parts, rn_enforce_in_force(k->enforce), NULL, head->version);
	k->policy_refused = 0;
	if (head->version > floor->policy_version) {
		floor->policy_version = head->version;
		rn_kern_save(k);
		rn_log(RN_LOG_NOTICE, "policy %llu is in force", (unsigned long long)head->version);
	}
	if (rn_enforce_devices(k->enforce) < before)
		rn_log(RN_LOG_WARNING,
		       "policy %llu rests on newer records of %u devices than have come; they are unknown here until "
		       "these come, and who sends them may be holding them back",
		       (unsigned long long)head->version, before - rn_enforce_devices(k->enforce));
	return 0;
}

/*
 * Versions count anew in a new epoch; there is no way back. The floor is saved first: whoever starts with an older
 * floor than the tables would take records of the epoch that is over.
 */
static void begin_epoch(struct rn_kern *k, uint32_t epoch)
{
	struct rn_floor *floor = rn_lease_floor(k->lease);

	if (floor->epoch)
		rn_log(RN_LOG_NOTICE, "the gateway's epoch is now %u", epoch);
	floor->epoch = epoch;
	floor->network_version = floor->policy_version = 0;
	k->applied = k->refused = k->policy_refused = 0;
	rn_kern_save(k);
	rn_parts_keep(k->parts, NULL, NULL, 0);
	rn_enforce_new_epoch(k->enforce, epoch);
	rn_endings_new_epoch(k->endings);
	rn_revoked_begin_epoch(k->revoked, epoch);
}

static int take(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
		struct rn_err *err)
{
	const struct rn_floor *floor = rn_lease_floor(k->lease);

	if (head->epoch < floor->epoch || head->epoch < k->anchor.epoch)
		return rn_fail(err, -ESTALE, "a record of epoch %u, which is over", head->epoch);
	if (head->epoch > floor->epoch)
		begin_epoch(k, head->epoch);
	switch (head->type) {
	case RN_RECORD_NETWORK:
		return take_network(k, head, data, size, err);
	case RN_RECORD_DEVICE:
		return take_device(k, head, data, size, err);
	case RN_RECORD_POLICY:
		return take_policy(k, head, data, size, err);
	case RN_RECORD_IDENTITY:
		return rn_kern_number_take(k, head, data, size, err);
	case RN_RECORD_PART:
		return take_part(k, head, data, size, err);
	}
	return rn_fail(err, -EBADMSG, "a record of a kind that this rnaut does not know");
}

/* What is stale here is here in a newer version. What else is refused must not count as applied. */
static void remember_refused(struct rn_kern *k, const struct rn_record_head *head)
{
	bool policy = head->type == RN_RECORD_POLICY || head->type == RN_RECORD_PART;
	uint64_t *lowest = policy ? &k->policy_refused : &k->refused;

	if (!*lowest || head->version < *lowest)
		*lowest = head->version;
}

void rn_kern_record(struct rn_kern *k, const uint8_t *data, size_t size)
{
	struct rn_record_head head = {0};
	struct rn_err err = {""};
	int r;

	if (rn_record_verify(data, size, k->anchor.policy_public, &head) < 0) {
		rn_kern_refuse(k, 0, "a record without the gateway's signature");
		return;
	}
	r = take(k, &head, data, size, &err);
	if (r >= 0)
		return;
	rn_kern_refuse(k, head.version, err.text);
	if (r != -ESTALE)
		remember_refused(k, &head);
}

void rn_kern_remove(struct rn_kern *k, uint32_t number)
{
	rn_enforce_remove(k->enforce, number);
	rn_peers_remove(k->peers, number);
	rn_kern_number_remove(k, number);
}

void rn_kern_set_ended(struct rn_kern *k, bool over)
{
	if (k->ended == over)
		return;
	k->ended = over;
	if (over)
		rn_log(RN_LOG_NOTICE, "this hub was a project's and has ended: the network is down on this host");
	rn_datapath_set_link_down(k->dp, over || k->link_down);
}

void rn_kern_endings(struct rn_kern *k)
{
	uint32_t number;

	while ((number = rn_endings_due(k->endings, rn_unix_ns() / NS))) {
		if (number == k->self.device) {
			rn_kern_set_ended(k, true);
			continue;
		}
		rn_log(RN_LOG_NOTICE, "hub %u was a project's and has ended: it is not there any more", number);
		rn_kern_remove(k, number);
	}
}

void rn_kern_sync(struct rn_kern *k)
{
	k->syncing = true;
	k->refused = k->policy_refused = 0;
	rn_enforce_sync_begin(k->enforce);
}

static void removed(void *context, uint32_t number)
{
	struct rn_kern *k = context;

	rn_peers_remove(k->peers, number);
	rn_kern_number_remove(k, number);
	rn_endings_forget(k->endings, number);
}

static void end_sync(struct rn_kern *k)
{
	int r;

	k->syncing = false;
	rn_enforce_sync_end(k->enforce, removed, k);
	rn_kern_save_revoked(k);
	r = rn_peers_synced(k->peers);
	if (r < 0 && r != -ENODEV)
		rn_log(RN_LOG_ERROR, "WireGuard kept a peer that belongs to nobody: %s", strerror(-r));
	rn_kern_mesh_synced(k);
	rn_log(RN_LOG_INFO, "in step with core: %u devices", rn_enforce_devices(k->enforce));
}

static uint64_t below(uint64_t version, uint64_t refused)
{
	return refused && refused <= version ? refused - 1 : version;
}

/*
 * A device that was refused is held against one mark only, since what is taken from it is taken; a policy until another
 * is in force; one that waits, as long as it waits. Only marks raise what is applied: the policy comes after devices
 * that are newer.
 */
void rn_kern_synced(struct rn_kern *k, uint32_t epoch, uint64_t version)
{
	if (k->syncing)
		end_sync(k);
	version = below(below(below(version, k->refused), k->policy_refused), rn_enforce_waiting(k->enforce));
	k->refused = 0;
	if (epoch == rn_lease_floor(k->lease)->epoch && version > k->applied)
		k->applied = version;
}
