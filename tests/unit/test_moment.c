/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/moment.h"

static void test_good(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} table[] = {
	    {"1970-01-01", 0},
	    {"2026-11-27T19:33:16Z", 1795807996},
	    {"2028-02-29", 1835395200},
	    {"2027-03-31T18:00:00Z", 1806516000},
	    {"9999-12-31T23:59:59Z", 253402300799},
	};
	char text[RN_MOMENT_TEXT];
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(rn_moment_parse(table[i].text, &seconds), 0);
		assert_true(seconds == table[i].seconds);
		rn_moment_format(seconds, text);
		assert_int_equal(rn_moment_parse(text, &seconds), 0);
		assert_true(seconds == table[i].seconds);
	}
	rn_moment_format(1795807996, text);
	assert_string_equal(text, "2026-11-27T19:33:16Z");
	rn_moment_format(-1, text);
	assert_string_equal(text, "");
	rn_moment_format(253402300800, text);
	assert_string_equal(text, "");
}

static void test_bad(void **state)
{
	static const char *const table[] = {
	    "",
	    "tomorrow",
	    "2027-3-31",
	    "2027-02-29",
	    "2027-13-01",
	    "2027-00-01",
	    "2027-01-00",
	    "2027-01-32",
	    "1969-12-31",
	    "2027-01-01T24:00:00Z",
	    "2027-01-01T23:60:00Z",
	    "2027-01-01T23:59:60Z",
	    "2027-01-01T00:00:00",
	    "2027-01-01T00:00:00+01:00",
	    "2027-01-01T00:00:00Zx",
	    "2027-01-01 00:00:00Z",
	    "2027-01-01T",
	    "-027-01-01",
	};
	int64_t seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (rn_moment_parse(table[i], &seconds) != -EINVAL)
			fail_msg("%s was taken", table[i]);
	}
	assert_true(seconds == 7);
}

static void test_after_ends_where_the_type_does(void **state)
{
	(void)state;
	assert_true(rn_moment_after(100, 20) == 120);
	assert_true(rn_moment_after(100, -120) == -20);
	assert_true(rn_moment_after(INT64_MAX - 5, 5) == INT64_MAX);
	assert_true(rn_moment_after(INT64_MAX - 5, 6) == INT64_MAX);
	assert_true(rn_moment_after(INT64_MIN + 5, -6) == INT64_MIN);
	assert_true(rn_moment_after(INT64_MIN, INT64_MAX) == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_after_ends_where_the_type_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
