/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

struct rn_loop {
	uv_loop_t uv;
	uv_signal_t term, interrupt, hangup;
	void (*reload)(void *context);
	void *reload_context;
};

/* The handle comes first in both, so that one close callback frees either. */
struct rn_watch {
	uv_poll_t uv;
	unsigned events;
	void (*ready)(void *context, unsigned events);
	void *context;
};

struct rn_timer {
	uv_timer_t uv;
	uv_idle_t soon; /* for no delay at all */
	void (*fire)(void *context);
	void *context;
};

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	uv_stop(handle->loop);
}

static int catch_signal(struct rn_loop *loop, uv_signal_t *handle, int number)
{
	int r = uv_signal_init(&loop->uv, handle);

	if (r < 0)
		return r;
	r = uv_signal_start(handle, on_signal, number);
	uv_unref((uv_handle_t *)handle);
	return r;
}

static void on_reload(uv_signal_t *handle, int number)
{
	struct rn_loop *loop = handle->data;

	(void)number;
	loop->reload(loop->reload_context);
}

int rn_loop_on_reload(struct rn_loop *loop, void (*reload)(void *context), void *context)
{
	loop->reload = reload;
	loop->reload_context = context;
	if (uv_signal_init(&loop->uv, &loop->hangup) < 0)
		return -ENOMEM;
	loop->hangup.data = loop;
	if (uv_signal_start(&loop->hangup, on_reload, SIGHUP) < 0)
		return -ENOMEM;
	uv_unref((uv_handle_t *)&loop->hangup);
	return 0;
}

struct rn_loop *rn_loop_new(void)
{
	struct rn_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	if (uv_loop_init(&loop->uv) < 0) {
		free(loop);
		return NULL;
	}
	if (catch_signal(loop, &loop->term, SIGTERM) < 0 || catch_signal(loop, &loop->interrupt, SIGINT) < 0) {
		rn_loop_free(loop);
		return NULL;
	}
	return loop;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	/* A timer goes with the idle handle beside it. */
	if (uv_is_closing(handle) || handle->type == UV_TIMER)
		return;
	if (handle->type == UV_IDLE)
		rn_timer_free(handle->data);
	else
		uv_close(handle, handle->type == UV_SIGNAL ? NULL : free_handle);
}

void rn_loop_free(struct rn_loop *loop)
{
	if (!loop)
		return;
	uv_walk(&loop->uv, close_handle, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	free(loop);
}

int rn_loop_run(struct rn_loop *loop)
{
	/* A loop in which nothing is watched for the moment still waits for its signals. */
	uv_ref((uv_handle_t *)&loop->term);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_unref((uv_handle_t *)&loop->term);
	return 0;
}

void rn_loop_stop(struct rn_loop *loop)
{
	uv_stop(&loop->uv);
}

int64_t rn_loop_now_ms(struct rn_loop *loop)
{
	(void)loop;
	return (int64_t)(uv_hrtime() / 1000000u);
}

static void on_poll(uv_poll_t *handle, int status, int uv_events)
{
	struct rn_watch *watch = (struct rn_watch *)handle;
	unsigned events = 0;

	if (status < 0) {
		/* libuv stops a handle that reports an error; the owner's next read or write tells which one it is. */
		unsigned wanted = watch->events;

		watch->events = 0;
		rn_watch_set(watch, wanted);
		watch->ready(watch->context, wanted);
		return;
	}
	if (uv_events & UV_READABLE)
		events |= RN_READABLE;
	if (uv_events & UV_WRITABLE)
		events |= RN_WRITABLE;
	if (uv_events & UV_DISCONNECT)
		events |= RN_HANGUP;
	watch->ready(watch->context, events);
}

struct rn_watch *rn_watch_new(struct rn_loop *loop, int fd, unsigned events,
			      void (*ready)(void *context, unsigned events), void *context)
{
	struct rn_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	if (uv_poll_init(&loop->uv, &watch->uv, fd) < 0) {
		free(watch);
		return NULL;
	}
	watch->ready = ready;
	watch->context = context;
	rn_watch_set(watch, events);
	return watch;
}

void rn_watch_set(struct rn_watch *watch, unsigned events)
{
	int uv_events = 0;

	if (events == watch->events)
		return;
	watch->events = events;
	if (events & RN_READABLE)
		uv_events |= UV_READABLE;
	if (events & RN_WRITABLE)
		uv_events |= UV_WRITABLE;
	if (events & RN_HANGUP)
		uv_events |= UV_DISCONNECT;
	if (uv_events)
		uv_poll_start(&watch->uv, uv_events, on_poll);
	else
		uv_poll_stop(&watch->uv);
}

void rn_watch_free(struct rn_watch *watch)
{
	if (!watch)
		return;
	uv_poll_stop(&watch->uv);
	uv_close((uv_handle_t *)&watch->uv, free_handle);
}

static void on_timer(uv_timer_t *handle)
{
	struct rn_timer *timer = (struct rn_timer *)handle;

	timer->fire(timer->context);
}

static void on_soon(uv_idle_t *handle)
{
	struct rn_timer *timer = handle->data;

	uv_idle_stop(handle);
	timer->fire(timer->context);
}

struct rn_timer *rn_timer_new(struct rn_loop *loop, void (*fire)(void *context), void *context)
{
	struct rn_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	uv_timer_init(&loop->uv, &timer->uv);
	uv_idle_init(&loop->uv, &timer->soon);
	timer->soon.data = timer;
	timer->fire = fire;
	timer->context = context;
	return timer;
}

void rn_timer_set(struct rn_timer *timer, int64_t delay_ms)
{
	uv_timer_stop(&timer->uv);
	uv_idle_stop(&timer->soon);
	if (delay_ms < 0)
		return;
	/* libuv fires timers until none is due: one that is set anew without delay each time would keep all else
	 * waiting. */
	if (delay_ms == 0) {
		uv_idle_start(&timer->soon, on_soon);
		return;
	}
	/* The loop's own clock stands still within one round; a delay counts from now. */
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, on_timer, (uint64_t)delay_ms, 0);
}

static void free_rest(uv_handle_t *soon)
{
	uv_close((uv_handle_t *)&((struct rn_timer *)soon->data)->uv, free_handle);
}

void rn_timer_free(struct rn_timer *timer)
{
	if (!timer)
		return;
	uv_timer_stop(&timer->uv);
	uv_close((uv_handle_t *)&timer->soon, free_rest);
}
