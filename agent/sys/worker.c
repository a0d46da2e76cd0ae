/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct item {
	struct item *next;
	void (*run)(void *job);
	void (*done)(void *job, bool ran);
	void *job;
	bool ran;
};
struct list {
	struct item *first, **end;
};

struct rn_worker {
	pthread_t thread;
	bool started, refuses; /* the loop's */
	unsigned count;	       /* of those not told back yet; the loop's */
	struct rn_watch *watch;
	int wake; /* eventfd: something is finished */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	struct list waiting, finished;
	bool running, ending;
};

static void append(struct list *list, struct item *item)
{
	item->next = NULL;
	*list->end = item;
	list->end = &item->next;
}

static struct item *take(struct list *list)
{
	struct item *item = list->first;

	if (!item)
		return NULL;
	list->first = item->next;
	if (!list->first)
		list->end = &list->first;
	return item;
}

/* ---- the thread ---- */

static void tell(const struct rn_worker *w)
{
	const uint64_t one = 1;
	ssize_t n = write(w->wake, &one, sizeof(one)); /* fails only where it is readable already */

	(void)n;
}

static void *work(void *context)
{
	/* The C library gives a thread its heap when it first asks, which may take calls that the filter ends. */
	void *volatile first = malloc(1);
	struct rn_worker *w = context;

	free(first);
	pthread_mutex_lock(&w->lock);
	w->running = true;
	pthread_cond_signal(&w->changed);
	while (!w->ending) {
		struct item *item = take(&w->waiting);

		if (!item) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		item->run(item->job);
		item->ran = true;
		pthread_mutex_lock(&w->lock);
		append(&w->finished, item);
		tell(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int start(struct rn_worker *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -rc;
	w->started = true;
	pthread_mutex_lock(&w->lock);
	while (!w->running)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

/* ---- the loop ---- */

/* A job that is told back may add others. */
static void tell_back(struct rn_worker *w, struct list *list)
{
	for (;;) {
		struct item *item;

		pthread_mutex_lock(&w->lock);
		item = take(list);
		pthread_mutex_unlock(&w->lock);
		if (!item)
			return;
		w->count--;
		item->done(item->job, item->ran);
		free(item);
	}
}

static void woken(void *context, unsigned events)
{
	struct rn_worker *w = context;
	uint64_t times;
	ssize_t n = read(w->wake, &times, sizeof(times));

	(void)events;
	(void)n;
	tell_back(w, &w->finished);
}

struct rn_worker *rn_worker_new(struct rn_loop *loop)
{
	struct rn_worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->waiting.end = &w->waiting.first;
	w->finished.end = &w->finished.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->watch = w->wake >= 0 ? rn_watch_new(loop, w->wake, RN_READABLE, woken, w) : NULL;
	if (w->watch && start(w) == 0)
		return w;
	rn_worker_free(w);
	return NULL;
}

int rn_worker_add(struct rn_worker *w, void (*run)(void *job), void (*done)(void *job, bool ran), void *job)
{
	struct item *item;

	if (w->refuses)
		return -ESHUTDOWN;
	if (w->count == RN_WORKER_JOBS_MAX)
		return -EAGAIN;
	item = malloc(sizeof(*item));
	if (!item)
		return -ENOMEM;
	*item = (struct item){.run = run, .done = done, .job = job};
	w->count++;
	pthread_mutex_lock(&w->lock);
	append(&w->waiting, item);
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

void rn_worker_end(struct rn_worker *w)
{
	if (!w)
		return;
	w->refuses = true;
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->ending = true;
		pthread_cond_signal(&w->changed);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
		w->started = false;
	}
	tell_back(w, &w->finished);
	tell_back(w, &w->waiting);
}

void rn_worker_free(struct rn_worker *w)
{
	if (!w)
		return;
	rn_worker_end(w);
	rn_watch_free(w->watch);
	if (w->wake >= 0)
		close(w->wake);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
