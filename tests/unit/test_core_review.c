/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a policy before it is set: the same of a small one, at once, and of a large one, beside core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_prepare.h"
#include "service/core_review.h"

#define LARGE (2 * RN_PREPARE_DIRECT_MAX)
#define ALLOW                                                                                                          \
	"{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"device:laptop\"], "               \
	"\"destination_criteria\": [\"everyone\"]"
#define TEST(id, from, to, expect)                                                                                     \
	"{\"id\": \"" id "\", \"source\": {\"device\": \"" from "\"}, \"destination\": {\"device\": \"" to             \
	"\"}, \"services\": [\"tcp:1\"], \"expect\": \"" expect "\"}"

static struct world_host *gateway(struct world *w)
{
	return &w->hosts[0];
}

static int setup(void **state)
{
	struct world *w = world_three();
	gateway(w)->works = true;
	world_restart(gateway(w));
	world_wait(w, 1000);
	*state = w;
	return 0;
}

/* ---- what is said, as text ---- */

struct said {
	struct rn_core_review review;
	FILE *out;
	char *text;
	size_t size;
	unsigned done;
	struct world_host *cancelled; /* whoever asks goes at the first test */
	bool unchanged;		      /* nobody asks what changes */
};

static void say_finding(void *context, const struct rn_policy_finding *f, const char *rule, const char *other)
{
	struct said *s = context;
	fprintf(s->out, "%s %s %s\n", rn_policy_finding_name(f->kind), rule, other);
}

static void say_test(void *context, const struct rn_test_result *result)
{
	struct said *s = context;
	fprintf(s->out, "test %s %s\n", result->test->id, result->passed ? "passes" : result->text);
	if (s->cancelled)
		rn_core_policy_cancel(s->cancelled->core, s);
}

static void say_change(void *context, const struct rn_difference *d)
{
	struct said *s = context;
	fprintf(s->out, "%s\n", d->text);
}

static void say_end(void *context, int code, const struct rn_err *err)
{
	struct said *s = context;
	s->done++;
	fprintf(s->out, "%s%s", s->review.incomplete ? "incomplete\n" : "", code ? err->text : "good");
	fclose(s->out);
}

static void ask(struct world *w, struct said *s, const char *text, bool large)
{
	size_t size = strlen(text), room = size > LARGE ? size : LARGE;
	char *padded = malloc(room);
	assert_non_null(padded);
	memset(padded, ' ', room);
	memcpy(padded, text, size);
	s->out = open_memstream(&s->text, &s->size);
	s->review = (struct rn_core_review){s, say_finding, say_test, s->unchanged ? NULL : say_change, false};
	rn_core_policy_review(gateway(w)->core, padded, large ? room : size, &s->review, say_end, s);
	free(padded);
}

static void says(struct world *w, const char *text, const char *wanted)
{
	for (int large = 0; large < 2; large++) {
		struct said s = {0};
		ask(w, &s, text, large);
		assert_int_equal(s.done, !large);
		world_work(gateway(w), true);
		assert_int_equal(s.done, 1);
		assert_string_equal(s.text, wanted);
		free(s.text);
	}
}

/* ---- cases ---- */

#define CHANGES                                                                                                        \
	"rule \"r\" is new\nrule \"own-devices\" is gone\nhub loses access to everything on laptop\n"                  \
	"laptop gains access to everything on gw\n"

static void what_changes(void **state)
{
	says(*state, ALLOW "}]}", CHANGES "good");
	says(*state, ALLOW "}], \"tests\": [" TEST("a", "laptop", "hub", "allow") "]}",
	     "test a passes\n" CHANGES "good");
}

/* Devices as they come, some twice, one that is not there before some that are. What fails changes nothing. */
static void tests_that_fail(void **state)
{
	const char text[] = ALLOW
	    "}], \"tests\": [" TEST("a", "laptop", "hub", "allow") "," TEST("b", "hub", "laptop", "allow") "," TEST(
		"c", "aaa", "hub", "deny") "," TEST("d", "laptop", "gw", "deny") "]}";
	says(
	    *state, text,
	    "test a passes\n"
	    "test b the test \"b\" fails: tcp:1 is denied (no rule allows it), but \"allow\" is expected\n"
	    "test c the test \"c\" cannot be run: there is no device \"aaa\" in the network\n"
	    "test d the test \"d\" fails: tcp:1 is allowed by rule \"r\" (a rule allows it), but \"deny\" is expected\n"
	    "line 1, column 251: the test \"b\" fails: tcp:1 is denied (no rule allows it), but \"allow\" is expected "
	    "(and 2 more tests fail)");
}

static void what_is_no_policy(void **state)
{
	says(*state, "{\"rules\": [}", "line 1, column 12: a value is expected here");
}

/* Of a set only the devices that its tests name are read. */
static void a_set_reads_who_is_named(void **state)
{
	struct world *w = *state;
	const char text[] =
	    ALLOW "}], \"tests\": [" TEST("a", "laptop", "hub", "allow") "," TEST("b", "aaa", "gw", "deny") "]}";
	struct world_done d = {0};
	rn_core_policy_set(gateway(w)->core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)},
			   world_done, &d);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.text,
			    "line 1, column 251: the test \"b\" cannot be run: there is no device \"aaa\" in the "
			    "network");
}

static char *many_windows(const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	fputs(ALLOW ", \"conditions\": {\"times\": [", out);
	for (unsigned i = 0; i < 40; i++)
		fprintf(out, "%s{\"from\": \"%02u:%02u\", \"to\": \"%02u:%02u\", \"zone\": \"UTC\"}", i ? "," : "",
			i / 2, i % 2 * 30, i / 2, i % 2 * 30 + 10);
	fprintf(out, "]}}], \"tests\": [" TEST("a", "hub", "laptop", "%s") "]}", expected);
	fclose(out);
	return text;
}

/* A policy that no host would take: after its tests, which people understand more easily. */
static void what_does_not_compile(void **state)
{
	char *text = many_windows("deny");
	says(*state, text,
	     "test a passes\nrule 1 (\"r\") opens more than 1024 times in four weeks; write fewer windows");
	free(text);
	text = many_windows("allow");
	struct said s = {0};
	ask(*state, &s, text, false);
	assert_non_null(strstr(s.text, "the test \"a\" fails"));
	assert_null(strstr(s.text, "four weeks"));
	free(s.text);
	free(text);
	says(*state,
	     ALLOW
	     ", \"conditions\": {\"times\": [{\"from\": \"08:00\", \"to\": \"09:00\", \"zone\": \"Mars/Here\"}]}}], "
	     "\"tests\": [" TEST("a", "hub", "laptop", "deny") "]}",
	     "test a passes\nline 1, column 12: there is no time zone \"Mars/Here\"; write one that the gateway's "
	     "tzdata "
	     "has, as \"Europe/Vienna\", or \"UTC\"");
}

/* Tests and findings go by the gateway's clock. */
static void what_is_over(void **state)
{
	says(*state,
	     ALLOW
	     ", \"conditions\": {\"until\": \"2020-01-01\"}}], \"tests\": [" TEST("a", "laptop", "hub", "deny") "]}",
	     "never r \ntest a passes\nrule \"r\" is new\nrule \"own-devices\" is gone\n"
	     "hub loses access to everything on laptop\nlaptop loses access to everything on hub\ngood");
}

/* More ports than are compared, more findings than are told. */
static void what_is_incomplete(void **state)
{
	struct said s = {0};
	FILE *out = open_memstream(&s.text, &s.size);
	char *text;
	fputs(ALLOW ", \"services\": [\"tcp:1\"", out);
	for (unsigned i = 0; i < 255; i++)
		fprintf(out, ", \"tcp:%u\"", 3 + 2 * i);
	fputs("]}, {\"id\": \"s\", \"action\": \"allow\", \"source_criteria\": [\"device:laptop\"], "
	      "\"destination_criteria\": [\"everyone\"], \"services\": [\"tcp:1001\", \"tcp:1003\"]}]}",
	      out);
	fclose(out);
	text = s.text;
	for (int large = 0; large < 2; large++) {
		ask(*state, &s, text, large);
		world_work(gateway(*state), true);
		assert_non_null(strstr(s.text, "gains access"));
		assert_non_null(strstr(s.text, "incomplete\ngood"));
		free(s.text);
	}
	free(text);
	out = open_memstream(&s.text, &s.size);
	fputs(ALLOW "}", out);
	for (unsigned i = 0; i <= RN_POLICY_FINDINGS_MAX; i++)
		fprintf(out,
			", {\"id\": \"s%u\", \"action\": \"allow\", \"source_criteria\": [\"device:laptop\"], "
			"\"destination_criteria\": [\"device:hub\"]}",
			i);
	fputs("]}", out);
	fclose(out);
	text = s.text;
	s.unchanged = true;
	ask(*state, &s, text, true);
	world_work(gateway(*state), true);
	assert_non_null(strstr(s.text, "shadowed s999 r\n"));
	assert_null(strstr(s.text, "shadowed s1000 r\n"));
	assert_non_null(strstr(s.text, "incomplete\ngood"));
	free(s.text);
	free(text);
}

/* Whoever asks goes before the text is read, before its tests, or at the first of them: no more is looked at. */
static void who_has_gone_is_told_nothing_more(void **state)
{
	static const char text[] = ALLOW "}, {\"id\": \"s\", \"action\": \"allow\", \"source_criteria\": "
					 "[\"device:laptop\"], \"destination_criteria\": "
					 "[\"everyone\"]}], \"tests\": [" TEST("a", "laptop", "hub", "allow") "," TEST(
					     "b", "laptop", "hub", "allow") "]}";
	static const char *const wanted[] = {"whoever asked has gone", "shadowed s r\nwhoever asked has gone",
					     "shadowed s r\ntest a passes\nwhoever asked has gone"};
	struct world *w = *state;
	for (unsigned when = 0; when < 3; when++) {
		struct said s = {.cancelled = when == 2 ? gateway(w) : NULL};
		ask(w, &s, text, true);
		rn_core_tick(gateway(w)->core);
		if (when)
			world_work(gateway(w), false);
		assert_int_equal(gateway(w)->job_count, 1);
		if (when < 2)
			rn_core_policy_cancel(gateway(w)->core, &s);
		assert_int_equal(s.done, 0);
		world_work(gateway(w), true);
		assert_int_equal(s.done, 1);
		assert_string_equal(s.text, wanted[when]);
		free(s.text);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(what_changes),	      T(tests_that_fail), T(what_is_no_policy),	 T(a_set_reads_who_is_named),
	    T(what_does_not_compile), T(what_is_over),	  T(what_is_incomplete), T(who_has_gone_is_told_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
