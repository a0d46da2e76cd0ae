/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 128
#define DEPTH 2 /* a group and its members */

static bool same(const struct rn_json *a, const struct rn_json *b)
{
	char *left = rn_json_print(a, false), *right = rn_json_print(b, false);
	bool equal = left && right && strcmp(left, right) == 0;

	free(left);
	free(right);
	return equal;
}

static const struct rn_api_setting *find(const struct rn_api_settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->count; i++) {
		if (strcmp(settings->list[i].path, path) == 0)
			return &settings->list[i];
	}
	return NULL;
}

static int differs(struct rn_api_call *call, const struct rn_api_settings *settings, const char *path,
		   const struct rn_json *value)
{
	const struct rn_api_setting *setting = find(settings, path);

	if (setting && !setting->why)
		return settings->set(settings->context, call, path, value);
	rn_api_refuse(call, 400, "invalid", "\"%s\" cannot be set: %s", path,
		      setting ? setting->why : "it is not for people to set");
	return -EINVAL;
}

static int compare(struct rn_api_call *call, const struct rn_json *current, const struct rn_json *wanted,
		   const char *above, unsigned depth, const struct rn_api_settings *settings)
{
	const struct rn_json *value, *now;
	char path[PATH_SIZE];
	int r = 0;

	/* who refuses has answered, and with the call its body is gone */
	for (value = rn_json_first(wanted); value && r == 0; value = r == 0 ? rn_json_next(value) : NULL) {
		now = rn_json_get(current, rn_json_key(value));
		snprintf(path, sizeof(path), "%s%s%.60s", above, *above ? "." : "", rn_json_key(value));
		if (!now) {
			rn_api_refuse(call, 400, "invalid", "there is no \"%s\" here", path);
			return -EINVAL;
		}
		if (depth < DEPTH && rn_json_type(now) == RN_JSON_OBJECT && rn_json_type(value) == RN_JSON_OBJECT)
			r = compare(call, now, value, path, depth + 1, settings);
		else if (!same(now, value))
			r = differs(call, settings, path, value);
	}
	return r;
}

int rn_api_settings(struct rn_api_call *call, struct rn_json *current, const struct rn_api_settings *settings)
{
	int r = current ? compare(call, current, call->body, "", 1, settings) : -EINVAL;

	rn_json_free(current);
	return r;
}
