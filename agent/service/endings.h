/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENDINGS_H
#define RN_SERVICE_ENDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/record.h"

/*
 * kern: hubs of projects that this host knows, and when each ends. What the gateway has signed is believed without it:
 * a hub past its end is not there, also where the gateway cannot be reached. Once seen past its end, it stays so
 * whatever the clock does then, until a newer record says a later end (or this process starts anew).
 */
struct rn_endings;

struct rn_endings *rn_endings_new(void); /* NULL: out of memory */
void rn_endings_free(struct rn_endings *e);

/*
 * Takes note of a record that is in force. 1: this hub has ended; 0: not, or it is no project's, or it is revoked (which
 * the record itself says to everybody); -ENOMEM. An older version than was noted changes nothing.
 */
int rn_endings_note(struct rn_endings *e, const struct rn_device_record *device, uint64_t version, int64_t now);
void rn_endings_new_epoch(struct rn_endings *e); /* versions begin anew; what is over stays over */
void rn_endings_forget(struct rn_endings *e, uint32_t number);
/* The number of a hub that has ended since it was last asked, 0: none. Each is told once. */
uint32_t rn_endings_due(struct rn_endings *e, int64_t now);

#endif
