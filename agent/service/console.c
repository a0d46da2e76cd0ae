/* SPDX-License-Identifier: Apache-2.0 */
#include "service/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "proto/web_target.h"
#include "sys/files.h"
#include "sys/x509_console.h"

#define NAMES_MAX 32
#define NAMES_SIZE 4096

struct console {
	char secret[RN_PATH_SIZE], web[RN_PATH_SIZE], ca[RN_PATH_SIZE]; /* console/, web/, console-ca.pem */
	char host[256], text[NAMES_SIZE + 1];
	const char *names[NAMES_MAX + 5];
	char ca_key[RN_CONSOLE_PEM_MAX], ca_certificate[RN_CONSOLE_PEM_MAX];
	char key[RN_CONSOLE_PEM_MAX], certificate[RN_CONSOLE_PEM_MAX];
};

static const struct rn_owner root = {0, 0};

int rn_console_begin(const char *dir, const char *const *names, struct rn_err *err)
{
	char path[RN_PATH_SIZE], text[NAMES_SIZE];
	int r = rn_owned_directory(dir, "console", &root, err);
	size_t at = 0;

	for (; r == 0 && *names; names++) {
		int size = snprintf(text + at, sizeof(text) - at, "%s\n", *names);

		if (size < 0 || (size_t)size >= sizeof(text) - at)
			return rn_fail(err, -EMSGSIZE, "the names of the console are too long");
		at += (size_t)size;
	}
	if (r == 0)
		r = rn_path_join(path, sizeof(path), dir, "console");
	return r < 0 ? r : rn_owned_write(path, "names", text, at, &root, err);
}

static int read_text(const char *dir, const char *name, char *out, size_t size)
{
	char path[RN_PATH_SIZE];
	size_t got = 0;
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0)
		r = rn_file_read(path, out, size - 1, &got);
	out[r == 0 ? got : 0] = '\0';
	return r;
}

/* An address may stand there bare; as Host it would have brackets. */
static bool name_good(const char *name)
{
	char bracketed[300];

	snprintf(bracketed, sizeof(bracketed), strchr(name, ':') ? "[%s]" : "%s", name);
	return strlen(name) < 254 && rn_web_host_valid(bracketed);
}

/* This host's own names, then those of the file. */
static int read_names(struct console *c, struct rn_err *err)
{
	static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
	unsigned count = 0;
	char *rest = c->text;
	int r = read_text(c->secret, "names", c->text, sizeof(c->text));

	if (r < 0 && r != -ENOENT)
		return rn_fail(err, r, "cannot read %s/names: %s", c->secret, strerror(-r));
	if (gethostname(c->host, sizeof(c->host) - 1) == 0 && name_good(c->host) && strcmp(c->host, "localhost") != 0)
		c->names[count++] = c->host;
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		c->names[count++] = own[i];
	while (rest && *rest) {
		char *name = strsep(&rest, "\n");

		if (!*name)
			continue;
		if (!name_good(name) || count > NAMES_MAX)
			return rn_fail(
			    err, -EINVAL,
			    "%s/names: \"%.60s\" is no name or address, or there are more than %d: one a line",
			    c->secret, name, NAMES_MAX);
		c->names[count++] = name;
	}
	c->names[count] = NULL;
	return 0;
}

/* The CA, made where it has never been. -ENOKEY: there was one. */
static int read_ca(struct console *c, const char *dir, int64_t now, struct rn_err *err)
{
	int key = read_text(c->secret, "ca.key", c->ca_key, sizeof(c->ca_key));
	int r = read_text(dir, "console-ca.pem", c->ca_certificate, sizeof(c->ca_certificate));

	if (r == 0)
		return key == 0 ? 0 : -ENOKEY;
	if (r != -ENOENT)
		return rn_fail(err, r, "cannot read %s: %s", c->ca, strerror(-r));
	if (key != -ENOENT)
		return rn_fail(err, -EEXIST, "%s is missing, but %s/ca.key is there: restore it, or remove the key too",
			       c->ca, c->secret);
	r = rn_console_ca(now, c->ca_key, c->ca_certificate);
	if (r < 0)
		return rn_fail(err, r, "cannot make the console's CA");
	r = rn_owned_write(c->secret, "ca.key", c->ca_key, strlen(c->ca_key), &root, err);
	if (r < 0)
		return r;
	r = rn_file_write(c->ca, c->ca_certificate, strlen(c->ca_certificate), 0644);
	return r < 0 ? rn_fail(err, r, "cannot write %s: %s", c->ca, strerror(-r)) : 0;
}

/* Root's, and web may read it: what speaks to the network cannot change its own certificate. */
static int write_for_web(const struct console *c, const char *name, const char *text, gid_t group, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int r = rn_path_join(path, sizeof(path), c->web, name);

	if (r == 0)
		r = rn_file_write(path, text, strlen(text), 0640);
	if (r == 0 && chown(path, 0, group) < 0)
		r = -errno;
	return r < 0 ? rn_fail(err, r, "cannot write %s/%s: %s", c->web, name, strerror(-r)) : 0;
}

/* The certificate last: with an old key beside a new certificate there would be neither. */
static int issue(struct console *c, gid_t group, int64_t now, struct rn_err *err)
{
	int r = rn_console_certificate(c->ca_key, c->ca_certificate, c->names, now, c->key, c->certificate);

	if (r < 0)
		return rn_fail(err, r, "cannot make the console's certificate: is %s/ca.key damaged?", c->secret);
	r = rn_directory_make(c->web, 0750, 0, group);
	if (r < 0)
		return rn_fail(err, r, "cannot make the directory %s: %s", c->web, strerror(-r));
	r = write_for_web(c, "tls.key", c->key, group, err);
	return r < 0 ? r : write_for_web(c, "tls.pem", c->certificate, group, err);
}

static int ensure(struct console *c, const char *dir, gid_t group, int64_t now, struct rn_err *err)
{
	int ca, r = rn_owned_directory(dir, "console", &root, err);

	if (r == 0)
		r = read_names(c, err);
	if (r < 0)
		return r;
	ca = read_ca(c, dir, now, err);
	if (ca < 0 && ca != -ENOKEY)
		return ca;
	if (read_text(c->web, "tls.pem", c->certificate, sizeof(c->certificate)) == 0 &&
	    read_text(c->web, "tls.key", c->key, sizeof(c->key)) == 0 &&
	    rn_console_good(c->ca_certificate, c->certificate, c->names, now, now + RN_CONSOLE_RENEW_SECONDS))
		return 0;
	if (ca == -ENOKEY)
		return rn_fail(
		    err, -ENOKEY,
		    "the console's certificate is to be renewed and %s/ca.key is gone: bring it back, or remove %s "
		    "and import the new one in browsers",
		    c->secret, c->ca);
	r = issue(c, group, now, err);
	return r < 0 ? r : 1;
}

int rn_console_ensure(const char *dir, gid_t group, int64_t now, struct rn_err *err)
{
	struct console *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return rn_fail(err, -ENOMEM, "out of memory");
	r = rn_path_join(c->secret, sizeof(c->secret), dir, "console");
	if (r == 0)
		r = rn_path_join(c->web, sizeof(c->web), dir, "web");
	if (r == 0)
		r = rn_path_join(c->ca, sizeof(c->ca), dir, "console-ca.pem");
	if (r == 0)
		r = ensure(c, dir, group, now, err);
	else
		rn_fail(err, r, "the path %s is too long", dir);
	rn_wipe(c, sizeof(*c));
	free(c);
	return r;
}
