/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/rule_names.h"

/* Rules that deny come first, so numbers fall once; and two compiled rules may share one. */
static void test_names(void **state)
{
	struct rn_policy_rule rules[] = {{.id = "b", .number = 2, .deny = true},
					 {.id = "far", .number = UINT32_MAX, .deny = true},
					 {.id = "a", .number = 1},
					 {.id = "cc", .number = 3},
					 {.id = "cc", .number = 3}};
	const struct rn_policy_record policy = {.rules = rules, .rule_count = 5}, none = {0};
	struct rn_rule_names *names = rn_rule_names_new(&policy), *empty = rn_rule_names_new(&none);

	(void)state;
	rules[2].id[0] = 'x'; /* it has its own */
	assert_string_equal(rn_rule_name(names, 1), "a");
	assert_string_equal(rn_rule_name(names, 2), "b");
	assert_string_equal(rn_rule_name(names, 3), "cc");
	assert_string_equal(rn_rule_name(names, UINT32_MAX), "far");
	assert_true(rn_rule_denies(names, 2) && !rn_rule_denies(names, 3) && !rn_rule_denies(names, 4));
	assert_string_equal(rn_rule_name(names, 0), "");
	assert_string_equal(rn_rule_name(names, 4), "");
	assert_string_equal(rn_rule_name(empty, 1), "");
	assert_string_equal(rn_rule_name(NULL, 1), "");
	rn_rule_names_free(names);
	rn_rule_names_free(empty);
	rn_rule_names_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
