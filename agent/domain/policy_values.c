// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "base/nearest.h"
#include "domain/policy_text.h"

int rn_list_read(const struct rn_json *object, const char *key, size_t max, const char *empty_hint,
		 const struct rn_json **ret, struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(object, key);

	if (!n)
		return -ENOENT;
	if (rn_json_type(n) != RN_JSON_ARRAY)
		return rn_json_fail(n, err, "\"%s\" must be a list in [ ]", key);
	if (rn_json_count(n) > max)
		return rn_json_fail(n, err, "\"%s\" has %zu elements, but at most %zu fit", key, rn_json_count(n), max);
	if (empty_hint && !rn_json_first(n))
		return rn_json_fail(n, err, "\"%s\" is empty; %s", key, empty_hint);
	*ret = n;
	return 0;
}

void *rn_list_room(const struct rn_json *node, size_t size, struct rn_err *err)
{
	void *memory = calloc(rn_json_count(node) + 1, size);

	if (!memory)
		rn_fail(err, -ENOMEM, "out of memory");
	return memory;
}

int rn_string_read(const struct rn_json *node, const char *what, const char **ret, struct rn_err *err)
{
	if (rn_json_type(node) != RN_JSON_STRING)
		return rn_json_fail(node, err, "%s must be text in double quotes", what);
	*ret = rn_json_text(node);
	return 0;
}

int rn_name_read(const struct rn_json *node, const char *what, char ret[RN_NAME_MAX + 1], struct rn_err *err)
{
	const char *text = NULL;

	if (rn_string_read(node, what, &text, err) < 0)
		return -EINVAL;
	if (!rn_name_valid(text))
		return rn_json_fail(node, err,
				    "\"%.64s\" is not a good name for %s; names begin with a-z or 0-9 and have at most "
				    "63 of a-z, 0-9, dot, hyphen and underscore",
				    text, what);
	snprintf(ret, RN_NAME_MAX + 1, "%s", text);
	return 0;
}

int rn_strings_differ(const struct rn_json *list, struct rn_err *err)
{
	struct rn_named_list names = {0};
	const struct rn_named *twice;
	uint32_t first;
	int code = 0;

	if (!rn_json_first(list) || !rn_json_next(rn_json_first(list)))
		return 0;
	names.list = rn_list_room(list, sizeof(*names.list), err);
	if (!names.list)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		names.list[names.count] = (struct rn_named){rn_json_text(n), n, names.count};
		names.count++;
	}
	twice = rn_named_sort(&names, &first);
	if (twice)
		code = rn_json_fail(twice->node, err, "\"%.80s\" stands twice in this list", twice->name);
	free(names.list);
	return code;
}

int rn_names_read(const struct rn_json *array, const char *what, char (**ret)[RN_NAME_MAX + 1], uint32_t *ret_count,
		  struct rn_err *err)
{
	*ret = rn_list_room(array, sizeof(**ret), err);
	if (!*ret)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(array); n; n = rn_json_next(n)) {
		if (rn_name_read(n, what, (*ret)[*ret_count], err) < 0)
			return -EINVAL;
		++*ret_count;
	}
	return rn_strings_differ(array, err);
}

int rn_moment_read(const struct rn_json *object, const char *key, int64_t *ret, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(object, key, &text, err);

	if (code < 0)
		return code;
	if (rn_moment_parse(text, ret) < 0)
		return rn_json_fail(rn_json_get(object, key), err,
				    "\"%s\" is \"%.40s\", which is no moment; write one in UTC, as "
				    "\"2027-03-31T18:00:00Z\"",
				    key, text);
	return 0;
}

int rn_kind_read(const struct rn_json *node, const char *text, bool hub, enum rn_kind *ret, struct rn_err *err)
{
	static const enum rn_kind kinds[2][4] = {
	    {RN_KIND_DESKTOP, RN_KIND_MOBILE, RN_KIND_SERVER, RN_KIND_IOT},
	    {RN_KIND_GATEWAY, RN_KIND_REGIONAL, RN_KIND_DEPARTMENTAL, RN_KIND_PROJECT}};
	struct rn_nearest nearest = rn_nearest(text);

	for (unsigned i = 0; i < 4; i++) {
		const char *name = rn_kind_name(kinds[hub][i]);

		if (strcmp(name, text) == 0) {
			*ret = kinds[hub][i];
			return 0;
		}
		rn_nearest_offer(&nearest, name);
	}
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "\"%.40s\" is not a type of %s; did you mean \"%s\"?", text,
				    hub ? "hub" : "client", rn_nearest_name(&nearest));
	return rn_json_fail(node, err, "\"%.40s\" is not a type of %s; there are %s", text, hub ? "hub" : "client",
			    hub ? "gateway, regional, departmental and project" : "desktop, mobile, server and iot");
}
