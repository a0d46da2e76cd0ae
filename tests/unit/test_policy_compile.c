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
#include "tests/support/selector_numbers.h"

static int compile(const char *text, struct selector_numbers *s, struct rn_policy_record *ret, struct rn_err *err)
{
	struct rn_selector_source source = selector_source(s);
	struct rn_policy_model *m = rn_policy_parse(text, strlen(text), err);
	int code;

	if (!m)
		fail_msg("%s", err->text);
	code = rn_policy_compile(m, &source, NULL, 0, ret, err);
	rn_policy_model_free(m);
	return code;
}

static const char text[] =
    "{\"groups\": {\"admins\": [\"bob\", \"alice\"], \"none\": []}, \"tags\": [\"server\"], \"rules\": ["
    "{\"id\": \"both\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"tag:server\", "
    "\"same-owner\"],"
    " \"action\": \"allow\"},"
    "{\"id\": \"void\", \"source_criteria\": [\"group:none\"], \"destination_criteria\": [\"everyone\"], \"action\": "
    "\"allow\"},"
    "{\"id\": \"ssh\", \"source_criteria\": [\"user:alice\", \"group:admins\"], \"destination_criteria\": "
    "[\"device:nas\"],"
    " \"services\": [\"tcp:22\", \"icmp\"], \"action\": \"allow\", \"conditions\": {\"minimum_trust\": 40}},"
    "{\"id\": \"no\", \"source_criteria\": [\"user:bob\"], \"destination_criteria\": [\"same-owner\"], \"action\": "
    "\"deny\"}]}";

static void test_rules(void **state)
{
	struct selector_numbers s = {.most = 16};
	struct rn_policy_record p;
	struct rn_err err = {""};
	uint8_t seed[RN_KEY_SIZE] = {1}, *data = malloc(RN_RECORD_SIZE_MAX);
	struct rn_record_head head = {.epoch = 1, .version = 1};

	(void)state;
	assert_int_equal(compile(text, &s, &p, &err), 0);
	assert_int_equal(p.rule_count, 4);
	/* deny first */
	assert_string_equal(p.rules[0].id, "no");
	assert_true(p.rules[0].deny && p.rules[0].same_owner);
	assert_int_equal(p.rules[0].number, 4);
	assert_string_equal(s.names[p.rules[0].source.any.numbers[0] - 1], "user:bob");
	assert_int_equal(p.rules[0].destination.any.count, 0); /* everyone */
	/* one rule with same-owner among others becomes two of one number */
	assert_int_equal(p.rules[1].number, 1);
	assert_int_equal(p.rules[2].number, 1);
	assert_false(p.rules[1].same_owner);
	assert_string_equal(s.names[p.rules[1].destination.any.numbers[0] - 1], "tag:server");
	assert_true(p.rules[2].same_owner);
	assert_int_equal(p.rules[2].destination.any.count, 0);
	assert_int_equal(p.rules[1].service_count, 1);
	assert_int_equal(p.rules[1].services[0].protocol, 0);
	assert_int_equal(p.rules[1].services[0].last, 65535);
	/* the rule of an empty group is gone; groups are their users, each once */
	assert_int_equal(p.rules[3].number, 3);
	assert_int_equal(p.rules[3].source.any.count, 2);
	assert_true(p.rules[3].source.any.numbers[0] < p.rules[3].source.any.numbers[1]);
	assert_int_equal(p.rules[3].minimum_trust, 40);
	assert_int_equal(p.rules[3].services[0].first, 22);
	assert_int_equal(p.rules[3].services[1].protocol, IPPROTO_ICMP);
	/* and the record takes it */
	assert_non_null(data);
	assert_int_equal(rn_crypto_start(), 0);
	assert_true(rn_record_put_policy(&head, &p, seed, data, RN_RECORD_SIZE_MAX) > 0);
	free(data);
	rn_policy_record_done(&p);
}

static void test_no_number(void **state)
{
	(void)state;
	for (uint32_t most = 0; most < 5; most++) {
		struct selector_numbers s = {.most = most};
		struct rn_policy_record p = {.rule_count = 77};
		struct rn_err err = {""};

		assert_int_equal(compile(text, &s, &p, &err), -ENOMEM);
		assert_int_equal(p.rule_count, 77);
	}
}

/* many(n, with): n rules, each with the criteria and services that are given. */
static char *many(unsigned rules, const char *source, const char *destination, const char *services)
{
	size_t room = 256 + strlen(source) + rules * (160 + strlen(destination) + strlen(services)), at;
	char *out = malloc(room);

	assert_non_null(out);
	at = (size_t)snprintf(out, room, "{\"groups\": {\"crowd\": [%s]}, \"rules\": [", source);
	for (unsigned i = 0; i < rules; i++)
		at += (size_t)snprintf(out + at, room - at,
				       "{\"id\":\"r%u\",\"source_criteria\":[\"%s\"],\"destination_criteria\":[%s],%s"
				       "\"action\":\"allow\"},",
				       i, source[0] ? "group:crowd" : "everyone", destination, services);
	snprintf(out + at, room - at, "]}");
	return out;
}

/* 4,090 users on both sides of each rule: 33 kB. */
static char *crowd(unsigned rules)
{
	static char users[4090 * 10];
	size_t at = 0;

	for (unsigned i = 0; i < 4090; i++)
		at += (size_t)snprintf(users + at, sizeof(users) - at, "%s\"u%u\"", i ? "," : "", i);
	return many(rules, users, "\"group:crowd\"", "");
}

static void expect_too_big(char *policy, const char *part)
{
	static struct selector_numbers s = {.most = 4096};
	struct rn_policy_record p;
	struct rn_err err = {""};

	assert_int_equal(compile(policy, &s, &p, &err), -EMSGSIZE);
	if (!strstr(err.text, part))
		fail_msg("%s", err.text);
	free(policy);
}

static void test_bounds(void **state)
{
	struct selector_numbers s = {.most = 16};
	struct rn_policy_record p;
	struct rn_err err = {""};
	char *fits = many(4096, "", "\"everyone\"", "");

	(void)state;
	assert_int_equal(compile(fits, &s, &p, &err), 0);
	assert_int_equal(p.rule_count, 4096);
	rn_policy_record_done(&p);
	free(fits);
	expect_too_big(many(4097, "", "\"everyone\"", ""), "more than 4096 rules or ranges of ports");
	expect_too_big(many(65600, "", "\"user:a\", \"same-owner\"", ""),
		       "(rule 65537, \"r65536\", is the first that does not fit)");
	expect_too_big(crowd(1024), "the compiled policy is larger than");
}

/* 512 rules with same-owner beside another criterion are 1,024 compiled ones, which still fit. */
static void test_doubled_rules(void **state)
{
	struct selector_numbers s = {.most = 16};
	struct rn_policy_record p;
	struct rn_err err = {""};
	char *fits = many(512, "", "\"user:a\", \"same-owner\"", "");

	(void)state;
	assert_int_equal(compile(fits, &s, &p, &err), 0);
	assert_int_equal(p.rule_count, 1024);
	rn_policy_record_done(&p);
	free(fits);
}

/* user:uN is N + 1; others come after all of them. */
static uint32_t number_of_user(void *context, const char *selector)
{
	(void)context;
	return strncmp(selector, "user:u", 6) == 0 ? (uint32_t)strtoul(selector + 6, NULL, 10) + 1 : 100000;
}

/* One rule from `groups` groups of users, whose first are the numbers of `first`, each with `each` users. */
static int compile_groups(const unsigned *first, unsigned groups, unsigned each, struct rn_policy_record *ret,
			  struct rn_err *err)
{
	const struct rn_selector_source source = {NULL, number_of_user};
	size_t room = RN_POLICY_TEXT_MAX, at = 0;
	char *out = malloc(room);
	struct rn_policy_model *m;
	int code;

	assert_non_null(out);
	at += (size_t)snprintf(out, room, "{\"groups\":{");
	for (unsigned g = 0; g < groups; g++) {
		at += (size_t)snprintf(out + at, room - at, "\"g%u\":[", g);
		for (unsigned u = each; u-- > 0;)
			at += (size_t)snprintf(out + at, room - at, "\"u%u\",", first[g] + u);
		at += (size_t)snprintf(out + at, room - at, "],");
	}
	at += (size_t)snprintf(out + at, room - at,
			       "},\"rules\":[{\"id\":\"r\",\"action\":\"allow\",\"destination_criteria\":"
			       "[\"everyone\"],\"source_criteria\":[");
	for (unsigned g = 0; g < groups; g++)
		at += (size_t)snprintf(out + at, room - at, "\"group:g%u\",", g);
	snprintf(out + at, room - at, "]}]}");
	m = rn_policy_parse(out, strlen(out), err);
	if (!m)
		fail_msg("%s", err->text);
	code = rn_policy_compile(m, &source, NULL, 0, ret, err);
	rn_policy_model_free(m);
	free(out);
	return code;
}

/* 4,096 different users on one side, ascending and each once; with one more it is refused. */
static void test_many_users(void **state)
{
	static const unsigned apart[] = {0, 2048}, overlapping[] = {0, 2047}, beyond[] = {0, 2048, 2049};
	struct rn_policy_record p;
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(compile_groups(apart, 2, 2048, &p, &err), 0);
	assert_int_equal(p.rules[0].source.any.count, 4096);
	for (uint32_t i = 0; i < 4096; i++)
		assert_int_equal(p.rules[0].source.any.numbers[i], i + 1);
	rn_policy_record_done(&p);
	assert_int_equal(compile_groups(overlapping, 2, 2048, &p, &err), 0);
	assert_int_equal(p.rules[0].source.any.count, 4095);
	rn_policy_record_done(&p);
	assert_int_equal(compile_groups(beyond, 3, 2048, &p, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "rule 1 (\"r\") names more than 4096 users"));
}

/* The same users in group after group are one user each. */
static void test_same_users_again(void **state)
{
	static const unsigned same[9] = {0};
	struct rn_policy_record p;
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(compile_groups(same, 8, 2048, &p, &err), 0);
	assert_int_equal(p.rules[0].source.any.count, 2048);
	rn_policy_record_done(&p);
	assert_int_equal(compile_groups(same, 9, 2048, &p, &err), 0);
	assert_int_equal(p.rules[0].source.any.count, 2048);
	rn_policy_record_done(&p);
}

/* A clock beyond all windows: what is not known to be shut denies, and what is not known to be open allows nothing. */
static void test_no_window(void **state)
{
	static const char windows[] =
	    "{\"rules\": [{\"id\": \"d\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": "
	    "[\"everyone\"], \"action\": \"deny\", \"conditions\": {\"times\": [{\"from\": \"08:00\", \"to\": "
	    "\"09:00\", \"zone\": \"UTC\"}]}}]}";
	struct selector_numbers s = {.most = 16};
	struct rn_selector_source source = selector_source(&s);
	struct rn_policy_model *m = rn_policy_parse(windows, sizeof(windows) - 1, NULL);
	struct rn_policy_record p;

	(void)state;
	assert_int_equal(rn_policy_compile(m, &source, NULL, INT64_C(1) << 60, &p, NULL), 0);
	assert_int_equal(p.rule_count, 1);
	assert_true(p.rules[0].deny);
	assert_int_equal(p.rules[0].schedule, 1);
	assert_int_equal(p.schedules[0].count, 0);
	rn_policy_record_done(&p);
	rn_policy_model_free(m);
}

/* As many openings a day, every day. Returns how many are reckoned out, or what compiling says. */
static int openings(unsigned a_day, struct rn_window *ret_last, struct rn_err *err)
{
	struct selector_numbers s = {.most = 16};
	struct rn_policy_record p;
	char policy[64 * 80 + 300];
	size_t at = (size_t)snprintf(policy, sizeof(policy),
				     "{\"rules\": [{\"id\": \"r\", \"source_criteria\": [\"everyone\"], "
				     "\"destination_criteria\": [\"everyone\"], \"action\": \"allow\", "
				     "\"conditions\": {\"times\": [");
	int code;

	for (unsigned i = 0; i < a_day; i++)
		at += (size_t)snprintf(policy + at, sizeof(policy) - at,
				       "{\"from\": \"%02u:%02u\", \"to\": \"%02u:%02u\", \"zone\": \"UTC\"},", i / 3,
				       i % 3 * 20, i / 3, i % 3 * 20 + 10);
	snprintf(policy + at, sizeof(policy) - at, "]}}]}");
	code = compile(policy, &s, &p, err);
	if (code < 0)
		return code;
	assert_int_equal(p.schedule_count, 1);
	code = (int)p.schedules[0].count;
	*ret_last = p.schedules[0].windows[code - 1];
	rn_policy_record_done(&p);
	return code;
}

/* Less far where they come often, but four weeks at least. The clock is at 0, from which on there are windows. */
static void test_how_far(void **state)
{
	struct rn_window last;
	struct rn_err err;

	(void)state;
	assert_int_equal(openings(1, &last, &err), 400);
	assert_int_equal(last.until, 399 * RN_DAY_SECONDS + 600);
	assert_int_equal(openings(2, &last, &err), 800);
	assert_int_equal(openings(3, &last, &err), 600);
	assert_int_equal(openings(6, &last, &err), 600);
	assert_int_equal(openings(20, &last, &err), 1000);
	assert_int_equal(openings(30, &last, &err), 840);
	assert_int_equal(openings(36, &last, &err), 1008);
	assert_int_equal(openings(37, &last, &err), -EMSGSIZE);
	assert_string_equal(err.text, "rule 1 (\"r\") opens more than 1024 times in four weeks; write fewer windows");
}

/* Whatever order numbers were given in, a record has them ascending. */
static void test_ascending(void **state)
{
	static const char policy[] =
	    "{\"groups\": {\"g\": [\"a\", \"b\"]}, \"rules\": ["
	    "{\"id\": \"a\", \"source_criteria\": [\"type:iot\", \"user:b\", \"type:desktop\", \"user:a\"], "
	    "\"destination_criteria\": [\"user:a\"], \"action\": \"allow\"},"
	    "{\"id\": \"b\", \"source_criteria\": [\"user:a\", \"group:g\"], \"destination_criteria\": "
	    "[\"everyone\", \"!user:a\", \"!group:g\"], \"action\": \"allow\", \"conditions\": "
	    "{\"source_types\": [\"desktop\", \"iot\"]}}]}";
	struct selector_numbers s = {.most = 16};
	struct rn_policy_record p;
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(compile(policy, &s, &p, &err), 0);
	const struct rn_selector_set *sets[] = {&p.rules[1].source.any, &p.rules[1].source.types,
						&p.rules[1].destination.none};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sets[i]->count, 2);
		assert_true(sets[i]->numbers[0] < sets[i]->numbers[1]);
	}
	rn_policy_record_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_no_number),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_how_far),
	    cmocka_unit_test(test_ascending),
	    cmocka_unit_test(test_no_window),
	    cmocka_unit_test(test_doubled_rules),
	    cmocka_unit_test(test_many_users),
	    cmocka_unit_test(test_same_users_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
