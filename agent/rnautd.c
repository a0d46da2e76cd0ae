/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "role/role.h"
#include "sys/sandbox.h"

/*
 * rnautd PROCESS: one of the processes of this host. What this program was not linked with is done by rnautd-PROCESS
 * beside it.
 */

#define OPTIONS_MAX 3
#define PATH_SIZE 512

struct process {
	const char *name, *text;
	int (*run)(int argc, char **argv);
	enum rn_process process;
	const char *options[OPTIONS_MAX]; /* of its own */
};

static const struct process processes[] = {
    {"core", "store, policy, tokens, local API", rn_role_core, RN_PROCESS_CORE, {NULL}},
    {"net", "the control protocol's UDP port", rn_role_net, RN_PROCESS_NET, {NULL}},
    {"kern", "WireGuard and the datapath (--remove: take both away)", rn_role_kern, RN_PROCESS_KERN, {"--remove"}},
    {"ca", "the issuing key; on a gateway only", rn_role_ca, RN_PROCESS_CA, {NULL}},
    {"web",
     "console and API over HTTPS; on a gateway only (--tls=self or --tls=file; --certificate: renew it and end)",
     rn_role_web,
     RN_PROCESS_WEB,
     {"--tls=self", "--tls=file", "--certificate"}},
    {"wireguard",
     "WireGuard in userspace where the kernel has none (--mesh: a hub's to other hubs)",
     rn_role_wireguard,
     RN_PROCESS_WIREGUARD,
     {"--mesh"}},
};
#define PROCESSES (sizeof(processes) / sizeof(processes[0]))

#ifdef __SANITIZE_ADDRESS__
/*
 * LeakSanitizer stops the process with ptrace, which seccomp ends; leaks are looked for in the unit tests. What was freed
 * is kept from use for 16 MiB instead of 256, so that tests which watch a process's memory see the process's.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:quarantine_size_mb=16";
}
#endif

static int usage(FILE *out)
{
	fprintf(out, "usage: rnautd PROCESS [--config FILE]\n"
		     "       rnautd PROCESS --print-seccomp\n"
		     "       rnautd --version\n\nprocesses:\n");
	for (size_t i = 0; i < PROCESSES; i++)
		fprintf(out, "  %-10s %s\n", processes[i].name, processes[i].text);
	return out == stdout ? 0 : 2;
}

static int print_seccomp(enum rn_process process)
{
	const char *const *calls = rn_sandbox_calls(process);

	for (; calls && *calls; calls++)
		puts(*calls);
	return 0;
}

static bool is_own_option(const struct process *p, const char *argument)
{
	for (unsigned i = 0; i < OPTIONS_MAX && p->options[i]; i++) {
		if (strcmp(p->options[i], argument) == 0)
			return true;
	}
	return false;
}

/* Comes back only where it fails. */
static int become(const struct process *p, char **argv)
{
	char path[PATH_SIZE + 32];
	ssize_t size = readlink("/proc/self/exe", path, PATH_SIZE);
	char *name;

	path[size > 0 ? size : 0] = '\0';
	name = strrchr(path, '/');
	if (!name) {
		fprintf(stderr, "rnautd %s: cannot find itself; is /proc mounted?\n", p->name);
		return 1;
	}
	snprintf(name + 1, sizeof(path) - (size_t)(name + 1 - path), "rnautd-%s", p->name);
	execv(path, argv);
	fprintf(stderr, "rnautd %s: %s: %s; install rnaut again\n", p->name, path, strerror(errno));
	return 1;
}

static int run(const struct process *p, int argc, char **argv)
{
	char *own[OPTIONS_MAX + 2] = {argv[0]};
	int count = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--print-seccomp") == 0)
			return print_seccomp(p->process);
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			if (setenv("RNAUT_CONF", argv[++i], 1) < 0)
				return 1;
		} else if (is_own_option(p, argv[i]) && count <= OPTIONS_MAX) {
			own[count++] = argv[i];
		} else {
			fprintf(stderr, "rnautd %s: does not know %s; see rnautd --help\n", p->name, argv[i]);
			return 2;
		}
	}
	if (!p->run)
		return become(p, argv - 1);
	rn_log_setup(p->name, RN_LOG_INFO);
	return p->run(count, own);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--version") == 0)
		return printf("rnautd %s\n", RN_VERSION) < 0;
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	for (size_t i = 0; i < PROCESSES; i++) {
		if (strcmp(processes[i].name, argv[1]) == 0)
			return run(&processes[i], argc - 1, argv + 1);
	}
	fprintf(stderr, "rnautd: there is no process %s; see rnautd --help\n", argv[1]);
	return 2;
}
