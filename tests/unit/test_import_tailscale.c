// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "import_world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int import(const char *text, const char *domain, struct rn_import *ret, struct rn_err *err)
{
	struct rn_json *root = rn_json_parse(text, strlen(text), RN_JSON_COMMENTS, err);
	struct rn_import_document document = {"policy.hujson", root};
	int code;

	if (!root)
		fail_msg("%s: %s", text, err->text);
	code = rn_import_tailscale(&document, domain, ret, err);
	rn_json_free(root);
	return code;
}

static void test_example(void **state)
{
	(void)state;
	assert_example(import, "tailscale", "hujson");
}

static void holds(const char *text, const char *domain, const char *has, const char *has_not)
{
	assert_holds(import, text, domain, has, has_not);
}

#define RULE(rest) "{\"acls\": [{\"action\": \"accept\", " rest "}]}"

static void test_pieces(void **state)
{
	(void)state;
	/* Keys in any case, and the old names of members. */
	holds("{\"ACLs\": [{\"Action\": \"accept\", \"Users\": [\"*\"], \"Ports\": [\"*:22\"]}]}", NULL, "\"tcp:22\"",
	      NULL);
	/* Two users stay two, whatever their names look like. */
	holds(RULE("\"src\": [\"a@x.example\", \"a.x.example@x.example\", \"a_at_x@example\"], \"dst\": [\"*:*\"]"),
	      NULL, "[\"user:a_at_x.example\", \"user:a.x.example_at_x.example\", \"user:a_5fat_5fx_at_example\"]",
	      NULL);
	holds(RULE("\"src\": [\"a@x.example\", \"a@y.example\"], \"dst\": [\"*:*\"]"), "x.example",
	      "[\"user:a\", \"user:a_at_y.example\"]", NULL);
	/* A rule that is narrowed by what cannot be said is left out. */
	holds(RULE("\"src\": [\"*\"], \"dst\": [\"*:*\"], \"srcPosture\": [\"posture:x\"]"), NULL, "\"rules\":\t[]",
	      NULL);
	holds(RULE("\"src\": [\"*\"], \"dst\": [\"*:*\"], \"when\": \"noon\""), NULL, "\"rules\":\t[]", NULL);
	holds("{\"defaultSrcPosture\": [\"posture:x\"], \"grants\": [{\"src\": [\"*\"], \"dst\": [\"*\"], \"ip\": "
	      "[\"*\"]}]}",
	      NULL, "\"rules\":\t[]", NULL);
	holds(RULE("\"src\": [\"*\"], \"dst\": [\"*:*\"], \"srcPosture\": []"), NULL, "everyone", NULL);
	holds(RULE("\"src\": [\"tag:a\"], \"dst\": [\"autogroup:self:*\"]"), NULL, "\"rules\":\t[]", NULL);
	/* A device with a tag is nobody's, even where somebody owns it here. */
	holds(RULE("\"src\": [\"*\"], \"dst\": [\"autogroup:self:*\", \"tag:a:22\"]"), NULL,
	      "[\"same-owner\", \"!tag:a\"]", NULL);
	/* Who has a tag that has no name here could not be excluded. */
	holds("{\"tagOwners\": {\"tag:a123456789012345678901234567890123456789012345678901234567890123\": []}, "
	      "\"acls\": [{\"action\": "
	      "\"accept\", \"src\": [\"a@x\"], \"dst\": [\"*:*\"]}]}",
	      NULL, "\"rules\":\t[]", "user:");
	holds("{\"ipsets\": {\"ipset:a\": [\"10.0.0.0/8\", \"remove 10.1.0.0/16\", \"add 10.1.1.0/24\"]}, \"grants\": "
	      "[{\"src\": "
	      "[\"ipset:a\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}]}",
	      NULL, "\"rules\":\t[]", NULL);
	holds("{\"ipsets\": {\"ipset:a\": [\"ipset:a\", \"10.0.0.0/8\"]}, \"grants\": [{\"src\": "
	      "[\"ipset:a\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}]}",
	      NULL, "\"rules\":\t[]", NULL);
	/* What is removed in one set stays in the other. */
	holds("{\"ipsets\": {\"ipset:a\": [\"10.1.0.0/16\", \"ipset:b\"], \"ipset:b\": [\"10.0.0.0/8\", \"remove "
	      "10.1.0.0/16\"]}, "
	      "\"grants\": [{\"src\": [\"ipset:a\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}]}",
	      NULL, "\"rules\":\t[]", NULL);
	/* Ports stand behind the last colon: this is no tag. */
	holds(RULE("\"src\": [\"*\"], \"dst\": [\"tag:a:5:22\"]"), NULL, "\"rules\":\t[]", NULL);
	holds(RULE("\"src\": [\"tag:a\", \"x\\u0001y\"], \"dst\": [\"*:1,2-3,0-4\"]"), NULL,
	      "[\"tcp:1\", \"udp:1\", \"icmp\", \"tcp:2-3\", \"udp:2-3\", \"tcp:1-4\", \"udp:1-4\"]", NULL);
}

static void refused(const char *text, const char *sentence)
{
	assert_refused(import, text, sentence);
}

static void test_refused(void **state)
{
	(void)state;
	refused("[]", "line 1, column 1: a Tailscale policy file is an object");
	refused("{\"acls\": {}}", "line 1, column 2: \"acls\" must be a list");
	refused("{\"groups\": []}", "must be an object");
	refused("{\"acls\": [],\n \"ACLs\": []}", "line 2, column 2: \"ACLs\" stands twice");
}

/* More than a rule may name: what came out was no policy. Each port is of tcp and udp, and icmp counts twice. */
static void test_ports_without_end(void **state)
{
	char text[4096];
	struct rn_import out;
	struct rn_policy_model *model;
	struct rn_err err = {""};

	(void)state;
	for (unsigned count = 127; count <= 128; count++) {
		size_t at = (size_t)snprintf(text, sizeof(text), "{\"acls\": [{\"action\": \"accept\", \"src\": "
								  "[\"*\"], \"dst\": [\"*:1");

		for (unsigned i = 1; i < count; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ",%u", 1 + 2 * i);
		snprintf(text + at, sizeof(text) - at, "\"]}]}");
		if (count == 128) {
			assert_int_equal(import(text, NULL, &out, &err), -EMSGSIZE);
			assert_non_null(strstr(err.text, "more than 256 services"));
			assert_null(out.text);
			continue;
		}
		assert_int_equal(import(text, NULL, &out, &err), 0);
		model = rn_policy_parse(out.text, strlen(out.text), &err);
		assert_non_null(model);
		rn_policy_model_free(model);
		rn_import_done(&out);
	}
}

/* --- Random files and a walk over what they mean, by Tailscale's rules. --- */
enum kind { ALL, USER, GROUP, TAG, MEMBER, TAGGED, ADDRESS, PREFIX, ALIAS, SET, SELF, KINDS };
struct element {
	enum kind kind;
	unsigned n;
};
struct rule {
	struct element src[3], dst[3];
	unsigned src_count, dst_count, first[3], last[3]; /* of each destination */
	const char *proto;				  /* NULL: none */
	bool grant;
};

#define USERS 4
#define TAGS 3
static const char *const users[USERS] = {"a@x.example", "a@y.example", "B.c@x.example", "d_e@x.example"};
static const char *const names[USERS] = {"a_at_x.example", "a_at_y.example", "x___42.c_at_x.example",
					 "d_5fe_at_x.example"};
static const char *const tags[TAGS] = {"web", "db", "x-1"};
static const char *const protos[] = {NULL, NULL, "tcp", "17", "1", "ipv6-icmp", "sctp"};

static struct element random_element(bool lossless, bool destination)
{
	struct element e = {.kind = chance(KINDS), .n = chance(3)};

	if ((lossless && (e.kind == MEMBER || e.kind == SELF)) || (e.kind == SELF && !destination))
		e.kind = USER;
	if (e.kind == USER)
		e.n = chance(USERS);
	return e;
}

static struct rule random_rule(bool lossless)
{
	struct rule r = {.src_count = 1 + chance(3), .dst_count = 1 + chance(3), .grant = chance(3) == 0};

	r.proto = protos[chance(lossless ? COUNT(protos) - 1 : COUNT(protos))];
	for (unsigned i = 0; i < 3; i++) {
		bool ports = chance(3) && !(r.proto && strchr("1i", r.proto[0]) && strcmp(r.proto, "17") != 0);

		r.src[i] = random_element(lossless, false);
		r.dst[i] = random_element(lossless, true);
		r.first[i] = ports ? 1 + chance(6) : 0;
		r.last[i] = ports ? r.first[i] + chance(3) : 65535;
		if (r.grant && i) {
			r.first[i] = r.first[0];
			r.last[i] = r.last[0];
		}
	}
	return r;
}

static void write_element(struct text *t, const struct element *e)
{
	switch (e->kind) {
	case ALL:
		add(t, "*");
		break;
	case USER:
		add(t, "%s", users[e->n]);
		break;
	case GROUP:
		add(t, "group:g%u", e->n);
		break;
	case TAG:
		add(t, "tag:%s", tags[e->n]);
		break;
	case MEMBER:
		add(t, "autogroup:member");
		break;
	case TAGGED:
		add(t, "autogroup:tagged");
		break;
	case ADDRESS:
		add(t, "100.64.0.%u", e->n);
		break;
	case PREFIX:
		add(t, "100.64.0.%u/31", 2 * e->n);
		break;
	case ALIAS:
		add(t, "alias%u", e->n);
		break;
	case SET:
		add(t, "ipset:s%u", e->n);
		break;
	case SELF:
	case KINDS:
		add(t, "autogroup:self");
	}
}

static void write_ports(struct text *t, unsigned first, unsigned last)
{
	if (last == 65535)
		add(t, "*");
	else if (first == last)
		add(t, "%u", first);
	else
		add(t, "%u-%u", first, last);
}

static void write_rule(struct text *t, const struct rule *r)
{
	add(t, r->grant ? "{\"src\": [" : "{\"action\": \"accept\", \"src\": [");
	for (unsigned i = 0; i < r->src_count; i++) {
		add(t, "%s\"", i ? ", " : "");
		write_element(t, &r->src[i]);
		add(t, "\"");
	}
	add(t, "], \"dst\": [");
	for (unsigned i = 0; i < r->dst_count; i++) {
		add(t, "%s\"", i ? ", " : "");
		write_element(t, &r->dst[i]);
		if (!r->grant) {
			add(t, ":");
			write_ports(t, r->first[i], r->last[i]);
		}
		add(t, "\"");
	}
	add(t, "]");
	if (r->grant) {
		add(t, ", \"ip\": [\"%s%s", r->proto ? r->proto : "", r->proto ? ":" : "");
		write_ports(t, r->first[0], r->last[0]);
		add(t, "\"]");
	} else if (r->proto) {
		add(t, ", \"proto\": \"%s\"", r->proto);
	}
	add(t, "},\n");
}

static char *write_file(const struct rule *rules, unsigned count)
{
	struct text t = {NULL, 0, 0};

	add(&t, "{\"groups\": {\"group:g0\": [\"%s\", \"%s\"], \"group:g1\": [\"%s\"], \"group:g2\": []},\n", users[0],
	    users[1], users[3]);
	add(&t, "\"tagOwners\": {\"tag:web\": [], \"tag:db\": [], \"tag:x-1\": []},\n");
	add(&t,
	    "\"hosts\": {\"alias0\": \"100.64.0.1\", \"alias1\": \"100.64.0.4/30\", \"alias2\": \"100.64.0.0/16\"},\n");
	add(&t, "\"ipsets\": {\"ipset:s0\": [\"100.64.0.0/29\", \"remove 100.64.0.2\"], "
		"\"ipset:s1\": [\"add host:alias0\", \"100.64.0.7\"], \"ipset:s2\": [\"ipset:s0\"]},\n");
	for (unsigned pass = 0; pass < 2; pass++) {
		add(&t, pass ? "\"grants\": [" : "\"acls\": [");
		for (unsigned i = 0; i < count; i++)
			if (rules[i].grant == pass)
				write_rule(&t, &rules[i]);
		add(&t, "],\n");
	}
	add(&t, "}\n");
	return t.at;
}

struct device {
	unsigned user; /* USERS: of one that the file does not name */
	unsigned tags; /* bits; none: the user's, else nobody's */
	unsigned last; /* of its address */
	struct party party;
};

static struct device random_device(void)
{
	struct device d = {.user = chance(USERS + 1), .tags = chance(2) ? 1 + chance(7) : 0, .last = chance(8)};

	d.party.ipv4 = 0x64400000 + d.last;
	/* Here a device with tags may have an owner; there it has none. */
	d.party.user = d.tags && chance(2) ? NULL : d.user == USERS ? "zoe_at_x.example" : names[d.user];
	for (unsigned i = 0; i < TAGS; i++)
		if (d.tags & (1u << i))
			snprintf(d.party.tags[d.party.tag_count++], 64, "%s", tags[i]);
	return d;
}

static bool in_set(unsigned n, unsigned last)
{
	return n == 1 ? last == 1 || last == 7 : last != 2;
}

static bool means(const struct element *e, const struct device *d, const struct device *source)
{
	bool person = !d->tags;

	switch (e->kind) {
	case ALL:
		return true;
	case USER:
		return person && d->user == e->n;
	case GROUP:
		return person && (e->n == 0 ? d->user < 2 : e->n == 1 && d->user == 3);
	case TAG:
		return d->tags & (1u << e->n);
	case MEMBER:
		return person;
	case TAGGED:
		return !person;
	case ADDRESS:
		return d->last == e->n;
	case PREFIX:
		return d->last / 2 == e->n;
	case ALIAS:
		return e->n == 0 ? d->last == 1 : e->n == 1 ? d->last / 4 == 1 : true;
	case SET:
		return in_set(e->n, d->last);
	case SELF:
	case KINDS:
		break;
	}
	return person && !source->tags && d->user == source->user;
}

static bool proto_serves(const struct rule *r, unsigned i, uint8_t protocol, uint16_t port)
{
	bool in = port >= r->first[i] && port <= r->last[i];

	if (!r->proto)
		return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) ? in : true;
	if (strcmp(r->proto, "tcp") == 0)
		return protocol == IPPROTO_TCP && in;
	if (strcmp(r->proto, "17") == 0)
		return protocol == IPPROTO_UDP && in;
	return protocol == (strcmp(r->proto, "1") == 0		 ? IPPROTO_ICMP
			    : strcmp(r->proto, "ipv6-icmp") == 0 ? IPPROTO_ICMPV6
								 : 0);
}

static bool original_allows(const struct rule *rules, unsigned count, const struct device *a, const struct device *b,
			    uint8_t protocol, uint16_t port)
{
	for (unsigned r = 0; r < count; r++) {
		bool source = false;

		for (unsigned i = 0; i < rules[r].src_count; i++)
			source |= means(&rules[r].src[i], a, a);
		for (unsigned i = 0; i < rules[r].dst_count && source; i++)
			if (means(&rules[r].dst[i], b, a) && proto_serves(&rules[r], i, protocol, port))
				return true;
	}
	return false;
}

#define FILES 2500
#define FLOWS 200

static void test_never_wider(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	unsigned there = 0, here = 0;

	(void)state;
	chance_begin("tailscale");
	for (unsigned f = 0; f < FILES; f++) {
		struct rule rules[6];
		unsigned count = 1 + chance(COUNT(rules));
		struct rn_err err = {""};
		struct rn_import out;
		struct judge *judge;
		char *text;

		for (unsigned i = 0; i < count; i++)
			rules[i] = random_rule(f % 2);
		text = write_file(rules, count);
		if (import(text, NULL, &out, &err) < 0)
			fail_msg("%s\n%s", text, err.text);
		if (f % 2 && out.lost)
			fail_msg("%s\nlost\n%s", text, report(&out));
		judge = judge_open(out.text);
		for (unsigned i = 0; i < FLOWS; i++) {
			struct device a = random_device(), b = random_device();
			uint8_t protocol = protocols[chance(COUNT(protocols))];
			uint16_t port =
			    protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ? (uint16_t)(1 + chance(8)) : 0;
			bool original = original_allows(rules, count, &a, &b, protocol, port);
			bool ours = judge_allows(judge, &a.party, &b.party, protocol, port);

			there += original;
			here += ours;
			if ((ours && !original) || (f % 2 && ours != original)) {
				fprintf(stderr,
					"%s\n%s\nallowed there %d, here %d: %s (tags %u, .%u) to %s (tags %u, .%u), "
					"protocol %u port %u",
					text, out.text, original, ours, a.party.user ? a.party.user : "-", a.tags,
					a.last, b.party.user ? b.party.user : "-", b.tags, b.last, protocol, port);
				fail();
			}
		}
		judge_close(judge);
		rn_import_done(&out);
		free(text);
	}
	fprintf(stderr, "of %u flows %u are allowed there, %u here\n", FILES * FLOWS, there, here);
	assert_true(there > FILES * FLOWS / 10 && there < FILES * FLOWS * 7 / 10);
	assert_true(here > there * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_example),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_ports_without_end),
	    cmocka_unit_test(test_never_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
