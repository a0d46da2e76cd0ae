/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "domain/name.h"
#include "proto/web.h"

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct rn_route routes[] = {
    {"GET", "/api/v1/health", RN_ACCESS_NONE, rn_api_health, NULL, NULL},
    {"GET", "/api/v1/status", RN_ACCESS_VIEWER, rn_api_status, NULL, NULL},
    {"POST", "/api/v1/link", RN_ACCESS_ROOT, rn_api_link, FIELDS("up"), NULL},
    {"POST", "/api/v1/tokens", RN_ACCESS_OPERATOR, rn_api_tokens_create,
     FIELDS("client_type", "hub_type", "name", "owner", "hub", "tags", "lifetime_seconds"), NULL},
    {"GET", "/api/v1/devices", RN_ACCESS_VIEWER, rn_api_devices_list, NULL, NULL},
    {"POST", "/api/v1/devices", RN_ACCESS_OPERATOR, rn_api_devices_add,
     FIELDS("client_type", "name", "owner", "hub", "tags", "wireguard_public_key"), NULL},
    {"GET", "/api/v1/devices/{name}", RN_ACCESS_VIEWER, rn_api_device_get, NULL, NULL},
    {"POST", "/api/v1/devices/{name}/quarantine", RN_ACCESS_OPERATOR, rn_api_device_quarantine, FIELDS("on"), NULL},
    {"POST", "/api/v1/devices/{name}/trust", RN_ACCESS_OPERATOR, rn_api_device_trust, FIELDS("trust_score"), NULL},
    {"POST", "/api/v1/devices/{name}/revoke", RN_ACCESS_ADMIN, rn_api_device_revoke, NULL, NULL},
    {"GET", "/api/v1/policy", RN_ACCESS_VIEWER, rn_api_policy_get, NULL, NULL},
    {"PUT", "/api/v1/policy", RN_ACCESS_ADMIN, rn_api_policy_set, FIELDS("text"), NULL},
    {"POST", "/api/v1/policy/check", RN_ACCESS_VIEWER, rn_api_policy_check, FIELDS("text"), NULL},
    {"POST", "/api/v1/explain", RN_ACCESS_VIEWER, rn_api_explain, FIELDS("source", "destination", "protocol", "port"),
     NULL},
    {"GET", "/api/v1/flows", RN_ACCESS_VIEWER, rn_api_flows_list, NULL, FIELDS("after", "limit", "latest")},
    {"GET", "/api/v1/flows/stream", RN_ACCESS_VIEWER, rn_api_flows_stream, NULL, FIELDS("after")},
    {"GET", "/api/v1/drops", RN_ACCESS_VIEWER, rn_api_drops, NULL, NULL},
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

	call->request->door->query_each(call->request, check_parameter, &check);
	if (!check.unknown[0])
		return 0;
	rn_api_refuse(call, 400, "invalid", "there is no query parameter \"%s\" here", check.unknown);
	return -EINVAL;
}

static int check_body(struct rn_api_call *call)
{
	const struct rn_api_request *request = call->request;
	struct rn_err err = {""};

	if (!call->route->fields) {
		if (request->size == 0)
			return 0;
		rn_api_refuse(call, 400, "invalid", "this request takes no body");
		return -EINVAL;
	}
	call->body = rn_json_parse(request->size ? request->body : "", request->size, 0, &err);
	if (call->body && rn_json_type(call->body) != RN_JSON_OBJECT)
		rn_fail(&err, -EINVAL, "the body must be a JSON object");
	else if (call->body && rn_json_only(call->body, call->route->fields, &err) == 0)
		return 0;
	rn_api_fail(call, -EINVAL, &err);
	return -EINVAL;
}

/* 0, or the call has been answered. */
static int check_access(struct rn_api_call *call)
{
	enum rn_access access = call->request->root ? RN_ACCESS_ROOT : RN_ACCESS_NONE;

	if (access >= call->route->access)
		return 0;
	if (access == RN_ACCESS_NONE)
		rn_api_refuse(call, 401, "unauthorized", "sign in, or send an API token as a bearer");
	else
		rn_api_refuse(call, 403, "forbidden", "this takes the role %s", rn_access_name(call->route->access));
	return -EPERM;
}

static int check_route(struct rn_api_call *call)
{
	const struct rn_api_request *request = call->request;
	char allow[64];

	call->route = find(request->method, request->path, call->name, allow, sizeof(allow));
	if (call->route)
		return 0;
	if (allow[0])
		rn_api_refuse_method(call, allow);
	else
		rn_api_refuse(call, 404, "not_found", "there is no such path: docs/openapi.json lists them");
	return -ENOENT;
}

struct rn_api_call *rn_api_admit(struct rn_core *core, struct rn_streams *streams, struct rn_api_request *request)
{
	struct rn_api_call *call = calloc(1, sizeof(*call));

	if (!call) {
		request->door->answer(request, &(struct rn_api_answer){.status = 500});
		return NULL;
	}
	*call = (struct rn_api_call){.core = core, .streams = streams, .request = request};
	if (!request->root && !request->web) {
		rn_api_refuse(call, 403, "forbidden", "only root may use this socket: run the command with sudo");
		return NULL;
	}
	if (check_route(call) < 0 || check_access(call) < 0)
		return NULL;
	if (call->name[0] && !rn_name_valid(call->name)) {
		rn_api_refuse(call, 404, "not_found", "nothing can have that name");
		return NULL;
	}
	return call;
}

size_t rn_api_body_max(const struct rn_api_call *call)
{
	return call->route->access == RN_ACCESS_NONE ? RN_WEB_STRANGER_BODY_MAX : RN_WEB_BODY_MAX;
}

void rn_api_handle(struct rn_api_call *call)
{
	if (call->request->too_large)
		rn_api_refuse(call, 413, "too_large", "the body is larger than %zu bytes", rn_api_body_max(call));
	else if (check_query(call) == 0 && check_body(call) == 0)
		call->route->handle(call);
}
