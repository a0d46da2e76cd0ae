/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/moment.h"
#include "domain/policy.h"
#include "domain/record.h"

static int read_all(int fd, size_t max, char *text, size_t *ret_size)
{
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, text + size, max + 1 - size)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		size += (size_t)got;
		if (size > max)
			return -EFBIG;
	}
	*ret_size = size;
	return 0;
}

int rn_input_read(const char *path, size_t max, char **ret, struct rn_err *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), code;
	char *text = NULL;
	size_t size = 0;

	if (fd < 0)
		return rn_fail(err, -errno, "%s cannot be read: %s", path, strerror(errno));
	text = malloc(max + 2);
	code = text ? read_all(fd, max, text, &size) : -ENOMEM;
	if (!standard)
		close(fd);
	if (code == 0 && memchr(text, 0, size))
		code = -EILSEQ;
	if (code == 0) {
		text[size] = '\0';
		*ret = text;
		return 0;
	}
	free(text);
	if (code == -EFBIG)
		return rn_fail(err, code, "%s is larger than %zu bytes", path, max);
	return rn_fail(err, code, code == -EILSEQ ? "%s is not text" : "%s cannot be read: %s", path, strerror(-code));
}

int rn_input_duration(const char *text, int64_t *ret_seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'\0', 1}};
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || errno || value <= 0 || value > 1000000000)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end[0] == units[i].unit && (!end[0] || !end[1])) {
			*ret_seconds = value * units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

int rn_input_moment(const char *text, int64_t *ret_unix_seconds)
{
	int64_t seconds;

	if (rn_moment_parse(text, ret_unix_seconds) == 0)
		return 0;
	if (rn_input_duration(text, &seconds) < 0)
		return -EINVAL;
	*ret_unix_seconds = (int64_t)time(NULL) + seconds;
	return 0;
}

void rn_input_host_name(char *out, size_t size)
{
	char name[256] = "";
	size_t at = 0;

	gethostname(name, sizeof(name) - 1);
	name[strcspn(name, ".")] = '\0';
	for (const char *from = name; *from && at + 1 < size; from++) {
		char c = (char)tolower((unsigned char)*from);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[at++] = c;
		else if (at)
			out[at++] = '-';
	}
	out[at] = '\0';
}

int rn_output_open(const char *path, struct rn_output *ret, struct rn_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return rn_fail(err, -EEXIST, "%s exists already: choose another file", path);
	if (fd < 0)
		return rn_fail(err, -errno, "%s cannot be made: %s", path, strerror(errno));
	ret->fd = fd;
	ret->path = path;
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t put = write(fd, text, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text += put;
		left -= (size_t)put;
	}
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int rn_output_commit(struct rn_output *output, const char *text, struct rn_err *err)
{
	int code = text ? write_all(output->fd, text) : -ECANCELED;

	close(output->fd);
	if (code == 0)
		return 0;
	unlink(output->path);
	return rn_fail(err, code, "%s cannot be written: %s", output->path, strerror(-code));
}
