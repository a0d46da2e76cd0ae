/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/remote.h"
#include "cli/setup.h"
#include "cli/started.h"
#include "domain/token.h"
#include "service/enroll.h"

#define TOKEN_FILE_MAX 4096

/* Of this host's own link: the API's word. */
static int set_link(struct rn_cli *cli, bool up)
{
	struct rn_json *body = rn_json_object(), *answer;
	int code;

	rn_json_add_bool(body, "up", up);
	code = rn_remote_call(cli, "POST", "/api/v1/link", body, &answer);
	return code ? code : rn_remote_changed(cli, answer, "the network is %s on this host", up ? "up" : "down");
}

int rn_cmd_down(struct rn_cli *cli)
{
	return set_link(cli, false);
}

static bool is_set_up(const struct rn_cli *cli)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state", cli->conf.state_dir);
	return lstat(path, &st) == 0;
}

/* One line, so that who pastes a token only presses Enter. False: there was none. */
static bool ask_token(char *out, size_t size)
{
	if (isatty(STDIN_FILENO))
		fputs("Paste the token that `rnaut token create` printed: ", stderr);
	return fgets(out, (int)size, stdin) && *out != '\n';
}

/* The argument, the file, standard input, or what was asked for. */
static int read_token(const struct rn_cli *cli, const char *asked, struct rn_token *ret)
{
	const char *file = rn_cli_option(cli, "token-file");
	struct rn_err err = {""};
	char *text = NULL;
	int code;

	if (file && cli->argument_count)
		return rn_cli_fail(RN_EXIT_USAGE, "give the token as an argument or by --token-file, not both");
	code = file ? rn_input_read(file, TOKEN_FILE_MAX, &text, &err) : 0;
	if (code == 0)
		code = rn_token_get(text ? text : asked ? asked : cli->arguments[0], ret, &err);
	if (text)
		rn_wipe(text, strlen(text));
	free(text);
	return code < 0 ? rn_cli_fail(RN_EXIT_FAILED, "%s", err.text) : RN_EXIT_OK;
}

static int choose_kind(const struct rn_cli *cli, enum rn_kind of_token, enum rn_kind *ret)
{
	const char *type = rn_cli_option(cli, "type");

	*ret = of_token ? of_token : RN_KIND_DESKTOP;
	if (type && (rn_kind_parse(type, ret) < 0 || *ret == RN_KIND_GATEWAY))
		return rn_cli_fail(RN_EXIT_USAGE, "--type %s is not known: use desktop, mobile, server, iot or hub",
				   type);
	return RN_EXIT_OK;
}

static int choose_endpoints(const struct rn_cli *cli, struct rn_enroll *enroll)
{
	bool hub = rn_kind_is_hub(enroll->kind);
	int code;

	if (!hub && rn_cli_option(cli, "endpoint"))
		return rn_cli_fail(RN_EXIT_USAGE, "--endpoint is for hubs: this token is for a %s",
				   rn_kind_name(enroll->kind));
	code = rn_setup_endpoint(cli, hub, &enroll->control.addr);
	if (code || !hub)
		return code;
	enroll->wireguard.addr = enroll->control.addr;
	enroll->control.port = cli->conf.control_port;
	enroll->wireguard.port = cli->conf.wireguard_port;
	return RN_EXIT_OK;
}

static int report(const struct rn_cli *cli, const struct rn_self *self, const struct rn_setup *setup,
		  const struct rn_started *started)
{
	struct rn_json *root;

	if (cli->json) {
		root = rn_json_object();
		rn_json_add_text(root, "client_id", self->name);
		rn_json_add_u64(root, "number", self->device);
		rn_json_add_text(root, rn_kind_is_hub(self->kind) ? "hub_type" : "client_type",
				 rn_kind_name(self->kind));
		rn_json_add_text(root, "state", setup->state);
		rn_started_json(root, started);
		return rn_cli_json(root);
	}
	printf("this host has joined as %s (%s)%s%s\n", self->name, rn_kind_name(self->kind),
	       *started->addresses ? ": " : "", started->addresses);
	if (started->asked)
		rn_started_print(started);
	else
		puts("Start these as root: rnautd core, rnautd net, rnautd wireguard, rnautd kern.");
	return RN_EXIT_OK;
}

/* What the command line, the token and the configuration say. */
static int read_request(const struct rn_cli *cli, const char *asked, struct rn_enroll *enroll)
{
	int code = read_token(cli, asked, &enroll->token);

	if (!code)
		code = choose_kind(cli, enroll->token.kind, &enroll->kind);
	if (!code)
		code = rn_setup_name(cli, enroll->token.name, enroll->name);
	if (!code)
		code = choose_endpoints(cli, enroll);
	return code;
}

/* The same token of the same network: with the keys of an attempt that was cut off it asks for the same again. */
static int begin(struct rn_cli *cli, const struct rn_token *token, struct rn_setup *ret)
{
	char mark[128], key[2 * RN_KEY_SIZE + 1];

	rn_hex(token->gateway_key, RN_KEY_SIZE, key, sizeof(key));
	snprintf(mark, sizeof(mark), "token %llu of %s\n", (unsigned long long)token->id, key);
	return rn_setup_begin(cli, mark, ret);
}

/* Ends the setup, either way. */
static int join(struct rn_setup *setup, struct rn_enroll *enroll, struct rn_self *ret)
{
	struct rn_err err = {""};
	int r;

	enroll->dir = setup->building;
	enroll->owners = setup->owners;
	r = rn_enroll(enroll, ret, &err);
	if (r == 0)
		return rn_setup_commit(setup);
	if (r == -EINPROGRESS)
		rn_setup_leave(setup);
	else
		rn_setup_abandon(setup);
	return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
}

/* asked: the token where neither argument nor file gives it. */
static int join_network(struct rn_cli *cli, const char *asked)
{
	struct rn_started started;
	struct rn_enroll enroll;
	struct rn_setup setup;
	struct rn_self self;
	int code;

	memset(&enroll, 0, sizeof(enroll));
	code = read_request(cli, asked, &enroll);
	if (!code)
		code = begin(cli, &enroll.token, &setup);
	if (!code)
		code = join(&setup, &enroll, &self);
	rn_wipe(&enroll, sizeof(enroll));
	if (!code)
		code = rn_setup_start(cli, &started);
	return code ? code : report(cli, &self, &setup, &started);
}

int rn_cmd_up(struct rn_cli *cli)
{
	char text[TOKEN_FILE_MAX];
	int code;

	if (cli->argument_count || rn_cli_option(cli, "token-file"))
		return join_network(cli, NULL);
	if (is_set_up(cli) || geteuid() != 0 || !ask_token(text, sizeof(text)))
		return set_link(cli, true);
	code = join_network(cli, text);
	rn_wipe(text, sizeof(text));
	return code;
}
