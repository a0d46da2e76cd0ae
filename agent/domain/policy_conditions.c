// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "domain/policy_text.h"

/* ---- windows ---- */

static int read_day(const struct rn_json *node, uint8_t *days, struct rn_err *err)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	struct rn_nearest nearest;
	const char *text;

	if (rn_string_read(node, "a day", &text, err) < 0)
		return -EINVAL;
	nearest = rn_nearest(text);
	for (unsigned i = 0; i < 7; i++) {
		if (strcmp(text, names[i]) == 0) {
			*days |= (uint8_t)(1u << i);
			return 0;
		}
		rn_nearest_offer(&nearest, names[i]);
	}
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "\"%.40s\" is not a day; did you mean \"%s\"?", text,
				    rn_nearest_name(&nearest));
	return rn_json_fail(node, err, "\"%.40s\" is not a day; write mon, tue, wed, thu, fri, sat or sun", text);
}

static int read_days(const struct rn_json *window, uint8_t *days, struct rn_err *err)
{
	const struct rn_json *list;
	int code = rn_list_read(window, "days", 7, "leave it out if every day is meant", &list, err);

	*days = code == -ENOENT ? RN_EVERY_DAY : 0;
	if (code < 0)
		return code == -ENOENT ? 0 : code;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n))
		if (read_day(n, days, err) < 0)
			return -EINVAL;
	return rn_strings_differ(list, err);
}

/* Two digits at text[at]; above 99 where there are none. */
static unsigned two(const char *text, size_t at)
{
	unsigned tens = (unsigned)(text[at] - '0'), ones = tens <= 9 ? (unsigned)(text[at + 1] - '0') : 10;

	return tens <= 9 && ones <= 9 ? tens * 10 + ones : 100;
}

/* "08:00" or "08:00:30" as a second of the day, and "24:00" where end; UINT32_MAX: it is none. */
static uint32_t clock_of(const char *text, bool end)
{
	size_t size = strlen(text);
	unsigned hour, minute, second = 0;

	if ((size != 5 && size != 8) || text[2] != ':' || (size == 8 && text[5] != ':'))
		return UINT32_MAX;
	hour = two(text, 0);
	minute = two(text, 3);
	if (size == 8)
		second = two(text, 6);
	if (end && hour == 24 && minute == 0 && second == 0)
		return RN_DAY_SECONDS;
	return hour > 23 || minute > 59 || second > 59 ? UINT32_MAX : hour * 3600 + minute * 60 + second;
}

static int read_clock(const struct rn_json *window, const char *key, bool end, uint32_t *ret, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(window, key, &text, err);

	if (code == -ENOENT)
		return rn_json_fail(window, err, "this window has no \"%s\"; write a time of day, as \"%s\"", key,
				    end ? "18:00" : "08:00");
	if (code < 0)
		return code;
	*ret = clock_of(text, end);
	if (*ret != UINT32_MAX)
		return 0;
	return rn_json_fail(rn_json_get(window, key), err,
			    "\"%s\" is \"%.40s\", which is no time of day; write it as \"%s\" or \"08:00:30\"", key,
			    text, end ? "18:00\", \"24:00" : "08:00");
}

static int read_zone(const struct rn_json *window, char ret[RN_ZONE_NAME_MAX + 1], struct rn_err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
	const char *text;
	int code = rn_json_get_text(window, "zone", &text, err);

	if (code == -ENOENT)
		return rn_json_fail(window, err,
				    "this window has no \"zone\"; write that of the clocks that are meant, as "
				    "\"Europe/Vienna\", or \"UTC\"");
	if (code < 0)
		return code;
	if (!*text || strlen(text) > RN_ZONE_NAME_MAX || text[strspn(text, letters)] || *text == '/')
		return rn_json_fail(rn_json_get(window, "zone"), err,
				    "\"%.40s\" is not the name of a time zone; write one as \"Europe/Vienna\", or "
				    "\"UTC\"",
				    text);
	snprintf(ret, RN_ZONE_NAME_MAX + 1, "%s", text);
	return 0;
}

static int read_window(const struct rn_json *node, struct rn_time_window *ret, struct rn_err *err)
{
	static const char *const names[] = {"days", "from", "to", "zone", NULL};
	int code;

	if (rn_json_type(node) != RN_JSON_OBJECT)
		return rn_json_fail(node, err,
				    "a window must be an object, {\"days\": [\"mon\"], \"from\": \"08:00\", \"to\": "
				    "\"18:00\", \"zone\": \"Europe/Vienna\"}");
	code = rn_json_only(node, names, err);
	if (code == 0)
		code = read_days(node, &ret->days, err);
	if (code == 0)
		code = read_clock(node, "from", false, &ret->from, err);
	if (code == 0)
		code = read_clock(node, "to", true, &ret->to, err);
	if (code == 0 && ret->from == ret->to)
		return rn_json_fail(node, err,
				    "this window ends when it begins, so it is never open; write \"00:00\" to "
				    "\"24:00\" if the whole day is meant");
	if (code == 0 && ret->to == 0)
		return rn_json_fail(rn_json_get(node, "to"), err, "write \"24:00\" for the end of the day");
	return code < 0 ? code : read_zone(node, ret->zone, err);
}

static int read_times(const struct rn_json *conditions, struct rn_access_policy *rule, struct rn_err *err)
{
	const struct rn_json *list;
	int code =
	    rn_list_read(conditions, "times", RN_TIME_WINDOWS_MAX, "leave it out if the rule always holds", &list, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	rule->times = rn_list_room(list, sizeof(*rule->times), err);
	if (!rule->times)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n && code == 0; n = rn_json_next(n))
		code = read_window(n, &rule->times[rule->time_count++], err);
	return code;
}

/* ---- the rest ---- */

static int read_trust(const struct rn_json *conditions, const char *key, bool deny, uint8_t *ret, struct rn_err *err)
{
	int64_t trust;
	int code = rn_json_get_int(conditions, key, 0, RN_TRUST_MAX, &trust, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (deny)
		return rn_json_fail(rn_json_get(conditions, key), err,
				    "\"%s\" has no meaning in a rule that denies; put it into the rule that allows",
				    key);
	*ret = (uint8_t)trust;
	return 0;
}

static int read_types(const struct rn_json *conditions, const char *key, uint32_t *ret, struct rn_err *err)
{
	const struct rn_json *list;
	int code = rn_list_read(conditions, key, 4, "leave it out if every type is meant", &list, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		enum rn_kind kind;
		const char *text;

		if (rn_string_read(n, "a type of client", &text, err) < 0 ||
		    rn_kind_read(n, text, false, &kind, err) < 0)
			return -EINVAL;
		*ret |= 1u << kind;
	}
	return rn_strings_differ(list, err);
}

static int read_managed(const struct rn_json *conditions, const char *key, enum rn_managed *ret, struct rn_err *err)
{
	bool managed;
	int code = rn_json_get_bool(conditions, key, &managed, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	*ret = managed ? RN_MANAGED_YES : RN_MANAGED_NO;
	return 0;
}

static int read_ends(const struct rn_json *c, struct rn_access_policy *rule, struct rn_err *err)
{
	int code = read_trust(c, "minimum_trust", rule->deny, &rule->source.minimum_trust, err);

	if (code == 0)
		code = read_trust(c, "minimum_destination_trust", rule->deny, &rule->destination.minimum_trust, err);
	if (code == 0)
		code = read_types(c, "source_types", &rule->source.types, err);
	if (code == 0)
		code = read_types(c, "destination_types", &rule->destination.types, err);
	if (code == 0)
		code = read_managed(c, "source_managed", &rule->source.managed, err);
	return code < 0 ? code : read_managed(c, "destination_managed", &rule->destination.managed, err);
}

int rn_conditions_read(const struct rn_json *node, struct rn_access_policy *ret, struct rn_err *err)
{
	static const char *const names[] = {"minimum_trust",  "minimum_destination_trust",
					    "source_types",   "destination_types",
					    "source_managed", "destination_managed",
					    "times",	      "from",
					    "until",	      NULL};
	const struct rn_json *conditions = rn_json_get(node, "conditions");
	int code;

	ret->from = INT64_MIN;
	ret->until = INT64_MAX;
	if (!conditions)
		return 0;
	if (rn_json_type(conditions) != RN_JSON_OBJECT)
		return rn_json_fail(conditions, err, "\"conditions\" must be an object, {\"minimum_trust\": 50}");
	code = rn_json_only(conditions, names, err);
	if (code == 0)
		code = read_ends(conditions, ret, err);
	if (code == 0)
		code = read_times(conditions, ret, err);
	if (code == 0)
		code = rn_moment_read(conditions, "from", &ret->from, err);
	if (code == 0 || code == -ENOENT)
		code = rn_moment_read(conditions, "until", &ret->until, err);
	return code == -ENOENT ? 0 : code;
}
