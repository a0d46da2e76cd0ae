/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/schedule.h"
#include "zone_vectors.h"

#define HOUR 3600
#define DAY RN_DAY_SECONDS
#define WORKDAYS 0x1f
#define OPENINGS_MAX 1024

static const struct rn_zone *the_only(void *context, const char *name)
{
	(void)name;
	return context;
}

/* The three functions say the same of [from, until), second by second at every edge. */
static int consistent(const struct rn_times *times, const struct rn_zone_source *zones, int64_t from, int64_t until)
{
	static struct rn_window o[OPENINGS_MAX];
	int n = rn_schedule_openings(times, zones, from, until, o, OPENINGS_MAX);
	int64_t t = from, next;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		assert_true(o[i].from < o[i].until && o[i].from >= from && o[i].until <= until);
		assert_true(i == 0 || o[i - 1].until < o[i].from);
		assert_int_equal(rn_schedule_open(times, zones, o[i].from), 1);
		assert_int_equal(rn_schedule_open(times, zones, o[i].until - 1), 1);
		if (o[i].from > from) {
			assert_int_equal(rn_schedule_open(times, zones, o[i].from - 1), 0);
			assert_int_equal(rn_schedule_next(times, zones, t, &next), 0);
			assert_int_equal(next, o[i].from);
			assert_int_equal(rn_schedule_next(times, zones, o[i].from - 1, &next), 0);
			assert_int_equal(next, o[i].from);
		}
		assert_int_equal(rn_schedule_next(times, zones, o[i].from, &next), 0);
		if (o[i].until < until) {
			assert_int_equal(next, o[i].until);
			assert_int_equal(rn_schedule_open(times, zones, o[i].until), 0);
			assert_int_equal(rn_schedule_next(times, zones, o[i].until - 1, &next), 0);
			assert_int_equal(next, o[i].until);
		} else {
			assert_true(next >= until);
		}
		t = o[i].until;
	}
	if (n == 0 || o[n - 1].until < until) {
		assert_int_equal(rn_schedule_next(times, zones, t, &next), 0);
		assert_true(next >= until);
	}
	return n;
}

static uint32_t read_windows(char *text, struct rn_time_window *ret)
{
	uint32_t n = 0;
	char *rest;

	for (char *w = strtok_r(text, ";", &rest); w; w = strtok_r(NULL, ";", &rest), n++) {
		unsigned days;

		ret[n] = (struct rn_time_window){.zone = "Any"};
		assert_int_equal(sscanf(w, "%x,%" SCNu32 ",%" SCNu32, &days, &ret[n].from, &ret[n].to), 3);
		ret[n].days = (uint8_t)days;
	}
	return n;
}

static void times_line(const struct rn_zone *zone, const char *name, char *text)
{
	struct rn_zone_source zones = {(void *)zone, the_only};
	struct rn_time_window windows[8];
	static struct rn_window found[OPENINGS_MAX];
	struct rn_times times = {windows, 0};
	char all[200], said[32], *expected;
	int64_t from, until;
	int n;

	assert_int_equal(sscanf(text, "%" SCNd64 " %" SCNd64 " %199s", &from, &until, all), 3);
	expected = strstr(text, "= ");
	assert_non_null(expected);
	times.count = read_windows(all, windows);
	n = rn_schedule_openings(&times, &zones, from, until, found, OPENINGS_MAX);
	expected++;
	for (int i = 0; i < n; i++) {
		int size = snprintf(said, sizeof(said), " %" PRId64 "-%" PRId64, found[i].from, found[i].until);

		if (strncmp(expected, said, (size_t)size) != 0)
			fail_msg("%s: %s:%s", name, text, said);
		expected += size;
	}
	if (n < 0 || strspn(expected, " \n") != strlen(expected))
		fail_msg("%s: %d: %s", name, n, text);
	consistent(&times, &zones, from, until);
}

static void test_vectors(void **state)
{
	(void)state;
	assert_true(zone_vectors("times", times_line) > 200);
}

/* 2026-03-29 in Vienna: at 02:00 it is 03:00; 2026-10-25: at 03:00 it is 02:00. The same by hand. */
static void test_clock_changes(void **state)
{
	static const int64_t march = 1774746000, october = 1792890000; /* both 01:00 UTC, the change */
	struct rn_zone *vienna = zone_vector("Europe/Vienna");
	struct rn_zone_source zones = {vienna, the_only};
	struct rn_time_window w = {0x40, 2 * HOUR + 900, 2 * HOUR + 2700, "Any"};
	struct rn_times times = {&w, 1};
	struct rn_window o[4];

	(void)state;
	/* Wholly in the gap: not that Sunday. */
	assert_int_equal(rn_schedule_openings(&times, &zones, march - DAY, march + DAY, o, 4), 0);
	/* 02:15 to 02:45 in the hour that comes twice: from the first to the second. */
	assert_int_equal(rn_schedule_openings(&times, &zones, october - DAY, october + DAY, o, 4), 1);
	assert_int_equal(o[0].from, october - 2700);
	assert_int_equal(o[0].until, october + 2700);
	/* Begins in the gap: begins behind it. Ends in it: ends there. */
	w.to = 4 * HOUR;
	assert_int_equal(rn_schedule_openings(&times, &zones, march - DAY, march + DAY, o, 4), 1);
	assert_int_equal(o[0].from, march);
	assert_int_equal(o[0].until, march + HOUR);
	w = (struct rn_time_window){0x20, 22 * HOUR, 2 * HOUR + 1800, "Any"}; /* Saturday past midnight */
	assert_int_equal(rn_schedule_openings(&times, &zones, march - DAY, march + DAY, o, 4), 1);
	assert_int_equal(o[0].from, march - 4 * HOUR);
	assert_int_equal(o[0].until, march);
	/* A whole Sunday has 23 and 25 hours. */
	w = (struct rn_time_window){0x40, 0, DAY, "Any"};
	assert_int_equal(rn_schedule_openings(&times, &zones, march - DAY, march + DAY, o, 4), 1);
	assert_int_equal(o[0].until - o[0].from, 23 * HOUR);
	assert_int_equal(rn_schedule_openings(&times, &zones, october - DAY, october + DAY, o, 4), 1);
	assert_int_equal(o[0].until - o[0].from, 25 * HOUR);
	rn_zone_free(vienna);
}

/* Samoa had no Friday 30 December 2011. */
static void test_day_without(void **state)
{
	static const int64_t change = 1325239200; /* the end of Thursday, local */
	struct rn_zone *apia = zone_vector("Pacific/Apia");
	struct rn_zone_source zones = {apia, the_only};
	struct rn_time_window w = {0x10, 8 * HOUR, 18 * HOUR, "Any"};
	struct rn_times times = {&w, 1};
	struct rn_window o[4];
	int64_t next;

	(void)state;
	assert_int_equal(rn_schedule_openings(&times, &zones, change - 3 * DAY, change + 3 * DAY, o, 4), 0);
	assert_int_equal(rn_schedule_next(&times, &zones, change - 3 * DAY, &next), 0);
	assert_int_equal(next, change + 6 * DAY + 8 * HOUR); /* 6 January */
	w = (struct rn_time_window){0x08, 22 * HOUR, 6 * HOUR, "Any"};
	assert_int_equal(rn_schedule_openings(&times, &zones, change - DAY, change + DAY, o, 4), 1);
	assert_int_equal(o[0].from, change - 2 * HOUR);
	assert_int_equal(o[0].until, change);
	rn_zone_free(apia);
}

/* At 00:01 the clock of St. John's went back to 23:01 of the day before. */
static void test_back_past_midnight(void **state)
{
	static const int64_t change = 1257042660; /* 2009-11-01 */
	struct rn_zone *zone = zone_vector("America/St_Johns");
	struct rn_zone_source zones = {zone, the_only};
	struct rn_time_window w = {0x40, 0, HOUR, "Any"}; /* Sunday */
	struct rn_times times = {&w, 1};

	(void)state;
	for (int64_t t = change - 60; t < change + 59 * 60 + HOUR; t += 30)
		assert_int_equal(rn_schedule_open(&times, &zones, t), 1);
	assert_int_equal(consistent(&times, &zones, change - DAY, change + DAY), 1);
	rn_zone_free(zone);
}

static const struct rn_zone *two_zones(void *context, const char *name)
{
	return strcmp(name, "UTC") == 0 ? rn_zone_utc() : strcmp(name, "Europe/Vienna") == 0 ? context : NULL;
}

/* Windows of two zones that fill the day in winter and leave an hour in summer. */
static void test_zones_together(void **state)
{
	static const int64_t january = 1767225600, june = 1780272000;
	struct rn_zone *vienna = zone_vector("Europe/Vienna");
	struct rn_zone_source zones = {vienna, two_zones};
	struct rn_time_window w[] = {{RN_EVERY_DAY, 0, 12 * HOUR, "Europe/Vienna"},
				     {RN_EVERY_DAY, 11 * HOUR, 23 * HOUR, "UTC"}};
	struct rn_times times = {w, 2};
	int64_t next;

	(void)state;
	assert_int_equal(consistent(&times, &zones, january, january + 10 * DAY), 1);
	assert_int_equal(consistent(&times, &zones, june, june + 10 * DAY), 11);
	assert_int_equal(rn_schedule_next(&times, &zones, january, &next), 0);
	assert_int_equal(next, 1774746000 + 9 * HOUR); /* 29 March, 12:00 in Vienna */
	rn_zone_free(vienna);
}

static void test_always_and_never(void **state)
{
	struct rn_zone_source zones = {(void *)rn_zone_utc(), the_only};
	struct rn_time_window w[] = {{RN_EVERY_DAY, 0, DAY, "UTC"}, {0x01, HOUR, 2 * HOUR, "UTC"}};
	struct rn_times always = {w, 2}, none = {NULL, 0}, never = {w, 1};
	struct rn_window o;
	int64_t next = 0;

	(void)state;
	assert_int_equal(rn_schedule_open(&always, &zones, 5), 1);
	assert_int_equal(rn_schedule_next(&always, &zones, 5, &next), 0);
	assert_true(next == INT64_MAX);
	assert_int_equal(rn_schedule_openings(&always, &zones, 5, 5 + RN_SCHEDULE_AHEAD, &o, 1), 1);
	assert_true(o.from == 5 && o.until == 5 + RN_SCHEDULE_AHEAD);
	assert_int_equal(rn_schedule_open(&none, &zones, 5), 1);
	assert_int_equal(rn_schedule_next(&none, &zones, 5, &next), 0);
	assert_true(next == INT64_MAX);
	assert_int_equal(rn_schedule_openings(&none, &zones, 5, 9, &o, 1), 1);
	assert_true(o.from == 5 && o.until == 9);
	assert_int_equal(rn_schedule_openings(&none, &zones, 5, 9, NULL, 0), -EMSGSIZE);
	assert_int_equal(rn_schedule_openings(&none, &zones, 9, 9, &o, 1), 0);
	assert_int_equal(rn_schedule_openings(&none, &zones, 5, 5 + 2 * RN_SCHEDULE_AHEAD, &o, INT32_MAX), 1);
	assert_int_equal(rn_schedule_openings(&none, &zones, 5, 6 + 2 * RN_SCHEDULE_AHEAD, &o, 1), -EINVAL);
	assert_int_equal(rn_schedule_openings(&none, &zones, 5, 9, &o, (uint32_t)INT32_MAX + 1), -EINVAL);
	w[0].days = 0;
	assert_int_equal(rn_schedule_open(&never, &zones, 5), 0);
	assert_int_equal(rn_schedule_next(&never, &zones, 5, &next), 0);
	assert_true(next == INT64_MAX);
	assert_int_equal(rn_schedule_openings(&never, &zones, 5, 5 + RN_SCHEDULE_AHEAD, &o, 1), 0);
	assert_int_equal(rn_schedule_openings(&always, &zones, 9, 5, &o, 1), 0);
}

static void test_bounds(void **state)
{
	static struct rn_time_window many[RN_TIME_WINDOWS_MAX + 1];
	struct rn_zone_source zones = {(void *)rn_zone_utc(), two_zones};
	struct rn_time_window w = {WORKDAYS, 8 * HOUR, 18 * HOUR, "UTC"};
	struct rn_times times = {&w, 1};
	static struct rn_window o[OPENINGS_MAX];
	int64_t next;
	int n;

	(void)state;
	n = rn_schedule_openings(&times, &zones, 0, RN_SCHEDULE_AHEAD, o, OPENINGS_MAX);
	assert_int_equal(n, 286); /* workdays of 1970 and 35 days more */
	assert_int_equal(rn_schedule_openings(&times, &zones, 0, RN_SCHEDULE_AHEAD, o, (uint32_t)n), n);
	assert_int_equal(rn_schedule_openings(&times, &zones, 0, RN_SCHEDULE_AHEAD, o, (uint32_t)n - 1), -EMSGSIZE);
	assert_int_equal(rn_schedule_openings(&times, &zones, 0, 2 * RN_SCHEDULE_AHEAD + 1, o, 1), -EINVAL);
	for (int64_t t = INT64_MIN; t < INT64_MAX / 2; t += INT64_MAX / 4) {
		assert_true(rn_schedule_open(&times, &zones, t) >= 0);
		assert_int_equal(rn_schedule_next(&times, &zones, t, &next), 0);
	}
	assert_int_equal(rn_schedule_next(&times, &zones, INT64_MAX, &next), 0);
	snprintf(w.zone, sizeof(w.zone), "Nowhere");
	assert_int_equal(rn_schedule_open(&times, &zones, 0), -ENOENT);
	assert_int_equal(rn_schedule_next(&times, &zones, 0, &next), -ENOENT);
	assert_int_equal(rn_schedule_openings(&times, &zones, 0, DAY, o, 1), -ENOENT);
	w = (struct rn_time_window){WORKDAYS, DAY, 18 * HOUR, "UTC"};
	assert_int_equal(rn_schedule_open(&times, &zones, 0), -EINVAL);
	w = (struct rn_time_window){WORKDAYS, HOUR, 0, "UTC"};
	assert_int_equal(rn_schedule_open(&times, &zones, 0), -EINVAL);
	w = (struct rn_time_window){0x80, HOUR, 2 * HOUR, "UTC"};
	assert_int_equal(rn_schedule_open(&times, &zones, 0), -EINVAL);
	for (unsigned i = 0; i <= RN_TIME_WINDOWS_MAX; i++)
		many[i] = (struct rn_time_window){WORKDAYS, 8 * HOUR, 18 * HOUR, "UTC"};
	times = (struct rn_times){many, RN_TIME_WINDOWS_MAX};
	assert_int_equal(rn_schedule_open(&times, &zones, 9 * HOUR), 1);
	times = (struct rn_times){many, RN_TIME_WINDOWS_MAX + 1};
	assert_int_equal(rn_schedule_open(&times, &zones, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),	   cmocka_unit_test(test_clock_changes),
	    cmocka_unit_test(test_day_without),	   cmocka_unit_test(test_back_past_midnight),
	    cmocka_unit_test(test_zones_together), cmocka_unit_test(test_always_and_never),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
