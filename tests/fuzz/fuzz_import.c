/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies of other systems. First byte: even, a Tailscale policy file; odd, YAML of Kubernetes. What comes out is a
 * good policy whose tests pass, or a sentence; what is lost is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/import.h"
#include "domain/policy_tools.h"
#include "fuzz.h"
#include "sys/yaml.h"

#define DOCUMENTS 8

static void look(const struct rn_import *out)
{
	struct rn_err err = {""};
	struct rn_policy_model *model;
	size_t lost = 0;

	model = rn_policy_parse(out->text, strlen(out->text), &err);
	if (!model)
		fprintf(stderr, "%s\n%s\n", out->text, err.text);
	CHECK(model);
	CHECK(rn_policy_check_tests(model, NULL, NULL, 1800000000, &err) == 0);
	rn_policy_model_free(model);
	for (size_t i = 0; i < out->note_count; i++) {
		CHECK(out->notes[i].file && out->notes[i].line && out->notes[i].column && out->notes[i].text[0]);
		lost += out->notes[i].lost;
	}
	CHECK(out->unsaid || lost == out->lost);
}

static int tailscale(const char *text, size_t size, const char *domain, struct rn_import *out, struct rn_err *err)
{
	struct rn_json *root = rn_json_parse(text, size, RN_JSON_COMMENTS, err);
	struct rn_import_document document = {"file", root};
	int code = root ? rn_import_tailscale(&document, domain, out, err) : -1;

	rn_json_free(root);
	return code;
}

static int networkpolicy(const char *text, size_t size, struct rn_import *out, struct rn_err *err)
{
	struct rn_json *root = rn_yaml_parse(text, size, err);
	struct rn_import_document documents[DOCUMENTS];
	size_t count = 0;
	int code;

	for (const struct rn_json *n = root ? rn_json_first(root) : NULL; n && count < DOCUMENTS; n = rn_json_next(n))
		documents[count++] = (struct rn_import_document){"file", n};
	code = root ? rn_import_networkpolicy(documents, count, NULL, out, err) : -1;
	rn_json_free(root);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_import out = {.text = NULL};
	struct rn_err err = {""};
	uint8_t *text;
	int code;

	if (size < 1)
		return 0;
	text = fuzz_copy(data + 1, size - 1);
	if (data[0] % 2)
		code = networkpolicy((const char *)text, size - 1, &out, &err);
	else
		code = tailscale((const char *)text, size - 1, data[0] & 2 ? "x.example" : NULL, &out, &err);
	if (code == 0)
		look(&out);
	else
		CHECK(err.text[0] && !out.text);
	rn_import_done(&out);
	free(text);
	return 0;
}
