/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flow_line.h"

#include <string.h>

#include "base/addr.h"
#include "cli/out.h"
#include "cli/remote.h"

/* A device's name; its address where no device has it, in brackets where a port would be mistaken for its end. */
static const char *end_name(const struct rn_json *event, const char *key, char out[RN_ADDR_TEXT + 2])
{
	const struct rn_json *end = rn_json_get(event, key);
	const char *name = rn_remote_text(end, "client_id");

	if (*name)
		return name;
	name = rn_remote_text(end, "virtual_ip");
	snprintf(out, RN_ADDR_TEXT + 2, strchr(name, ':') ? "[%.45s]" : "%.45s", *name ? name : "?");
	return out;
}

void rn_flow_line(FILE *file, const struct rn_json *event)
{
	const char *time = rn_remote_text(event, "time"), *rule = rn_remote_text(event, "rule");
	const char *observed = rn_remote_text(event, "observed_rule");
	const char *protocol = rn_remote_text(event, "protocol"), *hub = rn_remote_text(event, "hub");
	const char *behind, *to_hub; /* where the ends' hubs differ */
	bool allowed = strcmp(rn_remote_text(event, "verdict"), "allow") == 0;
	bool ports = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;
	char text[512], shown[600], from[RN_ADDR_TEXT + 2], to[RN_ADDR_TEXT + 2];

	/* 2026-11-22T14:03:07.123456Z: the time of day is enough to read along. */
	if (strlen(time) > 23)
		time += 11;
	snprintf(text, sizeof(text), "%.12s ", time);
	rn_out_text(file, text);
	rn_out_painted(file, allowed ? RN_PAINT_GOOD : RN_PAINT_BAD, allowed ? "allow" : "deny ");
	snprintf(text, sizeof(text), "%s -> %s%s%s/%s", end_name(event, "source", from),
		 end_name(event, "destination", to), ports ? ":" : "",
		 ports ? rn_remote_text(rn_json_get(event, "destination"), "port") : "", protocol);
	rn_out_escape(text, shown, sizeof(shown));
	fprintf(file, " %s%*s", shown, rn_out_width(shown) < 36 ? (int)(36 - rn_out_width(shown)) : 0, "");
	behind = rn_remote_text(rn_json_get(event, "source"), "hub");
	to_hub = rn_remote_text(rn_json_get(event, "destination"), "hub");
	if (!*behind || !*to_hub || strcmp(behind, to_hub) == 0)
		behind = to_hub = "";
	snprintf(text, sizeof(text), "  %s%s%s%s%s%s%s%s%s%s%s%s", rn_remote_text(event, "reason"),
		 *rule ? " by rule " : "", rule, *observed ? ", would be decided by " : "", observed,
		 strcmp(rn_remote_text(event, "kind"), "changed") == 0 ? ", judged again" : "", *hub ? ", on " : "",
		 hub, *behind ? ", from " : "", behind, *behind ? " to " : "", to_hub);
	rn_out_text(file, text);
	fputc('\n', file);
}
