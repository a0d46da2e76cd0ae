/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What one call writes to standard error. */
static void logged(enum rn_log_level level, const char *text, char *out, size_t out_size)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	rn_log(level, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(fds[1]);
	n = read(fds[0], out, out_size - 1);
	assert_true(n >= 0);
	out[n] = 0;
	close(fds[0]);
	close(saved);
}

static void escapes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain text, 100 %s", "<6>net: plain text, 100 %s\n" },
		{ "two\nlines\r", "<6>net: two\\x0alines\\x0d\n" },
		{ "\x1b[31mred\x7f", "<6>net: \\x1b[31mred\\x7f\n" },
		{ "c1 \xc2\x9b", "<6>net: c1 \\xc2\\x9b\n" },
		{ "turned \xe2\x80\xae", "<6>net: turned \\xe2\\x80\\xae\n" },
		{ "a\\x0a", "<6>net: a\\x5cx0a\n" },
	};
	char line[4096];
	size_t i;

	(void)state;
	setenv("JOURNAL_STREAM", "1:2", 1);
	rn_log_setup("net", RN_LOG_INFO);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		logged(RN_LOG_INFO, cases[i].in, line, sizeof(line));
		assert_string_equal(line, cases[i].out);
	}
	logged(RN_LOG_DEBUG, "quiet", line, sizeof(line));
	assert_string_equal(line, "");
}

static void long_and_stamped(void **state)
{
	static char text[5000], line[8192];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	unsetenv("JOURNAL_STREAM");
	rn_log_setup("core", RN_LOG_ERROR);
	logged(RN_LOG_ERROR, text, line, sizeof(line));
	assert_int_equal(line[4], '-');
	assert_int_equal(line[23], 'Z');
	assert_memory_equal(line + 24, " core: \\x0a", 11);
	assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
}

static void limits(void **state)
{
	struct rn_log_limit limit = { .burst = 2 };

	(void)state;
	assert_true(rn_log_allowed(&limit, 0, 1000));
	assert_true(rn_log_allowed(&limit, 1, 1000));
	assert_false(rn_log_allowed(&limit, 1000, 1000));
	assert_true(rn_log_allowed(&limit, 1001, 1000));
	assert_false(rn_log_allowed(&limit, 2000, 1000));
}

static void errors(void **state)
{
	struct rn_err err = { "" };
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(rn_fail(NULL, -5, "%s", text), -5);
	assert_int_equal(rn_fail(&err, -5, "%s", text), -5);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(long_and_stamped),
		cmocka_unit_test(limits),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
