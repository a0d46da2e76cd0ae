// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "domain/policy_text.h"

static const struct {
	const char *word;
	enum rn_criterion_type type;
	const char *what; /* follows the colon; NULL: nothing does */
} words[] = {
    {"everyone", RN_CRITERION_EVERYONE, NULL},
    {"same-owner", RN_CRITERION_SAME_OWNER, NULL},
    {"user", RN_CRITERION_USER, "a name"},
    {"group", RN_CRITERION_GROUP, "a name"},
    {"tag", RN_CRITERION_TAG, "a name"},
    {"device", RN_CRITERION_DEVICE, "a name"},
    {"type", RN_CRITERION_TYPE, "desktop, mobile, server or iot"},
    {"hub", RN_CRITERION_HUB, "a name"},
    {"hub-type", RN_CRITERION_HUB_TYPE, "gateway, regional, departmental or project"},
    {"host", RN_CRITERION_PREFIX, "an address"},
    {"prefix", RN_CRITERION_PREFIX, "an address, a slash and a number of bits"},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* ---- sentences ---- */

static int unknown_criterion(const struct rn_json *node, const char *text, bool destination, struct rn_err *err)
{
	const char *positive = text + (*text == '!');
	char word[RN_NAME_MAX + 1];
	struct rn_nearest nearest;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(positive, ":"), positive);
	nearest = rn_nearest(word);
	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(words[i].word, word) == 0 && words[i].what)
			return rn_json_fail(node, err, "\"%.64s\" needs a colon and %s", text, words[i].what);
		if (strcmp(words[i].word, word) == 0)
			return rn_json_fail(node, err, "\"%.64s\" is wrong: \"%s\" takes no name", text, word);
		rn_nearest_offer(&nearest, words[i].word);
	}
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, err, "\"%.64s\" is not a criterion; did you mean \"%s%s%.64s\"?", text,
				    *text == '!' ? "!" : "", rn_nearest_name(&nearest),
				    positive + strcspn(positive, ":"));
	return rn_json_fail(node, err,
			    "\"%.64s\" is not a criterion; write everyone%s, or user:, group:, tag:, device:, type:, "
			    "hub:, hub-type:, host: or prefix: and what it is",
			    text, destination ? ", same-owner" : "");
}

static int unknown_tag(const struct rn_json *node, const char *name, const struct rn_policy_reading *r)
{
	struct rn_nearest nearest = rn_nearest(name);

	for (uint32_t i = 0; i < r->model->tag_count; i++)
		rn_nearest_offer(&nearest, r->model->tags[i]);
	if (rn_nearest_name(&nearest))
		return rn_json_fail(node, r->err, "the tag \"%.64s\" is not declared; did you mean \"%s\"?", name,
				    rn_nearest_name(&nearest));
	return rn_json_fail(node, r->err, "the tag \"%.64s\" is not declared; add it to \"tags\"", name);
}

/* ---- what follows the colon ---- */

static int read_name(const struct rn_policy_reading *r, const struct rn_json *node, const char *name,
		     struct rn_criterion *c)
{
	if (!rn_name_valid(name))
		return rn_json_fail(node, r->err, "\"%.80s\" has no good name after the colon", rn_json_text(node));
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (c->type == RN_CRITERION_TAG && !rn_named_find(&r->tags, name))
		return unknown_tag(node, name, r);
	if (c->type != RN_CRITERION_GROUP)
		return 0;
	return rn_group_find(r, node, name, &c->group);
}

static int read_host(const struct rn_json *node, const char *text, struct rn_criterion *c, struct rn_err *err)
{
	if (rn_addr_parse(text, &c->prefix.addr) < 0)
		return rn_json_fail(node, err, "\"%.80s\" is no address; write host:10.77.0.5 or host:fd00::5%s",
				    rn_json_text(node),
				    strchr(text, '/') ? ", or prefix: where you mean a prefix" : "");
	c->prefix.bits = 128;
	return 0;
}

static int read_prefix(const struct rn_json *node, const char *text, struct rn_criterion *c, struct rn_err *err)
{
	if (rn_prefix_parse(text, &c->prefix) < 0)
		return rn_json_fail(node, err,
				    "\"%.80s\" is no prefix; write prefix:10.77.0.0/24 or prefix:fd00:77::/48, with "
				    "zeros where the bits do not reach",
				    rn_json_text(node));
	return 0;
}

static int read_what(const struct rn_policy_reading *r, const struct rn_json *node, const char *text,
		     struct rn_criterion *c, bool host)
{
	switch (c->type) {
	case RN_CRITERION_EVERYONE:
	case RN_CRITERION_SAME_OWNER:
		return 0;
	case RN_CRITERION_TYPE:
	case RN_CRITERION_HUB_TYPE:
		return rn_kind_read(node, text, c->type == RN_CRITERION_HUB_TYPE, &c->kind, r->err);
	case RN_CRITERION_PREFIX:
		return host ? read_host(node, text, c, r->err) : read_prefix(node, text, c, r->err);
	case RN_CRITERION_USER:
	case RN_CRITERION_GROUP:
	case RN_CRITERION_TAG:
	case RN_CRITERION_DEVICE:
	case RN_CRITERION_HUB:
		break;
	}
	return read_name(r, node, text, c);
}

static int check_place(const struct rn_json *node, const struct rn_criterion *c, bool destination, struct rn_err *err)
{
	if (c->type == RN_CRITERION_SAME_OWNER && !destination)
		return rn_json_fail(node, err, "same-owner stands only in \"destination_criteria\"");
	if (c->no && (c->type == RN_CRITERION_SAME_OWNER || c->type == RN_CRITERION_EVERYONE))
		return rn_json_fail(node, err, "\"%s\" cannot be: ! stands before any but everyone and same-owner",
				    rn_json_text(node));
	return 0;
}

static int read_criterion(const struct rn_policy_reading *r, const struct rn_json *node, bool destination,
			  struct rn_criterion *ret)
{
	struct rn_criterion c = {0};
	const char *text, *colon;
	size_t size;

	if (rn_string_read(node, "a criterion", &text, r->err) < 0)
		return -EINVAL;
	c.no = *text == '!';
	size = strcspn(text + c.no, ":");
	colon = text[c.no + size] ? text + c.no + size : NULL;
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].word) != size || memcmp(words[i].word, text + c.no, size) != 0)
			continue;
		if ((words[i].what != NULL) != (colon != NULL))
			break;
		c.type = words[i].type;
		if (check_place(node, &c, destination, r->err) < 0 ||
		    read_what(r, node, colon ? colon + 1 : "", &c, words[i].word[0] == 'h') < 0)
			return -EINVAL;
		*ret = c;
		return 0;
	}
	return unknown_criterion(node, text, destination, r->err);
}

/* ---- the list ---- */

int rn_criteria_read(struct rn_policy_reading *r, const struct rn_json *rule, bool destination,
		     struct rn_policy_end *ret)
{
	const char *key = destination ? "destination_criteria" : "source_criteria";
	const struct rn_json *list;
	int code =
	    rn_list_read(rule, key, RN_RULE_SELECTORS_MAX, "write [\"everyone\"] if it means all", &list, r->err);

	if (code == -ENOENT)
		return rn_json_fail(rule, r->err, "this rule has no \"%s\"; write [\"everyone\"] if it means all", key);
	if (code < 0)
		return code;
	ret->criteria = rn_list_room(list, sizeof(*ret->criteria), r->err);
	if (!ret->criteria)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		if (read_criterion(r, n, destination, &ret->criteria[ret->count]) < 0)
			return -EINVAL;
		ret->count++;
	}
	return rn_strings_differ(list, r->err);
}
