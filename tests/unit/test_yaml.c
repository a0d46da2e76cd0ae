// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/yaml.h"

static struct rn_json *parse(const char *text, struct rn_err *err)
{
	return rn_yaml_parse(text, strlen(text), err);
}

static void is(const char *yaml, const char *json)
{
	struct rn_err err = {""};
	struct rn_json *root = parse(yaml, &err);
	char *text;

	if (!root)
		fail_msg("%s: %s", yaml, err.text);
	text = rn_json_print(root, false);
	assert_string_equal(text, json);
	free(text);
	rn_json_free(root);
}

static void refused(const char *yaml, const char *sentence)
{
	struct rn_err err = {""};
	struct rn_json *root = parse(yaml, &err);

	if (root || !strstr(err.text, sentence))
		fail_msg("%s: \"%s\", not \"%s\"", yaml, err.text, sentence);
}

static void test_values(void **state)
{
	(void)state;
	is("", "[]");
	is("a: 1\nb: [x, 'y', \"z\"]\nc: {d: null, e: ~, f: }\n",
	   "[{\"a\":1,\"b\":[\"x\",\"y\",\"z\"],\"c\":{\"d\":null,\"e\":null,\"f\":null}}]");
	is("- true\n- False\n- 'true'\n- yes\n", "[[true,false,\"true\",\"yes\"]]");
	is("[0, -1, 1.5, 1e3, 010, 0x10, 1_0, .5, '7', 5., +1]",
	   "[[0,-1,1.5,1e3,\"010\",\"0x10\",\"1_0\",\".5\",\"7\",\"5.\",\"+1\"]]");
	is("a: 1\n---\nb: 2\n---\n", "[{\"a\":1},{\"b\":2},null]");
	is("{\"json\": [1, {\"is\": \"yaml\"}]}", "[{\"json\":[1,{\"is\":\"yaml\"}]}]");
	is("80: x\n", "[{\"80\":\"x\"}]");
	is("a: |\n  two\n  lines\n", "[{\"a\":\"two\\nlines\\n\"}]");
	is("\xef\xbb\xbf"
	   "a: \xc3\xa4\n",
	   "[{\"a\":\"\xc3\xa4\"}]");
}

static void test_places(void **state)
{
	struct rn_err err = {""};
	struct rn_json *root = parse("# comment\nspec:\n  ports:\n  - port: 80\n", &err);
	const struct rn_json *spec, *port;
	unsigned line, column;

	(void)state;
	assert_non_null(root);
	spec = rn_json_get(rn_json_first(root), "spec");
	rn_json_where(spec, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 1);
	port = rn_json_first(rn_json_get(spec, "ports"));
	rn_json_where(port, &line, &column);
	assert_int_equal(line, 4);
	assert_int_equal(column, 5);
	rn_json_where(rn_json_get(port, "port"), &line, &column);
	assert_int_equal(line, 4);
	assert_int_equal(column, 5);
	rn_json_free(root);
}

static void test_refused(void **state)
{
	(void)state;
	refused("a: &x 1\n", "line 1, column 4: anchors");
	refused("a: &x [1]\n", "anchors");
	refused("a: *x\n", "line 1, column 4: aliases");
	refused("a: !!str 1\n", "tags");
	refused("!t {a: 1}\n", "tags");
	refused("<<: {a: 1}\n", "merge keys");
	refused("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key \"a\" stands twice");
	refused("? [a]\n: 1\n", "a key must be one word");
	refused("a: \"\\0\"\n", "NUL");
	refused("a: [1\n", "line 2, column 1: ");
	refused("a:\n\t- b\n", "line 2, column 1: ");
	refused("a: \xff\n", "line 1, column ");
	refused("\xfe\xff\0a", "line 1, column ");
}

static void test_bounds(void **state)
{
	struct rn_err err = {""};
	size_t size = RN_YAML_SIZE_MAX + 1;
	char *text = malloc(size + 1);
	struct rn_json *root;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	assert_null(rn_yaml_parse(text, size, &err));
	assert_non_null(strstr(err.text, "larger than"));
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_null(rn_yaml_parse(text, 130, &err));
	assert_non_null(strstr(err.text, "nested too deeply"));
	memset(text, '[', 10000);
	assert_null(rn_yaml_parse(text, 10000, &err));
	assert_non_null(strstr(err.text, "nested too deeply"));
	memset(text, '[', 63);
	memset(text + 63, ']', 63);
	root = rn_yaml_parse(text, 126, &err);
	assert_non_null(root);
	rn_json_free(root);
	for (size_t i = 0; i < RN_YAML_SIZE_MAX; i++)
		text[i] = i ? i % 2 ? '0' : ',' : '[';
	assert_null(rn_yaml_parse(text, RN_YAML_SIZE_MAX, &err));
	assert_non_null(strstr(err.text, "too many values"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
