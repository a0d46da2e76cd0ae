/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/recorded.h"
#include "cli/remote.h"

/* Those that the rule leaves as they are say that it matches at all. */
static void print_rule(const struct rn_json *rule)
{
	bool denies = strcmp(rn_remote_text(rule, "action"), "deny") == 0;
	int64_t unchanged = rn_remote_int(rule, "unchanged_flows");

	printf("rule %s, observed: ", rn_remote_text(rule, "rule"));
	rn_recorded_flows(rule, denies ? RN_PAINT_BAD : RN_PAINT_GOOD);
	printf(" would have been %s", denies ? "denied" : "allowed");
	if (unchanged)
		printf("; %" PRId64 " %s %s anyway", unchanged, unchanged == 1 ? "was" : "were",
		       denies ? "denied" : "allowed");
	putchar('\n');
}

static void print_answer(const struct rn_json *answer, long hours)
{
	const struct rn_json *list = rn_json_get(answer, "rules"), *rule = list ? rn_json_first(list) : NULL;
	const char *policy = rn_remote_text(answer, "policy_since"), *oldest = rn_remote_text(answer, "recorded_since");
	int64_t others = rn_remote_int(answer, "other_flows");

	if (!rule)
		printf("the policy in force observes no rule: one with \"observe\": true is observed\n");
	for (const struct rn_json *r = rule; r; r = rn_json_next(r))
		print_rule(r);
	if (rn_remote_int(answer, "more_rules"))
		printf("and %s rules more\n", rn_remote_text(answer, "more_rules"));
	if (!rule && !others)
		return;
	printf("\nof flows in the last %ld h%s%s, on the devices as they are now\n", hours,
	       *oldest ? "; the oldest that is kept is of " : "; none is kept", oldest);
	if (strcmp(policy, rn_remote_text(answer, "since")) > 0) /* both are RFC 3339, in UTC */
		printf("the policy in force is of %s: until then an older one said which rules were observed\n",
		       policy);
	if (others)
		printf("%" PRId64 " flow%s observed by rules that the policy in force does not observe\n", others,
		       others == 1 ? " was" : "s were");
	rn_recorded_missing(answer);
}

int rn_cmd_policy_observed(struct rn_cli *cli)
{
	struct rn_json *answer;
	char path[64];
	long hours = 24;
	int code = rn_recorded_hours(cli, &hours);

	if (code)
		return code;
	snprintf(path, sizeof(path), "/api/v1/policy/observed?hours=%ld", hours);
	code = rn_remote_call(cli, "GET", path, NULL, &answer);
	if (code)
		return code;
	if (cli->json)
		return rn_cli_json(answer);
	print_answer(answer, hours);
	rn_json_free(answer);
	return RN_EXIT_OK;
}
