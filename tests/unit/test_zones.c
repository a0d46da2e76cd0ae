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

#include "base/tz_rule.h"
#include "base/tzif.h"
#include "base/zones.h"
#include "zone_vectors.h"

#define DAY 86400
#define HEADER 44

static void say(const char *name, const char *text)
{
	fail_msg("%s: %s", name, text);
}

static void at_line(const struct rn_zone *zone, const char *name, char *text)
{
	struct rn_zone_span span;
	int64_t t;
	int offset;

	assert_int_equal(sscanf(text, "%" SCNd64 " %d", &t, &offset), 2);
	span = rn_zone_span(zone, t);
	if (span.offset != offset || span.from > t || span.until <= t || rn_zone_local(zone, t) != t + offset)
		say(name, text);
	/* The span holds to its ends, and is of one piece. */
	if (span.until != INT64_MAX && rn_zone_span(zone, span.until - 1).offset != offset)
		say(name, text);
	if (span.from != INT64_MIN && rn_zone_span(zone, span.from).until != span.until)
		say(name, text);
}

static void civil_line(const struct rn_zone *zone, const char *name, char *text)
{
	int64_t civil, first, last;

	assert_int_equal(sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &civil, &first, &last), 3);
	if (rn_zone_first(zone, civil) != first || rn_zone_last(zone, civil) != last)
		say(name, text);
}

static void test_vectors(void **state)
{
	(void)state;
	assert_true(zone_vectors("at", at_line) > 1000);
	assert_true(zone_vectors("civil", civil_line) > 1000);
}

static struct rn_zone_span rule_span(const char *text, int64_t t)
{
	struct rn_tz_rule rule;

	assert_int_equal(rn_tz_rule_parse(text, strlen(text), &rule), 0);
	return rn_tz_rule_span(&rule, t);
}

static void test_rules(void **state)
{
	static const struct {
		const char *rule;
		int64_t at;
		int32_t offset;
	} table[] = {
	    {"UTC0", 0, 0},
	    {"<+0530>-5:30", INT64_C(1) << 59, 19800},
	    {"<-03>3", -(INT64_C(1) << 59), -10800},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000 - 1, 3600}, /* 2026-03-29 01:00 UTC */
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1774746000 - 1, 0}, /* summer time in winter */
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1774746000, 3600},
	    {"AAA3BBB,J60,J300", 1709258400 + 7199, -10800}, /* 2024: 1 March is J60 in a leap year too */
	    {"AAA3BBB,J60,J300", 1709258400 + 10800, -7200},
	    {"AAA3BBB,59,299", 1709164800 + 18000 - 1, -10800}, /* 2024-02-29 02:00 there */
	    {"AAA3BBB,59,299", 1709164800 + 18000, -7200},
	    /* RFC 9636: summer time all year */
	    {"XXX3EDT4,0/0,J365/23", 1767236400 - 1, -14400},
	    {"XXX3EDT4,0/0,J365/23", 1767236400, -14400},
	    {"XXX3EDT4,0/0,J365/23", 1782000000, -14400},
	    /* of hours beyond the day, as Nuuk has them */
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000 - 1, -7200},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600},
	    {"AAA0BBB,M2.1.0/-167,M12.5.0/167", 1767477600 - 1, 3600}, /* 2026-01-03 22:00 */
	    {"AAA0BBB,M2.1.0/-167,M12.5.0/167", 1767477600, 0},
	    {"AAA0BBB,M2.1.0/-167,M12.5.0/167", 1769302800, 3600}, /* 2026-01-25 01:00 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (rule_span(table[i].rule, table[i].at).offset != table[i].offset)
			fail_msg("%s at %" PRId64, table[i].rule, table[i].at);
	}
}

static void test_rules_refused(void **state)
{
	static const char *const table[] = {
	    "",
	    "0",
	    "CE-1",
	    "CET",
	    "CET-",
	    "CET25",
	    "CET-1CEST",
	    "CET-1CEST,",
	    "CET-1:60",
	    "CET-1CEST,M3.5.0",
	    "<+1-1",
	    "CET-1CEST,M13.5.0,M10.5.0",
	    "CET-1 ",
	    "CET-1CEST,M0.5.0,M10.5.0",
	    "CET--1",
	    "CET-1CEST,M3.6.0,M10.5.0",
	    "<>-1",
	    "CET-1CEST,M3.0.0,M10.5.0",
	    "C1T-1",
	    "CET-1CEST,M3.5.7,M10.5.0",
	    "<A:B>1",
	    "CET-1CEST,J0,J5",
	    "CET-1:0:60",
	    "CET-1CEST,J366,J5",
	    "CET1CEST,,",
	    "CET-1CEST,M3.5.0/168,M10.5.0",
	    "CET1CEST,-1",
	    "CET-1CEST,M3.5.0,M10.5.0/3,",
	    "CET99999999",
	    "CET-1CEST,M3.5.0,M10.5.0/",
	};
	struct rn_tz_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (rn_tz_rule_parse(table[i], strlen(table[i]), &rule) != -EINVAL)
			fail_msg("taken: %s", table[i]);
	}
}

static void test_calendar(void **state)
{
	(void)state;
	assert_int_equal(rn_tz_days(1970, 1, 1), 0);
	assert_int_equal(rn_tz_days(2000, 2, 29), 11016);
	assert_int_equal(rn_tz_days(2000, 3, 1), 11017);
	assert_int_equal(rn_tz_days(1969, 12, 31), -1);
	assert_int_equal(rn_tz_days(2400, 1, 1), rn_tz_days(2000, 1, 1) + 146097);
	for (int64_t year = -3000; year < 5000; year++) {
		assert_int_equal(rn_tz_year(rn_tz_days(year, 1, 1)), year);
		assert_int_equal(rn_tz_year(rn_tz_days(year, 12, 31)), year);
	}
}

/* A file of two local times and what is asked for; version 1 has no 64-bit block. */
struct file {
	uint8_t bytes[2048];
	size_t size;
};

static void put32(struct file *f, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		f->bytes[f->size++] = (uint8_t)(v >> shift);
}

static void put_block(struct file *f, char version, unsigned transitions, unsigned leaps, unsigned time_size)
{
	memcpy(f->bytes + f->size, "TZif", 4);
	f->bytes[f->size + 4] = (uint8_t)version;
	f->size += 20;
	put32(f, 0);
	put32(f, 0);
	put32(f, leaps);
	put32(f, transitions);
	put32(f, 2);
	put32(f, 8);
	for (unsigned i = 0; i < transitions; i++) {
		if (time_size == 8)
			put32(f, 0);
		put32(f, 1000000 * (i + 1));
	}
	for (unsigned i = 0; i < transitions; i++)
		f->bytes[f->size++] = i % 2 == 0;
	for (unsigned i = 0; i < 2; i++) {
		put32(f, 3600 * (i + 1));
		f->bytes[f->size++] = (uint8_t)i;
		f->bytes[f->size++] = (uint8_t)(4 * i);
	}
	memcpy(f->bytes + f->size, "AAA\0BBB", 8);
	f->size += 8 + (size_t)leaps * (time_size + 4);
}

static struct file file_of(char version, unsigned transitions, unsigned leaps, const char *footer)
{
	struct file f = {0};

	put_block(&f, version, transitions, leaps, 4);
	if (!version)
		return f;
	put_block(&f, version, transitions, leaps, 8);
	f.size += (size_t)snprintf((char *)f.bytes + f.size, sizeof(f.bytes) - f.size, "%s", footer);
	return f;
}

static int parse(const struct file *f, struct rn_zone **ret)
{
	/* Exactly as long: reading on would be seen. */
	uint8_t *copy = malloc(f->size + 1);
	struct rn_zone *zone = NULL;
	int r;

	assert_non_null(copy);
	memcpy(copy + 1, f->bytes, f->size);
	r = rn_zone_parse(copy + 1, f->size, &zone);
	free(copy);
	if (ret)
		*ret = zone;
	else
		rn_zone_free(zone);
	return r;
}

static void test_versions(void **state)
{
	static const char versions[] = {0, '2', '3', '4', '5'};
	struct rn_zone *zone;
	struct file f;

	(void)state;
	for (size_t i = 0; i < sizeof(versions); i++) {
		f = file_of(versions[i], 3, 0, "\nXYZ-5\n");
		assert_int_equal(parse(&f, &zone), 0);
		assert_int_equal(rn_zone_span(zone, 0).offset, 3600);
		assert_true(rn_zone_span(zone, 0).from == INT64_MIN);
		assert_int_equal(rn_zone_span(zone, 1000000).offset, 7200);
		assert_int_equal(rn_zone_span(zone, 2999999).offset, 3600);
		/* Behind the last change the rule holds, or in version 1 that change. */
		assert_int_equal(rn_zone_span(zone, 3000000).offset, versions[i] ? 5 * 3600 : 7200);
		assert_int_equal(rn_zone_span(zone, 3000000).from, 3000000);
		assert_true(rn_zone_span(zone, INT64_MAX).until == INT64_MAX);
		rn_zone_free(zone);
	}
	/* Without a change the rule holds always; without a rule the first local time. */
	f = file_of('2', 0, 0, "\nXYZ-5\n");
	assert_int_equal(parse(&f, &zone), 0);
	assert_int_equal(rn_zone_span(zone, 0).offset, 5 * 3600);
	rn_zone_free(zone);
	f = file_of('2', 0, 0, "\n\n");
	assert_int_equal(parse(&f, &zone), 0);
	assert_int_equal(rn_zone_span(zone, INT64_MIN).offset, 3600);
	rn_zone_free(zone);
}

/* Every file cut short is refused, and read no further than it is long. */
static void test_short(void **state)
{
	struct file whole = file_of('2', 3, 0, "\nXYZ-5\n"), old = file_of(0, 3, 0, ""), cut;

	(void)state;
	for (cut = whole; cut.size-- > 0;)
		assert_int_equal(parse(&cut, NULL), -EINVAL);
	for (cut = old; cut.size-- > 0;)
		assert_int_equal(parse(&cut, NULL), -EINVAL);
}

static void test_files_refused(void **state)
{
	static const struct {
		unsigned at, value;
	} changes[] = {
	    {0, 'X'},	      /* no TZif */
	    {4, '1'},	      /* no version */
	    {HEADER - 24, 1}, /* counts beyond the file, each its highest byte */
	    {HEADER - 20, 1},
	    {HEADER - 16, 1},
	    {HEADER - 12, 1},
	    {HEADER - 8, 1},
	    {HEADER - 4, 1},
	    {HEADER - 5, 0},	  /* no local time */
	    {HEADER - 1, 0},	  /* no names */
	    {HEADER + 3, 0xff},	  /* changes do not ascend */
	    {HEADER + 12, 2},	  /* no such local time */
	    {HEADER + 15, 0x7f},  /* an offset of years */
	    {HEADER + 15 + 4, 2}, /* neither summer nor not */
	    {HEADER + 15 + 5, 8}, /* a name beyond the names */
	};
	struct file f;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		f = file_of(0, 3, 0, "");
		if (i == 10)
			f.bytes[HEADER] = 0x01;
		f.bytes[changes[i].at] = (uint8_t)changes[i].value;
		if (parse(&f, NULL) != -EINVAL)
			fail_msg("change %zu was taken", i);
	}
	f = file_of(0, 3, 0, "");
	memcpy(f.bytes + HEADER + 4, f.bytes + HEADER, 4); /* two changes at one moment */
	assert_int_equal(parse(&f, NULL), -EINVAL);
	f = file_of('2', 3, 0, "\nXYZ\n");
	assert_int_equal(parse(&f, NULL), -EINVAL);
	f = file_of('2', 3, 0, "\nXYZ-5");
	assert_int_equal(parse(&f, NULL), -EINVAL);
	f = file_of('2', 3, 0, "XYZ-5\n");
	assert_int_equal(parse(&f, NULL), -EINVAL);
	f = file_of('2', 3, 1, "\nXYZ-5\n");
	assert_int_equal(parse(&f, NULL), -EOPNOTSUPP);
	f = file_of('2', 3, 0, "\nXYZ-5\n");
	f.bytes[f.size - 8 - 20 - 3 - 24] = 0x7f; /* a change in 10^11 years */
	assert_int_equal(parse(&f, NULL), -EINVAL);
	assert_int_equal(rn_zone_parse(f.bytes, RN_ZONE_FILE_MAX + 1, NULL), -EMSGSIZE);
}

/* At the bounds of time nothing overflows, and what comes later is never earlier. */
static void test_bounds(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MIN + 1,    -RN_ZONE_TIME_MAX, -1,	  0,
					1,	   RN_ZONE_TIME_MAX, INT64_MAX - 1,	INT64_MAX};
	struct rn_zone *vienna = zone_vector("Europe/Vienna");
	int64_t before = INT64_MIN;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t first = rn_zone_first(vienna, times[i]), last = rn_zone_last(vienna, times[i]);

		assert_true(first <= last && first >= before);
		assert_true(rn_zone_local(vienna, first) >= -RN_ZONE_TIME_MAX);
		before = first;
	}
	rn_zone_free(vienna);
	assert_int_equal(rn_zone_local(rn_zone_utc(), 12345), 12345);
	assert_int_equal(rn_zone_first(rn_zone_utc(), 12345), 12345);
	assert_int_equal(rn_zone_last(rn_zone_utc(), 12345), 12345);
}

/* Two hours back, and before the time has come again three forward: the last moment is behind both. */
static void test_put_back_and_over(void **state)
{
	static const uint32_t counts[] = {0, 0, 0, 2, 3, 4}, times[] = {1003600, 1005400};
	static const int32_t offsets[] = {0, -7200, 1800};
	struct file f = {.bytes = "TZif", .size = 20};
	struct rn_zone *zone;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		put32(&f, counts[i]);
	put32(&f, times[0]);
	put32(&f, times[1]);
	f.bytes[f.size++] = 1;
	f.bytes[f.size++] = 2;
	for (size_t i = 0; i < 3; i++) {
		put32(&f, (uint32_t)offsets[i]);
		f.size += 2;
	}
	f.size += 4;
	assert_int_equal(parse(&f, &zone), 0);
	assert_int_equal(rn_zone_first(zone, 1000000), 1000000);
	assert_int_equal(rn_zone_last(zone, 1000000), 1005400);
	assert_int_equal(rn_zone_last(zone, 998000), 1005200); /* which is not later */
	assert_int_equal(rn_zone_local(zone, 1005400), 1007200);
	rn_zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),	  cmocka_unit_test(test_rules),	   cmocka_unit_test(test_rules_refused),
	    cmocka_unit_test(test_calendar),	  cmocka_unit_test(test_versions), cmocka_unit_test(test_short),
	    cmocka_unit_test(test_files_refused), cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_put_back_and_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
