/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "sys/files.h"

#define CONF_SIZE_MAX 65536u
#define UNDERLAY_MTU 1500
#define WIREGUARD_OVERHEAD 80
#define MESH_OVERHEAD 48
#define MTU_MIN 1280 /* RFC 8200 section 5 */
#define MTU_MAX 9000

static const char *const known[] = {"state_dir",    "run_dir", "bpf_dir",   "interface", "wireguard_port",
				    "control_port", "mtu",     "wireguard", "log_level", NULL};

static void set_defaults(struct rn_conf *conf)
{
	*conf = (struct rn_conf){
	    .state_dir = "/var/lib/rnaut",
	    .run_dir = "/run/rnaut",
	    .bpf_dir = "/sys/fs/bpf/rnaut",
	    .interface = "rn0",
	    .wireguard_port = 51820,
	    .control_port = 51821,
	    .mtu = UNDERLAY_MTU - WIREGUARD_OVERHEAD - MESH_OVERHEAD,
	    .wireguard = "auto",
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

static int get_interface(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	const char *text;
	int r = get_text(root, "interface", &text, err);

	if (r <= 0)
		return r;
	if (!interface_valid(text))
		return rn_json_fail(rn_json_get(root, "interface"), err,
				    "interface must be 1 to 15 letters, digits, '-', '_' or '.', like rn0");
	snprintf(conf->interface, sizeof(conf->interface), "%s", text);
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

static int read_conf(const struct rn_json *root, struct rn_conf *conf, struct rn_err *err)
{
	int r;

	if (rn_json_type(root) != RN_JSON_OBJECT)
		return rn_json_fail(root, err, "the configuration must be an object: { ... }");
	if ((r = rn_json_only(root, known, err)) < 0 ||
	    (r = get_directory(root, "state_dir", conf->state_dir, sizeof(conf->state_dir), err)) < 0 ||
	    (r = get_directory(root, "run_dir", conf->run_dir, sizeof(conf->run_dir), err)) < 0 ||
	    (r = get_directory(root, "bpf_dir", conf->bpf_dir, sizeof(conf->bpf_dir), err)) < 0 ||
	    (r = get_interface(root, conf, err)) < 0 ||
	    (r = get_port(root, "wireguard_port", &conf->wireguard_port, err)) < 0 ||
	    (r = get_port(root, "control_port", &conf->control_port, err)) < 0 || (r = get_mtu(root, conf, err)) < 0 ||
	    (r = get_wireguard(root, conf, err)) < 0 || (r = get_log_level(root, conf, err)) < 0)
		return r;
	if (conf->wireguard_port == conf->control_port)
		return rn_json_fail(root, err, "wireguard_port and control_port must differ");
	return 0;
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
