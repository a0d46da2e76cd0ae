/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_POLICY_TEXT_H
#define RN_CLI_POLICY_TEXT_H

#include "cli/cli.h"

/* Texts of policies, and what the commands about them have in common. Each returns an exit code, as in commands.h. */

/* The text with its lines; what is between them never reaches the terminal unescaped. */
void rn_policy_print(const char *text);
/* A file ("-": standard input) as {"text": ...}; NULL: the sentence has been said. */
struct rn_json *rn_policy_body(const char *path);
/* A version, as people write it: a number from 1; else RN_EXIT_USAGE. */
bool rn_policy_is_version(const char *word);
int rn_policy_version(const char *word, int64_t *ret);
/* --comment and --based-on into the body of a request. */
int rn_policy_words(struct rn_cli *cli, struct rn_json *body);
/*
 * A check's answer as people read it: tests that fail, findings, and what would change, each a line with `name` and its
 * place before it. False: there was nothing to say.
 */
bool rn_policy_print_review(const char *name, const struct rn_json *answer);
/* Why a check's answer is not good, for a person who has seen its review: says the sentence; RN_EXIT_FAILED. */
int rn_policy_refused(const char *name, const struct rn_json *answer);
/* What the text in body would change, asked of core. body is the caller's. */
int rn_policy_ask_changes(struct rn_cli *cli, const struct rn_json *body, struct rn_json **ret);
/*
 * Before it is put into force: prints what body's text says in vain, and what it changes; refuses one that is not good.
 * base: the version that it was made from, 0: any. Where another one came after that nothing is printed: putting it
 * into force is refused.
 */
int rn_policy_say_changes(struct rn_cli *cli, const char *name, const struct rn_json *body, int64_t base);
/* "version 17 of the policy is in force", and where. */
int rn_policy_set_done(struct rn_cli *cli, struct rn_json *answer_taken);

#endif
