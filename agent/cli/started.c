/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/started.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/remote.h"
#include "cli/setup.h"

#define WAIT_MS 15000 /* signed state comes over the network first */
#define POLL_MS 100

/* The units read the default configuration: with another one they would not be this host's. */
static bool systemd_runs(const struct rn_cli *cli)
{
	const char *other = getenv("RNAUT_CONF");
	struct stat st;

	return !(other && *other) && !rn_cli_option(cli, "config") && !rn_cli_option(cli, "no-start") &&
	       stat("/run/systemd/system", &st) == 0;
}

static bool enforces(struct rn_cli *cli, struct rn_started *started)
{
	struct rn_json *answer = rn_remote_try(cli, "/api/v1/status");
	const char *ipv4, *ipv6;

	if (!answer)
		return false;
	ipv4 = rn_remote_text(answer, "virtual_ipv4");
	ipv6 = rn_remote_text(answer, "virtual_ip");
	snprintf(started->addresses, sizeof(started->addresses), "%s%s%s", ipv4, *ipv4 && *ipv6 ? ", " : "", ipv6);
	started->enforcing = rn_remote_true(answer, "enforcing");
	rn_json_free(answer);
	return started->enforcing;
}

int rn_setup_start(struct rn_cli *cli, struct rn_started *ret)
{
	char *const argv[] = {"systemctl", "--quiet", "enable", "--now", "rnautd.target", NULL};
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int status = 0, code;
	pid_t child;

	memset(ret, 0, sizeof(*ret));
	if (!systemd_runs(cli))
		return RN_EXIT_OK;
	code = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);
	if (code != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return rn_cli_fail(
		    RN_EXIT_FAILED,
		    "this host is set up, but rnautd.target did not start: systemctl status 'rnautd*' says why");
	ret->asked = true;
	for (int waited = 0; !enforces(cli, ret) && waited < WAIT_MS; waited += POLL_MS)
		nanosleep(&pause, NULL);
	return RN_EXIT_OK;
}

void rn_started_json(struct rn_json *object, const struct rn_started *started)
{
	rn_json_add_bool(object, "started", started->asked);
	rn_json_add_bool(object, "enforcing", started->enforcing);
	rn_json_add_text(object, "addresses", *started->addresses ? started->addresses : NULL);
}

void rn_started_print(const struct rn_started *started)
{
	if (started->asked)
		puts(started->enforcing ? "It enforces, and starts at every boot."
					: "It is starting, and does not enforce yet: rnaut doctor says why.");
}
