// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "domain/import_tailscale.h"

const struct rn_json *rn_tailnet_get(const struct rn_json *object, const char *name)
{
	for (const struct rn_json *n = rn_json_first(object); n; n = rn_json_next(n))
		if (strcasecmp(rn_json_key(n), name) == 0)
			return n;
	return NULL;
}

bool rn_tailnet_user(struct rn_tailnet *t, const struct rn_json *at, const char *text, char ret[RN_IMPORT_WORD])
{
	const char *sign = strrchr(text, '@');
	struct rn_import_name name = {.size = 0};

	if (!sign || sign == text || !sign[1] || strchr(text, '*') || strchr(text, ':')) {
		if (at)
			rn_draft_lost(&t->draft, at, "\"%.80s\" is no single user, so it is left out", text);
		return false;
	}
	if (t->domain[0] && strcmp(sign + 1, t->domain) == 0)
		rn_import_name_escaped(&name, text, (size_t)(sign - text), true);
	else
		rn_import_name_escaped(&name, text, strlen(text), true);
	if (!rn_import_name_good(&name)) {
		if (at)
			rn_draft_lost(&t->draft, at,
				      "the user \"%.80s\" would have a name of more than 63 characters here, so "
				      "it is left out",
				      text);
		return false;
	}
	if (at && !t->users_said) {
		t->users_said = true;
		rn_draft_note(&t->draft, at, "\"%.80s\" is called %.63s here: devices need owners of such names%s",
			      text, name.text, t->domain[0] ? "" : "; --domain makes them shorter");
	}
	snprintf(ret, RN_IMPORT_WORD, "user:%.63s", name.text);
	return true;
}

bool rn_tailnet_tag(const char *text, char ret[RN_IMPORT_WORD])
{
	struct rn_import_name name = {.size = 0};

	rn_import_name_escaped(&name, text + strlen("tag:"), strlen(text) - strlen("tag:"), false);
	snprintf(ret, RN_IMPORT_WORD, "tag:%.63s", name.text);
	return rn_import_name_good(&name);
}

bool rn_tailnet_group(const struct rn_tailnet *t, const char *text, char ret[RN_IMPORT_WORD])
{
	struct rn_import_name name = {.size = 0};

	rn_import_name_escaped(&name, text + strlen("group:"), strlen(text) - strlen("group:"), true);
	snprintf(ret, RN_IMPORT_WORD, "group:%.63s", name.text);
	return rn_import_name_good(&name) && t->groups && rn_json_get(t->groups, text);
}

bool rn_tailnet_address(struct rn_tailnet *t, const char *text, char ret[RN_IMPORT_WORD])
{
	const struct rn_json *alias = t->hosts ? rn_json_get(t->hosts, text) : NULL;
	char formatted[RN_PREFIX_TEXT];
	struct rn_prefix prefix;
	struct rn_addr addr;

	if (alias)
		text = rn_json_type(alias) == RN_JSON_STRING ? rn_json_text(alias) : "";
	if (rn_addr_parse(text, &addr) == 0)
		snprintf(ret, RN_IMPORT_WORD, "host:%s", rn_addr_format(&addr, formatted));
	else if (rn_prefix_parse(text, &prefix) == 0 && prefix.bits == 128)
		snprintf(ret, RN_IMPORT_WORD, "host:%s", rn_addr_format(&prefix.addr, formatted));
	else if (rn_prefix_parse(text, &prefix) == 0)
		snprintf(ret, RN_IMPORT_WORD, "prefix:%s", rn_prefix_format(&prefix, formatted));
	else
		return false;
	return true;
}

/* Lists of text below a node, at any depth, are asked for the tags and users that they name. */
static void find_names(struct rn_tailnet *t, const struct rn_json *node)
{
	char word[RN_IMPORT_WORD];
	const char *text;

	for (const struct rn_json *n = rn_json_first(node); n; n = rn_json_next(n)) {
		bool app = rn_json_key(n) && strcasecmp(rn_json_key(n), "app") == 0;

		if ((rn_json_type(n) == RN_JSON_ARRAY || rn_json_type(n) == RN_JSON_OBJECT) && !app)
			find_names(t, n);
		if (rn_json_type(n) != RN_JSON_STRING || rn_json_key(n))
			continue;
		text = rn_json_text(n);
		if (strncmp(text, "tag:", 4) == 0) {
			char tag[160];

			/* A destination has its ports behind another colon. */
			snprintf(tag, sizeof(tag), "tag:%.*s", (int)strcspn(text + 4, ":"), text + 4);
			if (rn_tailnet_tag(tag, word))
				rn_draft_word(&t->draft, &t->tagged, "", word);
			else
				t->tag_unsayable = n;
		} else if (!strpbrk(text, ":/ ") && rn_tailnet_user(t, NULL, text, word)) {
			rn_draft_word(&t->draft, &t->members, "", word + strlen("user:"));
		}
	}
}

static void find_tag_owners(struct rn_tailnet *t)
{
	const struct rn_json *owners = rn_tailnet_get(t->root, "tagOwners");
	char word[RN_IMPORT_WORD];

	if (!owners || rn_json_type(owners) != RN_JSON_OBJECT)
		return;
	for (const struct rn_json *n = rn_json_first(owners); n; n = rn_json_next(n)) {
		if (strncmp(rn_json_key(n), "tag:", 4) != 0 || !rn_tailnet_tag(rn_json_key(n), word))
			t->tag_unsayable = n;
		else
			rn_draft_word(&t->draft, &t->tagged, "", word);
	}
	rn_draft_note(&t->draft, owners,
		      "who may give a device which tag is not part of a policy here: operators do, with the "
		      "device's token");
}

static void add_group(struct rn_tailnet *t, const struct rn_json *group)
{
	struct rn_json *list = rn_json_array();
	char word[RN_IMPORT_WORD], name[RN_IMPORT_WORD];
	struct rn_words users = {NULL, 0, 0};

	if (strncmp(rn_json_key(group), "group:", 6) != 0 || !rn_tailnet_group(t, rn_json_key(group), name) ||
	    rn_json_type(group) != RN_JSON_ARRAY) {
		rn_draft_lost(&t->draft, group, "\"%.80s\" is no group that has a name here, so it is left out",
			      rn_json_key(group));
		rn_json_free(list);
		return;
	}
	for (const struct rn_json *n = rn_json_first(group); n; n = rn_json_next(n)) {
		if (rn_json_type(n) != RN_JSON_STRING)
			rn_draft_lost(&t->draft, n, "a group's members are texts; this one is left out");
		else if (rn_tailnet_user(t, n, rn_json_text(n), word))
			rn_draft_word(&t->draft, &users, "", word + strlen("user:"));
	}
	for (uint32_t i = 0; i < users.count; i++)
		rn_json_append_text(list, users.text[i]);
	rn_words_done(&users);
	rn_json_add(t->draft.groups, name + strlen("group:"), list);
}

void rn_tailnet_names(struct rn_tailnet *t)
{
	static const char *const parts[] = {"groups", "tagOwners", "acls", "grants"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct rn_json *part = rn_tailnet_get(t->root, parts[i]);

		if (part && (rn_json_type(part) == RN_JSON_ARRAY || rn_json_type(part) == RN_JSON_OBJECT))
			find_names(t, part);
	}
	find_tag_owners(t);
	for (uint32_t i = 0; i < t->tagged.count; i++)
		rn_draft_word(&t->draft, &t->draft.tags, "", t->tagged.text[i] + strlen("tag:"));
	for (const struct rn_json *n = t->groups ? rn_json_first(t->groups) : NULL; n; n = rn_json_next(n))
		add_group(t, n);
}
