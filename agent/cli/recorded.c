/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recorded.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/input.h"
#include "cli/remote.h"

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

void rn_recorded_flows(const struct rn_json *side, enum rn_paint paint)
{
	int64_t flows = rn_remote_int(side, "flows"), users = rn_remote_int(side, "users");
	int64_t unowned = rn_remote_int(side, "unowned_devices");
	char text[160];
	int n = snprintf(text, sizeof(text), "%" PRId64 " flow%s", flows, plural(flows));

	if (users)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " of %" PRId64 " user%s", users, plural(users));
	if (unowned)
		snprintf(text + n, sizeof(text) - (size_t)n, "%s %" PRId64 " device%s of nobody",
			 users ? " and" : " of", unowned, plural(unowned));
	rn_out_painted(stdout, flows ? paint : RN_PAINT_NONE, text);
}

void rn_recorded_verdict(const struct rn_json *verdict, char *out, size_t size)
{
	const char *rule = rn_remote_text(verdict, "rule"), *reason = rn_remote_text(verdict, "reason");

	if (*rule && strcmp(reason, "allowed") != 0 && strcmp(reason, "deny_rule") != 0)
		snprintf(out, size, "%s by %s (%s)", rn_remote_text(verdict, "verdict"), rule, reason);
	else if (*rule)
		snprintf(out, size, "%s by %s", rn_remote_text(verdict, "verdict"), rule);
	else
		snprintf(out, size, "%s (%s)", rn_remote_text(verdict, "verdict"), reason);
}

int rn_recorded_hours(struct rn_cli *cli, long *ret)
{
	const char *text = rn_cli_option(cli, "since");
	int64_t seconds;

	if (!text)
		return RN_EXIT_OK;
	if (rn_input_duration(text, &seconds) < 0 || seconds < 3600 || seconds % 3600 ||
	    seconds / 3600 > RN_RECORDED_HOURS_MAX)
		return rn_cli_fail(RN_EXIT_USAGE, "--since %s is not a time of whole hours from 1h to 366d", text);
	*ret = (long)(seconds / 3600);
	return RN_EXIT_OK;
}

void rn_recorded_missing(const struct rn_json *answer)
{
	static const struct {
		const char *key, *one, *many;
	} parts[] = {
	    {"lost_events", "event was not recorded", "events were not recorded"},
	    {"damaged_rows", "recorded row cannot be read", "recorded rows cannot be read"},
	    {"unknown_devices", "flow is of a device that is unknown now", "flows are of devices that are unknown now"},
	    {"stopped", "flow is of a device that is revoked or quarantined now: denied with either policy",
	     "flows are of devices that are revoked or quarantined now: denied with either policy"},
	};
	const struct rn_json *missing = rn_json_get(answer, "missing");

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t count = rn_remote_int(missing, parts[i].key);

		if (count)
			printf("%" PRId64 " %s\n", count, count == 1 ? parts[i].one : parts[i].many);
	}
	if (rn_remote_int(missing, "silences"))
		printf("nothing was recorded for up to %s s, while core did not run\n",
		       rn_remote_text(missing, "silent_seconds"));
}
