/* SPDX-License-Identifier: Apache-2.0 */
/* The ring file of recorded flows: bounds, damage, other sizes, a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/flow_store.h"

#define HEAD 4096

struct fixture {
	char dir[64], path[96], aside[128];
	struct rn_flow_store *store;
	struct rn_err err;
	bool was_aside;
};

static void open_again(struct fixture *f, uint32_t rows)
{
	rn_flow_store_close(f->store);
	assert_int_equal(rn_flow_store_open(f->path, rows, &f->store, &f->was_aside, &f->err), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/rn-flows-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/flows.ring", f->dir);
	snprintf(f->aside, sizeof(f->aside), "%s.damaged", f->path);
	open_again(f, 100);
	assert_false(f->was_aside);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	rn_flow_store_close(f->store);
	unlink(f->path);
	unlink(f->aside);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Row i was heard in second i, of source i. */
static int put(struct fixture *f, uint64_t from, unsigned count)
{
	struct rn_flow_row *rows = calloc(count, sizeof(*rows));
	assert_non_null(rows);
	for (unsigned i = 0; i < count; i++)
		rows[i] = (struct rn_flow_row){.kind = RN_FLOW_BEGAN,
					       .heard = (uint32_t)(from + i),
					       .source = (uint32_t)(from + i),
					       .rule_id = "web"};
	int rc = rn_flow_store_put(f->store, from, rows, count, (uint32_t)(from + count - 1));
	free(rows);
	return rc;
}

/* What is there is from..to and in order; returns how many of them were damaged. */
static unsigned holds(const struct fixture *f, uint64_t from, uint64_t to)
{
	struct rn_flow_row rows[7];
	unsigned count, damaged = 0;
	uint64_t at = from;
	assert_int_equal(rn_flow_store_oldest(f->store), from);
	assert_int_equal(rn_flow_store_newest(f->store), to);
	for (; (count = rn_flow_store_read(f->store, at, rows, 7)); at += count)
		for (unsigned i = 0; i < count; i++) {
			damaged += !rows[i].kind;
			if (rows[i].kind)
				assert_int_equal(rows[i].source, at + i);
		}
	assert_int_equal(at, to + 1);
	return damaged;
}

static void is_empty_at_first(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(holds(f, 1, 0), 0);
	assert_int_equal(rn_flow_store_alive(f->store), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void keeps_the_newest(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(put(f, 1, 60), 0);
	assert_int_equal(holds(f, 1, 60), 0);
	open_again(f, 100);
	assert_int_equal(holds(f, 1, 60), 0);
	assert_int_equal(put(f, 61, 100), 0);
	assert_int_equal(put(f, 161, 95), 0);
	open_again(f, 100);
	assert_int_equal(holds(f, 156, 255), 0);
	assert_int_equal(rn_flow_store_alive(f->store), 255);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, HEAD + 100 * 128);
}

static void replaces_rows(void **state)
{
	struct fixture *f = *state;
	struct rn_flow_row row;
	assert_int_equal(put(f, 1, 10), 0);
	assert_int_equal(rn_flow_store_read(f->store, 4, &row, 1), 1);
	row.flows = 99;
	assert_int_equal(rn_flow_store_put(f->store, 4, &row, 1, 11), 0);
	open_again(f, 100);
	assert_int_equal(holds(f, 1, 10), 0);
	assert_int_equal(rn_flow_store_read(f->store, 4, &row, 1), 1);
	assert_int_equal(row.flows, 99);
	assert_string_equal(row.rule_id, "web");
	assert_int_equal(rn_flow_store_put(f->store, 12, &row, 1, 12), -EINVAL);
	assert_int_equal(put(f, 11, 101), -EINVAL);
	assert_int_equal(holds(f, 1, 10), 0);
}

static void another_size(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, 1, 100), 0);
	open_again(f, 40);
	struct rn_flow_row row;
	assert_int_equal(rn_flow_store_newest(f->store) - rn_flow_store_oldest(f->store) + 1, 40);
	assert_int_equal(rn_flow_store_read(f->store, rn_flow_store_oldest(f->store), &row, 1), 1);
	assert_int_equal(row.source, 61);
	assert_int_equal(rn_flow_store_read(f->store, rn_flow_store_newest(f->store), &row, 1), 1);
	assert_int_equal(row.source, 100);
	open_again(f, 5000);
	assert_int_equal(rn_flow_store_read(f->store, rn_flow_store_newest(f->store), &row, 1), 1);
	assert_int_equal(row.source, 100);
	assert_int_equal(rn_flow_store_newest(f->store), 40);
}

static void spoil(const struct fixture *f, off_t at, unsigned char by)
{
	int fd = open(f->path, O_RDWR);
	unsigned char byte;
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= by;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void a_damaged_row_is_left_out(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(put(f, 1, 50), 0);
		spoil(f, HEAD + 7 * 128 + i, 1u << i % 8);
		open_again(f, 100);
		assert_false(f->was_aside);
		assert_int_equal(holds(f, 1, 50), 1);
	}
}

/* Whatever byte of the head is another one, the file is set aside, and rows go on anew. */
static void a_damaged_head(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(put(f, rn_flow_store_newest(f->store) + 1, 20), 0);
		spoil(f, i, 0x10);
		open_again(f, 100);
		assert_true(f->was_aside);
		assert_int_equal(holds(f, 1, 0), 0);
		assert_int_equal(stat(f->aside, &st), 0);
		assert_int_equal(put(f, 1, 3), 0);
		open_again(f, 100);
		assert_false(f->was_aside);
		assert_int_equal(holds(f, 1, 3), 0);
	}
}

static void a_file_that_is_cut(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, 1, 50), 0);
	assert_int_equal(truncate(f->path, HEAD + 30 * 128 + 5), 0);
	open_again(f, 100);
	assert_false(f->was_aside);
	assert_true(holds(f, 1, 50) >= 20);
	assert_int_equal(truncate(f->path, 11), 0);
	open_again(f, 100);
	assert_true(f->was_aside);
	assert_int_equal(holds(f, 1, 0), 0);
}

static void old_rows_go(void **state)
{
	struct fixture *f = *state;
	struct rn_flow_row zero = {0}, row;
	assert_int_equal(put(f, 1, 100), 0);
	assert_int_equal(put(f, 101, 50), 0);
	assert_int_equal(rn_flow_store_expire(f->store, 51, 1000), 0);
	assert_int_equal(rn_flow_store_expire(f->store, 121, 1000), 70);
	assert_int_equal(holds(f, 121, 150), 0);
	int fd = open(f->path, O_RDONLY);
	/* Serial 60 lay in place 59, and nothing of it is left. */
	assert_int_equal(pread(fd, &row, sizeof(row), HEAD + 59 * 128), sizeof(row));
	assert_memory_equal(&row, &zero, sizeof(row));
	close(fd);
	open_again(f, 100);
	assert_int_equal(holds(f, 121, 150), 0);
	assert_int_equal(rn_flow_store_expire(f->store, 1000, 1000), 30);
	assert_int_equal(holds(f, 151, 150), 0);
	open_again(f, 100); /* an empty ring is no damaged one: numbers go on */
	assert_false(f->was_aside);
	assert_int_equal(holds(f, 151, 150), 0);
	assert_int_equal(put(f, 151, 2), 0);
	assert_int_equal(holds(f, 151, 152), 0);
}

/* A file may not grow beyond a bound, as on a full disk: what is there stays, and it goes on when there is room. */
static void a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, small = {HEAD + 10 * 128 + 64, RLIM_INFINITY};
	assert_int_equal(put(f, 1, 5), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(put(f, 6, 20), -EFBIG);
	assert_int_equal(holds(f, 1, 5), 0);
	assert_int_equal(put(f, 6, 3), 0);
	assert_int_equal(holds(f, 1, 8), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(put(f, 9, 20), 0);
	open_again(f, 100);
	assert_int_equal(holds(f, 1, 28), 0);
}

static void a_path_that_cannot_be(void **state)
{
	struct fixture *f = *state;
	struct rn_flow_store *store;
	bool aside;
	assert_int_equal(rn_flow_store_open("/nowhere/flows.ring", 100, &store, &aside, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.text, "/nowhere/flows.ring"));
	assert_int_equal(mkdir(f->aside, 0700), 0);
	assert_int_not_equal(rn_flow_store_open(f->aside, 100, &store, &aside, &f->err), 0);
	assert_int_equal(rmdir(f->aside), 0);
}

/* Found by reading tests/fuzz/fuzz_flow_store.c: a row behind the last serial made the file one that is set aside. */
static void the_last_serial(void **state)
{
	struct fixture *f = *state;
	uint64_t serials[] = {INT64_MAX - 1, INT64_MAX}, head[5]; /* newest, oldest; the sum is its upper half of the last */
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	uint64_t hash = 0xcbf29ce484222325u;

	assert_true(pread(fd, head, sizeof(head), 0) == sizeof(head));
	head[2] = serials[0];
	head[3] = serials[1];
	head[4] = (uint32_t)head[4];
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		hash = (hash ^ head[i]) * 0x100000001b3u;
		hash ^= hash >> 32;
	}
	head[4] |= hash << 32;
	assert_true(pwrite(fd, head, sizeof(head), 0) == sizeof(head));
	close(fd);
	open_again(f, 100);
	assert_false(f->was_aside);
	assert_int_equal(put(f, INT64_MAX, 1), 0);
	assert_int_equal(put(f, INT64_MAX + 1ull, 1), -EOVERFLOW);
	assert_int_equal(put(f, INT64_MAX, 2), -EOVERFLOW);
	open_again(f, 100);
	assert_false(f->was_aside);
	assert_true(rn_flow_store_newest(f->store) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(is_empty_at_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_the_newest, setup, teardown),
	    cmocka_unit_test_setup_teardown(replaces_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_damaged_row_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_damaged_head, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_file_that_is_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(old_rows_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_full_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_path_that_cannot_be, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_last_serial, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
