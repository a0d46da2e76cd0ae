/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/datapath_memory.h"

#include <errno.h>
#include <string.h>

#include "base/crypto.h"

/*
 * The arrays of the datapath as memory that the kernel reads at the same time. What a packet reads together is either
 * one aligned store or hidden while it changes: a device behind a state without PRESENT, a policy in the half not in
 * use.
 */
#define STATE_LOW 0xffffffffull
#define INCARNATION (1ull << RN_STATE_INCARNATION_SHIFT)

static void store_u64(__u64 *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

static void store_u32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

void rn_datapath_begin(struct rn_datapath *dp, const struct rn_meta *want)
{
	struct rn_meta meta = *want;
	__u64 secret;

	meta.schema = 0;
	*dp->meta = meta;
	rn_random(&secret, sizeof(secret));
	store_u64(&dp->config->flow_secret, secret);
	store_u32(&dp->config->role, want->role);
	store_u32(&dp->meta->schema, want->schema);
}

void rn_datapath_meta(const struct rn_datapath *dp, struct rn_meta *ret)
{
	*ret = *dp->meta;
}

void rn_datapath_set_meta(struct rn_datapath *dp, uint32_t epoch, uint64_t policy_version)
{
	store_u32(&dp->meta->epoch, epoch);
	store_u64(&dp->meta->policy_version, policy_version);
}

void rn_datapath_set_forgotten(struct rn_datapath *dp, uint64_t version)
{
	store_u64(&dp->meta->forgotten, version);
}

void rn_datapath_config(const struct rn_datapath *dp, struct rn_config *ret)
{
	*ret = *dp->config;
}

void rn_datapath_set_generation(struct rn_datapath *dp, uint64_t generation)
{
	store_u64(&dp->config->generation, generation);
}

void rn_datapath_set_lease(struct rn_datapath *dp, uint64_t until_ns)
{
	store_u64(&dp->config->lease_until_ns, until_ns);
}

void rn_datapath_set_mtu(struct rn_datapath *dp, uint32_t mtu)
{
	store_u32(&dp->config->mtu, mtu);
}

void rn_datapath_set_link_down(struct rn_datapath *dp, bool down)
{
	store_u32(&dp->config->link_down, down);
}

void rn_datapath_set_wall_offset(struct rn_datapath *dp, int64_t offset_ns)
{
	__atomic_store_n(&dp->config->wall_offset_ns, offset_ns, __ATOMIC_SEQ_CST);
}

bool rn_datapath_index_valid(uint32_t index)
{
	return index && index < RN_DEVICES_MAX;
}

/* Before a store into devices[index]. */
static int open_index(struct rn_datapath *dp, uint32_t index)
{
	return rn_datapath_index_valid(index) ? rn_datapath_window(dp, index) : -ERANGE;
}

int rn_datapath_device(const struct rn_datapath *dp, uint32_t index, struct rn_device *ret)
{
	if (!rn_datapath_index_valid(index))
		return -ERANGE;
	*ret = (struct rn_device){0};
	if (dp->window[index / RN_WINDOW_DEVICES])
		*ret = dp->devices[index];
	return 0;
}

/* What a judgement reads besides the state. */
static bool same_meaning(const struct rn_device *a, const struct rn_device *b)
{
	return a->number == b->number && a->owner == b->owner && a->identity_slot == b->identity_slot &&
	       a->identity_number == b->identity_number;
}

int rn_datapath_device_set(struct rn_datapath *dp, uint32_t index, const struct rn_device *device)
{
	struct rn_device *slot = &dp->devices[index];
	uint64_t incarnation;
	int code = open_index(dp, index);

	if (code)
		return code;
	incarnation = slot->state & ~STATE_LOW;
	if (!same_meaning(slot, device)) {
		store_u64(&slot->state, incarnation);
		incarnation += INCARNATION;
	}
	store_u32(&slot->number, device->number);
	store_u32(&slot->identity_slot, device->identity_slot);
	store_u32(&slot->identity_number, device->identity_number);
	store_u32(&slot->owner, device->owner);
	slot->version = device->version;
	memcpy(slot->wireguard_key, device->wireguard_key, sizeof(slot->wireguard_key));
	store_u64(&slot->state, incarnation | (device->state & STATE_LOW));
	return 0;
}

int rn_datapath_device_state(struct rn_datapath *dp, uint32_t index, uint32_t state)
{
	struct rn_device *slot = &dp->devices[index];
	int code = open_index(dp, index);

	if (code)
		return code;
	store_u64(&slot->state, (slot->state & ~STATE_LOW) | state);
	return 0;
}

int rn_datapath_device_clear(struct rn_datapath *dp, uint32_t index)
{
	struct rn_device nobody = {0};

	return rn_datapath_device_set(dp, index, &nobody);
}

void rn_datapath_count_up(struct rn_datapath *dp, uint32_t index)
{
	if (open_index(dp, index) == 0)
		store_u64(&dp->devices[index].state, dp->devices[index].state + INCARNATION);
}

void rn_datapath_count_up_behind(struct rn_datapath *dp, uint32_t peer)
{
	for (uint32_t i = 1; i < RN_DEVICES_MAX; i++) {
		uint64_t state;

		if (!dp->window[i / RN_WINDOW_DEVICES]) {
			i |= RN_WINDOW_DEVICES - 1; /* nobody has ever been in this window */
			continue;
		}
		state = dp->devices[i].state;
		if ((state & RN_STATE_REMOTE) && RN_STATE_PEER(state) == peer)
			rn_datapath_count_up(dp, i);
	}
}

/* ---- policies ---- */

#define SIDES_MAX (RN_LISTS_MAX * RN_LIST_SIDES) /* in all lists */

static bool fits(const struct rn_datapath *dp, uint32_t count, uint32_t max)
{
	return count <= max >> dp->shift;
}

int rn_datapath_half_write(struct rn_datapath *dp, unsigned half, const struct rn_policy_arrays *p)
{
	int code;

	if (!fits(dp, p->policy.rules, RN_RULES_MAX) || !fits(dp, p->side_count, RN_SIDES_MAX) ||
	    !fits(dp, p->pair_count, RN_PAIRS_MAX) || !fits(dp, p->candidate_count, RN_CANDIDATES_MAX) ||
	    !fits(dp, p->opening_count, RN_OPENINGS_MAX))
		return -ENOSPC;
	code = rn_datapath_half_open(dp, half);
	if (code)
		return code;
	memset(dp->open.identities, 0, dp->identities_end[half] * sizeof(*dp->open.identities));
	dp->identities_end[half] = dp->sides_end[half] = 0;
	memcpy(dp->open.rules, p->rules, p->policy.rules * sizeof(*p->rules));
	memcpy(dp->open.sides, p->sides, p->side_count * sizeof(*p->sides));
	memcpy(dp->open.pairs, p->pairs, p->pair_count * sizeof(*p->pairs));
	memcpy(dp->open.candidates, p->candidates, p->candidate_count * sizeof(*p->candidates));
	memcpy(dp->open.openings, p->openings, p->opening_count * sizeof(*p->openings));
	dp->policy[half] = p->policy;
	return 0;
}

int rn_datapath_policy_write(struct rn_datapath *dp, unsigned half, const struct rn_policy_arrays *p)
{
	if (half > 1)
		return -ERANGE;
	if (dp->config->generation && (dp->config->generation & 1) == half)
		return -EBUSY;
	return rn_datapath_half_write(dp, half, p);
}

int rn_datapath_narrowed(const struct rn_datapath *dp, unsigned half, struct rn_narrowed *ret)
{
	if (half > 1)
		return -ERANGE;
	*ret = dp->policy[half].narrowed;
	if (ret->sets > RN_NARROWED_SETS)
		return -EPROTO;
	for (uint32_t i = 0; i < ret->sets; i++)
		if (ret->set[i].count > RN_SELECTORS_MAX)
			return -EPROTO;
	return 0;
}

void rn_datapath_policy_done(struct rn_datapath *dp)
{
	rn_datapath_half_close(dp);
}

/* The lists first: who reads the identity finds them. */
int rn_datapath_identity_write(struct rn_datapath *dp, unsigned half, uint32_t slot,
			       const struct rn_identity_lists *lists)
{
	struct rn_identity identity = lists->at;
	uint32_t first;
	int code;

	if (half > 1 || slot >= RN_IDENTITIES_MAX)
		return -ERANGE;
	first = dp->sides_end[half];
	if (lists->count > SIDES_MAX || !fits(dp, first + lists->count, SIDES_MAX))
		return -ENOSPC;
	code = rn_datapath_half_open(dp, half);
	if (code)
		return code;
	if (lists->count)
		memcpy((uint32_t *)dp->open.lists + first, lists->sides, lists->count * sizeof(*lists->sides));
	identity.sources += first;
	identity.destinations += first;
	dp->open.identities[slot] = identity;
	dp->sides_end[half] = first + lists->count;
	if (slot >= dp->identities_end[half])
		dp->identities_end[half] = slot + 1;
	return 0;
}

int rn_datapath_find_ends(struct rn_datapath *dp)
{
	for (unsigned half = 0; half < 2; half++) {
		int code = rn_datapath_half_open(dp, half);

		if (code)
			return code;
		dp->identities_end[half] = RN_IDENTITIES_MAX;
		dp->sides_end[half] = 0;
		for (uint32_t i = 0; i < RN_IDENTITIES_MAX; i++) {
			const struct rn_identity *identity = &dp->open.identities[i];
			uint32_t end = identity->destinations + identity->places;

			if (end > dp->sides_end[half])
				dp->sides_end[half] = end;
		}
	}
	rn_datapath_half_close(dp);
	return 0;
}
