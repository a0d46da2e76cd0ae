// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
