// SPDX-License-Identifier: Apache-2.0
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

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ENDS "\"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"everyone\"], "

static struct rn_policy_model *parse(const char *text, struct rn_err *err)
{
	return rn_policy_parse(text, strlen(text), err);
}

static void test_whole(void **state)
{
	static const char text[] =
	    "{\"groups\": {\"admins\": [\"alice\", \"bob\"], \"none\": []}, \"tags\": [\"server\"], \"rules\": [\n"
	    "// the example of docs/policy.md\n"
	    "{\"id\": \"ssh\", \"source_criteria\": [\"group:admins\", \"user:carol\", \"device:nas\"],\n"
	    " \"destination_criteria\": [\"tag:server\", \"same-owner\"],\n"
	    " \"services\": [\"tcp:22\", \"udp:5000-5100\", \"icmp\", \"tcp\"],\n"
	    " \"action\": \"allow\", \"conditions\": {\"minimum_trust\": 50},},\n"
	    "{\"id\": \"no\", " ENDS "\"action\": \"deny\"},\n]}";
	struct rn_err err = {""};
	struct rn_policy_model *m = parse(text, &err);
	const struct rn_access_policy *r;

	(void)state;
	if (!m)
		fail_msg("%s", err.text);
	assert_int_equal(m->group_count, 2);
	assert_string_equal(m->groups[0].name, "admins");
	assert_int_equal(m->groups[0].user_count, 2);
	assert_string_equal(m->groups[0].users[1], "bob");
	assert_string_equal(m->tags[0], "server");
	assert_int_equal(m->rule_count, 2);
	r = &m->rules[0];
	assert_string_equal(r->id, "ssh");
	assert_int_equal(r->number, 1);
	assert_false(r->deny);
	assert_int_equal(r->source.minimum_trust, 50);
	assert_int_equal(r->source.count, 3);
	assert_int_equal(r->source.criteria[0].type, RN_CRITERION_GROUP);
	assert_string_equal(r->source.criteria[2].name, "nas");
	assert_int_equal(r->destination.criteria[1].type, RN_CRITERION_SAME_OWNER);
	assert_int_equal(r->service_count, 5);
	assert_int_equal(r->services[1].protocol, IPPROTO_UDP);
	assert_int_equal(r->services[1].first, 5000);
	assert_int_equal(r->services[1].last, 5100);
	assert_int_equal(r->services[2].protocol, IPPROTO_ICMP);
	assert_int_equal(r->services[3].protocol, IPPROTO_ICMPV6);
	assert_int_equal(r->services[4].first, 0);
	assert_int_equal(r->services[4].last, 65535);
	assert_true(m->rules[1].deny);
	assert_int_equal(m->rules[1].number, 2);
	assert_int_equal(m->rules[1].service_count, 0);
	rn_policy_model_free(m);
	rn_policy_model_free(NULL);
}

/* The text of one rule's error, wrapped; columns are those of the whole line. */
static const struct {
	const char *text, *error;
} bad[] = {
    {"[]", "line 1, column 1: a policy is an object, {\"groups\": {}, \"tags\": [], \"rules\": []}"},
    {"{}", "line 1, column 1: a policy needs \"rules\"; write \"rules\": [] to deny everything"},
    {"{\"rules\": [}", "line 1, column 12: a value is expected here"},
    {"{\"rule\": []}", "line 1, column 2: unknown key \"rule\"; did you mean \"rules\"?"},
    {"{\"rules\": {}}", "line 1, column 2: \"rules\" must be a list in [ ]"},
    {"{\"groups\": [], \"rules\": []}", "line 1, column 2: \"groups\" must be an object, {\"NAME\": [USERS], ...}"},
    {"{\"groups\": {\"a\": \"bob\"}, \"rules\": []}",
     "line 1, column 13: the group \"a\" must be a list of users in [ ]"},
    {"{\"groups\": {\"a\": [\"bob\",\n\"bob\"]}, \"rules\": []}",
     "line 2, column 1: \"bob\" stands twice in this list"},
    {"{\"groups\": {\"A\": []}, \"rules\": []}",
     "line 1, column 13: \"A\" is not a good name for a group; names begin with a-z or 0-9 and have at most 63 of a-z, "
     "0-9, dot, hyphen and underscore"},
    {"{\"groups\": {\"a\": [\"user:bob\"]}, \"rules\": []}", "line 1, column 19: in a group write the "
							     "user's name alone, \"bob\""},
    {"{\"tags\": [7], \"rules\": []}", "line 1, column 11: a tag must be text in double quotes"},
    {"{\"rules\": [\"x\"]}", "line 1, column 12: a rule must be an object in { }"},
    {"{\"rules\": [{\"id\": \"a\", \"Action\": \"allow\"}]}",
     "line 1, column 24: unknown key \"Action\"; did you mean \"action\"?"},
    {"{\"rules\": [{" ENDS "\"action\": \"allow\"}]}",
     "line 1, column 12: this rule has no \"id\"; give it a short name of its own"},
    {"{\"rules\": [{\"id\": \"a\", " ENDS "\"action\": \"allow\"},\n{\"id\": \"a\", " ENDS "\"action\": \"allow\"}]}",
     "line 2, column 2: the id \"a\" is that of rule 1 already"},
    {"{\"rules\": [{\"id\": \"a\", \"destination_criteria\": [\"everyone\"], \"action\": \"allow\"}]}",
     "line 1, column 12: this rule has no \"source_criteria\"; write [\"everyone\"] if it means all"},
    {"{\"rules\": [{\"id\": \"a\", \"source_criteria\": [], \"action\": \"allow\"}]}",
     "line 1, column 24: \"source_criteria\" is empty; write [\"everyone\"] if it means all"},
    {"{\"rules\": [{\"id\": \"a\", " ENDS "}]}",
     "line 1, column 12: this rule has no \"action\"; write \"allow\" or \"deny\""},
    {"{\"rules\": [{\"id\": \"a\", " ENDS "\"action\": \"reject\"}]}",
     "line 1, column 95: \"action\" is \"reject\"; write \"allow\" or \"deny\""},
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"services\": [], \"action\": \"allow\"}]}",
     "line 3, column 1: \"services\" is empty; leave it out if the rule means all services"},
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"action\": \"deny\",\n\"conditions\": {\"minimum_trust\": 1}}]}",
     "line 4, column 16: \"minimum_trust\" has no meaning in a rule that denies; put it into the rule that allows"},
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"action\": \"allow\",\n\"conditions\": {\"minimum_trust\": 101}}]}",
     "line 4, column 16: \"minimum_trust\" is 101, but must be from 0 to 100"},
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"action\": \"allow\",\n\"conditions\": {\"trust\": 10}}]}",
     "line 4, column 16: unknown key \"trust\"; known here: minimum_trust, minimum_destination_trust, source_types, "
     "destination_types, source_managed, destination_managed, times, from, until"},
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"action\": \"allow\",\n\"conditions\": [1]}]}",
     "line 4, column 1: \"conditions\" must be an object, {\"minimum_trust\": 50}"},
    /* Cut inside a character. */
    {"{\"rules\": [{\"id\": \"a\",\n" ENDS "\n\"action\": \"xéééééééééééééééééééé\"}]}",
     "line 3, column 1: \"action\" is \"xééééééééééééééé?\"; write \"allow\" or \"deny\""},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rn_err err = {""};

		assert_null(parse(bad[i].text, &err));
		assert_string_equal(err.text, bad[i].error);
	}
}

static const struct {
	const char *criterion, *error;
	bool source;
} criteria[] = {
    {"group:admin", "unknown group \"admin\"; did you mean \"admins\"?", true},
    {"group:penguins", "unknown group \"penguins\"; list its users in \"groups\" first", true},
    {"tag:serverr", "the tag \"serverr\" is not declared; did you mean \"server\"?", false},
    {"tag:toaster", "the tag \"toaster\" is not declared; add it to \"tags\"", false},
    {"tags:server", "\"tags:server\" is not a criterion; did you mean \"tag:server\"?", false},
    {"evryone", "\"evryone\" is not a criterion; did you mean \"everyone\"?", true},
    {"everyone:x", "\"everyone:x\" is wrong: \"everyone\" takes no name", true},
    {"group", "\"group\" needs a colon and a name", true},
    {"laptop-of-alice",
     "\"laptop-of-alice\" is not a criterion; write everyone, or user:, group:, tag:, device:, type:, hub:, hub-type:, "
     "host: or "
     "prefix: and what it is",
     true},
    {"laptop-of-alice",
     "\"laptop-of-alice\" is not a criterion; write everyone, same-owner, or user:, group:, tag:, device:, type:, "
     "hub:, "
     "hub-type:, host: or prefix: and what it is",
     false},
    {"same-owner", "same-owner stands only in \"destination_criteria\"", true},
    {"user:", "\"user:\" has no good name after the colon", true},
    {"user:Alice", "\"user:Alice\" has no good name after the colon", true},
    {"device:a:b", "\"device:a:b\" has no good name after the colon", true},
    {"!tag:toaster", "the tag \"toaster\" is not declared; add it to \"tags\"", true},
    {"!everyone", "\"!everyone\" cannot be: ! stands before any but everyone and same-owner", true},
    {"!same-owner", "\"!same-owner\" cannot be: ! stands before any but everyone and same-owner", false},
    {"!!tag:server", "\"!!tag:server\" is not a criterion; did you mean \"!tag:server\"?", false},
    {"!taag:server", "\"!taag:server\" is not a criterion; did you mean \"!tag:server\"?", false},
    {"!",
     "\"!\" is not a criterion; write everyone, or user:, group:, tag:, device:, type:, hub:, hub-type:, host: or "
     "prefix: and what it is",
     true},
    {"type:deskop", "\"deskop\" is not a type of client; did you mean \"desktop\"?", true},
    {"type:regional", "\"regional\" is not a type of client; there are desktop, mobile, server and iot", true},
    {"type", "\"type\" needs a colon and desktop, mobile, server or iot", true},
    {"hub-type:hub", "\"hub\" is not a type of hub; there are gateway, regional, departmental and project", true},
    {"hub-type:server", "\"server\" is not a type of hub; there are gateway, regional, departmental and project", true},
    {"hub:", "\"hub:\" has no good name after the colon", true},
    {"host:nas", "\"host:nas\" is no address; write host:10.77.0.5 or host:fd00::5", true},
    {"host:10.0.0.0/8",
     "\"host:10.0.0.0/8\" is no address; write host:10.77.0.5 or host:fd00::5, or prefix: where you mean a prefix",
     true},
    {"host:10.0.0.256", "\"host:10.0.0.256\" is no address; write host:10.77.0.5 or host:fd00::5", true},
    {"prefix:10.0.0.1/8",
     "\"prefix:10.0.0.1/8\" is no prefix; write prefix:10.77.0.0/24 or prefix:fd00:77::/48, with zeros where the bits "
     "do "
     "not reach",
     true},
    {"prefix:fd00::/129",
     "\"prefix:fd00::/129\" is no prefix; write prefix:10.77.0.0/24 or prefix:fd00:77::/48, with zeros where the bits "
     "do "
     "not reach",
     true},
};

static void test_criteria(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(criteria); i++) {
		char text[512], expected[512];
		struct rn_err err = {""};

		snprintf(
		    text, sizeof(text),
		    "{\"groups\": {\"admins\": []}, \"tags\": [\"server\"], \"rules\": [{\"id\": \"a\",\n"
		    "\"source_criteria\": [\n\"%s\"], \"destination_criteria\": [\n\"%s\"], \"action\": \"allow\"}]}",
		    criteria[i].source ? criteria[i].criterion : "everyone", criteria[i].criterion);
		snprintf(expected, sizeof(expected), "line %d, column 1: %s", criteria[i].source ? 3 : 4,
			 criteria[i].error);
		assert_null(parse(text, &err));
		assert_string_equal(err.text, expected);
	}
}

static const struct {
	const char *service, *error;
} services[] = {
    {"\"tcp:0\"", "\"tcp:0\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:\"", "\"tcp:\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:65536\"", "\"tcp:65536\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:1-\"", "\"tcp:1-\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:1-99999999999999999999\"", "\"tcp:1-99999999999999999999\" needs a port or a range of ports from 1 to "
				       "65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:22 \"", "\"tcp:22 \" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:-5\"", "\"tcp:-5\" needs a port or a range of ports from 1 to 65535, as in tcp:22 or udp:5000-5100"},
    {"\"tcp:443-80\"", "the range of \"tcp:443-80\" is backward; write 80-443"},
    {"\"icmp:8\"", "\"icmp:8\": write icmp for echo of both families, or icmp4:echo or icmp6:echo for that of one"},
    {"\"sctp\"", "\"sctp\" is not a service; did you mean \"tcp\"?"},
    {"\"quic\"", "\"quic\" is not a service; write tcp, udp or icmp, with ports as tcp:22 or udp:5000-5100, or with a "
		 "family as icmp6"},
    {"\"tcpp:22\"", "\"tcpp:22\" is not a service; did you mean \"tcp:22\"?"},
    {"\"icmp4:3\"",
     "\"icmp4:3\": no rule can name this ICMP type: only echo begins a flow, and errors belong to flows and "
     "pass with them; write icmp4:echo"},
    {"\"icmp6:8\"",
     "\"icmp6:8\": no rule can name this ICMP type: only echo begins a flow, and errors belong to flows and "
     "pass with them; write icmp6:echo"},
    {"\"icmp4:0\"",
     "\"icmp4:0\": no rule can name this ICMP type: only echo begins a flow, and errors belong to flows and "
     "pass with them; write icmp4:echo"},
    {"22", "a service must be text in double quotes"},
};

static void test_services(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(services); i++) {
		char text[512], expected[512];
		struct rn_err err = {""};

		snprintf(text, sizeof(text),
			 "{\"rules\": [{\"id\": \"a\", " ENDS "\"services\": [\n\n  %s], "
			 "\"action\": \"allow\"}]}",
			 services[i].service);
		snprintf(expected, sizeof(expected), "line 3, column 3: %s", services[i].error);
		assert_null(parse(text, &err));
		assert_string_equal(err.text, expected);
	}
}

static void test_starter(void **state)
{
	struct rn_err err = {""};
	struct rn_policy_model *m = parse(rn_policy_starter(), &err);

	(void)state;
	if (!m)
		fail_msg("%s", err.text);
	assert_int_equal(m->rule_count, 1);
	assert_int_equal(m->rules[0].destination.criteria[0].type, RN_CRITERION_SAME_OWNER);
	rn_policy_model_free(m);
}

/* Any cut of a policy is refused with a place, or is the policy. */
static void test_truncations(void **state)
{
	const char *text = rn_policy_starter();
	size_t whole = strlen(text);

	(void)state;
	for (size_t size = 0; size < whole; size++) {
		char *copy = malloc(size ? size : 1);
		struct rn_err err = {""};
		struct rn_policy_model *m;

		assert_non_null(copy);
		memcpy(copy, text, size);
		m = rn_policy_parse(copy, size, &err);
		assert_true(m ? size == whole - 1 : strncmp(err.text, "line ", 5) == 0);
		rn_policy_model_free(m);
		free(copy);
	}
}

static void test_too_many(void **state)
{
	size_t room = RN_POLICY_TEXT_MAX + 2, at;
	char *text = malloc(room);
	struct rn_err err = {""};

	(void)state;
	assert_non_null(text);
	memset(text, ' ', room);
	assert_null(rn_policy_parse(text, room - 1, &err));
	assert_non_null(strstr(err.text, "but at most 33554432 fit"));
	assert_null(rn_policy_parse(text, RN_POLICY_TEXT_MAX, &err)); /* not too large, only empty */
	assert_null(strstr(err.text, "fit"));
	at = (size_t)snprintf(text, room, "{\"rules\": [");
	for (unsigned i = 0; i <= RN_POLICY_RULES_MAX; i++)
		at += (size_t)snprintf(text + at, room - at, "{},");
	at += (size_t)snprintf(text + at, room - at, "]}");
	assert_null(rn_policy_parse(text, at, &err));
	assert_string_equal(err.text, "line 1, column 2: \"rules\" has 100001 elements, but at most 100000 fit");
	free(text);
}

/* ---- groups ---- */

static const struct {
	const char *groups, *error;
} groups[] = {
    {"\"a\": [\"group:a\"]", "line 2, column 1: the group \"a\" is in itself: a > a"},
    {"\"a\": [\"group:b\"],\n\"b\": [\"group:a\"]", "line 3, column 1: the group \"a\" is in itself: a > b > a"},
    {"\"x\": [\"group:a\"],\n\"a\": [\"bob\", \"group:b\"],\n\"b\": [\"group:c\"],\n\"c\": [\"group:a\"]",
     "line 5, column 1: the group \"a\" is in itself: a > b > c > a"},
    {"\"a\": [\"group:b\"], \"b\": [\"group:c\"], \"c\": [\"group:d\"], \"d\": [\"group:e\"], \"e\": [\"group:f\"], "
     "\"f\": [\"group:a\"]",
     "line 2, column 91: the group \"a\" is in itself: a > ... > d > e > f > a"},
    {"\"a\": [\"group:no\"]", "line 2, column 7: unknown group \"no\"; list its users in \"groups\" first"},
    {"\"admins\": [\"group:admin\"]", "line 2, column 12: unknown group \"admin\"; did you mean \"admins\"?"},
    {"\"a\": [], \"b\": [\"group:a\", \"group:a\"]", "line 2, column 27: \"group:a\" stands twice in this list"},
    {"\"a\": [7]", "line 2, column 7: a user or a group must be text in double quotes"},
};

/* Each group has 40 users and all groups before it: a small text of which much would have to be copied. */
static void test_many_copies(void **state)
{
	static char text[200000];
	size_t at = (size_t)snprintf(text, sizeof(text), "{\"rules\": [], \"groups\": {");
	struct rn_err err = {""};

	(void)state;
	for (unsigned i = 0; i < 90; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\n\"g%u\": [", i);
		for (unsigned k = 0; k < 40; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "\"u%u-%u\",", i, k);
		for (unsigned k = 0; k < i; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "\"group:g%u\",", k);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "],");
	}
	snprintf(text + at, sizeof(text) - at, "}}");
	assert_null(parse(text, &err));
	assert_string_equal(err.text,
			    "line 78, column 1: the groups hold each other's users too often; name fewer groups "
			    "in groups");
}

/* Tests ask every rule: what would take minutes is refused, whichever of the two is many. */
static void test_much_asked(void **state)
{
	static char text[600000];
	struct rn_err err = {""};
	struct rn_policy_model *m;

	(void)state;
	for (unsigned tests = 333; tests <= 334; tests++) {
		size_t at = (size_t)snprintf(text, sizeof(text), "{\"rules\": [");

		for (unsigned i = 0; i < 1000; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "{\"id\":\"r%u\",\"source_criteria\":[\"everyone\"],"
					       "\"destination_criteria\":[\"everyone\"],\"action\":\"deny\"},",
					       i);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "],\n\"tests\": [");
		for (unsigned i = 0; i < tests; i++) {
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "{\"id\":\"t%u\",\"source\":{},\"destination\":{},\"expect\":\"deny\","
					       "\"services\":[\"tcp:1\"",
					       i);
			for (unsigned k = 1; k < 100; k++)
				at += (size_t)snprintf(text + at, sizeof(text) - at, ",\"tcp:%u\"", k + 1);
			at += (size_t)snprintf(text + at, sizeof(text) - at, "]},");
		}
		snprintf(text + at, sizeof(text) - at, "]}");
		m = parse(text, &err);
		assert_int_equal(m != NULL, tests == 333);
		rn_policy_model_free(m);
	}
	assert_non_null(strstr(err.text, "line 2, column "));
	assert_non_null(strstr(err.text, "the tests up to \"t333\" ask too much of 1000 rules"));
}

static void test_groups(void **state)
{
	static const char text[] =
	    "{\"groups\": {\"all\": [\"zoe\", \"group:b\", \"group:a\"], \"a\": [\"bob\", \"alice\"], "
	    "\"b\": [\"group:a\", \"carol\", \"bob\"]}, \"rules\": []}";
	static const char *const users[] = {"alice", "bob", "carol", "zoe"};
	struct rn_err err = {""};
	struct rn_policy_model *m = parse(text, &err);

	(void)state;
	if (!m)
		fail_msg("%s", err.text);
	assert_int_equal(m->groups[0].user_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_string_equal(m->groups[0].users[i], users[i]);
	assert_int_equal(m->groups[1].user_count, 2);
	assert_int_equal(m->groups[2].user_count, 3);
	rn_policy_model_free(m);
	for (size_t i = 0; i < COUNT(groups); i++) {
		char bad_text[1024];

		err.text[0] = '\0';
		snprintf(bad_text, sizeof(bad_text), "{\"groups\": {\n%s}, \"rules\": []}", groups[i].groups);
		assert_null(parse(bad_text, &err));
		assert_string_equal(err.text, groups[i].error);
	}
}

/* Each of 10,000 groups holds the next; each of 64 holds the two below it twice over, which makes 2^64 ways down. */
static void test_deep_groups(void **state)
{
	size_t room = 1u << 20, at;
	char *out = malloc(room);
	struct rn_err err = {""};
	struct rn_policy_model *m;

	(void)state;
	assert_non_null(out);
	at = (size_t)snprintf(out, room, "{\"groups\": {\"g9999\": [\"alice\"]");
	for (unsigned i = 0; i < 9999; i++)
		at += (size_t)snprintf(out + at, room - at, ", \"g%u\": [\"group:g%u\"]", i, i + 1);
	snprintf(out + at, room - at, "}, \"rules\": []}");
	m = parse(out, &err);
	if (!m)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(m->groups[i].user_count, 1);
	rn_policy_model_free(m);
	at = (size_t)snprintf(out, room, "{\"groups\": {\"a0\": [\"alice\"], \"b0\": [\"bob\"]");
	for (unsigned i = 1; i < 64; i++)
		at += (size_t)snprintf(
		    out + at, room - at,
		    ", \"a%u\": [\"group:a%u\", \"group:b%u\"], \"b%u\": [\"group:a%u\", \"group:b%u\"]", i, i - 1,
		    i - 1, i, i - 1, i - 1);
	snprintf(out + at, room - at, "}, \"rules\": []}");
	m = parse(out, &err);
	if (!m)
		fail_msg("%s", err.text);
	assert_int_equal(m->groups[127].user_count, 2);
	rn_policy_model_free(m);
	free(out);
}

/* ---- conditions ---- */

static const struct {
	const char *conditions, *error;
} conditions[] = {
    {"\"minimum_destination_trust\": -1", "\"minimum_destination_trust\" is -1, but must be from 0 to 100"},
    {"\"source_types\": [\"gateway\"]",
     "\"gateway\" is not a type of client; there are desktop, mobile, server and iot"},
    {"\"source_types\": []", "\"source_types\" is empty; leave it out if every type is meant"},
    {"\"source_types\": [\"iot\", \"iot\"]", "\"iot\" stands twice in this list"},
    {"\"source_managed\": \"yes\"", "\"source_managed\" must be true or false"},
    {"\"until\": \"2027-02-29T00:00:00Z\"",
     "\"until\" is \"2027-02-29T00:00:00Z\", which is no moment; write one in UTC, as \"2027-03-31T18:00:00Z\""},
    {"\"from\": \"2027-01-01T24:00:00Z\"",
     "\"from\" is \"2027-01-01T24:00:00Z\", which is no moment; write one in UTC, as \"2027-03-31T18:00:00Z\""},
    {"\"times\": []", "\"times\" is empty; leave it out if the rule always holds"},
    {"\"times\": [1]",
     "a window must be an object, {\"days\": [\"mon\"], \"from\": \"08:00\", \"to\": \"18:00\", \"zone\": "
     "\"Europe/Vienna\"}"},
    {"\"times\": [{\"to\": \"18:00\", \"zone\": \"UTC\"}]",
     "this window has no \"from\"; write a time of day, as \"08:00\""},
    {"\"times\": [{\"from\": \"8:00\", \"to\": \"18:00\", \"zone\": \"UTC\"}]",
     "\"from\" is \"8:00\", which is no time of day; write it as \"08:00\" or \"08:00:30\""},
    {"\"times\": [{\"from\": \"24:00\", \"to\": \"18:00\", \"zone\": \"UTC\"}]",
     "\"from\" is \"24:00\", which is no time of day; write it as \"08:00\" or \"08:00:30\""},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"24:00:01\", \"zone\": \"UTC\"}]",
     "\"to\" is \"24:00:01\", which is no time of day; write it as \"18:00\", \"24:00\" or \"08:00:30\""},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"08:60\", \"zone\": \"UTC\"}]",
     "\"to\" is \"08:60\", which is no time of day; write it as \"18:00\", \"24:00\" or \"08:00:30\""},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"08:00:00\", \"zone\": \"UTC\"}]",
     "this window ends when it begins, so it is never open; write \"00:00\" to \"24:00\" if the whole day is meant"},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"00:00\", \"zone\": \"UTC\"}]",
     "write \"24:00\" for the end of the day"},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"09:00\"}]",
     "this window has no \"zone\"; write that of the clocks that are meant, as \"Europe/Vienna\", or \"UTC\""},
    {"\"times\": [{\"from\": \"08:00\", \"to\": \"09:00\", \"zone\": \"Europe/Vienna!\"}]",
     "\"Europe/Vienna!\" is not the name of a time zone; write one as \"Europe/Vienna\", or \"UTC\""},
    {"\"times\": [{\"days\": [\"Mon\"], \"from\": \"08:00\", \"to\": \"09:00\", \"zone\": \"UTC\"}]",
     "\"Mon\" is not a day; did you mean \"mon\"?"},
    {"\"times\": [{\"days\": [\"holidays\"], \"from\": \"08:00\", \"to\": \"09:00\", \"zone\": \"UTC\"}]",
     "\"holidays\" is not a day; write mon, tue, wed, thu, fri, sat or sun"},
    {"\"times\": [{\"days\": [], \"from\": \"08:00\", \"to\": \"09:00\", \"zone\": \"UTC\"}]",
     "\"days\" is empty; leave it out if every day is meant"},
};

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(conditions); i++) {
		char text[1024];
		struct rn_err err = {""};
		const char *sentence;

		snprintf(text, sizeof(text),
			 "{\"rules\": [{\"id\": \"a\", " ENDS "\"action\": \"allow\", \"conditions\": {\n%s}}]}",
			 conditions[i].conditions);
		assert_null(parse(text, &err));
		assert_int_equal(strncmp(err.text, "line 2, column ", 15), 0);
		sentence = strchr(err.text + 15, ':') + 2;
		assert_string_equal(sentence, conditions[i].error);
	}
}

static void test_all_conditions(void **state)
{
	static const char text[] =
	    "{\"rules\": [\n  {\"id\": \"a\", " ENDS
	    "\"comment\": \"why \\u00fc\", \"log\": true, \"observe\": true, \"action\": "
	    "\"allow\", \"services\": [\"icmp4\", \"icmp6:128\"], \"conditions\": {\"minimum_trust\": 1, "
	    "\"minimum_destination_trust\": 100, \"source_types\": [\"iot\", \"server\"], \"destination_managed\": "
	    "false, "
	    "\"from\": \"2027-01-15\", \"until\": \"2027-01-15T00:00:01Z\", \"times\": [{\"days\": [\"sun\", \"mon\"], "
	    "\"from\": \"23:59:59\", \"to\": \"06:00\", \"zone\": \"America/Argentina/Buenos_Aires\"}, {\"from\": "
	    "\"00:00\", \"to\": \"24:00\", \"zone\": \"Etc/GMT+5\"}]}}]}";
	struct rn_err err = {""};
	struct rn_policy_model *m = parse(text, &err);
	const struct rn_access_policy *r;

	(void)state;
	if (!m)
		fail_msg("%s", err.text);
	r = &m->rules[0];
	assert_int_equal(r->line, 2);
	assert_int_equal(r->column, 3);
	assert_true(r->log && r->observe && !r->deny);
	assert_string_equal(r->comment, "why \u00fc");
	assert_int_equal(r->services[0].protocol, IPPROTO_ICMP);
	assert_int_equal(r->services[1].protocol, IPPROTO_ICMPV6);
	assert_int_equal(r->source.minimum_trust, 1);
	assert_int_equal(r->destination.minimum_trust, 100);
	assert_int_equal(r->source.types, 1u << RN_KIND_IOT | 1u << RN_KIND_SERVER);
	assert_int_equal(r->source.managed, RN_MANAGED_EITHER);
	assert_int_equal(r->destination.managed, RN_MANAGED_NO);
	assert_int_equal(r->until - r->from, 1);
	assert_int_equal(r->time_count, 2);
	assert_int_equal(r->times[0].days, 0x41);
	assert_int_equal(r->times[0].from, 86399);
	assert_int_equal(r->times[0].to, 21600);
	assert_string_equal(r->times[0].zone, "America/Argentina/Buenos_Aires");
	assert_int_equal(r->times[1].days, RN_EVERY_DAY);
	assert_int_equal(r->times[1].to, 86400);
	rn_policy_model_free(m);
}

/* ---- hostile documents ---- */

static void test_hostile(void **state)
{
	size_t size = 100u << 20;
	char *text = malloc(size);
	struct rn_err err = {""};

	(void)state;
	assert_non_null(text);
	memset(text, '[', size);
	assert_null(rn_policy_parse(text, size, &err)); /* 100 MB */
	assert_string_equal(err.text, "line 1, column 1: the policy has 104857600 bytes, but at most 33554432 fit");
	assert_null(rn_policy_parse(text, 10000, &err)); /* nested 10,000 deep */
	assert_string_equal(err.text, "line 1, column 33: arrays and objects are nested too deeply");
	memcpy(text, "{\"rules\":[", 10);
	for (size_t i = 10; i + 2 < RN_POLICY_TEXT_MAX; i += 2)
		memcpy(text + i, "1,", 2);
	assert_null(rn_policy_parse(text, RN_POLICY_TEXT_MAX, &err)); /* too many values to keep */
	assert_non_null(strstr(err.text, "too many values in one text"));
	free(text);
	assert_null(parse("{\"rules\": [{\"id\": \"a\\u0000b\", " ENDS "\"action\": \"deny\"}]}", &err));
	assert_int_equal(strncmp(err.text, "line 1, column ", 15), 0);
	assert_null(
	    parse("{\"rules\": [{\"id\": \"a\", \"comment\": \"x\\ny\", " ENDS "\"action\": \"deny\"}]}", &err));
	assert_string_equal(err.text,
			    "line 1, column 24: the comment has a control character; write it in one line of text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),	   cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_criteria),	   cmocka_unit_test(test_services),
	    cmocka_unit_test(test_starter),	   cmocka_unit_test(test_truncations),
	    cmocka_unit_test(test_too_many),	   cmocka_unit_test(test_much_asked),
	    cmocka_unit_test(test_many_copies),	   cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_deep_groups),	   cmocka_unit_test(test_conditions),
	    cmocka_unit_test(test_all_conditions), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
