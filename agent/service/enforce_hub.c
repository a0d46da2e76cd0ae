/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/enforce_state.h"

/*
 * Other hubs: which peer of the mesh each is, which devices are behind it, and as whom its frames may speak of them: as
 * whoever has the identity of a device that is behind it by its record. Where a hub has no peer, its devices are known
 * and have no place: nothing goes to them and nothing comes from them.
 */

#define WRONG_AT_ONCE 64

uint32_t rn_enforce_peer(const struct rn_enforce *e, uint32_t hub)
{
	for (uint32_t peer = 1; hub && peer < e->peers_end; peer++) {
		if (e->peers[peer] == hub)
			return peer;
	}
	return 0;
}

static uint32_t free_peer(const struct rn_enforce *e)
{
	for (uint32_t peer = 1; peer < RN_MESH_PEERS_MAX; peer++) {
		if (peer >= e->peers_end || !e->peers[peer])
			return peer;
	}
	return 0;
}

/* The number means the set that the slot is for. After a restart what was believed is, until its record has come. */
static bool is_read(const struct rn_enforce *e, const struct rn_enforced_device *d)
{
	uint32_t count;
	const uint32_t *selectors = rn_slots_selectors(e->slots, d->slot, &count);

	return !e->reads || !selectors || e->reads(e->reads_context, d->identity, selectors, count);
}

/* The device has come to its place: its identity can be behind that hub. */
void rn_enforce_claim(struct rn_enforce *e, uint32_t index)
{
	const struct rn_enforced_device *d = &e->devices[index];

	if (d->peer && is_read(e, d))
		rn_datapath_behind_set(e->dp, d->peer, d->identity, d->slot);
	else if (d->peer)
		rn_enforce_disclaim(e, d->peer, d->identity);
}

/* A device has left: what another that is still there has stays. */
void rn_enforce_disclaim(struct rn_enforce *e, uint32_t peer, uint32_t identity)
{
	for (uint32_t i = 1; peer && i < e->end; i++) {
		const struct rn_enforced_device *d = &e->devices[i];

		if (d->present && d->peer == peer && d->identity == identity && is_read(e, d)) {
			rn_datapath_behind_set(e->dp, peer, identity, d->slot);
			return;
		}
	}
	if (peer)
		rn_datapath_behind_remove(e->dp, peer, identity);
}

void rn_enforce_on_reads(struct rn_enforce *e, rn_enforce_reads *reads, void *context)
{
	e->reads = reads;
	e->reads_context = context;
}

void rn_enforce_reread(struct rn_enforce *e, uint32_t identity)
{
	for (uint32_t i = 1; i < e->end; i++) {
		const struct rn_enforced_device *d = &e->devices[i];

		if (d->present && d->peer && (!identity || d->identity == identity))
			rn_enforce_disclaim(e, d->peer, d->identity);
	}
}

static void set_place(struct rn_enforce *e, uint32_t index, uint32_t peer)
{
	struct rn_device entry;

	if (rn_datapath_device(e->dp, index, &entry) < 0)
		return;
	e->devices[index].peer = peer;
	rn_datapath_device_state(e->dp, index,
				 ((uint32_t)entry.state & ~RN_STATE_PLACE) | (peer ? RN_STATE_BEHIND(peer) : 0));
}

/* The peer first: what was judged for who is behind it is judged again, also where another hub gets its number. */
void rn_enforce_hub_gone(struct rn_enforce *e, uint32_t hub)
{
	uint32_t peer = rn_enforce_peer(e, hub);

	if (!peer)
		return;
	rn_datapath_peer_remove(e->dp, peer);
	for (uint32_t i = 1; i < e->end; i++) {
		if (e->devices[i].present && e->devices[i].peer == peer)
			set_place(e, i, 0);
	}
	e->peers[peer] = 0;
}

/* A hub that has an address which another's newer record says is its own: where it is now, its own next record says. */
static void drop_holders(struct rn_enforce *e, const struct rn_device_record *device)
{
	for (uint32_t i = 1; i < e->end; i++) {
		const struct rn_enforced_device *d = &e->devices[i];

		if (d->present && d->number != device->number &&
		    (rn_addr_compare(&d->addresses[0], &device->ipv6) == 0 ||
		     (!rn_addr_is_zero(&device->ipv4) && rn_addr_compare(&d->addresses[1], &device->ipv4) == 0)))
			rn_enforce_hub_gone(e, d->number);
	}
}

static int set_peer(struct rn_enforce *e, uint32_t peer, const struct rn_device_record *device)
{
	const struct rn_mesh_addresses addresses = {.v6 = device->ipv6, .v4 = device->ipv4};
	int r = rn_datapath_peer_set(e->dp, peer, &addresses);

	if (r != -EEXIST)
		return r;
	drop_holders(e, device);
	return rn_datapath_peer_set(e->dp, peer, &addresses);
}

/* The hub has a peer now: devices whose records came before it get their place. */
static void place_devices(struct rn_enforce *e, uint32_t hub, uint32_t peer)
{
	for (uint32_t i = 1; i < e->end; i++) {
		if (!e->devices[i].present || e->devices[i].hub != hub)
			continue;
		set_place(e, i, peer);
		rn_enforce_claim(e, i);
	}
}

int rn_enforce_hub(struct rn_enforce *e, const struct rn_device_record *device)
{
	uint32_t peer = rn_enforce_peer(e, device->number);
	bool there = peer;
	int r;

	if (!e->hub || device->number == e->self || !rn_kind_is_hub(device->kind))
		return 0;
	if ((device->flags & RN_DEVICE_REVOKED) || rn_is_zero(device->mesh_key, RN_KEY_SIZE)) {
		rn_enforce_hub_gone(e, device->number);
		return 0;
	}
	if (!there && !(peer = free_peer(e)))
		return -ENOSPC;
	r = set_peer(e, peer, device);
	if (r < 0 || there)
		return r;
	e->peers[peer] = device->number;
	if (peer >= e->peers_end)
		e->peers_end = peer + 1;
	place_devices(e, device->number, peer);
	return 0;
}

/* It has come from behind another hub, or was not reached at all: one store, and its next packet is judged anew. */
static void turn_attached(struct rn_enforce *e, uint32_t index)
{
	struct rn_enforced_device *d = &e->devices[index];
	uint32_t before = d->peer;
	struct rn_device entry;

	if (rn_datapath_device(e->dp, index, &entry) < 0)
		return;
	d->hub = e->self;
	d->peer = 0;
	rn_datapath_device_state(e->dp, index, ((uint32_t)entry.state & ~RN_STATE_PLACE) | RN_STATE_ATTACHED);
	rn_enforce_disclaim(e, before, d->identity);
}

int rn_enforce_here(struct rn_enforce *e, uint32_t number, uint64_t moved, struct rn_err *err)
{
	uint32_t index = rn_numbers_get(e->by_number, number);
	struct rn_enforced_device *d = &e->devices[index];

	if (!e->hub || !index || !d->present || !d->known || !d->listed)
		return rn_fail(err, -EACCES, "device %u does not list this hub", number);
	if (moved <= d->moved || moved < d->here)
		return rn_fail(err, -ESTALE, "device %u: its move %llu is older than what is known of it", number,
			       (unsigned long long)moved);
	d->here = moved;
	turn_attached(e, index);
	return 0;
}

/* ---- after a restart ---- */

/* What does not fit the devices: a kern that was killed between two writes leaves one or two. */
struct wrong {
	struct rn_enforce *e;
	uint32_t count;
	struct rn_behind_key pair[WRONG_AT_ONCE];
};

static void add_wrong(struct wrong *w, uint32_t peer, uint32_t identity)
{
	if (w->count < WRONG_AT_ONCE)
		w->pair[w->count++] = (struct rn_behind_key){peer, identity};
}

/* A peer is the hub that has its address, and that is behind itself. */
static void adopt_peer(void *context, uint32_t peer, const struct rn_mesh_addresses *addresses)
{
	struct wrong *w = context;
	struct rn_enforce *e = w->e;
	struct rn_device device = {0};
	uint32_t index;

	if (rn_datapath_address(e->dp, &addresses->v6, &index) < 0 || rn_datapath_device(e->dp, index, &device) < 0 ||
	    !(device.state & RN_STATE_REMOTE) || RN_STATE_PEER(device.state) != peer ||
	    rn_enforce_peer(e, device.number)) {
		add_wrong(w, peer, 0);
		return;
	}
	e->peers[peer] = device.number;
	e->peers_end = peer + 1;
}

static void adopt_place(struct rn_enforce *e, uint32_t index)
{
	struct rn_enforced_device *d = &e->devices[index];
	struct rn_device device = {0};
	uint32_t peer;

	if (!d->present || rn_datapath_device(e->dp, index, &device) < 0)
		return;
	peer = device.state & RN_STATE_REMOTE ? RN_STATE_PEER(device.state) : 0;
	if (device.state & (RN_STATE_ATTACHED | RN_STATE_LOCAL))
		d->hub = e->self;
	if (peer && (peer >= e->peers_end || !e->peers[peer])) {
		set_place(e, index, 0);
	} else if (peer) {
		d->hub = e->peers[peer];
		d->peer = peer;
		rn_enforce_claim(e, index);
	}
}

static void adopt_claim(void *context, uint32_t peer, uint32_t identity, uint32_t slot)
{
	struct wrong *w = context;

	(void)slot;
	for (uint32_t i = 1; i < w->e->end; i++) {
		const struct rn_enforced_device *d = &w->e->devices[i];

		if (d->present && d->peer == peer && d->identity == identity)
			return;
	}
	add_wrong(w, peer, identity);
}

int rn_enforce_adopt_hubs(struct rn_enforce *e)
{
	struct wrong wrong = {.e = e};
	int r;

	if (!e->hub)
		return 0;
	r = rn_datapath_peers(e->dp, adopt_peer, &wrong);
	for (uint32_t i = 0; r == 0 && i < wrong.count; i++)
		r = rn_datapath_peer_remove(e->dp, wrong.pair[i].peer);
	for (uint32_t i = 1; r == 0 && i < e->end; i++)
		adopt_place(e, i);
	do {
		wrong.count = 0;
		if (r == 0)
			r = rn_datapath_behind(e->dp, adopt_claim, &wrong);
		for (uint32_t i = 0; r == 0 && i < wrong.count; i++)
			r = rn_datapath_behind_remove(e->dp, wrong.pair[i].peer, wrong.pair[i].identity);
	} while (r == 0 && wrong.count);
	return r;
}
