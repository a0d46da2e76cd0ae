// SPDX-License-Identifier: Apache-2.0
#include "domain/homes.h"

#include <string.h>

static bool has(const uint32_t *numbers, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

uint32_t rn_homes_at(const struct rn_device_record *device, unsigned place)
{
	if (!device->home_count)
		return place == 0 ? device->hub : 0;
	return place < device->home_count ? device->homes[place] : 0;
}

bool rn_homes_list(const struct rn_device_record *device, uint32_t hub)
{
	return hub && (device->hub == hub || has(device->homes, device->home_count, hub));
}

bool rn_homes_concern(const struct rn_device_record *device, uint32_t hub)
{
	return rn_homes_list(device, hub) || has(device->left, device->left_count, hub);
}

uint32_t rn_homes_now(const struct rn_device_record *device, uint32_t hub, uint64_t moved)
{
	return moved > device->moved && rn_homes_list(device, hub) ? hub : device->hub;
}

static void leave(struct rn_device_record *device, uint32_t hub)
{
	uint32_t before[RN_LEFT_MAX], count = device->left_count;

	if (has(device->left, count, hub))
		return;
	memcpy(before, device->left, sizeof(before));
	device->left[0] = hub;
	device->left_count = count < RN_LEFT_MAX ? count + 1 : RN_LEFT_MAX;
	memcpy(device->left + 1, before, (device->left_count - 1) * sizeof(*before));
}

/* What it left and lists again it has not left. */
static void come_back(struct rn_device_record *device)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < device->left_count; i++)
		if (!rn_homes_list(device, device->left[i]))
			device->left[kept++] = device->left[i];
	device->left_count = kept;
}

void rn_homes_set(struct rn_device_record *device, const uint32_t *hubs, unsigned count, bool go, uint64_t moved)
{
	struct rn_device_record before = *device;
	uint32_t hub;

	device->home_count = count > 1 ? count : 0;
	memset(device->homes, 0, sizeof(device->homes));
	memcpy(device->homes, hubs, device->home_count * sizeof(*hubs));
	if (go || !has(hubs, count, before.hub)) {
		device->hub = hubs[0];
		device->moved = (before.moved > moved ? before.moved : moved) + 1;
	}
	come_back(device);
	for (unsigned i = 0; (hub = rn_homes_at(&before, i)); i++)
		if (!rn_homes_list(device, hub))
			leave(device, hub);
}
