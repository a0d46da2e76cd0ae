/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

#ifndef RN_VERSION
#define RN_VERSION "unknown"
#endif

int rn_cmd_version(struct rn_cli *cli)
{
	struct rn_json *root;

	if (!cli->json) {
		puts("rnaut " RN_VERSION);
		return RN_EXIT_OK;
	}
	root = rn_json_object();
	rn_json_add_text(root, "version", RN_VERSION);
	return rn_cli_json(root);
}

static void print_options(const struct rn_option *options)
{
	char left[64];

	for (; options->name; options++) {
		snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
			 options->value ? options->value : "");
		printf("  %-24s %s\n", left, options->help);
	}
}

static void print_command(const struct rn_command *c)
{
	printf("usage: rnaut %s%s%s [OPTION]...\n\n%s\n\n", c->words, c->arguments[0] ? " " : "", c->arguments,
	       c->help);
	print_options(c->options);
	print_options(rn_common_options);
}

static const char exit_codes[] = "Exit codes: 0 done; 1 failed, or status: not enforcing; 2 wrong command line;\n"
				 "3 rnautd core does not answer; 4 this host is not set up; 5 explain: denied.\n";

/* group: the word that they begin with; NULL: all of them. */
static void print_list(const char *group)
{
	char left[80];

	printf("usage: rnaut %s%sCOMMAND [ARGUMENT]... [OPTION]...\n\n", group ? group : "", group ? " " : "");
	for (const struct rn_command *c = rn_commands; c->words; c++) {
		if (group && !rn_cli_begins(c, group))
			continue;
		snprintf(left, sizeof(left), "%s%s%s", c->words, c->arguments[0] ? " " : "", c->arguments);
		if (strlen(left) > 28)
			printf("  %s\n  %-28s %s\n", left, "", c->help);
		else
			printf("  %-28s %s\n", left, c->help);
	}
	if (group) {
		printf("\nrnaut help %s ... says what options one of them has.\n", group);
		return;
	}
	puts("\nOptions of every command:");
	print_options(rn_common_options);
	printf("\n%s", exit_codes);
}

static struct rn_json *options_json(const struct rn_option *options)
{
	struct rn_json *list = rn_json_array();

	for (; options->name; options++) {
		struct rn_json *option = rn_json_object();

		rn_json_add_text(option, "name", options->name);
		rn_json_add_text(option, "value", options->value);
		rn_json_add_text(option, "help", options->help);
		rn_json_append(list, option);
	}
	return list;
}

static int print_json(const struct rn_command *only, const char *group)
{
	struct rn_json *root = rn_json_object(), *list = rn_json_array();

	for (const struct rn_command *c = rn_commands; c->words; c++) {
		struct rn_json *command;

		if ((only && only != c) || (group && !rn_cli_begins(c, group)))
			continue;
		command = rn_json_object();
		rn_json_add_text(command, "command", c->words);
		rn_json_add_text(command, "arguments", c->arguments);
		rn_json_add_text(command, "help", c->help);
		rn_json_add(command, "options", options_json(c->options));
		rn_json_append(list, command);
	}
	rn_json_add(root, "commands", list);
	rn_json_add(root, "options", options_json(rn_common_options));
	return rn_cli_json(root);
}

/* A word that several commands begin with, and nothing behind it. */
static bool is_group(const struct rn_cli *cli)
{
	for (const struct rn_command *c = rn_commands; cli->argument_count == 1 && c->words; c++)
		if (rn_cli_begins(c, cli->arguments[0]))
			return true;
	return false;
}

int rn_cmd_help(struct rn_cli *cli)
{
	const struct rn_command *command = NULL;
	const char *group = NULL;
	char *words[3];
	int used;

	if (cli->command->run != rn_cmd_help) {
		command = cli->command;
	} else if (cli->argument_count) {
		for (unsigned i = 0; i < cli->argument_count; i++)
			words[i] = (char *)cli->arguments[i];
		command = rn_cli_find((int)cli->argument_count, words, &used);
		if (!command && is_group(cli))
			group = cli->arguments[0];
		else if (!command)
			return rn_cli_fail(RN_EXIT_USAGE, "there is no command %s: rnaut help lists them",
					   cli->arguments[0]);
	}
	if (cli->json)
		return print_json(command, group);
	if (command)
		print_command(command);
	else
		print_list(group);
	return RN_EXIT_OK;
}

/* What may come after the words of a command line, one a line. */
static void print_candidates(int count, char **words)
{
	const struct rn_command *command;
	int used = 0;

	command = rn_cli_find(count, words, &used);
	for (const struct rn_command *c = rn_commands; !command && c->words; c++) {
		size_t length = strcspn(c->words, " ");

		if (count == 0)
			printf("%.*s\n", (int)length, c->words);
		else if (c->words[length] && strlen(words[0]) == length && strncmp(words[0], c->words, length) == 0)
			puts(c->words + length + 1);
	}
	if (!command)
		return;
	for (const struct rn_option *o = command->options; o->name; o++)
		printf("--%s\n", o->name);
	for (const struct rn_option *o = rn_common_options; o->name; o++)
		printf("--%s\n", o->name);
}

int rn_cmd_completion(struct rn_cli *cli)
{
	char *words[RN_CLI_ARGUMENTS_MAX];

	if (cli->argument_count == 0) {
		puts("# source <(rnaut completion)\n"
		     "_rnaut() {\n"
		     "\tlocal words=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
		     "\tCOMPREPLY=($(compgen -W \"$(rnaut completion -- rnaut \"${words[@]}\" 2>/dev/null)\" -- "
		     "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
		     "}\n"
		     "complete -o default -F _rnaut rnaut");
		return RN_EXIT_OK;
	}
	for (unsigned i = 1; i < cli->argument_count; i++)
		words[i - 1] = (char *)cli->arguments[i];
	print_candidates((int)cli->argument_count - 1, words);
	return RN_EXIT_OK;
}
