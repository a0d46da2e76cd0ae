/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "proto/handoff.h"
#include "role/net.h"
#include "sys/local.h"

/*
 * From which port a datagram leaves. A peer is answered from the address and port that it spoke to. Whom we dial is
 * asked from WireGuard's port, by way of kern, so that one mapping in every firewall and NAT between serves both; at
 * its second port from our second one, for where something on the way, or on this host, is against that.
 */

enum way { OWN, SHARED, WAIT };

/* kern is away for a moment when it is restarted; one that stays away must not keep control from working. */
static enum way usual_way(const struct net *net)
{
	const struct net_sender *s = &net->sender;

	if (s->known)
		return s->state.complete ? SHARED : OWN;
	return rn_loop_now_ms(net->loop) - s->away_ms < NET_SENDER_WAIT_MS ? WAIT : OWN;
}

static bool same(const struct rn_endpoint *a, const struct rn_endpoint *b)
{
	return a->port == b->port && rn_addr_compare(&a->addr, &b->addr) == 0;
}

static enum way way_to(struct net *net, const struct rn_endpoint *to, struct rn_addr *ret_from)
{
	const enum way usual = usual_way(net);
	struct rn_endpoint home;

	memset(ret_from, 0, sizeof(*ret_from));
	if (rn_udp_home(net->udp, to, &home))
		*ret_from = home.addr;
	else
		home.port = 0;
	if (same(&net->first, to)) /* wherever it spoke to us before kern was there */
		return usual;
	if (home.port)
		return home.port == rn_udp_port(net->udp) ? OWN
		       : !net->sender.known		  ? usual
		       : net->sender.state.port		  ? SHARED
							  : OWN;
	if (same(&net->second, to))
		return OWN;
	return usual;
}

static void hand_over(struct net *net, const struct rn_handoff *h)
{
	uint8_t data[RN_HANDOFF_MAX];
	int size = rn_handoff_encode(h, data);

	if (size > 0 && rn_local_send_bytes(net->sender.fd, data, (size_t)size) == -EPIPE)
		net->sender.lost = true;
}

/* The newest few wait for kern; what they were for is repeated anyhow, but the first words of a session are in a hurry.
 */
static void keep(struct net_sender *s, const struct rn_handoff *h)
{
	struct net_kept *kept = &s->kept[s->kept_next++ % NET_SENDER_KEPT];

	kept->from = h->from;
	kept->to = h->to;
	kept->size = h->size;
	memcpy(kept->data, h->datagram, h->size);
}

void net_sender_send(struct net *net, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	struct rn_handoff h = {.to = *to, .datagram = data, .size = size};

	if (size > RN_DATAGRAM_MAX)
		return;
	switch (way_to(net, to, &h.from)) {
	case OWN:
		net->sender.used_own = true;
		rn_udp_send(net->udp, to, data, size);
		break;
	case SHARED:
		hand_over(net, &h);
		break;
	case WAIT:
		keep(&net->sender, &h);
		break;
	}
}

static void send_kept(struct net *net)
{
	struct net_sender *s = &net->sender;
	unsigned first = s->kept_next > NET_SENDER_KEPT ? s->kept_next - NET_SENDER_KEPT : 0, end = s->kept_next;

	s->kept_next = 0;
	for (unsigned i = first; i < end; i++) {
		const struct net_kept *kept = &s->kept[i % NET_SENDER_KEPT];
		const struct rn_handoff h = {kept->from, kept->to, kept->data, kept->size};

		if (s->known && s->state.port)
			hand_over(net, &h);
		else
			rn_udp_send(net->udp, &kept->to, kept->data, kept->size);
	}
}

/* Sessions that began on our own port while there was no other move to the shared one. */
static void learn(struct net *net, const struct rn_handoff_state *state)
{
	struct net_sender *s = &net->sender;

	if (!s->known || s->state.port != state->port || s->state.complete != state->complete) {
		if (state->complete)
			rn_log(RN_LOG_INFO, "control shares UDP port %u with WireGuard", state->port);
		else
			rn_log(RN_LOG_NOTICE, "control uses UDP port %u alone: `rnaut status` says why",
			       rn_udp_port(net->udp));
	}
	if (state->complete && s->used_own)
		rn_udp_forget_homes(net->udp);
	s->used_own = false;
	s->state = *state;
	s->known = true;
	send_kept(net);
}

static void ready(void *context, unsigned events)
{
	struct net *net = context;
	struct net_sender *s = &net->sender;
	uint8_t data[RN_HANDOFF_STATE_SIZE];
	struct rn_handoff_state state;
	int n;

	(void)events;
	do {
		n = rn_local_receive_bytes(s->fd, data, sizeof(data));
		if (n >= 0 && rn_handoff_state_decode(data, (size_t)n, &state) == 0)
			learn(net, &state);
		else if (n != -EAGAIN)
			s->lost = true;
	} while (n > 0 && !s->lost);
	net_settle(net);
}

static void dial(void *context)
{
	struct net *net = context;
	struct net_sender *s = &net->sender;
	int fd = rn_local_dial(RN_LOCAL_PORT, s->uid, "kern", &s->strange);

	if (fd >= 0)
		s->watch = rn_watch_new(net->loop, fd, RN_READABLE, ready, net);
	if (!s->watch) {
		if (fd >= 0)
			close(fd);
		if (usual_way(net) != WAIT && s->kept_next)
			send_kept(net);
		net_settle(net);
		rn_timer_set(s->retry, NET_CORE_RETRY_MS);
		return;
	}
	s->fd = fd;
}

static void hang_up(struct net_sender *s)
{
	rn_watch_free(s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->lost = s->known = false;
}

void net_sender_reap(struct net *net)
{
	if (!net->sender.lost)
		return;
	hang_up(&net->sender);
	net->sender.away_ms = rn_loop_now_ms(net->loop);
	rn_timer_set(net->sender.retry, NET_CORE_RETRY_MS / 4);
}

int net_sender_start(struct net *net, struct rn_err *err)
{
	net->sender.retry = rn_timer_new(net->loop, dial, net);
	if (!net->sender.retry)
		return rn_fail(err, -ENOMEM, "out of memory");
	net->sender.away_ms = rn_loop_now_ms(net->loop);
	rn_timer_set(net->sender.retry, 0);
	return 0;
}

void net_sender_stop(struct net *net)
{
	hang_up(&net->sender);
	rn_timer_free(net->sender.retry);
}
