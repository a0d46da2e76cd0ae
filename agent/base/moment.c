/* SPDX-License-Identifier: Apache-2.0 */
#include "base/moment.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* The pattern's 0 is a digit of a field, all else is itself. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++) {
		if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
			return false;
	}
	return *text == '\0';
}

static int digits(const char *text, int count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + (*text++ - '0');
	return value;
}

int rn_moment_parse(const char *text, int64_t *ret_unix_seconds)
{
	bool whole = matches(text, "0000-00-00T00:00:00Z");
	struct tm tm = {0}, again;
	time_t when;

	if (!whole && !matches(text, "0000-00-00"))
		return -EINVAL;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	if (whole) {
		tm.tm_hour = digits(text + 11, 2);
		tm.tm_min = digits(text + 14, 2);
		tm.tm_sec = digits(text + 17, 2);
	}
	again = tm;
	when = timegm(&again);
	/* What is no day or time was moved to one that is. */
	if (when < 0 || when > RN_MOMENT_MAX || again.tm_year != tm.tm_year || again.tm_mon != tm.tm_mon ||
	    again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min ||
	    again.tm_sec != tm.tm_sec)
		return -EINVAL;
	*ret_unix_seconds = when;
	return 0;
}

void rn_moment_format(int64_t unix_seconds, char ret[RN_MOMENT_TEXT])
{
	time_t when = (time_t)unix_seconds;
	struct tm tm;

	if (unix_seconds < 0 || unix_seconds > RN_MOMENT_MAX || !gmtime_r(&when, &tm) ||
	    strftime(ret, RN_MOMENT_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

int64_t rn_moment_after(int64_t moment, int64_t by)
{
	int64_t after;

	if (!__builtin_add_overflow(moment, by, &after))
		return after;
	return by < 0 ? INT64_MIN : INT64_MAX;
}
