/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_HOMES_H
#define RN_DOMAIN_HOMES_H

#include "domain/record.h"

/*
 * The hubs of a device that is none: where it may be, and who has to hear of it. The gateway signs the list; where of
 * it the device is now, it says itself, with a counter that rises.
 */

/* The hub at this place of the list, 0: there is none. A device without a list has its hub at place 0. */
uint32_t rn_homes_at(const struct rn_device_record *device, unsigned place);
/* Whether the device may be at this hub; of a hub itself alone. */
bool rn_homes_list(const struct rn_device_record *device, uint32_t hub);
/* Whether this hub is to hear of the device: it is listed, or was left. */
bool rn_homes_concern(const struct rn_device_record *device, uint32_t hub);
/* Where the device is, for one who heard that it moved to `hub` with this counter (0: never heard). */
uint32_t rn_homes_now(const struct rn_device_record *device, uint32_t hub, uint64_t moved);

/*
 * Gives the device another list, from 1 to RN_HOMES_MAX hubs, each once; what is listed no more it has left. Where it
 * is to `go`, or is at none of them, it is at the first now, and its counter rises above `moved`.
 */
void rn_homes_set(struct rn_device_record *device, const uint32_t *hubs, unsigned count, bool go, uint64_t moved);

#endif
