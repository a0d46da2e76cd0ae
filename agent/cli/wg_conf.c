/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wg_conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/crypto.h"
#include "cli/remote.h"
#include "domain/policy.h"

#define CONF_MAX 1024
#define PREFIXES_MAX 4

struct values {
	const char *name, *hub;
	char addresses[2 * RN_PREFIX_TEXT + 4], allowed[PREFIXES_MAX * (RN_PREFIX_TEXT + 2) + 1];
	char endpoint[RN_ENDPOINT_TEXT], public_key[64];
	int64_t mtu;
};

/* Appends ", " and the prefix; a full list is a broken answer. */
static int append_prefix(char *out, size_t size, const struct rn_prefix *prefix)
{
	size_t at = strlen(out);
	char text[RN_PREFIX_TEXT];
	int length = snprintf(out + at, size - at, "%s%s", at ? ", " : "", rn_prefix_format(prefix, text));

	return length < 0 || (size_t)length >= size - at ? -EBADMSG : 0;
}

static int add_address(const struct rn_json *device, const char *key, char *out, size_t size)
{
	const char *text = rn_remote_text(device, key);
	struct rn_prefix prefix = {.bits = 128};

	if (!*text)
		return 0;
	if (rn_addr_parse(text, &prefix.addr) < 0)
		return -EBADMSG;
	return append_prefix(out, size, &prefix);
}

static int add_allowed(const struct rn_json *network, char *out, size_t size)
{
	const struct rn_json *list = network ? rn_json_get(network, "prefixes") : NULL, *item;
	struct rn_prefix prefix;
	int code = list && rn_json_count(list) <= PREFIXES_MAX ? 0 : -EBADMSG;

	for (item = code ? NULL : rn_json_first(list); item && code == 0; item = rn_json_next(item))
		code = rn_json_type(item) == RN_JSON_STRING && rn_prefix_parse(rn_json_text(item), &prefix) == 0
			   ? append_prefix(out, size, &prefix)
			   : -EBADMSG;
	return code;
}

static int read_hub(const struct rn_json *hub, struct values *v)
{
	struct rn_endpoint endpoint;
	uint8_t key[RN_KEY_SIZE];
	size_t size;

	if (rn_base64_decode(rn_remote_text(hub, "wireguard_public_key"), key, sizeof(key), &size) < 0 ||
	    size != RN_KEY_SIZE || rn_endpoint_parse(rn_remote_text(hub, "wireguard_endpoint"), &endpoint) < 0)
		return -EBADMSG;
	rn_base64(key, sizeof(key), v->public_key, sizeof(v->public_key));
	rn_endpoint_format(&endpoint, v->endpoint);
	return 0;
}

static int read_values(const struct rn_json *answer, struct values *v)
{
	const struct rn_json *device = rn_json_get(answer, "device"), *hub = rn_json_get(answer, "hub");
	const struct rn_json *network = rn_json_get(answer, "network");

	memset(v, 0, sizeof(*v));
	v->name = rn_remote_text(device, "client_id");
	v->hub = rn_remote_text(hub, "client_id");
	v->mtu = rn_remote_int(network, "mtu");
	if (!rn_name_valid(v->name) || !rn_name_valid(v->hub) || v->mtu < 1280 || v->mtu > 65535)
		return -EBADMSG;
	if (add_address(device, "virtual_ip", v->addresses, sizeof(v->addresses)) < 0 ||
	    add_address(device, "virtual_ipv4", v->addresses, sizeof(v->addresses)) < 0 ||
	    add_allowed(network, v->allowed, sizeof(v->allowed)) < 0)
		return -EBADMSG;
	return v->addresses[0] && v->allowed[0] ? read_hub(hub, v) : -EBADMSG;
}

char *rn_wg_conf(const struct rn_json *answer, const char *private_key, struct rn_err *err)
{
	char *text = malloc(CONF_MAX);
	struct values v;
	int length;

	if (!text || read_values(answer, &v) < 0) {
		rn_fail(err, -EBADMSG,
			text ? "rnautd core's answer lacks what a configuration needs" : "out of memory");
		free(text);
		return NULL;
	}
	length = snprintf(text, CONF_MAX,
			  "# %s, through %s\n"
			  "[Interface]\n"
			  "PrivateKey = %s\n"
			  "Address = %s\n"
			  "MTU = %" PRId64 "\n"
			  "\n"
			  "[Peer]\n"
			  "PublicKey = %s\n"
			  "Endpoint = %s\n"
			  "AllowedIPs = %s\n"
			  "PersistentKeepalive = 25\n",
			  v.name, v.hub, private_key, v.addresses, v.mtu, v.public_key, v.endpoint, v.allowed);
	if (length > 0 && length < CONF_MAX)
		return text;
	rn_wipe(text, CONF_MAX);
	free(text);
	rn_fail(err, -EMSGSIZE, "the configuration is too long");
	return NULL;
}
