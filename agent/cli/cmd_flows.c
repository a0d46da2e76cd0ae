/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/flow_line.h"
#include "cli/out.h"
#include "cli/recorded.h"
#include "cli/remote.h"

#define RING 8192 /* events that core keeps */

static bool print_event(void *context, const char *type, const struct rn_json *event)
{
	struct rn_cli *cli = context;
	char *text;

	if (cli->json) {
		text = rn_json_print(event, false);
		/* One object a line; the closing brace makes room for the version. */
		if (text)
			printf("%.*s,\"format\":%d,\"event\":\"%s\"}\n", (int)strlen(text) - 1, text, RN_CLI_FORMAT,
			       type && strcmp(type, "lost") == 0 ? "lost" : "flow");
		free(text);
	} else if (type && strcmp(type, "lost") == 0) {
		printf("... %s events were lost ...\n", rn_remote_text(event, "count"));
	} else {
		rn_flow_line(stdout, event);
	}
	return fflush(stdout) == 0;
}

static int follow(struct rn_cli *cli, const struct rn_json *answer)
{
	char path[96];

	snprintf(path, sizeof(path), "/api/v1/flows/stream?after=%.40s", rn_remote_text(answer, "next"));
	return rn_remote_follow(cli, path, print_event, cli);
}

/* Forgets all but the last `limit` of the events, by skipping. */
static const struct rn_json *latest(const struct rn_json *list, long limit)
{
	const struct rn_json *event = rn_json_first(list);

	for (long skip = (long)rn_json_count(list) - limit; skip > 0; skip--)
		event = rn_json_next(event);
	return event;
}

static int print_list(struct rn_cli *cli, struct rn_json *answer, long limit)
{
	const struct rn_json *list = rn_json_get(answer, "events");
	bool following = rn_cli_option(cli, "follow");
	int code = RN_EXIT_OK;

	if (cli->json && !following)
		return rn_cli_json(answer);
	for (const struct rn_json *event = list ? latest(list, limit) : NULL; event; event = rn_json_next(event))
		print_event(cli, NULL, event);
	if (following)
		code = follow(cli, answer);
	rn_json_free(answer);
	return code;
}

int rn_cmd_flows(struct rn_cli *cli)
{
	const char *text = rn_cli_option(cli, "limit");
	struct rn_json *answer;
	long limit = 20;
	char *end, path[64];
	int code;

	if (text) {
		limit = strtol(text, &end, 10);
		if (end == text || *end || limit < 1 || limit > RING)
			return rn_cli_fail(RN_EXIT_USAGE, "--limit %s is not a number from 1 to %d", text, RING);
	}
	if (rn_cli_option(cli, "recorded") && rn_cli_option(cli, "follow"))
		return rn_cli_fail(RN_EXIT_USAGE, "give one of --recorded and --follow");
	if (rn_cli_option(cli, "recorded"))
		return rn_recorded_list(cli, limit);
	if (rn_recorded_only(cli))
		return rn_cli_fail(RN_EXIT_USAGE, "--%s goes with --recorded", rn_recorded_only(cli));
	snprintf(path, sizeof(path), "/api/v1/flows?latest=%ld", limit);
	code = rn_remote_call(cli, "GET", path, NULL, &answer);
	return code ? code : print_list(cli, answer, limit);
}
