/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder of flows under a hub that lies, a clock that is wrong, a core that dies and a disk that fills. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/events.h"
#include "abi/verdict.h"
#include "service/core_recorder.h"
#include "tests/support/remove_tree.h"

#define NOW 1800000000
#define ROWS 20000u
#define HEAD 4096
#define HUB 5u

struct fixture {
	char dir[64], path[96];
	struct rn_ledger *ledger;
	struct rn_recorder *r;
	int64_t now, now_ms;
	struct rn_err why;
};

static void begin(struct fixture *f)
{
	f->r = rn_recorder_new(f->dir, ROWS, 7, f->now, f->now_ms, &f->why);
	assert_non_null(f->r);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/rn-recorder-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/flows.ring", f->dir);
	f->ledger = rn_ledger_new();
	f->now = NOW;
	begin(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	rn_recorder_free(f->r, f->now);
	rn_ledger_free(f->ledger);
	assert_int_equal(remove_tree(f->dir), 0);
	free(f);
	return 0;
}

static void tell(struct fixture *f, uint32_t reporter, uint32_t source, uint16_t port)
{
	struct rn_event e = {.time_ns = (uint64_t)NOW * 1000000000u,
			     .source_port = htons(1),
			     .destination_port = htons(port),
			     .source_number = source,
			     .destination_number = 2,
			     .kind = RN_EVENT_DENIED,
			     .reason = RN_DEFAULT_DENY,
			     .protocol = IPPROTO_TCP};
	rn_recorder_take(f->r, f->ledger, reporter, 0, (const uint8_t *)&e, sizeof(e), 0, f->now, f->now_ms);
}

static void minute(struct fixture *f)
{
	f->now += 61;
	f->now_ms += 61000;
	rn_recorder_tick(f->r, f->now, f->now_ms);
}

struct sums {
	unsigned rows, lost_rows, damaged;
	uint64_t flows, lost;
};

static struct sums add_up(const struct rn_flow_store *store)
{
	struct rn_flow_row row;
	struct sums s = {0};
	for (uint64_t at = rn_flow_store_oldest(store); rn_flow_store_read(store, at, &row, 1); at++) {
		s.damaged += !row.kind;
		s.rows += row.kind == RN_FLOW_BEGAN;
		s.flows += row.kind == RN_FLOW_BEGAN ? row.flows : 0;
		s.lost_rows += row.kind == RN_FLOW_LOST;
		s.lost += row.kind == RN_FLOW_LOST ? row.flows : 0;
	}
	return s;
}

static struct sums recorded(struct fixture *f)
{
	return add_up(rn_recorder_read(f->r, f->now));
}

/* Devices that are not behind it, as many as there are numbers: no more rows than one device has. */
static void a_hub_invents_sources(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 20000; i++)
		tell(f, HUB, 1000 + i, 80);
	struct sums s = recorded(f);
	assert_int_equal(s.rows, 500);
	assert_int_equal(s.lost_rows, 1);
	assert_int_equal(s.lost, 19500);
	/* What another tells has its own share, and the next minute is another. */
	tell(f, HUB + 1, HUB + 1, 80);
	minute(f);
	tell(f, HUB, 7, 80);
	assert_int_equal(recorded(f).rows, 502);
}

static struct rn_recorder_state how(struct fixture *f)
{
	struct rn_recorder_state s;
	rn_recorder_state(f->r, &s);
	return s;
}

static void it_says_how_it_is(void **state)
{
	struct fixture *f = *state;
	struct rn_recorder_state s = how(f);
	assert_int_equal(s.room, ROWS);
	assert_int_equal(s.lost, 0);
	assert_false(s.aside || s.failing);
	for (uint32_t i = 0; i < 600; i++)
		tell(f, 7, 7, (uint16_t)(1 + i));
	rn_recorder_take(f->r, f->ledger, 7, 0, NULL, 0, 11, f->now, f->now_ms);
	minute(f);
	s = how(f);
	assert_int_equal(s.rows,
			 recorded(f).rows + 2 + 1); /* lost of the device and of the hub; the silence at first */
	assert_int_equal(s.oldest, NOW);
	assert_int_equal(s.lost, 100 + 11);
	rn_recorder_free(f->r, f->now);
	int fd = open(f->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "damaged", 7, 0), 7);
	close(fd);
	begin(f);
	assert_true(how(f).aside);
	/* Where it cannot be, it says why. */
	rn_recorder_free(f->r, f->now);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	f->r = rn_recorder_new(f->dir, ROWS, 7, f->now, f->now_ms, &f->why);
	assert_null(f->r);
	assert_non_null(strstr(f->why.text, "cannot be used"));
}

static void a_full_disk_is_said(void **state)
{
	struct fixture *f = *state;
	rn_recorder_free(f->r, f->now);
	if (mount("tmpfs", f->dir, "tmpfs", 0, "size=64m") < 0) {
		begin(f);
		skip(); /* not root */
	}
	begin(f);
	tell(f, 7, 7, 80);
	minute(f);
	assert_int_equal(how(f).failing, -ENOSPC);
	assert_int_equal(how(f).lost, 1);
	minute(f);
	assert_int_equal(how(f).lost, 1); /* counted once */
	rn_recorder_free(f->r, f->now);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
	begin(f);
}

/* Before the clock is set it may be 1970: nothing of that is old. */
static void a_clock_that_is_not_set(void **state)
{
	struct fixture *f = *state;
	for (uint16_t port = 1; port <= 100; port++)
		tell(f, HUB, HUB, port);
	minute(f);
	rn_recorder_free(f->r, f->now);
	f->now = 1000;
	begin(f);
	minute(f);
	minute(f);
	assert_int_equal(recorded(f).rows, 100);
	f->now = NOW + 6 * 86400;
	minute(f);
	assert_int_equal(recorded(f).rows, 100);
	f->now = NOW + 8 * 86400;
	minute(f);
	assert_int_equal(recorded(f).rows, 0);
}

/* To the millisecond, by the hub's own clock, whatever that says. */
static void when_a_flow_began(void **state)
{
	static const struct {
		uint64_t time_ns;
		int32_t before_ms;
	} cases[] = {
	    {(uint64_t)NOW * 1000000000u, 0},
	    {(uint64_t)NOW * 1000000000u - 1500000000u, 1500},
	    {(uint64_t)NOW * 1000000000u + 250000000u, -250},
	    {(uint64_t)NOW * 1000000000u + 250999999u, -250},
	    {0, INT32_MAX},
	    {UINT64_MAX, INT32_MIN},
	};
	struct fixture *f = *state;
	const struct rn_flow_store *store;
	struct rn_flow_row row;
	unsigned seen = 0;
	for (uint16_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rn_event e = {.time_ns = cases[i].time_ns,
				     .destination_port = htons((uint16_t)(1 + i)),
				     .source_number = HUB,
				     .destination_number = 2,
				     .kind = RN_EVENT_DENIED,
				     .reason = RN_DEFAULT_DENY,
				     .protocol = IPPROTO_TCP};
		rn_recorder_take(f->r, f->ledger, HUB, 0, (const uint8_t *)&e, sizeof(e), 0, f->now, f->now_ms);
	}
	store = rn_recorder_read(f->r, f->now);
	for (uint64_t at = rn_flow_store_oldest(store); rn_flow_store_read(store, at, &row, 1); at++) {
		if (row.kind != RN_FLOW_BEGAN)
			continue;
		assert_int_equal(row.before_ms, cases[row.port - 1].before_ms);
		seen++;
	}
	assert_int_equal(seen, sizeof(cases) / sizeof(cases[0]));
}

static void who_turns_it_off_keeps_nothing(void **state)
{
	static const char *const ends[] = {"", ".damaged", ".new"};
	struct fixture *f = *state;
	char path[128];
	rn_recorder_free(f->r, f->now);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	f->r = rn_recorder_new(f->dir, 0, 7, f->now, f->now_ms, &f->why);
	assert_null(f->r);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static int put(struct rn_flow_store *store, uint64_t from, unsigned count)
{
	struct rn_flow_row rows[64];
	for (unsigned i = 0; i < count; i++)
		rows[i] = (struct rn_flow_row){.kind = RN_FLOW_BEGAN, .heard = NOW, .source = (uint32_t)(from + i)};
	return rn_flow_store_put(store, from, rows, count, NOW);
}

/* Core dies between the rows and the head: of a full ring the oldest are overwritten, which reading sees. */
static void it_dies_before_the_head_is_written(void **state)
{
	struct fixture *f = *state;
	struct rn_flow_store *store;
	uint8_t head[HEAD];
	struct rn_err err;
	char path[96];
	bool aside;
	snprintf(path, sizeof(path), "%s/ring", f->dir);
	for (unsigned full = 0; full < 2; full++) {
		unlink(path);
		assert_int_equal(rn_flow_store_open(path, 100, &store, &aside, &err), 0);
		for (unsigned i = 0; i < (full ? 4 : 1); i++)
			assert_int_equal(put(store, 1 + 40 * i, 40), 0);
		uint64_t newest = rn_flow_store_newest(store);
		int fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, head, HEAD, 0), HEAD);
		assert_int_equal(put(store, newest + 1, 30), 0);
		assert_int_equal(pwrite(fd, head, HEAD, 0), HEAD);
		close(fd);
		rn_flow_store_close(store);
		assert_int_equal(rn_flow_store_open(path, 100, &store, &aside, &err), 0);
		assert_false(aside);
		assert_int_equal(rn_flow_store_newest(store), newest);
		assert_int_equal(add_up(store).damaged, full ? 30 : 0);
		assert_int_equal(put(store, newest + 1, 30), 0);
		assert_int_equal(add_up(store).damaged, 0);
		rn_flow_store_close(store);
	}
}

static void it_is_killed(void **state)
{
	struct fixture *f = *state;
	volatile uint64_t *put_by = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rn_flow_store *store;
	struct rn_err err;
	char path[96];
	bool aside;
	snprintf(path, sizeof(path), "%s/ring", f->dir);
	for (unsigned round = 0; round < 40; round++) {
		pid_t child = fork();
		if (child == 0) {
			if (rn_flow_store_open(path, 1000, &store, &aside, &err) || aside)
				_exit(1);
			while (put(store, rn_flow_store_newest(store) + 1, 1 + rn_flow_store_newest(store) % 63) == 0)
				*put_by = rn_flow_store_newest(store);
			_exit(1);
		}
		usleep(500 + round * 131);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(rn_flow_store_open(path, 1000, &store, &aside, &err), 0);
		assert_false(aside);
		assert_true(rn_flow_store_newest(store) >= *put_by);
		assert_true(add_up(store).damaged <= 63);
		rn_flow_store_close(store);
	}
	munmap((void *)put_by, 4096);
}

/* Where little is left of the disk the ring does not grow, and others can still write. */
static void it_leaves_room(void **state)
{
	struct fixture *f = *state;
	struct rn_flow_store *store;
	struct rn_err err;
	char path[96];
	unsigned n = 0;
	bool aside;
	int rc = 0;
	if (mount("tmpfs", f->dir, "tmpfs", 0, "size=65m") < 0)
		skip(); /* not root */
	snprintf(path, sizeof(path), "%s/ring", f->dir);
	assert_int_equal(rn_flow_store_open(path, ROWS, &store, &aside, &err), 0);
	while (!rc && ++n < ROWS / 64)
		rc = put(store, rn_flow_store_newest(store) + 1, 64);
	assert_int_equal(rc, -ENOSPC);
	assert_true(n > 64 && n < 200); /* of 8 KiB: one MiB */
	/* What is there can be written anew. */
	assert_int_equal(put(store, 1, 64), 0);
	assert_int_equal(put(store, rn_flow_store_newest(store) + 1, 64), -ENOSPC);
	rn_flow_store_close(store);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_hub_invents_sources),
	    T(it_says_how_it_is),
	    T(a_full_disk_is_said),
	    T(a_clock_that_is_not_set),
	    T(when_a_flow_began),
	    T(who_turns_it_off_keeps_nothing),
	    T(it_dies_before_the_head_is_written),
	    T(it_is_killed),
	    T(it_leaves_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
