/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/conf.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "sys/files.h"
#include "sys/flow_store.h"

#define CONF_SIZE_MAX 65536u
#define UNDERLAY_MTU 1500
#define WIREGUARD_OVERHEAD 80
#define MESH_OVERHEAD 48
#define MTU_MIN 1280 /* RFC 8200 section 5 */
#define MTU_MAX 9000
#define FLOW_ROWS_MIN 10000u
#define FLOW_DAYS_MAX 366

static const char *const known[] = {
    "state_dir",	   "run_dir",	  "bpf_dir",   "interface", "mesh_interface", "wireguard_port", "control_port",
    "mesh_port",	   "mtu",	  "wireguard", "log_level", "console_listen", "console_local",	"console_tls",
    "console_certificate", "console_key", "flow_rows", "flow_days", NULL};

static void set_defaults(struct rn_conf *conf)
{
	*conf = (struct rn_conf){
	    .state_dir = "/var/lib/rnaut",
	    .run_dir = "/run/rnaut",
	    .bpf_dir = "/sys/fs/bpf/rnaut",
	    .interface = "rn0",
	    .wireguard_port = 51820,
	    .control_port = 51821,
	    .mesh_interface = "rnm0",
	    .mesh_port = 51822,
	    .mtu = UNDERLAY_MTU - WIREGUARD_OVERHEAD - MESH_OVERHEAD,
	    .wireguard = "auto",
	    .console_listen = {true, {.port = 8443}},
	    .console_local = {true, {rn_addr_from_v4(INADDR_LOOPBACK), 8080}},
	    .flow_rows = RN_FLOW_ROWS_MAX,
	    .flow_days = 7,
	    .log_level = RN_LOG_INFO,
	};
}

/* An optional text member: 1 where it is there, 0 where not. */
static int get_text(const struct rn_json *root, const char *key, const char **ret, struct rn_err *err)
{
	int r = rn_json_get_text(root, key, ret, err);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int get_directory(const struct rn_json *root, const char *key, char *out, size_t size, struct rn_err *err)
{
	const char *text;
	int r = get_text(root, key, &text, err);

	if (r <= 0)
		return r;
	if (text[0] != '/' || strlen(text) >= size || strstr(text, "/../"))
		return rn_json_fail(rn_json_get(root, key), err, "%s must be an absolute path of at most %zu bytes",
				    key, size - 1);
	snprintf(out, size, "%s", text);
	return 0;
}

static bool interface_valid(const char *name)
{
	if (!*name || strlen(name) > 15 || !isalnum((unsigned char)*name))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	}
	return true;
}

static int get_interface(const struct rn_json *root, const char *key, char out[16], struct rn_err *err)
{
	const char *text;
	int r = get_text(root, key, &text, err);

	if (r <= 0)
		return r;
	if (!interface_valid(text))
		return rn_json_fail(rn_json_get(root, key), err,
				    "%s must be 1 to 15 letters, digits, '-', '_' or '.', like rn0", key);
	snprintf(out, 16, "%s", text);
	return 0;
}

static int get_port(const struct rn_json *root, const char *key, uint16_t *port, struct rn_err *err)
{
	int64_t value;
	int r = rn_json_get_int(root, key, 1, 65535, &value, err);

	if (r == 0)
		*port = value;
	return r == -ENOENT ? 0 : r;
}

static int get_mtu(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const struct rn_json *node = rn_json_get(root, "mtu");
	int64_t value = 0;
	int r;

	if (node && rn_json_type(node) == RN_JSON_STRING && strcmp(rn_json_text(node), "auto") == 0)
		return 0;
	r = rn_json_get_int(root, "mtu", 0, MTU_MAX, &value, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (value != 0 && value < MTU_MIN)
		return rn_json_fail(node, err, "mtu must be \"auto\" or %d to %d", MTU_MIN, MTU_MAX);
	if (value != 0)
		conf->mtu = value;
	return 0;
}

static int get_wireguard(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const char *text;
	int r = get_text(root, "wireguard", &text, err);

	if (r <= 0)
		return r;
	if (strcmp(text, "auto") != 0 && strcmp(text, "kernel") != 0 && strcmp(text, "userspace") != 0)
		return rn_json_fail(rn_json_get(root, "wireguard"), err,
				    "wireguard must be \"auto\", \"kernel\" or \"userspace\"");
	snprintf(conf->wireguard, sizeof(conf->wireguard), "%s", text);
	return 0;
}

static int get_listen(const struct rn_json *root, const char *key, struct rn_listen *listen, struct rn_err *err)
{
	const char *text;
	int r = get_text(root, key, &text, err);

	if (r <= 0)
		return r;
	listen->on = strcmp(text, "off") != 0;
	if (listen->on && (rn_endpoint_parse(text, &listen->at) < 0 || !listen->at.port))
		return rn_json_fail(rn_json_get(root, key), err,
				    "%s must be \"off\" or an address and port, like [::]:8443 or 192.0.2.1:8443", key);
	return 0;
}

/* The loopback one speaks without TLS: nothing else may reach it. */
static int get_local(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const struct rn_addr *at = &conf->console_local.at.addr;
	int r = get_listen(root, "console_local", &conf->console_local, err);

	if (r < 0 || !conf->console_local.on || (rn_addr_is_v4(at) && rn_addr_to_v4(at) >> 24 == 127))
		return r;
	return rn_json_fail(
	    rn_json_get(root, "console_local"), err,
	    "console_local must be on 127.0.0.1, since it is without TLS; console_listen is for others");
}

static int get_file(const struct rn_json *root, const char *key, char *out, size_t size, struct rn_err *err)
{
	const char *text;
	int r = get_text(root, key, &text, err);

	if (r <= 0)
		return r;
	if (text[0] != '/' || strlen(text) >= size)
		return rn_json_fail(rn_json_get(root, key), err, "%s must be an absolute path of at most %zu bytes",
				    key, size - 1);
	snprintf(out, size, "%s", text);
	return 0;
}

static int get_console_tls(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const char *text = "self";
	int r = get_text(root, "console_tls", &text, err);

	if (r < 0)
		return r;
	if (strcmp(text, "self") != 0 && strcmp(text, "file") != 0)
		return rn_json_fail(rn_json_get(root, "console_tls"), err, "console_tls must be \"self\" or \"file\"");
	conf->console_files = strcmp(text, "file") == 0;
	if (conf->console_files && (!conf->console_certificate[0] || !conf->console_key[0]))
		return rn_json_fail(
		    root, err, "console_tls \"file\" needs console_certificate and console_key, paths of PEM files");
	return 0;
}

static int get_console(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	int r = get_listen(root, "console_listen", &conf->console_listen, err);

	if (r == 0)
		r = get_local(root, conf, err);
	if (r == 0)
		r = get_file(root, "console_certificate", conf->console_certificate, sizeof(conf->console_certificate),
			     err);
	if (r == 0)
		r = get_file(root, "console_key", conf->console_key, sizeof(conf->console_key), err);
	return r < 0 ? r : get_console_tls(root, conf, err);
}

static int get_log_level(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	static const char *const names[] = {[RN_LOG_ERROR] = "error",
					    [RN_LOG_WARNING] = "warning",
					    [RN_LOG_NOTICE] = "notice",
					    [RN_LOG_INFO] = "info",
					    [RN_LOG_DEBUG] = "debug"};
	const char *text;
	int r = get_text(root, "log_level", &text, err);

	if (r <= 0)
		return r;
	for (int i = RN_LOG_ERROR; i <= RN_LOG_DEBUG; i++) {
		if (strcmp(names[i], text) == 0) {
			conf->log_level = i;
			return 0;
		}
	}
	return rn_json_fail(rn_json_get(root, "log_level"), err,
			    "log_level must be error, warning, notice, info or debug");
}

static int get_flows(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const struct rn_json *node = rn_json_get(root, "flow_rows");
	int64_t rows = conf->flow_rows, days = conf->flow_days;
	int r = rn_json_get_int(root, "flow_rows", 0, RN_FLOW_ROWS_MAX, &rows, err);

	if (r == 0 || r == -ENOENT)
		r = rn_json_get_int(root, "flow_days", 0, FLOW_DAYS_MAX, &days, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (rows && rows < FLOW_ROWS_MIN)
		return rn_json_fail(node, err, "flow_rows must be 0 (flows are not recorded) or %u to %u", FLOW_ROWS_MIN,
				    RN_FLOW_ROWS_MAX);
	conf->flow_rows = (uint32_t)rows;
	conf->flow_days = (uint32_t)days;
	return 0;
}

static int check_apart(const struct rn_json *root, const struct rn_conf *conf, struct rn_err *err)
{
	if (conf->wireguard_port == conf->control_port)
		return rn_json_fail(root, err, "wireguard_port and control_port must differ");
	if (conf->mesh_port == conf->wireguard_port || conf->mesh_port == conf->control_port)
		return rn_json_fail(root, err, "mesh_port must differ from wireguard_port and control_port");
	if (strcmp(conf->interface, conf->mesh_interface) == 0)
		return rn_json_fail(root, err, "interface and mesh_interface must differ");
	return 0;
}

static int read_conf(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	int r;

	if (rn_json_type(root) != RN_JSON_OBJECT)
		return rn_json_fail(root, err, "the configuration must be an object: { ... }");
	if ((r = rn_json_only(root, known, err)) < 0 ||
	    (r = get_directory(root, "state_dir", conf->state_dir, sizeof(conf->state_dir), err)) < 0 ||
	    (r = get_directory(root, "run_dir", conf->run_dir, sizeof(conf->run_dir), err)) < 0 ||
	    (r = get_directory(root, "bpf_dir", conf->bpf_dir, sizeof(conf->bpf_dir), err)) < 0 ||
	    (r = get_interface(root, "interface", conf->interface, err)) < 0 ||
	    (r = get_interface(root, "mesh_interface", conf->mesh_interface, err)) < 0 ||
	    (r = get_port(root, "wireguard_port", &conf->wireguard_port, err)) < 0 ||
	    (r = get_port(root, "control_port", &conf->control_port, err)) < 0 ||
	    (r = get_port(root, "mesh_port", &conf->mesh_port, err)) < 0 || (r = get_mtu(root, conf, err)) < 0 ||
	    (r = get_wireguard(root, conf, err)) < 0 || (r = get_console(root, conf, err)) < 0 ||
	    (r = get_flows(root, conf, err)) < 0 || (r = get_log_level(root, conf, err)) < 0)
		return r;
	return check_apart(root, conf, err);
}

static int parse_conf(const char *path, const char *text, size_t size, struct rn_conf *ret, struct rn_err *err)
{
	struct rn_err inner = {""};
	struct rn_conf conf;
	struct rn_json *root = rn_json_parse(text, size, RN_JSON_COMMENTS, &inner);
	int r;

	if (!root)
		return rn_fail(err, -EINVAL, "%s: %s", path, inner.text);
	set_defaults(&conf);
	r = read_conf(root, &conf, &inner);
	rn_json_free(root);
	if (r < 0)
		return rn_fail(err, -EINVAL, "%s: %s", path, inner.text);
	*ret = conf;
	return 0;
}

int rn_conf_load(const char *path, struct rn_conf *ret, struct rn_err *err)
{
	char *text;
	size_t size;
	int r;

	if (!path)
		path = getenv("RNAUT_CONF");
	r = rn_file_read_text(path ? path : RN_CONF_PATH, CONF_SIZE_MAX, &text, &size);
	if (r == -ENOENT && !path) {
		set_defaults(ret);
		return 0;
	}
	if (!path)
		path = RN_CONF_PATH;
	if (r < 0)
		return rn_fail(err, r, "cannot read the configuration %s: %s", path, strerror(-r));
	r = parse_conf(path, text, size, ret, err);
	free(text);
	return r;
}
