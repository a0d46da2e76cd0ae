/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/loop.h"

struct fixture {
	struct rn_loop *loop;
	struct rn_watch *watch;
	struct rn_timer *timer;
	int fds[2];
	unsigned ready, fired, seen;
};

static void read_and_free(void *context, unsigned events)
{
	struct fixture *f = context;
	char c;

	f->ready++;
	f->seen |= events;
	assert_int_equal(read(f->fds[0], &c, 1), 1);
	rn_watch_free(f->watch);
	f->watch = NULL;
	rn_loop_stop(f->loop);
}

static void test_watch_freed_in_its_own_callback(void **state)
{
	struct fixture f = {.loop = rn_loop_new()};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, f.fds), 0);
	f.watch = rn_watch_new(f.loop, f.fds[0], RN_READABLE, read_and_free, &f);
	assert_non_null(f.watch);
	assert_int_equal(write(f.fds[1], "x", 1), 1);
	assert_int_equal(rn_loop_run(f.loop), 0);
	assert_int_equal(f.ready, 1);
	assert_int_equal(f.seen, RN_READABLE);
	rn_loop_free(f.loop);
	close(f.fds[0]);
	close(f.fds[1]);
}

static void end_of_peer(void *context, unsigned events)
{
	struct fixture *f = context;
	char c;

	assert_true(events & RN_READABLE);
	assert_int_equal(read(f->fds[0], &c, 1), 0);
	f->ready++;
	rn_loop_stop(f->loop);
}

static void test_peer_gone_is_readable(void **state)
{
	struct fixture f = {.loop = rn_loop_new()};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, f.fds), 0);
	f.watch = rn_watch_new(f.loop, f.fds[0], RN_READABLE, end_of_peer, &f);
	close(f.fds[1]);
	rn_loop_run(f.loop);
	assert_int_equal(f.ready, 1);
	rn_loop_free(f.loop); /* frees the watch that is left */
	close(f.fds[0]);
}

static void writable(void *context, unsigned events)
{
	struct fixture *f = context;

	assert_int_equal(events, RN_WRITABLE);
	f->ready++;
	rn_watch_set(f->watch, 0);
	rn_timer_set(f->timer, 20);
}

static void fire(void *context)
{
	struct fixture *f = context;

	if (++f->fired < 3) {
		rn_timer_set(f->timer, 5);
		return;
	}
	rn_timer_free(f->timer);
	rn_loop_stop(f->loop);
}

static void test_events_and_timer(void **state)
{
	struct fixture f = {.loop = rn_loop_new()};
	int64_t start = rn_loop_now_ms(f.loop);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, f.fds), 0);
	f.watch = rn_watch_new(f.loop, f.fds[0], RN_WRITABLE, writable, &f);
	f.timer = rn_timer_new(f.loop, fire, &f);
	rn_timer_set(f.timer, 1);
	rn_timer_set(f.timer, -1);
	rn_loop_run(f.loop);
	assert_int_equal(f.ready, 1); /* 0 events: silent although still writable */
	assert_int_equal(f.fired, 3);
	assert_true(rn_loop_now_ms(f.loop) - start >= 30);
	rn_watch_free(f.watch);
	rn_loop_free(f.loop);
	close(f.fds[0]);
	close(f.fds[1]);
}

static void term(void *context)
{
	(void)context;
	kill(getpid(), SIGTERM);
}

static void test_sigterm_ends_an_idle_loop(void **state)
{
	struct rn_loop *loop = rn_loop_new();
	struct rn_timer *timer = rn_timer_new(loop, term, NULL);

	(void)state;
	rn_timer_set(timer, 1);
	alarm(10);
	assert_int_equal(rn_loop_run(loop), 0);
	alarm(0);
	rn_loop_free(loop);
}

struct hurry {
	struct rn_timer *timer;
	struct rn_loop *loop;
	unsigned turns;
	bool heard;
};

static void hurry(void *context)
{
	struct hurry *h = context;

	if (++h->turns < 100000 && !h->heard)
		rn_timer_set(h->timer, 0);
	else
		rn_loop_stop(h->loop);
}

static void hear(void *context, unsigned events)
{
	(void)events;
	((struct hurry *)context)->heard = true;
}

static void test_a_timer_without_delay_keeps_nobody_waiting(void **state)
{
	struct hurry h = {.loop = rn_loop_new()};
	struct rn_watch *watch;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = rn_watch_new(h.loop, pair[0], RN_WRITABLE, hear, &h);
	h.timer = rn_timer_new(h.loop, hurry, &h);
	rn_timer_set(h.timer, 0);
	rn_loop_run(h.loop);
	assert_true(h.heard);
	assert_in_range(h.turns, 1, 10);
	/* Set and set aside, or freed, it does not fire. */
	h.turns = 0;
	rn_timer_set(h.timer, 0);
	rn_timer_set(h.timer, -1);
	rn_timer_free(h.timer);
	rn_watch_free(watch);
	rn_loop_free(h.loop);
	assert_int_equal(h.turns, 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_watch_freed_in_its_own_callback),
	    cmocka_unit_test(test_peer_gone_is_readable),
	    cmocka_unit_test(test_events_and_timer),
	    cmocka_unit_test(test_sigterm_ends_an_idle_loop),
	    cmocka_unit_test(test_a_timer_without_delay_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
