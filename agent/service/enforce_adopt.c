/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/enforce_state.h"

/*
 * After a restart: the tables are the memory. A kern that was killed between two writes may have left a device at two
 * indices; the one with the newer version was written whole, and the addresses are turned to it.
 */

static void adopt_one(struct rn_enforce *e, uint32_t index, const struct rn_device *device)
{
	struct rn_enforced_device *d = &e->devices[index];

	e->end = index + 1;
	d->number = device->number;
	d->present = device->state & RN_STATE_PRESENT;
	d->version = d->whole = device->version;
	d->slot = device->identity_slot;
	d->identity = device->identity_number;
	d->owner = device->owner;
	memcpy(d->key, device->wireguard_key, RN_KEY_SIZE);
	if (!d->present)
		return;
	rn_indices_adopt(e->indices, index);
	rn_slots_adopt(e->slots, d->slot, d->identity);
	e->present++;
}

/* Which of two indices of one number counts. */
static uint32_t better(const struct rn_enforce *e, uint32_t a, uint32_t b)
{
	const struct rn_enforced_device *x = &e->devices[a], *y = &e->devices[b];

	if (x->present != y->present)
		return x->present ? a : b;
	return x->version > y->version ? a : b;
}

struct turn {
	struct rn_enforce *e;
	uint32_t count;
	struct {
		struct rn_addr addr;
		uint32_t index;
	} wrong[64]; /* a kill leaves two, never more */
};

static void adopt_address(void *context, const struct rn_addr *addr, uint32_t index)
{
	struct turn *turn = context;
	struct rn_enforce *e = turn->e;
	uint32_t right = 0;
	struct rn_addr *place;

	if (index > 0 && index < e->end && e->devices[index].present)
		right = rn_numbers_get(e->by_number, e->devices[index].number);
	if (right != index && turn->count < sizeof(turn->wrong) / sizeof(turn->wrong[0])) {
		turn->wrong[turn->count].addr = *addr;
		turn->wrong[turn->count++].index = right;
	}
	if (!right)
		return;
	place = &e->devices[right].addresses[rn_addr_is_v4(addr) ? 1 : 0];
	*place = *addr;
}

static int adopt_addresses(struct rn_enforce *e)
{
	struct turn turn = {.e = e};
	int r = rn_datapath_addresses(e->dp, adopt_address, &turn);

	for (uint32_t i = 0; r == 0 && i < turn.count; i++) {
		if (turn.wrong[i].index)
			r = rn_datapath_address_set(e->dp, &turn.wrong[i].addr, turn.wrong[i].index);
		else
			r = rn_datapath_address_remove(e->dp, &turn.wrong[i].addr);
	}
	return r;
}

/* Clears what another index of the same number has replaced. */
static void drop_doubles(struct rn_enforce *e)
{
	for (uint32_t i = 1; i < e->end; i++) {
		uint32_t number = e->devices[i].number;

		if (!number || rn_numbers_get(e->by_number, number) == i)
			continue;
		memset(e->devices[i].addresses, 0, sizeof(e->devices[i].addresses));
		if (e->devices[i].present)
			rn_enforce_retire(e, i);
		e->devices[i].number = 0;
	}
}

int rn_enforce_adopt(struct rn_enforce *e)
{
	bool remembered[RN_DEVICES_MAX] = {false};
	struct rn_config config;
	struct rn_meta meta;
	int r = 0;

	for (uint32_t i = 1; i < RN_DEVICES_MAX; i++) {
		struct rn_device device;
		uint32_t other;

		if (rn_datapath_device(e->dp, i, &device) < 0 || device.number == 0)
			continue;
		adopt_one(e, i, &device);
		other = rn_numbers_get(e->by_number, device.number);
		r = rn_numbers_set(e->by_number, device.number, other ? better(e, other, i) : i);
		if (r < 0)
			return r;
	}
	r = adopt_addresses(e);
	if (r < 0)
		return r;
	drop_doubles(e);
	r = rn_enforce_adopt_hubs(e);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < e->end; i++)
		remembered[i] = e->devices[i].number;
	rn_indices_settle(e->indices, remembered);
	rn_datapath_config(e->dp, &config);
	rn_datapath_meta(e->dp, &meta);
	e->policy_version = config.generation ? meta.policy_version : 0;
	e->forgotten = meta.forgotten;
	return config.generation ? rn_datapath_narrowed(e->dp, config.generation & 1, &e->rules.narrowed) : 0;
}
