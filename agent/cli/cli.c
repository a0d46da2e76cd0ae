/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/out.h"

/* How many of the words the command's words are, 0 where it is another command. */
static int match(const char *command, int count, char **words)
{
	int used = 0;

	while (*command) {
		size_t length = strcspn(command, " ");

		if (used == count || strlen(words[used]) != length || strncmp(words[used], command, length) != 0)
			return 0;
		used++;
		command += length + (command[length] == ' ');
	}
	return used;
}

const struct rn_command *rn_cli_find(int count, char **words, int *ret_words)
{
	for (const struct rn_command *c = rn_commands; c->words; c++) {
		int used = match(c->words, count, words);

		if (used) {
			*ret_words = used;
			return c;
		}
	}
	return NULL;
}

bool rn_cli_begins(const struct rn_command *command, const char *word)
{
	size_t length = strcspn(command->words, " ");

	return command->words[length] && strlen(word) == length && strncmp(command->words, word, length) == 0;
}

static const struct rn_option *find_option(const struct rn_option *list, const char *name, size_t length)
{
	for (; list->name; list++)
		if (strlen(list->name) == length && strncmp(list->name, name, length) == 0)
			return list;
	return NULL;
}

static int unknown_option(const struct rn_command *command, const char *word, struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(word);
	const char *name;

	for (const struct rn_option *o = command->options; o->name; o++)
		rn_nearest_offer(&nearest, o->name);
	for (const struct rn_option *o = rn_common_options; o->name; o++)
		rn_nearest_offer(&nearest, o->name);
	name = rn_nearest_name(&nearest);
	if (name)
		rn_fail(err, 0, "rnaut %s has no option --%s: did you mean --%s?", command->words, word, name);
	else
		rn_fail(err, 0, "rnaut %s has no option --%s: see rnaut help %s", command->words, word, command->words);
	return RN_EXIT_USAGE;
}

/* What is written after a word that begins several commands: the nearest of these, or where they are listed. */
static int unknown_member(const char *word, const char *second, struct rn_err *err)
{
	char both[128];
	struct rn_nearest nearest;
	const char *name;

	if (!second || second[0] == '-') {
		rn_fail(err, 0, "rnaut %s needs one more word: rnaut help %s lists them", word, word);
		return RN_EXIT_USAGE;
	}
	snprintf(both, sizeof(both), "%s %s", word, second);
	nearest = rn_nearest(both);
	for (const struct rn_command *c = rn_commands; c->words; c++)
		if (rn_cli_begins(c, word))
			rn_nearest_offer(&nearest, c->words);
	name = rn_nearest_name(&nearest);
	if (name)
		rn_fail(err, 0, "there is no command %s: did you mean %s?", both, name);
	else
		rn_fail(err, 0, "there is no command %s: rnaut help %s lists them", both, word);
	return RN_EXIT_USAGE;
}

static int unknown_command(const char *word, const char *second, struct rn_err *err)
{
	struct rn_nearest nearest = rn_nearest(word);
	const char *name;

	for (const struct rn_command *c = rn_commands; c->words; c++) {
		if (rn_cli_begins(c, word))
			return unknown_member(word, second, err);
		rn_nearest_offer(&nearest, c->words);
	}
	name = rn_nearest_name(&nearest);
	if (name)
		rn_fail(err, 0, "there is no command %s: did you mean %s?", word, name);
	else
		rn_fail(err, 0, "there is no command %s: rnaut help lists them", word);
	return RN_EXIT_USAGE;
}

/* One "--name", "--name=value" or "--name value"; *at is moved over what was used. */
static int parse_option(struct rn_cli *cli, int argc, char **argv, int *at, struct rn_err *err)
{
	const char *word = argv[*at] + 2, *equals = strchr(word, '='), *value = "";
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct rn_option *option = find_option(cli->command->options, word, length);

	if (!option)
		option = find_option(rn_common_options, word, length);
	if (!option)
		return unknown_option(cli->command, word, err);
	if (!option->many && rn_cli_option(cli, option->name)) {
		rn_fail(err, 0, "--%s may be given once", option->name);
		return RN_EXIT_USAGE;
	}
	if (!option->value && equals) {
		rn_fail(err, 0, "--%s takes no value", option->name);
		return RN_EXIT_USAGE;
	}
	if (option->value && equals)
		value = equals + 1;
	else if (option->value && *at + 1 < argc)
		value = argv[++*at];
	if ((option->value && !*value) || cli->given_count == RN_CLI_OPTIONS_MAX) {
		rn_fail(err, 0, *value ? "there are too many options" : "--%s needs a value", option->name);
		return RN_EXIT_USAGE;
	}
	cli->given[cli->given_count].name = option->name;
	cli->given[cli->given_count++].value = value;
	return RN_EXIT_OK;
}

static int check_count(const struct rn_cli *cli, struct rn_err *err)
{
	const struct rn_command *c = cli->command;

	if (cli->argument_count >= c->min && cli->argument_count <= c->max)
		return RN_EXIT_OK;
	rn_fail(err, 0, "usage: rnaut %s%s%s%s", c->words, c->arguments[0] ? " " : "", c->arguments,
		c->options->name ? " [OPTION]..." : "");
	return RN_EXIT_USAGE;
}

int rn_cli_parse(int argc, char **argv, struct rn_cli *ret, struct rn_err *err)
{
	bool options = true;
	int at = 1, words = 0, code;

	memset(ret, 0, sizeof(*ret));
	/* --json may stand before the command too. */
	while (at < argc && strcmp(argv[at], "--json") == 0) {
		ret->json = true;
		at++;
	}
	if (at == argc) {
		rn_fail(err, 0, "a command is needed: rnaut help lists them");
		return RN_EXIT_USAGE;
	}
	ret->command = rn_cli_find(argc - at, argv + at, &words);
	if (!ret->command)
		return unknown_command(argv[at], at + 1 < argc ? argv[at + 1] : NULL, err);
	for (at += words; at < argc; at++) {
		if (options && strcmp(argv[at], "--") == 0) {
			options = false;
		} else if (options && strncmp(argv[at], "--", 2) == 0) {
			code = parse_option(ret, argc, argv, &at, err);
			if (code)
				return code;
		} else if (ret->argument_count < RN_CLI_ARGUMENTS_MAX) {
			ret->arguments[ret->argument_count++] = argv[at];
		}
	}
	ret->json = ret->json || rn_cli_option(ret, "json");
	return rn_cli_option(ret, "help") ? RN_EXIT_OK : check_count(ret, err);
}

const char *rn_cli_option_nth(const struct rn_cli *cli, const char *name, unsigned n)
{
	for (unsigned i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].name, name) == 0 && n-- == 0)
			return cli->given[i].value;
	return NULL;
}

const char *rn_cli_option(const struct rn_cli *cli, const char *name)
{
	return rn_cli_option_nth(cli, name, 0);
}

int rn_cli_fail(int code, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fputs("rnaut: ", stderr);
	rn_out_text(stderr, text);
	fputc('\n', stderr);
	return code;
}

int rn_cli_json(struct rn_json *value_taken)
{
	char *text;

	rn_json_add_int(value_taken, "format", RN_CLI_FORMAT);
	text = rn_json_print(value_taken, true);
	rn_json_free(value_taken);
	if (!text)
		return rn_cli_fail(RN_EXIT_FAILED, "out of memory");
	puts(text);
	free(text);
	return RN_EXIT_OK;
}

int rn_cli_need_root(const char *why)
{
	if (geteuid() == 0)
		return RN_EXIT_OK;
	return rn_cli_fail(RN_EXIT_FAILED, "only root can %s: run the command with sudo", why);
}

/* Commands that only print what is compiled in work on any host, whatever its configuration says. */
static bool needs_conf(const struct rn_cli *cli)
{
	return cli->command->run != rn_cmd_help && cli->command->run != rn_cmd_version &&
	       cli->command->run != rn_cmd_completion;
}

static int run(struct rn_cli *cli)
{
	struct rn_err err = {""};

	if (rn_cli_option(cli, "help"))
		return rn_cmd_help(cli);
	if (needs_conf(cli) && rn_conf_load(rn_cli_option(cli, "config"), &cli->conf, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	if (rn_crypto_start() < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "libsodium could not be started");
	return cli->command->run(cli);
}

int rn_cli_main(int argc, char **argv)
{
	struct rn_err err = {""};
	struct rn_cli cli;
	int code = rn_cli_parse(argc, argv, &cli, &err);

	if (code)
		return rn_cli_fail(code, "%s", err.text);
	signal(SIGPIPE, SIG_IGN);
	code = run(&cli);
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE && code == RN_EXIT_OK)
		code = rn_cli_fail(RN_EXIT_FAILED, "standard output cannot be written: %s", strerror(errno));
	return code;
}
