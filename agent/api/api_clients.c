/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"

/* Adding a stock WireGuard client: the answer has all that its configuration needs but the private key. */

#define MTU_DEFAULT 1372

static struct rn_json *network_json(struct rn_core *core)
{
	struct rn_json *network = rn_json_object(), *prefixes = rn_json_array();
	struct rn_core_status s;
	char text[RN_PREFIX_TEXT];

	memset(&s, 0, sizeof(s));
	rn_core_status(core, &s);
	if (s.network.ipv6.bits)
		rn_json_append_text(prefixes, rn_prefix_format(&s.network.ipv6, text));
	if (s.network.ipv4.bits)
		rn_json_append_text(prefixes, rn_prefix_format(&s.network.ipv4, text));
	rn_json_add(network, "prefixes", prefixes);
	rn_json_add_u64(network, "mtu", s.kern.mtu ? s.kern.mtu : MTU_DEFAULT);
	return network;
}

/* The device as stored, its hub's device, the network. NULL: err. */
static struct rn_json *added_json(struct rn_api_call *call, const char *name, int *ret_code, struct rn_err *err)
{
	struct rn_core_device device, hub;
	struct rn_json *root;

	memset(&device, 0, sizeof(device));
	memset(&hub, 0, sizeof(hub));
	*ret_code = rn_core_device(call->core, name, &device, err);
	if (*ret_code == 0)
		*ret_code = rn_core_device(call->core, device.hub_name, &hub, err);
	if (*ret_code < 0)
		return NULL;
	root = rn_json_object();
	rn_json_add(root, "device", rn_api_device_json(&device));
	rn_json_add(root, "hub", rn_api_device_json(&hub));
	rn_json_add(root, "network", network_json(call->core));
	return root;
}

static void added(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count)
{
	struct rn_api_call *call = context;
	struct rn_json *root = NULL, *enforced;
	struct rn_err why = {""};

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	/* hubs belongs to core until its next call. */
	enforced = rn_api_enforced(hubs, hub_count);
	root = added_json(call, rn_json_text(rn_json_get(call->body, "name")), &code, &why);
	if (!root) {
		rn_json_free(enforced);
		rn_api_fail(call, code, &why);
		return;
	}
	rn_json_add(root, "enforced", enforced);
	rn_api_answer(call, 201, root);
}

static int need_key(struct rn_api_call *call, uint8_t ret[RN_KEY_SIZE])
{
	const char *text;
	size_t size;

	if (rn_api_need_text(call, "wireguard_public_key", &text) < 0)
		return -EINVAL;
	if (rn_base64_decode(text, ret, RN_KEY_SIZE, &size) == 0 && size == RN_KEY_SIZE &&
	    !rn_is_zero(ret, RN_KEY_SIZE))
		return 0;
	rn_api_refuse(call, 400, "invalid",
		      "\"wireguard_public_key\" must be 32 bytes in base64, as wg pubkey prints them");
	return -EINVAL;
}

void rn_api_devices_add(struct rn_api_call *call)
{
	struct rn_core_token_request request;
	uint8_t key[RN_KEY_SIZE];

	if (rn_api_device_request(call, &request) < 0 || need_key(call, key) < 0)
		return;
	if (!request.name[0])
		rn_api_refuse(call, 400, "invalid", "the field \"name\" is missing");
	else
		rn_core_device_add(call->core, &request, key, added, call);
}
