/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/policy_text.h"
#include "cli/remote.h"

int rn_cmd_policy_get(struct rn_cli *cli)
{
	char path[256] = "/api/v1/policy";
	struct rn_json *answer;
	int64_t version;
	int code = cli->argument_count ? rn_policy_version(cli->arguments[0], &version) : RN_EXIT_OK;

	if (!code && cli->argument_count)
		rn_remote_path(path, sizeof(path), RN_PARTS("policy", "history", cli->arguments[0]));
	if (!code)
		code = rn_remote_call(cli, "GET", path, NULL, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	rn_policy_print(rn_remote_text(answer, "text"));
	rn_json_free(answer);
	return RN_EXIT_OK;
}

int rn_cmd_policy_set(struct rn_cli *cli)
{
	struct rn_json *body = rn_policy_body(cli->arguments[0]), *answer;
	int code = body ? rn_policy_words(cli, body) : RN_EXIT_FAILED;

	if (!code && !cli->json)
		code = rn_policy_say_changes(cli, cli->arguments[0], body, rn_remote_int(body, "based_on"));
	if (code) {
		rn_json_free(body);
		return code;
	}
	code = rn_remote_call(cli, "PUT", "/api/v1/policy", body, &answer);
	return code ? code : rn_policy_set_done(cli, answer);
}

int rn_cmd_policy_rollback(struct rn_cli *cli)
{
	struct rn_json *body = rn_json_object(), *answer;
	int64_t version;
	int code = rn_policy_version(cli->arguments[0], &version);

	if (!code)
		code = rn_policy_words(cli, body);
	if (code) {
		rn_json_free(body);
		return code;
	}
	rn_json_add_int(body, "version", version);
	code = rn_remote_call(cli, "POST", "/api/v1/policy/rollback", body, &answer);
	return code ? code : rn_policy_set_done(cli, answer);
}

static void print_good(const struct rn_json *answer)
{
	const struct rn_json *tests = rn_json_get(answer, "tests");
	size_t count = tests ? rn_json_count(tests) : 0;

	if (count)
		printf("the policy is good; %zu %s\n", count, count == 1 ? "test passes" : "tests pass");
	else
		puts("the policy is good");
}

int rn_cmd_policy_check(struct rn_cli *cli)
{
	struct rn_json *body = rn_policy_body(cli->arguments[0]), *answer;
	int code = body ? rn_remote_call(cli, "POST", "/api/v1/policy/check", body, &answer) : RN_EXIT_FAILED;
	bool valid;

	if (code)
		return code;
	valid = rn_remote_true(answer, "valid");
	if (cli->json) {
		code = rn_cli_json(answer);
		return code ? code : valid ? RN_EXIT_OK : RN_EXIT_FAILED;
	}
	rn_policy_print_review(cli->arguments[0], answer);
	if (valid)
		print_good(answer);
	else
		rn_policy_refused(cli->arguments[0], answer);
	rn_json_free(answer);
	return valid ? RN_EXIT_OK : RN_EXIT_FAILED;
}

/* ---- history ---- */

static void add_row(struct rn_table *table, const struct rn_json *version)
{
	const char *origin = rn_remote_text(version, "rolled_back_to"), *comment = rn_remote_text(version, "comment");
	char why[1100];

	snprintf(why, sizeof(why), "%s%s%s%s", *origin ? "version " : "", origin, *origin ? " again" : "",
		 *origin && *comment ? ": " : "");
	snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s", comment);
	rn_table_cell(table, rn_remote_text(version, "version"));
	rn_table_cell(table, rn_remote_text(version, "stored"));
	rn_table_cell(table, rn_remote_text(version, "author"));
	rn_table_cell(table, rn_remote_text(version, "bytes"));
	rn_table_cell(table, why);
}

static void print_history(const struct rn_json *answer)
{
	static const char *const headings[] = {"VERSION", "SET", "BY", "BYTES", "WHY"};
	struct rn_table *table = rn_table_new(headings, 5);
	const struct rn_json *list = rn_json_get(answer, "versions");

	rn_table_right(table, 0);
	rn_table_right(table, 3);
	for (const struct rn_json *v = list ? rn_json_first(list) : NULL; v; v = rn_json_next(v))
		add_row(table, v);
	rn_table_print_free(table, stdout);
	if (*rn_remote_text(answer, "next"))
		printf("older ones: rnaut policy history --before %s\n", rn_remote_text(answer, "next"));
}

int rn_cmd_policy_history(struct rn_cli *cli)
{
	const char *before = rn_cli_option(cli, "before"), *limit = rn_cli_option(cli, "limit");
	struct rn_json *answer;
	char path[128];
	int64_t number;
	int code = before ? rn_policy_version(before, &number) : RN_EXIT_OK;

	if (!code && limit && (!rn_policy_is_version(limit) || strlen(limit) > 4))
		code = rn_cli_fail(RN_EXIT_USAGE, "--limit takes a number from 1 to 1000");
	if (code)
		return code;
	snprintf(path, sizeof(path), "/api/v1/policy/history?limit=%s%s%s", limit ? limit : "20",
		 before ? "&before=" : "", before ? before : "");
	code = rn_remote_call(cli, "GET", path, NULL, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	print_history(answer);
	rn_json_free(answer);
	return RN_EXIT_OK;
}
