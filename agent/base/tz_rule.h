/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_TZ_RULE_H
#define RN_BASE_TZ_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/zones.h"

/*
 * A POSIX TZ string as the footer of TZif files has it, "CET-1CEST,M3.5.0,M10.5.0/3": which offset holds in all years
 * to come. Times of its rules may be -167 to 167 hours (RFC 9636 section 3.3.2).
 */
struct rn_tz_day {
	enum { RN_TZ_JULIAN, RN_TZ_DAY, RN_TZ_MONTH } type;
	uint16_t day;	     /* JULIAN: 1..365, 29 February is not counted; DAY: 0..365; MONTH: 0..6, 0 Sunday */
	uint8_t month, week; /* 1..12; 1..5, 5 is the last */
	int32_t time;	     /* seconds after midnight of the clock until then */
};
struct rn_tz_rule {
	int32_t standard; /* seconds east of UTC */
	bool summer;	  /* what follows is there */
	int32_t daylight;
	struct rn_tz_day begins, ends;
};

/* 0 or -EINVAL. The text need not end with NUL. */
int rn_tz_rule_parse(const char *text, size_t size, struct rn_tz_rule *ret);
/* |t| <= RN_ZONE_TIME_MAX. */
struct rn_zone_span rn_tz_rule_span(const struct rn_tz_rule *rule, int64_t t);

/* Days from 1970-01-01 to that day of the Gregorian calendar; month 1..12, day may be beyond the month. */
int64_t rn_tz_days(int64_t year, unsigned month, int64_t day);
/* The year that the day is in. */
int64_t rn_tz_year(int64_t days);

#endif
