/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "service/core_explain.h"

static bool is_v4(const char *text)
{
	struct rn_addr address;

	return rn_addr_parse(text, &address) == 0 && rn_addr_is_v4(&address);
}

/* icmp alone is that of the addresses asked about; a device that is named has an IPv6 address in any case. */
static int protocol_number(const char *name, const char *source, const char *destination, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = {{"tcp", IPPROTO_TCP},
			 {"udp", IPPROTO_UDP},
			 {"icmp", IPPROTO_ICMPV6},
			 {"icmp4", IPPROTO_ICMP},
			 {"icmp6", IPPROTO_ICMPV6}};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			bool v4 = strcmp(name, "icmp") == 0 && (is_v4(source) || is_v4(destination));

			*ret = v4 ? IPPROTO_ICMP : protocols[i].number;
			return 0;
		}
	return -EINVAL;
}

/* What was asked of a rule, and whether it was met. */
static struct rn_json *conditions(struct rn_core *core, const struct rn_rule_state *state)
{
	char words[RN_CONDITION_WORDS];
	struct rn_json *list = rn_json_array();

	for (unsigned i = 0; state->rule && i < RN_CONDITIONS; i++) {
		struct rn_json *condition;

		if (state->conditions[i] == RN_NOT_ASKED)
			continue;
		condition = rn_json_object();
		rn_json_add_text(condition, "condition", rn_condition_name((enum rn_condition)i));
		rn_json_add_bool(condition, "met", state->conditions[i] == RN_MET);
		rn_core_condition_words(core, state->rule, (enum rn_condition)i, words);
		rn_json_add_text(condition, "asked", *words ? words : NULL);
		rn_json_append(list, condition);
	}
	return list;
}

static void answer(struct rn_api_call *call, const struct rn_core_explanation *e, int64_t at)
{
	bool ends = e->policy.until > at && e->policy.until != INT64_MAX;

	struct rn_json *root = rn_json_object();

	rn_api_add_time(root, "at", at);
	rn_api_add_time(root, "until", ends ? e->policy.until : 0);
	rn_json_add_text(root, "verdict", e->policy.reason == RN_ALLOWED ? "allow" : "deny");
	rn_json_add_int(root, "reason_number", e->policy.reason);
	rn_json_add_text(root, "reason", rn_api_reason_name(e->policy.reason));
	rn_json_add_text(root, "text", rn_api_reason_text(e->policy.reason));
	rn_json_add_text(root, "rule", e->rule[0] ? e->rule : NULL);
	rn_json_add(root, "conditions", conditions(call->core, &e->deciding));
	rn_json_add_text(root, "nearest_rule", e->nearest[0] ? e->nearest : NULL);
	rn_json_add(root, "nearest_conditions", conditions(call->core, &e->near));
	rn_json_add_text(root, "observed_rule", e->observed[0] ? e->observed : NULL);
	rn_json_add_bool(root, "log", e->policy.log);
	rn_json_add_u64(root, "policy_version", e->policy_version);
	rn_json_add_text(root, "hub", e->hub[0] ? e->hub : NULL);
	rn_json_add_text(root, "destination_hub", e->destination_hub[0] ? e->destination_hub : NULL);
	rn_json_add(root, "source", rn_api_device_json(&e->source));
	rn_json_add(root, "destination", rn_api_device_json(&e->destination));
	rn_api_answer(call, 200, root);
}

/* Ports belong to TCP and UDP, and there they are needed. */
static int check(struct rn_api_call *call, const char *protocol, int64_t port, uint8_t number)
{
	bool ported = number == IPPROTO_TCP || number == IPPROTO_UDP;

	if (!ported && port >= 0)
		rn_api_refuse(call, 400, "invalid", "icmp has no \"port\"");
	else if (ported && port < 0)
		rn_api_refuse(call, 400, "invalid", "\"port\" is needed for %s", protocol);
	else
		return 0;
	return -EINVAL;
}

static void explain(struct rn_api_call *call, const char *source, const char *destination, uint8_t protocol,
		    int64_t port, int64_t at)
{
	struct rn_core_explanation *e = calloc(1, sizeof(*e));
	uint16_t number = port < 0 ? 0 : (uint16_t)port;
	struct rn_err err = {""};
	int code = e ? rn_core_explain_at(call->core, source, destination, protocol, number, at, e, &err) : -ENOMEM;

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		answer(call, e, at);
	free(e);
}

void rn_api_explain(struct rn_api_call *call)
{
	const char *source, *destination, *protocol = "icmp";
	int64_t port = -1, at = rn_core_time(call->core);
	uint8_t number = 0;

	if (rn_api_need_text(call, "source", &source) < 0 || rn_api_need_text(call, "destination", &destination) < 0 ||
	    rn_api_text(call, "protocol", &protocol) < 0 || rn_api_int(call, "port", 0, 65535, &port) < 0 ||
	    rn_api_moment(call, "at", &at) < 0)
		return;
	if (protocol_number(protocol, source, destination, &number) < 0)
		rn_api_refuse(call, 400, "invalid", "\"protocol\" must be tcp, udp, icmp, icmp4 or icmp6");
	else if (check(call, protocol, port, number) == 0)
		explain(call, source, destination, number, port, at);
}
