// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest.h"
#include "domain/policy.h"
#include "domain/policy_text.h"

/* 0, -ENOENT where absent, -EINVAL where it is no array or has more than max elements. */
static int get_array(const struct rn_json *object, const char *key, size_t max, const struct rn_json **ret,
		     struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(object, key);

	if (!n)
		return -ENOENT;
	if (rn_json_type(n) != RN_JSON_ARRAY)
		return rn_json_fail(n, err, "\"%s\" must be a list in [ ]", key);
	if (rn_json_count(n) > max)
		return rn_json_fail(n, err, "\"%s\" has %zu elements, but at most %zu fit", key, rn_json_count(n), max);
	*ret = n;
	return 0;
}

/* Zeroed memory for the children of n; never NULL for none. */
static void *room_for(const struct rn_json *n, size_t size, struct rn_err *err)
{
	void *memory = calloc(rn_json_count(n) + 1, size);

	if (!memory)
		rn_fail(err, -ENOMEM, "out of memory");
	return memory;
}

static bool among(const char (*names)[RN_NAME_MAX + 1], uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int read_names(const struct rn_json *array, const char *what, char (**ret)[RN_NAME_MAX + 1], uint32_t *ret_count,
		      struct rn_err *err)
{
	*ret = room_for(array, sizeof(**ret), err);
	if (!*ret)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(array); n; n = rn_json_next(n)) {
		char *name = (*ret)[*ret_count];

		if (rn_name_read(n, what, name, err) < 0)
			return -EINVAL;
		if (among((const char(*)[RN_NAME_MAX + 1]) * ret, *ret_count, name))
			return rn_json_fail(n, err, "\"%s\" stands twice in this list", name);
		(*ret_count)++;
	}
	return 0;
}

static int read_group(const struct rn_json *n, struct rn_group *group, struct rn_err *err)
{
	const char *name = rn_json_key(n);

	if (!rn_name_valid(name))
		return rn_json_fail(n, err,
				    "\"%.64s\" is not a good name for a group; names begin with a-z or 0-9 and have at "
				    "most 63 of a-z, 0-9, dot, hyphen and underscore",
				    name);
	snprintf(group->name, sizeof(group->name), "%s", name);
	if (rn_json_type(n) != RN_JSON_ARRAY)
		return rn_json_fail(n, err, "the group \"%s\" must be a list of users in [ ]", name);
	if (rn_json_count(n) > RN_RULE_SELECTORS_MAX)
		return rn_json_fail(n, err, "the group \"%s\" has %zu users, but at most %d fit", name,
				    rn_json_count(n), RN_RULE_SELECTORS_MAX);
	return read_names(n, "a user", &group->users, &group->user_count, err);
}

static int read_groups(const struct rn_json *root, struct rn_policy_model *model, struct rn_err *err)
{
	const struct rn_json *groups = rn_json_get(root, "groups");
	int code = 0;

	if (!groups)
		return 0;
	if (rn_json_type(groups) != RN_JSON_OBJECT)
		return rn_json_fail(groups, err, "\"groups\" must be an object, {\"NAME\": [USERS], ...}");
	model->groups = room_for(groups, sizeof(*model->groups), err);
	if (!model->groups)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(groups); n && code == 0; n = rn_json_next(n))
		code = read_group(n, &model->groups[model->group_count++], err);
	return code;
}

static int read_tags(const struct rn_json *root, struct rn_policy_model *model, struct rn_err *err)
{
	const struct rn_json *tags;
	int code = get_array(root, "tags", RN_RULE_SELECTORS_MAX, &tags, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	return read_names(tags, "a tag", &model->tags, &model->tag_count, err);
}

static int read_criteria(const struct rn_json *rule, const char *key, const struct rn_policy_model *model,
			 struct rn_criterion **ret, uint32_t *ret_count, struct rn_err *err)
{
	bool destination = key[0] == 'd';
	const struct rn_json *list;
	int code = get_array(rule, key, RN_RULE_SELECTORS_MAX, &list, err);

	if (code == -ENOENT)
		return rn_json_fail(rule, err, "this rule has no \"%s\"; write [\"everyone\"] if it means all", key);
	if (code < 0)
		return code;
	if (!rn_json_first(list))
		return rn_json_fail(list, err, "\"%s\" is empty; write [\"everyone\"] if it means all", key);
	*ret = room_for(list, sizeof(**ret), err);
	if (!*ret)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		struct rn_criterion *c = &(*ret)[*ret_count];

		if (rn_criterion_read(n, destination, model, c, err) < 0)
			return -EINVAL;
		for (uint32_t i = 0; i < *ret_count; i++)
			if ((*ret)[i].type == c->type && strcmp((*ret)[i].name, c->name) == 0)
				return rn_json_fail(n, err, "\"%s\" stands twice in this list", rn_json_text(n));
		(*ret_count)++;
	}
	return 0;
}

static int read_services(const struct rn_json *node, struct rn_access_policy *rule, struct rn_err *err)
{
	const struct rn_json *list;
	int code = get_array(node, "services", RN_RULE_SERVICES_MAX, &list, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (!rn_json_first(list))
		return rn_json_fail(list, err, "\"services\" is empty; leave it out if the rule means all services");
	rule->services = room_for(list, sizeof(*rule->services), err);
	if (!rule->services)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		if (rn_service_read(n, &rule->services[rule->service_count], err) < 0)
			return -EINVAL;
		rule->service_count++;
	}
	return 0;
}

static int read_id(const struct rn_json *node, const struct rn_policy_model *model, struct rn_access_policy *rule,
		   struct rn_err *err)
{
	const struct rn_json *id = rn_json_get(node, "id");

	if (!id)
		return rn_json_fail(node, err, "this rule has no \"id\"; give it a short name of its own");
	if (rn_name_read(id, "a rule", rule->id, err) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i + 1 < model->rule_count; i++)
		if (strcmp(model->rules[i].id, rule->id) == 0)
			return rn_json_fail(id, err, "the id \"%s\" is that of rule %u already", rule->id, i + 1);
	return 0;
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

static int read_conditions(const struct rn_json *node, struct rn_access_policy *rule, struct rn_err *err)
{
	static const char *const names[] = {"minimum_trust", NULL};
	const struct rn_json *conditions = rn_json_get(node, "conditions");
	int64_t trust;
	int code;

	if (!conditions)
		return 0;
	if (rn_json_type(conditions) != RN_JSON_OBJECT)
		return rn_json_fail(conditions, err, "\"conditions\" must be an object, {\"minimum_trust\": 50}");
	if (rn_json_only(conditions, names, err) < 0)
		return -EINVAL;
	code = rn_json_get_int(conditions, "minimum_trust", 0, RN_TRUST_MAX, &trust, err);
	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (rule->deny)
		return rn_json_fail(rn_json_get(conditions, "minimum_trust"), err,
				    "\"minimum_trust\" has no meaning in a rule that denies; put it into the rule that "
				    "allows");
	rule->minimum_trust = (uint8_t)trust;
	return 0;
}

static int read_rule(const struct rn_json *node, struct rn_policy_model *model, struct rn_err *err)
{
	static const char *const names[] = {
	    "id", "source_criteria", "destination_criteria", "services", "action", "conditions", NULL};
	struct rn_access_policy *rule = &model->rules[model->rule_count++];
	int code;

	rule->number = model->rule_count;
	if (rn_json_type(node) != RN_JSON_OBJECT)
		return rn_json_fail(node, err, "a rule must be an object in { }");
	code = rn_json_only(node, names, err);
	if (code == 0)
		code = read_id(node, model, rule, err);
	if (code == 0)
		code = read_criteria(node, "source_criteria", model, &rule->source_criteria, &rule->source_count, err);
	if (code == 0)
		code = read_criteria(node, "destination_criteria", model, &rule->destination_criteria,
				     &rule->destination_count, err);
	if (code == 0)
		code = read_services(node, rule, err);
	if (code == 0)
		code = read_action(node, rule, err);
	return code < 0 ? code : read_conditions(node, rule, err);
}

static int read_rules(const struct rn_json *root, struct rn_policy_model *model, struct rn_err *err)
{
	const struct rn_json *rules;
	int code = get_array(root, "rules", RN_RULES_MAX, &rules, err);

	if (code == -ENOENT)
		return rn_json_fail(root, err, "a policy needs \"rules\"; write \"rules\": [] to deny everything");
	if (code < 0)
		return code;
	model->rules = room_for(rules, sizeof(*model->rules), err);
	if (!model->rules)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(rules); n && code == 0; n = rn_json_next(n))
		code = read_rule(n, model, err);
	return code;
}

static int read_policy(const struct rn_json *root, struct rn_policy_model *model, struct rn_err *err)
{
	static const char *const names[] = {"groups", "tags", "rules", NULL};
	int code;

	if (rn_json_type(root) != RN_JSON_OBJECT)
		return rn_json_fail(root, err, "a policy is an object, {\"groups\": {}, \"tags\": [], \"rules\": []}");
	code = rn_json_only(root, names, err);
	if (code == 0)
		code = read_groups(root, model, err);
	if (code == 0)
		code = read_tags(root, model, err);
	return code < 0 ? code : read_rules(root, model, err);
}

struct rn_policy_model *rn_policy_parse(const char *text, size_t size, struct rn_err *err)
{
	struct rn_policy_model *model = NULL;
	struct rn_json *root;

	if (size > RN_POLICY_TEXT_MAX) {
		rn_fail(err, -EINVAL, "line 1, column 1: the policy has %zu bytes, but at most %u fit", size,
			RN_POLICY_TEXT_MAX);
		return NULL;
	}
	root = rn_json_parse(text, size, RN_JSON_COMMENTS, err);
	if (!root)
		return NULL;
	model = calloc(1, sizeof(*model));
	if (!model)
		rn_fail(err, -ENOMEM, "out of memory");
	if (model && read_policy(root, model, err) < 0) {
		rn_policy_model_free(model);
		model = NULL;
	}
	rn_json_free(root);
	return model;
}

void rn_policy_model_free(struct rn_policy_model *model)
{
	if (!model)
		return;
	for (uint32_t i = 0; i < model->group_count; i++)
		free(model->groups[i].users);
	for (uint32_t i = 0; i < model->rule_count; i++) {
		free(model->rules[i].source_criteria);
		free(model->rules[i].destination_criteria);
		free(model->rules[i].services);
	}
	free(model->groups);
	free(model->tags);
	free(model->rules);
	free(model);
}
