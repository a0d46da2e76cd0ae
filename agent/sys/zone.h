/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_ZONE_H
#define RN_SYS_ZONE_H

#include "base/err.h"
#include "base/zones.h"

/*
 * This host's time zones by name, from tzdata's files. Each is read when it is first asked for and kept until the cache
 * forgets. UTC is there without a file.
 */
struct rn_zone_cache;

/* directory: NULL for the host's, /usr/share/zoneinfo. NULL where there is no memory. */
struct rn_zone_cache *rn_zone_cache_new(const char *directory);
void rn_zone_cache_free(struct rn_zone_cache *cache); /* NULL is fine */
/*
 * Lets go of every zone, so that what a new tzdata says comes through; what rn_zone_get returned is gone. Whoever
 * reckons schedules anew calls it before.
 */
void rn_zone_cache_forget(struct rn_zone_cache *cache);

/*
 * Letters, digits, "_", "+", "-", and "/" between them; links that lead out of the directory are not followed. 0 with a
 * zone that is the cache's, -ENOENT (no such zone; err says what was meant), -EINVAL (the name, or what the file
 * holds), -errno.
 */
int rn_zone_get(struct rn_zone_cache *cache, const char *name, const struct rn_zone **ret, struct rn_err *err);
/* The same as a function of a zone source (domain/schedule.h), whose context is the cache: NULL on failure. */
const struct rn_zone *rn_zone_find(void *cache, const char *name);

#endif
