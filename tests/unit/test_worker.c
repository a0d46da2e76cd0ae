/* SPDX-License-Identifier: Apache-2.0 */
/* A job runs beside the loop, and each is told back on it once. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/worker.h"

struct job {
	int gate[2]; /* it runs until a byte comes; 0: it does not wait */
	pthread_t on;
	bool signals_blocked;
	unsigned runs, told, not_run;
	unsigned *order, place; /* which it was */
	struct rn_loop *stops;
	struct rn_worker *again; /* adds itself once more */
};

static void run(void *context)
{
	struct job *job = context;
	sigset_t mask;
	char byte;

	job->on = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	job->signals_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 1;
	if (job->gate[0])
		assert_int_equal(read(job->gate[0], &byte, 1), 1);
	job->runs++;
	if (job->order)
		job->place = ++*job->order;
}

static void done(void *context, bool ran)
{
	struct job *job = context;

	job->told++;
	job->not_run += !ran;
	if (job->again) {
		struct rn_worker *w = job->again;

		job->again = NULL;
		assert_int_equal(rn_worker_add(w, run, done, job), 0);
	} else if (job->stops) {
		rn_loop_stop(job->stops);
	}
}

static void a_job_runs_elsewhere_and_is_told_back_here(void **state)
{
	struct rn_loop *loop = rn_loop_new();
	struct rn_worker *w = rn_worker_new(loop);
	struct job job = {.stops = loop, .again = w};

	(void)state;
	assert_non_null(w);
	assert_int_equal(rn_worker_add(w, run, done, &job), 0);
	assert_int_equal(job.told, 0);
	rn_loop_run(loop);
	assert_int_equal(job.runs, 2);
	assert_int_equal(job.told, 2);
	assert_int_equal(job.not_run, 0);
	assert_true(job.signals_blocked);
	assert_false(pthread_equal(job.on, pthread_self()));
	rn_worker_free(w);
	rn_loop_free(loop);
}

struct turns {
	struct rn_timer *timer;
	unsigned count;
	int gate;
};

static void turn(void *context)
{
	struct turns *t = context;

	if (++t->count == 5)
		assert_int_equal(write(t->gate, "x", 1), 1);
	rn_timer_set(t->timer, 1);
}

/* The loop turns while a job runs: here until the fifth turn of it lets the job go on. */
static void the_loop_goes_on_meanwhile(void **state)
{
	struct rn_loop *loop = rn_loop_new();
	struct rn_worker *w = rn_worker_new(loop);
	struct job job = {.stops = loop};
	struct turns turns = {0};

	(void)state;
	assert_int_equal(pipe(job.gate), 0);
	turns.gate = job.gate[1];
	turns.timer = rn_timer_new(loop, turn, &turns);
	rn_timer_set(turns.timer, 1);
	assert_int_equal(rn_worker_add(w, run, done, &job), 0);
	rn_loop_run(loop);
	assert_true(turns.count >= 5);
	assert_int_equal(job.told, 1);
	rn_timer_free(turns.timer);
	rn_worker_free(w);
	rn_loop_free(loop);
	close(job.gate[0]);
	close(job.gate[1]);
}

/* In order, no more than fit, and at the end all of them are told, who has not run too. */
static void jobs_are_bounded_and_none_is_forgotten(void **state)
{
	struct rn_loop *loop = rn_loop_new();
	struct rn_worker *w = rn_worker_new(loop);
	struct job jobs[RN_WORKER_JOBS_MAX + 1] = {0};
	unsigned order = 0, not_run = 0;

	(void)state;
	assert_int_equal(pipe(jobs[0].gate), 0);
	for (unsigned i = 0; i <= RN_WORKER_JOBS_MAX; i++) {
		jobs[i].order = &order;
		assert_int_equal(rn_worker_add(w, run, done, &jobs[i]), i < RN_WORKER_JOBS_MAX ? 0 : -EAGAIN);
	}
	assert_int_equal(write(jobs[0].gate[1], "x", 1), 1);
	jobs[0].stops = loop;
	rn_loop_run(loop);
	rn_worker_end(w);
	assert_int_equal(rn_worker_add(w, run, done, &jobs[0]), -ESHUTDOWN);
	for (unsigned i = 0; i < RN_WORKER_JOBS_MAX; i++) {
		assert_int_equal(jobs[i].told, 1);
		assert_int_equal(jobs[i].runs + jobs[i].not_run, 1);
		if (jobs[i].runs)
			assert_int_equal(jobs[i].place, i + 1);
		not_run += jobs[i].not_run;
	}
	assert_true(not_run < RN_WORKER_JOBS_MAX);
	assert_int_equal(jobs[RN_WORKER_JOBS_MAX].told, 0);
	rn_worker_free(w);
	rn_loop_free(loop);
	close(jobs[0].gate[0]);
	close(jobs[0].gate[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_job_runs_elsewhere_and_is_told_back_here),
	    cmocka_unit_test(the_loop_goes_on_meanwhile),
	    cmocka_unit_test(jobs_are_bounded_and_none_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
