/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned passed, failed;

void check(bool good, const char *what, const char *file, int line)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED %s:%d: %s\n", file, line, what);
}

void check_run(const char *name, void (*scenario)(struct stage *s), bool is_hub, uint32_t self)
{
	int pipes[2], status = 0;
	unsigned counts[2] = {0, 1};
	pid_t pid;

	fflush(stdout);
	if (pipe(pipes) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		static struct stage s;

		passed = failed = 0;
		stage_open(&s, is_hub, self, 1);
		scenario(&s);
		stage_close(&s);
		counts[0] = passed;
		counts[1] = failed;
		fflush(stdout);
		_exit(write(pipes[1], counts, sizeof(counts)) != sizeof(counts));
	}
	close(pipes[1]);
	if (read(pipes[0], counts, sizeof(counts)) != sizeof(counts))
		printf("FAILED %s: it ended early\n", name);
	close(pipes[0]);
	waitpid(pid, &status, 0);
	printf("%s %s: %u checks\n", counts[1] ? "FAILED" : "ok", name, counts[0]);
	passed += counts[0];
	failed += counts[1];
}

int check_tally(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
