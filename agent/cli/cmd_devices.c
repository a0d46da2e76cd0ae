/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/out.h"
#include "cli/remote.h"

static void join_tags(const struct rn_json *device, char *out, size_t size)
{
	const struct rn_json *tags = rn_json_get(device, "tags"), *tag;
	size_t at = 0;

	out[0] = '\0';
	for (tag = tags ? rn_json_first(tags) : NULL; tag && at < size; tag = rn_json_next(tag))
		at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "," : "", rn_json_text(tag));
}

/* Why there is no hub any more, or the other word. */
static const char *hub_gone(const struct rn_json *device, const char *otherwise)
{
	const char *gone = rn_remote_text(device, "hub_gone");

	return *gone ? gone : otherwise;
}

static const char *device_state(const struct rn_json *device)
{
	const char *type = rn_remote_text(device, "client_type");
	const struct rn_json *security = rn_json_get(device, "security_context");

	if (rn_remote_true(security, "revoked"))
		return *type ? "revoked" : hub_gone(device, "revoked");
	if (rn_remote_true(security, "quarantined"))
		return "quarantined";
	if (!rn_remote_true(device, "managed"))
		return "stock";
	if (rn_remote_true(device, "policy_refused"))
		return rn_remote_true(device, "connected") ? "connected, with an older policy"
							   : "away, with an older policy";
	return rn_remote_true(device, "connected") ? "connected" : "away";
}

static void add_row(struct rn_table *table, const struct rn_json *device)
{
	const struct rn_json *security = rn_json_get(device, "security_context");
	const char *type = rn_remote_text(device, "client_type");
	char tags[256], hub[128];

	join_tags(device, tags, sizeof(tags));
	snprintf(hub, sizeof(hub), *type && *hub_gone(device, "") ? "none: %s has %s" : "%s",
		 rn_remote_text(device, "hub"), strcmp(hub_gone(device, ""), "ended") == 0 ? "ended" : "been revoked");
	rn_table_cell(table, rn_remote_text(device, "client_id"));
	rn_table_cell(table, *type ? type : rn_remote_text(device, "hub_type"));
	rn_table_cell(table, device_state(device));
	rn_table_cell(table, rn_remote_text(security, "trust_score"));
	rn_table_cell(table, rn_remote_text(security, "user_identity"));
	rn_table_cell(table, tags);
	rn_table_cell(table, hub);
	rn_table_cell(table, rn_remote_text(device, "virtual_ipv4"));
	rn_table_cell(table, rn_remote_text(device, "virtual_ip"));
	rn_table_cell(table, rn_remote_text(device, "last_seen"));
}

static void print_devices(const struct rn_json *list, const struct rn_json *one)
{
	static const char *const heading[] = {"NAME", "TYPE", "STATE", "TRUST", "OWNER",
					      "TAGS", "HUB",  "IPV4",  "IPV6",	"LAST SEEN"};
	struct rn_table *table = rn_table_new(heading, 10);

	rn_table_right(table, 3);
	if (one)
		add_row(table, one);
	for (const struct rn_json *device = list ? rn_json_first(list) : NULL; device; device = rn_json_next(device))
		add_row(table, device);
	rn_table_print_free(table, stdout);
}

int rn_cmd_devices(struct rn_cli *cli)
{
	struct rn_json *answer;
	char path[256];
	int code;

	if (rn_remote_path(path, sizeof(path), RN_PARTS("devices", cli->arguments[0])) < 0)
		return rn_cli_fail(RN_EXIT_USAGE, "the name is too long");
	code = rn_remote_call(cli, "GET", path, NULL, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	print_devices(rn_json_get(answer, "devices"), cli->argument_count ? answer : NULL);
	rn_json_free(answer);
	return RN_EXIT_OK;
}

/* POST devices/NAME/what; the body is taken. */
static int change(struct rn_cli *cli, const char *what, struct rn_json *body, struct rn_json **ret)
{
	char path[256];

	if (rn_remote_path(path, sizeof(path), RN_PARTS("devices", cli->arguments[0], what)) == 0)
		return rn_remote_call(cli, "POST", path, body, ret);
	rn_json_free(body);
	return rn_cli_fail(RN_EXIT_USAGE, "the name is too long");
}

int rn_cmd_quarantine(struct rn_cli *cli)
{
	bool release = rn_cli_option(cli, "release");
	struct rn_json *body = rn_json_object(), *answer;
	int code;

	rn_json_add_bool(body, "on", !release);
	code = change(cli, "quarantine", body, &answer);
	return code ? code
		    : rn_remote_changed(cli, answer, "%s is %s", cli->arguments[0],
					release ? "released" : "quarantined");
}

int rn_cmd_revoke(struct rn_cli *cli)
{
	struct rn_json *answer;
	int code = change(cli, "revoke", NULL, &answer);

	return code ? code : rn_remote_changed(cli, answer, "%s is revoked", cli->arguments[0]);
}

int rn_cmd_trust(struct rn_cli *cli)
{
	struct rn_json *body, *answer;
	char *end;
	long score = strtol(cli->arguments[1], &end, 10);
	int code;

	if (end == cli->arguments[1] || *end || score < 0 || score > (long)RN_TRUST_MAX)
		return rn_cli_fail(RN_EXIT_USAGE, "a trust score is a number from 0 to %u, not %s", RN_TRUST_MAX,
				   cli->arguments[1]);
	body = rn_json_object();
	rn_json_add_int(body, "trust_score", score);
	code = change(cli, "trust", body, &answer);
	return code ? code : rn_remote_changed(cli, answer, "%s has trust %ld", cli->arguments[0], score);
}

/* The body of a change of hubs. */
static int hubs_of(const struct rn_cli *cli, struct rn_json *body)
{
	const char *to = rn_cli_option(cli, "to");
	bool some = rn_cli_option(cli, "fallback"), none = rn_cli_option(cli, "no-fallback");
	struct rn_json *fallbacks;
	int code = to ? rn_check_name("--to", to) : RN_EXIT_OK;

	if (some && none)
		return rn_cli_fail(RN_EXIT_USAGE, "--fallback and --no-fallback say opposite things");
	if (!to && !some && !none)
		return rn_cli_fail(RN_EXIT_USAGE, "say where: --to, --fallback or --no-fallback");
	if (to)
		rn_json_add_text(body, "target_hub", to);
	if (code || (!some && !none))
		return code;
	fallbacks = rn_json_array();
	code = rn_fallback_options(cli, fallbacks);
	rn_json_add(body, "fallback_hubs", fallbacks);
	return code;
}

int rn_cmd_device_move(struct rn_cli *cli)
{
	struct rn_json *body = rn_json_object(), *answer;
	char path[256];
	int code = hubs_of(cli, body);

	if (!code && rn_remote_path(path, sizeof(path), RN_PARTS("adapters", cli->arguments[0])) < 0)
		code = rn_cli_fail(RN_EXIT_USAGE, "the name is too long");
	if (code) {
		rn_json_free(body);
		return code;
	}
	code = rn_remote_call(cli, "POST", path, body, &answer);
	return code ? code : rn_remote_changed(cli, answer, "%s has its hubs", cli->arguments[0]);
}
