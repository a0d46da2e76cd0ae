/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/device_options.h"
#include "cli/remote.h"

static int lifetime(const struct rn_cli *cli, struct rn_json *body)
{
	const char *text = rn_cli_option(cli, "lifetime");
	int64_t seconds = 3600;

	if (text && (rn_input_duration(text, &seconds) < 0 || seconds < 60 || seconds > 30 * 86400))
		return rn_cli_fail(RN_EXIT_USAGE, "--lifetime %s is not a time from 60s to 30d", text);
	rn_json_add_int(body, "lifetime_seconds", seconds);
	return RN_EXIT_OK;
}

static int write_token(struct rn_output *output, const struct rn_json *answer)
{
	struct rn_err err = {""};
	char line[1024];
	int code;

	snprintf(line, sizeof(line), "%s\n", rn_remote_text(answer, "token"));
	code = rn_output_commit(output, line, &err);
	rn_wipe(line, sizeof(line));
	return code < 0 ? rn_cli_fail(RN_EXIT_FAILED, "%s; the token that was made is lost: make another", err.text)
			: RN_EXIT_OK;
}

int rn_cmd_token_create(struct rn_cli *cli)
{
	const char *type = rn_cli_option(cli, "type"), *out = rn_cli_option(cli, "out");
	struct rn_json *body = rn_json_object(), *answer = NULL;
	struct rn_output output = {-1, NULL};
	struct rn_err err = {""};
	int code = RN_EXIT_OK;

	if (!type)
		code = rn_cli_fail(RN_EXIT_USAGE, "--type is needed: desktop, mobile, server, iot or hub");
	if (!code)
		code = rn_device_options(cli, type, true, body);
	if (!code)
		code = lifetime(cli, body);
	if (!code && out && rn_output_open(out, &output, &err) < 0)
		code = rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	if (code) {
		rn_json_free(body);
		return code;
	}
	code = rn_remote_call(cli, "POST", "/api/v1/tokens", body, &answer);
	if (code && out)
		rn_output_commit(&output, NULL, NULL);
	else if (!code && out)
		code = write_token(&output, answer);
	if (code) {
		rn_json_free(answer);
		return code;
	}
	if (cli->json)
		return rn_cli_json(answer);
	if (out)
		printf("the token is in %s and is good until %s\n", out, rn_remote_text(answer, "expires"));
	else
		puts(rn_remote_text(answer, "token"));
	rn_json_free(answer);
	return RN_EXIT_OK;
}
