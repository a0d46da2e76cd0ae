/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <stddef.h>

#define OPTIONS(...) ((const struct rn_option[]){__VA_ARGS__, {NULL, NULL, NULL, false}})
#define NONE ((const struct rn_option[]){{NULL, NULL, NULL, false}})

const struct rn_option rn_common_options[] = {
    {"json", NULL, "print one JSON object, with \"format\": 1", false},
    {"config", "FILE", "another file than /etc/rnaut/rnaut.conf", false},
    {"help", NULL, "what the command does", false},
    {NULL, NULL, NULL, false},
};

#define DEVICE_OPTIONS                                                                                                 \
	{"owner", "USER", "whose device it is", false}, {"tag", "TAG", "a tag for policies; may come again", true},    \
	{                                                                                                              \
		"hub", "NAME", "the hub that it is attached to; otherwise the gateway's", false                        \
	}

#define COMMENT_OPTION                                                                                                 \
	{                                                                                                              \
		"comment", "TEXT", "why, for the history: one line", false                                             \
	}
#define BASED_ON_OPTION                                                                                                \
	{                                                                                                              \
		"based-on", "VERSION", "what it was made from: refused where another came after that", false           \
	}

const struct rn_command rn_commands[] = {
    {"gateway init", "", 0, 0, "make this host the gateway of a new network", rn_cmd_gateway_init,
     OPTIONS({"endpoint", "ADDRESS", "where other hosts reach this one (needed)", false},
	     {"ipv4", "PREFIX|none", "IPv4 range of the overlay; otherwise one that this host does not route", false},
	     {"ipv6", "PREFIX", "IPv6 range of the overlay; otherwise a random one of fd00::/8", false},
	     {"owner", "USER", "first user, owner of this host; otherwise admin", false},
	     {"name", "NAME", "of this host; otherwise its host name", false},
	     {"no-start", NULL, "do not start rnautd, even where systemd runs this host", false})},
    {"status", "", 0, 0, "what this host is and whether it enforces", rn_cmd_status, NONE},
    {"doctor", "", 0, 0, "examine this host: what is in the way, and what to do", rn_cmd_doctor, NONE},
    {"token create", "", 0, 0, "make a token, with which one device can join", rn_cmd_token_create,
     OPTIONS({"type", "TYPE",
	      "desktop, mobile, server, iot; or a hub: regional (also: hub), departmental, project (needed)", false},
	     {"name", "NAME", "the device's name; otherwise it takes its host name", false}, DEVICE_OPTIONS,
	     {"fallback", "NAME[,NAME]", "hubs that it goes to when its own does not answer; may come again", true},
	     {"parent", "NAME", "of a hub: the hub above it; otherwise the gateway", false},
	     {"ends", "WHEN", "of a project hub: 2027-03-31, 2027-03-31T18:00:00Z or 90d from now (needed)", false},
	     {"lifetime", "TIME", "90s, 30m, 12h or 7d; otherwise 1h", false},
	     {"out", "FILE", "write the token there, readable by you alone", false})},
    {"up", "[TOKEN]", 0, 1, "join a network with a token, or take the network up again", rn_cmd_up,
     OPTIONS({"token-file", "FILE", "read the token from there; - is standard input", false},
	     {"type", "TYPE", "desktop, mobile, server, iot or hub; otherwise what the token says", false},
	     {"name", "NAME", "of this host; otherwise what the token says, or its host name", false},
	     {"endpoint", "ADDRESS", "of a hub: where devices reach it", false},
	     {"no-start", NULL, "do not start rnautd, even where systemd runs this host", false})},
    {"down", "", 0, 0, "take the network down on this host: nothing passes", rn_cmd_down, NONE},
    {"devices", "[NAME]", 0, 1, "list the devices, or one", rn_cmd_devices, NONE},
    {"device move", "NAME", 1, 1, "give a device another hub, or others to go to; it keeps its addresses",
     rn_cmd_device_move,
     OPTIONS({"to", "HUB", "the hub that it goes to now and prefers", false},
	     {"fallback", "NAME[,NAME]", "hubs that it goes to when that does not answer; may come again", true},
	     {"no-fallback", NULL, "it has none", false})},
    {"hubs", "", 0, 0, "list the hubs", rn_cmd_hubs, NONE},
    {"policy get", "[VERSION]", 0, 1, "print the policy, or one that was in force", rn_cmd_policy_get, NONE},
    {"policy check", "FILE", 1, 1, "say whether a policy is good, and change nothing", rn_cmd_policy_check, NONE},
    {"policy import tailscale", "FILE", 1, 1,
     "print a Tailscale policy file as a policy of ours (exit 6: part of it is lost)", rn_cmd_policy_import_tailscale,
     OPTIONS({"domain", "DOMAIN", "whose users are called by what stands before the @", false},
	     {"out", "FILE", "write the policy there, a new file", false})},
    {"policy import networkpolicy", "FILE...", 1, RN_CLI_ARGUMENTS_MAX,
     "print Kubernetes NetworkPolicies as a policy of ours (exit 6: part of them is lost)",
     rn_cmd_policy_import_networkpolicy,
     OPTIONS({"namespace", "NAME", "of policies that name none; otherwise default", false},
	     {"out", "FILE", "write the policy there, a new file", false})},
    {"policy diff", "VERSION|draft:NAME|FILE [VERSION|draft:NAME|FILE]", 1, 2,
     "what one policy has that another has not; with one: against the policy in force", rn_cmd_policy_diff, NONE},
    {"policy set", "FILE", 1, 1, "put a policy into force; - is standard input", rn_cmd_policy_set,
     OPTIONS(COMMENT_OPTION, BASED_ON_OPTION)},
    {"policy rollback", "VERSION", 1, 1, "put an older policy into force again, as a new version",
     rn_cmd_policy_rollback, OPTIONS(COMMENT_OPTION, BASED_ON_OPTION)},
    {"policy history", "", 0, 0, "who put which policy into force, when and why", rn_cmd_policy_history,
     OPTIONS({"limit", "COUNT", "how many of the newest; otherwise 20", false},
	     {"before", "VERSION", "only those before this version", false})},
    {"policy draft", "[NAME [FILE]]", 0, 2, "list the drafts, print one, or store a file as one", rn_cmd_policy_draft,
     OPTIONS({"publish", NULL, "put the draft into force; it is deleted then", false},
	     {"delete", NULL, "delete the draft", false}, COMMENT_OPTION,
	     {"based-on", "VERSION", "what it was made from; otherwise the policy in force", false})},
    {"policy replay", "FILE", 1, 1, "say what a policy would have done to the flows that were recorded",
     rn_cmd_policy_replay, OPTIONS({"hours", "COUNT", "of how many hours; otherwise 24", false})},
    {"policy observed", "", 0, 0,
     "say what the rules that are only observed would have done to the flows that were recorded",
     rn_cmd_policy_observed, OPTIONS({"since", "TIME", "12h or 7d; otherwise 24h", false})},
    {"flows", "", 0, 0, "what was allowed and denied lately, and why", rn_cmd_flows,
     OPTIONS(
	 {"follow", NULL, "go on as it happens, until Ctrl-C", false},
	 {"limit", "COUNT", "how many of the latest; otherwise 20", false},
	 {"recorded", NULL, "those that the gateway recorded, equal ones of a minute as one; and only these:", false},
	 {"since", "TIME", "of the last 12h or 7d", false}, {"source", "NAME", "from this device", false},
	 {"destination", "NAME", "to this device", false}, {"owner", "USER", "from this user's devices", false},
	 {"hub", "NAME", "told by this hub", false}, {"rule", "ID", "that this rule decided", false},
	 {"observed", "ID", "that this observed rule would have decided", false},
	 {"verdict", "allow|deny", "allowed or denied", false}, {"protocol", "tcp|udp|icmp", "of this protocol", false},
	 {"port", "PORT", "to this port", false}, {"before", "SERIAL", "older than this row", false})},
    {"explain", "SOURCE DESTINATION [tcp|udp|icmp|icmp4|icmp6] [PORT]", 2, 4,
     "say what happens to a packet, and why (exit 5: denied)", rn_cmd_explain,
     OPTIONS({"at", "WHEN", "2027-03-31T18:00:00Z, or 90m from now; otherwise now", false})},
    {"export", "NAME", 1, 1, "add a stock WireGuard client and print its configuration", rn_cmd_export,
     OPTIONS({"type", "TYPE", "desktop, mobile, server or iot; otherwise mobile", false}, DEVICE_OPTIONS,
	     {"out", "FILE", "write the configuration there, readable by you alone", false},
	     {"qr", NULL, "draw a QR code on standard error, even where that is no terminal", false},
	     {"no-qr", NULL, "draw none", false})},
    {"quarantine", "NAME", 1, 1, "cut a device off from the next packet on", rn_cmd_quarantine,
     OPTIONS({"release", NULL, "let it back in", false})},
    {"revoke", "NAME", 1, 1, "cut a device off for ever", rn_cmd_revoke, NONE},
    {"trust", "NAME SCORE", 2, 2, "set a device's trust, 0 to 100", rn_cmd_trust, NONE},
    {"drops", "", 0, 0, "this host's packet counters by reason", rn_cmd_drops,
     OPTIONS({"all", NULL, "also the reasons that never occurred", false})},
    {"console", "", 0, 0, "a link with which somebody signs in to the console, once", rn_cmd_console,
     OPTIONS({"account", "NAME", "whose; otherwise admin", false},
	     {"role", "ROLE", "viewer, operator or admin: make the account, or change it", false})},
    {"api-token create", "", 0, 0, "make a token for a program that calls the API", rn_cmd_api_token_create,
     OPTIONS({"name", "NAME", "what calls, as the audit names it (needed)", false},
	     {"role", "ROLE", "viewer, operator or admin (needed)", false},
	     {"lifetime", "TIME", "12h or 365d; otherwise 90d", false})},
    {"api-token list", "", 0, 0, "list these tokens", rn_cmd_api_token_list, NONE},
    {"api-token revoke", "ID", 1, 1, "end one of them", rn_cmd_api_token_revoke, NONE},
    {"version", "", 0, 0, "print the version", rn_cmd_version, NONE},
    {"completion", "[WORD]...", 0, RN_CLI_ARGUMENTS_MAX, "print the completion script for bash", rn_cmd_completion,
     NONE},
    {"help", "[COMMAND]", 0, 3, "list the commands, or explain one", rn_cmd_help, NONE},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
