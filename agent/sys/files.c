/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rn_path_join(char *out, size_t size, const char *directory, const char *name)
{
	int n = snprintf(out, size, "%s/%s", directory, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int open_regular(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Reads until the end or until the buffer is full. */
static int read_some(int fd, void *out, size_t size, size_t *ret_size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, (char *)out + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		at += n;
	}
	*ret_size = at;
	return 0;
}

int rn_file_read(const char *path, void *out, size_t size, size_t *ret_size)
{
	size_t got = 0, more = 0;
	char extra;
	int fd = open_regular(path);
	int r;

	if (fd < 0)
		return fd;
	r = read_some(fd, out, size, &got);
	if (r == 0 && got == size)
		r = read_some(fd, &extra, 1, &more);
	close(fd);
	if (r < 0)
		return r;
	if (more)
		return -EFBIG;
	*ret_size = got;
	return 0;
}

int rn_file_read_exact(const char *path, void *out, size_t size)
{
	size_t got = 0;
	int r = rn_file_read(path, out, size, &got);

	if (r == -EFBIG || (r == 0 && got != size))
		return -EBADMSG;
	return r;
}

int rn_file_read_text(const char *path, size_t max, char **ret, size_t *ret_size)
{
	char *text = malloc(max + 1);
	size_t size = 0;
	int r;

	if (!text)
		return -ENOMEM;
	r = rn_file_read(path, text, max, &size);
	if (r < 0) {
		free(text);
		return r;
	}
	text[size] = '\0';
	*ret = text;
	*ret_size = size;
	return 0;
}

static int write_all(int fd, const void *data, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = write(fd, (const char *)data + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
	}
	return 0;
}

static int write_new(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd, r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, size);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

static int sync_directory_of(const char *path)
{
	char copy[RN_PATH_SIZE];
	int fd, r = 0;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

int rn_file_write(const char *path, const void *data, size_t size, mode_t mode)
{
	char beside[RN_PATH_SIZE];
	int r;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	r = write_new(beside, data, size, mode);
	if (r < 0)
		return r;
	if (rename(beside, path) < 0) {
		r = -errno;
		unlink(beside);
		return r;
	}
	return sync_directory_of(path);
}

int rn_directory_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	int fd, r = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_uid != uid && st.st_uid != geteuid())
		r = -EPERM;
	else if (((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0) ||
		 ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0))
		r = -errno;
	close(fd);
	return r;
}
