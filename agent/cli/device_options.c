/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_options.h"

#include <stdio.h>
#include <string.h>

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
				   hubs ? " or hub" : "");
	rn_json_add_text(body, rn_kind_is_hub(kind) ? "hub_type" : "client_type", rn_kind_name(kind));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !code; i++) {
		const char *value = rn_cli_option(cli, names[i]);

		snprintf(option, sizeof(option), "--%s", names[i]);
		code = value ? rn_check_name(option, value) : RN_EXIT_OK;
		if (value)
			rn_json_add_text(body, names[i], value);
	}
	for (unsigned n = 0; !code && (tag = rn_cli_option_nth(cli, "tag", n)); n++) {
		code = rn_check_name("--tag", tag);
		rn_json_append_text(tags, tag);
	}
	return code;
}
