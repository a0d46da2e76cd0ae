// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "domain/policy.h"
#include "domain/policy_ids.h"
#include "domain/policy_text.h"

int rn_tags_read(struct rn_policy_reading *r, const struct rn_json *root)
{
	struct rn_policy_model *model = r->model;
	const struct rn_json *tags;
	uint32_t first;
	int code = rn_list_read(root, "tags", RN_POLICY_TAGS_MAX, NULL, &tags, r->err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	code = rn_names_read(tags, "a tag", &model->tags, &model->tag_count, r->err);
	if (code < 0)
		return code;
	r->tags.list = rn_list_room(tags, sizeof(*r->tags.list), r->err);
	if (!r->tags.list)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->tag_count; i++)
		r->tags.list[i] = (struct rn_named){.name = model->tags[i], .place = i};
	r->tags.count = model->tag_count;
	(void)rn_named_sort(&r->tags, &first);
	return 0;
}

/* ---- a rule ---- */

static int read_id(struct rn_policy_reading *r, const struct rn_json *node, struct rn_access_policy *rule)
{
	const struct rn_json *id = rn_json_get(node, "id");
	char good[RN_NAME_MAX + 1];

	if (!id)
		return rn_json_fail(node, r->err, "this rule has no \"id\"; give it a short name of its own");
	rule->id = rn_json_text(id);
	return rn_name_read(id, "a rule", good, r->err);
}

static int read_action(const struct rn_json *node, struct rn_access_policy *rule, struct rn_err *err)
{
	const char *action;
	int code = rn_json_get_text(node, "action", &action, err);

	if (code == -ENOENT)
		return rn_json_fail(node, err, "this rule has no \"action\"; write \"allow\" or \"deny\"");
	if (code < 0)
		return code;
	rule->deny = strcmp(action, "deny") == 0;
	if (!rule->deny && strcmp(action, "allow") != 0)
		return rn_json_fail(rn_json_get(node, "action"), err,
				    "\"action\" is \"%.32s\"; write \"allow\" or \"deny\"", action);
	return 0;
}

static int read_comment(const struct rn_json *node, struct rn_access_policy *rule, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(node, "comment", &text, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (strlen(text) > RN_POLICY_COMMENT_MAX)
		return rn_json_fail(rn_json_get(node, "comment"), err, "the comment has %zu bytes, but at most %u fit",
				    strlen(text), RN_POLICY_COMMENT_MAX);
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return rn_json_fail(rn_json_get(node, "comment"), err,
					    "the comment has a control character; write it in one line of text");
	rule->comment = strdup(text);
	return rule->comment ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

static int read_words(struct rn_policy_reading *r, const struct rn_json *node, struct rn_access_policy *rule)
{
	int code = read_id(r, node, rule);

	if (code == 0)
		code = read_comment(node, rule, r->err);
	if (code == 0)
		code = read_action(node, rule, r->err);
	if (code == 0)
		code = rn_json_get_bool(node, "log", &rule->log, r->err);
	if (code == 0 || code == -ENOENT)
		code = rn_json_get_bool(node, "observe", &rule->observe, r->err);
	return code == -ENOENT ? 0 : code;
}

static int read_parts(struct rn_policy_reading *r, const struct rn_json *node, struct rn_access_policy *rule)
{
	static const char *const names[] = {"id",     "comment", "source_criteria", "destination_criteria", "services",
					    "action", "log",	 "observe",	    "conditions",	    NULL};
	int code;

	if (rn_json_type(node) != RN_JSON_OBJECT)
		return rn_json_fail(node, r->err, "a rule must be an object in { }");
	code = rn_json_only(node, names, r->err);
	if (code == 0)
		code = read_words(r, node, rule);
	if (code == 0)
		code = rn_criteria_read(r, node, false, &rule->source);
	if (code == 0)
		code = rn_criteria_read(r, node, true, &rule->destination);
	if (code == 0)
		code = rn_services_read(node, &rule->services, &rule->service_count, r->err);
	return code < 0 ? code : rn_conditions_read(node, rule, r->err);
}

int rn_rule_read(struct rn_policy_reading *r, const struct rn_json *node, const char *text,
		 const struct rn_rule_extent *extent, struct rn_access_policy *rule)
{
	static const struct rn_rule_extent unknown;
	int code = read_parts(r, node, rule);

	if (code < 0) {
		rn_rule_drop(rule);
		return code;
	}
	if (rn_rule_pack(rule, text, extent ? extent : &unknown) < 0)
		return rn_fail(r->err, -ENOMEM, "out of memory");
	return 0;
}

/* No two rules have one id. */
static int check_ids(struct rn_policy_reading *r, const struct rn_json *rules)
{
	const struct rn_json *n = rn_json_first(rules);
	uint32_t twice, first;

	r->model->ids = rn_rule_ids_new(r->model->rules, r->model->rule_count, &twice, &first);
	if (r->model->ids)
		return 0;
	if (twice == UINT32_MAX)
		return rn_fail(r->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < twice; i++)
		n = rn_json_next(n);
	return rn_json_fail(rn_json_get(n, "id"), r->err, "the id \"%s\" is that of rule %u already",
			    r->model->rules[twice].id, first + 1);
}

static int read_rule(struct rn_policy_reading *r, const struct rn_json *node)
{
	struct rn_access_policy *rule = &r->model->rules[r->model->rule_count];
	int code;

	rule->number = r->model->rule_count + 1;
	rn_json_where(node, &rule->line, &rule->column);
	code = rn_rule_read(r, node, NULL, NULL, rule);
	r->model->rule_count += code == 0;
	return code;
}

static int read_rules(struct rn_policy_reading *r, const struct rn_json *root)
{
	const struct rn_json *rules;
	int code = rn_list_read(root, "rules", RN_POLICY_RULES_MAX, NULL, &rules, r->err);

	if (code == -ENOENT)
		return rn_json_fail(root, r->err, "a policy needs \"rules\"; write \"rules\": [] to deny everything");
	if (code < 0)
		return code;
	r->model->rules = rn_list_room(rules, sizeof(*r->model->rules), r->err);
	if (!r->model->rules)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(rules); n && code == 0; n = rn_json_next(n))
		code = read_rule(r, n);
	return code < 0 ? code : check_ids(r, rules);
}

/* ---- the document ---- */

static int read_policy(struct rn_policy_reading *r, const struct rn_json *root)
{
	static const char *const names[] = {"groups", "tags", "rules", "tests", NULL};
	int code;

	if (rn_json_type(root) != RN_JSON_OBJECT)
		return rn_json_fail(root, r->err,
				    "a policy is an object, {\"groups\": {}, \"tags\": [], \"rules\": []}");
	code = rn_json_only(root, names, r->err);
	if (code == 0)
		code = rn_groups_read(r, root);
	if (code == 0)
		code = rn_tags_read(r, root);
	if (code == 0)
		code = read_rules(r, root);
	return code < 0 ? code : rn_tests_read(r, root);
}

struct rn_policy_model *rn_policy_parse_whole(const char *text, size_t size, struct rn_err *err)
{
	struct rn_policy_reading r = {.err = err};
	struct rn_json *root;

	if (size > RN_POLICY_TEXT_MAX) {
		rn_fail(err, -EINVAL, "line 1, column 1: the policy has %zu bytes, but at most %u fit", size,
			RN_POLICY_TEXT_MAX);
		return NULL;
	}
	root = rn_json_parse(text, size, RN_JSON_COMMENTS | RN_JSON_LARGE, err);
	if (!root)
		return NULL;
	r.model = calloc(1, sizeof(*r.model));
	if (!r.model)
		rn_fail(err, -ENOMEM, "out of memory");
	if (r.model && read_policy(&r, root) < 0) {
		rn_policy_model_free(r.model);
		r.model = NULL;
	}
	free(r.groups.list);
	free(r.tags.list);
	rn_json_free(root);
	return r.model;
}

void rn_policy_model_free(struct rn_policy_model *model)
{
	if (!model)
		return;
	for (uint32_t i = 0; i < model->group_count; i++)
		free(model->groups[i].users);
	for (uint32_t i = 0; i < model->rule_count; i++)
		rn_rule_share_free(model->rules[i].share);
	rn_rule_ids_free(model->ids);
	rn_tests_free(model);
	free(model->groups);
	free(model->tags);
	free(model->rules);
	free(model);
}
