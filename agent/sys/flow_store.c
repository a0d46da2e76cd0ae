/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/flow_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/files.h"

#define HEAD_SIZE 4096
#define ROW_SIZE sizeof(struct rn_flow_row)
#define COPIED 4096u /* rows at a time */

static const char magic[8] = "RNFLOW1";

/* The rest of HEAD_SIZE is zero. It is written after the rows: what it does not count is not there. */
struct head {
	char magic[8];
	uint32_t row_size, rows;
	uint64_t newest, oldest;
	uint32_t alive, check;
};

struct rn_flow_store {
	int fd;
	struct head head;
	off_t size; /* of the file, as far as it is known to reach */
};

/* Against accidents, not against people: words are mixed as FNV mixes bytes. */
static uint32_t sum(const void *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u, word;

	for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		memcpy(&word, (const uint8_t *)data + at, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3u;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

static uint32_t head_sum(struct head head)
{
	head.check = 0;
	return sum(&head, sizeof(head));
}

static uint32_t row_sum(struct rn_flow_row row)
{
	row.check = 0;
	return sum(&row, sizeof(row));
}

/* Whole, or an error; the file's end is one too. */
static int read_at(int fd, void *out, size_t size, off_t at)
{
	while (size) {
		ssize_t n = pread(fd, out, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		out = (uint8_t *)out + n;
		size -= (size_t)n;
		at += n;
	}
	return 0;
}

static int write_at(int fd, const void *data, size_t size, off_t at)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data = (const uint8_t *)data + n;
		size -= (size_t)n;
		at += n;
	}
	return 0;
}

static off_t place(const struct rn_flow_store *store, uint64_t serial)
{
	return HEAD_SIZE + (off_t)((serial - 1) % store->head.rows * ROW_SIZE);
}

/* How many rows from this serial on lie one after the other, of count. */
static unsigned together(const struct rn_flow_store *store, uint64_t serial, unsigned count)
{
	uint32_t left = store->head.rows - (uint32_t)((serial - 1) % store->head.rows);

	return count < left ? count : left;
}

static int write_head(struct rn_flow_store *store)
{
	store->head.check = head_sum(store->head);
	return write_at(store->fd, &store->head, sizeof(store->head), 0);
}

static int begin(struct rn_flow_store *store, uint32_t rows)
{
	const uint8_t zero[HEAD_SIZE] = {0};

	store->head = (struct head){.row_size = ROW_SIZE, .rows = rows, .oldest = 1};
	memcpy(store->head.magic, magic, sizeof(magic));
	int rc = write_at(store->fd, zero, sizeof(zero), 0);
	return rc ? rc : write_head(store);
}

/* -ENODATA: new; -EBADMSG: damaged. */
static int read_head(struct rn_flow_store *store)
{
	struct head *head = &store->head;
	struct stat st;
	int rc = fstat(store->fd, &st) < 0 ? -errno : 0;

	if (rc || st.st_size == 0)
		return rc ? rc : -ENODATA;
	rc = read_at(store->fd, head, sizeof(*head), 0);
	if (rc)
		return rc == -ENODATA ? -EBADMSG : rc;
	if (memcmp(head->magic, magic, sizeof(magic)) != 0 || head->check != head_sum(*head) ||
	    head->row_size != ROW_SIZE || head->rows < 1 || head->rows > RN_FLOW_ROWS_MAX || head->oldest < 1 ||
	    head->newest > INT64_MAX || head->oldest > head->newest + 1 || head->newest - head->oldest + 1 > head->rows)
		return -EBADMSG;
	return 0;
}

static int open_file(const char *path, struct rn_flow_store *store)
{
	struct stat st;

	store->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->fd < 0)
		return -errno;
	if (fstat(store->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	close(store->fd);
	return -EBADMSG;
}

static int set_aside(const char *path)
{
	char aside[RN_PATH_SIZE];
	int n = snprintf(aside, sizeof(aside), "%s" RN_FLOW_STORE_ASIDE, path);

	if (n < 0 || (size_t)n >= sizeof(aside))
		return -ENAMETOOLONG;
	return rename(path, aside) < 0 ? -errno : 0;
}

/* The newest rows of another file, with serials from 1 on. What cannot be read is left out. */
static int copy(struct rn_flow_store *to, const struct rn_flow_store *from)
{
	struct rn_flow_row *rows = calloc(COPIED, ROW_SIZE);
	uint64_t serial = from->head.oldest;
	unsigned count;
	int rc = rows ? 0 : -ENOMEM;

	if (from->head.newest - serial + 1 > to->head.rows)
		serial = from->head.newest - to->head.rows + 1;
	while (!rc && (count = rn_flow_store_read(from, serial, rows, COPIED))) {
		rc = rn_flow_store_put(to, to->head.newest + 1, rows, count, from->head.alive);
		serial += count;
	}
	free(rows);
	return rc;
}

/* Takes the place of the store's file by one of so many rows. */
static int resize(struct rn_flow_store *store, const char *path, uint32_t rows)
{
	struct rn_flow_store made = {.fd = -1};
	char beside[RN_PATH_SIZE];
	int n = snprintf(beside, sizeof(beside), "%s" RN_FLOW_STORE_NEW, path);

	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	(void)unlink(beside);
	int rc = open_file(beside, &made);
	if (rc)
		return rc;
	rc = begin(&made, rows);
	if (!rc)
		rc = copy(&made, store);
	if (!rc && rename(beside, path) < 0)
		rc = -errno;
	if (rc) {
		close(made.fd);
		(void)unlink(beside);
		return rc;
	}
	close(store->fd);
	*store = made;
	return 0;
}

static int open_store(struct rn_flow_store *store, const char *path, uint32_t rows, bool *ret_aside)
{
	int rc = open_file(path, store);
	if (rc)
		return rc;
	rc = read_head(store);
	if (rc == -EBADMSG) {
		*ret_aside = true;
		close(store->fd);
		store->fd = -1;
		rc = set_aside(path);
		if (!rc)
			rc = open_file(path, store);
		rc = rc ? rc : -ENODATA;
	}
	if (rc == -ENODATA)
		return begin(store, rows);
	return rc || store->head.rows == rows ? rc : resize(store, path, rows);
}

int rn_flow_store_open(const char *path, uint32_t rows, struct rn_flow_store **ret, bool *ret_aside, struct rn_err *err)
{
	struct rn_flow_store *store = calloc(1, sizeof(*store));
	int rc = -ENOMEM;

	*ret_aside = false;
	if (store) {
		store->fd = -1;
		rc = open_store(store, path, rows, ret_aside);
	}
	if (rc) {
		rn_flow_store_close(store);
		return rn_fail(err, rc, "the file of recorded flows %s cannot be used: %s", path, strerror(-rc));
	}
	*ret = store;
	return 0;
}

void rn_flow_store_close(struct rn_flow_store *store)
{
	if (store && store->fd >= 0)
		close(store->fd);
	free(store);
}

uint64_t rn_flow_store_oldest(const struct rn_flow_store *store)
{
	return store->head.oldest;
}

uint64_t rn_flow_store_newest(const struct rn_flow_store *store)
{
	return store->head.newest;
}

uint32_t rn_flow_store_room(const struct rn_flow_store *store)
{
	return store->head.rows;
}

uint32_t rn_flow_store_alive(const struct rn_flow_store *store)
{
	return store->head.alive;
}

/* The policy is stored on the same disk: a ring that is not yet full leaves room for it. */
static int check_room(struct rn_flow_store *store, off_t end)
{
	struct statfs disk;
	struct stat st;

	if (end <= store->size)
		return 0;
	if (fstat(store->fd, &st) < 0 || fstatfs(store->fd, &disk) < 0)
		return -errno;
	store->size = st.st_size;
	return end > st.st_size && disk.f_bavail * (uint64_t)disk.f_frsize < RN_FLOW_STORE_RESERVE ? -ENOSPC : 0;
}

int rn_flow_store_put(struct rn_flow_store *store, uint64_t serial, struct rn_flow_row *rows, unsigned count,
		      uint32_t now)
{
	struct head before = store->head, *head = &store->head;
	uint64_t end = serial + count - 1;
	int rc = 0;

	if (serial < 1 || serial > head->newest + 1 || count > head->rows)
		return -EINVAL;
	if (end > INT64_MAX) /* it would not be read again */
		return -EOVERFLOW;
	for (unsigned done = 0, n; done < count && !rc; done += n) {
		n = together(store, serial + done, count - done);
		for (unsigned i = done; i < done + n; i++) {
			rows[i].serial = (uint32_t)(serial + i);
			rows[i].check = row_sum(rows[i]);
		}
		rc = check_room(store, place(store, serial + done) + (off_t)(n * ROW_SIZE));
		if (rc)
			break;
		rc = write_at(store->fd, rows + done, n * ROW_SIZE, place(store, serial + done));
	}
	if (!rc && count && end > head->newest)
		head->newest = end;
	if (head->newest > head->rows && head->oldest < head->newest - head->rows + 1)
		head->oldest = head->newest - head->rows + 1;
	head->alive = now;
	if (!rc)
		rc = write_head(store);
	if (rc)
		*head = before;
	return rc;
}

unsigned rn_flow_store_read(const struct rn_flow_store *store, uint64_t serial, struct rn_flow_row *out, unsigned max)
{
	uint64_t left;

	if (serial < store->head.oldest || serial > store->head.newest)
		return 0;
	left = store->head.newest - serial + 1;
	max = together(store, serial, left < max ? (unsigned)left : max);
	if (read_at(store->fd, out, max * ROW_SIZE, place(store, serial)))
		memset(out, 0, max * ROW_SIZE);
	for (unsigned i = 0; i < max; i++)
		if (out[i].serial != (uint32_t)(serial + i) || out[i].check != row_sum(out[i]) ||
		    !memchr(out[i].rule_id, 0, sizeof(out[i].rule_id)))
			out[i] = (struct rn_flow_row){.serial = (uint32_t)(serial + i)};
	return max;
}

/* How many of the oldest rows were heard before; a damaged one goes with its neighbours. */
static unsigned count_old(const struct rn_flow_store *store, uint32_t before, struct rn_flow_row *rows, unsigned max)
{
	unsigned count = rn_flow_store_read(store, store->head.oldest, rows, max), old = 0;

	for (unsigned i = 0; i < count && (!rows[i].kind || rows[i].heard < before); i++)
		old = i + 1;
	return old;
}

unsigned rn_flow_store_expire(struct rn_flow_store *store, uint32_t before, unsigned max)
{
	struct rn_flow_row rows[64];
	unsigned done = 0, old;

	while (done < max && (old = count_old(store, before, rows, sizeof(rows) / sizeof(rows[0])))) {
		memset(rows, 0, old * ROW_SIZE);
		if (write_at(store->fd, rows, old * ROW_SIZE, place(store, store->head.oldest)))
			break;
		store->head.oldest += old;
		done += old;
	}
	if (done)
		(void)write_head(store);
	return done;
}
