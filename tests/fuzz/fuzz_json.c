/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as the API, the configuration and the policy are written. First byte: whether comments are allowed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"

/* Every node: where it is, and what can be asked of it. */
static void walk(const struct rn_json *node)
{
	static const char *const names[] = {"text", "name", "trust", NULL};
	struct rn_err err = {""};
	unsigned line, column;
	const char *text;
	int64_t number;
	bool truth;

	rn_json_where(node, &line, &column);
	CHECK(line >= 1 && column >= 1);
	if (rn_json_type(node) == RN_JSON_STRING)
		CHECK(rn_json_text(node));
	if (rn_json_type(node) != RN_JSON_OBJECT && rn_json_type(node) != RN_JSON_ARRAY)
		return;
	if (rn_json_type(node) == RN_JSON_OBJECT) {
		rn_json_get_text(node, "text", &text, &err);
		rn_json_get_int(node, "trust", 0, 100, &number, &err);
		rn_json_get_int(node, "big", INT64_MIN, INT64_MAX, &number, &err);
		rn_json_get_bool(node, "on", &truth, &err);
		rn_json_only(node, names, &err);
	}
	for (const struct rn_json *item = rn_json_first(node); item; item = rn_json_next(item)) {
		CHECK((rn_json_key(item) != NULL) == (rn_json_type(node) == RN_JSON_OBJECT));
		walk(item);
	}
}

/* What was read can be written and read again, and then says the same. */
static void again(const struct rn_json *root)
{
	char *first = rn_json_print(root, false), *indented = rn_json_print(root, true), *second;
	struct rn_err err = {""};
	struct rn_json *copy;

	CHECK(first && indented);
	copy = rn_json_parse(indented, strlen(indented), 0, &err);
	if (copy) {
		second = rn_json_print(copy, false);
		CHECK(second && strcmp(first, second) == 0);
		free(second);
	} else {
		CHECK(strlen(indented) > RN_JSON_SIZE_MAX);
	}
	rn_json_free(copy);
	free(first);
	free(indented);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_err err = {""};
	struct rn_json *root;
	uint8_t *text;

	if (size < 1)
		return 0;
	text = fuzz_copy(data + 1, size - 1);
	root = rn_json_parse((const char *)text, size - 1, data[0] & 1 ? RN_JSON_COMMENTS : 0, &err);
	if (root) {
		walk(root);
		again(root);
	} else {
		CHECK(err.text[0]);
	}
	rn_json_free(root);
	free(text);
	return 0;
}
