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
#include "domain/policy_cursor.h"
#include "domain/policy_ids.h"
#include "domain/policy_text.h"

#define NOWHERE UINT32_MAX

struct fresh {
	uint32_t place; /* among the model's rules */
	const char *text;
	struct rn_rule_extent extent;
};

struct after {
	const struct rn_policy_model *before; /* NULL: nothing is known */
	struct rn_policy_reading reading;
	struct rn_cursor cursor;
	struct rn_cursor rules, behind; /* the list, at its [, and behind its ] */
	struct fresh *fresh;
	uint32_t room, fresh_count, fresh_room;
	uint32_t next;	 /* the rule before that this one probably is */
	uint32_t *moved; /* where those before are now; NOWHERE: not shared */
	size_t values;
};

/* ---- the list of rules ---- */

static struct rn_access_policy *add(struct after *a, const struct rn_cursor *where)
{
	struct rn_policy_model *model = a->reading.model;
	struct rn_access_policy *rule;

	if (model->rule_count == RN_POLICY_RULES_MAX)
		return NULL;
	if (model->rule_count == a->room) {
		uint32_t room = a->room ? 2 * a->room : (a->before ? a->before->rule_count : 0) + 64;
		struct rn_access_policy *grown = reallocarray(model->rules, room, sizeof(*grown));

		if (!grown)
			return NULL;
		model->rules = grown;
		a->room = room;
	}
	rule = &model->rules[model->rule_count++];
	*rule = (struct rn_access_policy){
	    .number = model->rule_count, .line = where->line, .column = rn_cursor_column(where)};
	return rule;
}

static bool add_shared(struct after *a, const struct rn_cursor *where, uint32_t place)
{
	const struct rn_access_policy *was = &a->before->rules[place];
	struct rn_access_policy *rule = add(a, where), placed;

	if (!rule || a->moved[place] != NOWHERE)
		return false;
	a->moved[place] = a->reading.model->rule_count - 1;
	placed = *rule;
	*rule = *was;
	rule->number = placed.number;
	rule->line = placed.line;
	rule->column = placed.column;
	rn_rule_share_hold(rule->share);
	a->values += rule->share->extent.values;
	a->next = place + 1;
	return true;
}

static bool add_fresh(struct after *a, const struct rn_cursor *where, const struct rn_rule_extent *extent)
{
	if (!add(a, where))
		return false;
	if (a->fresh_count == a->fresh_room) {
		uint32_t room = a->fresh_room ? 2 * a->fresh_room : 16;
		struct fresh *grown = reallocarray(a->fresh, room, sizeof(*grown));

		if (!grown)
			return false;
		a->fresh = grown;
		a->fresh_room = room;
	}
	a->fresh[a->fresh_count++] = (struct fresh){a->reading.model->rule_count - 1, where->text + where->at, *extent};
	return true;
}

/* Is the rule before written here? An object ends where it ends, so what begins with one is one. */
static bool is_here(const struct after *a, uint32_t place, const struct rn_cursor *c)
{
	const struct rn_rule_share *share;

	if (!a->before || place >= a->before->rule_count)
		return false;
	share = a->before->rules[place].share;
	return share->extent.size && share->extent.size <= c->size - c->at &&
	       memcmp(share->text, c->text + c->at, share->extent.size) == 0;
}

/* Where the rule that seems to have this one's id was; no more than a guess. */
static uint32_t seems(const struct after *a, const char *text, size_t size)
{
	static const char key[] = "\"id\"";
	const char *at = memmem(text, size, key, sizeof(key) - 1), *end = text + size, *from;

	if (!at || !a->before)
		return NOWHERE;
	for (at += sizeof(key) - 1; at < end && *at != '"'; at++)
		continue;
	from = ++at;
	while (at < end && *at != '"')
		at++;
	return at < end ? rn_rule_ids_find(a->before->ids, a->before->rules, from, (size_t)(at - from)) : NOWHERE;
}

static bool read_element(struct after *a)
{
	struct rn_cursor *c = &a->cursor, from = *c;
	struct rn_rule_extent extent;
	uint32_t place;

	if (is_here(a, a->next, c)) {
		rn_cursor_pass(c, &a->before->rules[a->next].share->extent);
		return add_shared(a, &from, a->next);
	}
	if (c->at == c->size || c->text[c->at] != '{' || !rn_cursor_value(c))
		return false;
	extent = rn_cursor_since(&from, c);
	place = seems(a, from.text + from.at, extent.size);
	if (place != NOWHERE && is_here(a, place, &from))
		return add_shared(a, &from, place);
	if (place != NOWHERE)
		a->next = place + 1;
	return add_fresh(a, &from, &extent);
}

/* After an element: to the next one, or behind the bracket, and then *ret_end. */
static bool go_on(struct rn_cursor *c, char close, bool *ret_end)
{
	if (!rn_cursor_space(c))
		return false;
	*ret_end = rn_cursor_take(c, close);
	if (*ret_end)
		return true;
	if (!rn_cursor_take(c, ',') || !rn_cursor_space(c))
		return false;
	*ret_end = rn_cursor_take(c, close);
	return true;
}

static bool walk_rules(struct after *a)
{
	struct rn_cursor *c = &a->cursor;
	bool good, end;

	a->rules = *c;
	good = rn_cursor_take(c, '[') && rn_cursor_space(c);
	end = good && rn_cursor_take(c, ']');
	while (good && !end)
		good = read_element(a) && go_on(c, ']', &end);
	a->behind = *c;
	return good;
}

/* ---- the document around it ---- */

static bool walk_member(struct after *a)
{
	static const char rules[] = "\"rules\"";
	struct rn_cursor *c = &a->cursor;
	const char *key = c->text + c->at;
	bool is_rules;

	if (c->at == c->size || *key != '"' || !rn_cursor_value(c))
		return false;
	is_rules = (size_t)(c->text + c->at - key) == sizeof(rules) - 1 && memcmp(key, rules, sizeof(rules) - 1) == 0;
	if (!rn_cursor_space(c) || !rn_cursor_take(c, ':') || !rn_cursor_space(c))
		return false;
	if (!is_rules)
		return rn_cursor_value(c);
	return !a->rules.text && walk_rules(a);
}

static bool walk_document(struct after *a)
{
	struct rn_cursor *c = &a->cursor;
	bool good = rn_cursor_space(c) && rn_cursor_take(c, '{') && rn_cursor_space(c), end = false;

	while (good && !end)
		good = walk_member(a) && go_on(c, '}', &end);
	return good && rn_cursor_space(c) && c->at == c->size && a->rules.text;
}

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
static struct rn_json *parse_rest(const struct after *a)
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

static bool read_fresh(struct after *a, struct fresh *f)
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
static bool read_again(struct after *a, struct rn_access_policy *rule)
{
	struct rn_rule_share *share = rule->share;
	struct fresh f = {rule->number - 1, share->text, share->extent};
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

static bool all_tags_stand(const struct after *a)
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

static bool all_groups_stand(const struct after *a)
{
	const struct rn_policy_model *before = a->before, *model = a->reading.model;

	if (before->group_count > model->group_count)
		return false;
	for (uint32_t i = 0; i < before->group_count; i++)
		if (strcmp(before->groups[i].name, model->groups[i].name) != 0)
			return false;
	return true;
}

static bool judge_shared(struct after *a)
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
static bool name_rules(struct after *a)
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

static bool read_rest(struct after *a, const struct rn_json *root)
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

static bool read_all(struct after *a)
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
	if (!walk_document(a))
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
	struct after a = {.before = before,
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
