/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"

static int protocol_number(const char *name, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			*ret = protocols[i].number;
			return 0;
		}
	return -EINVAL;
}

static void answer(struct rn_api_call *call, const struct rn_core_explanation *e)
{
	struct rn_json *root = rn_json_object();

	rn_json_add_text(root, "verdict", e->policy.reason == RN_ALLOWED ? "allow" : "deny");
	rn_json_add_int(root, "reason_number", e->policy.reason);
	rn_json_add_text(root, "reason", rn_api_reason_name(e->policy.reason));
	rn_json_add_text(root, "text", rn_api_reason_text(e->policy.reason));
	rn_json_add_text(root, "rule", e->rule[0] ? e->rule : NULL);
	rn_json_add_text(root, "nearest_rule", e->nearest[0] ? e->nearest : NULL);
	rn_json_add_u64(root, "policy_version", e->policy_version);
	rn_json_add_text(root, "hub", e->hub[0] ? e->hub : NULL);
	rn_json_add_text(root, "destination_hub", e->destination_hub[0] ? e->destination_hub : NULL);
	rn_json_add(root, "source", rn_api_device_json(&e->source));
	rn_json_add(root, "destination", rn_api_device_json(&e->destination));
	rn_api_answer(call, 200, root);
}

/* Ports belong to TCP and UDP, and there they are needed. */
static int check(struct rn_api_call *call, const char *protocol, int64_t port, uint8_t *ret)
{
	if (protocol_number(protocol, ret) < 0)
		rn_api_refuse(call, 400, "invalid", "\"protocol\" must be tcp, udp or icmp");
	else if (*ret == IPPROTO_ICMP && port >= 0)
		rn_api_refuse(call, 400, "invalid", "icmp has no \"port\"");
	else if (*ret != IPPROTO_ICMP && port < 0)
		rn_api_refuse(call, 400, "invalid", "\"port\" is needed for %s", protocol);
	else
		return 0;
	return -EINVAL;
}

void rn_api_explain(struct rn_api_call *call)
{
	struct rn_core_explanation *e;
	const char *source, *destination, *protocol = "icmp";
	struct rn_err err = {""};
	uint8_t number = 0;
	int64_t port = -1;
	int code;

	if (rn_api_need_text(call, "source", &source) < 0 || rn_api_need_text(call, "destination", &destination) < 0 ||
	    rn_api_text(call, "protocol", &protocol) < 0 || rn_api_int(call, "port", 0, 65535, &port) < 0 ||
	    check(call, protocol, port, &number) < 0)
		return;
	e = calloc(1, sizeof(*e));
	code = e ? rn_core_explain(call->core, source, destination, number, port < 0 ? 0 : (uint16_t)port, e, &err)
		 : -ENOMEM;
	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		answer(call, e);
	free(e);
}
