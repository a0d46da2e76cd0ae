/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets between the processes of a host, and the loop of net: what sys/local.h and sys/loop.h promise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "sys/local.h"

#define LOCAL_US_MAX 3 /* ms that a message between processes takes at most */
#define TO_CORE_MAX (256u * 1024u)

/* ---- pipes ---- */

static void append(struct sim_host *h, enum rn_core_peer peer, bool to_core, struct sim_piece *piece)
{
	struct sim_pipe *pipe = to_core ? &h->to_core[peer] : &h->to_process[peer];
	struct sim_event e = {.type = to_core ? SIM_TO_CORE : SIM_TO_PROCESS, .host = h->index, .peer = peer};

	if (!pipe->first)
		pipe->last = &pipe->first;
	*pipe->last = piece;
	pipe->last = &piece->next;
	pipe->bytes += piece->size;
	e.at = h->sim->now_ms + rng_below(&h->sim->rng, LOCAL_US_MAX);
	if (peer == RN_CORE_KERN && !to_core)
		e.at += h->slow_kern_ms;
	sim_push(h->sim, e);
}

void sim_put(struct sim_host *h, enum rn_core_peer peer, bool to_core, const struct rn_local *message)
{
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	int size = rn_local_encode(message, data, sizeof(data));
	struct sim_piece *piece;

	if (size < 0)
		sim_fail(h->sim, "%s: message %d between processes cannot be encoded", h->name, message->type);
	piece = sim_zeros(1, sizeof(*piece) + (size_t)size);
	piece->size = (size_t)size;
	memcpy(piece->data, data, (size_t)size);
	append(h, peer, to_core, piece);
}

void sim_mark(struct sim_host *h, enum rn_core_peer peer, bool to_core, bool begins)
{
	struct sim_piece *piece = sim_zeros(1, sizeof(*piece));

	piece->begins = begins;
	piece->ends = !begins;
	append(h, peer, to_core, piece);
}

struct sim_piece *sim_take(struct sim_pipe *pipe)
{
	struct sim_piece *piece = pipe->first;

	if (!piece)
		return NULL;
	pipe->first = piece->next;
	pipe->bytes -= piece->size;
	return piece;
}

void sim_clear(struct sim_pipe *pipe)
{
	struct sim_piece *piece;

	while ((piece = sim_take(pipe)))
		free(piece);
}

/* ---- sys/local.h, as net uses it ---- */

int rn_local_dial(const char *path, uid_t owner, const char *name, bool *strange)
{
	(void)path;
	(void)owner;
	(void)name;
	(void)strange;
	if (!sim_here->core)
		return -ECONNREFUSED;
	sim_mark(sim_here, RN_CORE_NET, true, true);
	return SIM_FD + (int)sim_here->index;
}

/* There is one run directory, for good. */
bool rn_local_moved(const char *directory)
{
	(void)directory;
	return false;
}

int rn_local_send(int fd, const struct rn_local *message)
{
	struct sim_host *h = &sim_here->sim->hosts[fd - SIM_FD];

	if (!h->core)
		return -EPIPE;
	if (h->to_core[RN_CORE_NET].bytes > TO_CORE_MAX)
		return -EAGAIN;
	if (!sim_burn())
		sim_put(h, RN_CORE_NET, true, message);
	return 0;
}

int rn_local_receive(int fd, void *buffer, struct rn_local *ret)
{
	struct sim_host *h = &sim_here->sim->hosts[fd - SIM_FD];
	struct sim_piece *piece = sim_take(&h->to_process[RN_CORE_NET]);
	int r = 0;

	if (!piece)
		return -EAGAIN;
	if (piece->size) {
		memcpy(buffer, piece->data, piece->size);
		r = rn_local_decode(buffer, piece->size, ret) < 0 ? -EBADMSG : 1;
	}
	free(piece);
	return r;
}

/* ---- sys/loop.h ---- */

struct rn_timer {
	struct rn_timer *next;
	struct sim_host *host;
	void (*fire)(void *context);
	void *context;
	int64_t at; /* INT64_MAX: off */
};

struct rn_watch {
	struct sim_host *host;
	unsigned events;
	void (*ready)(void *context, unsigned events);
	void *context;
};

/* A host's loop is the host. */
static struct sim_host *host_of(struct rn_loop *loop)
{
	return (struct sim_host *)loop;
}

int64_t rn_loop_now_ms(struct rn_loop *loop)
{
	const struct sim_host *h = host_of(loop);

	return h->sim->now_ms - h->booted_ms;
}

void rn_loop_stop(struct rn_loop *loop)
{
	sim_fail(host_of(loop)->sim, "%s: net ended itself", host_of(loop)->name);
}

struct rn_timer *rn_timer_new(struct rn_loop *loop, void (*fire)(void *context), void *context)
{
	struct rn_timer *t = sim_zeros(1, sizeof(*t));

	*t = (struct rn_timer){.next = host_of(loop)->timers, .host = host_of(loop), .fire = fire, .context = context};
	t->at = INT64_MAX;
	t->host->timers = t;
	return t;
}

void rn_timer_set(struct rn_timer *timer, int64_t delay_ms)
{
	timer->at = delay_ms < 0 ? INT64_MAX : timer->host->sim->now_ms + delay_ms;
}

void rn_timer_free(struct rn_timer *timer)
{
	struct rn_timer **at = timer ? &timer->host->timers : NULL;

	while (at && *at && *at != timer)
		at = &(*at)->next;
	if (at && *at)
		*at = timer->next;
	free(timer);
}

void sim_timers(struct sim_host *h)
{
	for (struct rn_timer *t = h->timers; t; t = t->next) {
		if (t->at > h->sim->now_ms)
			continue;
		t->at = INT64_MAX;
		t->fire(t->context);
	}
}

int64_t sim_timers_next(const struct sim_host *h)
{
	int64_t next = INT64_MAX;

	for (const struct rn_timer *t = h->timers; t; t = t->next)
		if (t->at < next)
			next = t->at;
	return next;
}

struct rn_watch *rn_watch_new(struct rn_loop *loop, int fd, unsigned events,
			      void (*ready)(void *context, unsigned events), void *context)
{
	struct rn_watch *w = sim_zeros(1, sizeof(*w));

	(void)fd;
	*w = (struct rn_watch){.host = host_of(loop), .events = events, .ready = ready, .context = context};
	w->host->watch = w;
	return w;
}

void rn_watch_set(struct rn_watch *watch, unsigned events)
{
	watch->events = events;
}

void rn_watch_free(struct rn_watch *watch)
{
	if (watch)
		watch->host->watch = NULL;
	free(watch);
}

void sim_watch_ready(struct sim_host *h, unsigned events)
{
	if (h->watch && (h->watch->events & events))
		h->watch->ready(h->watch->context, h->watch->events & events);
}
