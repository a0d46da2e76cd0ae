/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "role/net.h"
#include "sys/local.h"

#define SEAL_MAX 64 /* bytes of a request */
#define TURN_MAX 64 /* messages of core before others have their turn */

int net_queue_put(struct net_queue *queue, const struct rn_local *message, size_t max)
{
	struct net_parcel *parcel;

	if (queue->bytes + sizeof(*parcel) + message->block_size > max)
		return -ENOBUFS;
	parcel = malloc(sizeof(*parcel) + message->block_size);
	if (!parcel)
		return -ENOMEM;
	parcel->next = NULL;
	parcel->local = *message;
	parcel->size = message->block_size;
	if (parcel->size)
		memcpy(parcel->data, message->block, parcel->size);
	parcel->local.block = parcel->data;
	if (queue->last)
		queue->last->next = parcel;
	else
		queue->first = parcel;
	queue->last = parcel;
	queue->bytes += sizeof(*parcel) + parcel->size;
	return 0;
}

void net_queue_drop(struct net_queue *queue)
{
	struct net_parcel *parcel = queue->first;

	queue->first = parcel->next;
	if (!queue->first)
		queue->last = NULL;
	queue->bytes -= sizeof(*parcel) + parcel->size;
	free(parcel);
}

void net_queue_clear(struct net_queue *queue)
{
	while (queue->first)
		net_queue_drop(queue);
}

bool net_core_there(const struct net *net)
{
	return net->core.fd >= 0 && !net->core.lost;
}

bool net_core_slow(const struct net *net)
{
	return net->core.queue.first;
}

void net_core_send(struct net *net, const struct rn_local *message)
{
	struct net_core *core = &net->core;
	int r = -EAGAIN;

	if (!net_core_there(net))
		return;
	if (!core->queue.first)
		r = rn_local_send(core->fd, message);
	if (r == -EAGAIN)
		r = net_queue_put(&core->queue, message, NET_CORE_QUEUE_MAX);
	if (r < 0)
		core->lost = true;
	else if (core->queue.first)
		rn_watch_set(core->watch, RN_READABLE | RN_WRITABLE);
}

static void flush(struct net_core *core)
{
	while (core->queue.first) {
		int r = rn_local_send(core->fd, &core->queue.first->local);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			core->lost = true;
			return;
		}
		net_queue_drop(&core->queue);
	}
	rn_watch_set(core->watch, RN_READABLE);
}

static void on_connect(struct net *net, const struct rn_local *in)
{
	net_peers_connect(net, in);
}

static void on_send(struct net *net, const struct rn_local *in)
{
	net_peers_send(net, in->session, in->block, in->block_size);
}

static void on_close(struct net *net, const struct rn_local *in)
{
	net_peers_close(net, in->session);
}

static void on_watch(struct net *net, const struct rn_local *in)
{
	net_peers_watch(net, in->session, in->number);
}

static void on_deny(struct net *net, const struct rn_local *in)
{
	if (rn_gatekeeper_deny(net->gatekeeper, in->key) < 0)
		rn_log(RN_LOG_ERROR, "too many revoked keys to remember; this one's sessions are closed only");
	net_peers_close_key(net, in->key);
}

static void on_leaf(struct net *net, const struct rn_local *in)
{
	const int64_t now = net_now();
	const bool was_expired = rn_gatekeeper_expires(net->gatekeeper) <= now;
	char path[RN_PATH_SIZE];
	int r = rn_gatekeeper_renew(net->gatekeeper, in->block, in->block_size, now);

	if (r < 0) {
		rn_log(RN_LOG_ERROR, "core gave a certificate that is not this host's; it goes on with the old one");
		return;
	}
	r = rn_path_join(path, sizeof(path), net->dir, "leaf.der");
	if (r == 0)
		r = rn_file_write(path, in->block, in->block_size, 0600);
	if (r < 0)
		rn_log(RN_LOG_ERROR, "the new certificate is used but cannot be kept: %s: %s", path, strerror(-r));
	else
		rn_log(RN_LOG_INFO, "certificate renewed");
	if (was_expired)
		net_peers_close_dialled(net); /* they know us by the old one, which may only ask for renewal */
}

/* Only what goes to the gateway's core is sealed: net does not lend its key for anything else. */
static void on_seal(struct net *net, const struct rn_local *in)
{
	uint8_t box[SEAL_MAX + RN_SEAL_OVERHEAD];
	struct rn_local out = {.type = RN_LOCAL_NET_SEALED, .number = in->number};

	if (in->block_size <= SEAL_MAX && rn_equal(in->key, net->box_public, RN_KEY_SIZE) &&
	    rn_box_seal(in->key, net->secret, in->block, in->block_size, box) == 0) {
		out.block = box;
		out.block_size = in->block_size + RN_SEAL_OVERHEAD;
	}
	net_core_send(net, &out);
}

static const struct {
	enum rn_local_type type;
	void (*handle)(struct net *net, const struct rn_local *in);
} handlers[] = {
    {RN_LOCAL_NET_CONNECT, on_connect}, {RN_LOCAL_NET_SEND, on_send}, {RN_LOCAL_NET_CLOSE, on_close},
    {RN_LOCAL_NET_WATCH, on_watch}, {RN_LOCAL_NET_DENY, on_deny},	{RN_LOCAL_NET_LEAF, on_leaf}, {RN_LOCAL_NET_SEAL, on_seal},
};

static bool dispatch(struct net *net, const struct rn_local *in)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type == in->type) {
			handlers[i].handle(net, in);
			return true;
		}
	}
	return false;
}

static void ready(void *context, unsigned events)
{
	struct net *net = context;
	struct net_core *core = &net->core;
	struct rn_local in;

	if (events & RN_WRITABLE)
		flush(core);
	for (unsigned i = 0; i < TURN_MAX && !core->lost; i++) {
		int r = rn_local_receive(core->fd, core->buffer, &in);

		if (r == -EAGAIN)
			break;
		if (r != 1 || !dispatch(net, &in))
			core->lost = true;
	}
	net_settle(net);
}

static void dial(void *context)
{
	struct net *net = context;
	struct net_core *core = &net->core;
	struct rn_local hello = {.type = RN_LOCAL_NET_HELLO};
	int fd = rn_local_dial(RN_LOCAL_CORE, core->uid, "core", &core->strange);

	if (fd >= 0)
		core->watch = rn_watch_new(net->loop, fd, RN_READABLE, ready, net);
	if (fd < 0 || !core->watch) {
		if (fd >= 0)
			close(fd);
		else if (rn_local_moved(net->run_dir))
			rn_loop_stop(net->loop);
		rn_timer_set(core->retry, NET_CORE_RETRY_MS);
		return;
	}
	core->fd = fd;
	memcpy(hello.key, net->public, sizeof(hello.key));
	net_core_send(net, &hello);
	rn_log(RN_LOG_INFO, "core: connected");
	net_settle(net);
}

static void hang_up(struct net *net)
{
	struct net_core *core = &net->core;

	rn_watch_free(core->watch);
	core->watch = NULL;
	if (core->fd >= 0)
		close(core->fd);
	core->fd = -1;
	core->lost = false;
	net_queue_clear(&core->queue);
}

void net_core_reap(struct net *net)
{
	if (!net->core.lost)
		return;
	rn_log(RN_LOG_NOTICE, "core: gone; sessions are closed until it is back");
	hang_up(net);
	net_peers_close_all(net);
	rn_timer_set(net->core.retry, NET_CORE_RETRY_MS);
}

int net_core_start(struct net *net, struct rn_err *err)
{
	net->core.retry = rn_timer_new(net->loop, dial, net);
	if (!net->core.retry)
		return rn_fail(err, -ENOMEM, "out of memory");
	rn_timer_set(net->core.retry, 0);
	return 0;
}

void net_core_stop(struct net *net)
{
	hang_up(net);
	rn_timer_free(net->core.retry);
}
