// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct rn_json *parse(const char *text, unsigned flags, struct rn_err *err)
{
	/* A heap copy of exactly the size, so that a sanitizer sees a read past the end. */
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);
	struct rn_json *root;

	assert_non_null(copy);
	memcpy(copy, text, size);
	root = rn_json_parse(copy, size, flags, err);
	free(copy);
	return root;
}

static void test_good(void **state)
{
	static const char *const good[] = {
	    "{}",
	    "[]",
	    " [ 1 , 2 ] ",
	    "\"x\"",
	    "0",
	    "-0",
	    "-1.5e+10",
	    "true",
	    "false",
	    "null",
	    "{\"a\":{\"b\":[{},[],\"\\u00e9\\ud83d\\ude00\\n\"]}}",
	    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct rn_err err = {""};
		struct rn_json *root = parse(good[i], 0, &err);

		if (!root)
			fail_msg("%s: %s", good[i], err.text);
		rn_json_free(root);
	}
}

static const struct {
	const char *text;
	unsigned flags;
	const char *error;
} bad[] = {
    {"", 0, "line 1, column 1: the text ends where a value is expected"},
    {"{", 0, "line 1, column 2: the text ends inside an object"},
    {"[1", 0, "line 1, column 3: the text ends inside an array or object"},
    {"[1 2]", 0, "line 1, column 4: a comma or ] is expected here"},
    {"{\"a\" 1}", 0, "line 1, column 6: a colon is expected after the key"},
    {"{a:1}", 0, "line 1, column 2: a key in double quotes is expected here"},
    {"{\"a\":1,}", 0, "line 1, column 7: a comma after the last element"},
    {"{\"a\":1,,}", RN_JSON_COMMENTS, "line 1, column 8: a key in double quotes is expected here"},
    {"[,]", RN_JSON_COMMENTS, "line 1, column 2: a value is expected here"},
    {"[1] x", 0, "line 1, column 5: text after the end of the document"},
    {"// x\n1", 0, "line 1, column 1: comments are not allowed here"},
    {"/* x", RN_JSON_COMMENTS, "line 1, column 1: this comment is never closed with */"},
    {"/x", RN_JSON_COMMENTS, "line 1, column 1: a stray /; comments begin with // or /*"},
    {"[\n  1,\n  01\n]", 0, "line 3, column 3: this is not a number"},
    {"1.", 0, "line 1, column 1: this is not a number"},
    {"-", 0, "line 1, column 1: this is not a number"},
    {"1e", 0, "line 1, column 1: this is not a number"},
    {"+1", 0, "line 1, column 1: a value is expected here"},
    {"tru", 0, "line 1, column 1: a value is expected here"},
    {"\"abc", 0, "line 1, column 1: this string is never closed"},
    {"\"a\nb\"", 0, "line 1, column 3: a control character in a string (is a quote missing?)"},
    {"\"\\x\"", 0, "line 1, column 2: unknown escape in a string"},
    {"\"\\u12g4\"", 0, "line 1, column 2: \\u needs four hexadecimal digits"},
    {"\"\\u0000\"", 0, "line 1, column 2: \\u0000 is not allowed in a string"},
    {"\"\\ud800\"", 0, "line 1, column 2: half of a surrogate pair"},
    {"\"\\udc00\"", 0, "line 1, column 2: half of a surrogate pair"},
    {"\"\\ud800\\u0041\"", 0, "line 1, column 2: half of a surrogate pair"},
    {"\"\xc0\x80\"", 0, "line 1, column 2: this is not UTF-8"},
    {"\"\xed\xa0\x80\"", 0, "line 1, column 2: this is not UTF-8"},
    {"\"\xf4\x90\x80\x80\"", 0, "line 1, column 2: this is not UTF-8"},
    {"\"\xc3\"", 0, "line 1, column 2: this is not UTF-8"},
    {"\"\xc3", 0, "line 1, column 2: this is not UTF-8"},
    {"{\"a\":1,\n \"b\":2,\n \"a\":3}", 0, "line 3, column 2: the key \"a\" stands twice in one object"},
    {"[{\"a\":1, \"\\u0061\":3}]", 0, "line 1, column 10: the key \"a\" stands twice in one object"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]", 0, "line 1, column 33: arrays and objects are nested too deeply"},
    {"\"\xc3\xa9\", 1", 0, "line 1, column 4: text after the end of the document"},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rn_err err = {""};

		assert_null(parse(bad[i].text, bad[i].flags, &err));
		assert_string_equal(err.text, bad[i].error);
	}
	/* A NUL is a character like any other wrong one. */
	assert_null(rn_json_parse("1\0", 2, 0, NULL));
	assert_null(rn_json_parse("\"a\0b\"", 5, 0, NULL));
}

/* No prefix of a document is a document, and none is read past its end. */
static void test_truncations(void **state)
{
	const char *text = "{\"a\": [1, -2.5e3, \"\\ud83d\\ude00\xe2\x82\xac\"], /* x */ \"b\": {\"c\": null,},}";

	(void)state;
	for (size_t size = 0; size <= strlen(text); size++) {
		char *copy = malloc(size ? size : 1);
		struct rn_json *root;

		assert_non_null(copy);
		memcpy(copy, text, size);
		root = rn_json_parse(copy, size, RN_JSON_COMMENTS, NULL);
		assert_int_equal(root != NULL, size == strlen(text));
		rn_json_free(root);
		free(copy);
	}
}

static void expect_where(const struct rn_json *node, unsigned line, unsigned column)
{
	unsigned l, c;

	assert_non_null(node);
	rn_json_where(node, &l, &c);
	assert_int_equal(l, line);
	assert_int_equal(c, column);
}

static void test_positions(void **state)
{
	struct rn_json *root = parse("// first\n{\n\t\"a\": 1, /* two\nlines */ \"b\": [\n\"\xc3\xa9\", true,\n],\n}\n",
				     RN_JSON_COMMENTS, NULL);
	const struct rn_json *b;

	(void)state;
	expect_where(root, 2, 1);
	expect_where(rn_json_get(root, "a"), 3, 2);
	b = rn_json_get(root, "b");
	expect_where(b, 4, 10);
	assert_int_equal(rn_json_count(b), 2);
	expect_where(rn_json_first(b), 5, 1);
	expect_where(rn_json_next(rn_json_first(b)), 5, 6);
	rn_json_free(root);
}

static void test_comments_in_strings(void **state)
{
	struct rn_json *root = parse("[\"// no /* comment */ ,]\"]", RN_JSON_COMMENTS, NULL);

	(void)state;
	assert_string_equal(rn_json_text(rn_json_first(root)), "// no /* comment */ ,]");
	rn_json_free(root);
}

static void test_members(void **state)
{
	struct rn_json *root = parse("{\"t\":\"x\",\"n\":9223372036854775807,\"m\":-9223372036854775808,\"f\":1.5,\n"
				     "\"e\":1e3,\"big\":9223372036854775808,\"y\":true,\"z\":null}",
				     0, NULL);
	const char *text = "before";
	int64_t n = 7;
	bool yes = false;
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(rn_json_get_text(root, "t", &text, &err), 0);
	assert_string_equal(text, "x");
	assert_int_equal(rn_json_get_text(root, "none", &text, &err), -ENOENT);
	assert_string_equal(err.text, "");
	assert_int_equal(rn_json_get_text(root, "n", &text, &err), -EINVAL);
	assert_string_equal(err.text, "line 1, column 10: \"n\" must be text in double quotes");
	assert_int_equal(rn_json_get_int(root, "n", INT64_MIN, INT64_MAX, &n, &err), 0);
	assert_true(n == INT64_MAX);
	assert_int_equal(rn_json_get_int(root, "m", INT64_MIN, INT64_MAX, &n, &err), 0);
	assert_true(n == INT64_MIN);
	n = 7;
	assert_int_equal(rn_json_get_int(root, "f", 0, 9, &n, &err), -EINVAL);
	assert_string_equal(err.text, "line 1, column 59: \"f\" must be a whole number from 0 to 9");
	assert_int_equal(rn_json_get_int(root, "e", 0, 9, &n, &err), -EINVAL);
	assert_int_equal(rn_json_get_int(root, "big", INT64_MIN, INT64_MAX, &n, &err), -EINVAL);
	assert_int_equal(rn_json_get_int(root, "m", 0, 9, &n, &err), -EINVAL);
	assert_string_equal(err.text, "line 1, column 34: \"m\" is -9223372036854775808, but must be from 0 to 9");
	assert_int_equal(n, 7);
	assert_int_equal(rn_json_get_bool(root, "y", &yes, &err), 0);
	assert_true(yes);
	assert_int_equal(rn_json_get_bool(root, "z", &yes, &err), -EINVAL);
	assert_int_equal(rn_json_type(rn_json_get(root, "z")), RN_JSON_NULL);
	assert_null(rn_json_get(root, "T"));
	rn_json_free(root);
}

static void test_only(void **state)
{
	static const char *const names[] = {"source_criteria", "mtu", "id", NULL};
	struct rn_json *root = parse("{\"id\":1, \"sorce_criteria\":2}", 0, NULL);
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(rn_json_only(root, names, &err), -EINVAL);
	assert_string_equal(err.text,
			    "line 1, column 10: unknown key \"sorce_criteria\"; did you mean \"source_criteria\"?");
	rn_json_free(root);
	root = parse("{\"colour\":1}", 0, NULL);
	assert_int_equal(rn_json_only(root, names, &err), -EINVAL);
	assert_string_equal(err.text, "line 1, column 2: unknown key \"colour\"; known here: source_criteria, mtu, id");
	rn_json_free(root);
	root = parse("{\"id\":1,\"mtu\":2}", 0, NULL);
	assert_int_equal(rn_json_only(root, names, &err), 0);
	rn_json_free(root);
}

static void test_build(void **state)
{
	struct rn_json *root = rn_json_object(), *list = rn_json_array();
	char *text;

	(void)state;
	rn_json_add_u64(root, "u", UINT64_MAX);
	rn_json_add_int(root, "i", INT64_MIN);
	rn_json_add_text(root, "t", "a\"\n\xc3\xa9");
	rn_json_add_text(root, "none", NULL);
	rn_json_add_bool(root, "b", true);
	rn_json_append_text(list, "x");
	rn_json_append(list, rn_json_object());
	rn_json_add(root, "list", list);
	text = rn_json_print(root, false);
	assert_string_equal(text, "{\"u\":18446744073709551615,\"i\":-9223372036854775808,\"t\":\"a\\\"\\n\xc3\xa9\","
				  "\"none\":null,\"b\":true,\"list\":[\"x\",{}]}");
	free(text);
	rn_json_add(root, "lost", NULL); /* what a failed allocation leaves */
	assert_null(rn_json_print(root, false));
	assert_null(rn_json_print(NULL, false));
	rn_json_free(root);
	rn_json_free(NULL);
}

/* Numbers survive a round trip as they were written. */
static void test_exact(void **state)
{
	const char *text = "[18446744073709551615,0.1,1e3,-0,{\"a\":9007199254740993}]";
	struct rn_json *root = parse(text, 0, NULL);
	char *again = rn_json_print(root, false);

	(void)state;
	assert_string_equal(again, text);
	free(again);
	rn_json_free(root);
}

static void test_large(void **state)
{
	size_t size = RN_JSON_SIZE_MAX + 1;
	char *text = malloc(size);
	struct rn_err err = {""};

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	assert_null(rn_json_parse(text, size, 0, &err));
	assert_string_equal(err.text, "line 1, column 1: the text is larger than 4194304 bytes");
	text[0] = '[';
	for (size_t i = 1; i + 1 < size; i += 2)
		memcpy(text + i, "1,", 2);
	text[size - 2] = ']';
	assert_null(rn_json_parse(text, size - 1, 0, &err));
	assert_non_null(strstr(err.text, "too many values"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_truncations),
	    cmocka_unit_test(test_positions),
	    cmocka_unit_test(test_comments_in_strings),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_only),
	    cmocka_unit_test(test_build),
	    cmocka_unit_test(test_exact),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
