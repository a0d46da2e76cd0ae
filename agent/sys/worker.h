/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_WORKER_H
#define RN_SYS_WORKER_H

#include <stdbool.h>

#include "sys/loop.h"

/*
 * One thread beside the loop, for work that would hold up everybody: jobs one after the other, in the order in which
 * they came. A job is memory that nobody else touches while it runs; it may use nothing of the process but memory and
 * files. It is told back on the loop.
 */
#define RN_WORKER_JOBS_MAX 16u
struct rn_worker;

/*
 * Starts the thread, which blocks all signals, and waits until it runs: seccomp filters that are loaded after this find
 * it with all that it needs to begin. NULL on failure.
 */
struct rn_worker *rn_worker_new(struct rn_loop *loop);
/*
 * run is called on the thread, then done on the loop, exactly once and never within this call; ran: false where the
 * worker ended before it was the job's turn. 0, -EAGAIN (RN_WORKER_JOBS_MAX are there), -ESHUTDOWN, -ENOMEM.
 */
int rn_worker_add(struct rn_worker *worker, void (*run)(void *job), void (*done)(void *job, bool ran), void *job);
/* Takes nothing more, waits for the job that runs, and tells all of them back; NULL is legal. */
void rn_worker_end(struct rn_worker *worker);
void rn_worker_free(struct rn_worker *worker); /* ends it first; NULL is legal */

#endif
