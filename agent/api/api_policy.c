/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "service/core_history.h"

static void add_version(struct rn_json *root, const char *key, uint64_t version)
{
	if (version)
		rn_json_add_u64(root, key, version);
	else
		rn_json_add_text(root, key, NULL);
}

struct rn_json *rn_api_policy_json(const struct rn_core_policy *policy)
{
	struct rn_json *root = rn_json_object();

	rn_json_add_u64(root, "version", policy->version);
	rn_api_add_time(root, "stored", policy->stored);
	rn_json_add_text(root, "author", policy->author[0] ? policy->author : NULL);
	rn_json_add_text(root, "comment", policy->comment);
	add_version(root, "rolled_back_to", policy->origin);
	rn_json_add_u64(root, "bytes", policy->size);
	if (policy->text)
		rn_json_add_text(root, "text", policy->text);
	return root;
}

void rn_api_policy_get(struct rn_api_call *call)
{
	struct rn_core_policy policy;
	struct rn_err err = {""};
	int code = rn_core_policy_get(call->core, &policy, &err);

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer(call, 200, rn_api_policy_json(&policy));
}

/* ---- one is set ---- */

struct rn_api_policy_wait *rn_api_policy_wait(struct rn_api_call *call)
{
	struct rn_api_policy_wait *wait = calloc(1, sizeof(*wait));

	if (wait)
		wait->call = call;
	else
		rn_api_fail(call, -ENOMEM, NULL);
	return wait;
}

void rn_api_policy_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs,
			unsigned hub_count)
{
	struct rn_api_policy_wait *wait = context;
	struct rn_json *root;

	if (code < 0) {
		rn_api_fail(wait->call, code, err);
	} else {
		root = rn_json_object();
		rn_json_add_u64(root, "version", wait->version);
		rn_json_add(root, "enforced", rn_api_enforced(hubs, hub_count));
		rn_api_answer(wait->call, 200, root);
	}
	free(wait);
}

int rn_api_policy_words(struct rn_api_call *call, const char **ret_comment, uint64_t *ret_based_on)
{
	int64_t based_on = 0;

	if (rn_api_text(call, "comment", ret_comment) < 0 || rn_api_int(call, "based_on", 1, INT64_MAX, &based_on) < 0)
		return -EINVAL;
	*ret_based_on = (uint64_t)based_on;
	return 0;
}

void rn_api_policy_set(struct rn_api_call *call)
{
	struct rn_core_policy_new new = {0};
	struct rn_api_policy_wait *wait;
	struct rn_json *body;

	if (rn_api_need_text(call, "text", &new.text) < 0 ||
	    rn_api_policy_words(call, &new.comment, &new.based_on) < 0)
		return;
	wait = rn_api_policy_wait(call);
	if (!wait)
		return;
	new.size = strlen(new.text);
	new.ret_version = &wait->version;
	/* Its text is not kept while hubs are waited for. The call may be gone after it. */
	body = call->body;
	call->body = NULL;
	rn_core_policy_set(call->core, &new, rn_api_policy_done, wait);
	rn_json_free(body);
}

void rn_api_policy_rollback(struct rn_api_call *call)
{
	struct rn_core_policy_new new = {0};
	struct rn_api_policy_wait *wait;
	int64_t version;

	if (rn_api_need_int(call, "version", 1, INT64_MAX, &version) < 0 ||
	    rn_api_policy_words(call, &new.comment, &new.based_on) < 0)
		return;
	wait = rn_api_policy_wait(call);
	if (!wait)
		return;
	new.origin = (uint64_t)version;
	new.ret_version = &wait->version;
	rn_core_policy_rollback(call->core, &new, rn_api_policy_done, wait);
}

/* ---- one is looked at ---- */

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
