/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that a service manager says it has handed over: three texts of the environment. Behind the numbers are a
 * socket that listens, one that does not, and no socket. The file's own functions by including it.
 */
#include <stdio.h>

#include "role/web_listen.c"

#include "fuzz.h"

static int new_socket(bool listens)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && (!listens || listen(fd, 1) == 0));
	return fd;
}

/* From FIRST_FD on, as far as this process has nothing there. */
static void hand_over(void)
{
	int listening = new_socket(true), other = new_socket(false);

	for (int fd = FIRST_FD; fd < FIRST_FD + FDS_MAX; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			CHECK(dup2(fd == FIRST_FD + 3 ? other : listening, fd) == fd);
}

static void set(const char *name, const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	if (size)
		setenv(name, text, 1);
	else
		unsetenv(name);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	struct fuzz f = {data, size};
	struct web web = {.https_fd = -1, .http_fd = -1};
	struct rn_err err = {""};
	bool ours = fuzz_u8(&f) & 1;
	size_t pid_size, count_size;
	uint8_t *pid = fuzz_block(&f, 16, &pid_size), *count = fuzz_block(&f, 16, &count_size);
	char own[16];
	int r;

	if (!begun)
		hand_over();
	begun = true;
	snprintf(own, sizeof(own), "%d", getpid());
	if (ours)
		set("LISTEN_PID", (const uint8_t *)own, strlen(own));
	else
		set("LISTEN_PID", pid, pid_size);
	set("LISTEN_FDS", count, count_size);
	set("LISTEN_FDNAMES", f.data, f.size);
	r = take_handed(&web, &err);
	CHECK(r >= 0 || err.text[0]);
	CHECK(r <= 2 && (r <= 0 || web.https_fd >= FIRST_FD || web.http_fd >= FIRST_FD));
	CHECK(web.https_fd < FIRST_FD + FDS_MAX && web.http_fd < FIRST_FD + FDS_MAX);
	CHECK(web.https_fd < 0 || web.https_fd != web.http_fd);
	CHECK(r != 0 || (web.https_fd < 0 && web.http_fd < 0));
	free(pid);
	free(count);
	return 0;
}
