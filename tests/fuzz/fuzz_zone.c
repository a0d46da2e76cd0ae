/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone's file, and windows in it. First byte 0: the rest is a file; 1: the rest is the rule at a file's end. Its last
 * bytes are the moment and the window asked about too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/tz_rule.h"
#include "domain/schedule.h"
#include "fuzz.h"

#define DAY RN_DAY_SECONDS
#define ASKED 24 /* bytes at the end */

static void check_span(const struct rn_zone *zone, int64_t t)
{
	struct rn_zone_span span = rn_zone_span(zone, t);

	CHECK(span.from <= t && t < span.until);
	if (span.until != INT64_MAX)
		CHECK(rn_zone_span(zone, span.until).from == span.until);
	if (span.from != INT64_MIN)
		CHECK(rn_zone_span(zone, span.from).until == span.until);
}

/* Local times rise, and come back as they were but in a gap. */
static void check_civil(const struct rn_zone *zone, int64_t civil)
{
	int64_t first = rn_zone_first(zone, civil), last = rn_zone_last(zone, civil);
	int64_t at_first = rn_zone_local(zone, first), at_last = rn_zone_local(zone, last);

	CHECK(first <= last);
	CHECK(at_first >= civil && rn_zone_local(zone, first - 1) < civil);
	/* Where the clock is put back behind the last moment that has it, it comes there once more, or passes over it. */
	CHECK(at_last == civil || (at_last > civil && rn_zone_local(zone, last - 1) < civil));
	CHECK(rn_zone_local(zone, last + 1) > civil);
	CHECK(rn_zone_first(zone, civil + 1) >= first && rn_zone_last(zone, civil + 1) >= last);
	check_span(zone, first);
	check_span(zone, last);
}

static const struct rn_zone *the_only(void *context, const char *name)
{
	(void)name;
	return context;
}

/* The three functions agree, on a month. */
static void check_schedule(struct rn_zone *zone, int64_t from, struct fuzz *f)
{
	struct rn_zone_source zones = {zone, the_only};
	struct rn_time_window w[2] = {{.zone = "Any"}, {.zone = "Any"}};
	struct rn_times times = {w, 2};
	struct rn_window o[128];
	int64_t t = from, next;
	int n;

	for (int i = 0; i < 2; i++) {
		w[i].days = fuzz_u8(f) & RN_EVERY_DAY;
		w[i].from = fuzz_u16(f) * 2u % DAY;
		w[i].to = fuzz_u16(f) * 2u % DAY + 1;
	}
	n = rn_schedule_openings(&times, &zones, from, from + 30 * DAY, o, 128);
	CHECK(n >= 0 || n == -EMSGSIZE);
	for (int i = 0; i < n; i++) {
		CHECK(o[i].from < o[i].until && o[i].from >= t && (i == 0 || o[i].from > t));
		CHECK(rn_schedule_open(&times, &zones, o[i].from) == 1);
		CHECK(rn_schedule_open(&times, &zones, o[i].until - 1) == 1);
		CHECK(o[i].from == t || rn_schedule_open(&times, &zones, t) == 0);
		CHECK(rn_schedule_next(&times, &zones, t, &next) == 0);
		CHECK(o[i].from == t || next == o[i].from);
		t = o[i].until;
	}
}

static void check_zone(struct rn_zone *zone, struct fuzz *f)
{
	/* Some centuries about now; what is beyond the bounds is asked for its manners alone. */
	int64_t t = (int64_t)fuzz_u64(f);

	rn_zone_span(zone, t);
	rn_zone_local(zone, t);
	CHECK(rn_zone_first(zone, t) <= rn_zone_last(zone, t));
	t %= INT64_C(20000000000);
	check_span(zone, t);
	check_civil(zone, t);
	check_civil(zone, t / DAY * DAY);
	check_schedule(zone, t, f);
}

static void check_rule(const uint8_t *text, size_t size, struct fuzz *f)
{
	int64_t t = (int64_t)fuzz_u64(f) % RN_ZONE_TIME_MAX;
	struct rn_tz_rule rule;
	struct rn_zone_span span;

	if (rn_tz_rule_parse((const char *)text, size, &rule) < 0)
		return;
	span = rn_tz_rule_span(&rule, t);
	CHECK(span.from <= t && t < span.until);
	CHECK(span.offset == rule.standard || (rule.summer && span.offset == rule.daylight));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_zone *zone = NULL;
	struct fuzz asked;
	uint8_t *copy;

	if (size < 1 + ASKED)
		return 0;
	asked = (struct fuzz){data + size - ASKED, ASKED};
	copy = fuzz_copy(data + 1, size - 1 - ASKED);
	if (data[0] == 1)
		check_rule(copy, size - 1 - ASKED, &asked);
	else if (rn_zone_parse(copy, size - 1 - ASKED, &zone) == 0)
		check_zone(zone, &asked);
	rn_zone_free(zone);
	free(copy);
	return 0;
}
