/* SPDX-License-Identifier: Apache-2.0 */
#include "service/enforce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/enforce_state.h"

struct rn_enforce *rn_enforce_new(struct rn_datapath *dp, uint32_t self, bool hub)
{
	struct rn_enforce *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->dp = dp;
	e->self = self;
	e->hub = hub;
	e->devices = calloc(RN_DEVICES_MAX, sizeof(*e->devices));
	e->by_number = rn_numbers_new();
	e->indices = rn_indices_new();
	e->slots = rn_slots_new();
	if (!e->devices || !e->by_number || !e->indices || !e->slots || rn_enforce_adopt(e) < 0) {
		rn_enforce_free(e);
		return NULL;
	}
	return e;
}

void rn_enforce_free(struct rn_enforce *e)
{
	if (!e)
		return;
	rn_enforce_rules_done(&e->rules);
	rn_policy_record_done(&e->policy);
	rn_numbers_free(e->by_number);
	rn_indices_free(e->indices);
	rn_slots_free(e->slots);
	free(e->devices);
	free(e->waiting);
	free(e);
}

int rn_enforce_remove(struct rn_enforce *e, uint32_t number)
{
	uint32_t index = rn_numbers_get(e->by_number, number);

	for (uint32_t i = 0; i < e->waiting_count; i++) {
		if (e->waiting[i].record.number != number)
			continue;
		if (e->waiting[i].held)
			rn_slots_release(e->slots, e->waiting[i].slot);
		e->waiting[i--] = e->waiting[--e->waiting_count];
	}
	if (!index || !e->devices[index].present)
		return -ENOENT;
	rn_enforce_retire(e, index);
	return 0;
}

static void drop_waiting(struct rn_enforce *e)
{
	for (uint32_t i = 0; i < e->waiting_count; i++) {
		if (e->waiting[i].held)
			rn_slots_release(e->slots, e->waiting[i].slot);
	}
	e->waiting_count = 0;
}

void rn_enforce_sync_begin(struct rn_enforce *e)
{
	e->syncing = true;
	drop_waiting(e); /* of a sync that was broken off */
	for (uint32_t i = 1; i < e->end; i++)
		e->devices[i].seen = false;
}

void rn_enforce_sync_end(struct rn_enforce *e, void (*each)(void *context, uint32_t number), void *context)
{
	if (!e->syncing)
		return;
	rn_enforce_waiting_apply(e);
	e->syncing = false;
	for (uint32_t i = 1; i < e->end; i++) {
		if (!e->devices[i].present || e->devices[i].seen)
			continue;
		rn_enforce_retire(e, i);
		each(context, e->devices[i].number);
	}
}

void rn_enforce_new_epoch(struct rn_enforce *e, uint32_t epoch)
{
	drop_waiting(e);
	e->forgotten = 0;
	rn_datapath_set_forgotten(e->dp, 0);
	for (uint32_t i = 1; i < e->end; i++) {
		struct rn_device device;

		if (!e->devices[i].number)
			continue;
		e->devices[i].version = 0;
		if (rn_datapath_device(e->dp, i, &device) == 0 && device.version) {
			device.version = 0;
			device.state &= UINT32_MAX; /* the incarnation is the datapath's */
			rn_datapath_device_set(e->dp, i, &device);
		}
	}
	e->policy_version = e->policy_least = 0;
	if (!e->hub && e->parts.part && e->policy.part_count) { /* numbers of parts mean others from now on */
		rn_policy_record_done(&e->policy);
		e->policy_known = false;
	}
	rn_datapath_set_meta(e->dp, epoch, 0);
}

uint32_t rn_enforce_number_of_key(const struct rn_enforce *e, const uint8_t key[RN_KEY_SIZE])
{
	for (uint32_t i = 1; i < e->end; i++) {
		if (e->devices[i].present && memcmp(e->devices[i].key, key, RN_KEY_SIZE) == 0)
			return e->devices[i].number;
	}
	return 0;
}

uint64_t rn_enforce_waiting(const struct rn_enforce *e)
{
	uint64_t lowest = 0;

	for (uint32_t i = 0; i < e->waiting_count; i++)
		if (!lowest || e->waiting[i].version < lowest)
			lowest = e->waiting[i].version;
	return lowest;
}

uint32_t rn_enforce_devices(const struct rn_enforce *e)
{
	return e->present;
}
