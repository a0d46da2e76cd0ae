/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_options.h"

#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/input.h"
#include "domain/policy.h"
#include "domain/record.h"

int rn_check_name(const char *what, const char *name)
{
	if (rn_name_valid(name))
		return RN_EXIT_OK;
	return rn_cli_fail(
	    RN_EXIT_USAGE,
	    "%s \"%s\" is not a name: use a to z, 0 to 9, dot, dash and underscore, at most %d characters", what, name,
	    RN_NAME_MAX);
}

/* Of a hub only. */
static int hub_options(const struct rn_cli *cli, enum rn_kind kind, struct rn_json *body)
{
	const char *parent = rn_cli_option(cli, "parent"), *ends = rn_cli_option(cli, "ends");
	char text[RN_MOMENT_TEXT];
	int64_t when;
	int code;

	if (rn_cli_option(cli, "fallback"))
		return rn_cli_fail(RN_EXIT_USAGE, "--fallback is for devices that are no hub");
	if (rn_cli_option(cli, "hub"))
		return rn_cli_fail(RN_EXIT_USAGE, "--hub is for devices that are no hub: a hub has a --parent");
	if ((kind == RN_KIND_PROJECT) != (ends != NULL))
		return rn_cli_fail(RN_EXIT_USAGE, ends ? "--ends is for project hubs alone"
						       : "a project hub needs --ends, a date like 2027-03-31");
	code = parent ? rn_check_name("--parent", parent) : RN_EXIT_OK;
	if (parent)
		rn_json_add_text(body, "parent_hub", parent);
	if (code || !ends)
		return code;
	if (rn_input_moment(ends, &when) < 0)
		return rn_cli_fail(RN_EXIT_USAGE,
				   "--ends %s is no time: use 2027-03-31, 2027-03-31T18:00:00Z or 90d from now", ends);
	rn_moment_format(when, text);
	rn_json_add_text(body, "ends", text);
	return RN_EXIT_OK;
}

static int no_hub_options(const struct rn_cli *cli)
{
	if (!rn_cli_option(cli, "parent") && !rn_cli_option(cli, "ends"))
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_USAGE, "--parent and --ends are for hubs; other devices have a --hub");
}

int rn_fallback_options(const struct rn_cli *cli, struct rn_json *list)
{
	const char *text;
	int code = RN_EXIT_OK;

	for (unsigned n = 0; !code && (text = rn_cli_option_nth(cli, "fallback", n)); n++) {
		while (!code) {
			char name[RN_NAME_MAX + 2];
			size_t length = strcspn(text, ",");

			snprintf(name, sizeof(name), "%.*s", (int)length, text);
			code = rn_check_name("--fallback", name);
			rn_json_append_text(list, name);
			if (!text[length])
				break;
			text += length + 1;
		}
	}
	return code;
}

int rn_device_options(const struct rn_cli *cli, const char *type, bool hubs, struct rn_json *body)
{
	static const char *const names[] = {"name", "owner", "hub"};
	struct rn_json *tags = rn_json_array();
	enum rn_kind kind;
	const char *tag;
	char option[16];
	int code = RN_EXIT_OK;

	rn_json_add(body, "tags", tags);
	if (rn_kind_parse(type, &kind) < 0 || kind == RN_KIND_GATEWAY || (rn_kind_is_hub(kind) && !hubs))
		return rn_cli_fail(RN_EXIT_USAGE, "--type %s is not known: use desktop, mobile, server, iot%s", type,
				   hubs ? ", regional, departmental or project" : "");
	rn_json_add_text(body, rn_kind_is_hub(kind) ? "hub_type" : "client_type", rn_kind_name(kind));
	if (hubs)
		code = rn_kind_is_hub(kind) ? hub_options(cli, kind, body) : no_hub_options(cli);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !code; i++) {
		const char *value = rn_cli_option(cli, names[i]);

		snprintf(option, sizeof(option), "--%s", names[i]);
		code = value ? rn_check_name(option, value) : RN_EXIT_OK;
		if (value)
			rn_json_add_text(body, names[i], value);
	}
	if (!code && rn_cli_option(cli, "fallback")) {
		struct rn_json *fallbacks = rn_json_array();

		code = rn_fallback_options(cli, fallbacks);
		rn_json_add(body, "fallback_hubs", fallbacks);
	}
	for (unsigned n = 0; !code && (tag = rn_cli_option_nth(cli, "tag", n)); n++) {
		code = rn_check_name("--tag", tag);
		rn_json_append_text(tags, tag);
	}
	return code;
}
