/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zones.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/tz_rule.h"
#include "base/tzif.h"

#define REACH (26 * 3600) /* no offset is that far from UTC */

struct change {
	int64_t time;
	int32_t offset; /* from then on */
};
struct rn_zone {
	int32_t before; /* the offset until the first change */
	bool ruled;	/* from the last change on, else that one holds for ever */
	struct rn_tz_rule rule;
	uint32_t count;
	struct change changes[];
};

static const struct rn_zone utc;

static int fill(struct rn_zone *zone, const struct rn_tzif *file)
{
	zone->before = rn_tzif_offset(file, -1);
	zone->count = file->transitions;
	for (uint32_t i = 0; i < zone->count; i++) {
		zone->changes[i] = (struct change){rn_tzif_time(file, i), rn_tzif_offset(file, i)};
		if (zone->changes[i].time < -RN_ZONE_TIME_MAX || zone->changes[i].time > RN_ZONE_TIME_MAX)
			return -EINVAL;
	}
	zone->ruled = file->footer_size > 0;
	return zone->ruled ? rn_tz_rule_parse(file->footer, file->footer_size, &zone->rule) : 0;
}

int rn_zone_parse(const void *bytes, size_t size, struct rn_zone **ret)
{
	struct rn_zone *zone;
	struct rn_tzif file;
	int r;

	if (size > RN_ZONE_FILE_MAX)
		return -EMSGSIZE;
	r = rn_tzif_read(bytes, size, &file);
	if (r < 0)
		return r;
	if (file.leaps > 0)
		return -EOPNOTSUPP;
	zone = calloc(1, sizeof(*zone) + file.transitions * sizeof(zone->changes[0]));
	if (!zone)
		return -ENOMEM;
	r = fill(zone, &file);
	if (r < 0) {
		rn_zone_free(zone);
		return r;
	}
	*ret = zone;
	return 0;
}

void rn_zone_free(struct rn_zone *zone)
{
	if (zone != &utc)
		free(zone);
}

const struct rn_zone *rn_zone_utc(void)
{
	return &utc;
}

static int64_t bounded(int64_t t)
{
	return t < -RN_ZONE_TIME_MAX ? -RN_ZONE_TIME_MAX : t > RN_ZONE_TIME_MAX ? RN_ZONE_TIME_MAX : t;
}

/* How many changes were at t or before. */
static uint32_t changes_until(const struct rn_zone *zone, int64_t t)
{
	uint32_t low = 0, high = zone->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (zone->changes[middle].time <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rn_zone_span rn_zone_span(const struct rn_zone *zone, int64_t unix_seconds)
{
	int64_t t = bounded(unix_seconds);
	uint32_t passed = changes_until(zone, t);
	struct rn_zone_span span = {INT64_MIN, INT64_MAX, zone->before};

	if (passed == zone->count && zone->ruled)
		span = rn_tz_rule_span(&zone->rule, t);
	else if (passed > 0)
		span.offset = zone->changes[passed - 1].offset;
	if (passed > 0 && zone->changes[passed - 1].time > span.from)
		span.from = zone->changes[passed - 1].time;
	if (passed < zone->count)
		span.until = zone->changes[passed].time;
	return span;
}

int64_t rn_zone_local(const struct rn_zone *zone, int64_t unix_seconds)
{
	int64_t t = bounded(unix_seconds);

	return t + rn_zone_span(zone, t).offset;
}

/* The first moment whose local time is not before it: in a gap that is its end. */
int64_t rn_zone_first(const struct rn_zone *zone, int64_t civil_seconds)
{
	int64_t civil = bounded(civil_seconds), t = civil - REACH;

	for (;;) {
		struct rn_zone_span span = rn_zone_span(zone, t);
		int64_t there = civil - span.offset > t ? civil - span.offset : t;

		if (there < span.until)
			return there;
		t = span.until;
	}
}

/* The last moment that has it; where it was skipped, the first behind all that are before it: the end of the gap too. */
int64_t rn_zone_last(const struct rn_zone *zone, int64_t civil_seconds)
{
	int64_t civil = bounded(civil_seconds), t = civil - REACH, last = t;

	while (t < civil + REACH) {
		struct rn_zone_span span = rn_zone_span(zone, t);

		if (t + span.offset <= civil)
			last = civil - span.offset < span.until ? civil - span.offset : span.until;
		t = span.until;
	}
	return last;
}
