/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "role/net.h"

struct net_peer {
	rn_session_id id; /* first: the tree compares it */
	uint8_t key[RN_KEY_SIZE];
	struct rn_caller who; /* its leaf is not kept */
	uint32_t tag;	    /* of the CONNECT */
	bool dialled, open, doomed, busy;
	int reason; /* why it is doomed, and core is to hear it; 0: core knows */
	int64_t until_ms; /* of a stranger */
	unsigned messages;
	struct net_queue pending;
	struct net_peer *next, *previous;
};

static int compare_ids(const void *a, const void *b)
{
	const rn_session_id x = *(const rn_session_id *)a, y = *(const rn_session_id *)b;

	return x < y ? -1 : x > y;
}

static struct net_peer *find(struct net *net, rn_session_id id)
{
	void *node = tfind(&id, &net->peers.tree, compare_ids);

	return node ? *(struct net_peer **)node : NULL;
}

static struct net_peer *add(struct net *net, rn_session_id id, const uint8_t key[RN_KEY_SIZE])
{
	struct net_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->id = id;
	memcpy(peer->key, key, RN_KEY_SIZE);
	if (!tsearch(peer, &net->peers.tree, compare_ids)) {
		free(peer);
		return NULL;
	}
	peer->next = net->peers.first;
	if (peer->next)
		peer->next->previous = peer;
	net->peers.first = peer;
	return peer;
}

static void drop(struct net *net, struct net_peer *peer)
{
	tdelete(&peer->id, &net->peers.tree, compare_ids);
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		net->peers.first = peer->next;
	if (peer->next)
		peer->next->previous = peer->previous;
	if (peer->open && !peer->who.kind)
		net->peers.strangers--;
	net_queue_clear(&peer->pending);
	free(peer);
}

/* reason: what core is told, as a positive errno; negative: nothing. */
static void tell_closed(struct net *net, const struct net_peer *peer, int reason)
{
	struct rn_local closed = {.type = RN_LOCAL_NET_CLOSED, .number = (uint32_t)reason};

	if (reason < 0)
		return;
	if (peer->open)
		closed.session = peer->id;
	else
		closed.version = peer->tag;
	if (peer->open || peer->dialled)
		net_core_send(net, &closed);
}

static void doom(struct net_peer *peer, int reason)
{
	if (peer->doomed)
		return;
	peer->doomed = true;
	peer->reason = reason;
}

void net_peers_reap(struct net *net)
{
	struct net_peer *next;

	for (struct net_peer *peer = net->peers.first; peer; peer = next) {
		rn_session_id id = peer->id;

		next = peer->next;
		if (!peer->doomed)
			continue;
		tell_closed(net, peer, peer->reason);
		drop(net, peer);
		rn_sessions_close(net->sessions, rn_loop_now_ms(net->loop), id);
	}
}

static void refused(struct net *net, const struct rn_endpoint *from, int reason)
{
	char text[RN_ENDPOINT_TEXT];

	if (rn_log_allowed(&net->peers.refusals, rn_loop_now_ms(net->loop), 10000))
		rn_log(RN_LOG_NOTICE, "%s is not let in: %s", rn_endpoint_format(from, text), strerror(-reason));
}

/*
 * Room for one more stranger. In a full table the one who came first goes, if it had time to enrol: one source, at the
 * rate that it is allowed, must not keep all others out.
 */
static bool stranger_room(const struct net *net, struct net_peer **ret_leaves)
{
	const int64_t now_ms = rn_loop_now_ms(net->loop);
	struct net_peer *first = NULL;

	*ret_leaves = NULL;
	if (net->peers.strangers < NET_STRANGERS_MAX)
		return true;
	for (struct net_peer *peer = net->peers.first; peer; peer = peer->next)
		if (peer->open && !peer->who.kind && !peer->doomed && (!first || peer->until_ms < first->until_ms))
			first = peer;
	if (!first || now_ms < first->until_ms - NET_STRANGER_MS + NET_STRANGER_FAIR_MS)
		return false;
	*ret_leaves = first;
	return true;
}

bool net_peers_admit(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size)
{
	struct net *net = context;
	struct net_peer *leaves;
	struct rn_caller who = {0};
	int r = -EAGAIN;

	/* Without core there is nobody to speak for this host: better no answer than a session that means nothing. */
	if (net_core_there(net))
		r = rn_gatekeeper_ask(net->gatekeeper, ask->peer, ask->data, ask->size, net_now(), &who);
	if (r == 0 && !who.kind && !stranger_room(net, &leaves))
		r = -EBUSY;
	if (r == 0)
		r = rn_gatekeeper_hello(net->gatekeeper, !who.kind, ret_hello);
	if (r < 0) {
		refused(net, &ask->from, r);
		return false;
	}
	*ret_size = (size_t)r;
	return true;
}

static void announce(struct net *net, const struct net_peer *peer, const struct rn_session_event *event)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN,
				.session = peer->id,
				.number = peer->tag,
				.endpoint = event->from,
				.role = (uint8_t)peer->who.kind,
				.expires = (uint64_t)peer->who.expires,
				.block = peer->who.leaf,
				.block_size = peer->who.leaf_size};

	memcpy(open.key, peer->key, sizeof(open.key));
	snprintf(open.text, sizeof(open.text), "%s", peer->who.name);
	net_core_send(net, &open);
}

/* The peer's certificate is judged here once more, with the key that the finished handshake proved. */
static void on_open(struct net *net, const struct rn_session_event *event)
{
	struct net_peer *peer = find(net, event->session), *leaves = NULL;
	int r;

	if (!peer)
		peer = add(net, event->session, event->peer);
	if (!peer)
		return;
	if (peer->dialled)
		r = rn_gatekeeper_dialled(net->gatekeeper, peer->key, event->data, event->size, net_now(), &peer->who);
	else
		r = rn_gatekeeper_ask(net->gatekeeper, peer->key, event->data, event->size, net_now(), &peer->who);
	if (r == 0 && !peer->who.kind && !stranger_room(net, &leaves))
		r = -EBUSY;
	if (r == 0 && !net_core_there(net))
		r = -EAGAIN; /* it went since it was asked, and the next one would never hear of this session */
	if (leaves)
		doom(leaves, EBUSY);
	if (r < 0) {
		refused(net, &event->from, r);
		doom(peer, -r);
		return;
	}
	peer->open = true;
	if (!peer->who.kind) {
		net->peers.strangers++;
		peer->until_ms = rn_loop_now_ms(net->loop) + NET_STRANGER_MS;
		rn_timer_set(net->peers.sweep, 1000);
	}
	announce(net, peer, event);
	peer->who.leaf = NULL;
}

static void on_message(struct net *net, const struct rn_session_event *event)
{
	const struct rn_local message = {.type = RN_LOCAL_NET_MESSAGE,
					 .session = event->session,
					 .block = event->data,
					 .block_size = event->size};
	struct net_peer *peer = find(net, event->session);

	if (!peer || !peer->open || peer->doomed)
		return;
	if (peer->who.expired && event->size && !rn_gatekeeper_may_send(&peer->who, event->data[0]))
		return; /* it may not know yet that its certificate has ended */
	if (!event->size || !rn_gatekeeper_may_send(&peer->who, event->data[0]) ||
	    (!peer->who.kind && ++peer->messages > NET_STRANGER_MESSAGES))
		doom(peer, EPROTO);
	else
		net_core_send(net, &message);
}

static void tell_busy(struct net *net, struct net_peer *peer, bool busy)
{
	const struct rn_local message = {.type = RN_LOCAL_NET_BUSY, .session = peer->id, .number = busy};

	if (peer->busy == busy)
		return;
	peer->busy = busy;
	net_core_send(net, &message);
}

static void on_writable(struct net *net, const struct rn_session_event *event)
{
	struct net_peer *peer = find(net, event->session);

	while (peer && peer->pending.first) {
		const struct net_parcel *parcel = peer->pending.first;
		int r = rn_sessions_send(net->sessions, rn_loop_now_ms(net->loop), peer->id, parcel->data, parcel->size);

		if (r == -EAGAIN)
			return;
		net_queue_drop(&peer->pending);
	}
	if (peer)
		tell_busy(net, peer, false);
}

static void on_closed(struct net *net, const struct rn_session_event *event)
{
	struct net_peer *peer = find(net, event->session);

	if (!peer)
		return;
	if (!peer->doomed)
		tell_closed(net, peer, -event->reason);
	else
		tell_closed(net, peer, peer->reason);
	drop(net, peer);
}

static void on_silence(struct net *net, const struct rn_session_event *event)
{
	const struct rn_local silence = {
	    .type = RN_LOCAL_NET_SILENCE, .session = event->session, .number = (uint32_t)event->reason};
	struct net_peer *peer = find(net, event->session);

	if (peer && peer->open && !peer->doomed)
		net_core_send(net, &silence);
}

void net_peers_watch(struct net *net, rn_session_id id, uint32_t ms)
{
	if (ms)
		rn_sessions_watch(net->sessions, rn_loop_now_ms(net->loop), id, ms);
	else
		rn_sessions_probe(net->sessions, rn_loop_now_ms(net->loop), id);
}

void net_peers_event(void *context, const struct rn_session_event *event)
{
	struct net *net = context;

	switch (event->type) {
	case RN_SESSION_ASK:
		break;
	case RN_SESSION_OPEN:
		on_open(net, event);
		break;
	case RN_SESSION_MESSAGE:
		on_message(net, event);
		break;
	case RN_SESSION_WRITABLE:
		on_writable(net, event);
		break;
	case RN_SESSION_CLOSED:
		on_closed(net, event);
		break;
	case RN_SESSION_SILENCE:
		on_silence(net, event);
		break;
	}
}

void net_peers_connect(struct net *net, const struct rn_local *in)
{
	const struct rn_local failed = {.type = RN_LOCAL_NET_CLOSED, .number = ENOBUFS, .version = in->number};
	uint8_t hello[RN_HELLO_MAX];
	int size = rn_gatekeeper_hello(net->gatekeeper, false, hello);
	struct rn_endpoint to = in->endpoint;
	rn_session_id id = 0;
	struct net_peer *peer;

	net->second = in->endpoint;
	if (in->port)
		to.port = in->port;
	net->first = in->port ? to : (struct rn_endpoint){.port = 0};
	if (size >= 0)
		id = rn_sessions_connect(net->sessions, rn_loop_now_ms(net->loop), &to, in->key, hello, (size_t)size);
	if (id && in->port)
		rn_sessions_alternate(net->sessions, id, in->endpoint.port);
	peer = id ? add(net, id, in->key) : NULL;
	if (!peer) {
		if (id)
			rn_sessions_close(net->sessions, rn_loop_now_ms(net->loop), id);
		net_core_send(net, &failed);
		return;
	}
	peer->dialled = true;
	peer->tag = in->number;
	if (in->code)
		rn_sessions_keepalive(net->sessions, rn_loop_now_ms(net->loop), id, in->code);
}

void net_peers_send(struct net *net, rn_session_id id, const uint8_t *message, size_t size)
{
	const struct rn_local parcel = {.block = message, .block_size = size};
	struct net_peer *peer = find(net, id);
	int r = -EAGAIN;

	if (!peer || !peer->open || peer->doomed)
		return; /* it went while core was writing; core hears of it */
	if (!peer->pending.first)
		r = rn_sessions_send(net->sessions, rn_loop_now_ms(net->loop), id, message, size);
	if (r == -EAGAIN) {
		r = net_queue_put(&peer->pending, &parcel, NET_PENDING_MAX);
		tell_busy(net, peer, true);
	}
	if (r < 0)
		doom(peer, -r);
}

void net_peers_close(struct net *net, rn_session_id id)
{
	struct net_peer *peer = find(net, id);

	if (peer)
		doom(peer, -1);
}

void net_peers_close_key(struct net *net, const uint8_t key[RN_KEY_SIZE])
{
	for (struct net_peer *peer = net->peers.first; peer; peer = peer->next)
		if (rn_equal(peer->key, key, RN_KEY_SIZE))
			doom(peer, EKEYREVOKED);
}

void net_peers_close_dialled(struct net *net)
{
	for (struct net_peer *peer = net->peers.first; peer; peer = peer->next)
		if (peer->dialled)
			doom(peer, ECONNRESET);
}

void net_peers_close_all(struct net *net)
{
	for (struct net_peer *peer = net->peers.first; peer; peer = peer->next)
		doom(peer, -1);
}

/* Strangers have half a minute, and nobody outlives the certificate that it came with. */
void net_peers_sweep(void *context)
{
	struct net *net = context;
	const int64_t now_ms = rn_loop_now_ms(net->loop), now = net_now();

	for (struct net_peer *peer = net->peers.first; peer; peer = peer->next) {
		if (!peer->open)
			continue;
		if (!peer->who.kind && now_ms >= peer->until_ms)
			doom(peer, ETIMEDOUT);
		if (peer->who.kind && !peer->who.expired && now - RN_CLOCK_SKEW > peer->who.expires)
			doom(peer, EKEYEXPIRED);
	}
	net_settle(net);
	rn_timer_set(net->peers.sweep, net->peers.strangers ? 1000 : 60000);
}
