/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_CLI_H
#define RN_CLI_CLI_H

#include <stdbool.h>

#include "base/json.h"
#include "sys/conf.h"

/* The exit codes of every command; docs/cli.md tells people. */
enum rn_exit {
	RN_EXIT_OK = 0,
	RN_EXIT_FAILED = 1,	 /* what was asked could not be done; of status: this host is not enforcing */
	RN_EXIT_USAGE = 2,	 /* the command line is wrong */
	RN_EXIT_UNREACHABLE = 3, /* rnautd core does not answer */
	RN_EXIT_NOT_SET_UP = 4,	 /* this host has no state */
	RN_EXIT_DENIED = 5,	 /* explain: the packet would be dropped */
	RN_EXIT_LOST = 6,	 /* policy import: part of it did not translate */
};

#define RN_CLI_FORMAT 1 /* "format" of everything that --json prints; raised when a field's meaning changes */
#define RN_CLI_OPTIONS_MAX 48
#define RN_CLI_ARGUMENTS_MAX 8

struct rn_option {
	const char *name;  /* without its dashes; NULL ends a list */
	const char *value; /* what stands for its value in the help; NULL: a flag */
	const char *help;
	bool many; /* may be given again */
};

struct rn_cli;
struct rn_command {
	const char *words;     /* "gateway init" */
	const char *arguments; /* as the usage line shows them, "" for none */
	unsigned min, max;     /* how many arguments */
	const char *help;      /* one line */
	int (*run)(struct rn_cli *cli);
	const struct rn_option *options;
};
/* The table, ended by words == NULL: dispatch, usage, help, completion and docs/cli.md's test read it. */
extern const struct rn_command rn_commands[];
/* Options of every command. */
extern const struct rn_option rn_common_options[];

/* One parsed command line. */
struct rn_cli {
	const struct rn_command *command;
	const char *arguments[RN_CLI_ARGUMENTS_MAX];
	unsigned argument_count;
	struct {
		const char *name, *value;
	} given[RN_CLI_OPTIONS_MAX];
	unsigned given_count;
	bool json;
	struct rn_conf conf;
};

/* The program: parses, runs, returns the exit code. */
int rn_cli_main(int argc, char **argv);

/* Fills *ret but for conf. RN_EXIT_OK, or RN_EXIT_USAGE with a sentence. argv[0] is the program. */
int rn_cli_parse(int argc, char **argv, struct rn_cli *ret, struct rn_err *err);
/* The command whose words the arguments begin with, the longest such; NULL. *ret_words: how many they are. */
const struct rn_command *rn_cli_find(int count, char **words, int *ret_words);
/* Is word the first of several words that the command is? */
bool rn_cli_begins(const struct rn_command *command, const char *word);

/* The value of an option ("" for a flag); NULL: not given. The n-th (from 0) of one that may come again. */
const char *rn_cli_option(const struct rn_cli *cli, const char *name);
const char *rn_cli_option_nth(const struct rn_cli *cli, const char *name, unsigned n);

/* "rnaut: sentence" on standard error, control characters escaped; returns code. */
int rn_cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the value with "format" added, frees it, and returns RN_EXIT_OK or RN_EXIT_FAILED. */
int rn_cli_json(struct rn_json *value_taken);
/* RN_EXIT_OK, or a sentence and RN_EXIT_FAILED where this is not root. */
int rn_cli_need_root(const char *why);

#endif
