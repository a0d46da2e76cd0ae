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

static const char *const no_fields[] = {NULL};

static const struct rn_route routes[] = {
    {"GET", "/api/v1/health", RN_ACCESS_NONE, rn_api_health, NULL, NULL},
    {"GET", "/api/v1/status", RN_ACCESS_VIEWER, rn_api_status, NULL, NULL},
    {"POST", "/api/v1/session", RN_ACCESS_NONE, rn_api_session_create, FIELDS("link", "account", "password"), NULL},
    {"GET", "/api/v1/session", RN_ACCESS_VIEWER, rn_api_session_get, NULL, NULL},
    {"DELETE", "/api/v1/session", RN_ACCESS_VIEWER, rn_api_session_delete, NULL, NULL},
    {"POST", "/api/v1/session/password", RN_ACCESS_VIEWER, rn_api_session_password, FIELDS("password", "current"),
     NULL},
    {"GET", "/api/v1/accounts", RN_ACCESS_ADMIN, rn_api_accounts_list, NULL, NULL},
    {"POST", "/api/v1/accounts", RN_ACCESS_ADMIN, rn_api_accounts_create, FIELDS("account", "role"), NULL},
    {"DELETE", "/api/v1/accounts/{name}", RN_ACCESS_ADMIN, rn_api_account_delete, NULL, NULL},
    {"POST", "/api/v1/accounts/{name}/role", RN_ACCESS_ADMIN, rn_api_account_role, FIELDS("role"), NULL},
    {"POST", "/api/v1/accounts/{name}/link", RN_ACCESS_ADMIN, rn_api_account_link, no_fields, NULL},
    {"GET", "/api/v1/api-tokens", RN_ACCESS_ADMIN, rn_api_api_tokens_list, NULL, NULL},
    {"POST", "/api/v1/api-tokens", RN_ACCESS_ADMIN, rn_api_api_tokens_create,
     FIELDS("name", "role", "lifetime_seconds"), NULL},
    {"DELETE", "/api/v1/api-tokens/{name}", RN_ACCESS_ADMIN, rn_api_api_token_delete, NULL, NULL},
    {"GET", "/api/v1/hubs", RN_ACCESS_VIEWER, rn_api_hubs, NULL, NULL},
    {"GET", "/api/v1/hubs/{name}", RN_ACCESS_VIEWER, rn_api_hub_get, NULL, NULL},
    {"POST", "/api/v1/hubs/{name}", RN_ACCESS_ADMIN, rn_api_hub_configure,
     FIELDS("hub_id", "hub_name", "hub_type", "parent_hub", "ends", "network_config", "security_config",
	    "performance_config"),
     NULL},
    {"GET", "/api/v1/adapters/{name}", RN_ACCESS_VIEWER, rn_api_adapter_get, NULL, NULL},
    {"POST", "/api/v1/adapters/{name}", RN_ACCESS_ADMIN, rn_api_adapter_configure,
     FIELDS("adapter_id", "adapter_name", "client_type", "virtual_ip", "virtual_ipv4", "subnet_mask", "gateway",
	    "dns_servers", "target_hub", "fallback_hubs", "auto_connect", "reconnect_on_failure", "certificate_path",
	    "key_path", "trusted_cas", "mtu", "keep_alive_interval", "compression_level"),
     NULL},
    {"GET", "/api/v1/identities", RN_ACCESS_VIEWER, rn_api_identities, NULL, NULL},
    {"GET", "/api/v1/events", RN_ACCESS_VIEWER, rn_api_events, NULL, FIELDS("after", "limit")},
    {"GET", "/api/v1/metrics", RN_ACCESS_VIEWER, rn_api_metrics, NULL, NULL},
    {"GET", "/api/v1/tokens", RN_ACCESS_OPERATOR, rn_api_tokens_list, NULL, NULL},
    {"DELETE", "/api/v1/tokens/{name}", RN_ACCESS_OPERATOR, rn_api_token_delete, NULL, NULL},
    {"POST", "/api/v1/link", RN_ACCESS_ROOT, rn_api_link, FIELDS("up"), NULL},
    {"POST", "/api/v1/tokens", RN_ACCESS_OPERATOR, rn_api_tokens_create,
     FIELDS("client_type", "hub_type", "name", "owner", "hub", "fallback_hubs", "parent_hub", "ends", "tags",
	    "lifetime_seconds"),
     NULL},
    {"GET", "/api/v1/devices", RN_ACCESS_VIEWER, rn_api_devices_list, NULL, FIELDS("after", "limit")},
    {"POST", "/api/v1/devices", RN_ACCESS_OPERATOR, rn_api_devices_add,
     FIELDS("client_type", "name", "owner", "hub", "tags", "wireguard_public_key"), NULL},
    {"GET", "/api/v1/devices/{name}", RN_ACCESS_VIEWER, rn_api_device_get, NULL, NULL},
    {"POST", "/api/v1/devices/{name}/quarantine", RN_ACCESS_OPERATOR, rn_api_device_quarantine, FIELDS("on"), NULL},
    {"POST", "/api/v1/devices/{name}/trust", RN_ACCESS_OPERATOR, rn_api_device_trust, FIELDS("trust_score"), NULL},
    {"POST", "/api/v1/devices/{name}/revoke", RN_ACCESS_ADMIN, rn_api_device_revoke, NULL, NULL},
    {"GET", "/api/v1/policy", RN_ACCESS_VIEWER, rn_api_policy_get, NULL, NULL},
    {"PUT", "/api/v1/policy", RN_ACCESS_ADMIN, rn_api_policy_set, FIELDS("text", "comment", "based_on"), NULL},
    {"POST", "/api/v1/policy/check", RN_ACCESS_VIEWER, rn_api_policy_check, FIELDS("text", "changes"), NULL},
    {"POST", "/api/v1/policy/rollback", RN_ACCESS_ADMIN, rn_api_policy_rollback,
     FIELDS("version", "comment", "based_on"), NULL},
    {"GET", "/api/v1/policy/history", RN_ACCESS_VIEWER, rn_api_policy_history, NULL, FIELDS("before", "limit")},
    {"GET", "/api/v1/policy/history/{name}", RN_ACCESS_VIEWER, rn_api_policy_version, NULL, NULL},
    {"GET", "/api/v1/policy/drafts", RN_ACCESS_VIEWER, rn_api_drafts_list, NULL, NULL},
    {"GET", "/api/v1/policy/drafts/{name}", RN_ACCESS_VIEWER, rn_api_draft_get, NULL, NULL},
    {"PUT", "/api/v1/policy/drafts/{name}", RN_ACCESS_OPERATOR, rn_api_draft_put, FIELDS("text", "comment", "based_on"),
     NULL},
    {"DELETE", "/api/v1/policy/drafts/{name}", RN_ACCESS_OPERATOR, rn_api_draft_delete, NULL, NULL},
    {"POST", "/api/v1/policy/drafts/{name}/publish", RN_ACCESS_ADMIN, rn_api_draft_publish, FIELDS("comment"), NULL},
    {"POST", "/api/v1/explain", RN_ACCESS_VIEWER, rn_api_explain,
     FIELDS("source", "destination", "protocol", "port", "at"), NULL},
    {"GET", "/api/v1/flows", RN_ACCESS_VIEWER, rn_api_flows_list, NULL, FIELDS("after", "limit", "latest")},
    {"GET", "/api/v1/flows/stream", RN_ACCESS_VIEWER, rn_api_flows_stream, NULL, FIELDS("after")},
    {"GET", "/api/v1/flows/recorded", RN_ACCESS_VIEWER, rn_api_recorded, NULL,
     FIELDS("before", "limit", "hours", "source", "destination", "owner", "hub", "rule", "observed", "verdict",
	    "protocol", "port")},
    {"POST", "/api/v1/policy/replay", RN_ACCESS_VIEWER, rn_api_policy_replay, FIELDS("text"), FIELDS("hours")},
    {"GET", "/api/v1/policy/observed", RN_ACCESS_VIEWER, rn_api_policy_observed, NULL, FIELDS("hours")},
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

/* Whoever takes a policy's text takes a large one. */
static bool takes_large(const struct rn_route *route)
{
	for (const char *const *field = route->fields; field && *field; field++)
		if (strcmp(*field, "text") == 0)
			return true;
	return false;
}

static int check_body(struct rn_api_call *call)
{
	struct rn_api_request *request = call->request;
	const unsigned flags = takes_large(call->route) ? RN_JSON_LARGE : 0;
	struct rn_err err = {""};

	if (!call->route->fields) {
		if (request->size == 0)
			return 0;
		rn_api_refuse(call, 400, "invalid", "this request takes no body");
		return -EINVAL;
	}
	call->body = rn_json_parse(request->size ? request->body : "", request->size, flags, &err);
	request->door->drop(request);
	if (call->body && rn_json_type(call->body) != RN_JSON_OBJECT)
		rn_fail(&err, -EINVAL, "the body must be a JSON object");
	else if (call->body && rn_json_only(call->body, call->route->fields, &err) == 0)
		return 0;
	rn_api_fail(call, -EINVAL, &err);
	return -EINVAL;
}

/* Who calls; a credential that is not good makes a stranger. */
static void identify(struct rn_api_call *call)
{
	const struct rn_api_request *request = call->request;

	if (request->root)
		rn_principal_root(&call->who);
	else if (rn_core_authenticate(call->core, request->cookie, request->bearer, &call->who) < 0)
		call->who = (struct rn_principal){.access = RN_ACCESS_NONE, .actor = "nobody"};
}

/* 0, or the call has been answered. */
static int check_access(struct rn_api_call *call)
{
	const struct rn_api_request *request = call->request;
	enum rn_access needed = call->route->access;

	if (needed == RN_ACCESS_NONE)
		return 0;
	if (call->who.access == RN_ACCESS_NONE)
		rn_api_refuse(call, 401, "unauthorized", "sign in, or send an API token as a bearer");
	else if (call->who.session && strcmp(request->method, "GET") != 0 &&
		 !rn_principal_csrf(&call->who, request->csrf))
		rn_api_refuse(call, 403, "csrf", "the header X-Rnaut-Csrf is not this session's: load the page again");
	else if (call->who.access < needed)
		rn_api_refuse(call, 403, "forbidden", "this takes the role %s", rn_access_name(needed));
	else
		return 0;
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
	if (check_route(call) < 0)
		return NULL;
	identify(call);
	if (check_access(call) < 0)
		return NULL;
	if (call->name[0] && !rn_name_valid(call->name)) {
		rn_api_refuse(call, 404, "not_found", "nothing can have that name");
		return NULL;
	}
	return call;
}

/* Who may only look may not have core work for seconds either. */
static bool may_send_large(const struct rn_api_call *call)
{
	return takes_large(call->route) && call->who.access >= RN_ACCESS_OPERATOR;
}

size_t rn_api_body_max(const struct rn_api_call *call)
{
	if (call->route->access == RN_ACCESS_NONE)
		return RN_WEB_STRANGER_BODY_MAX;
	return may_send_large(call) ? RN_WEB_LARGE_BODY_MAX : RN_WEB_BODY_MAX;
}

size_t rn_api_body_max_of(const char *method, const char *path)
{
	char name[RN_NAME_MAX + 1], allow[64];
	const struct rn_route *route = find(method, path, name, allow, sizeof(allow));

	return route && takes_large(route) ? RN_WEB_LARGE_BODY_MAX : RN_WEB_BODY_MAX;
}

/* A body may be slow: who was let in with its head may not be by its end. */
static bool still_good(struct rn_api_call *call)
{
	return call->route->access == RN_ACCESS_NONE || rn_core_still(call->core, &call->who);
}

static void refuse_size(struct rn_api_call *call)
{
	size_t most = rn_api_body_max(call);

	if (takes_large(call->route) && !may_send_large(call))
		rn_api_refuse(call, 413, "too_large",
			      "the role %s may send a body of %zu bytes at most: a larger policy takes the role %s",
			      rn_access_name(call->who.access), most, rn_access_name(RN_ACCESS_OPERATOR));
	else
		rn_api_refuse(call, 413, "too_large", "the body is larger than %zu bytes", most);
}

void rn_api_handle(struct rn_api_call *call)
{
	struct rn_core *core = call->core;

	if (call->request->too_large)
		refuse_size(call);
	else if (!still_good(call))
		rn_api_refuse(call, 401, "unauthorized", "this session has ended: sign in again");
	else if (check_query(call) == 0 && check_body(call) == 0) {
		rn_core_act_as(core, call->who.actor);
		call->route->handle(call);
		rn_core_act_as(core, "");
	}
}
