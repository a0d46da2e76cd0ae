// SPDX-License-Identifier: Apache-2.0
/*
 * "groups": lists of users and of other groups. They are read one by one, then every group gets the users of the
 * groups in it, the innermost first; one that leads back to itself is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "domain/policy_text.h"

#define USERS_MAX 1000000u  /* of all groups together, after each has got those of the groups in it */
#define COPIES_MAX 3000000u /* names moved from one group to another on the way there */

/* A group while it is read: what it names, in the order of the text. */
struct reading {
	const struct rn_json *node;
	uint32_t *inner; /* places of groups */
	uint32_t inner_count;
	uint32_t next;	/* of inner to look at */
	uint32_t outer; /* whence the walk came */
	enum { UNSEEN, OPEN, DONE } state;
};

struct walk {
	struct rn_policy_reading *r;
	struct reading *groups;
	uint64_t users, copies;
};

static int no_memory(const struct walk *w)
{
	return rn_fail(w->r->err, -ENOMEM, "out of memory");
}

/* ---- one group ---- */

int rn_group_find(const struct rn_policy_reading *r, const struct rn_json *node, const char *name, uint32_t *ret)
{
	const struct rn_named *found = rn_named_find(&r->groups, name);
	struct rn_nearest nearest = rn_nearest(name);

	if (found) {
		*ret = found->place;
		return 0;
	}
	for (uint32_t i = 0; i < r->model->group_count; i++)
		rn_nearest_offer(&nearest, r->model->groups[i].name);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, r->err, "unknown group \"%.64s\"; did you mean \"%s\"?", name,
				    rn_nearest_name(&nearest));
	return rn_json_fail(node, r->err, "unknown group \"%.64s\"; list its users in \"groups\" first", name);
}

static int read_member(struct walk *w, struct rn_group *group, struct reading *g, const struct rn_json *n)
{
	const char *text;

	if (rn_string_read(n, "a user or a group", &text, w->r->err) < 0)
		return -EINVAL;
	if (strncmp(text, "user:", 5) == 0)
		return rn_json_fail(n, w->r->err, "in a group write the user's name alone, \"%.63s\"", text + 5);
	if (strncmp(text, "group:", 6) != 0)
		return rn_name_read(n, "a user", group->users[group->user_count++], w->r->err);
	return rn_group_find(w->r, n, text + 6, &g->inner[g->inner_count++]);
}

static int read_group(struct walk *w, struct rn_group *group, struct reading *g)
{
	int code = 0;

	if (rn_json_type(g->node) != RN_JSON_ARRAY)
		return rn_json_fail(g->node, w->r->err, "the group \"%s\" must be a list of users in [ ]", group->name);
	if (rn_json_count(g->node) > RN_RULE_SELECTORS_MAX)
		return rn_json_fail(g->node, w->r->err, "the group \"%s\" has %zu members, but at most %d fit",
				    group->name, rn_json_count(g->node), RN_RULE_SELECTORS_MAX);
	group->users = rn_list_room(g->node, sizeof(*group->users), w->r->err);
	g->inner = rn_list_room(g->node, sizeof(*g->inner), w->r->err);
	if (!group->users || !g->inner)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(g->node); n && code == 0; n = rn_json_next(n))
		code = read_member(w, group, g, n);
	return code < 0 ? code : rn_strings_differ(g->node, w->r->err);
}

/* ---- groups in groups ---- */

/* "a > b > a", cut where it is long. */
static int say_cycle(const struct walk *w, uint32_t from, uint32_t to)
{
	const struct rn_group *groups = w->r->model->groups;
	uint32_t way[3], count = 0, at = from;
	char text[300];
	size_t used;

	/* The walk knows the way backward: from `from` out to `to`. */
	for (; at != to; at = w->groups[at].outer, count++)
		if (count < 3)
			way[count] = at;
	used = (size_t)snprintf(text, sizeof(text), "%s%s", groups[to].name, count > 3 ? " > ..." : "");
	for (uint32_t i = count > 3 ? 3 : count; i > 0; i--)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " > %s", groups[way[i - 1]].name);
	return rn_json_fail(w->groups[from].node, w->r->err, "the group \"%s\" is in itself: %s > %s", groups[to].name,
			    text, groups[to].name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Its inner groups are done: their users become its own. */
static int gather(struct walk *w, uint32_t place)
{
	struct rn_group *groups = w->r->model->groups, *group = &groups[place];
	struct reading *g = &w->groups[place];
	uint64_t count = group->user_count;
	char(*users)[RN_NAME_MAX + 1];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < g->inner_count; i++)
		count += groups[g->inner[i]].user_count;
	w->copies += count;
	if (w->copies > COPIES_MAX)
		return rn_json_fail(g->node, w->r->err,
				    "the groups hold each other's users too often; name fewer groups in groups");
	users = reallocarray(group->users, count + 1, sizeof(*users));
	if (!users)
		return no_memory(w);
	group->users = users;
	for (uint32_t i = 0; i < g->inner_count; i++) {
		const struct rn_group *inner = &groups[g->inner[i]];

		if (inner->user_count)
			memcpy(users + group->user_count, inner->users, inner->user_count * sizeof(*users));
		group->user_count += inner->user_count;
	}
	if (count)
		qsort(users, count, sizeof(*users), by_name);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(users[kept - 1], users[i]) != 0)
			memmove(users[kept++], users[i], sizeof(*users));
	group->user_count = kept;
	w->users += kept;
	if (kept > RN_RULE_SELECTORS_MAX || w->users > USERS_MAX)
		return rn_json_fail(
		    g->node, w->r->err,
		    "the group \"%s\" has %u users with those of its groups, but at most %d fit, and %u in "
		    "all groups",
		    group->name, kept, RN_RULE_SELECTORS_MAX, USERS_MAX);
	users = reallocarray(group->users, kept + 1u, sizeof(*users));
	group->users = users ? users : group->users;
	return 0;
}

/* Depth first, without recursion: groups may be nested as deep as there are groups. */
static int visit(struct walk *w, uint32_t start)
{
	uint32_t at = start;
	int code;

	w->groups[start].state = OPEN;
	w->groups[start].outer = start;
	for (;;) {
		struct reading *g = &w->groups[at];

		if (g->next < g->inner_count) {
			uint32_t inner = g->inner[g->next++];

			if (w->groups[inner].state == OPEN)
				return say_cycle(w, at, inner);
			if (w->groups[inner].state == DONE)
				continue;
			w->groups[inner].state = OPEN;
			w->groups[inner].outer = at;
			at = inner;
			continue;
		}
		code = gather(w, at);
		if (code < 0)
			return code;
		g->state = DONE;
		if (at == start)
			return 0;
		at = g->outer;
	}
}

/* ---- all ---- */

static int name_group(struct walk *w, const struct rn_json *n)
{
	struct rn_policy_model *model = w->r->model;
	struct rn_group *group = &model->groups[model->group_count];
	const char *name = rn_json_key(n);
	unsigned column;

	if (!rn_name_valid(name))
		return rn_json_fail(n, w->r->err,
				    "\"%.64s\" is not a good name for a group; names begin with a-z or 0-9 and have at "
				    "most 63 of a-z, 0-9, dot, hyphen and underscore",
				    name);
	snprintf(group->name, sizeof(group->name), "%s", name);
	rn_json_where(n, &group->line, &column);
	w->groups[model->group_count].node = n;
	w->r->groups.list[model->group_count] = (struct rn_named){group->name, n, model->group_count};
	w->r->groups.count = ++model->group_count;
	return 0;
}

static int read_all(struct walk *w, const struct rn_json *list)
{
	struct rn_policy_model *model = w->r->model;
	uint32_t first;
	int code = 0;

	for (const struct rn_json *n = rn_json_first(list); n && code == 0; n = rn_json_next(n))
		code = name_group(w, n);
	(void)rn_named_sort(&w->r->groups, &first); /* keys of one object differ */
	for (uint32_t i = 0; i < model->group_count && code == 0; i++)
		code = read_group(w, &model->groups[i], &w->groups[i]);
	for (uint32_t i = 0; i < model->group_count && code == 0; i++)
		if (w->groups[i].state == UNSEEN)
			code = visit(w, i);
	return code;
}

int rn_groups_read(struct rn_policy_reading *r, const struct rn_json *root)
{
	const struct rn_json *list = rn_json_get(root, "groups");
	struct walk w = {.r = r};
	size_t count;
	int code;

	if (!list)
		return 0;
	if (rn_json_type(list) != RN_JSON_OBJECT)
		return rn_json_fail(list, r->err, "\"groups\" must be an object, {\"NAME\": [USERS], ...}");
	count = rn_json_count(list);
	if (count > RN_POLICY_GROUPS_MAX)
		return rn_json_fail(list, r->err, "\"groups\" has %zu groups, but at most %u fit", count,
				    RN_POLICY_GROUPS_MAX);
	r->model->groups = rn_list_room(list, sizeof(*r->model->groups), r->err);
	r->groups.list = rn_list_room(list, sizeof(*r->groups.list), r->err);
	w.groups = rn_list_room(list, sizeof(*w.groups), r->err);
	code = r->model->groups && r->groups.list && w.groups ? read_all(&w, list) : -ENOMEM;
	for (size_t i = 0; w.groups && i < count; i++)
		free(w.groups[i].inner);
	free(w.groups);
	return code;
}
