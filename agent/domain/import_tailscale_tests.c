// SPDX-License-Identifier: Apache-2.0
/*
 * Tests become tests between ends that are made up. A policy whose tests fail is not accepted, so one that does not
 * hold for what was translated (a rule that it needs was left out, or it knows more of a host than its address) is
 * left out too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "domain/import_tailscale.h"

#define TESTS_MAX 10000

struct end {
	char word[RN_IMPORT_WORD]; /* "user:alice", "tag:db", "host:100.64.0.1" */
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool in_group(const struct rn_draft *draft, const char *name, const char *word)
{
	const struct rn_json *group = rn_json_get(draft->groups, name);

	for (const struct rn_json *n = group ? rn_json_first(group) : NULL; n; n = rn_json_next(n))
		if (strcmp(rn_json_text(n), word + strlen("user:")) == 0)
			return true;
	return false;
}

static bool in_prefix(const char *prefix, const char *word)
{
	struct rn_prefix p;
	struct rn_addr a;

	return begins(word, "host:") && rn_addr_parse(word + strlen("host:"), &a) == 0 &&
	       rn_prefix_parse(prefix, &p) == 0 && rn_prefix_contains(&p, &a);
}

static bool is(const struct rn_draft *draft, const char *criterion, const struct end *end, const struct end *other)
{
	if (strcmp(criterion, "everyone") == 0 || strcmp(criterion, end->word) == 0)
		return true;
	if (strcmp(criterion, "same-owner") == 0)
		return begins(end->word, "user:") && strcmp(end->word, other->word) == 0;
	if (begins(criterion, "group:"))
		return begins(end->word, "user:") && in_group(draft, criterion + strlen("group:"), end->word);
	return begins(criterion, "prefix:") && in_prefix(criterion + strlen("prefix:"), end->word);
}

static bool is_on(const struct rn_draft *draft, const struct rn_draft_side *side, const struct end *end,
		  const struct end *other)
{
	bool any = false;

	for (uint32_t i = 0; i < side->any.count && !any; i++)
		any = is(draft, side->any.text[i], end, other);
	for (uint32_t i = 0; i < side->none.count && any; i++)
		any = !is(draft, side->none.text[i], end, other);
	return any;
}

/* "tcp:22" of a test, against "tcp", "tcp:22" and "tcp:20-30" of a rule. */
static bool serves(const char *rule, const char *test)
{
	size_t name = strcspn(test, ":");
	unsigned long port;
	char *end;

	if (strcmp(rule, test) == 0 || (strcmp(rule, "icmp") == 0 && begins(test, "icmp")))
		return true;
	if (strncmp(rule, test, name) != 0 || (rule[name] && rule[name] != ':'))
		return false;
	if (!rule[name])
		return true;
	port = test[name] ? strtoul(test + name + 1, NULL, 10) : 0;
	if (strtoul(rule + name + 1, &end, 10) > port || *end != '-')
		return false;
	return port <= strtoul(end + 1, NULL, 10);
}

static bool allowed(const struct rn_draft *draft, const struct end *source, const struct end *destination,
		    const char *service)
{
	for (uint32_t i = 0; i < draft->rule_count; i++) {
		const struct rn_draft_rule *r = &draft->rules[i];
		bool served = false;

		for (uint32_t k = 0; k < r->services.count && !served; k++)
			served = serves(r->services.text[k], service);
		if (served && is_on(draft, &r->source, source, destination) &&
		    is_on(draft, &r->destination, destination, source))
			return true;
	}
	return false;
}

static struct rn_json *party(const struct end *end)
{
	struct rn_json *node = rn_json_object(), *tags;
	const char *name = strchr(end->word, ':') + 1;

	if (begins(end->word, "tag:")) {
		tags = rn_json_array();
		rn_json_append_text(tags, name);
		rn_json_add(node, "tags", tags);
	} else {
		rn_json_add_text(node, begins(end->word, "user:") ? "user" : "address", name);
	}
	return node;
}

/* An end that can be made up of this text. False, after a note. */
static bool read_end(struct rn_tailnet *t, const struct rn_json *at, const char *text, struct end *ret)
{
	if (begins(text, "tag:") && rn_tailnet_tag(text, ret->word) && rn_words_has(&t->tagged, ret->word))
		return true;
	if (rn_tailnet_address(t, text, ret->word) && begins(ret->word, "host:"))
		return true;
	if (strchr(text, '@'))
		return rn_tailnet_user(t, at, text, ret->word);
	rn_draft_lost(&t->draft, at,
		      "a test is between users, tags and addresses, and \"%.60s\" is none of them, so it is left out",
		      text);
	return false;
}

/* The services of "22" under proto; false: none, or more than one port. */
static bool read_services(struct rn_tailnet *t, const struct rn_json *at, const char *proto, const char *ports,
			  struct rn_words *ret)
{
	struct rn_words all = {NULL, 0, 0};
	bool good;

	rn_tailnet_services(t, at, proto, ports, &all);
	good = all.count > 0 && !strpbrk(ports, ",-");
	for (uint32_t i = 0; i < all.count; i++) {
		good &= begins(all.text[i], "icmp") || strchr(all.text[i], ':');
		if (proto || !begins(all.text[i], "icmp")) /* a port was meant */
			rn_draft_word(&t->draft, ret, "", all.text[i]);
	}
	rn_words_done(&all);
	return good;
}

static void add_test(struct rn_tailnet *t, const struct rn_json *at, const struct end *source,
		     const struct end *destination, const struct rn_words *services, bool accept)
{
	struct rn_json *node, *list;
	char id[32];

	if (++t->tests > TESTS_MAX) {
		t->draft.failed = -EMSGSIZE;
		return;
	}
	for (uint32_t i = 0; i < services->count; i++)
		if (allowed(&t->draft, source, destination, services->text[i]) != accept) {
			rn_draft_lost(&t->draft, at,
				      "this test does not hold for what was translated, so it is left out");
			return;
		}
	node = rn_json_object();
	list = rn_json_array();
	snprintf(id, sizeof(id), "test-%u", t->tests);
	rn_json_add_text(node, "id", id);
	rn_json_add(node, "source", party(source));
	rn_json_add(node, "destination", party(destination));
	for (uint32_t i = 0; i < services->count; i++)
		rn_json_append_text(list, services->text[i]);
	rn_json_add(node, "services", list);
	rn_json_add_text(node, "expect", accept ? "allow" : "deny");
	rn_json_append(t->draft.tests, node);
}

static void one_target(struct rn_tailnet *t, const struct rn_json *at, const struct end *source, const char *proto,
		       bool accept)
{
	const char *text = rn_json_type(at) == RN_JSON_STRING ? rn_json_text(at) : "";
	const char *colon = strrchr(text, ':');
	struct rn_words services = {NULL, 0, 0};
	struct end destination;
	char host[300];

	if (!colon || (size_t)(colon - text) >= sizeof(host)) {
		rn_draft_lost(&t->draft, at, "a test's destination is HOST:PORT; this one is left out");
		return;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (read_end(t, at, host, &destination)) {
		if (read_services(t, at, proto, colon + 1, &services))
			add_test(t, at, source, &destination, &services, accept);
		else
			rn_draft_lost(&t->draft, at, "a test asks for one port; this one is left out");
	}
	rn_words_done(&services);
}

static void one_test(struct rn_tailnet *t, const struct rn_json *test)
{
	bool object = rn_json_type(test) == RN_JSON_OBJECT;
	const struct rn_json *src = object ? rn_tailnet_get(test, "src") : NULL;
	const struct rn_json *proto = object ? rn_tailnet_get(test, "proto") : NULL;
	const char *text = proto && rn_json_type(proto) == RN_JSON_STRING ? rn_json_text(proto) : NULL;
	struct end source;

	src = src || !object ? src : rn_tailnet_get(test, "user");
	if (!src || rn_json_type(src) != RN_JSON_STRING || (proto && !text) ||
	    rn_tailnet_get(test, "srcPostureAttrs")) {
		rn_draft_lost(&t->draft, test, "this test has no source that could be made up here, so it is left out");
		return;
	}
	if (!read_end(t, src, rn_json_text(src), &source))
		return;
	for (const struct rn_json *n = rn_json_first(test); n; n = rn_json_next(n)) {
		bool accept = strcmp(rn_json_key(n), "accept") == 0 || strcmp(rn_json_key(n), "allow") == 0;

		if ((!accept && strcmp(rn_json_key(n), "deny") != 0) || rn_json_type(n) != RN_JSON_ARRAY)
			continue;
		for (const struct rn_json *at = rn_json_first(n); at && !t->draft.failed; at = rn_json_next(at))
			one_target(t, at, &source, text, accept);
	}
}

void rn_tailnet_tests(struct rn_tailnet *t)
{
	const struct rn_json *tests = rn_tailnet_get(t->root, "tests");

	for (const struct rn_json *n = tests ? rn_json_first(tests) : NULL; n && !t->draft.failed; n = rn_json_next(n))
		one_test(t, n);
}
