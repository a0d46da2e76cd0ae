/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_attached.h"

#include <errno.h>
#include <stdlib.h>

#include "base/numbers.h"

struct rn_attached {
	struct rn_numbers *counts; /* hub -> devices */
	struct rn_numbers *places; /* hub -> its place in hubs, from 1 */
	uint32_t *hubs;
	unsigned count, room;
};

struct rn_attached *rn_attached_new(void)
{
	struct rn_attached *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->counts = rn_numbers_new();
	a->places = rn_numbers_new();
	if (a->counts && a->places)
		return a;
	rn_attached_free(a);
	return NULL;
}

void rn_attached_free(struct rn_attached *a)
{
	if (!a)
		return;
	if (a->counts)
		rn_numbers_free(a->counts);
	if (a->places)
		rn_numbers_free(a->places);
	free(a->hubs);
	free(a);
}

static int add_hub(struct rn_attached *a, uint32_t hub)
{
	if (a->count == a->room) {
		unsigned room = a->room ? a->room * 2 : 16;
		uint32_t *hubs = realloc(a->hubs, room * sizeof(*hubs));
		if (!hubs)
			return -ENOMEM;
		a->hubs = hubs;
		a->room = room;
	}
	int rc = rn_numbers_set(a->places, hub, a->count + 1);
	if (!rc)
		a->hubs[a->count++] = hub;
	return rc;
}

static void remove_hub(struct rn_attached *a, uint32_t hub)
{
	uint32_t place = rn_numbers_get(a->places, hub), last;
	if (!place)
		return;
	last = a->hubs[--a->count];
	a->hubs[place - 1] = last;
	if (last != hub)
		rn_numbers_set(a->places, last, place); /* it has a place: no memory is needed */
	rn_numbers_remove(a->places, hub);
}

static int add(struct rn_attached *a, const struct rn_device_record *device)
{
	uint32_t count = rn_numbers_get(a->counts, device->hub);
	int rc = rn_numbers_set(a->counts, device->hub, count + 1);
	if (!rc && rn_kind_is_hub(device->kind))
		rc = add_hub(a, device->number);
	if (!rc)
		return 0;
	if (count)
		rn_numbers_set(a->counts, device->hub, count);
	else
		rn_numbers_remove(a->counts, device->hub);
	return rc;
}

void rn_attached_remove(struct rn_attached *a, const struct rn_device_record *device)
{
	uint32_t count = rn_numbers_get(a->counts, device->hub);
	if (count > 1)
		rn_numbers_set(a->counts, device->hub, count - 1);
	else
		rn_numbers_remove(a->counts, device->hub);
	if (rn_kind_is_hub(device->kind))
		remove_hub(a, device->number);
}

int rn_attached_put(struct rn_attached *a, const struct rn_device_record *old, const struct rn_device_record *device)
{
	int rc = old && old->hub == device->hub ? 0 : add(a, device); /* a hub's own number is its hub */
	if (!rc && old && old->hub != device->hub)
		rn_attached_remove(a, old);
	return rc;
}

uint32_t rn_attached_count(const struct rn_attached *a, uint32_t hub)
{
	return rn_numbers_get(a->counts, hub);
}

uint32_t rn_attached_hub(const struct rn_attached *a, unsigned index)
{
	return index < a->count ? a->hubs[index] : 0;
}
