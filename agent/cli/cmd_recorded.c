/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/recorded.h"
#include "cli/remote.h"

/* `flows --recorded`: what the gateway recorded, newest first. A call of the API looks at so many rows and no more. */

#define LIMIT_MAX 1000 /* of the API */

static const char *const filters[] = {"source",	  "destination", "owner",    "hub",  "rule",
				      "observed", "verdict",	 "protocol", "port", "before"};
#define FILTERS (sizeof(filters) / sizeof(filters[0]))

const char *rn_recorded_only(const struct rn_cli *cli)
{
	for (unsigned i = 0; i < FILTERS; i++)
		if (rn_cli_option(cli, filters[i]))
			return filters[i];
	return rn_cli_option(cli, "since") ? "since" : NULL;
}

static void append(char *path, size_t size, const char *key, const char *value)
{
	size_t at = strlen(path);

	snprintf(path + at, size - at, "%c%s=%s", strchr(path, '?') ? '&' : '?', key, value);
}

/* Of what stands in names, words and numbers; nothing else is to be encoded then. */
static bool is_plain(const char *text)
{
	return *text && strlen(text) < 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(text);
}

/* Where it begins is apart: each call begins elsewhere. */
static int query(struct rn_cli *cli, char *path, size_t size)
{
	char number[24];
	long hours = 0;
	int code = rn_recorded_hours(cli, &hours);

	snprintf(path, size, "/api/v1/flows/recorded");
	for (unsigned i = 0; i < FILTERS && !code; i++) {
		const char *value = rn_cli_option(cli, filters[i]);

		if (value && !is_plain(value))
			code =
			    rn_cli_fail(RN_EXIT_USAGE, "--%s %s is not a name, a word or a number", filters[i], value);
		else if (value && strcmp(filters[i], "before") != 0)
			append(path, size, filters[i], value);
	}
	snprintf(number, sizeof(number), "%ld", hours);
	if (!code && hours)
		append(path, size, "hours", number);
	return code;
}

/* "allow by web"; "allow, no-telnet would deny it" of a row that was asked for by its observed rule. */
static void verdict_text(const struct rn_json *flow, char *out, size_t size)
{
	const char *observed = rn_remote_text(flow, "observed_rule");
	bool denies = strcmp(rn_remote_text(flow, "observed_verdict"), "deny") == 0;

	if (!*observed)
		rn_recorded_verdict(flow, out, size);
	else
		snprintf(out, size, "%s, %s would %s it", rn_remote_text(flow, "verdict"), observed,
			 denies ? "deny" : "allow");
}

static void add_flow(struct rn_table *table, const struct rn_json *flow)
{
	const struct rn_json *source = rn_json_get(flow, "source");
	const char *protocol = rn_remote_text(flow, "protocol"), *owner = rn_remote_text(source, "owner");
	char text[256];

	rn_table_cell(table, rn_remote_text(flow, "heard"));
	rn_table_cell(table, rn_remote_text(flow, "flows"));
	snprintf(text, sizeof(text), "%s%s%s%s", rn_remote_text(source, "client_id"), *owner ? " (" : "", owner,
		 *owner ? ")" : "");
	rn_table_cell(table, text);
	rn_table_cell(table, rn_remote_text(rn_json_get(flow, "destination"), "client_id"));
	snprintf(text, sizeof(text), "%s:%s", protocol, rn_remote_text(flow, "port"));
	rn_table_cell(table, strcmp(protocol, "icmp") == 0 ? protocol : text);
	verdict_text(flow, text, sizeof(text));
	rn_table_cell(table, text);
	rn_table_cell(table, rn_remote_text(flow, "hub"));
}

/* Up to limit rows, in as many calls as it takes; *ret_last is the last answer, which the caller frees. */
static int print_rows(struct rn_cli *cli, const char *path, long limit, struct rn_json **ret_last)
{
	static const char *const headings[] = {"HEARD", "FLOWS", "FROM", "TO", "SERVICE", "VERDICT", "TOLD BY"};
	struct rn_table *table = rn_table_new(headings, 7);
	const char *before = rn_cli_option(cli, "before");
	char call[1024], number[24], next[64];
	int code;

	snprintf(next, sizeof(next), "%s", before ? before : "");
	rn_table_right(table, 1);
	do {
		snprintf(call, sizeof(call), "%s", path);
		snprintf(number, sizeof(number), "%ld", limit);
		append(call, sizeof(call), "limit", number);
		if (*next)
			append(call, sizeof(call), "before", next);
		rn_json_free(*ret_last);
		*ret_last = NULL;
		code = rn_remote_call(cli, "GET", call, NULL, ret_last);
		if (code)
			break;
		const struct rn_json *list = rn_json_get(*ret_last, "flows");
		for (const struct rn_json *flow = list ? rn_json_first(list) : NULL; flow; flow = rn_json_next(flow)) {
			add_flow(table, flow);
			limit--;
		}
		snprintf(next, sizeof(next), "%.20s", rn_remote_text(*ret_last, "next"));
	} while (*next && limit > 0);
	rn_table_print_free(table, stdout);
	return code;
}

int rn_recorded_list(struct rn_cli *cli, long limit)
{
	struct rn_json *answer = NULL;
	char path[960], number[24];
	int code;

	if (limit > LIMIT_MAX)
		return rn_cli_fail(RN_EXIT_USAGE, "--limit %ld is not a number from 1 to %d, with --recorded", limit,
				   LIMIT_MAX);
	code = query(cli, path, sizeof(path));
	if (code)
		return code;
	if (cli->json) { /* one answer of the API: it says where to go on */
		snprintf(number, sizeof(number), "%ld", limit);
		append(path, sizeof(path), "limit", number);
		if (rn_cli_option(cli, "before"))
			append(path, sizeof(path), "before", rn_cli_option(cli, "before"));
		code = rn_remote_call(cli, "GET", path, NULL, &answer);
		return code ? code : rn_cli_json(answer);
	}
	code = print_rows(cli, path, limit, &answer);
	if (!code && *rn_remote_text(answer, "next"))
		printf("older ones: --before %s\n", rn_remote_text(answer, "next"));
	rn_json_free(answer);
	return code;
}
