/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions of rules ask for, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy_words.h"

/* Of a rule with these conditions, which are written as in a policy. */
static void expect(const char *conditions, enum rn_condition condition, const char *wanted)
{
	char *text = malloc(16384), words[RN_CONDITION_WORDS];
	struct rn_err err = {""};
	assert_non_null(text);
	snprintf(text, 16384,
		 "{\"rules\": [{\"id\": \"a\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"
		 " \"destination_criteria\": [\"everyone\"], \"conditions\": {%s}}]}",
		 conditions);
	struct rn_policy_model *model = rn_policy_parse(text, strlen(text), &err);
	if (!model)
		fail_msg("%s", err.text);
	assert_string_equal(rn_condition_words(&model->rules[0], condition, words), wanted);
	rn_policy_model_free(model);
	free(text);
}

#define WINDOW(more) "{" more "\"from\": \"08:00\", \"to\": \"24:00\", \"zone\": \"UTC\"}"

static void windows(void **state)
{
	(void)state;
	expect("\"times\": [" WINDOW("") "]", RN_CONDITION_TIMES, "08:00-24:00 UTC");
	expect("\"times\": [{\"days\": [\"fri\", \"mon\", \"tue\", \"wed\", \"thu\"], \"from\": \"08:00\", \"to\": "
	       "\"18:00:30\", \"zone\": \"Europe/Vienna\"}, " WINDOW("\"days\": [\"sun\", \"sat\"], ") "]",
	       RN_CONDITION_TIMES, "mon-fri 08:00-18:00:30 Europe/Vienna, sat,sun 08:00-24:00 UTC");
	expect("\"times\": [" WINDOW("\"days\": [\"mon\", \"wed\", \"fri\", \"sat\", \"sun\"], ") "]",
	       RN_CONDITION_TIMES, "mon,wed,fri-sun 08:00-24:00 UTC");
	expect("", RN_CONDITION_TIMES, "");
}

static void moments_and_trust(void **state)
{
	static const char all[] = "\"from\": \"2027-01-15T08:00:00Z\", \"until\": \"2027-01-16T08:00:00Z\","
				  " \"minimum_trust\": 80, \"minimum_destination_trust\": 50";
	(void)state;
	expect(all, RN_CONDITION_FROM, "2027-01-15T08:00:00Z");
	expect(all, RN_CONDITION_UNTIL, "2027-01-16T08:00:00Z");
	expect(all, RN_CONDITION_MINIMUM_TRUST, "80");
	expect(all, RN_CONDITION_MINIMUM_DESTINATION_TRUST, "50");
	expect(all, RN_CONDITION_SOURCE, "");
	expect("", RN_CONDITION_FROM, "");
	expect("", RN_CONDITION_UNTIL, "");
}

static void what_is_too_long_ends_with_dots(void **state)
{
	char conditions[8192] = "\"times\": [" WINDOW(""), words[1024] = "08:00-24:00 UTC";
	(void)state;
	for (unsigned i = 1; i < 40; i++) {
		strcat(words, ", 08:00-24:00 UTC");
		strcat(conditions, ", " WINDOW(""));
	}
	memcpy(words + RN_CONDITION_WORDS - 4, "...", 4);
	strcat(conditions, "]");
	expect(conditions, RN_CONDITION_TIMES, words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows),
	    cmocka_unit_test(moments_and_trust),
	    cmocka_unit_test(what_is_too_long_ends_with_dots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
