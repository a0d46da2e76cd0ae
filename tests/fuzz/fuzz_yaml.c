/* SPDX-License-Identifier: Apache-2.0 */
/* YAML documents: what is taken is a tree with places that prints as JSON, and that JSON is YAML of the same meaning,
 * but for three letters.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sys/yaml.h"

static void walk(const struct rn_json *node, unsigned depth)
{
	unsigned line, column;

	rn_json_where(node, &line, &column);
	CHECK(line >= 1 && column >= 1);
	CHECK(depth <= RN_YAML_DEPTH_MAX + 1);
	if (rn_json_type(node) != RN_JSON_OBJECT && rn_json_type(node) != RN_JSON_ARRAY)
		return;
	for (const struct rn_json *item = rn_json_first(node); item; item = rn_json_next(item))
		walk(item, depth + 1);
}

/* Line breaks to YAML 1.1, which libyaml and Kubernetes' own reader read, and letters to JSON. */
static bool breaks(const char *json)
{
	return strstr(json, "\xc2\x85") || strstr(json, "\xe2\x80\xa8") || strstr(json, "\xe2\x80\xa9");
}

static void again(const struct rn_json *root)
{
	struct rn_err err = {""};

	for (const struct rn_json *document = rn_json_first(root); document; document = rn_json_next(document)) {
		char *first = rn_json_print(document, false), *second;
		struct rn_json *copy;

		CHECK(first);
		copy = rn_yaml_parse(first, strlen(first), &err);
		if (copy && rn_json_count(copy) == 1 && !breaks(first)) {
			second = rn_json_print(rn_json_first(copy), false);
			CHECK(second && strcmp(first, second) == 0);
			free(second);
		}
		rn_json_free(copy);
		free(first);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_err err = {""};
	uint8_t *text = fuzz_copy(data, size);
	struct rn_json *root = rn_yaml_parse((const char *)text, size, &err);

	CHECK(root || err.text[0]);
	if (root) {
		walk(root, 0);
		again(root);
	}
	rn_json_free(root);
	free(text);
	return 0;
}
