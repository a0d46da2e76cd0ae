/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"
#include "domain/access.h"

/* Tokens with which programs call the API. */

static int read_options(const struct rn_cli *cli, struct rn_json *body)
{
	const char *name = rn_cli_option(cli, "name"), *role = rn_cli_option(cli, "role"),
		   *lifetime = rn_cli_option(cli, "lifetime");
	int64_t seconds = 90 * 86400;
	enum rn_access access;

	if (!name || !role)
		return rn_cli_fail(RN_EXIT_USAGE, "--name and --role are needed: what calls, and what it may do");
	if (rn_check_name("--name", name))
		return RN_EXIT_USAGE;
	if (rn_access_parse(role, &access) < 0)
		return rn_cli_fail(RN_EXIT_USAGE, "--role %s is no role: viewer, operator or admin", role);
	if (lifetime && (rn_input_duration(lifetime, &seconds) < 0 || seconds < 3600 || seconds > 365 * 86400))
		return rn_cli_fail(RN_EXIT_USAGE, "--lifetime %s is not a time from 1h to 365d", lifetime);
	rn_json_add_text(body, "name", name);
	rn_json_add_text(body, "role", role);
	rn_json_add_int(body, "lifetime_seconds", seconds);
	return RN_EXIT_OK;
}

int rn_cmd_api_token_create(struct rn_cli *cli)
{
	struct rn_json *body = rn_json_object(), *answer = NULL;
	int code = read_options(cli, body);

	if (code) {
		rn_json_free(body);
		return code;
	}
	code = rn_remote_call(cli, "POST", "/api/v1/api-tokens", body, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	puts(rn_remote_text(answer, "token"));
	rn_json_free(answer);
	return RN_EXIT_OK;
}

int rn_cmd_api_token_list(struct rn_cli *cli)
{
	static const char *const keys[] = {"id", "name", "role", "expires", "last_used"};
	static const char *const heads[] = {"ID", "NAME", "ROLE", "EXPIRES", "LAST USED"};
	struct rn_json *answer = NULL;
	const struct rn_json *list, *item;
	struct rn_table *table;
	int code = rn_remote_call(cli, "GET", "/api/v1/api-tokens", NULL, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	table = rn_table_new(heads, 5);
	list = rn_json_get(answer, "api_tokens");
	for (item = list ? rn_json_first(list) : NULL; item; item = rn_json_next(item))
		for (unsigned i = 0; i < 5; i++)
			rn_table_cell(table, rn_remote_text(item, keys[i]));
	rn_table_print_free(table, stdout);
	rn_json_free(answer);
	return RN_EXIT_OK;
}

int rn_cmd_api_token_revoke(struct rn_cli *cli)
{
	struct rn_json *root;
	char path[256];
	int code;

	if (rn_remote_path(path, sizeof(path), RN_PARTS("api-tokens", cli->arguments[0])) < 0)
		return rn_cli_fail(RN_EXIT_USAGE, "the id is too long: `rnaut api-token list` shows ids");
	code = rn_remote_call(cli, "DELETE", path, NULL, NULL);
	if (code)
		return code;
	if (!cli->json) {
		puts("the token is revoked");
		return RN_EXIT_OK;
	}
	root = rn_json_object();
	rn_json_add_text(root, "id", cli->arguments[0]);
	rn_json_add_bool(root, "revoked", true);
	return rn_cli_json(root);
}
