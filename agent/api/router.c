/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "domain/policy.h"

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct rn_route routes[] = {
    {"GET", "/api/v1/status", rn_api_status, NULL, NULL},
    {"POST", "/api/v1/link", rn_api_link, FIELDS("up"), NULL},
    {"POST", "/api/v1/tokens", rn_api_tokens_create,
     FIELDS("client_type", "hub_type", "name", "owner", "hub", "tags", "lifetime_seconds"), NULL},
    {"GET", "/api/v1/devices", rn_api_devices_list, NULL, NULL},
    {"POST", "/api/v1/devices", rn_api_devices_add,
     FIELDS("client_type", "name", "owner", "hub", "tags", "wireguard_public_key"), NULL},
    {"GET", "/api/v1/devices/{name}", rn_api_device_get, NULL, NULL},
    {"POST", "/api/v1/devices/{name}/quarantine", rn_api_device_quarantine, FIELDS("on"), NULL},
    {"POST", "/api/v1/devices/{name}/trust", rn_api_device_trust, FIELDS("trust_score"), NULL},
    {"POST", "/api/v1/devices/{name}/revoke", rn_api_device_revoke, NULL, NULL},
    {"GET", "/api/v1/policy", rn_api_policy_get, NULL, NULL},
    {"PUT", "/api/v1/policy", rn_api_policy_set, FIELDS("text"), NULL},
    {"POST", "/api/v1/policy/check", rn_api_policy_check, FIELDS("text"), NULL},
    {"POST", "/api/v1/explain", rn_api_explain, FIELDS("source", "destination", "protocol", "port"), NULL},
    {"GET", "/api/v1/flows", rn_api_flows_list, NULL, FIELDS("after", "limit", "latest")},
    {"GET", "/api/v1/flows/stream", rn_api_flows_stream, NULL, FIELDS("after")},
    {"GET", "/api/v1/drops", rn_api_drops, NULL, NULL},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

const struct rn_route *rn_api_routes(unsigned *ret_count)
{
	*ret_count = ROUTES;
	return routes;
}

bool rn_api_path_match(const char *pattern, const char *path, char ret_name[RN_NAME_MAX + 1])
{
	const char *hole = strchr(pattern, '{');
	size_t head, length;

	if (!hole)
		return strcmp(pattern, path) == 0;
	head = (size_t)(hole - pattern);
	if (strncmp(pattern, path, head) != 0)
		return false;
	length = strcspn(path + head, "/");
	if (length == 0 || length > RN_NAME_MAX || strcmp(strchr(hole, '}') + 1, path + head + length) != 0)
		return false;
	memcpy(ret_name, path + head, length);
	ret_name[length] = '\0';
	return true;
}

static void call_free(struct rn_api_call *call)
{
	rn_json_free(call->body);
	free(call);
}

void rn_api_answer(struct rn_api_call *call, unsigned status, struct rn_json *value)
{
	struct rn_http_answer answer = {.status = status, .type = "application/json"};

	answer.body = rn_json_print(value, false);
	rn_json_free(value);
	if (answer.body)
		answer.size = strlen(answer.body);
	else
		answer.status = 500;
	rn_http_answer(call->request, &answer);
	call_free(call);
}

void rn_api_stream(struct rn_api_call *call, const struct rn_http_stream *stream)
{
	rn_http_stream(call->request, stream);
	call_free(call);
}

static struct rn_json *error_json(const char *code, const char *message)
{
	struct rn_json *root = rn_json_object(), *error = rn_json_object();

	rn_json_add_text(error, "code", code);
	rn_json_add_text(error, "message", message);
	rn_json_add(root, "error", error);
	return root;
}

void rn_api_refuse(struct rn_api_call *call, unsigned status, const char *code, const char *format, ...)
{
	struct rn_err err;
	va_list args;

	va_start(args, format);
	vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	rn_api_answer(call, status, error_json(code, err.text));
}

static const struct {
	int code;
	unsigned status;
	const char *name, *text;
} failures[] = {
    {-ENOENT, 404, "not_found", "there is no such object"},
    {-EEXIST, 409, "exists", "it exists already"},
    {-EBUSY, 409, "busy", "a change of the same thing is under way: try again"},
    {-EINVAL, 400, "invalid", "the request is not valid"},
    {-EMSGSIZE, 400, "invalid", "it does not fit the bounds"},
    {-ENOTSUP, 409, "not_the_gateway", "only the gateway can do this"},
    {-EAGAIN, 503, "unavailable", "a process that is needed is not there now: try again"},
    {-ENOSPC, 507, "no_space", "nothing could be stored: the disk is full"},
    {-EIO, 500, "internal", "core failed: see its log"},
};

void rn_api_fail(struct rn_api_call *call, int code, const struct rn_err *err)
{
	size_t i = 0, last = sizeof(failures) / sizeof(failures[0]) - 1;

	while (i < last && failures[i].code != code)
		i++;
	rn_api_refuse(call, failures[i].status, failures[i].name, "%s",
		      err && err->text[0] ? err->text : failures[i].text);
}

struct rn_json *rn_api_enforced(const struct rn_enforced *hubs, unsigned hub_count)
{
	struct rn_json *list = rn_json_array();

	for (unsigned i = 0; i < hub_count; i++) {
		struct rn_json *hub = rn_json_object();

		rn_json_add_text(hub, "hub", hubs[i].hub);
		rn_json_add_bool(hub, "applied", hubs[i].applied);
		if (hubs[i].applied)
			rn_json_add_u64(hub, "after_microseconds", (uint64_t)(hubs[i].after_ms * 1000.0));
		else
			rn_json_add_text(hub, "after_microseconds", NULL);
		rn_json_append(list, hub);
	}
	return list;
}

void rn_api_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count)
{
	struct rn_api_call *call = context;
	struct rn_json *root;

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, "enforced", rn_api_enforced(hubs, hub_count));
	rn_api_answer(call, 200, root);
}

/* ret_allow gets the methods that the path knows; "" where no route has this path. */
static const struct rn_route *find(const char *method, const char *path, char name[RN_NAME_MAX + 1], char *ret_allow,
				   size_t allow_size)
{
	size_t at = 0;

	ret_allow[0] = '\0';
	for (size_t i = 0; i < ROUTES; i++) {
		if (!rn_api_path_match(routes[i].path, path, name))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		if (at < allow_size)
			at +=
			    (size_t)snprintf(ret_allow + at, allow_size - at, "%s%s", at ? ", " : "", routes[i].method);
	}
	return NULL;
}

static void refuse_method(struct rn_api_call *call, const char *allow)
{
	struct rn_json *error = error_json("method_not_allowed", "this path does not know that method");
	struct rn_http_answer answer = {.status = 405, .type = "application/json", .allow = allow};

	answer.body = rn_json_print(error, false);
	answer.size = answer.body ? strlen(answer.body) : 0;
	rn_json_free(error);
	rn_http_answer(call->request, &answer);
	call_free(call);
}

struct query_check {
	const char *const *known;
	char unknown[32];
};

static bool check_parameter(void *context, const char *name)
{
	struct query_check *check = context;

	for (const char *const *known = check->known; known && *known; known++)
		if (strcmp(*known, name) == 0)
			return true;
	snprintf(check->unknown, sizeof(check->unknown), "%.31s", name[0] ? name : "\"\"");
	return false;
}

/* 0, or the call has been answered. */
static int check_query(struct rn_api_call *call)
{
	struct query_check check = {.known = call->route->query};

	rn_http_query_each(call->request, check_parameter, &check);
	if (!check.unknown[0])
		return 0;
	rn_api_refuse(call, 400, "invalid", "there is no query parameter \"%s\" here", check.unknown);
	return -EINVAL;
}

static int check_body(struct rn_api_call *call)
{
	struct rn_err err = {""};
	size_t size;
	const char *body = rn_http_body(call->request, &size);

	if (!call->route->fields) {
		if (size == 0)
			return 0;
		rn_api_refuse(call, 400, "invalid", "this request takes no body");
		return -EINVAL;
	}
	call->body = rn_json_parse(body, size, 0, &err);
	if (call->body && rn_json_type(call->body) != RN_JSON_OBJECT)
		rn_fail(&err, -EINVAL, "the body must be a JSON object");
	else if (call->body && rn_json_only(call->body, call->route->fields, &err) == 0)
		return 0;
	rn_api_fail(call, -EINVAL, &err);
	return -EINVAL;
}

void rn_api_route(struct rn_core *core, struct rn_streams *streams, struct rn_http_request *request)
{
	struct rn_api_call *call = calloc(1, sizeof(*call));
	char allow[64];

	if (!call) {
		rn_http_answer(request, &(struct rn_http_answer){.status = 500});
		return;
	}
	*call = (struct rn_api_call){.core = core, .streams = streams, .request = request};
	if (!rn_http_trusted(request)) {
		rn_api_refuse(call, 403, "forbidden", "only root may use this socket: run the command with sudo");
		return;
	}
	call->route = find(rn_http_method(request), rn_http_path(request), call->name, allow, sizeof(allow));
	if (!call->route && allow[0])
		refuse_method(call, allow);
	else if (call->route && call->name[0] && !rn_name_valid(call->name))
		rn_api_refuse(call, 404, "not_found", "no device can have that name");
	else if (!call->route)
		rn_api_refuse(call, 404, "not_found", "there is no such path: docs/openapi.json lists them");
	else if (rn_http_too_large(request))
		rn_api_refuse(call, 413, "too_large", "the body is larger than %u bytes", RN_HTTP_BODY_MAX);
	else if (check_query(call) == 0 && check_body(call) == 0)
		call->route->handle(call);
}

/* Turns what rn_json_get_* says into 0, or an answered call. */
static int member(struct rn_api_call *call, const char *key, int code, bool needed, const struct rn_err *err)
{
	if (code == 0 || (code == -ENOENT && !needed))
		return 0;
	if (code == -ENOENT)
		rn_api_refuse(call, 400, "invalid", "the field \"%s\" is missing", key);
	else
		rn_api_fail(call, -EINVAL, err);
	return -EINVAL;
}

int rn_api_need_text(struct rn_api_call *call, const char *key, const char **ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_text(call->body, key, ret, &err), true, &err);
}

int rn_api_need_bool(struct rn_api_call *call, const char *key, bool *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_bool(call->body, key, ret, &err), true, &err);
}

int rn_api_need_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_int(call->body, key, min, max, ret, &err), true, &err);
}

int rn_api_text(struct rn_api_call *call, const char *key, const char **ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_text(call->body, key, ret, &err), false, &err);
}

int rn_api_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	struct rn_err err = {""};

	return member(call, key, rn_json_get_int(call->body, key, min, max, ret, &err), false, &err);
}

int rn_api_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1])
{
	const char *text = NULL;

	if (rn_api_text(call, key, &text) < 0)
		return -EINVAL;
	if (!text)
		return 0;
	if (!rn_name_valid(text)) {
		rn_api_refuse(call, 400, "invalid",
			      "\"%s\" must be a name: a to z, 0 to 9, dot, dash and underscore, at most %d characters",
			      key, RN_NAME_MAX);
		return -EINVAL;
	}
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int rn_api_query_u64(struct rn_api_call *call, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = rn_http_query(call->request, key);
	unsigned long long value = 0;
	char *end = NULL;

	if (!text)
		return 0;
	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		value = strtoull(text, &end, 10);
	if (!end || *end || errno || value < min || value > max) {
		rn_api_refuse(call, 400, "invalid", "\"%s\" must be a number from %" PRIu64 " to %" PRIu64, key, min,
			      max);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}
