// SPDX-License-Identifier: Apache-2.0
/*
 * A text of which much is known already. A walk finds where its rules begin and end; those that are written as one of
 * the policy before are shared with it, the others are read, each as a small document. What is left, the text without
 * its rules, is read as a whole text is. Whatever is not as it should be ends this way, and the text is read as one
 * document, which says what is wrong and where.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "domain/policy_after.h"
#include "domain/policy_ids.h"

/* ---- the text around its rules ---- */

static size_t count_values(const struct rn_json *node)
{
	enum rn_json_type type = rn_json_type(node);
	size_t count = 1;

	if (type != RN_JSON_ARRAY && type != RN_JSON_OBJECT)
		return count;
	for (const struct rn_json *n = rn_json_first(node); n; n = rn_json_next(n))
		count += count_values(n);
	return count;
}

static struct rn_json *parse(const char *text, size_t size, struct rn_err *err)
{
	return rn_json_parse(text, size, RN_JSON_COMMENTS | RN_JSON_LARGE, err);
}

/* The text without its rules, of which only their ends of lines are left, so that all else is at its place. */
static struct rn_json *parse_rest(const struct rn_after *a)
{
	size_t before = a->rules.at + 1, behind = a->cursor.size - a->behind.at;
	unsigned lines = a->behind.line - a->rules.line, column = rn_cursor_column(&a->behind) - 2;
	size_t spaces = lines ? column : column - rn_cursor_column(&a->rules), size;
	char *text = malloc(before + lines + spaces + 1 + behind), *at = text;
	struct rn_json *root;

	if (!text)
		return NULL;
	at = mempcpy(at, a->cursor.text, before);
	memset(at, '\n', lines);
	memset(at + lines, ' ', spaces);
	at += lines + spaces;
	*at++ = ']';
	memcpy(at, a->cursor.text + a->behind.at, behind);
	size = (size_t)(at - text) + behind;
	root = parse(text, size, a->reading.err);
	free(text);
	return root;
}

/* ---- rules that were not there ---- */

static bool read_fresh(struct rn_after *a, struct rn_fresh *f)
{
	struct rn_json *node = parse(f->text, f->extent.size, a->reading.err);
	bool good = false;

	if (node) {
		f->extent.values = (uint32_t)count_values(node);
		a->values += f->extent.values;
		good = rn_rule_read(&a->reading, node, f->text, &f->extent, &a->reading.model->rules[f->place]) == 0;
	}
	rn_json_free(node);
	return good;
}

/* ---- rules that name what may have changed ---- */

/* Anew: its groups have other places. */
static bool read_again(struct rn_after *a, struct rn_access_policy *rule)
{
	struct rn_rule_share *share = rule->share;
	struct rn_fresh f = {rule->number - 1, share->text, share->extent};
	bool good;

	*rule = (struct rn_access_policy){.number = rule->number, .line = rule->line, .column = rule->column};
	a->values -= share->extent.values;
	good = read_fresh(a, &f);
	rn_rule_share_free(share);
	return good;
}

static bool groups_stand(const struct rn_policy_model *model, const struct rn_policy_end *end)
{
	for (uint32_t i = 0; i < end->count; i++) {
		const struct rn_criterion *c = &end->criteria[i];

		if (c->type == RN_CRITERION_GROUP &&
		    (c->group >= model->group_count || strcmp(model->groups[c->group].name, c->name) != 0))
			return false;
	}
	return true;
}

static bool tags_stand(const struct rn_policy_reading *r, const struct rn_policy_end *end)
{
	for (uint32_t i = 0; i < end->count; i++)
		if (end->criteria[i].type == RN_CRITERION_TAG && !rn_named_find(&r->tags, end->criteria[i].name))
			return false;
	return true;
}

static bool all_tags_stand(const struct rn_after *a)
{
	const struct rn_policy_model *before = a->before, *model = a->reading.model;

	if (before->tag_count == model->tag_count &&
	    (!model->tag_count || memcmp(before->tags, model->tags, model->tag_count * sizeof(*model->tags)) == 0))
		return true;
	for (uint32_t i = 0; i < before->tag_count; i++)
		if (!rn_named_find(&a->reading.tags, before->tags[i]))
			return false;
	return true;
}

static bool all_groups_stand(const struct rn_after *a)
{
	const struct rn_policy_model *before = a->before, *model = a->reading.model;

	if (before->group_count > model->group_count)
		return false;
	for (uint32_t i = 0; i < before->group_count; i++)
		if (strcmp(before->groups[i].name, model->groups[i].name) != 0)
			return false;
	return true;
}

static bool judge_shared(struct rn_after *a)
{
	struct rn_policy_model *model = a->reading.model;
	bool tags = all_tags_stand(a), groups = all_groups_stand(a);

	if (tags && groups)
		return true;
	for (uint32_t i = 0; i < model->rule_count; i++) {
		struct rn_access_policy *rule = &model->rules[i];
		const struct rn_rule_share *share = rule->share;

		if (!share)
			continue;
		if (!tags && share->names_tag &&
		    !(tags_stand(&a->reading, &rule->source) && tags_stand(&a->reading, &rule->destination)))
			return false;
		if (!groups && share->names_group &&
		    !(groups_stand(model, &rule->source) && groups_stand(model, &rule->destination)) &&
		    !read_again(a, rule))
			return false;
	}
	return true;
}

/* ---- all ---- */

/* Those that are shared differ, as they did before. */
static bool name_rules(struct rn_after *a)
{
	struct rn_policy_model *model = a->reading.model;
	bool good = a->before != NULL;
	uint32_t twice, first;

	if (good)
		model->ids = rn_rule_ids_moved(a->before->ids, a->moved);
	good = good && model->ids;
	for (uint32_t i = 0; i < a->fresh_count && good; i++)
		good = rn_rule_ids_add(model->ids, model->rules, a->fresh[i].place);
	if (good)
		return true;
	rn_rule_ids_free(model->ids);
	model->ids = rn_rule_ids_new(model->rules, model->rule_count, &twice, &first);
	return model->ids != NULL;
}

static bool read_rest(struct rn_after *a, const struct rn_json *root)
{
	static const char *const names[] = {"groups", "tags", "rules", "tests", NULL};
	struct rn_policy_reading *r = &a->reading;

	if (rn_json_type(root) != RN_JSON_OBJECT || rn_json_only(root, names, r->err) < 0 ||
	    rn_groups_read(r, root) < 0 || rn_tags_read(r, root) < 0)
		return false;
	if (a->before && !judge_shared(a))
		return false;
	for (uint32_t i = 0; i < a->fresh_count; i++)
		if (!read_fresh(a, &a->fresh[i]))
			return false;
	if (a->values + count_values(root) > RN_JSON_LARGE_NODES_MAX)
		return false;
	return name_rules(a) && rn_tests_read(r, root) == 0;
}

static bool read_all(struct rn_after *a)
{
	struct rn_json *root;
	bool good;

	if (a->before) {
		size_t size = (a->before->rule_count + 1u) * sizeof(*a->moved);

		a->moved = malloc(size);
		if (!a->moved)
			return false;
		memset(a->moved, 0xff, size);
	}
	if (!rn_after_walk(a))
		return false;
	if (!a->reading.model->rules)
		a->reading.model->rules = calloc(1, sizeof(*a->reading.model->rules));
	root = a->reading.model->rules ? parse_rest(a) : NULL;
	good = root && read_rest(a, root);
	rn_json_free(root);
	return good;
}

struct rn_policy_model *rn_policy_parse_after(const struct rn_policy_model *before, const char *text, size_t size,
					      struct rn_err *err)
{
	struct rn_err unheard = {""};
	struct rn_after a = {.before = before,
			     .reading = {.model = calloc(1, sizeof(*a.reading.model)), .err = &unheard},
			     .cursor = rn_cursor(text, size)};

	if (a.reading.model && (size > RN_POLICY_TEXT_MAX || !read_all(&a))) {
		rn_policy_model_free(a.reading.model);
		a.reading.model = NULL;
	}
	free(a.reading.groups.list);
	free(a.reading.tags.list);
	free(a.fresh);
	free(a.moved);
	return a.reading.model ? a.reading.model : rn_policy_parse_whole(text, size, err);
}

struct rn_policy_model *rn_policy_parse(const char *text, size_t size, struct rn_err *err)
{
	return rn_policy_parse_after(NULL, text, size, err);
}
