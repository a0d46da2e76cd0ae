/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"

/* True where a socket at the path answers. */
static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return answers;
}

/* The mode is right from the first moment: the directory may be open to others. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0117);
	int code = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return code;
}

int rn_api_listen(const char *path, int *ret_fd, struct rn_err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path))
		return rn_fail(err, -ENAMETOOLONG, "%s is too long for a socket: choose a shorter run_dir", path);
	memcpy(address.sun_path, path, strlen(path));
	if (somebody_listens(&address))
		return rn_fail(err, -EADDRINUSE, "%s is served by another process: is rnautd core running already?",
			       path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	code = fd < 0 ? -errno : bind_private(fd, &address);
	if (code == 0 && listen(fd, 64) < 0)
		code = -errno;
	if (code == 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return rn_fail(err, code, "%s cannot be made: %s", path, strerror(-code));
}
