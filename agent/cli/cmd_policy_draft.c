/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/out.h"
#include "cli/policy_text.h"
#include "cli/remote.h"

/* `policy draft`: without a name the list, with one its text, with a file too it is stored; or an option says what. */

static void print_list(const struct rn_json *answer)
{
	static const char *const headings[] = {"DRAFT", "BASED ON", "STORED", "BY", "BYTES", "COMMENT"};
	static const char *const keys[] = {"name", "based_on", "stored", "author", "bytes", "comment"};
	struct rn_table *table = rn_table_new(headings, 6);
	const struct rn_json *list = rn_json_get(answer, "drafts");

	rn_table_right(table, 1);
	rn_table_right(table, 4);
	for (const struct rn_json *d = list ? rn_json_first(list) : NULL; d; d = rn_json_next(d))
		for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			rn_table_cell(table, rn_remote_text(d, keys[i]));
	rn_table_print_free(table, stdout);
}

static int show(struct rn_cli *cli, const char *path)
{
	struct rn_json *answer;
	int code = rn_remote_call(cli, "GET", path, NULL, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	if (cli->argument_count)
		rn_policy_print(rn_remote_text(answer, "text"));
	else
		print_list(answer);
	rn_json_free(answer);
	return RN_EXIT_OK;
}

/* What answers nothing: says that it is done. */
static int change(struct rn_cli *cli, const char *method, const char *path, struct rn_json *body, const char *done)
{
	struct rn_json *answer;
	int code = rn_remote_call(cli, method, path, body, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	printf("draft %s is %s\n", cli->arguments[0], done);
	rn_json_free(answer);
	return RN_EXIT_OK;
}

static int store(struct rn_cli *cli, const char *path)
{
	struct rn_json *body = rn_policy_body(cli->arguments[1]);
	int code = body ? rn_policy_words(cli, body) : RN_EXIT_FAILED;

	if (!code)
		return change(cli, "PUT", path, body, "stored");
	rn_json_free(body);
	return code;
}

/* As `policy set` does. */
static int say_changes(struct rn_cli *cli, const char *path)
{
	struct rn_json *draft;
	int code = rn_remote_call(cli, "GET", path, NULL, &draft);

	if (code)
		return code;
	code = rn_policy_say_changes(cli, cli->arguments[0], draft, rn_remote_int(draft, "based_on"));
	rn_json_free(draft);
	return code;
}

static int publish(struct rn_cli *cli, const char *draft)
{
	const char *comment = rn_cli_option(cli, "comment");
	struct rn_json *body, *answer;
	char path[256];
	int code = cli->json ? RN_EXIT_OK : say_changes(cli, draft);

	if (code)
		return code;
	body = rn_json_object();
	if (comment)
		rn_json_add_text(body, "comment", comment);
	rn_remote_path(path, sizeof(path), RN_PARTS("policy", "drafts", cli->arguments[0], "publish"));
	code = rn_remote_call(cli, "POST", path, body, &answer);
	return code ? code : rn_policy_set_done(cli, answer);
}

/* The ways exclude each other. */
static int check(struct rn_cli *cli)
{
	bool publishing = rn_cli_option(cli, "publish"), deleting = rn_cli_option(cli, "delete");
	bool storing = cli->argument_count == 2;

	if (publishing + deleting + storing > 1)
		return rn_cli_fail(RN_EXIT_USAGE, "give one of FILE, --publish and --delete");
	if ((publishing || deleting) && !cli->argument_count)
		return rn_cli_fail(RN_EXIT_USAGE, "which draft? rnaut policy draft lists them");
	if (rn_cli_option(cli, "based-on") && !storing)
		return rn_cli_fail(RN_EXIT_USAGE, "--based-on goes with FILE");
	if (rn_cli_option(cli, "comment") && !storing && !publishing)
		return rn_cli_fail(RN_EXIT_USAGE, "--comment goes with FILE or --publish");
	return cli->argument_count ? rn_check_name("the draft's name", cli->arguments[0]) : RN_EXIT_OK;
}

int rn_cmd_policy_draft(struct rn_cli *cli)
{
	char path[256] = "/api/v1/policy/drafts";
	int code = check(cli);

	if (code)
		return code;
	if (cli->argument_count)
		rn_remote_path(path, sizeof(path), RN_PARTS("policy", "drafts", cli->arguments[0]));
	if (rn_cli_option(cli, "publish"))
		return publish(cli, path);
	if (rn_cli_option(cli, "delete"))
		return change(cli, "DELETE", path, NULL, "deleted");
	return cli->argument_count == 2 ? store(cli, path) : show(cli, path);
}
