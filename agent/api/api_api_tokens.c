/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

/* Tokens of programs that call this API; those with which devices join are in api_tokens.c. */
#define LIFETIME_DEFAULT_S (90 * 86400)

static void append(void *context, const struct rn_core_api_token *row)
{
	struct rn_json *token = rn_json_object();

	rn_json_add_text(token, "id", row->id);
	rn_json_add_text(token, "name", row->name);
	rn_json_add_text(token, "role", rn_access_name(row->role));
	rn_api_add_time(token, "created", row->created);
	rn_api_add_time(token, "expires", row->expires);
	rn_api_add_time(token, "last_used", row->used);
	rn_json_append(context, token);
}

void rn_api_api_tokens_list(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "api_tokens", list, rn_core_api_tokens(call->core, append, list, &err), &err);
}

void rn_api_api_tokens_create(struct rn_api_call *call)
{
	char name[RN_NAME_MAX + 1], secret[RN_API_TOKEN_TEXT];
	int64_t lifetime = LIFETIME_DEFAULT_S;
	struct rn_core_api_token token;
	struct rn_err err = {""};
	struct rn_json *root;
	enum rn_access role;
	int code;

	if (rn_api_need_name(call, "name", name) < 0 || rn_api_role(call, &role) < 0 ||
	    rn_api_int(call, "lifetime_seconds", 3600, 365 * 86400, &lifetime) < 0)
		return;
	code = rn_core_api_token_create(call->core, name, role, lifetime, &token, secret, &err);
	if (code < 0) {
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add_text(root, "id", token.id);
	rn_json_add_text(root, "token", secret);
	rn_api_add_time(root, "expires", token.expires);
	rn_wipe(secret, sizeof(secret));
	rn_api_answer(call, 201, root);
}

void rn_api_api_token_delete(struct rn_api_call *call)
{
	struct rn_err err = {""};
	int code = rn_core_api_token_delete(call->core, call->name, &err);

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer_nothing(call, NULL);
}
