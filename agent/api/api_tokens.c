/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

int rn_api_device_request(struct rn_api_call *call, struct rn_core_token_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (request_kind(call, &ret->kind) < 0 || rn_api_name(call, "name", ret->name) < 0 ||
	    rn_api_name(call, "owner", ret->owner) < 0 || rn_api_name(call, "hub", ret->hub) < 0)
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
