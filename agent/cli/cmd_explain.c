/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"

static bool is_icmp(const char *protocol)
{
	return strcmp(protocol, "icmp") == 0 || strcmp(protocol, "icmp4") == 0 || strcmp(protocol, "icmp6") == 0;
}

static int add_moment(struct rn_cli *cli, struct rn_json *body)
{
	const char *at = rn_cli_option(cli, "at");
	char text[RN_MOMENT_TEXT];
	int64_t moment;

	if (!at)
		return RN_EXIT_OK;
	if (rn_input_moment(at, &moment) < 0)
		return rn_cli_fail(RN_EXIT_USAGE, "--at takes 2027-03-31T18:00:00Z, 2027-03-31, or 90m from now");
	rn_moment_format(moment, text);
	rn_json_add_text(body, "at", text);
	return RN_EXIT_OK;
}

/* The optional words: a protocol, then a port; a port alone means TCP, neither means ICMP. */
static int add_service(struct rn_cli *cli, struct rn_json *body)
{
	const char *word = cli->argument_count > 2 ? cli->arguments[2] : "icmp", *protocol = word;
	const char *port = cli->argument_count > 3 ? cli->arguments[3] : NULL;
	long number;
	char *end;

	if (word[0] >= '0' && word[0] <= '9' && !port) {
		port = word;
		protocol = "tcp";
	}
	if (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 && !is_icmp(protocol))
		return rn_cli_fail(RN_EXIT_USAGE, "%s is no protocol: use tcp, udp, icmp, icmp4 or icmp6", protocol);
	rn_json_add_text(body, "protocol", protocol);
	if (is_icmp(protocol))
		return port ? rn_cli_fail(RN_EXIT_USAGE, "icmp has no port") : RN_EXIT_OK;
	if (!port)
		return rn_cli_fail(RN_EXIT_USAGE, "%s needs a port, such as %s 443", protocol, protocol);
	number = strtol(port, &end, 10);
	if (end == port || *end || number < 0 || number > 65535)
		return rn_cli_fail(RN_EXIT_USAGE, "%s is no port", port);
	rn_json_add_int(body, "port", number);
	return RN_EXIT_OK;
}

static void print_end(const struct rn_json *device)
{
	const struct rn_json *security = rn_json_get(device, "security_context");
	const char *owner = rn_remote_text(security, "user_identity"), *hub = rn_remote_text(device, "hub");
	bool behind = *hub && strcmp(hub, rn_remote_text(device, "client_id")) != 0;
	char text[512];

	snprintf(text, sizeof(text), "%s (%s, owner %s, trust %s%s%s)", rn_remote_text(device, "client_id"),
		 rn_remote_text(device, "virtual_ip"), *owner ? owner : "nobody",
		 rn_remote_text(security, "trust_score"), behind ? ", behind " : "", behind ? hub : "");
	rn_out_text(stdout, text);
}

static void print_line(const char *label, const char *text)
{
	if (!*text)
		return;
	printf("  %-12s ", label);
	rn_out_text(stdout, text);
	putchar('\n');
}

/* Each condition of a rule, and whether it was met. */
static void print_conditions(const struct rn_json *answer, const char *key)
{
	const struct rn_json *list = rn_json_get(answer, key);

	for (const struct rn_json *c = list ? rn_json_first(list) : NULL; c; c = rn_json_next(c)) {
		printf("  %-12s   ", "");
		rn_out_painted(stdout, rn_remote_true(c, "met") ? RN_PAINT_GOOD : RN_PAINT_BAD,
			       rn_remote_true(c, "met") ? "met" : "not met");
		printf(": ");
		rn_out_text(stdout, rn_remote_text(c, "condition"));
		if (*rn_remote_text(c, "asked")) {
			putchar(' ');
			rn_out_text(stdout, rn_remote_text(c, "asked"));
		}
		putchar('\n');
	}
}

static bool all_met(const struct rn_json *answer, const char *key)
{
	const struct rn_json *list = rn_json_get(answer, key);

	for (const struct rn_json *c = list ? rn_json_first(list) : NULL; c; c = rn_json_next(c))
		if (!rn_remote_true(c, "met"))
			return false;
	return true;
}

/* The rule that would have allowed it, or fails in the fewest conditions. */
static void print_nearest(const struct rn_json *answer)
{
	const char *rule = rn_remote_text(answer, "rule"), *nearest = rn_remote_text(answer, "nearest_rule");
	char text[200];

	if (!*nearest || strcmp(rule, nearest) == 0)
		return;
	if (strcmp(rn_remote_text(answer, "reason"), "deny_rule") == 0 && all_met(answer, "nearest_conditions"))
		snprintf(text, sizeof(text), "%s would allow it, but what denies goes before it: %s", nearest, rule);
	else
		snprintf(text, sizeof(text), "%s", nearest);
	print_line("nearest rule", text);
	print_conditions(answer, "nearest_conditions");
}

static void print_answer(const struct rn_json *answer, bool allowed)
{
	rn_out_painted(stdout, allowed ? RN_PAINT_GOOD : RN_PAINT_BAD, allowed ? "allowed" : "denied");
	printf(": ");
	rn_out_text(stdout, rn_remote_text(answer, "text"));
	printf(" (%s)\n  %-12s ", rn_remote_text(answer, "reason"), "from");
	print_end(rn_json_get(answer, "source"));
	printf("\n  %-12s ", "to");
	print_end(rn_json_get(answer, "destination"));
	putchar('\n');
	print_line("rule", rn_remote_text(answer, "rule"));
	print_conditions(answer, "conditions");
	print_nearest(answer);
	print_line("observed", rn_remote_text(answer, "observed_rule"));
	print_line("at", rn_remote_text(answer, "at"));
	print_line("until", rn_remote_text(answer, "until"));
	print_line("decided on", rn_remote_text(answer, "hub"));
	print_line("and then on", rn_remote_text(answer, "destination_hub"));
	print_line("policy", rn_remote_text(answer, "policy_version"));
}

int rn_cmd_explain(struct rn_cli *cli)
{
	struct rn_json *body = rn_json_object(), *answer;
	bool allowed;
	int code;

	rn_json_add_text(body, "source", cli->arguments[0]);
	rn_json_add_text(body, "destination", cli->arguments[1]);
	code = add_service(cli, body);
	if (!code)
		code = add_moment(cli, body);
	if (code) {
		rn_json_free(body);
		return code;
	}
	code = rn_remote_call(cli, "POST", "/api/v1/explain", body, &answer);
	if (code)
		return code;
	allowed = strcmp(rn_remote_text(answer, "verdict"), "allow") == 0;
	if (cli->json) {
		code = rn_cli_json(answer);
		return code ? code : allowed ? RN_EXIT_OK : RN_EXIT_DENIED;
	}
	print_answer(answer, allowed);
	rn_json_free(answer);
	return allowed ? RN_EXIT_OK : RN_EXIT_DENIED;
}
