// SPDX-License-Identifier: Apache-2.0
/* Tests that a policy carries, findings, and the difference in words. */
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

#include "domain/policy_tools.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1800000000 /* 2027-01-15, a Friday, 08:00 UTC */

static const char *const db[] = {"db"}, *const web[] = {"web"};
static const struct rn_party devices[] = {
    {.device = "laptop", .owner = "alice", .owner_number = 1, .trust = 90, .kind = RN_KIND_DESKTOP, .managed = true},
    {.device = "phone", .owner = "alice", .owner_number = 1, .trust = 40, .kind = RN_KIND_MOBILE, .managed = true},
    {.device = "desk", .owner = "bob", .owner_number = 2, .trust = 90, .kind = RN_KIND_DESKTOP},
    {.device = "db-1", .tags = db, .tag_count = 1, .trust = 90, .kind = RN_KIND_SERVER, .managed = true},
    {.device = "db-2", .tags = db, .tag_count = 1, .trust = 90, .kind = RN_KIND_SERVER, .managed = true},
    {.device = "web-1", .tags = web, .tag_count = 1, .trust = 90, .kind = RN_KIND_SERVER, .managed = true},
};

static struct rn_policy_model *parse(const char *text)
{
	struct rn_err err = {""};
	struct rn_policy_model *m = rn_policy_parse(text, strlen(text), &err);

	if (!m)
		fail_msg("%s", err.text);
	return m;
}

/* Lines of what was told. */
struct lines {
	char text[16384];
	size_t used;
};

static void add_line(struct lines *l, const char *kind, const char *text)
{
	l->used +=
	    (size_t)snprintf(l->text + l->used, sizeof(l->text) - l->used, "%s%s%s\n", kind, *kind ? ": " : "", text);
}

/* ---- tests ---- */

static int device(void *context, unsigned end, const char *name, struct rn_party *ret)
{
	(void)context;
	(void)end;
	for (size_t i = 0; i < COUNT(devices); i++)
		if (strcmp(devices[i].device, name) == 0) {
			*ret = devices[i];
			return 0;
		}
	return -ENOENT;
}

static const struct rn_policy_network network = {NULL, device};

#define RULES                                                                                                          \
	"{\"groups\": {\"staff\": [\"alice\", \"bob\"]}, \"tags\": [\"db\", \"web\"], \"rules\": [\n"                  \
	"{\"id\": \"own\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"same-owner\"], "          \
	"\"action\": \"allow\"},\n"                                                                                    \
	"{\"id\": \"sql\", \"source_criteria\": [\"group:staff\"], \"destination_criteria\": [\"tag:db\"], "           \
	"\"services\": [\"tcp:5432\", \"icmp\"], \"action\": \"allow\", \"conditions\": {\"minimum_trust\": 50, "      \
	"\"times\": [{\"days\": [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"], \"from\": \"08:00\", \"to\": "          \
	"\"18:00\", \"zone\": \"UTC\"}]}}],\n\"tests\": ["

static const struct {
	const char *tests, *error; /* "": all pass */
} cases[] = {
    {"{\"id\": \"a\", \"source\": {\"device\": \"laptop\"}, \"destination\": {\"device\": \"db-1\"}, \"services\": "
     "[\"tcp:5432\", \"icmp\"], \"expect\": \"allow\", \"rule\": \"sql\"}",
     ""},
    {"{\"id\": \"a\", \"source\": {\"device\": \"laptop\"}, \"destination\": {\"device\": \"db-1\"}, \"services\": "
     "[\"tcp:5432\"], \"expect\": \"allow\", \"at\": \"2027-01-15T18:00:00Z\"}",
     "line 4, column 11: the test \"a\" fails: tcp:5432 is denied by rule \"sql\" (no rule allows it at this time), "
     "but "
     "\"allow\" is expected"},
    {"{\"id\": \"a\", \"source\": {\"device\": \"laptop\"}, \"destination\": {\"device\": \"db-1\"}, \"services\": "
     "[\"tcp:5432\"], \"expect\": \"allow\", \"at\": \"2027-01-15T17:59:59Z\"}",
     ""},
    {"{\"id\": \"a\", \"source\": {\"device\": \"phone\"}, \"destination\": {\"device\": \"db-1\"}, \"services\": "
     "[\"tcp:5432\"], \"expect\": \"deny\", \"rule\": \"sql\"}",
     ""},
    {"{\"id\": \"a\", \"source\": {\"device\": \"laptop\"}, \"destination\": {\"device\": \"phone\"}, \"services\": "
     "[\"udp:1\"], \"expect\": \"allow\", \"rule\": \"sql\"}",
     "line 4, column 11: the test \"a\" fails: rule \"sql\" is expected to decide udp:1, but \"own\" does"},
    {"{\"id\": \"a\", \"source\": {\"user\": \"bob\"}, \"destination\": {\"tags\": [\"db\"]}, \"services\": "
     "[\"tcp:5432\"], \"expect\": \"allow\"}, {\"id\": \"b\", \"source\": {\"user\": \"bob\", \"trust\": 49}, "
     "\"destination\": {\"tags\": [\"db\"]}, \"services\": [\"tcp:5432\"], \"expect\": \"deny\"}",
     ""},
    /* a made-up device of a user and one of the same user's have one owner; no two of nobody have */
    {"{\"id\": \"a\", \"source\": {\"user\": \"bob\"}, \"destination\": {\"device\": \"desk\"}, \"services\": "
     "[\"tcp:1\"], \"expect\": \"allow\"}, {\"id\": \"b\", \"source\": {\"user\": \"zoe\"}, \"destination\": "
     "{\"user\": \"zoe\"}, \"services\": [\"tcp:1\"], \"expect\": \"allow\"}, {\"id\": \"c\", \"source\": {}, "
     "\"destination\": {}, \"services\": [\"tcp:1\"], \"expect\": \"deny\"}",
     ""},
    {"{\"id\": \"a\", \"source\": {\"device\": \"nobody\"}, \"destination\": {\"device\": \"db-1\"}, \"services\": "
     "[\"tcp:5432\"], \"expect\": \"deny\"}, {\"id\": \"b\", \"source\": {}, \"destination\": {}, \"services\": "
     "[\"icmp6\"], \"expect\": \"allow\"}",
     "line 4, column 11: the test \"a\" cannot be run: there is no device \"nobody\" in the network (and 1 more test "
     "fails)"},
};

static void test_tests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[4096];
		struct rn_err err = {""};
		struct rn_policy_model *m;
		int code;

		snprintf(text, sizeof(text), "%s%s]}", RULES, cases[i].tests);
		m = parse(text);
		code = rn_policy_check_tests(m, &network, NULL, NOW, &err);
		assert_string_equal(err.text, cases[i].error);
		assert_int_equal(code, cases[i].error[0] ? -EINVAL : 0);
		rn_policy_model_free(m);
	}
}

static const struct {
	const char *test, *error;
} bad_tests[] = {
    {"7", "line 4, column 11: a test must be an object in { }"},
    {"{\"id\": \"a\"}", "line 4, column 11: this test has no \"source\"; write {\"device\": \"NAME\"}"},
    {"{\"id\": \"a\", \"source\": {\"user\": \"B\"}}", "line 4, column 34: \"B\" is not a good name for a user; names "
						       "begin with a-z or 0-9 and have at most 63 of a-z, 0-9, "
						       "dot, hyphen and underscore"},
    {"{\"id\": \"a\", \"source\": {\"device\": \"x\", \"user\": \"b\"}}",
     "line 4, column 49: unknown key \"user\"; known here: device"},
    {"{\"id\": \"a\", \"source\": {\"type\": \"sever\"}}",
     "line 4, column 34: \"sever\" is not a type of client; did you mean \"server\"?"},
    {"{\"id\": \"a\", \"source\": {}, \"destination\": {}, \"services\": [\"tcp:1-2\"], \"expect\": \"deny\"}",
     "line 4, column 56: a test asks for single ports, as \"tcp:22\""},
    {"{\"id\": \"a\", \"source\": {}, \"destination\": {}, \"services\": [\"tcp:1\"], \"expect\": \"deny\", \"rule\": "
     "\"no\"}",
     "line 4, column 97: no rule has the id \"no\""},
    {"{\"id\": \"a\", \"source\": {}, \"destination\": {}, \"services\": [\"tcp:1\"], \"expect\": \"maybe\"}",
     "line 4, column 79: \"expect\" is \"maybe\"; write \"allow\" or \"deny\""},
    {"{\"id\": \"a\", \"source\": {}, \"destination\": {}, \"services\": [\"tcp:1\"], \"expect\": \"deny\", \"at\": "
     "\"2027-02-30T00:00:00Z\"}",
     "line 4, column 97: \"at\" is \"2027-02-30T00:00:00Z\", which is no moment; write one in UTC, as "
     "\"2027-03-31T18:00:00Z\""},
};

static void test_bad_tests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_tests); i++) {
		char text[4096];
		struct rn_err err = {""};

		snprintf(text, sizeof(text), "%s%s]}", RULES, bad_tests[i].test);
		assert_null(rn_policy_parse(text, strlen(text), &err));
		assert_string_equal(err.text, bad_tests[i].error);
	}
}

/* ---- findings ---- */

static void told(void *context, const struct rn_policy_finding *f)
{
	add_line(context, rn_policy_finding_name(f->kind), f->text);
}

static void expect_findings(const char *rules, const char *lines)
{
	struct lines l = {"", 0};
	struct rn_policy_model *m;
	bool cut = true;
	char text[8192];

	snprintf(
	    text, sizeof(text),
	    "{\"groups\": {\"none\": [], \"staff\": [\"alice\", \"bob\"], \"few\": [\"alice\"]}, \"tags\": [\"a\", "
	    "\"b\"], \"rules\": [\n%s]}",
	    rules);
	m = parse(text);
	assert_int_equal(rn_policy_findings(m, NULL, NOW, told, &l, &cut), 0);
	assert_false(cut);
	assert_string_equal(l.text, lines);
	rn_policy_model_free(m);
}

#define RULE(id, from, to, rest)                                                                                       \
	"{\"id\": \"" id "\", \"source_criteria\": [" from "], \"destination_criteria\": [" to "], " rest "},\n"
#define ALLOW "\"action\": \"allow\""
#define DENY "\"action\": \"deny\""
#define WHEN(w) ", \"conditions\": {" w "}"

static void test_never(void **state)
{
	(void)state;
	expect_findings(RULE("r", "\"group:none\"", "\"everyone\"", ALLOW),
			"never: rule \"r\" matches nothing: the group \"none\" in its source_criteria has no users\n");
	expect_findings(
	    RULE("r", "\"everyone\"", "\"user:alice\", \"!group:staff\"", ALLOW),
	    "never: rule \"r\" matches nothing: no device can be in its destination_criteria, since what is "
	    "named there is taken away again, has no users or is of another type\n");
	expect_findings(
	    RULE("r", "\"type:server\"", "\"everyone\"", ALLOW WHEN("\"source_types\": [\"iot\"]")),
	    "never: rule \"r\" matches nothing: no device can be in its source_criteria, since what is named "
	    "there is taken away again, has no users or is of another type\n");
	expect_findings(RULE("r", "\"everyone\"", "\"everyone\"",
			     ALLOW WHEN("\"from\": \"2027-03-01\", \"until\": \"2027-03-01\"")),
			"never: rule \"r\" never holds: its \"until\" is not after its \"from\"\n");
	expect_findings(RULE("r", "\"everyone\"", "\"everyone\"", ALLOW WHEN("\"until\": \"2027-01-15T08:00:00Z\"")),
			"never: rule \"r\" holds no more: it ended at 2027-01-15T08:00:00Z\n");
	expect_findings(
	    RULE("r", "\"everyone\"", "\"everyone\"",
		 ALLOW WHEN("\"until\": \"2027-01-16\", \"times\": [{\"days\": [\"sat\"], \"from\": \"01:00\", "
			    "\"to\": \"02:00\", \"zone\": \"UTC\"}]")),
	    "never: rule \"r\" never holds: none of its times lies between its \"from\" (or now) and its "
	    "\"until\"\n");
	expect_findings(
	    RULE("r", "\"everyone\"", "\"everyone\"",
		 ALLOW WHEN("\"until\": \"2027-01-17\", \"times\": [{\"days\": [\"sat\"], \"from\": \"01:00\", "
			    "\"to\": \"02:00\", \"zone\": \"UTC\"}]"))
		RULE("s", "\"group:none\", \"tag:a\"", "\"!group:staff\"", DENY),
	    "");
}

static void test_useless(void **state)
{
	(void)state;
	expect_findings(RULE("a", "\"group:few\"", "\"tag:a\"", ALLOW ", \"services\": [\"tcp:22\"]")
			    RULE("d", "\"group:staff\", \"tag:b\"", "\"everyone\"", DENY ", \"services\": [\"tcp\"]"),
			"contradicted: rule \"a\" never allows anything: rule \"d\" (line 3) denies all of it\n");
	/* one user of the group is not denied; another service; at another time; only those that are managed */
	expect_findings(
	    RULE("a", "\"group:staff\"", "\"tag:a\"", ALLOW) RULE("d", "\"user:alice\"", "\"everyone\"", DENY), "");
	expect_findings(RULE("a", "\"tag:a\"", "\"tag:a\"", ALLOW)
			    RULE("d", "\"tag:a\"", "\"everyone\"", DENY ", \"services\": [\"udp\"]"),
			"");
	expect_findings(RULE("a", "\"tag:a\"", "\"tag:a\"", ALLOW)
			    RULE("d", "\"everyone\"", "\"everyone\"", DENY WHEN("\"until\": \"2030-01-01\"")),
			"");
	expect_findings(RULE("a", "\"tag:a\"", "\"tag:a\"", ALLOW)
			    RULE("d", "\"everyone\"", "\"everyone\"", DENY WHEN("\"source_managed\": true")),
			"");
	expect_findings(RULE("a", "\"tag:a\"", "\"tag:a\"", ALLOW)
			    RULE("d", "\"everyone\"", "\"everyone\"", DENY ", \"observe\": true"),
			"");
	/* what is taken away by ! */
	expect_findings(RULE("a", "\"tag:a\"", "\"tag:a\"", ALLOW) RULE("d", "\"!tag:b\"", "\"everyone\"", DENY), "");
	expect_findings(RULE("a", "\"tag:a\", \"!tag:b\"", "\"tag:a\"", ALLOW)
			    RULE("d", "\"!tag:b\"", "\"everyone\"", DENY),
			"contradicted: rule \"a\" never allows anything: rule \"d\" (line 3) denies all of it\n");
	expect_findings(RULE("a", "\"user:alice\"", "\"type:server\"", ALLOW)
			    RULE("d", "\"!user:bob\"", "\"!type:iot\"", DENY),
			"contradicted: rule \"a\" never allows anything: rule \"d\" (line 3) denies all of it\n");
	/* a device has two addresses, so that of one prefix may be in another too */
	expect_findings(RULE("a", "\"prefix:10.0.0.0/8\"", "\"everyone\"", ALLOW)
			    RULE("d", "\"!prefix:fd00::/8\"", "\"everyone\"", DENY),
			"");
	expect_findings(RULE("a", "\"host:10.0.0.1\"", "\"everyone\"", ALLOW)
			    RULE("d", "\"prefix:10.0.0.0/8\"", "\"everyone\"", DENY),
			"contradicted: rule \"a\" never allows anything: rule \"d\" (line 3) denies all of it\n");
	/* of one action the first decides, and one that asks for more trust later never does */
	expect_findings(RULE("a", "\"everyone\"", "\"tag:a\"", ALLOW)
			    RULE("b", "\"tag:b\"", "\"tag:a\"", ALLOW WHEN("\"minimum_trust\": 9")),
			"shadowed: rule \"b\" never decides: rule \"a\" (line 2) allows all of it before\n");
	expect_findings(RULE("a", "\"everyone\"", "\"tag:a\"", ALLOW WHEN("\"minimum_trust\": 10"))
			    RULE("b", "\"tag:b\"", "\"tag:a\"", ALLOW WHEN("\"minimum_trust\": 9")),
			"");
	expect_findings(
	    RULE("a", "\"tag:b\"", "\"same-owner\"", ALLOW) RULE("b", "\"everyone\"", "\"same-owner\"", ALLOW), "");
	/* of several services none may be left over, the first neither */
	expect_findings(RULE("a", "\"everyone\"", "\"tag:a\"", ALLOW ", \"services\": [\"tcp:22\", \"udp:53\"]")
			    RULE("b", "\"tag:b\"", "\"tag:a\"", ALLOW ", \"services\": [\"tcp:23\", \"udp:53\"]")
				RULE("c", "\"tag:b\"", "\"tag:a\"", ALLOW ", \"services\": [\"udp:53\", \"tcp:24\"]"),
			"");
	expect_findings(RULE("a", "\"everyone\"", "\"everyone\"", ALLOW ", \"services\": [\"tcp:22\", \"tcp:1-1024\"]"),
			"redundant: in rule \"a\", tcp:22 is in tcp:1-1024 already\n");
}

/* ---- the difference ---- */

static void differs(void *context, const struct rn_difference *d)
{
	add_line(context, "", d->text);
}

static void expect_difference(const char *before, const char *after, const char *lines)
{
	static const char head[] =
	    "{\"groups\": {\"staff\": [\"alice\", \"bob\"]}, \"tags\": [\"db\", \"web\"], \"rules\": [";
	struct lines l = {"", 0};
	struct rn_policy_model *m[2];
	bool cut = true;
	char text[4096];

	snprintf(text, sizeof(text), "%s%s]}", head, before);
	m[0] = parse(text);
	snprintf(text, sizeof(text), "%s%s]}", head, after);
	m[1] = parse(text);
	assert_int_equal(rn_policy_diff(m[0], m[1], devices, COUNT(devices), NULL, NOW, differs, &l, &cut), 0);
	assert_false(cut);
	assert_string_equal(l.text, lines);
	rn_policy_model_free(m[0]);
	rn_policy_model_free(m[1]);
}

#define SQL(from) RULE("sql", from, "\"device:db-1\"", ALLOW ", \"services\": [\"tcp:5432\"]")

static void test_difference(void **state)
{
	(void)state;
	expect_difference(SQL("\"group:staff\""), "",
			  "rule \"sql\" is gone\n3 devices (laptop, phone, desk) lose access to db-1:5432\n");
	expect_difference(SQL("\"group:staff\""), SQL("\"user:alice\""),
			  "rule \"sql\" has changed\ndesk loses access to db-1:5432\n");
	expect_difference(SQL("\"user:alice\""),
			  SQL("\"user:alice\"")
			      RULE("dbs", "\"user:bob\"", "\"tag:db\"", ALLOW ", \"services\": [\"udp:53\", \"icmp\"]"),
			  "rule \"dbs\" is new\ndesk gains access to udp:53, icmp on 2 devices (db-1, db-2)\n");
	expect_difference(
	    "", RULE("dbs", "\"group:staff\", \"tag:web\"", "\"tag:db\"", ALLOW ", \"services\": [\"tcp:22\"]"),
	    "rule \"dbs\" is new\n4 devices (laptop, phone, desk and 1 more) gain access to tcp:22 on 2 "
	    "devices (db-1, db-2)\n");
	/* what another rule allows is no loss; order and names change nothing */
	expect_difference(SQL("\"user:alice\"") RULE("all", "\"everyone\"", "\"tag:db\"", ALLOW),
			  RULE("all", "\"everyone\"", "\"tag:db\"", ALLOW), "rule \"sql\" is gone\n");
	expect_difference(SQL("\"user:alice\"") RULE("own", "\"everyone\"", "\"same-owner\"", ALLOW),
			  RULE("own", "\"everyone\"", "\"same-owner\"", ALLOW) SQL("\"user:alice\""), "");
	/* a rule that denies cuts a piece out */
	expect_difference(RULE("own", "\"user:alice\"", "\"same-owner\"", ALLOW),
			  RULE("own", "\"user:alice\"", "\"same-owner\"", ALLOW)
			      RULE("no", "\"device:phone\"", "\"everyone\"", DENY ", \"services\": [\"tcp:20-29\"]"),
			  "rule \"no\" is new\nphone loses access to tcp:20-29 on laptop\n");
	expect_difference(RULE("own", "\"user:alice\"", "\"same-owner\"", ALLOW WHEN("\"minimum_trust\": 50")),
			  RULE("own", "\"user:alice\"", "\"same-owner\"", ALLOW),
			  "rule \"own\" has changed\nphone gains access to everything on laptop\n");
}

#define LONG "a23456789-123456789-123456789-123456789-123456789-123456789-12"

/* The longest names, and more services than a sentence has room for: it is cut where it says so. */
static void test_long_difference(void **state)
{
	static const struct rn_party many[] = {
	    {.device = LONG "0"}, {.device = LONG "1"}, {.device = LONG "2"},
	    {.device = LONG "3"}, {.device = LONG "4"},
	};
	struct lines l = {"", 0};
	struct rn_policy_model *before = parse("{\"rules\": []}"), *after;
	char text[4096];
	size_t used;
	bool cut;

	(void)state;
	used = (size_t)snprintf(text, sizeof(text),
				"{\"rules\": [" RULE("r", "\"!device:" LONG "0\"", "\"device:" LONG "0\"",
						     ALLOW ", \"services\": [\"udp:2"));
	used = (size_t)(strstr(text, "udp:2") - text);
	for (unsigned i = 0; i < 200; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof(text) - used, "%sudp:%u", i ? "\", \"" : "", 40000 + 2 * i);
	snprintf(text + used, sizeof(text) - used, "\"]}]}");
	after = parse(text);
	assert_int_equal(rn_policy_diff(before, after, many, COUNT(many), NULL, NOW, differs, &l, &cut), 0);
	assert_string_equal(l.text,
			    "rule \"r\" is new\n4 devices (" LONG "1, " LONG "2, " LONG "3 and 1 more) gain access to "
			    "udp:40000, udp:40002, udp:40004, udp:40006, udp:40008, udp:40010, udp:40012, "
			    "udp:40014, udp:40016, udp:40018, udp:40020, udp:40022 and more on " LONG "0\n");
	rn_policy_model_free(before);
	rn_policy_model_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tests),   cmocka_unit_test(test_bad_tests),  cmocka_unit_test(test_never),
	    cmocka_unit_test(test_useless), cmocka_unit_test(test_difference), cmocka_unit_test(test_long_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
