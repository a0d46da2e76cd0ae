/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tz_rule.h"

#include <errno.h>

#define DAY 86400
#define HOURS_MAX 167 /* of a rule's time */
#define OFFSET_HOURS_MAX 24
#define ERA_YEARS 400 /* after which the calendar is the same again, weekdays too */
#define ERA_DAYS 146097
#define NAME_MIN 3

struct reader {
	const char *at, *end;
};

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "CET" or "<+0530>". */
static bool read_name(struct reader *r)
{
	bool quoted = take(r, '<');
	const char *begin = r->at;

	while (r->at < r->end && (letter(*r->at) || (quoted && (digit(*r->at) || *r->at == '+' || *r->at == '-'))))
		r->at++;
	return r->at - begin >= NAME_MIN && (!quoted || take(r, '>'));
}

static bool read_number(struct reader *r, unsigned max, unsigned *ret)
{
	const char *begin = r->at;
	unsigned value = 0;

	for (; r->at < r->end && digit(*r->at); r->at++) {
		value = value * 10 + (unsigned)(*r->at - '0');
		if (value > max)
			return false;
	}
	*ret = value;
	return r->at > begin;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_time(struct reader *r, unsigned hours_max, int32_t *ret)
{
	bool negative = take(r, '-');
	unsigned hours, minutes = 0, seconds = 0;

	if (!negative)
		take(r, '+');
	if (!read_number(r, hours_max, &hours) || (take(r, ':') && !read_number(r, 59, &minutes)) ||
	    (take(r, ':') && !read_number(r, 59, &seconds)))
		return false;
	*ret = (int32_t)(hours * 3600 + minutes * 60 + seconds);
	if (negative)
		*ret = -*ret;
	return true;
}

static bool read_month_day(struct reader *r, struct rn_tz_day *ret)
{
	unsigned month, week, day;

	if (!read_number(r, 12, &month) || !take(r, '.') || !read_number(r, 5, &week) || !take(r, '.') ||
	    !read_number(r, 6, &day) || month == 0 || week == 0)
		return false;
	*ret = (struct rn_tz_day){RN_TZ_MONTH, (uint16_t)day, (uint8_t)month, (uint8_t)week, 2 * 3600};
	return true;
}

static bool read_year_day(struct reader *r, struct rn_tz_day *ret)
{
	bool julian = take(r, 'J');
	unsigned day;

	if (!read_number(r, 365, &day) || (julian && day == 0))
		return false;
	*ret = (struct rn_tz_day){julian ? RN_TZ_JULIAN : RN_TZ_DAY, (uint16_t)day, 0, 0, 2 * 3600};
	return true;
}

static bool read_day(struct reader *r, struct rn_tz_day *ret)
{
	if (!take(r, ',') || !(take(r, 'M') ? read_month_day(r, ret) : read_year_day(r, ret)))
		return false;
	return !take(r, '/') || read_time(r, HOURS_MAX, &ret->time);
}

int rn_tz_rule_parse(const char *text, size_t size, struct rn_tz_rule *ret)
{
	struct reader r = {text, text + size};

	*ret = (struct rn_tz_rule){0};
	if (!read_name(&r) || !read_time(&r, OFFSET_HOURS_MAX, &ret->standard))
		return -EINVAL;
	ret->standard = -ret->standard; /* POSIX counts to the west */
	if (r.at == r.end)
		return 0;
	ret->summer = true;
	if (!read_name(&r))
		return -EINVAL;
	ret->daylight = ret->standard + 3600;
	if (r.at < r.end && *r.at != ',') {
		if (!read_time(&r, OFFSET_HOURS_MAX, &ret->daylight))
			return -EINVAL;
		ret->daylight = -ret->daylight;
	}
	return read_day(&r, &ret->begins) && read_day(&r, &ret->ends) && r.at == r.end ? 0 : -EINVAL;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years are counted from March, so that the leap day is a year's last. */
int64_t rn_tz_days(int64_t year, unsigned month, int64_t day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, ERA_YEARS), of_era = y - era * ERA_YEARS;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t rn_tz_year(int64_t days)
{
	/* The mean year is never off by more than one. */
	int64_t year = 1970 + floor_div(days * ERA_YEARS, ERA_DAYS);

	if (rn_tz_days(year, 1, 1) > days)
		return year - 1;
	return rn_tz_days(year + 1, 1, 1) <= days ? year + 1 : year;
}

static int64_t month_day(int64_t year, const struct rn_tz_day *d)
{
	int64_t first = rn_tz_days(year, d->month, 1);
	int64_t next = d->month == 12 ? rn_tz_days(year + 1, 1, 1) : rn_tz_days(year, d->month + 1u, 1);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
	int64_t day = first + (d->day - weekday + 7) % 7 + (d->week - 1) * 7;

	return day >= next ? day - 7 : day;
}

/* When the clock that shows `offset` comes to the day's time. */
static int64_t moment(int64_t year, const struct rn_tz_day *d, int32_t offset)
{
	int64_t day;

	if (d->type == RN_TZ_MONTH) {
		day = month_day(year, d);
	} else if (d->type == RN_TZ_DAY) {
		day = rn_tz_days(year, 1, 1) + d->day;
	} else { /* as in a year without leap day */
		bool leap = rn_tz_days(year, 3, 1) - rn_tz_days(year, 2, 28) == 2;

		day = rn_tz_days(year, 1, 1) + d->day - 1 + (leap && d->day >= 60);
	}
	return day * DAY + d->time - offset;
}

/*
 * Changes may lie a week outside their year, so those of two years either side are looked at. Of two at one moment
 * "begins" is the one that counts: so is a summer time that lasts all the year written (RFC 9636 section 3.3.2).
 */
struct rn_zone_span rn_tz_rule_span(const struct rn_tz_rule *rule, int64_t t)
{
	struct rn_zone_span span = {INT64_MIN, INT64_MAX, rule->standard};
	int64_t year = rn_tz_year(floor_div(t + rule->standard, DAY));

	if (!rule->summer)
		return span;
	for (int64_t y = year - 2; y <= year + 2; y++) {
		int64_t ends = moment(y, &rule->ends, rule->daylight);
		int64_t begins = moment(y, &rule->begins, rule->standard);

		if (ends <= t && ends > span.from)
			span = (struct rn_zone_span){ends, span.until, rule->standard};
		if (begins <= t && begins >= span.from)
			span = (struct rn_zone_span){begins, span.until, rule->daylight};
		if (ends > t && ends < span.until)
			span.until = ends;
		if (begins > t && begins < span.until)
			span.until = begins;
	}
	return span;
}
