/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

static void append(void *context, const struct rn_core_hub *hub)
{
	const struct rn_device_record *record = &hub->record;
	struct rn_json *root = rn_json_object();

	rn_json_add_u64(root, "hub_id", record->number);
	rn_json_add_text(root, "hub_name", record->name);
	rn_json_add_text(root, "hub_type", rn_kind_name(record->kind));
	rn_json_add_text(root, "parent_hub", hub->parent_name[0] ? hub->parent_name : NULL);
	rn_api_add_time(root, "ends", (int64_t)record->ends);
	rn_json_add_bool(root, "connected", hub->connected);
	rn_json_add_u64(root, "devices", hub->devices);
	rn_json_add_u64(root, "devices_connected", hub->devices_connected);
	rn_api_add_endpoint(root, "wireguard_endpoint", &record->wireguard);
	rn_api_add_endpoint(root, "control_endpoint", &record->control);
	rn_api_add_endpoint(root, "mesh_endpoint", &record->mesh);
	if (hub->applied_known)
		rn_json_add_u64(root, "applied_version", hub->applied);
	else
		rn_json_add_text(root, "applied_version", NULL);
	rn_json_add_bool(root, "policy_behind", hub->policy_behind);
	rn_api_add_address(root, "virtual_ip", &record->ipv6);
	rn_api_add_address(root, "virtual_ipv4", &record->ipv4);
	rn_json_append(context, root);
}

void rn_api_hubs(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "hubs", list, rn_core_hubs(call->core, append, list, &err), &err);
}
