/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over a text of which much is known: where its rules begin and end, and which are those of before. */
#include <stdlib.h>
#include <string.h>

#include "domain/policy_after.h"
#include "domain/policy_ids.h"

/* ---- the list of rules ---- */

static struct rn_access_policy *add(struct rn_after *a, const struct rn_cursor *where)
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

static bool add_shared(struct rn_after *a, const struct rn_cursor *where, uint32_t place)
{
	const struct rn_access_policy *was = &a->before->rules[place];
	struct rn_access_policy *rule = add(a, where), placed;

	if (!rule || a->moved[place] != RN_NOWHERE)
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

static bool add_fresh(struct rn_after *a, const struct rn_cursor *where, const struct rn_rule_extent *extent)
{
	if (!add(a, where))
		return false;
	if (a->fresh_count == a->fresh_room) {
		uint32_t room = a->fresh_room ? 2 * a->fresh_room : 16;
		struct rn_fresh *grown = reallocarray(a->fresh, room, sizeof(*grown));

		if (!grown)
			return false;
		a->fresh = grown;
		a->fresh_room = room;
	}
	a->fresh[a->fresh_count++] =
	    (struct rn_fresh){a->reading.model->rule_count - 1, where->text + where->at, *extent};
	return true;
}

/* Is the rule before written here? An object ends where it ends, so what begins with one is one. */
static bool is_here(const struct rn_after *a, uint32_t place, const struct rn_cursor *c)
{
	const struct rn_rule_share *share;

	if (!a->before || place >= a->before->rule_count)
		return false;
	share = a->before->rules[place].share;
	return share->extent.size && share->extent.size <= c->size - c->at &&
	       memcmp(share->text, c->text + c->at, share->extent.size) == 0;
}

/* Where the rule that seems to have this one's id was; no more than a guess. */
static uint32_t seems(const struct rn_after *a, const char *text, size_t size)
{
	static const char key[] = "\"id\"";
	const char *at = memmem(text, size, key, sizeof(key) - 1), *end = text + size, *from;

	if (!at || !a->before)
		return RN_NOWHERE;
	for (at += sizeof(key) - 1; at < end && *at != '"'; at++)
		continue;
	from = ++at;
	while (at < end && *at != '"')
		at++;
	return at < end ? rn_rule_ids_find(a->before->ids, a->before->rules, from, (size_t)(at - from)) : RN_NOWHERE;
}

static bool read_element(struct rn_after *a)
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
	if (place != RN_NOWHERE && is_here(a, place, &from))
		return add_shared(a, &from, place);
	if (place != RN_NOWHERE)
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

static bool walk_rules(struct rn_after *a)
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

static bool walk_member(struct rn_after *a)
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

bool rn_after_walk(struct rn_after *a)
{
	struct rn_cursor *c = &a->cursor;
	bool good = rn_cursor_space(c) && rn_cursor_take(c, '{') && rn_cursor_space(c), end = false;

	while (good && !end)
		good = walk_member(a) && go_on(c, '}', &end);
	return good && rn_cursor_space(c) && c->at == c->size && a->rules.text;
}
