/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"

void rn_api_add_kind(struct rn_json *object, enum rn_kind kind)
{
	bool hub = rn_kind_is_hub(kind);

	rn_json_add_text(object, "client_type", hub ? NULL : rn_kind_name(kind));
	rn_json_add_text(object, "hub_type", hub ? rn_kind_name(kind) : NULL);
}

void rn_api_add_hub_gone(struct rn_json *object, enum rn_hub_gone gone)
{
	static const char *const words[] = {
	    [RN_HUB_THERE] = NULL, [RN_HUB_REVOKED] = "revoked", [RN_HUB_ENDED] = "ended"};

	rn_json_add_text(object, "hub_gone", words[gone]);
}

void rn_api_add_address(struct rn_json *object, const char *key, const struct rn_addr *addr)
{
	char text[RN_ADDR_TEXT];

	rn_json_add_text(object, key, rn_addr_is_zero(addr) ? NULL : rn_addr_format(addr, text));
}

static void add_key(struct rn_json *object, const char *name, const uint8_t key[RN_KEY_SIZE])
{
	char text[64];

	rn_base64(key, RN_KEY_SIZE, text, sizeof(text));
	rn_json_add_text(object, name, rn_is_zero(key, RN_KEY_SIZE) ? NULL : text);
}

void rn_api_add_endpoint(struct rn_json *object, const char *key, const struct rn_endpoint *endpoint)
{
	char text[RN_ENDPOINT_TEXT];

	rn_json_add_text(object, key, rn_addr_is_zero(&endpoint->addr) ? NULL : rn_endpoint_format(endpoint, text));
}

static struct rn_json *security_json(const struct rn_device_record *record)
{
	struct rn_json *security = rn_json_object();

	rn_json_add_text(security, "user_identity", record->owner_name[0] ? record->owner_name : NULL);
	rn_json_add_int(security, "trust_score", record->trust);
	rn_json_add_bool(security, "quarantined", record->flags & RN_DEVICE_QUARANTINED);
	rn_json_add_bool(security, "revoked", record->flags & RN_DEVICE_REVOKED);
	return security;
}

struct rn_json *rn_api_device_json(const struct rn_core_device *device)
{
	const struct rn_device_record *record = &device->record;
	struct rn_json *root = rn_json_object(), *tags = rn_json_array(), *bandwidth = rn_json_object();

	rn_json_add_text(root, "client_id", record->name);
	rn_json_add_u64(root, "number", record->number);
	rn_api_add_kind(root, record->kind);
	rn_api_add_address(root, "virtual_ip", &record->ipv6);
	rn_api_add_address(root, "virtual_ipv4", &record->ipv4);
	rn_json_add_text(root, "hub", device->hub_name[0] ? device->hub_name : NULL);
	rn_api_add_hub_gone(root, device->hub_gone);
	for (unsigned i = 0; i < device->tag_count; i++)
		rn_json_append_text(tags, device->tags[i]);
	rn_json_add(root, "tags", tags);
	rn_json_add(root, "security_context", security_json(record));
	rn_json_add_u64(root, "identity", record->identity);
	rn_json_add_bool(root, "managed", record->flags & RN_DEVICE_MANAGED);
	rn_json_add_bool(root, "connected", device->control_connected);
	rn_json_add_bool(root, "policy_refused", device->policy_refused);
	rn_api_add_time(root, "created", device->created);
	rn_api_add_time(root, "last_seen", device->last_handshake);
	rn_json_add_u64(bandwidth, "received", device->received);
	rn_json_add_u64(bandwidth, "sent", device->sent);
	rn_json_add(root, "bandwidth_stats", bandwidth);
	add_key(root, "wireguard_public_key", record->wireguard_key);
	rn_api_add_endpoint(root, "wireguard_endpoint", &record->wireguard);
	return root;
}

static void append(void *context, const struct rn_core_device *device)
{
	rn_json_append(context, rn_api_device_json(device));
}

void rn_api_devices_list(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	uint64_t after = 0, limit = RN_DEVICES_MAX;
	struct rn_err err = {""};

	if (rn_api_query_u64(call, "after", 0, UINT32_MAX, &after) == 0 &&
	    rn_api_query_u64(call, "limit", 1, RN_DEVICES_MAX, &limit) == 0)
		rn_api_answer_list(call, "devices", list,
				   rn_core_devices(call->core, (uint32_t)after, (unsigned)limit, append, list, &err),
				   &err);
	else
		rn_json_free(list);
}

void rn_api_device_get(struct rn_api_call *call)
{
	struct rn_core_device device;
	struct rn_err err = {""};
	int code;

	memset(&device, 0, sizeof(device));
	code = rn_core_device(call->core, call->name, &device, &err);
	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer(call, 200, rn_api_device_json(&device));
}

void rn_api_device_quarantine(struct rn_api_call *call)
{
	bool on;

	if (rn_api_need_bool(call, "on", &on) == 0)
		rn_core_quarantine(call->core, call->name, on, rn_api_done, call);
}

void rn_api_device_trust(struct rn_api_call *call)
{
	int64_t trust;

	if (rn_api_need_int(call, "trust_score", 0, RN_TRUST_MAX, &trust) == 0)
		rn_core_trust(call->core, call->name, (uint8_t)trust, rn_api_done, call);
}

void rn_api_device_revoke(struct rn_api_call *call)
{
	rn_core_revoke(call->core, call->name, rn_api_done, call);
}
