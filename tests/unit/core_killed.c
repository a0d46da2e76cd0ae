/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core_killed.h"
#include "tests/support/remove_tree.h"

static void one_round(const struct killed_rounds *rounds, unsigned n, struct killed *told)
{
	char path[320];
	int status;
	told->steps = 0;
	pid_t child = fork();
	if (child == 0) {
		rounds->go_on(told);
		_exit(1);
	}
	assert_true(child > 0);
	while (told->steps < rounds->steps + n && waitpid(child, &status, WNOHANG) == 0)
		usleep(500);
	usleep(n * rounds->us);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	snprintf(path, sizeof(path), "%s/core.db", told->dir);
	rounds->look(path, told->steps);
	*strrchr(told->dir, '/') = 0; /* the world's */
	assert_int_equal(remove_tree(told->dir), 0);
}

void killed_rounds(const struct killed_rounds *rounds)
{
	struct killed *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(told != MAP_FAILED);
	for (unsigned n = 0; n < rounds->count; n++)
		one_round(rounds, n, told);
	munmap(told, sizeof(*told));
}
