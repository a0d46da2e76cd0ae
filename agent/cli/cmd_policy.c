/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"

#define POLICY_MAX (512u << 10) /* bytes of a policy file: escaped it must fit into a request */

int rn_cmd_policy_get(struct rn_cli *cli)
{
	struct rn_json *answer;
	const char *text;
	int code = rn_remote_call(cli, "GET", "/api/v1/policy", NULL, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	/* Lines stay lines: only what is between them is escaped. */
	for (text = rn_remote_text(answer, "text"); *text;) {
		size_t length = strcspn(text, "\n\t");
		char *line = strndup(text, length);

		rn_out_text(stdout, line ? line : "");
		free(line);
		text += length;
		if (*text)
			putchar(*text++);
	}
	rn_json_free(answer);
	return RN_EXIT_OK;
}

/* The file of the command line as the body of a request; NULL: the sentence has been said. */
static struct rn_json *policy_body(struct rn_cli *cli)
{
	struct rn_json *body;
	struct rn_err err = {""};
	char *text;

	if (rn_input_read(cli->arguments[0], POLICY_MAX, &text, &err) < 0) {
		rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
		return NULL;
	}
	body = rn_json_object();
	rn_json_add_text(body, "text", text);
	free(text);
	return body;
}

int rn_cmd_policy_set(struct rn_cli *cli)
{
	struct rn_json *body = policy_body(cli), *answer;
	int code = body ? rn_remote_call(cli, "PUT", "/api/v1/policy", body, &answer) : RN_EXIT_FAILED;

	return code ? code : rn_remote_changed(cli, answer, "the policy is in force");
}

int rn_cmd_policy_check(struct rn_cli *cli)
{
	struct rn_json *body = policy_body(cli), *answer;
	int code = body ? rn_remote_call(cli, "POST", "/api/v1/policy/check", body, &answer) : RN_EXIT_FAILED;
	bool valid;

	if (code)
		return code;
	valid = rn_remote_true(answer, "valid");
	if (cli->json) {
		code = rn_cli_json(answer);
		return code ? code : valid ? RN_EXIT_OK : RN_EXIT_FAILED;
	}
	if (valid)
		puts("the policy is good");
	else
		rn_cli_fail(RN_EXIT_FAILED, "%s: %s", cli->arguments[0], rn_remote_text(answer, "message"));
	rn_json_free(answer);
	return valid ? RN_EXIT_OK : RN_EXIT_FAILED;
}
