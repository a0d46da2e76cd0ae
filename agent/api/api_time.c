/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "api/resources.h"

/* RFC 3339 in UTC; fraction NULL or ".123456". */
static void add(struct rn_json *object, const char *key, int64_t seconds, const char *fraction)
{
	char text[64];
	time_t when = (time_t)seconds;
	struct tm tm;
	size_t at;

	if (seconds <= 0 || !gmtime_r(&when, &tm)) {
		rn_json_add_text(object, key, NULL);
		return;
	}
	at = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + at, sizeof(text) - at, "%sZ", fraction ? fraction : "");
	rn_json_add_text(object, key, text);
}

void rn_api_add_time(struct rn_json *object, const char *key, int64_t unix_seconds)
{
	add(object, key, unix_seconds, NULL);
}

void rn_api_add_time_ns(struct rn_json *object, const char *key, uint64_t unix_ns)
{
	char fraction[16];

	snprintf(fraction, sizeof(fraction), ".%06" PRIu64, unix_ns % 1000000000u / 1000u);
	add(object, key, (int64_t)(unix_ns / 1000000000u), fraction);
}
