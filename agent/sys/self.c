/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "sys/conf.h"
#include "sys/files.h"

/* STATE/state/{format,self.json,anchor}: declared in conf.h. */

#define SELF_SIZE_MAX 4096u
#define FORMAT_SIZE_MAX 16u
#define NUMBER_MAX 0xffffffffll

static int not_set_up(const struct rn_conf *conf, struct rn_err *err)
{
	return rn_fail(err, -ENOENT,
		       "this host is not set up (there is no %s/state): run `rnaut gateway init` to make a network, or "
		       "`rnaut up --token-file FILE` to join one",
		       conf->state_dir);
}

/* Whoever can write these files decides whom this host trusts. */
static int check_owner(const char *path, struct rn_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return rn_fail(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return rn_fail(err, -EPERM, "%s belongs to uid %u; it must belong to root: chown root %s", path,
			       (unsigned)st.st_uid, path);
	if (st.st_mode & 022)
		return rn_fail(err, -EPERM, "%s can be changed by others than its owner: chmod go-w %s", path, path);
	return 0;
}

static int check_format(const char *path, struct rn_err *err)
{
	char text[FORMAT_SIZE_MAX + 1] = "", *end;
	size_t size = 0;
	unsigned long format;
	int r = rn_file_read(path, text, FORMAT_SIZE_MAX, &size);

	if (r < 0)
		return rn_fail(err, r == -ENOENT ? -EBADMSG : r,
			       "cannot read %s: %s; restore the state directory from a backup", path, strerror(-r));
	text[size] = '\0';
	format = strtoul(text, &end, 10);
	if (end == text || (*end != '\n' && *end != '\0') || format == 0)
		return rn_fail(err, -EBADMSG, "%s is damaged; restore the state directory from a backup", path);
	if (format > RN_STATE_FORMAT)
		return rn_fail(err, -EPROTONOSUPPORT,
			       "%s says format %lu, and this rnaut knows up to %d: install the newer rnaut again", path,
			       format, RN_STATE_FORMAT);
	return 0;
}

static int get_number(const struct rn_json *root, const char *key, uint32_t *ret, struct rn_err *err)
{
	int64_t value;
	int r = rn_json_get_int(root, key, 1, NUMBER_MAX, &value, err);

	if (r == -ENOENT)
		return rn_fail(err, -EINVAL, "%s is missing", key);
	if (r == 0)
		*ret = value;
	return r;
}

static int get_name(const struct rn_json *root, struct rn_self *self, struct rn_err *err)
{
	const char *text;
	int r = rn_json_get_text(root, "name", &text, err);

	if (r == -ENOENT || (r == 0 && (!*text || strlen(text) > RN_NAME_MAX)))
		return rn_fail(err, -EINVAL, "name is missing or too long");
	if (r == 0)
		snprintf(self->name, sizeof(self->name), "%s", text);
	return r;
}

static int get_kind(const struct rn_json *root, struct rn_self *self, struct rn_err *err)
{
	const char *text;
	int r = rn_json_get_text(root, "kind", &text, err);

	if (r == -ENOENT || (r == 0 && rn_kind_parse(text, &self->kind) < 0))
		return rn_fail(err, -EINVAL, "kind is missing or unknown");
	if (r == 0)
		r = rn_json_get_bool(root, "gateway", &self->gateway, err);
	return r == -ENOENT ? 0 : r;
}

/* Where to subscribe; a gateway has nobody above it. */
static int get_upstream(const struct rn_json *root, struct rn_self *self, struct rn_err *err)
{
	const char *key = NULL, *endpoint = NULL;
	size_t size = 0;
	int64_t port;
	int r;

	if (self->gateway)
		return 0;
	if (rn_json_get_text(root, "upstream_key", &key, err) < 0 ||
	    rn_base64_decode(key, self->upstream_key, sizeof(self->upstream_key), &size) < 0 || size != RN_KEY_SIZE)
		return rn_fail(err, -EINVAL, "upstream_key is missing or not 32 bytes of base64");
	if (rn_json_get_text(root, "upstream", &endpoint, err) < 0 || rn_endpoint_parse(endpoint, &self->upstream) < 0)
		return rn_fail(err, -EINVAL, "upstream is missing or not an address and port");
	r = rn_json_get_int(root, "upstream_shared", 1, 65535, &port, err);
	if (r == 0)
		self->upstream_shared = port;
	return r == -ENOENT ? 0 : r;
}

static int parse_self(const char *text, size_t size, struct rn_self *ret, struct rn_err *err)
{
	static const char *const names[] = {
	    "device", "hub", "kind", "gateway", "name", "upstream_key", "upstream", "upstream_shared", NULL};
	struct rn_json *root = rn_json_parse(text, size, 0, err);
	struct rn_self self = {0};
	int r;

	if (!root)
		return -EINVAL;
	if (rn_json_type(root) != RN_JSON_OBJECT)
		r = rn_fail(err, -EINVAL, "not an object");
	else if ((r = rn_json_only(root, names, err)) == 0 &&
		 (r = get_number(root, "device", &self.device, err)) == 0 &&
		 (r = get_number(root, "hub", &self.hub, err)) == 0 && (r = get_name(root, &self, err)) == 0 &&
		 (r = get_kind(root, &self, err)) == 0)
		r = get_upstream(root, &self, err);
	rn_json_free(root);
	if (r == 0)
		*ret = self;
	return r;
}

static int read_self(const char *path, struct rn_self *ret, struct rn_err *err)
{
	struct rn_err inner = {""};
	char *text;
	size_t size;
	int r = check_owner(path, err);

	if (r < 0)
		return r;
	r = rn_file_read_text(path, SELF_SIZE_MAX, &text, &size);
	if (r < 0)
		return rn_fail(err, r, "cannot read %s: %s", path, strerror(-r));
	r = parse_self(text, size, ret, &inner);
	free(text);
	if (r < 0)
		return rn_fail(err, -EBADMSG, "%s is damaged (%s); restore the state directory from a backup", path,
			       inner.text);
	return 0;
}

static int read_anchor(const char *path, struct rn_anchor *ret, struct rn_err *err)
{
	uint8_t data[RN_ANCHOR_SIZE];
	int r = check_owner(path, err);

	if (r < 0)
		return r;
	r = rn_file_read_exact(path, data, sizeof(data));
	if (r == 0)
		r = rn_anchor_get(data, sizeof(data), NULL, ret);
	if (r < 0)
		return rn_fail(err, r, "%s is missing or damaged; restore the state directory from a backup", path);
	return 0;
}

int rn_self_load(const struct rn_conf *conf, struct rn_self *ret, struct rn_anchor *ret_anchor, struct rn_err *err)
{
	char directory[RN_PATH_SIZE], path[RN_PATH_SIZE];
	struct rn_anchor anchor;
	struct rn_self self;
	struct stat st;
	int r = rn_path_join(directory, sizeof(directory), conf->state_dir, "state");

	if (r < 0)
		return rn_fail(err, r, "the path of state_dir is too long");
	if (stat(directory, &st) < 0)
		return errno == ENOENT ? not_set_up(conf, err)
				       : rn_fail(err, -errno, "cannot look at %s: %s", directory, strerror(errno));
	if ((r = check_owner(directory, err)) < 0 || (r = rn_path_join(path, sizeof(path), directory, "format")) < 0 ||
	    (r = check_format(path, err)) < 0 || (r = rn_path_join(path, sizeof(path), directory, "self.json")) < 0 ||
	    (r = read_self(path, &self, err)) < 0 || (r = rn_path_join(path, sizeof(path), directory, "anchor")) < 0 ||
	    (r = read_anchor(path, &anchor, err)) < 0)
		return r;
	*ret = self;
	*ret_anchor = anchor;
	return 0;
}

static char *print_self(const struct rn_self *self)
{
	char key[64], endpoint[RN_ENDPOINT_TEXT], *text;
	struct rn_json *root = rn_json_object();

	rn_json_add_int(root, "device", self->device);
	rn_json_add_int(root, "hub", self->hub);
	rn_json_add_text(root, "kind", rn_kind_name(self->kind));
	rn_json_add_bool(root, "gateway", self->gateway);
	rn_json_add_text(root, "name", self->name);
	if (!self->gateway) {
		rn_base64(self->upstream_key, sizeof(self->upstream_key), key, sizeof(key));
		rn_json_add_text(root, "upstream_key", key);
		rn_json_add_text(root, "upstream", rn_endpoint_format(&self->upstream, endpoint));
		if (self->upstream_shared)
			rn_json_add_int(root, "upstream_shared", self->upstream_shared);
	}
	text = rn_json_print(root, true);
	rn_json_free(root);
	return text;
}

static int write_in(const char *dir, const char *name, const void *data, size_t size, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0)
		r = rn_file_write(path, data, size, 0644);
	if (r < 0)
		return rn_fail(err, r, "cannot write %s/%s: %s", dir, name, strerror(-r));
	return 0;
}

int rn_self_write(const char *dir, const struct rn_self *self, const uint8_t anchor[RN_ANCHOR_SIZE], struct rn_err *err)
{
	char format[FORMAT_SIZE_MAX], *text = print_self(self);
	int r;

	if (!text)
		return rn_fail(err, -ENOMEM, "out of memory");
	snprintf(format, sizeof(format), "%d\n", RN_STATE_FORMAT);
	if ((r = write_in(dir, "self.json", text, strlen(text), err)) == 0 &&
	    (r = write_in(dir, "anchor", anchor, RN_ANCHOR_SIZE, err)) == 0)
		r = write_in(dir, "format", format, strlen(format), err);
	free(text);
	return r;
}
