/* SPDX-License-Identifier: Apache-2.0 */
#include "role/core_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/local.h"
#include "sys/memory.h"

#define QUEUE_ROOM (256u * 1024u)      /* up to here a peer is ready for more */
#define QUEUE_MAX (4u * 1024u * 1024u) /* a peer that lets this pile up is gone */
#define BURST 64		       /* messages taken before others have their turn */

struct queued {
	struct queued *next;
	size_t size;
	uint8_t data[];
};

struct peer {
	struct rn_core_peers *all;
	enum rn_core_peer which;
	int fd; /* -1: not there */
	struct rn_watch *watch;
	struct queued *first, **last;
	size_t queued;
	bool broken; /* found while sending: hung up from the loop, since core is in the middle of something */
};

struct rn_core_peers {
	struct rn_core_peers_config config;
	struct rn_core *core;
	struct rn_watch *listening;
	struct rn_timer *sweep;
	struct peer peers[RN_CORE_PEERS];
	struct rn_log_limit strange; /* anybody on this host may dial */
	uint8_t buffer[RN_LOCAL_SIZE_MAX];
};

static const char *const names[RN_CORE_PEERS] = {"kern", "net", "ca", "web"};

/* ---- sending ---- */

static void drop_queue(struct peer *p)
{
	while (p->first) {
		struct queued *q = p->first;
		p->first = q->next;
		free(q);
	}
	p->last = &p->first;
	p->queued = 0;
}

static void break_off(struct peer *p)
{
	p->broken = true;
	rn_timer_set(p->all->sweep, 0);
}

static int enqueue(struct peer *p, const struct rn_local *message)
{
	RN_UNCLEARED uint8_t data[RN_LOCAL_SIZE_MAX];
	int size = rn_local_encode(message, data, sizeof(data));
	struct queued *q = size > 0 && p->queued + (size_t)size <= QUEUE_MAX ? malloc(sizeof(*q) + (size_t)size) : NULL;
	if (!q)
		return -ENOBUFS;
	q->next = NULL;
	q->size = (size_t)size;
	memcpy(q->data, data, (size_t)size);
	*p->last = q;
	p->last = &q->next;
	p->queued += q->size;
	rn_watch_set(p->watch, RN_READABLE | RN_WRITABLE);
	return 0;
}

bool rn_core_peers_ready(struct rn_core_peers *peers, enum rn_core_peer which)
{
	struct peer *p = &peers->peers[which];
	return p->fd >= 0 && !p->broken && p->queued < QUEUE_ROOM;
}

int rn_core_peers_send(struct rn_core_peers *peers, enum rn_core_peer which, const struct rn_local *message)
{
	struct peer *p = &peers->peers[which];
	if (p->fd < 0 || p->broken)
		return -ENOTCONN;
	int rc = p->first ? -EAGAIN : rn_local_send(p->fd, message);
	if (rc == -EAGAIN)
		rc = enqueue(p, message);
	/* A message that does not fit its frame is core's fault, not the peer's. */
	if (!rc || rc == -EMSGSIZE || rc == -EINVAL)
		return rc;
	break_off(p);
	return -ENOBUFS;
}

/* False where the peer is gone. */
static bool flush(struct peer *p)
{
	while (p->first) {
		struct queued *q = p->first;
		struct rn_local message;
		int rc = rn_local_decode(q->data, q->size, &message);
		if (!rc)
			rc = rn_local_send(p->fd, &message);
		if (rc == -EAGAIN)
			return true;
		if (rc)
			return false;
		p->first = q->next;
		if (!p->first)
			p->last = &p->first;
		p->queued -= q->size;
		free(q);
	}
	rn_watch_set(p->watch, RN_READABLE);
	return true;
}

/* ---- coming and going ---- */

static void hang_up(struct peer *p, const char *why)
{
	if (p->fd < 0)
		return;
	rn_log(RN_LOG_NOTICE, "%s: %s", names[p->which], why);
	rn_watch_free(p->watch);
	close(p->fd);
	p->watch = NULL;
	p->fd = -1;
	p->broken = false;
	drop_queue(p);
	rn_core_gone(p->all->core, p->which);
}

static void sweep(void *context)
{
	struct rn_core_peers *all = context;
	for (int i = 0; i < RN_CORE_PEERS; i++)
		if (all->peers[i].broken)
			hang_up(&all->peers[i], "does not take what it is sent; hung up");
}

static void receive(struct peer *p)
{
	struct rn_local message;
	for (int i = 0; i < BURST && p->fd >= 0; i++) {
		int rc = rn_local_receive(p->fd, p->all->buffer, &message);
		if (rc == -EAGAIN)
			return;
		if (rc == 1 && rn_core_receive(p->all->core, p->which, &message))
			continue;
		hang_up(p, rc == 0 ? "gone" : rc == 1 || rc == -EBADMSG ? "sent nonsense; hung up" : "lost");
		return;
	}
}

static void ready(void *context, unsigned events)
{
	struct peer *p = context;
	if (events & RN_WRITABLE) {
		bool was_full = p->queued >= QUEUE_ROOM;
		if (!flush(p)) {
			hang_up(p, "gone");
			return;
		}
		if (was_full && p->queued < QUEUE_ROOM)
			rn_core_ready(p->all->core, p->which);
	}
	if (events & RN_READABLE)
		receive(p);
}

static void take(struct rn_core_peers *all, enum rn_core_peer which, int fd)
{
	struct peer *p = &all->peers[which];
	hang_up(p, "dialled again");
	p->watch = rn_watch_new(all->config.loop, fd, RN_READABLE, ready, p);
	if (!p->watch) {
		close(fd);
		return;
	}
	p->fd = fd;
	rn_log(RN_LOG_INFO, "%s: connected", names[which]);
	rn_core_connected(all->core, which);
}

static void welcome(struct rn_core_peers *all, int fd, uid_t uid)
{
	for (int i = 0; i < RN_CORE_PEERS; i++) {
		if (all->config.wanted[i] && uid == all->config.uids[i]) {
			take(all, i, fd);
			return;
		}
	}
	if (rn_log_allowed(&all->strange, rn_loop_now_ms(all->config.loop), 10000))
		rn_log(RN_LOG_WARNING, "user %u dialled ipc.sock: hung up", (unsigned)uid);
	close(fd);
}

static void accept_all(void *context, unsigned events)
{
	struct rn_core_peers *all = context;
	(void)events;
	for (int i = 0; i < BURST; i++) {
		uid_t uid = (uid_t)-1;
		int fd = rn_local_accept(all->config.listener, &uid);
		if (fd < 0)
			return;
		welcome(all, fd, uid);
	}
}

/* ---- life ---- */

struct rn_core_peers *rn_core_peers_new(const struct rn_core_peers_config *config)
{
	struct rn_core_peers *all = calloc(1, sizeof(*all));
	if (!all)
		return NULL;
	all->config = *config;
	all->strange.burst = 10;
	for (int i = 0; i < RN_CORE_PEERS; i++)
		all->peers[i] = (struct peer){.all = all, .which = i, .fd = -1, .last = &all->peers[i].first};
	all->sweep = rn_timer_new(config->loop, sweep, all);
	if (!all->sweep) {
		free(all);
		return NULL;
	}
	return all;
}

int rn_core_peers_start(struct rn_core_peers *all, struct rn_core *core)
{
	all->core = core;
	all->listening = rn_watch_new(all->config.loop, all->config.listener, RN_READABLE, accept_all, all);
	return all->listening ? 0 : -ENOMEM;
}

void rn_core_peers_free(struct rn_core_peers *all)
{
	if (!all)
		return;
	for (int i = 0; i < RN_CORE_PEERS; i++)
		hang_up(&all->peers[i], "core ends");
	rn_watch_free(all->listening);
	rn_timer_free(all->sweep);
	free(all);
}
