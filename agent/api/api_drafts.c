/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "api/resources.h"
#include "service/core_history.h"

static struct rn_json *draft_json(const struct rn_core_draft *draft)
{
	struct rn_json *root = rn_json_object();

	rn_json_add_text(root, "name", draft->name);
	rn_json_add_u64(root, "based_on", draft->based_on);
	rn_api_add_time(root, "stored", draft->stored);
	rn_json_add_text(root, "author", draft->author);
	rn_json_add_text(root, "comment", draft->comment);
	rn_json_add_u64(root, "bytes", draft->size);
	if (draft->text)
		rn_json_add_text(root, "text", draft->text);
	return root;
}

static void append(void *context, const struct rn_core_draft *draft)
{
	rn_json_append(context, draft_json(draft));
}

void rn_api_drafts_list(struct rn_api_call *call)
{
	struct rn_json *list = rn_json_array();
	struct rn_err err = {""};

	rn_api_answer_list(call, "drafts", list, rn_core_drafts(call->core, append, list, &err), &err);
}

static void take(void *context, const struct rn_core_draft *draft)
{
	struct rn_json **ret = context;

	*ret = draft_json(draft);
}

void rn_api_draft_get(struct rn_api_call *call)
{
	struct rn_json *root = NULL;
	struct rn_err err = {""};
	int code = rn_core_draft(call->core, call->name, take, &root, &err);

	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer(call, 200, root);
}

static void finish(struct rn_api_call *call, int code, const struct rn_err *err)
{
	if (code < 0)
		rn_api_fail(call, code, err);
	else
		rn_api_answer_nothing(call, NULL);
}

void rn_api_draft_put(struct rn_api_call *call)
{
	struct rn_core_draft draft = {.name = call->name};
	struct rn_err err = {""};

	if (rn_api_need_text(call, "text", &draft.text) < 0 ||
	    rn_api_policy_words(call, &draft.comment, &draft.based_on) < 0)
		return;
	draft.size = strlen(draft.text);
	finish(call, rn_core_draft_put(call->core, &draft, &err), &err);
}

void rn_api_draft_delete(struct rn_api_call *call)
{
	struct rn_err err = {""};
	int code = rn_core_draft_delete(call->core, call->name, &err);

	finish(call, code, &err);
}

void rn_api_draft_publish(struct rn_api_call *call)
{
	struct rn_api_policy_wait *wait;
	const char *comment = NULL;

	if (rn_api_text(call, "comment", &comment) < 0)
		return;
	wait = rn_api_policy_wait(call);
	if (!wait)
		return;
	rn_api_cancel_by(call, wait);
	rn_core_draft_publish(call->core, call->name, comment, &wait->version, rn_api_policy_done, wait);
}
