/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "api/resources.h"
#include "api/settings.h"
#include "domain/name.h"

/* A device's interface as the seed's VirtualNetworkAdapter. */

#define STATE "/var/lib/rnaut/state/" /* on the device, unless its rnaut.conf says otherwise */
#define KEEPALIVE_S 25
#define MTU_DEFAULT 1372

static const struct rn_api_setting settings[] = {
    {"adapter_id", "a device keeps its number"},
    {"adapter_name", "a device keeps its name, which its certificate has"},
    {"client_type", "a device keeps its type: enrol it anew with a token of the other"},
    {"virtual_ip", "addresses are allotted, and a device keeps its own"},
    {"virtual_ipv4", "addresses are allotted, and a device keeps its own"},
    {"subnet_mask", "the ranges are the network's, chosen at gateway init"},
    {"gateway", "it is the address of the device's hub"},
    {"dns_servers", "rnaut sets no resolvers yet"},
    {"target_hub", NULL},
    {"fallback_hubs", NULL},
    {"auto_connect", "rnautd always connects when its host starts; `rnaut down` on the device takes it down"},
    {"reconnect_on_failure", "rnautd always connects again"},
    {"certificate_path", "it is where the device's rnautd keeps it: \"state_dir\" of its rnaut.conf"},
    {"key_path", "it is where the device's rnautd keeps it: \"state_dir\" of its rnaut.conf"},
    {"trusted_cas", "a device trusts the root that its token named, and no other"},
    {"mtu", "it is set on the device: \"mtu\" of its rnaut.conf"},
    {"keep_alive_interval", "it is fixed: NAT forgets idle UDP after 30 s"},
    {"compression_level", "nothing is compressed: what tunnels carry is encrypted"},
};

static void add_mask(struct rn_json *root, const struct rn_network *network)
{
	unsigned bits = network->ipv4.bits >= 96 ? network->ipv4.bits - 96 : 0;
	struct in_addr mask = {bits ? htonl(0xffffffffu << (32 - bits)) : 0};
	char text[INET_ADDRSTRLEN];

	rn_json_add_text(root, "subnet_mask", bits ? inet_ntop(AF_INET, &mask, text, sizeof(text)) : NULL);
}

/* Where rnautd keeps what proves the device; a stock client has nothing of the kind. */
static void add_files(struct rn_json *root, bool managed)
{
	struct rn_json *cas = rn_json_array();

	rn_json_add_text(root, "certificate_path", managed ? STATE "net/leaf.der" : NULL);
	rn_json_add_text(root, "key_path", managed ? STATE "net/noise.key" : NULL);
	if (managed)
		rn_json_append_text(cas, STATE "anchor");
	rn_json_add(root, "trusted_cas", cas);
}

/* The target is the hub that it prefers; the one where it is now may be another of the list. */
static void add_homes(struct rn_core *core, struct rn_json *root, const struct rn_core_device *device)
{
	struct rn_json *fallbacks = rn_json_array();
	struct rn_core_hub hub;
	bool there = device->home_count && rn_core_hub(core, device->homes[0], &hub, NULL) == 0;

	rn_json_add_text(root, "target_hub", there ? device->homes[0] : NULL);
	for (unsigned i = 1; i < device->home_count; i++)
		rn_json_append_text(fallbacks, device->homes[i]);
	rn_json_add(root, "fallback_hubs", fallbacks);
}

static int set(void *context, struct rn_api_call *call, const char *path, const struct rn_json *value)
{
	struct rn_core_homes *change = context;

	if (strcmp(path, "fallback_hubs") == 0) {
		change->fallbacks_given = true;
		return rn_api_hub_list(call, path, value, change->fallbacks, &change->fallback_count);
	}
	if (rn_json_type(value) == RN_JSON_STRING && rn_name_valid(rn_json_text(value))) {
		change->target = rn_json_text(value);
		return 0;
	}
	rn_api_refuse(call, 400, "invalid", "\"target_hub\" must be the name of a hub");
	return -EINVAL;
}

static struct rn_json *adapter_json(struct rn_core *core, const struct rn_core_device *device)
{
	bool managed = device->record.flags & RN_DEVICE_MANAGED;
	struct rn_json *root = rn_json_object();
	struct rn_core_hub hub;
	struct rn_core_status s;

	memset(&s, 0, sizeof(s));
	rn_core_status(core, &s);
	rn_json_add_u64(root, "adapter_id", device->record.number);
	rn_json_add_text(root, "adapter_name", device->record.name);
	rn_json_add_text(root, "client_type", rn_kind_name(device->record.kind));
	rn_api_add_address(root, "virtual_ip", &device->record.ipv6);
	rn_api_add_address(root, "virtual_ipv4", &device->record.ipv4);
	add_mask(root, &s.network);
	if (rn_core_hub(core, device->hub_name, &hub, NULL) == 0)
		rn_api_add_address(root, "gateway", &hub.record.ipv6);
	else
		rn_json_add_text(root, "gateway", NULL);
	rn_json_add(root, "dns_servers", rn_json_array());
	add_homes(core, root, device);
	rn_json_add_bool(root, "auto_connect", managed);
	rn_json_add_bool(root, "reconnect_on_failure", true);
	add_files(root, managed);
	rn_json_add_u64(root, "mtu", s.kern.mtu ? s.kern.mtu : MTU_DEFAULT);
	rn_json_add_int(root, "keep_alive_interval", KEEPALIVE_S);
	rn_json_add_int(root, "compression_level", 0);
	return root;
}

/* NULL: the call has been answered. */
static struct rn_json *current(struct rn_api_call *call)
{
	struct rn_core_device device;
	struct rn_err err = {""};
	int code;

	memset(&device, 0, sizeof(device));
	code = rn_core_device(call->core, call->name, &device, &err);
	if (code == 0 && !rn_kind_is_hub(device.record.kind))
		return adapter_json(call->core, &device);
	if (code == 0)
		rn_api_refuse(call, 404, "not_found", "%s is a hub: GET /api/v1/hubs/%s", call->name, call->name);
	else
		rn_api_fail(call, code, &err);
	return NULL;
}

void rn_api_adapter_get(struct rn_api_call *call)
{
	struct rn_json *root = current(call);

	if (root)
		rn_api_answer(call, 200, root);
}

void rn_api_adapter_configure(struct rn_api_call *call)
{
	struct rn_core_homes change = {0};
	const struct rn_api_settings all = {settings, sizeof(settings) / sizeof(settings[0]), &change, set};

	if (rn_api_settings(call, current(call), &all) == 0)
		rn_core_device_homes(call->core, call->name, &change, rn_api_done, call);
}
