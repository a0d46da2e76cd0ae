/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/out.h"
#include "domain/import.h"
#include "domain/policy.h"
#include "sys/yaml.h"

static struct rn_json *as_json(const struct rn_import *import)
{
	struct rn_json *root = rn_json_object(), *notes = rn_json_array();

	rn_json_add_text(root, "text", import->text);
	rn_json_add_u64(root, "lost", import->lost);
	rn_json_add_u64(root, "unsaid", import->unsaid);
	for (size_t i = 0; i < import->note_count; i++) {
		const struct rn_import_note *n = &import->notes[i];
		struct rn_json *note = rn_json_object();

		rn_json_add_text(note, "file", n->file);
		rn_json_add_int(note, "line", n->line);
		rn_json_add_int(note, "column", n->column);
		rn_json_add_bool(note, "lost", n->lost);
		rn_json_add_text(note, "message", n->text);
		rn_json_append(notes, note);
	}
	rn_json_add(root, "notes", notes);
	return root;
}

static void print_report(const struct rn_import *import)
{
	for (size_t i = 0; i < import->note_count; i++) {
		const struct rn_import_note *n = &import->notes[i];

		rn_out_text(stderr, n->file);
		fprintf(stderr, ":%u:%u: %s: ", n->line, n->column, n->lost ? "lost" : "note");
		rn_out_text(stderr, n->text);
		fputc('\n', stderr);
	}
	if (import->unsaid)
		fprintf(stderr, "and %zu more\n", import->unsaid);
	if (import->lost)
		fprintf(stderr, "%zu things were left out or became narrower\n", import->lost);
}

/* The policy goes to --out or standard output, the report to standard error; with --json both are one object. */
static int finish(struct rn_cli *cli, struct rn_import *import)
{
	const char *path = rn_cli_option(cli, "out");
	int code = import->lost ? RN_EXIT_LOST : RN_EXIT_OK;
	struct rn_output output;
	struct rn_err err = {""};

	if (path && (rn_output_open(path, &output, &err) < 0 || rn_output_commit(&output, import->text, &err) < 0)) {
		rn_import_done(import);
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	}
	if (cli->json) {
		int printed = rn_cli_json(as_json(import));

		code = printed ? printed : code;
	} else {
		print_report(import);
		if (!path)
			fputs(import->text, stdout);
	}
	rn_import_done(import);
	return code;
}

int rn_cmd_policy_import_tailscale(struct rn_cli *cli)
{
	struct rn_import_document document = {cli->arguments[0], NULL};
	struct rn_import import = {.text = NULL};
	struct rn_err err = {""};
	struct rn_json *root = NULL;
	char *text = NULL;
	int code;

	if (rn_input_read(document.file, RN_POLICY_TEXT_MAX, &text, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	root = rn_json_parse(text, strlen(text), RN_JSON_COMMENTS | RN_JSON_LARGE, &err);
	document.root = root;
	code = root ? rn_import_tailscale(&document, rn_cli_option(cli, "domain"), &import, &err) : -1;
	rn_json_free(root);
	free(text);
	if (code < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s: %s", document.file, err.text);
	return finish(cli, &import);
}

/* The documents of every file, and their trees for the caller to free. 0, or -1 after a sentence. */
static int read_files(struct rn_cli *cli, struct rn_json **roots, struct rn_import_document **ret, size_t *ret_count)
{
	size_t count = 0, at = 0;

	for (unsigned i = 0; i < cli->argument_count; i++) {
		struct rn_err err = {""};
		char *text;

		if (rn_input_read(cli->arguments[i], RN_YAML_SIZE_MAX, &text, &err) < 0) {
			rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
			return -1;
		}
		roots[i] = rn_yaml_parse(text, strlen(text), &err);
		free(text);
		if (!roots[i]) {
			rn_cli_fail(RN_EXIT_FAILED, "%s: %s", cli->arguments[i], err.text);
			return -1;
		}
		count += rn_json_count(roots[i]);
	}
	*ret = calloc(count + 1, sizeof(**ret));
	if (!*ret) {
		rn_cli_fail(RN_EXIT_FAILED, "out of memory");
		return -1;
	}
	for (unsigned i = 0; i < cli->argument_count; i++)
		for (const struct rn_json *n = rn_json_first(roots[i]); n; n = rn_json_next(n))
			(*ret)[at++] = (struct rn_import_document){cli->arguments[i], n};
	*ret_count = count;
	return 0;
}

int rn_cmd_policy_import_networkpolicy(struct rn_cli *cli)
{
	struct rn_json *roots[RN_CLI_ARGUMENTS_MAX] = {NULL};
	struct rn_import_document *documents = NULL;
	struct rn_import import = {.text = NULL};
	struct rn_err err = {""};
	size_t count = 0;
	int code = read_files(cli, roots, &documents, &count);

	if (code == 0 &&
	    rn_import_networkpolicy(documents, count, rn_cli_option(cli, "namespace"), &import, &err) < 0) {
		rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
		code = -1;
	}
	for (unsigned i = 0; i < cli->argument_count; i++)
		rn_json_free(roots[i]);
	free(documents);
	return code < 0 ? RN_EXIT_FAILED : finish(cli, &import);
}
