/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 65536

/* Not $PATH: what runs here runs as root. */
static int find(const char *name, char *out, size_t size)
{
	static const char *const directories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(out, size, "%s/%s", directories[i], name);
		if (access(out, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static int start(const char *path, char *const *argv, int out, pid_t *ret)
{
	char *const environment[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, (char[]){"LC_ALL=C"}, NULL};
	posix_spawn_file_actions_t actions;
	int code = posix_spawn_file_actions_init(&actions);

	if (code)
		return -code;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	code = posix_spawn(ret, path, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -code;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads to the end: 0, -EFBIG, -ETIMEDOUT, -ENOMEM. */
static int collect(int fd, size_t max, int timeout_ms, char **text, size_t *size)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	int64_t until = now_ms() + timeout_ms;
	size_t room = 0;

	for (;;) {
		int64_t left = until - now_ms();
		ssize_t got;

		if (*size + 1 >= room) {
			char *larger = realloc(*text, room + BLOCK);

			if (!larger)
				return -ENOMEM;
			*text = larger;
			room += BLOCK;
		}
		if (left <= 0 || poll(&one, 1, (int)left) == 0)
			return -ETIMEDOUT;
		got = read(fd, *text + *size, room - 1 - *size);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 0;
		*size += got > 0 ? (size_t)got : 0;
		if (*size > max)
			return -EFBIG;
	}
}

int rn_command(const char *const *argv, size_t max, int timeout_ms, char **ret, size_t *ret_size, int *ret_status)
{
	int ends[2], code, status = 0;
	char path[128], *text = NULL;
	size_t size = 0;
	pid_t child;

	code = find(argv[0], path, sizeof(path));
	if (code < 0)
		return code;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	code = start(path, (char *const *)argv, ends[1], &child);
	close(ends[1]);
	if (code == 0) {
		code = collect(ends[0], max, timeout_ms, &text, &size);
		if (code < 0)
			kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
	close(ends[0]);
	if (code < 0 || !text) {
		free(text);
		return code < 0 ? code : -EIO;
	}
	text[size] = '\0';
	*ret = text;
	*ret_size = size;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return 0;
}
