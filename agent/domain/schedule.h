/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_SCHEDULE_H
#define RN_DOMAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zones.h"
#include "domain/window.h"

/*
 * When a rule holds: windows that come again every week. Zones are by name, and whoever asks says where they come from
 * (sys/zone.h reads the host's), because this layer reads no files.
 */
struct rn_zone_source {
	void *context;
	/* Borrowed, valid until the source forgets; NULL: there is none of that name. */
	const struct rn_zone *(*zone)(void *context, const char *name);
};

#define RN_DAY_SECONDS 86400
#define RN_EVERY_DAY 0x7fu
#define RN_TIME_WINDOWS_MAX 64 /* of one rule */
/*
 * From `from` (inclusive) to `to` (exclusive) on each of the days. Where to < from it is past midnight, and the day is
 * that of `from`. from == to is refused by whoever reads it, and is never open here. A local time that the zone skips
 * is the first moment after the gap; of one that it has twice, from is the first and to the second.
 */
struct rn_time_window {
	uint8_t days;  /* bit 0: Monday, ... bit 6: Sunday */
	uint32_t from; /* second of the local day, 0..86399 */
	uint32_t to;   /* second of the local day, 1..86400; 86400 is "24:00" */
	char zone[RN_ZONE_NAME_MAX + 1];
};

/* How far ahead the three functions below look. */
#define RN_SCHEDULE_AHEAD (INT64_C(400) * RN_DAY_SECONDS)

/*
 * The windows are those of one rule: open while one of them is. No windows: always open. Times are Unix seconds. All
 * return -ENOENT where the source has not one of the zones (whoever judges by them must then fail closed), and -EINVAL
 * where a window's fields are out of their range or there are more than RN_TIME_WINDOWS_MAX.
 */
struct rn_times {
	const struct rn_time_window *windows;
	uint32_t count;
};
/* 1: open at t, 0: shut. */
int rn_schedule_open(const struct rn_times *times, const struct rn_zone_source *zones, int64_t t);
/* 0; the first moment after t at which it opens or shuts, INT64_MAX: it does not within RN_SCHEDULE_AHEAD. */
int rn_schedule_next(const struct rn_times *times, const struct rn_zone_source *zones, int64_t t, int64_t *ret);
/*
 * While it is open within [from, until), which is at most 2 * RN_SCHEDULE_AHEAD long: ascending, apart (what overlaps
 * or touches is one), cut at from and until. The number of them, or -EMSGSIZE: more than max. Ask from a day before
 * now: clocks of hubs differ.
 */
int rn_schedule_openings(const struct rn_times *times, const struct rn_zone_source *zones, int64_t from, int64_t until,
			 struct rn_window *ret, uint32_t max);

#endif
