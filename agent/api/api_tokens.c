/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "domain/policy.h"

static int request_kind(struct rn_api_call *call, enum rn_kind *ret)
{
	const char *client = NULL, *hub = NULL;
	enum rn_kind kind;

	if (rn_api_text(call, "client_type", &client) < 0 || rn_api_text(call, "hub_type", &hub) < 0)
		return -EINVAL;
	if (!client == !hub) {
		rn_api_refuse(call, 400, "invalid", "exactly one of \"client_type\" and \"hub_type\" is needed");
		return -EINVAL;
	}
	if (rn_kind_parse(client ? client : hub, &kind) == 0 && rn_kind_is_hub(kind) == (hub != NULL)) {
		*ret = kind;
		return 0;
	}
	rn_api_refuse(call, 400, "invalid",
		      client ? "\"client_type\" must be desktop, mobile, server or iot"
			     : "\"hub_type\" must be regional, departmental or project");
	return -EINVAL;
}

static int request_tags(struct rn_api_call *call, struct rn_core_token_request *ret)
{
	const struct rn_json *tags = rn_json_get(call->body, "tags"), *tag;

	if (!tags)
		return 0;
	if (rn_json_type(tags) != RN_JSON_ARRAY || rn_json_count(tags) > RN_SELECTORS_MAX) {
		rn_api_refuse(call, 400, "invalid", "\"tags\" must be a list of at most %d names", RN_SELECTORS_MAX);
		return -EINVAL;
	}
	for (tag = rn_json_first(tags); tag; tag = rn_json_next(tag)) {
		if (rn_json_type(tag) != RN_JSON_STRING || !rn_name_valid(rn_json_text(tag))) {
			rn_api_refuse(call, 400, "invalid",
				      "a tag must be a name: a to z, 0 to 9, dot, dash and underscore");
			return -EINVAL;
		}
		ret->tags[ret->tag_count++] = rn_json_text(tag);
	}
	return 0;
}

int rn_api_hub_list(struct rn_api_call *call, const char *key, const struct rn_json *list,
		    const char *ret[RN_HOMES_MAX], unsigned *ret_count)
{
	bool good = rn_json_type(list) == RN_JSON_ARRAY && rn_json_count(list) < RN_HOMES_MAX;

	*ret_count = 0;
	for (const struct rn_json *hub = good ? rn_json_first(list) : NULL; hub && good; hub = rn_json_next(hub)) {
		good = rn_json_type(hub) == RN_JSON_STRING && rn_name_valid(rn_json_text(hub));
		ret[(*ret_count)++] = good ? rn_json_text(hub) : "";
	}
	if (good)
		return 0;
	rn_api_refuse(call, 400, "invalid", "\"%s\" must be a list of at most %d names of hubs", key, RN_HOMES_MAX - 1);
	return -EINVAL;
}

/* A hub has a parent, and an end where it is a project's; other devices have a hub. */
static int request_place(struct rn_api_call *call, struct rn_core_token_request *ret)
{
	const struct rn_json *fallbacks = rn_json_get(call->body, "fallback_hubs");
	bool hub = rn_kind_is_hub(ret->kind);
	const char *wrong = hub && fallbacks			    ? "fallback_hubs"
			    : hub				    ? rn_json_get(call->body, "hub") ? "hub" : NULL
			    : rn_json_get(call->body, "parent_hub") ? "parent_hub"
			    : rn_json_get(call->body, "ends")	    ? "ends"
								    : NULL;

	if (wrong) {
		rn_api_refuse(call, 400, "invalid",
			      hub ? "a hub has no \"%s\": the hub above it is its \"parent_hub\""
				  : "\"%s\" is for hubs; other devices have a \"hub\"",
			      wrong);
		return -EINVAL;
	}
	if (rn_api_name(call, hub ? "parent_hub" : "hub", ret->hub) < 0)
		return -EINVAL;
	if (fallbacks && rn_api_hub_list(call, "fallback_hubs", fallbacks, ret->fallbacks, &ret->fallback_count) < 0)
		return -EINVAL;
	return rn_api_moment(call, "ends", &ret->ends);
}

int rn_api_device_request(struct rn_api_call *call, struct rn_core_token_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (request_kind(call, &ret->kind) < 0 || rn_api_name(call, "name", ret->name) < 0 ||
	    rn_api_name(call, "owner", ret->owner) < 0 || request_place(call, ret) < 0)
		return -EINVAL;
	return request_tags(call, ret);
}

static void created(void *context, int code, const struct rn_err *err, const struct rn_core_token *token)
{
	struct rn_api_call *call = context;
	struct rn_json *root;
	char id[24];

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	snprintf(id, sizeof(id), "%" PRIu64, token->id);
	rn_json_add_text(root, "id", id);
	rn_json_add_text(root, "token", token->token);
	rn_api_add_time(root, "expires", token->expires);
	rn_api_answer(call, 201, root);
}

void rn_api_tokens_create(struct rn_api_call *call)
{
	struct rn_core_token_request request;
	int64_t lifetime = 3600;

	if (rn_api_device_request(call, &request) < 0 ||
	    rn_api_int(call, "lifetime_seconds", 60, 30 * 86400, &lifetime) < 0)
		return;
	request.lifetime_s = lifetime;
	rn_core_token_create(call->core, &request, created, call);
}

static void add_tags(struct rn_json *object, const char *tags)
{
	struct rn_json *list = rn_json_array();
	char tag[RN_NAME_MAX + 1];

	while (*tags) {
		size_t length = strcspn(tags, "\n");

		snprintf(tag, sizeof(tag), "%.*s", (int)length, tags);
		rn_json_append_text(list, tag);
		tags += length + (tags[length] == '\n');
	}
	rn_json_add(object, "tags", list);
}

static void add_name(struct rn_json *object, const char *key, const char *name)
{
	rn_json_add_text(object, key, name[0] ? name : NULL);
}

static void append(void *context, const struct rn_core_token_info *info)
{
	struct rn_json *token = rn_json_object(), *fallbacks = rn_json_array();
	char id[24];

	snprintf(id, sizeof(id), "%" PRIu64, info->id);
	rn_json_add_text(token, "id", id);
	rn_api_add_kind(token, info->kind);
	add_name(token, "name", info->name);
	add_name(token, "owner", info->owner);
	add_name(token, "hub", rn_kind_is_hub(info->kind) ? "" : info->hub);
	add_name(token, "parent_hub", rn_kind_is_hub(info->kind) ? info->hub : "");
	for (unsigned i = 0; i < info->fallback_count; i++)
		rn_json_append_text(fallbacks, info->fallbacks[i]);
	rn_json_add(token, "fallback_hubs", fallbacks);
	rn_api_add_time(token, "ends", info->ends);
	add_tags(token, info->tags);
	rn_api_add_time(token, "expires", info->expires);
	rn_api_add_time(token, "used", info->used);
	add_name(token, "device", info->device);
	rn_json_append(context, token);
}

void rn_api_tokens_list(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "tokens", list, rn_core_tokens(call->core, append, list, &err), &err);
}

void rn_api_token_delete(struct rn_api_call *call)
{
	struct rn_err err = {""};
	unsigned long long id;
	char *end;
	int code;

	errno = 0;
	id = strtoull(call->name, &end, 10);
	if (*end || errno || id > INT64_MAX) {
		rn_api_refuse(call, 404, "not_found",
			      "an enrolment token's id is a number: GET /api/v1/tokens lists them");
		return;
	}
	code = rn_core_token_delete(call->core, id, &err);
	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer_nothing(call, NULL);
}
