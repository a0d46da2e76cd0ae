/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "service/core_history.h"
#include "service/core_review.h"

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
	rn_api_cancel_by(call, wait);
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
	rn_api_cancel_by(call, wait);
	rn_core_policy_rollback(call->core, &new, rn_api_policy_done, wait);
}

/* ---- one is looked at ---- */

struct looking {
	struct rn_api_call *call;
	struct rn_core_review review;
	struct rn_json *findings, *tests, *changes;
};

static void add_place(struct rn_json *object, unsigned line, unsigned column, const char *sentence)
{
	rn_json_add_u64(object, "line", line);
	rn_json_add_u64(object, "column", column);
	rn_json_add_text(object, "sentence", sentence);
}

static void append_finding(void *context, const struct rn_policy_finding *f, const char *rule, const char *other)
{
	struct rn_json *finding = rn_json_object();
	struct looking *looking = context;

	rn_json_add_text(finding, "kind", rn_policy_finding_name(f->kind));
	rn_json_add_text(finding, "rule", rule[0] ? rule : NULL);
	rn_json_add_text(finding, "other_rule", other[0] ? other : NULL);
	add_place(finding, f->line, f->column, f->text);
	rn_json_append(looking->findings, finding);
}

static void append_test(void *context, const struct rn_test_result *result)
{
	struct rn_json *test = rn_json_object();
	struct looking *looking = context;

	rn_json_add_text(test, "id", result->test->id);
	rn_json_add_bool(test, "passed", result->passed);
	add_place(test, result->test->line, result->test->column, result->text);
	rn_json_append(looking->tests, test);
}

static void append_change(void *context, const struct rn_difference *d)
{
	static const char *const kinds[] = {
	    [RN_DIFFERENCE_RULE] = "rule", [RN_DIFFERENCE_LOSES] = "loses", [RN_DIFFERENCE_GAINS] = "gains"};
	struct rn_json *change = rn_json_object();
	struct looking *looking = context;

	rn_json_add_text(change, "kind", kinds[d->kind]);
	rn_json_add_u64(change, "sources", d->sources);
	rn_json_add_u64(change, "destinations", d->destinations);
	rn_json_add_text(change, "sentence", d->text);
	rn_json_append(looking->changes, change);
}

/* What would change is worth telling of one that could be set. */
static struct rn_json *looked_json(struct looking *looking, int code, const struct rn_err *err)
{
	struct rn_json *root = rn_json_object(), *none = rn_json_array();

	rn_json_add_bool(root, "valid", code == 0);
	rn_json_add_text(root, "message", code == 0 ? NULL : err->text);
	rn_json_add(root, "findings", looking->findings);
	rn_json_add(root, "tests", looking->tests);
	rn_json_add(root, "changes", code == 0 ? looking->changes : none);
	rn_json_free(code == 0 ? none : looking->changes);
	rn_json_add_bool(root, "complete", !looking->review.incomplete);
	return root;
}

static void looked(void *context, int code, const struct rn_err *err)
{
	struct looking *looking = context;
	struct rn_json *root = looked_json(looking, code, err);

	if (code == 0 || code == -EINVAL || code == -EMSGSIZE) {
		rn_api_answer(looking->call, 200, root);
	} else {
		rn_json_free(root);
		rn_api_fail(looking->call, code, err);
	}
	free(looking);
}

static void look(struct rn_api_call *call, const char *text, bool changes)
{
	struct looking *looking = calloc(1, sizeof(*looking));
	struct rn_json *body = call->body;

	if (!looking) {
		rn_api_fail(call, -ENOMEM, NULL);
		return;
	}
	*looking = (struct looking){call,
				    {.context = looking,
				     .finding = append_finding,
				     .test = append_test,
				     .change = changes ? append_change : NULL},
				    rn_json_array(),
				    rn_json_array(),
				    rn_json_array()};
	call->body = NULL; /* core has a copy of the text, and the call may be gone after this */
	rn_api_cancel_by(call, looking);
	rn_core_policy_review(call->core, text, strlen(text), &looking->review, looked, looking);
	rn_json_free(body);
}

void rn_api_policy_check(struct rn_api_call *call)
{
	bool changes = false;
	const char *text;

	if (rn_api_need_text(call, "text", &text) == 0 && rn_api_bool(call, "changes", &changes) == 0)
		look(call, text, changes);
}
