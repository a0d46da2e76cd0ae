/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/diff.h"
#include "cli/out.h"
#include "cli/policy_text.h"
#include "cli/remote.h"

/* One side: what people call it, and {"text": ...}. */
struct side {
	char name[320];
	struct rn_json *holder;
};

static int load_remote(struct rn_cli *cli, struct side *side, const char *const *parts)
{
	char path[512];

	if (rn_remote_path(path, sizeof(path), parts) < 0)
		return rn_cli_fail(RN_EXIT_USAGE, "%s is no version and no draft", side->name);
	return rn_remote_call(cli, "GET", path, NULL, &side->holder);
}

/* A version's number, draft:NAME, or a file; NULL: the policy in force. */
static int load(struct rn_cli *cli, const char *word, struct side *side)
{
	snprintf(side->name, sizeof(side->name), "%.300s", word ? word : "in force");
	if (!word)
		return load_remote(cli, side, RN_PARTS("policy"));
	if (strncmp(word, "draft:", 6) == 0)
		return load_remote(cli, side, RN_PARTS("policy", "drafts", word + 6));
	if (rn_policy_is_version(word)) {
		snprintf(side->name, sizeof(side->name), "version %.300s", word);
		return load_remote(cli, side, RN_PARTS("policy", "history", word));
	}
	side->holder = rn_policy_body(word);
	return side->holder ? RN_EXIT_OK : RN_EXIT_FAILED;
}

/* One argument: a version is compared with what is in force, which a file or a draft is compared with. */
static bool is_draft(const struct rn_cli *cli)
{
	return cli->argument_count == 1 && !rn_policy_is_version(cli->arguments[0]);
}

static int load_both(struct rn_cli *cli, struct side *before, struct side *after)
{
	const char *first = cli->arguments[0], *second = cli->argument_count > 1 ? cli->arguments[1] : NULL;
	bool late = is_draft(cli);
	int code = load(cli, late ? NULL : first, before);

	return code ? code : load(cli, late ? first : second, after);
}

static void print_line(void *context, char kind, const char *line, size_t size)
{
	enum rn_paint paint = kind == '+'   ? RN_PAINT_GOOD
			      : kind == '-' ? RN_PAINT_BAD
			      : kind == '@' ? RN_PAINT_DIM
					    : RN_PAINT_NONE;
	size_t room = size + 2;
	char *text = malloc(room);

	(void)context;
	if (!text)
		return;
	snprintf(text, room, "%s%.*s", kind == '@' ? "" : (char[]){kind, 0}, (int)size, line);
	for (char *tab = text; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	rn_out_painted(stdout, paint, text);
	putchar('\n');
	free(text);
}

static void keep_line(void *context, char kind, const char *line, size_t size)
{
	FILE *file = context;

	fprintf(file, "%s%.*s\n", kind == '@' ? "" : (char[]){kind, 0}, (int)size, line);
}

/* In words, where it is asked what the policy in force would become. */
static int say_words(struct rn_cli *cli, const struct side *after)
{
	struct rn_json *answer;
	int code = rn_policy_ask_changes(cli, after->holder, &answer);

	if (code)
		return code;
	if (rn_policy_print_review(after->name, answer))
		putchar('\n');
	rn_json_free(answer);
	return RN_EXIT_OK;
}

static int print_json(const struct side *before, const struct side *after)
{
	const char *from = rn_remote_text(before->holder, "text"), *to = rn_remote_text(after->holder, "text");
	struct rn_json *root;
	struct rn_err err = {""};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool same = true;
	int code = file ? rn_diff(from, to, keep_line, file, &same, &err) : -1;

	if (file)
		fclose(file);
	if (code || !text) {
		free(text);
		return rn_cli_fail(RN_EXIT_FAILED, "out of memory");
	}
	root = rn_json_object();
	rn_json_add_text(root, "from", before->name);
	rn_json_add_text(root, "to", after->name);
	rn_json_add_bool(root, "same", same);
	rn_json_add_text(root, "diff", text);
	free(text);
	return rn_cli_json(root);
}

static int print(const struct side *before, const struct side *after)
{
	const char *from = rn_remote_text(before->holder, "text"), *to = rn_remote_text(after->holder, "text");
	struct rn_err err = {""};
	bool same = strcmp(from, to) == 0;

	if (same) {
		puts("the same");
		return RN_EXIT_OK;
	}
	printf("--- ");
	rn_out_text(stdout, before->name);
	printf("\n+++ ");
	rn_out_text(stdout, after->name);
	putchar('\n');
	return rn_diff(from, to, print_line, NULL, &same, &err) < 0 ? rn_cli_fail(RN_EXIT_FAILED, "%s", err.text)
								    : RN_EXIT_OK;
}

int rn_cmd_policy_diff(struct rn_cli *cli)
{
	struct side before = {.holder = NULL}, after = {.holder = NULL};
	int code = load_both(cli, &before, &after);

	if (!code && !cli->json && is_draft(cli))
		code = say_words(cli, &after);
	if (!code)
		code = cli->json ? print_json(&before, &after) : print(&before, &after);
	rn_json_free(before.holder);
	rn_json_free(after.holder);
	return code;
}
