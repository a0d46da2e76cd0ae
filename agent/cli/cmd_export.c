/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"
#include "cli/wg_conf.h"
#include "sys/qr.h"

/* The key pair is made here; only its public half leaves this process, but for what is printed. */

static void draw(const struct rn_cli *cli, const char *configuration)
{
	bool terminal = isatty(STDERR_FILENO);
	char *text;

	if (rn_cli_option(cli, "no-qr") || (!terminal && !rn_cli_option(cli, "qr")))
		return;
	text = rn_qr_text(configuration, rn_out_color(stderr));
	if (!text)
		return;
	fputs(text, stderr);
	rn_wipe(text, strlen(text));
	free(text);
}

static int request(struct rn_cli *cli, const uint8_t public[RN_KEY_SIZE], struct rn_json **ret)
{
	const char *type = rn_cli_option(cli, "type");
	struct rn_json *body = rn_json_object();
	char key[64];
	int code = rn_check_name("the device's name", cli->arguments[0]);

	if (!code)
		code = rn_device_options(cli, type ? type : "mobile", false, body);
	if (code) {
		rn_json_free(body);
		return code;
	}
	rn_base64(public, RN_KEY_SIZE, key, sizeof(key));
	rn_json_add_text(body, "name", cli->arguments[0]);
	rn_json_add_text(body, "wireguard_public_key", key);
	return rn_remote_call(cli, "POST", "/api/v1/devices", body, ret);
}

static int print(struct rn_cli *cli, struct rn_json *answer, const char *configuration, const char *out)
{
	draw(cli, configuration);
	if (cli->json) {
		/* In the file or here, but the key is in one place only. */
		rn_json_add_text(answer, "configuration", out ? NULL : configuration);
		return rn_cli_json(answer);
	}
	rn_json_free(answer);
	if (out)
		printf("the configuration of %s is in %s\n", cli->arguments[0], out);
	else
		fputs(configuration, stdout);
	return RN_EXIT_OK;
}

/* The device exists by now: what goes wrong from here on must say so. */
static int deliver(struct rn_cli *cli, struct rn_json *answer, const char *key, struct rn_output *output)
{
	const char *out = rn_cli_option(cli, "out");
	struct rn_err err = {""};
	char *configuration = rn_wg_conf(answer, key, &err);
	int code = configuration ? 0 : -EBADMSG;

	if (out)
		code = rn_output_commit(output, configuration, code ? NULL : &err);
	if (code < 0) {
		rn_json_free(answer);
		code = rn_cli_fail(RN_EXIT_FAILED, "%s; the key of %s is lost: revoke it and export another name",
				   err.text, cli->arguments[0]);
	} else {
		code = print(cli, answer, configuration, out);
	}
	if (configuration)
		rn_wipe(configuration, strlen(configuration));
	free(configuration);
	return code;
}

int rn_cmd_export(struct rn_cli *cli)
{
	const char *out = rn_cli_option(cli, "out");
	uint8_t public[RN_KEY_SIZE], secret[RN_KEY_SIZE];
	struct rn_output output = {-1, NULL};
	struct rn_json *answer = NULL;
	struct rn_err err = {""};
	char key[64];
	int code;

	if (out && rn_output_open(out, &output, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	rn_x25519_keypair(public, secret);
	rn_base64(secret, sizeof(secret), key, sizeof(key));
	code = request(cli, public, &answer);
	if (!code)
		code = deliver(cli, answer, key, &output);
	else if (out)
		rn_output_commit(&output, NULL, NULL);
	rn_wipe(secret, sizeof(secret));
	rn_wipe(key, sizeof(key));
	return code;
}
