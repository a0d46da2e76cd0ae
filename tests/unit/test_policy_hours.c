/* SPDX-License-Identifier: Apache-2.0 */
/* Many questions about rules with windows: the same answers, and each list of windows reckoned once until it changes. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "domain/policy_hours.h"

#define MONDAY 1767571200 /* 2026-01-05T00:00:00Z */
#define RULES 500u
#define LISTS 5u

/* Rules that deny at hours of the day, of LISTS kinds: kind n from n:00 to n+2:30. */
static struct rn_policy_model *timed(void)
{
	size_t room = 64 + (size_t)RULES * 300, at;
	char *text = malloc(room);
	struct rn_policy_model *model;
	struct rn_err err = {""};

	assert_non_null(text);
	at = (size_t)snprintf(text, room, "{\"rules\": [");
	for (unsigned i = 0; i < RULES; i++)
		at += (size_t)snprintf(text + at, room - at,
				       "%s{\"id\": \"r%u\", \"action\": \"deny\", \"source_criteria\": [\"everyone\"],"
				       "\"destination_criteria\": [\"everyone\"], \"services\": [\"tcp:%u\"], \"conditions\":"
				       "{\"times\": [{\"from\": \"%02u:00\", \"to\": \"%02u:30\", \"zone\": \"UTC\"}]}}",
				       i ? ", " : "", i, i + 1, i % LISTS, i % LISTS + 2);
	snprintf(text + at, room - at, "]}");
	model = rn_policy_parse(text, strlen(text), &err);
	if (!model)
		fail_msg("%s", err.text);
	free(text);
	return model;
}

static struct rn_answer ask(const struct rn_policy_model *model, struct rn_policy_hours *hours, uint16_t port,
			    int64_t at)
{
	const struct rn_question q = {.source = {.device = "a", .owner = "", .hub = ""},
				      .destination = {.device = "b", .owner = "", .hub = ""},
				      .protocol = IPPROTO_TCP,
				      .port = port,
				      .at = at,
				      .hours = hours};
	struct rn_answer answer;

	rn_policy_evaluate(model, &q, &answer);
	return answer;
}

/* Two days in steps of seven minutes: each list opens and shuts once a day, so is reckoned some five times. */
static void each_list_is_reckoned_once_until_it_changes(void **state)
{
	struct rn_policy_model *model = timed();
	struct rn_policy_hours *hours = rn_policy_hours_new(model);
	unsigned denied = 0, questions = 0;

	(void)state;
	assert_non_null(hours);
	for (int64_t at = MONDAY; at < MONDAY + 2 * RN_DAY_SECONDS; at += 420, questions++) {
		uint16_t port = (uint16_t)(questions % RULES + 1);
		struct rn_answer plain = ask(model, NULL, port, at), known = ask(model, hours, port, at);

		assert_int_equal(known.reason, plain.reason);
		assert_int_equal(known.rule, plain.rule);
		assert_int_equal(known.until, plain.until);
		denied += plain.reason == RN_DENY_RULE;
	}
	assert_true(denied > 10 && denied < questions);
	assert_true(rn_policy_hours_reckoned(hours) >= LISTS);
	assert_true(rn_policy_hours_reckoned(hours) <= 5 * (uint64_t)LISTS);
	rn_policy_hours_free(hours);
	rn_policy_model_free(model);
}

/* At any moments in any order, the edges of windows among them. */
static void any_order_gives_the_same_answers(void **state)
{
	struct rn_policy_model *model = timed();
	struct rn_policy_hours *hours = rn_policy_hours_new(model);

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t chance[2];
		int64_t at;
		uint16_t port;

		rn_random(chance, sizeof(chance));
		at = MONDAY + (int64_t)(chance[0] % (2 * 24 * 2)) * 1800 - (int64_t)(chance[0] >> 16 & 1);
		port = (uint16_t)(chance[1] % RULES + 1);
		struct rn_answer plain = ask(model, NULL, port, at), known = ask(model, hours, port, at);

		assert_int_equal(known.reason, plain.reason);
		assert_int_equal(known.until, plain.until);
	}
	rn_policy_hours_free(hours);
	rn_policy_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_list_is_reckoned_once_until_it_changes),
	    cmocka_unit_test(any_order_gives_the_same_answers),
	};

	return rn_crypto_start() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
