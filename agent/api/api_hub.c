/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "api/resources.h"
#include "api/settings.h"
#include "base/moment.h"
#include "domain/name.h"

/* One hub as the seed's HubConfiguration. */

#define POLICY "the network's policy says what may pass, for all hubs: PUT /api/v1/policy"

static const struct rn_api_setting settings[] = {
    {"parent_hub", NULL},
    {"ends", NULL},
    {"hub_id", "a hub keeps its number"},
    {"hub_name", "a hub keeps its name, which its certificate has"},
    {"hub_type", "a hub keeps its type: enrol it anew with a token of the other"},
    {"network_config.subnet", "the ranges are the network's, chosen at gateway init, and the same at every hub"},
    {"network_config.subnet_ipv4", "the ranges are the network's, chosen at gateway init, and the same at every hub"},
    {"network_config.dns_servers", "hubs hand out no resolvers yet"},
    {"network_config.allowed_traffic", POLICY},
    {"network_config.routing_rules", "hubs route by the devices' records alone; other routes are not carried yet"},
    {"security_config.require_mtls", "devices and hubs always prove themselves to each other by certificates"},
    {"security_config.certificate_validation", "certificates are always checked in full, against one issuer"},
    {"security_config.allowed_client_types", "every hub takes every type; a token says which type may join"},
    {"security_config.access_policies", POLICY},
    {"performance_config.max_bandwidth", "there is no shaping yet"},
    {"performance_config.latency_threshold", "paths are not chosen by latency yet"},
    {"performance_config.compression_enabled", "nothing is compressed: what tunnels carry is encrypted"},
    {"performance_config.caching_enabled", "hubs keep nothing of what passes"},
};

static struct rn_json *network_json(struct rn_core *core)
{
	struct rn_json *network = rn_json_object();
	struct rn_core_status s;
	char text[RN_PREFIX_TEXT];

	memset(&s, 0, sizeof(s));
	rn_core_status(core, &s);
	rn_json_add_text(network, "subnet", rn_prefix_format(&s.network.ipv6, text));
	rn_json_add_text(network, "subnet_ipv4", s.network.ipv4.bits ? rn_prefix_format(&s.network.ipv4, text) : NULL);
	rn_json_add(network, "dns_servers", rn_json_array());
	rn_json_add(network, "allowed_traffic", rn_json_array());
	rn_json_add(network, "routing_rules", rn_json_array());
	return network;
}

static struct rn_json *security_json(void)
{
	struct rn_json *security = rn_json_object(), *types = rn_json_array();

	rn_json_add_bool(security, "require_mtls", true);
	rn_json_add_text(security, "certificate_validation", "strict");
	for (enum rn_kind kind = RN_KIND_DESKTOP; kind <= RN_KIND_IOT; kind++)
		rn_json_append_text(types, rn_kind_name(kind));
	rn_json_add(security, "allowed_client_types", types);
	rn_json_add(security, "access_policies", rn_json_array());
	return security;
}

static struct rn_json *hub_json(struct rn_core *core, const struct rn_core_hub *hub)
{
	struct rn_json *root = rn_json_object(), *performance = rn_json_object();

	rn_json_add_u64(root, "hub_id", hub->record.number);
	rn_json_add_text(root, "hub_name", hub->record.name);
	rn_json_add_text(root, "hub_type", rn_kind_name(hub->record.kind));
	rn_json_add_text(root, "parent_hub", hub->parent_name[0] ? hub->parent_name : NULL);
	rn_api_add_time(root, "ends", (int64_t)hub->record.ends);
	rn_json_add(root, "network_config", network_json(core));
	rn_json_add(root, "security_config", security_json());
	rn_json_add_int(performance, "max_bandwidth", 0);
	rn_json_add_int(performance, "latency_threshold", 0);
	rn_json_add_bool(performance, "compression_enabled", false);
	rn_json_add_bool(performance, "caching_enabled", false);
	rn_json_add(root, "performance_config", performance);
	return root;
}

/* NULL: the call has been answered. */
static struct rn_json *current(struct rn_api_call *call)
{
	struct rn_err err = {""};
	struct rn_core_hub hub;
	int code = rn_core_hub(call->core, call->name, &hub, &err);

	if (code == 0)
		return hub_json(call->core, &hub);
	rn_api_fail(call, code, &err);
	return NULL;
}

void rn_api_hub_get(struct rn_api_call *call)
{
	struct rn_json *root = current(call);

	if (root)
		rn_api_answer(call, 200, root);
}

static int set(void *context, struct rn_api_call *call, const char *path, const struct rn_json *value)
{
	bool text = rn_json_type(value) == RN_JSON_STRING, parent = strcmp(path, "parent_hub") == 0;
	struct rn_core_hub_change *change = context;

	if (parent && text && rn_name_valid(rn_json_text(value))) {
		change->parent = rn_json_text(value);
		return 0;
	}
	if (!parent && text && strlen(rn_json_text(value)) > 10 &&
	    rn_moment_parse(rn_json_text(value), &change->ends) == 0)
		return 0;
	rn_api_refuse(call, 400, "invalid",
		      parent ? "\"parent_hub\" must be the name of a hub"
			     : "\"ends\" must be a time like 2027-03-31T18:00:00Z");
	return -EINVAL;
}

void rn_api_hub_configure(struct rn_api_call *call)
{
	struct rn_core_hub_change change = {0};
	const struct rn_api_settings all = {settings, sizeof(settings) / sizeof(settings[0]), &change, set};

	if (rn_api_settings(call, current(call), &all) == 0)
		rn_core_hub_configure(call->core, call->name, &change, rn_api_done, call);
}
