/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/remote.h"

static void add_row(struct rn_table *table, const struct rn_json *counter, const char *reason, const char *text)
{
	rn_table_cell(table, rn_remote_text(counter, "direction"));
	rn_table_cell(table, reason);
	rn_table_cell(table, rn_remote_text(counter, "packets"));
	rn_table_cell(table, rn_remote_text(counter, "bytes"));
	rn_table_cell(table, text);
}

static const struct rn_json *first(const struct rn_json *answer, const char *key)
{
	const struct rn_json *list = rn_json_get(answer, key);

	return list ? rn_json_first(list) : NULL;
}

int rn_cmd_drops(struct rn_cli *cli)
{
	static const char *const heads[] = {"DIRECTION", "REASON", "PACKETS", "BYTES", "MEANING"};
	bool all = rn_cli_option(cli, "all");
	struct rn_json *answer;
	struct rn_table *table;
	int code = rn_remote_call(cli, "GET", "/api/v1/drops", NULL, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	table = rn_table_new(heads, 5);
	rn_table_right(table, 2);
	rn_table_right(table, 3);
	for (const struct rn_json *c = first(answer, "passed"); c; c = rn_json_next(c))
		add_row(table, c, "allowed", "passed");
	for (const struct rn_json *c = first(answer, "dropped"); c; c = rn_json_next(c))
		if (all || strcmp(rn_remote_text(c, "packets"), "0") != 0)
			add_row(table, c, rn_remote_text(c, "reason"), rn_remote_text(c, "text"));
	for (const struct rn_json *c = first(answer, "frames"); c; c = rn_json_next(c))
		if (all || strcmp(rn_remote_text(c, "packets"), "0") != 0)
			add_row(table, c, rn_remote_text(c, "reason"), rn_remote_text(c, "text"));
	rn_table_print_free(table, stdout);
	rn_json_free(answer);
	return RN_EXIT_OK;
}
