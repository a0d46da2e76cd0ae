// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "domain/import_tailscale.h"

/* What a rule is made of, whichever form it has. */
struct entry {
	const struct rn_json *node;
	const char *kind; /* "acl", "grant" */
	unsigned number;  /* from 1 */
	unsigned rules;	  /* made of it so far */
	struct rn_tailnet_ends sources;
};

static bool is_list(const struct rn_json *node)
{
	return node && rn_json_type(node) == RN_JSON_ARRAY;
}

static const char *text_of(const struct rn_json *node)
{
	return node && rn_json_type(node) == RN_JSON_STRING ? rn_json_text(node) : NULL;
}

static void one_rule(struct rn_tailnet *t, struct entry *e, const struct rn_draft_side *source,
		     const struct rn_draft_side *destination, const struct rn_words *services)
{
	char id[RN_NAME_MAX + 1], comment[80];
	unsigned line, column;
	uint32_t before = t->draft.rule_count;

	rn_json_where(e->node, &line, &column);
	snprintf(comment, sizeof(comment), "%ss, number %u, line %u", e->kind, e->number, line);
	if (e->rules)
		snprintf(id, sizeof(id), "%s-%u-%u", e->kind, e->number, e->rules + 1);
	else
		snprintf(id, sizeof(id), "%s-%u", e->kind, e->number);
	rn_draft_rule(&t->draft, id, comment, source, destination, services);
	e->rules += t->draft.rule_count - before;
}

/* The i-th side of the ends, NULL behind the last. */
static const struct rn_draft_side *side_of(const struct rn_tailnet_ends *ends, unsigned i)
{
	if (i < 2)
		return i ? &ends->persons : &ends->plain;
	return i - 2 < ends->set_count ? &ends->sets[i - 2] : NULL;
}

/* autogroup:self: the untagged devices of the source's user, whose own device is untagged too. */
static void self_rules(struct rn_tailnet *t, struct entry *e, const struct rn_json *at, const struct rn_words *services)
{
	struct rn_draft_side source = {0}, self = {0};
	bool everyone = rn_words_has(&e->sources.plain.any, "everyone");

	if (t->tag_unsayable) {
		rn_draft_lost(&t->draft, at,
			      "autogroup:self means devices without tags, and a tag of this file has no name here, so "
			      "it is left out");
		return;
	}
	if ((e->sources.plain.any.count && !everyone) || e->sources.set_count)
		rn_draft_lost(&t->draft, at,
			      "autogroup:self has a meaning for users' devices only; sources that are none do not "
			      "reach it");
	rn_draft_words(&t->draft, &source.none, &t->tagged);
	rn_draft_words(&t->draft, &self.none, &t->tagged);
	rn_draft_word(&t->draft, &self.any, "", "same-owner");
	if (everyone)
		rn_draft_word(&t->draft, &source.any, "", "everyone");
	else
		rn_draft_words(&t->draft, &source.any, &e->sources.persons.any);
	one_rule(t, e, &source, &self, services);
	rn_draft_side_done(&source);
	rn_draft_side_done(&self);
}

static void rules_between(struct rn_tailnet *t, struct entry *e, const struct rn_tailnet_ends *destinations,
			  const struct rn_words *services)
{
	for (unsigned i = 0; side_of(destinations, i); i++)
		for (unsigned k = 0; side_of(&e->sources, k); k++)
			one_rule(t, e, side_of(&e->sources, k), side_of(destinations, i), services);
	if (destinations->self)
		self_rules(t, e, destinations->self, services);
}

/* False, after a note, where the rule has what narrows it and cannot be said. */
static bool sayable(struct rn_tailnet *t, const struct entry *e, const char *const *known)
{
	const struct rn_json *posture = rn_tailnet_get(e->node, "srcPosture");

	if (!posture)
		posture = rn_tailnet_get(t->root, "defaultSrcPosture");
	if (posture && !(is_list(posture) && rn_json_count(posture) == 0)) {
		rn_draft_lost(&t->draft, e->node,
			      "this rule asks for the state of a device (%s), which a rule here cannot, so it is "
			      "left out",
			      rn_json_key(posture));
		return false;
	}
	for (const struct rn_json *n = rn_json_first(e->node); n; n = rn_json_next(n)) {
		size_t i = 0;

		while (known[i] && strcasecmp(known[i], rn_json_key(n)) != 0)
			i++;
		if (!known[i]) {
			rn_draft_lost(&t->draft, n,
				      "\"%.60s\" may narrow this rule and has no counterpart here, so the rule is left "
				      "out",
				      rn_json_key(n));
			return false;
		}
	}
	return true;
}

static void read_sources(struct rn_tailnet *t, struct entry *e, const struct rn_json *list)
{
	if (!is_list(list)) {
		rn_draft_lost(&t->draft, list ? list : e->node, "this rule has no list of sources, so it is left out");
		return;
	}
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		if (text_of(n))
			rn_tailnet_end(t, n, text_of(n), false, &e->sources);
		else
			rn_draft_lost(&t->draft, n, "a source is a text; this one is left out");
	}
}

/* Where the ports of "tag:db:5432" begin, behind the last colon; NULL: it has none. */
static const char *ports_of(const char *text)
{
	const char *colon = text ? strrchr(text, ':') : NULL;

	return colon && colon != text ? colon + 1 : NULL;
}

/* A destination without its ports, and without the brackets of an IPv6 address; it is cut where it is too long. */
static void host_of(const char *text, const char *ports, char *ret, size_t size)
{
	size_t length = (size_t)(ports - 1 - text);

	if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	snprintf(ret, size, "%.*s", (int)(length < size ? length : size), text);
}

static bool ports_came_before(const struct rn_json *list, const struct rn_json *node)
{
	const char *ports = ports_of(text_of(node));

	for (const struct rn_json *n = rn_json_first(list); n != node; n = rn_json_next(n))
		if (ports_of(text_of(n)) && strcmp(ports_of(text_of(n)), ports) == 0)
			return true;
	return false;
}

/* Destinations with the same ports become rules together. */
static void acl_destinations(struct rn_tailnet *t, struct entry *e, const struct rn_json *list, const char *proto)
{
	char host[300];

	if (rn_json_count(list) > RN_RULE_SELECTORS_MAX) {
		rn_draft_lost(&t->draft, list, "more than %d destinations, so this rule is left out",
			      RN_RULE_SELECTORS_MAX);
		return;
	}
	for (const struct rn_json *n = rn_json_first(list); n && !t->draft.failed; n = rn_json_next(n)) {
		struct rn_tailnet_ends ends = {0};
		struct rn_words services = {NULL, 0, 0};
		const char *ports = ports_of(text_of(n));

		if (!ports) {
			rn_draft_lost(&t->draft, n, "a destination is HOST:PORTS; this one is left out");
			continue;
		}
		if (ports_came_before(list, n))
			continue;
		rn_tailnet_services(t, n, proto, ports, &services);
		for (const struct rn_json *same = n; same; same = rn_json_next(same)) {
			const char *theirs = ports_of(text_of(same));

			if (!theirs || strcmp(theirs, ports) != 0)
				continue;
			host_of(text_of(same), theirs, host, sizeof(host));
			rn_tailnet_end(t, same, host, true, &ends);
		}
		rules_between(t, e, &ends, &services);
		rn_tailnet_ends_done(&ends);
		rn_words_done(&services);
	}
}

static void read_acl(struct rn_tailnet *t, struct entry *e)
{
	static const char *const known[] = {"action", "src", "dst", "users", "ports", "proto", "srcPosture", NULL};
	const struct rn_json *action = rn_tailnet_get(e->node, "action"), *proto = rn_tailnet_get(e->node, "proto");
	const struct rn_json *src = rn_tailnet_get(e->node, "src"), *dst = rn_tailnet_get(e->node, "dst");

	if (!sayable(t, e, known))
		return;
	if (!text_of(action) || strcmp(text_of(action), "accept") != 0 || (proto && !text_of(proto))) {
		rn_draft_lost(&t->draft, e->node,
			      "a rule says \"action\": \"accept\", and its \"proto\" is a text; this one is left out");
		return;
	}
	read_sources(t, e, src ? src : rn_tailnet_get(e->node, "users"));
	dst = dst ? dst : rn_tailnet_get(e->node, "ports");
	if (is_list(dst))
		acl_destinations(t, e, dst, text_of(proto));
	else
		rn_draft_lost(&t->draft, e->node, "this rule has no list of destinations, so it is left out");
}

/* "tcp:443", "443", "icmp:*", "*" */
static void grant_services(struct rn_tailnet *t, const struct rn_json *list, struct rn_words *services)
{
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n)) {
		const char *text = text_of(n), *colon = text ? strrchr(text, ':') : NULL;
		char proto[40];

		if (!text) {
			rn_draft_lost(&t->draft, n, "\"ip\" is a list of texts; this one is left out");
			continue;
		}
		snprintf(proto, sizeof(proto), "%.*s", colon ? (int)(colon - text < 39 ? colon - text : 39) : 0, text);
		rn_tailnet_services(t, n, colon ? proto : NULL, colon ? colon + 1 : text, services);
	}
}

static void read_grant(struct rn_tailnet *t, struct entry *e)
{
	static const char *const known[] = {"src", "dst", "ip", "app", "srcPosture", NULL};
	const struct rn_json *dst = rn_tailnet_get(e->node, "dst"), *ip = rn_tailnet_get(e->node, "ip");
	const struct rn_json *app = rn_tailnet_get(e->node, "app");
	struct rn_tailnet_ends ends = {0};
	struct rn_words services = {NULL, 0, 0};

	if (app)
		rn_draft_lost(&t->draft, app,
			      "what an application is told (\"app\") has no counterpart here, so it is left out");
	if (!sayable(t, e, known) || (!ip && app))
		return;
	if (!is_list(dst) || !is_list(ip)) {
		rn_draft_lost(&t->draft, e->node,
			      "this grant has no list of destinations or none in \"ip\", so it is left out");
		return;
	}
	read_sources(t, e, rn_tailnet_get(e->node, "src"));
	grant_services(t, ip, &services);
	for (const struct rn_json *n = rn_json_first(dst); n; n = rn_json_next(n)) {
		if (text_of(n))
			rn_tailnet_end(t, n, text_of(n), true, &ends);
		else
			rn_draft_lost(&t->draft, n, "a destination is a text; this one is left out");
	}
	rules_between(t, e, &ends, &services);
	rn_tailnet_ends_done(&ends);
	rn_words_done(&services);
}

static void read_entries(struct rn_tailnet *t, const char *key, const char *kind,
			 void (*read)(struct rn_tailnet *, struct entry *))
{
	const struct rn_json *list = rn_tailnet_get(t->root, key);
	unsigned number = 0;

	for (const struct rn_json *n = list ? rn_json_first(list) : NULL; n && !t->draft.failed; n = rn_json_next(n)) {
		struct entry e = {.node = n, .kind = kind, .number = number + 1};

		number++;
		if (rn_json_type(n) == RN_JSON_OBJECT)
			read(t, &e);
		else
			rn_draft_lost(&t->draft, n, "a rule is an object in { }; this one is left out");
		rn_tailnet_ends_done(&e.sources);
	}
}

/* Top-level parts by what they are, and those that have no counterpart. */
static int check_parts(struct rn_tailnet *t, struct rn_err *err)
{
	static const char *const lists[] = {"acls", "grants", "tests", NULL};
	static const char *const objects[] = {"groups", "hosts", "ipsets", "tagOwners", NULL};
	static const char *const silent[] = {"defaultSrcPosture", NULL};

	for (const struct rn_json *n = rn_json_first(t->root); n; n = rn_json_next(n)) {
		size_t l = 0, o = 0, s = 0;

		while (lists[l] && strcasecmp(lists[l], rn_json_key(n)) != 0)
			l++;
		while (objects[o] && strcasecmp(objects[o], rn_json_key(n)) != 0)
			o++;
		while (silent[s] && strcasecmp(silent[s], rn_json_key(n)) != 0)
			s++;
		if (rn_tailnet_get(t->root, rn_json_key(n)) != n)
			return rn_json_fail(n, err, "\"%.60s\" stands twice, in another case", rn_json_key(n));
		if (lists[l] && rn_json_type(n) != RN_JSON_ARRAY)
			return rn_json_fail(n, err, "\"%s\" must be a list in [ ]", rn_json_key(n));
		if (objects[o] && rn_json_type(n) != RN_JSON_OBJECT)
			return rn_json_fail(n, err, "\"%s\" must be an object in { }", rn_json_key(n));
		if (!lists[l] && !objects[o] && !silent[s])
			rn_draft_lost(&t->draft, n, "\"%.60s\" has no counterpart here, so it is left out",
				      rn_json_key(n));
	}
	return 0;
}

static void add_members(struct rn_tailnet *t)
{
	struct rn_json *list;

	if (!t->members_used)
		return;
	list = rn_json_array();
	for (uint32_t i = 0; i < t->members.count; i++)
		rn_json_append_text(list, t->members.text[i]);
	rn_json_add(t->draft.groups, "autogroup__member", list);
}

int rn_import_tailscale(const struct rn_import_document *document, const char *domain, struct rn_import *ret,
			struct rn_err *err)
{
	struct rn_tailnet t = {.draft = {.document = document}, .root = document->root, .domain = domain ? domain : ""};
	int code = 0;

	memset(ret, 0, sizeof(*ret));
	if (rn_json_type(t.root) != RN_JSON_OBJECT)
		return rn_json_fail(t.root, err, "a Tailscale policy file is an object in { }");
	if (rn_draft_open(&t.draft) < 0)
		t.draft.failed = -ENOMEM;
	else
		code = check_parts(&t, err);
	if (code == 0 && !t.draft.failed) {
		t.groups = rn_tailnet_get(t.root, "groups");
		t.hosts = rn_tailnet_get(t.root, "hosts");
		t.ipsets = rn_tailnet_get(t.root, "ipsets");
		rn_tailnet_names(&t);
		read_entries(&t, "acls", "acl", read_acl);
		read_entries(&t, "grants", "grant", read_grant);
		add_members(&t);
		rn_tailnet_tests(&t);
	}
	rn_words_done(&t.tagged);
	rn_words_done(&t.members);
	if (code < 0)
		t.draft.failed = code;
	return rn_draft_close(&t.draft, "// From a Tailscale policy file; docs/import.md says what became what.", ret,
			      code < 0 ? NULL : err);
}
