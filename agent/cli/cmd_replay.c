/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/recorded.h"
#include "cli/remote.h"

#define POLICY_MAX (512u << 10) /* bytes of a policy file: escaped it must fit into a request */

static void print_side(const struct rn_json *side, const char *what, long hours, enum rn_paint paint)
{
	rn_recorded_flows(side, paint);
	printf(" in the last %ld h would have been %s\n", hours, what);
}

static void who(const struct rn_json *change, char *out, size_t size)
{
	const char *user = rn_remote_text(change, "user"), *source = rn_remote_text(change, "source");

	if (!*user)
		snprintf(out, size, "%s", source);
	else if (*source)
		snprintf(out, size, "%s (%s)", user, source);
	else
		snprintf(out, size, "%s (%s devices)", user, rn_remote_text(change, "devices"));
}

static void add_change(struct rn_table *table, const struct rn_json *change)
{
	const char *protocol = rn_remote_text(change, "protocol");
	char text[256];

	rn_table_cell(table, rn_remote_text(change, "flows"));
	who(change, text, sizeof(text));
	rn_table_cell(table, text);
	rn_table_cell(table, rn_remote_text(change, "destination"));
	snprintf(text, sizeof(text), "%s:%s", protocol, rn_remote_text(change, "port"));
	rn_table_cell(table, strcmp(protocol, "icmp") == 0 ? protocol : text);
	rn_recorded_verdict(rn_json_get(change, "now"), text, sizeof(text));
	rn_table_cell(table, text);
	rn_recorded_verdict(rn_json_get(change, "draft"), text, sizeof(text));
	rn_table_cell(table, text);
}

static void print_changes(const struct rn_json *answer)
{
	static const char *const headings[] = {"FLOWS", "WHO", "TO", "SERVICE", "NOW", "WITH THE DRAFT"};
	const struct rn_json *list = rn_json_get(answer, "changes"), *change = list ? rn_json_first(list) : NULL;
	struct rn_table *table;

	if (!change)
		return;
	table = rn_table_new(headings, 6);
	rn_table_right(table, 0);
	for (; change; change = rn_json_next(change))
		add_change(table, change);
	putchar('\n');
	rn_table_print_free(table, stdout);
	if (rn_remote_int(answer, "more_changes"))
		printf("and at least %s rows more\n", rn_remote_text(answer, "more_changes"));
}

static void print_rules(const struct rn_json *answer)
{
	static const char *const headings[] = {"FLOWS", "NOW", "WITH THE DRAFT"};
	const struct rn_json *list = rn_json_get(answer, "rules"), *rule = list ? rn_json_first(list) : NULL;
	struct rn_table *table;
	char text[256];

	if (!rule || !rn_json_next(rule)) /* of one the other table says it */
		return;
	table = rn_table_new(headings, 3);
	rn_table_right(table, 0);
	for (; rule; rule = rn_json_next(rule)) {
		rn_table_cell(table, rn_remote_text(rule, "flows"));
		rn_recorded_verdict(rn_json_get(rule, "now"), text, sizeof(text));
		rn_table_cell(table, text);
		rn_recorded_verdict(rn_json_get(rule, "draft"), text, sizeof(text));
		rn_table_cell(table, text);
	}
	putchar('\n');
	rn_table_print_free(table, stdout);
}

static int hours_of(struct rn_cli *cli, long *ret)
{
	const char *text = rn_cli_option(cli, "hours");
	char *end;

	*ret = 24;
	if (!text)
		return RN_EXIT_OK;
	*ret = strtol(text, &end, 10);
	if (end == text || *end || *ret < 1 || *ret > RN_RECORDED_HOURS_MAX)
		return rn_cli_fail(RN_EXIT_USAGE, "--hours %s is not a number from 1 to %d", text,
				   RN_RECORDED_HOURS_MAX);
	return RN_EXIT_OK;
}

int rn_cmd_policy_replay(struct rn_cli *cli)
{
	struct rn_json *body, *answer;
	struct rn_err err = {""};
	char *text, path[64];
	long hours;
	int code = hours_of(cli, &hours);

	if (code)
		return code;
	if (rn_input_read(cli->arguments[0], POLICY_MAX, &text, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	body = rn_json_object();
	rn_json_add_text(body, "text", text);
	free(text);
	snprintf(path, sizeof(path), "/api/v1/policy/replay?hours=%ld", hours);
	code = rn_remote_call(cli, "POST", path, body, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	print_side(rn_json_get(answer, "would_deny"), "denied", hours, RN_PAINT_BAD);
	print_side(rn_json_get(answer, "would_allow"), "allowed", hours, RN_PAINT_GOOD);
	print_rules(answer);
	print_changes(answer);
	printf("\n%s flows were replayed, on the devices as they are now; the oldest that is kept is of %s\n",
	       rn_remote_text(answer, "flows"), rn_remote_text(answer, "recorded_since"));
	rn_recorded_missing(answer);
	rn_json_free(answer);
	return RN_EXIT_OK;
}
