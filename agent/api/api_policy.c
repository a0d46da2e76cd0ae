/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "api/resources.h"

void rn_api_policy_get(struct rn_api_call *call)
{
	struct rn_core_policy policy;
	struct rn_err err = {""};
	struct rn_json *root;
	int code = rn_core_policy_get(call->core, &policy, &err);

	if (code < 0) {
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add_u64(root, "version", policy.version);
	rn_api_add_time(root, "stored", policy.stored);
	rn_json_add_text(root, "text", policy.text);
	rn_api_answer(call, 200, root);
}

void rn_api_policy_set(struct rn_api_call *call)
{
	const char *text;

	if (rn_api_need_text(call, "text", &text) == 0)
		rn_core_policy_set(call->core, text, strlen(text), rn_api_done, call);
}

void rn_api_policy_check(struct rn_api_call *call)
{
	struct rn_err err = {""};
	struct rn_json *root;
	const char *text;
	int code;

	if (rn_api_need_text(call, "text", &text) < 0)
		return;
	code = rn_core_policy_check(call->core, text, strlen(text), &err);
	if (code < 0 && code != -EINVAL && code != -EMSGSIZE) {
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add_bool(root, "valid", code == 0);
	rn_json_add_text(root, "message", code == 0 ? NULL : err.text);
	rn_api_answer(call, 200, root);
}
