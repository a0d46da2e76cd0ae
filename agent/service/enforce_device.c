/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/homes.h"
#include "service/enforce_state.h"

static uint64_t moved_here(const struct rn_enforce *e, uint32_t number)
{
	return e->devices[rn_numbers_get(e->by_number, number)].here;
}

static uint32_t state_of(const struct rn_enforce *e, const struct rn_device_record *device)
{
	uint32_t state = RN_STATE_PRESENT | device->trust;

	if (device->flags & RN_DEVICE_QUARANTINED)
		state |= RN_STATE_QUARANTINED;
	if (device->flags & RN_DEVICE_REVOKED)
		state |= RN_STATE_REVOKED;
	if (device->number == e->self)
		state |= RN_STATE_LOCAL;
	else if (!e->hub || rn_homes_now(device, e->self, moved_here(e, device->number)) == e->self)
		state |= RN_STATE_ATTACHED;
	else if (rn_enforce_peer(e, device->hub))
		state |= RN_STATE_BEHIND(rn_enforce_peer(e, device->hub));
	return state;
}

/* The newer record wins an address: the gateway has said both, and gives addresses anew only after a device is gone. */
static int check_addresses(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			   struct rn_err *err)
{
	const struct rn_addr *addresses[] = {&device->ipv6, &device->ipv4};

	for (unsigned i = 0; i < RN_DEVICE_ADDRESSES; i++) {
		char text[RN_ADDR_TEXT];
		uint32_t index;

		if (rn_addr_is_zero(addresses[i]) || rn_datapath_address(e->dp, addresses[i], &index) < 0 ||
		    index >= RN_DEVICES_MAX || !e->devices[index].present || e->devices[index].number == device->number)
			continue;
		if (e->devices[index].version >= version)
			return rn_fail(err, -EEXIST, "device %u cannot have %s: device %u has it", device->number,
				       rn_addr_format(addresses[i], text), e->devices[index].number);
	}
	return 0;
}

static int check_key(const struct rn_enforce *e, const struct rn_device_record *device, struct rn_err *err)
{
	uint32_t other;

	if (rn_is_zero(device->wireguard_key, RN_KEY_SIZE))
		return 0;
	other = rn_enforce_number_of_key(e, device->wireguard_key);
	if (other && other != device->number)
		return rn_fail(err, -EEXIST, "device %u cannot have the WireGuard key of device %u", device->number,
			       other);
	return 0;
}

/* Points an address at the index, taking it from whoever had it. */
static int give_address(struct rn_enforce *e, uint32_t index, const struct rn_addr *address)
{
	uint32_t before;
	int r;

	if (rn_addr_is_zero(address))
		return 0;
	if (rn_datapath_address(e->dp, address, &before) < 0)
		before = 0;
	r = before == index ? 0 : rn_datapath_address_set(e->dp, address, index);
	if (r < 0 || before == 0 || before == index || before >= RN_DEVICES_MAX)
		return r;
	for (unsigned i = 0; i < RN_DEVICE_ADDRESSES; i++) {
		struct rn_addr *a = &e->devices[before].addresses[i];

		if (rn_addr_compare(a, address) == 0)
			memset(a, 0, sizeof(*a));
	}
	return 0;
}

/* Takes away what the device had and has no more. */
static void take_addresses(struct rn_enforce *e, struct rn_enforced_device *d, const struct rn_addr *keep)
{
	for (unsigned i = 0; i < RN_DEVICE_ADDRESSES; i++) {
		bool kept = keep && rn_addr_compare(&d->addresses[i], &keep[i]) == 0;

		if (!kept && !rn_addr_is_zero(&d->addresses[i]))
			rn_datapath_address_remove(e->dp, &d->addresses[i]);
		memset(&d->addresses[i], 0, sizeof(d->addresses[i]));
	}
}

static void drop_index(struct rn_enforce *e, uint32_t index)
{
	struct rn_enforced_device *d = &e->devices[index];

	/* State first: it is one store, and it stops every flow of the device on the next packet. */
	rn_datapath_device_state(e->dp, index, 0);
	take_addresses(e, d, NULL);
	d->present = d->known = false;
	rn_enforce_disclaim(e, d->peer, d->identity);
	d->peer = 0;
	rn_slots_release(e->slots, d->slot);
	rn_indices_free_index(e->indices, index);
	e->present--;
}

void rn_enforce_retire(struct rn_enforce *e, uint32_t index)
{
	rn_enforce_hub_gone(e, e->devices[index].number);
	drop_index(e, index);
}

/* The index for the device: its own where it means the same as before, else a fresh one. */
static int choose_index(struct rn_enforce *e, uint32_t old, uint32_t slot, const struct rn_device_record *device,
			uint32_t *ret)
{
	const struct rn_enforced_device *d = &e->devices[old];

	if (old && d->present && d->slot == slot && d->identity == device->identity && d->owner == device->owner) {
		*ret = old;
		return 0;
	}
	return rn_indices_take(e->indices, ret);
}

static void fill(const struct rn_enforce *e, struct rn_enforced_device *d, uint64_t version, uint32_t slot,
		 const struct rn_device_record *device, uint64_t here)
{
	uint32_t home = rn_homes_now(device, e->self, here);
	uint32_t peer = home == e->self ? 0 : rn_enforce_peer(e, home);

	*d = (struct rn_enforced_device){
	    .number = device->number,
	    .present = true,
	    .known = true,
	    .seen = true,
	    .version = version,
	    .whole = version,
	    .slot = slot,
	    .identity = device->identity,
	    .owner = device->owner,
	    .hub = home,
	    .peer = peer,
	    .listed = rn_homes_list(device, e->self),
	    .moved = device->moved,
	    .here = here,
	    .addresses = {device->ipv6, device->ipv4},
	};
	memcpy(d->key, device->wireguard_key, RN_KEY_SIZE);
}

static int write_device(struct rn_enforce *e, uint32_t index, uint64_t version, uint32_t slot,
			const struct rn_device_record *device)
{
	struct rn_device entry = {
	    .state = state_of(e, device),
	    .number = device->number,
	    .identity_slot = slot,
	    .identity_number = device->identity,
	    .owner = device->owner,
	    .version = version,
	};

	memcpy(entry.wireguard_key, device->wireguard_key, RN_KEY_SIZE);
	return rn_datapath_device_set(e->dp, index, &entry);
}

/*
 * The index of a removed device is needed: of the device only this is kept, that its version may not come again. Before
 * the index is written, so that a kern that is killed in between does not forget this too.
 */
static void keep_version(struct rn_enforce *e, uint32_t index)
{
	if (e->devices[index].version <= e->forgotten)
		return;
	e->forgotten = e->devices[index].version;
	rn_datapath_set_forgotten(e->dp, e->forgotten);
}

/* The entry is whole before an address points at it, and what it replaces is cleared last. */
static int move_to(struct rn_enforce *e, uint32_t index, uint32_t old, uint64_t version, uint32_t slot,
		   const struct rn_device_record *device)
{
	const struct rn_addr keep[RN_DEVICE_ADDRESSES] = {device->ipv6, device->ipv4};
	uint32_t before = index != old ? e->devices[index].number : 0;
	uint64_t here = moved_here(e, device->number);
	bool forget = before && before != device->number && rn_numbers_get(e->by_number, before) == index;
	const struct rn_enforced_device gone = e->devices[old]; /* of index 0: nobody */
	int r;

	if (forget)
		keep_version(e, index);
	r = write_device(e, index, version, slot, device);
	if (r == 0)
		r = give_address(e, index, &device->ipv6);
	if (r == 0)
		r = give_address(e, index, &device->ipv4);
	if (r == 0)
		r = rn_numbers_set(e->by_number, device->number, index);
	if (r < 0)
		return r;
	if (forget)
		rn_numbers_remove(e->by_number, before);
	if (gone.present)
		take_addresses(e, &e->devices[old], keep);
	e->present += index != old || !gone.present;
	fill(e, &e->devices[index], version, slot, device, here);
	if (index >= e->end)
		e->end = index + 1;
	rn_enforce_claim(e, index);
	if (!gone.present)
		return 0;
	if (index != old) {
		drop_index(e, old);
		return 0;
	}
	rn_slots_release(e->slots, gone.slot);
	if (gone.peer != e->devices[index].peer)
		rn_enforce_disclaim(e, gone.peer, gone.identity);
	return 0;
}

int rn_enforce_device_apply(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			    struct rn_err *err)
{
	uint32_t old = rn_numbers_get(e->by_number, device->number), slot, index;
	bool fresh;
	int r;

	if ((r = check_addresses(e, version, device, err)) < 0 || (r = check_key(e, device, err)) < 0)
		return r;
	r = rn_slots_take(e->slots, device->identity, device->selectors, device->selector_count, &slot, &fresh);
	if (r < 0)
		return rn_fail(err, r, "device %u does not fit: %u identities are in use", device->number,
			       rn_slots_used(e->slots));
	r = rn_enforce_own(e, device, err);
	if (r < 0) {
		rn_slots_release(e->slots, slot);
		return r;
	}
	if (fresh && r == 0 && (r = rn_enforce_slot_write(e, slot)) < 0) {
		rn_slots_release(e->slots, slot);
		return rn_fail(
		    err, r, "device %u does not fit: the lists of what rules say of devices are full; join some rules",
		    device->number);
	}
	r = choose_index(e, old, slot, device, &index);
	if (r < 0) {
		rn_slots_release(e->slots, slot);
		return rn_fail(err, r, "device %u does not fit: %u devices are there, as many as there can be",
			       device->number, e->present);
	}
	r = rn_enforce_hub(e, device);
	if (r < 0) {
		rn_slots_release(e->slots, slot);
		if (index != old)
			rn_indices_free_index(e->indices, index);
		return rn_fail(err, r, "hub %u does not fit, at most %u others do: %s", device->number,
			       RN_MESH_PEERS_MAX - 1, strerror(-r));
	}
	r = move_to(e, index, old, version, slot, device);
	if (r < 0) {
		rn_slots_release(e->slots, slot);
		if (index != old) {
			rn_datapath_device_state(e->dp, index, 0);
			rn_indices_free_index(e->indices, index);
		}
		return rn_fail(err, r, "device %u: the kernel's tables: %s", device->number, strerror(-r));
	}
	return 0;
}

/*
 * Every version of a device that is not known here, but may have been, is above all that was forgotten; and none counts
 * that the policy in force does not rest on.
 */
static int check_version(const struct rn_enforce *e, uint32_t number, uint64_t version, struct rn_err *err)
{
	uint32_t index = rn_numbers_get(e->by_number, number);
	uint64_t newest = index ? e->devices[index].version : e->forgotten;
	uint64_t need = e->policy_known ? rn_policy_record_need(&e->policy, number) : 0;

	if (version < need)
		return rn_fail(err, -ESTALE, "device %u: version %llu is older than %llu, which policy %llu rests on",
			       number, (unsigned long long)version, (unsigned long long)need,
			       (unsigned long long)e->policy_version);
	if (index ? version >= newest : version > newest)
		return 0;
	return rn_fail(err, -ESTALE, "device %u: version %llu is older than %llu, which %s", number,
		       (unsigned long long)version, (unsigned long long)newest,
		       index ? "is in force" : "was removed here");
}

/* One record of a device waits: the newest. */
static int wait_for_policy(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			   struct rn_err *err)
{
	for (uint32_t i = 0; i < e->waiting_count; i++) {
		struct rn_waiting_device *w = &e->waiting[i];

		if (w->record.number != device->number)
			continue;
		if (version < w->version)
			return rn_fail(err, -ESTALE, "device %u: version %llu is older than %llu, which waits",
				       device->number, (unsigned long long)version, (unsigned long long)w->version);
		if (w->held)
			rn_slots_release(e->slots, w->slot);
		*w = (struct rn_waiting_device){.record = *device, .version = version};
		return 0;
	}
	if (e->waiting_count == e->waiting_room) {
		uint32_t room = e->waiting_room ? e->waiting_room * 2 : 16;
		struct rn_waiting_device *more = realloc(e->waiting, room * sizeof(*more));

		if (!more)
			return rn_fail(err, -ENOMEM, "out of memory");
		e->waiting = more;
		e->waiting_room = room;
	}
	e->waiting[e->waiting_count++] = (struct rn_waiting_device){.record = *device, .version = version};
	return 0;
}

/*
 * A record that cannot be taken whole (its key, address or identity has no room here) still takes away what it takes
 * away. It counts as the newest, so that an older one does not come back, and may come again itself.
 */
static void narrow(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device)
{
	const uint32_t adds = RN_STATE_QUARANTINED | RN_STATE_REVOKED, now = state_of(e, device);
	uint32_t index = rn_numbers_get(e->by_number, device->number), trust, before;
	struct rn_enforced_device *d = &e->devices[index];
	struct rn_device entry;
	bool moved;

	if (!index || !d->present || rn_datapath_device(e->dp, index, &entry) < 0)
		return;
	before = (uint32_t)entry.state;
	trust = before & RN_STATE_TRUST_MASK;
	if (device->trust < trust)
		trust = device->trust;
	moved = (before ^ now) & RN_STATE_PLACE;
	rn_datapath_device_state(e->dp, index,
				 (uint32_t)RN_STATE_PRESENT | ((before | now) & adds) | trust |
				     (moved ? 0 : before & RN_STATE_PLACE));
	d->version = version;
	d->known = false;
	if (moved) {
		uint32_t peer = d->peer;

		d->hub = d->peer = 0;
		rn_enforce_disclaim(e, peer, d->identity);
	}
	if (device->flags & RN_DEVICE_REVOKED)
		rn_enforce_hub_gone(e, device->number);
}

void rn_enforce_waive(struct rn_enforce *e, const struct rn_policy_record *policy)
{
	for (uint32_t i = 1; i < e->end; i++) {
		const struct rn_enforced_device *d = &e->devices[i];

		if (d->present && d->whole < rn_policy_record_need(policy, d->number))
			rn_enforce_retire(e, i);
	}
}

static int apply_or_narrow(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			   struct rn_err *err)
{
	int r = rn_enforce_device_apply(e, version, device, err);

	if (r < 0)
		narrow(e, version, device);
	return r;
}

/*
 * True where the record must not be in force under the policy that is: it was signed under a newer one; or what the
 * policy says of its identity is not known, since it has not come again. Before the first policy nothing passes and
 * nothing waits, but none that is older than a record asks for will be the first.
 */
static bool must_wait(const struct rn_enforce *e, const struct rn_device_record *device)
{
	const struct rn_enforced_device *d = &e->devices[rn_numbers_get(e->by_number, device->number)];

	if (!rn_enforce_generation(e))
		return false;
	if (device->policy > e->policy_version || (!e->policy_known && rn_enforce_own_lacks(e, device)))
		return true;
	return e->policy_version && !e->policy_known && !(d->present && d->identity == device->identity);
}

static void apply_waiting(struct rn_enforce *e, bool own)
{
	uint32_t count = e->waiting_count;

	e->waiting_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct rn_waiting_device *w = &e->waiting[i];

		if ((w->record.number == e->self) != own || must_wait(e, &w->record)) {
			e->waiting[e->waiting_count++] = *w;
			continue;
		}
		/* While it waited, a later one may have come that did not have to. */
		if (check_version(e, w->record.number, w->version, NULL) == 0)
			apply_or_narrow(e, w->version, &w->record, NULL);
		if (w->held)
			rn_slots_release(e->slots, w->slot);
	}
}

/* This host's own at the end: for it the tables may be filled anew, with the rows of all whose selectors are known. */
void rn_enforce_waiting_apply(struct rn_enforce *e)
{
	apply_waiting(e, false);
	apply_waiting(e, true);
}

int rn_enforce_device(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device, struct rn_err *err)
{
	uint32_t index = rn_numbers_get(e->by_number, device->number);
	struct rn_enforced_device *d = &e->devices[index];
	int r = check_version(e, device->number, version, err);

	if (r < 0)
		return r;
	if (index)
		d->seen = true;
	if (index && d->present && d->known && version == d->version)
		return 1;
	if (device->policy > e->policy_least)
		e->policy_least = device->policy;
	if (must_wait(e, device)) {
		narrow(e, version, device);
		return wait_for_policy(e, version, device, err);
	}
	return apply_or_narrow(e, version, device, err);
}
