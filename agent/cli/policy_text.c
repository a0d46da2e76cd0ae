/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/out.h"
#include "cli/remote.h"

#define POLICY_MAX (32u << 20) /* bytes of a file; how many of them core takes it says itself */

void rn_policy_print(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n\t");
		char *line = strndup(text, length);

		rn_out_text(stdout, line ? line : "");
		free(line);
		text += length;
		if (*text)
			putchar(*text++);
	}
}

struct rn_json *rn_policy_body(const char *path)
{
	struct rn_json *body;
	struct rn_err err = {""};
	char *text;

	if (rn_input_read(path, POLICY_MAX, &text, &err) < 0) {
		rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
		return NULL;
	}
	body = rn_json_object();
	rn_json_add_text(body, "text", text);
	free(text);
	return body;
}

bool rn_policy_is_version(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

int rn_policy_version(const char *word, int64_t *ret)
{
	errno = 0;
	*ret = rn_policy_is_version(word) ? strtoll(word, NULL, 10) : 0;
	if (*ret > 0 && !errno)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_USAGE, "%s is no version: rnaut policy history lists them", word);
}

int rn_policy_words(struct rn_cli *cli, struct rn_json *body)
{
	const char *comment = rn_cli_option(cli, "comment"), *base = rn_cli_option(cli, "based-on");
	int64_t version;
	int code;

	if (comment)
		rn_json_add_text(body, "comment", comment);
	if (!base)
		return RN_EXIT_OK;
	code = rn_policy_version(base, &version);
	if (!code)
		rn_json_add_int(body, "based_on", version);
	return code;
}

static void print_place(const char *name, const struct rn_json *at, const char *what)
{
	rn_out_text(stdout, name);
	printf(":%s:%s: %s: ", rn_remote_text(at, "line"), rn_remote_text(at, "column"), what);
	rn_out_text(stdout, rn_remote_text(at, "sentence"));
	putchar('\n');
}

static const struct rn_json *first_of(const struct rn_json *answer, const char *key)
{
	const struct rn_json *list = rn_json_get(answer, key);

	return list ? rn_json_first(list) : NULL;
}

bool rn_policy_print_review(const char *name, const struct rn_json *answer)
{
	bool said = false;

	for (const struct rn_json *t = first_of(answer, "tests"); t; t = rn_json_next(t)) {
		if (rn_remote_true(t, "passed"))
			continue;
		print_place(name, t, "failed");
		said = true;
	}
	for (const struct rn_json *f = first_of(answer, "findings"); f; f = rn_json_next(f)) {
		print_place(name, f, rn_remote_text(f, "kind"));
		said = true;
	}
	for (const struct rn_json *c = first_of(answer, "changes"); c; c = rn_json_next(c)) {
		rn_out_text(stdout, rn_remote_text(c, "sentence"));
		putchar('\n');
		said = true;
	}
	if (!rn_remote_true(answer, "complete"))
		puts("there may be more: it is too large to look at all of it");
	return said;
}

int rn_policy_refused(const char *name, const struct rn_json *answer)
{
	unsigned count = 0, failed = 0;

	for (const struct rn_json *t = first_of(answer, "tests"); t; t = rn_json_next(t)) {
		count++;
		failed += !rn_remote_true(t, "passed");
	}
	if (failed)
		return rn_cli_fail(RN_EXIT_FAILED, "%s is not accepted: %u of %u tests failed", name, failed, count);
	return rn_cli_fail(RN_EXIT_FAILED, "%s: %s", name, rn_remote_text(answer, "message"));
}

int rn_policy_ask_changes(struct rn_cli *cli, const struct rn_json *body, struct rn_json **ret)
{
	struct rn_json *ask = rn_json_object();

	rn_json_add_text(ask, "text", rn_remote_text(body, "text"));
	rn_json_add_bool(ask, "changes", true);
	return rn_remote_call(cli, "POST", "/api/v1/policy/check", ask, ret);
}

/* Has another policy come after this version? Where that cannot be asked, core says what is the matter. */
static bool is_stale(const struct rn_cli *cli, int64_t base)
{
	struct rn_json *answer = rn_remote_try(cli, "/api/v1/policy/history?limit=1");
	bool stale =
	    answer && first_of(answer, "versions") && rn_remote_int(first_of(answer, "versions"), "version") != base;

	rn_json_free(answer);
	return stale;
}

int rn_policy_say_changes(struct rn_cli *cli, const char *name, const struct rn_json *body, int64_t base)
{
	struct rn_json *answer;
	int code;

	if (base && is_stale(cli, base)) /* core refuses it, and says whose the other one is */
		return RN_EXIT_OK;
	code = rn_policy_ask_changes(cli, body, &answer);
	if (code)
		return code;
	rn_policy_print_review(name, answer);
	if (!rn_remote_true(answer, "valid"))
		code = rn_policy_refused(name, answer);
	rn_json_free(answer);
	return code;
}

int rn_policy_set_done(struct rn_cli *cli, struct rn_json *answer)
{
	return rn_remote_changed(cli, answer, "version %s of the policy is in force",
				 rn_remote_text(answer, "version"));
}
