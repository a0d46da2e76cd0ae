/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_LOOP_H
#define RN_SYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* The event loop of net and core; the only file that includes libuv. One thread. */
struct rn_loop;
struct rn_watch; /* a file descriptor being watched */
struct rn_timer;

struct rn_loop *rn_loop_new(void); /* NULL: out of memory */
void rn_loop_free(struct rn_loop *loop);
/* Runs until rn_loop_stop or SIGTERM or SIGINT; 0. */
int rn_loop_run(struct rn_loop *loop);
void rn_loop_stop(struct rn_loop *loop);
/* Calls it at each SIGHUP, which otherwise ends the process. 0 or -ENOMEM; once a loop. */
int rn_loop_on_reload(struct rn_loop *loop, void (*reload)(void *context), void *context);
int64_t rn_loop_now_ms(struct rn_loop *loop); /* monotonic */

enum { RN_READABLE = 1, RN_WRITABLE = 2, RN_HANGUP = 4 /* the peer sends no more, or is gone */ };
/* The descriptor stays the caller's; it must outlive the watch. NULL on failure. */
struct rn_watch *rn_watch_new(struct rn_loop *loop, int fd, unsigned events,
			      void (*ready)(void *context, unsigned events), void *context);
void rn_watch_set(struct rn_watch *watch, unsigned events);
void rn_watch_free(struct rn_watch *watch); /* legal within its own callback; NULL is legal */

struct rn_timer *rn_timer_new(struct rn_loop *loop, void (*fire)(void *context), void *context);
void rn_timer_set(struct rn_timer *timer, int64_t delay_ms); /* once; again moves it; negative: off */
void rn_timer_free(struct rn_timer *timer);

#endif
