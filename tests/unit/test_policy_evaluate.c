// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"

static const char text[] =
    "{\"groups\": {\"admins\": [\"alice\", \"bob\"]}, \"tags\": [\"server\", \"locked\"], \"rules\": ["
    "{\"id\": \"own\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"same-owner\"], \"action\": "
    "\"allow\"},"
    "{\"id\": \"ssh\", \"source_criteria\": [\"group:admins\"], \"destination_criteria\": [\"tag:server\"],"
    " \"services\": [\"tcp:22\"], \"action\": \"allow\", \"conditions\": {\"minimum_trust\": 50}},"
    "{\"id\": \"ssh2\", \"source_criteria\": [\"user:bob\"], \"destination_criteria\": [\"device:nas\"],"
    " \"services\": [\"tcp:20-30\", \"icmp\"], \"action\": \"allow\", \"conditions\": {\"minimum_trust\": 20}},"
    "{\"id\": \"never\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"tag:locked\"],"
    " \"services\": [\"udp\"], \"action\": \"deny\"}]}";

static const char *const server[] = {"server"}, *const locked[] = {"locked", "server"};
static const struct rn_party alice = {.device = "laptop", .owner = "alice", .owner_number = 1, .trust = 50},
			     alice_low = {.device = "laptop", .owner = "alice", .owner_number = 1, .trust = 49},
			     bob = {.device = "desk", .owner = "bob", .owner_number = 2, .trust = 20},
			     carol = {.device = "phone", .owner = "carol", .owner_number = 3, .trust = 100},
			     nobody = {.device = "thing", .owner = "", .trust = 100},
			     nas = {.device = "nas", .tags = server, .tag_count = 1, .trust = 100},
			     alices = {.device = "vault",
				       .owner = "alice",
				       .owner_number = 1,
				       .tags = locked,
				       .tag_count = 2},
			     nobodys = {.device = "lamp", .owner = NULL, .trust = 100};

static const struct {
	const struct rn_party *from, *to;
	uint8_t protocol;
	uint16_t port;
	enum rn_reason reason;
	uint32_t rule, nearest;
} cases[] = {
    {&alice, &nas, IPPROTO_TCP, 22, RN_ALLOWED, 2, 0},
    {&alice, &nas, IPPROTO_TCP, 23, RN_DEFAULT_DENY, 0, 2},
    {&alice, &nas, IPPROTO_UDP, 22, RN_DEFAULT_DENY, 0, 2},
    {&alice, &nas, IPPROTO_ICMP, 0, RN_DEFAULT_DENY, 0, 2},
    {&alice_low, &nas, IPPROTO_TCP, 22, RN_TRUST_TOO_LOW, 2, 0},
    {&bob, &nas, IPPROTO_TCP, 22, RN_ALLOWED, 3, 0}, /* rule 2 asks for too much, rule 3 does not */
    {&bob, &nas, IPPROTO_TCP, 30, RN_ALLOWED, 3, 0},
    {&bob, &nas, IPPROTO_TCP, 20, RN_ALLOWED, 3, 0},
    {&bob, &nas, IPPROTO_TCP, 19, RN_DEFAULT_DENY, 0, 3},
    {&nobodys, &nas, IPPROTO_TCP, 22, RN_DEFAULT_DENY, 0, 1}, /* in no group, and no user */
    {&bob, &nas, IPPROTO_TCP, 31, RN_DEFAULT_DENY, 0, 3},
    {&bob, &nas, IPPROTO_ICMP, 0, RN_ALLOWED, 3, 0},
    {&carol, &nas, IPPROTO_TCP, 22, RN_DEFAULT_DENY, 0, 1},
    {&alice, &alices, IPPROTO_TCP, 9999, RN_ALLOWED, 1, 0},
    {&alice, &alices, IPPROTO_UDP, 9999, RN_DENY_RULE, 4, 0}, /* deny wins over an earlier allow */
    {&alice, &alices, IPPROTO_ICMP, 0, RN_ALLOWED, 1, 0},
    {&carol, &alices, IPPROTO_UDP, 1, RN_DENY_RULE, 4, 0},
    {&nobody, &nobodys, IPPROTO_TCP, 1, RN_DEFAULT_DENY, 0, 1}, /* nobody is not the same owner as nobody */
    {&nas, &alice, IPPROTO_TCP, 22, RN_DEFAULT_DENY, 0, 1},	/* rules have a direction */
};

static void test_cases(void **state)
{
	struct rn_err err = {""};
	struct rn_policy_model *m = rn_policy_parse(text, strlen(text), &err);

	(void)state;
	if (!m)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rn_question q = {*cases[i].from, *cases[i].to, .protocol = cases[i].protocol,
					.port = cases[i].port};
		struct rn_answer e;

		rn_policy_evaluate(m, &q, &e);
		if (e.reason != cases[i].reason || e.rule != cases[i].rule ||
		    (e.reason == RN_DEFAULT_DENY && rn_policy_nearest(m, &q) != cases[i].nearest))
			fail_msg("case %zu: reason %d, rule %u, nearest %u", i, (int)e.reason, e.rule,
				 rn_policy_nearest(m, &q));
	}
	rn_policy_model_free(m);
}

static void test_empty(void **state)
{
	static const struct rn_policy_model none;
	struct rn_question q = {alice, alices, .protocol = IPPROTO_TCP, .port = 22};
	struct rn_answer e = {.rule = 9};

	(void)state;
	rn_policy_evaluate(&none, &q, &e);
	assert_int_equal(e.reason, RN_DEFAULT_DENY);
	assert_int_equal(e.rule, 0);
}

/* ---- times, observing, what holds ---- */

#define NINE INT64_C(1800003600) /* 2027-01-15, a Friday, 09:00 UTC */

static const char timed[] =
    "{\"tags\": [\"server\"], \"rules\": ["
    "{\"id\": \"watch\", \"source_criteria\": [\"user:bob\"], \"destination_criteria\": [\"everyone\"], \"action\": "
    "\"deny\","
    " \"observe\": true},"
    "{\"id\": \"lunch\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": [\"tag:server\"], \"action\": "
    "\"deny\", \"conditions\": {\"times\": [{\"from\": \"12:00\", \"to\": \"12:30\", \"zone\": \"UTC\"}]}},"
    "{\"id\": \"late\", \"source_criteria\": [\"user:bob\"], \"destination_criteria\": [\"tag:server\"], \"action\": "
    "\"deny\", \"observe\": true},"
    "{\"id\": \"work\", \"source_criteria\": [\"user:alice\"], \"destination_criteria\": [\"tag:server\"], \"action\": "
    "\"allow\", \"log\": true, \"services\": [\"tcp:22\"], \"conditions\": {\"minimum_trust\": 50, \"times\": "
    "[{\"days\": [\"fri\"], \"from\": \"08:00\", \"to\": \"18:00\", \"zone\": \"UTC\"}], \"until\": "
    "\"2027-01-15T17:00:00Z\"}},"
    "{\"id\": \"grant\", \"source_criteria\": [\"user:bob\"], \"destination_criteria\": [\"tag:server\"], \"action\": "
    "\"allow\", \"conditions\": {\"from\": \"2027-01-15T10:00:00Z\", \"minimum_destination_trust\": 100}}]}";

static const struct {
	const struct rn_party *from;
	int64_t at;
	enum rn_reason reason;
	uint32_t rule, observed;
	int64_t until;
	bool log;
} moments[] = {
    {&alice, NINE, RN_ALLOWED, 4, 0, NINE + 3 * 3600, true}, /* till lunch */
    {&alice, NINE + 3 * 3600 - 1, RN_ALLOWED, 4, 0, NINE + 3 * 3600, true},
    {&alice, NINE + 3 * 3600, RN_DENY_RULE, 2, 0, NINE + 3 * 3600 + 1800, false},
    {&alice, NINE + 3 * 3600 + 1799, RN_DENY_RULE, 2, 0, NINE + 3 * 3600 + 1800, false},
    {&alice, NINE + 4 * 3600, RN_ALLOWED, 4, 0, NINE + 8 * 3600, true}, /* till it ends */
    {&alice, NINE + 8 * 3600 - 1, RN_ALLOWED, 4, 0, NINE + 8 * 3600, true},
    {&alice, NINE + 8 * 3600, RN_OUTSIDE_TIME, 4, 0, NINE + 9 * 3600,
     true}, /* the window's end, which changes nothing */
    {&alice, NINE - 3601, RN_OUTSIDE_TIME, 4, 0, NINE - 3600, true},
    {&alice_low, NINE, RN_TRUST_TOO_LOW, 4, 0, NINE + 3 * 3600, true},
    {&alice_low, NINE + 8 * 3600, RN_OUTSIDE_TIME, 4, 0, NINE + 9 * 3600, true}, /* of which trust is not asked */
    {&bob, NINE, RN_OUTSIDE_TIME, 5, 1, NINE + 3600, false},
    {&bob, NINE + 3600, RN_ALLOWED, 5, 1, NINE + 3 * 3600, false},
    {&bob, NINE + 3 * 3600, RN_DENY_RULE, 2, 1, NINE + 3 * 3600 + 1800, false},
};

static struct rn_question ask(const struct rn_party *from, int64_t at)
{
	return (struct rn_question){*from, nas, .protocol = IPPROTO_TCP, .port = 22, .at = at};
}

static void test_moments(void **state)
{
	struct rn_policy_model *m = rn_policy_parse(timed, strlen(timed), NULL);

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct rn_question q = ask(moments[i].from, moments[i].at);
		struct rn_answer a;

		rn_policy_evaluate(m, &q, &a);
		if (a.reason != moments[i].reason || a.rule != moments[i].rule || a.observed != moments[i].observed ||
		    a.until != moments[i].until || a.log != moments[i].log)
			fail_msg("moment %zu: reason %d, rule %u, observed %u, until %lld", i, (int)a.reason, a.rule,
				 a.observed, (long long)(a.until - NINE));
	}
	rn_policy_model_free(m);
}

/* A zone that is not there shuts what allows, and lets what denies deny. */
static void test_no_zone(void **state)
{
	static const char text_of[] =
	    "{\"rules\": [{\"id\": \"r\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": "
	    "[\"everyone\"], "
	    "\"action\": \"%s\", \"conditions\": {\"times\": [{\"from\": \"00:00\", \"to\": \"24:00\", \"zone\": "
	    "\"Europe/Atlantis\"}]}}]}";
	const char *const actions[] = {"allow", "deny"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rn_question q = ask(&alice, NINE);
		struct rn_policy_model *m;
		struct rn_answer a;
		struct rn_err err = {""};
		char policy[512];

		snprintf(policy, sizeof(policy), text_of, actions[i]);
		m = rn_policy_parse(policy, strlen(policy), NULL);
		assert_non_null(m);
		rn_policy_evaluate(m, &q, &a);
		assert_int_equal(a.reason, i ? RN_DENY_RULE : RN_OUTSIDE_TIME);
		assert_int_equal(rn_policy_check_zones(m, NULL, &err), -EINVAL);
		assert_string_equal(err.text,
				    "line 1, column 12: there is no time zone \"Europe/Atlantis\"; write one that the "
				    "gateway's tzdata has, as \"Europe/Vienna\", or \"UTC\"");
		rn_policy_model_free(m);
	}
}

static void test_states(void **state)
{
	struct rn_policy_model *m = rn_policy_parse(timed, strlen(timed), NULL);
	struct rn_question q = ask(&alice_low, NINE + 9 * 3600);
	struct rn_rule_state s;

	(void)state;
	assert_non_null(m);
	rn_policy_rule_state(m, 4, &q, &s);
	assert_int_equal(s.rule, 4);
	assert_int_equal(s.conditions[RN_CONDITION_SOURCE], RN_MET);
	assert_int_equal(s.conditions[RN_CONDITION_SERVICES], RN_MET);
	assert_int_equal(s.conditions[RN_CONDITION_TIMES], RN_FAILED);
	assert_int_equal(s.conditions[RN_CONDITION_FROM], RN_NOT_ASKED);
	assert_int_equal(s.conditions[RN_CONDITION_UNTIL], RN_FAILED);
	assert_int_equal(s.conditions[RN_CONDITION_MINIMUM_TRUST], RN_FAILED);
	assert_int_equal(s.conditions[RN_CONDITION_SOURCE_MANAGED], RN_NOT_ASKED);
	rn_policy_rule_state(m, 0, &q, &s);
	assert_int_equal(s.rule, 0);
	rn_policy_rule_state(m, 6, &q, &s);
	assert_int_equal(s.rule, 0);
	/* Where a deny rule decides, the nearest is the one that would have allowed. */
	q = ask(&alice, NINE + 3 * 3600);
	assert_int_equal(rn_policy_nearest(m, &q), 4);
	for (unsigned i = 0; i < RN_CONDITIONS; i++)
		assert_non_null(rn_condition_name((enum rn_condition)i));
	assert_null(rn_condition_name(RN_CONDITIONS));
	rn_policy_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),   cmocka_unit_test(test_empty),  cmocka_unit_test(test_moments),
	    cmocka_unit_test(test_no_zone), cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
