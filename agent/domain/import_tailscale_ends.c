// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "domain/import_tailscale.h"

#define SET_DEPTH_MAX 8

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whom only devices without tags belong to. A tag without a name here could not be excluded. */
static void add_person(struct rn_tailnet *t, const struct rn_json *at, const char *word, struct rn_tailnet_ends *ends)
{
	if (t->tag_unsayable) {
		rn_draft_lost(&t->draft, at,
			      "users' devices are those without tags, and a tag of this file has no name here, so "
			      "this is left out; give that tag a shorter name");
		return;
	}
	rn_draft_words(&t->draft, &ends->persons.none, &t->tagged);
	rn_draft_word(&t->draft, &ends->persons.any, "", word);
}

static void add_autogroup(struct rn_tailnet *t, const struct rn_json *at, const char *name, bool destination,
			  struct rn_tailnet_ends *ends)
{
	if (strcmp(name, "tagged") == 0) {
		if (t->tag_unsayable)
			rn_draft_lost(&t->draft, t->tag_unsayable,
				      "this tag has no name here, so autogroup:tagged is without it");
		rn_draft_words(&t->draft, &ends->plain.any, &t->tagged);
	} else if (strcmp(name, "member") == 0 || strcmp(name, "members") == 0) {
		t->members_used = true;
		add_person(t, at, "group:autogroup__member", ends);
		rn_draft_lost(&t->draft, at,
			      "autogroup:member became the group autogroup__member of the %u users that this file "
			      "names: add who is missing, take out whom devices are only shared with",
			      t->members.count);
	} else if (strcmp(name, "self") == 0 && destination) {
		ends->self = at;
	} else {
		rn_draft_lost(&t->draft, at, "autogroup:%.60s has no counterpart here, so it is left out", name);
	}
}

static void address_note(struct rn_tailnet *t, const struct rn_json *at)
{
	if (t->addresses_said)
		return;
	t->addresses_said = true;
	rn_draft_note(&t->draft, at,
		      "addresses are taken as they are: they mean the devices that have them in this network, with "
		      "all their addresses, and nothing behind a device");
}

/*
 * An IP set into side: what it adds, and what it removes of all that it adds. False: part of it cannot be said.
 * Operations take effect in order, so what comes after a removal could add again: that stays removed.
 */
static bool add_set(struct rn_tailnet *t, const struct rn_json *at, const char *name, struct rn_draft_side *side,
		    unsigned depth)
{
	const struct rn_json *set = t->ipsets ? rn_json_get(t->ipsets, name) : NULL;
	char word[RN_IMPORT_WORD];
	bool exact = true;

	if (!set || rn_json_type(set) != RN_JSON_ARRAY || depth == SET_DEPTH_MAX)
		return false;
	for (const struct rn_json *n = rn_json_first(set); n; n = rn_json_next(n)) {
		const char *text = rn_json_type(n) == RN_JSON_STRING ? rn_json_text(n) : "";
		bool removed = begins(text, "remove ");

		text += removed ? strlen("remove ") : begins(text, "add ") ? strlen("add ") : 0;
		text += begins(text, "host:") ? strlen("host:") : 0;
		if (begins(text, "ipset:") && !removed && !side->none.count) {
			uint32_t before = side->any.count;

			exact &= add_set(t, at, text, side, depth + 1) && (!before || !side->none.count);
		} else if (rn_tailnet_address(t, text, word)) {
			rn_draft_word(&t->draft, removed ? &side->none : &side->any, "", word);
			exact &= removed || !side->none.count;
		} else {
			exact = false;
		}
	}
	return exact;
}

static void add_ipset(struct rn_tailnet *t, const struct rn_json *at, const char *name, struct rn_tailnet_ends *ends)
{
	struct rn_draft_side side = {0};
	bool exact = add_set(t, at, name, &side, 0);

	address_note(t, at);
	if (!exact || (side.none.count && ends->set_count == RN_TAILNET_SETS)) {
		rn_draft_lost(&t->draft, at, "\"%.80s\" holds what cannot be said here, so it is left out", name);
	} else if (side.none.count) {
		ends->sets[ends->set_count++] = side;
		return;
	} else {
		rn_draft_words(&t->draft, &ends->plain.any, &side.any);
	}
	rn_draft_side_done(&side);
}

void rn_tailnet_end(struct rn_tailnet *t, const struct rn_json *at, const char *text, bool destination,
		    struct rn_tailnet_ends *ends)
{
	char word[RN_IMPORT_WORD];

	if (strcmp(text, "*") == 0) {
		rn_draft_word(&t->draft, &ends->plain.any, "", "everyone");
	} else if (begins(text, "autogroup:")) {
		add_autogroup(t, at, text + strlen("autogroup:"), destination, ends);
	} else if (begins(text, "ipset:")) {
		add_ipset(t, at, text, ends);
	} else if (begins(text, "tag:")) {
		if (rn_tailnet_tag(text, word) && rn_words_has(&t->tagged, word))
			rn_draft_word(&t->draft, &ends->plain.any, "", word);
		else
			rn_draft_lost(&t->draft, at, "\"%.80s\" is no tag that has a name here, so it is left out", text);
	} else if (begins(text, "group:")) {
		if (rn_tailnet_group(t, text, word))
			add_person(t, at, word, ends);
		else
			rn_draft_lost(&t->draft, at, "\"%.80s\" is no group of this file, so it is left out", text);
	} else if (rn_tailnet_address(t, text, word)) {
		address_note(t, at);
		rn_draft_word(&t->draft, &ends->plain.any, "", word);
	} else if (strchr(text, '@')) {
		if (rn_tailnet_user(t, at, text, word))
			add_person(t, at, word, ends);
	} else {
		rn_draft_lost(&t->draft, at, "\"%.80s\" means nothing here, so it is left out", text);
	}
}

void rn_tailnet_ends_done(struct rn_tailnet_ends *ends)
{
	rn_draft_side_done(&ends->plain);
	rn_draft_side_done(&ends->persons);
	for (unsigned i = 0; i < ends->set_count; i++)
		rn_draft_side_done(&ends->sets[i]);
	memset(ends, 0, sizeof(*ends));
}
