/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"

#define HEAD_SIZE 8
#define SUM_SIZE 16

struct rn_journal {
	int fd;
	size_t record_size;
	off_t end; /* of the last good record */
	uint8_t sum[SUM_SIZE];
	bool broken; /* the end of the file is not known any more: no more appends */
};

static void put_head(uint8_t head[HEAD_SIZE], size_t record_size)
{
	struct rn_writer w = rn_writer(head, HEAD_SIZE);

	rn_write_bytes(&w, "RNJ1", 4);
	rn_write_u32(&w, (uint32_t)record_size);
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int rn_journal_create(const char *path, size_t record_size, struct rn_err *err)
{
	uint8_t head[HEAD_SIZE];
	int fd, r;

	if (!record_size || record_size > RN_JOURNAL_RECORD_MAX)
		return -EINVAL;
	put_head(head, record_size);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : write_all(fd, head, sizeof(head));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (fd >= 0) {
		close(fd);
		if (r < 0)
			unlink(path);
	}
	return r < 0 ? rn_fail(err, r, "cannot make %s: %s", path, strerror(-r)) : 0;
}

/* Size read, less only at the end of the file; or -errno. */
static ssize_t read_full(int fd, uint8_t *out, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, out + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

static void sum_after(const uint8_t before[SUM_SIZE], const uint8_t *record, size_t size, uint8_t ret[SUM_SIZE])
{
	uint8_t sum[SUM_SIZE];

	rn_blake2b(before, SUM_SIZE, record, size, sum, SUM_SIZE);
	memcpy(ret, sum, SUM_SIZE);
}

/*
 * Reads record after record. A torn append leaves one incomplete or wrong record at the very end: that one is cut off.
 * A wrong record with anything behind it cannot come from a crash.
 */
static int replay(struct rn_journal *j, int (*each)(void *context, const uint8_t *record), void *context)
{
	uint8_t buffer[RN_JOURNAL_RECORD_MAX + SUM_SIZE], sum[SUM_SIZE], more;
	const size_t whole = j->record_size + SUM_SIZE;

	for (;;) {
		ssize_t n = read_full(j->fd, buffer, whole);

		if (n <= 0)
			return (int)n;
		if ((size_t)n < whole)
			break;
		sum_after(j->sum, buffer, j->record_size, sum);
		if (memcmp(sum, buffer + j->record_size, SUM_SIZE)) {
			n = read_full(j->fd, &more, 1);
			if (n != 0)
				return n < 0 ? (int)n : -EBADMSG;
			break;
		}
		n = each(context, buffer);
		if (n < 0)
			return (int)n;
		memcpy(j->sum, sum, SUM_SIZE);
		j->end += (off_t)whole;
	}
	if (ftruncate(j->fd, j->end) < 0 || fsync(j->fd) < 0)
		return -errno;
	return 0;
}

static int open_locked(const char *path, int *ret_fd)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EBADMSG;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int check_head(struct rn_journal *j)
{
	uint8_t want[HEAD_SIZE], head[HEAD_SIZE];
	ssize_t n = read_full(j->fd, head, sizeof(head));

	if (n < 0)
		return (int)n;
	put_head(want, j->record_size);
	j->end = HEAD_SIZE;
	return n == HEAD_SIZE && !memcmp(head, want, HEAD_SIZE) ? 0 : -EBADMSG;
}

int rn_journal_open(const char *path, size_t record_size, int (*each)(void *context, const uint8_t *record),
		    void *context, struct rn_journal **ret, struct rn_err *err)
{
	struct rn_journal *j;
	int r;

	if (!record_size || record_size > RN_JOURNAL_RECORD_MAX)
		return -EINVAL;
	j = calloc(1, sizeof(*j));
	if (!j)
		return rn_fail(err, -ENOMEM, "out of memory");
	j->fd = -1;
	j->record_size = record_size;
	r = open_locked(path, &j->fd);
	if (r == 0)
		r = check_head(j);
	if (r == 0)
		r = replay(j, each, context);
	if (r == 0 && lseek(j->fd, j->end, SEEK_SET) < 0)
		r = -errno;
	if (r < 0) {
		rn_journal_close(j);
		if (r == -EBUSY)
			return rn_fail(err, r, "%s is in use by another process: stop that one first", path);
		if (r == -EBADMSG)
			return rn_fail(err, r, "%s is damaged; restore it from a backup", path);
		return rn_fail(err, r, "cannot read %s: %s", path, strerror(-r));
	}
	*ret = j;
	return 0;
}

/* Takes back what a failed append has left. */
static void cut(struct rn_journal *j)
{
	if (ftruncate(j->fd, j->end) < 0 || lseek(j->fd, j->end, SEEK_SET) < 0 || fsync(j->fd) < 0)
		j->broken = true;
}

int rn_journal_append(struct rn_journal *journal, const uint8_t *record)
{
	uint8_t buffer[RN_JOURNAL_RECORD_MAX + SUM_SIZE];
	const size_t whole = journal->record_size + SUM_SIZE;
	int r;

	if (journal->broken)
		return -EIO;
	memcpy(buffer, record, journal->record_size);
	sum_after(journal->sum, record, journal->record_size, buffer + journal->record_size);
	r = write_all(journal->fd, buffer, whole);
	if (r == 0 && fdatasync(journal->fd) < 0)
		r = -errno;
	if (r < 0) {
		cut(journal);
		return r;
	}
	memcpy(journal->sum, buffer + journal->record_size, SUM_SIZE);
	journal->end += (off_t)whole;
	return 0;
}

void rn_journal_close(struct rn_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal);
}
