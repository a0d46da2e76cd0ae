/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/out.h"
#include "sys/http_client.h"

#define FOLLOW_RETRIES 30 /* a second apart */

/* RFC 3986 section 2.3: everything but the unreserved characters is encoded. */
static int encode(char *out, size_t size, size_t *at, const char *part)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~.";

	/* A part of dots alone would climb. */
	bool dots = strspn(part, ".") == strlen(part);

	for (; *part; part++) {
		bool plain = strchr(unreserved, *part) && !(dots && *part == '.');

		if (*at + (plain ? 2 : 4) > size)
			return -ENAMETOOLONG;
		*at += (size_t)snprintf(out + *at, size - *at, plain ? "%c" : "%%%02X", (unsigned char)*part);
	}
	return 0;
}

int rn_remote_path(char *out, size_t size, const char *const *parts)
{
	size_t at = (size_t)snprintf(out, size, "/api/v1");
	int code = at < size ? 0 : -ENAMETOOLONG;

	for (; code == 0 && *parts; parts++) {
		if (at + 2 > size)
			return -ENAMETOOLONG;
		out[at++] = '/';
		out[at] = '\0';
		code = encode(out, size, &at, *parts);
	}
	return code;
}

static void socket_path(const struct rn_cli *cli, char out[160])
{
	snprintf(out, 160, "%s/api.sock", cli->conf.run_dir);
}

/* Says what a failed call means: where nobody answers, perhaps because this host was never set up, or its state is bad.
 */
static int unreachable(struct rn_cli *cli, int code, const struct rn_err *why)
{
	struct rn_anchor anchor;
	struct rn_self self;
	struct rn_err err = {""};

	int state = code == -ECONNREFUSED ? rn_self_load(&cli->conf, &self, &anchor, &err) : 0;

	if (state < 0 && state != -EACCES)
		return rn_cli_fail(state == -ENOENT ? RN_EXIT_NOT_SET_UP : RN_EXIT_UNREACHABLE, "%s", err.text);
	return rn_cli_fail(code == -EACCES ? RN_EXIT_FAILED : RN_EXIT_UNREACHABLE, "%s", why->text);
}

/* An answer of the API that is not 2xx, as its sentence. */
static int refused(const struct rn_http_reply *reply)
{
	struct rn_json *root = rn_json_parse(reply->body, reply->size, 0, NULL);
	const struct rn_json *error = root ? rn_json_get(root, "error") : NULL;
	const char *message = error ? rn_remote_text(error, "message") : "";

	if (*message)
		rn_cli_fail(RN_EXIT_FAILED, "%s", message);
	else
		rn_cli_fail(RN_EXIT_FAILED, "rnautd core answered with status %ld", reply->status);
	rn_json_free(root);
	return RN_EXIT_FAILED;
}

int rn_remote_call(struct rn_cli *cli, const char *method, const char *path, struct rn_json *body, struct rn_json **ret)
{
	struct rn_http_reply reply = {0};
	struct rn_err err = {""};
	char *text = body ? rn_json_print(body, false) : NULL, at[160];
	struct rn_json *answer = NULL;
	int code;

	rn_json_free(body);
	if (body && !text)
		return rn_cli_fail(RN_EXIT_FAILED, "out of memory");
	socket_path(cli, at);
	code = rn_http_call(at, method, path, text, &reply, &err);
	free(text);
	if (code < 0)
		return unreachable(cli, code, &err);
	if (reply.status < 200 || reply.status > 299) {
		code = refused(&reply);
	} else if (reply.status == 204) {
		answer = rn_json_object();
	} else {
		answer = rn_json_parse(reply.body, reply.size, 0, &err);
		code =
		    answer ? RN_EXIT_OK : rn_cli_fail(RN_EXIT_FAILED, "rnautd core's answer is broken: %s", err.text);
	}
	rn_wipe(reply.body, reply.size);
	rn_http_reply_done(&reply);
	if (code == RN_EXIT_OK && ret)
		*ret = answer;
	else
		rn_json_free(answer);
	return code;
}

struct rn_json *rn_remote_try(const struct rn_cli *cli, const char *path)
{
	struct rn_http_reply reply = {0};
	struct rn_json *answer = NULL;
	struct rn_err err = {""};
	char at[160];

	socket_path(cli, at);
	if (rn_http_call(at, "GET", path, NULL, &reply, &err) < 0)
		return NULL;
	if (reply.status >= 200 && reply.status <= 299)
		answer = rn_json_parse(reply.body, reply.size, 0, &err);
	rn_http_reply_done(&reply);
	return answer;
}

struct follow {
	bool (*event)(void *context, const char *type, const struct rn_json *data);
	void *context;
	char type[32], last[32];
	bool stopped;
};

/* One line of a server-sent event; each of ours is one "data:" line. */
static bool on_line(void *context, const char *line)
{
	struct follow *f = context;
	struct rn_json *data;

	if (strncmp(line, "event: ", 7) == 0)
		snprintf(f->type, sizeof(f->type), "%s", line + 7);
	else if (strncmp(line, "id: ", 4) == 0)
		snprintf(f->last, sizeof(f->last), "%s", line + 4);
	else if (strncmp(line, "data: ", 6) == 0) {
		data = rn_json_parse(line + 6, strlen(line + 6), 0, NULL);
		f->stopped = data && !f->event(f->context, f->type[0] ? f->type : NULL, data);
		rn_json_free(data);
		f->type[0] = '\0';
	}
	return !f->stopped;
}

/* One connection. RN_EXIT_OK: the reader stopped it; negative: it broke, or nobody answers, and err says which. */
static int follow_once(struct rn_cli *cli, const char *path, struct follow *f, struct rn_err *err)
{
	struct rn_http_reply reply = {0};
	char at[160];
	int code;

	socket_path(cli, at);
	code = rn_http_follow(at, path, f->last[0] ? f->last : NULL, on_line, f, &reply, err);
	if (code == 0 && reply.status != 200)
		code = refused(&reply);
	else if (code == 0 && !f->stopped)
		code = rn_fail(err, -EIO, "rnautd core ended the stream");
	rn_http_reply_done(&reply);
	return code;
}

int rn_remote_follow(struct rn_cli *cli, const char *path,
		     bool (*event)(void *context, const char *type, const struct rn_json *data), void *context)
{
	struct follow f = {.event = event, .context = context};
	struct rn_err err = {""};
	int code = follow_once(cli, path, &f, &err);

	/* core restarts under its reader: what has been seen once is waited for. */
	for (int left = FOLLOW_RETRIES; left > 0 && (code == -EIO || (code == -ECONNREFUSED && left < FOLLOW_RETRIES));
	     left--) {
		if (left == FOLLOW_RETRIES)
			rn_cli_fail(0, "rnautd core has gone; waiting for it to come back");
		sleep(1);
		code = follow_once(cli, path, &f, &err);
		if (code == -EIO)
			left = FOLLOW_RETRIES;
	}
	return code < 0 ? unreachable(cli, code, &err) : code;
}

const char *rn_remote_text(const struct rn_json *object, const char *key)
{
	const struct rn_json *value = object ? rn_json_get(object, key) : NULL;

	/* A number's text is exact, whatever its size. */
	if (!value || (rn_json_type(value) != RN_JSON_STRING && rn_json_type(value) != RN_JSON_NUMBER))
		return "";
	return rn_json_text(value);
}

bool rn_remote_true(const struct rn_json *object, const char *key)
{
	bool value = false;

	if (object)
		rn_json_get_bool(object, key, &value, NULL);
	return value;
}

int64_t rn_remote_int(const struct rn_json *object, const char *key)
{
	int64_t value = 0;

	if (object)
		rn_json_get_int(object, key, INT64_MIN, INT64_MAX, &value, NULL);
	return value;
}

int rn_remote_changed(struct rn_cli *cli, struct rn_json *answer, const char *format, ...)
{
	const struct rn_json *list = rn_json_get(answer, "enforced"), *hub;
	char text[512];
	va_list args;

	if (cli->json)
		return rn_cli_json(answer);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rn_out_text(stdout, text);
	for (hub = list ? rn_json_first(list) : NULL; hub; hub = rn_json_next(hub)) {
		if (rn_remote_true(hub, "applied"))
			snprintf(text, sizeof(text), "; enforced on %s after %.1f ms", rn_remote_text(hub, "hub"),
				 (double)rn_remote_int(hub, "after_microseconds") / 1000.0);
		else
			snprintf(text, sizeof(text), "; %s has not answered yet and gets it when it is back",
				 rn_remote_text(hub, "hub"));
		rn_out_text(stdout, text);
	}
	putchar('\n');
	rn_json_free(answer);
	return RN_EXIT_OK;
}
