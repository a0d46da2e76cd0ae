/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/device_options.h"
#include "cli/remote.h"
#include "domain/access.h"

/* rnaut console: a one-time link for an account, which is made where it is none. */

#define FIRST_ACCOUNT "admin"

static int read_role(const struct rn_cli *cli, const char **ret)
{
	enum rn_access role;

	*ret = rn_cli_option(cli, "role");
	if (!*ret || rn_access_parse(*ret, &role) == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_USAGE, "--role %s is no role: viewer, operator or admin", *ret);
}

/* *ret_role: what the account is now, "" where there is none. */
static int look_up(struct rn_cli *cli, const char *account, char ret_role[16])
{
	struct rn_json *answer = NULL;
	const struct rn_json *list, *item;
	int code = rn_remote_call(cli, "GET", "/api/v1/accounts", NULL, &answer);

	ret_role[0] = '\0';
	list = code ? NULL : rn_json_get(answer, "accounts");
	for (item = list ? rn_json_first(list) : NULL; item; item = rn_json_next(item))
		if (strcmp(rn_remote_text(item, "account"), account) == 0)
			snprintf(ret_role, 16, "%s", rn_remote_text(item, "role"));
	rn_json_free(answer);
	return code;
}

static int create(struct rn_cli *cli, const char *account, const char *role, struct rn_json **ret)
{
	struct rn_json *body;

	if (!role && strcmp(account, FIRST_ACCOUNT) == 0)
		role = "admin";
	if (!role)
		return rn_cli_fail(RN_EXIT_FAILED, "there is no account %s: give --role to make it", account);
	body = rn_json_object();
	rn_json_add_text(body, "account", account);
	rn_json_add_text(body, "role", role);
	return rn_remote_call(cli, "POST", "/api/v1/accounts", body, ret);
}

static int call_account(struct rn_cli *cli, const char *account, const char *what, struct rn_json *body,
			struct rn_json **ret)
{
	char path[256];

	if (rn_remote_path(path, sizeof(path), RN_PARTS("accounts", account, what)) == 0)
		return rn_remote_call(cli, "POST", path, body, ret);
	rn_json_free(body);
	return rn_cli_fail(RN_EXIT_USAGE, "the account's name is too long");
}

static int get_link(struct rn_cli *cli, const char *account, const char *role, struct rn_json **ret)
{
	struct rn_json *body;
	char now[16];
	int code = look_up(cli, account, now);

	if (code)
		return code;
	if (!now[0])
		return create(cli, account, role, ret);
	if (role && strcmp(role, now) != 0) {
		body = rn_json_object();
		rn_json_add_text(body, "role", role);
		code = call_account(cli, account, "role", body, NULL);
	}
	return code ? code : call_account(cli, account, "link", rn_json_object(), ret);
}

/* Where others reach this host. */
static bool own_address(struct rn_cli *cli, struct rn_addr *ret)
{
	struct rn_json *answer = NULL;
	const struct rn_json *list, *item;
	struct rn_endpoint at;
	bool found = false;

	if (rn_remote_call(cli, "GET", "/api/v1/hubs", NULL, &answer))
		return false;
	list = rn_json_get(answer, "hubs");
	for (item = list ? rn_json_first(list) : NULL; item && !found; item = rn_json_next(item))
		found = strcmp(rn_remote_text(item, "hub_type"), "gateway") == 0 &&
			rn_endpoint_parse(rn_remote_text(item, "control_endpoint"), &at) == 0;
	if (found)
		*ret = at.addr;
	rn_json_free(answer);
	return found;
}

int rn_cmd_console(struct rn_cli *cli)
{
	const char *account = rn_cli_option(cli, "account"), *role;
	struct rn_json *answer = NULL, *urls, *root;
	struct rn_addr host;
	int code = read_role(cli, &role);

	account = account ? account : FIRST_ACCOUNT;
	if (!code)
		code = rn_check_name("--account", account);
	if (!code)
		code = get_link(cli, account, role, &answer);
	if (code)
		return code;
	urls = rn_console_urls(&cli->conf, own_address(cli, &host) ? &host : NULL);
	if (!cli->json) {
		rn_console_print(urls, rn_remote_text(answer, "link"), rn_remote_text(answer, "expires"));
		rn_json_free(urls);
		rn_json_free(answer);
		return RN_EXIT_OK;
	}
	root = rn_json_object();
	rn_json_add_text(root, "account", account);
	rn_json_add(root, "urls", urls);
	rn_json_add_text(root, "link", rn_remote_text(answer, "link"));
	rn_json_add_text(root, "expires", rn_remote_text(answer, "expires"));
	rn_json_free(answer);
	return rn_cli_json(root);
}
