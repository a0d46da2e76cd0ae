/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/remote.h"

static void add_row(struct rn_table *table, const struct rn_json *hub)
{
	rn_table_cell(table, rn_remote_text(hub, "hub_name"));
	rn_table_cell(table, rn_remote_text(hub, "hub_type"));
	rn_table_cell(table, rn_remote_text(hub, "parent_hub"));
	rn_table_cell(table, !rn_remote_true(hub, "connected")	    ? "away"
			     : rn_remote_true(hub, "policy_behind") ? "connected, with an older policy"
								    : "connected");
	rn_table_cell(table, rn_remote_text(hub, "devices"));
	rn_table_cell(table, rn_remote_text(hub, "wireguard_endpoint"));
	rn_table_cell(table, rn_remote_text(hub, "mesh_endpoint"));
	rn_table_cell(table, rn_remote_text(hub, "ends"));
}

int rn_cmd_hubs(struct rn_cli *cli)
{
	static const char *const heading[] = {"NAME",	 "TYPE",      "PARENT", "STATE",
					      "DEVICES", "WIREGUARD", "MESH",	"ENDS"};
	const struct rn_json *list;
	struct rn_table *table;
	struct rn_json *answer;
	int code = rn_remote_call(cli, "GET", "/api/v1/hubs", NULL, &answer);

	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	list = rn_json_get(answer, "hubs");
	table = rn_table_new(heading, 8);
	rn_table_right(table, 4);
	for (const struct rn_json *hub = list ? rn_json_first(list) : NULL; hub; hub = rn_json_next(hub))
		add_row(table, hub);
	rn_table_print_free(table, stdout);
	rn_json_free(answer);
	return RN_EXIT_OK;
}
