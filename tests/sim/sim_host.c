/* SPDX-License-Identifier: Apache-2.0 */
/* A host's processes: core, net and kern begin, hear, and die. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim.h"

#define DOWN_MS_MAX 8000 /* until systemd has a process back, at most */

static const enum rn_core_peer peer_of[SIM_PROCESSES] = {[SIM_NET] = RN_CORE_NET, [SIM_KERN] = RN_CORE_KERN};
static const char *const process_names[SIM_PROCESSES] = {"core", "net", "kern"};

static int64_t here_ms(const struct sim_host *h)
{
	return h->sim->now_ms - h->booted_ms;
}

/* ---- core ---- */

static bool io_ready(void *context, enum rn_core_peer peer)
{
	struct sim_host *h = context;
	const bool room = h->to_process[peer].bytes < h->core_room;

	h->core_waits[peer] |= !room;
	return h->there[peer] && room;
}

/* Keeps one message with a record in a while, and says it again instead of another; or changes a byte of it. */
static void falsify(struct sim_host *h, struct rn_local *message)
{
	static uint8_t data[RN_MESSAGE_MAX];
	struct sim *s = h->sim;

	if (message->type != RN_LOCAL_NET_SEND || message->block[0] != RN_MESSAGE_RECORD || sim_percent(s, 70))
		return;
	if (h->repeat && sim_percent(s, 50)) {
		message->block = h->repeat;
		message->block_size = h->repeat_size;
		return;
	}
	free(h->repeat);
	h->repeat_size = message->block_size;
	h->repeat = sim_zeros(1, h->repeat_size);
	memcpy(h->repeat, message->block, h->repeat_size);
	memcpy(data, message->block, message->block_size);
	data[20 + rng_below(&s->rng, (uint32_t)message->block_size - 20)] ^= (uint8_t)(1u << rng_below(&s->rng, 8));
	message->block = data;
}

static int io_send(void *context, enum rn_core_peer peer, const struct rn_local *message)
{
	struct sim_host *h = context;
	struct rn_local said = *message;

	if (!h->there[peer])
		return -ENOTCONN;
	if (h->evil && peer == RN_CORE_NET)
		falsify(h, &said);
	if (!sim_burn() && peer != RN_CORE_WEB)
		sim_put(h, peer, false, &said);
	return 0;
}

static int64_t io_now_us(void *context)
{
	return here_ms(context) * 1000;
}

static int64_t io_now(void *context)
{
	(void)context;
	return rn_unix_ns() / 1000000000;
}

static void io_arm(void *context, int64_t at_ms)
{
	struct sim_host *h = context;

	if (at_ms + h->booted_ms < h->core_at)
		h->core_at = at_ms + h->booted_ms;
}

static void begin_core(struct sim_host *h)
{
	struct rn_err err = {""};

	h->params.io = (struct rn_core_io){
	    .context = h, .ready = io_ready, .send = io_send, .now_us = io_now_us, .now = io_now, .arm = io_arm};
	h->core_at = INT64_MAX;
	if (rn_core_new(&h->params, &h->core, &err))
		sim_fail(h->sim, "%s: core does not start: %s", h->name, err.text);
	if (h->params.self.gateway) {
		h->there[RN_CORE_CA] = true;
		rn_core_connected(h->core, RN_CORE_CA);
	}
}

/* ---- net ---- */

int64_t net_now(void)
{
	return rn_unix_ns() / 1000000000;
}

void net_settle(struct net *net)
{
	net_core_reap(net);
	net_peers_reap(net);
	rn_sessions_tick(net->sessions, rn_loop_now_ms(net->loop));
	net_core_reap(net);
	net_peers_reap(net);
}

static void net_sends(void *context, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	const struct net *net = context;

	if (!sim_burn())
		sim_send((struct sim_host *)net->loop, to, data, size);
}

static void begin_net(struct sim_host *h)
{
	const bool hub = rn_kind_is_hub(h->kind);
	struct rn_gatekeeper_config keeper = {.serves = hub, .gateway = h->kind == RN_KIND_GATEWAY};
	struct rn_sessions_config config = {
	    .sessions_max = hub ? 2048 : 64, .send = net_sends, .event = net_peers_event, .admit = net_peers_admit};
	struct net *net = sim_zeros(1, sizeof(*net));
	struct rn_err err = {""};

	h->net = net;
	net->core.fd = net->sender.fd = -1;
	net->loop = (struct rn_loop *)h;
	snprintf(net->dir, sizeof(net->dir), "%s", h->dir);
	memcpy(net->secret, h->noise_secret, RN_KEY_SIZE);
	memcpy(net->public, h->noise_public, RN_KEY_SIZE);
	memcpy(net->box_public, h->params.anchor.box_public, RN_KEY_SIZE);
	memcpy(keeper.key, h->noise_public, RN_KEY_SIZE);
	config.context = net;
	memcpy(config.static_secret, h->noise_secret, RN_KEY_SIZE);
	net->sessions = rn_sessions_new(&config);
	net->peers.sweep = rn_timer_new(net->loop, net_peers_sweep, net);
	if (!net->sessions || rn_gatekeeper_new(&keeper, NULL, 0, NULL, 0, 0, &net->gatekeeper, &err) ||
	    net_core_start(net, &err))
		abort();
	rn_timer_set(net->peers.sweep, 60000);
}

static void end_net(struct sim_host *h)
{
	struct net *net = h->net;

	h->dead = true; /* nothing of what it says now leaves the host */
	h->fuse_of = SIM_NET;
	net_peers_close_all(net);
	net_peers_reap(net);
	net_core_stop(net);
	rn_timer_free(net->peers.sweep);
	rn_sessions_free(net->sessions);
	rn_gatekeeper_free(net->gatekeeper);
	free(net);
	h->net = NULL;
}

/* ---- beginning and dying ---- */

void sim_host_begin(struct sim_host *h, enum sim_process process)
{
	static void (*const begin[SIM_PROCESSES])(struct sim_host *) = {begin_core, begin_net, sim_kern_begin};

	h->begin_at[process] = INT64_MAX;
	sim_enter(h, process);
	begin[process](h);
}

static void begin_later(struct sim_host *h, enum sim_process process)
{
	struct sim *s = h->sim;

	h->begin_at[process] = s->now_ms + (s->quiet ? 100 : rng_below(&s->rng, DOWN_MS_MAX));
}

static void end_core(struct sim_host *h)
{
	sim_core_ends(h);
	h->dead = true; /* nothing is stored any more */
	h->fuse_of = SIM_CORE;
	memset(h->there, 0, sizeof(h->there));
	rn_core_free(h->core);
	h->core = NULL;
	for (int peer = 0; peer < RN_CORE_PEERS; peer++) {
		sim_clear(&h->to_core[peer]);
		sim_clear(&h->to_process[peer]);
	}
	if (h->net && net_core_there(h->net))
		sim_mark(h, RN_CORE_NET, false, false);
	if (h->kern)
		sim_mark(h, RN_CORE_KERN, false, false);
}

static void end_beside_core(struct sim_host *h, enum sim_process process)
{
	enum rn_core_peer peer = peer_of[process];

	(process == SIM_NET ? end_net : sim_kern_end)(h);
	sim_clear(&h->to_core[peer]);
	sim_clear(&h->to_process[peer]);
	if (h->core)
		sim_mark(h, peer, true, false);
}

void sim_host_kill(struct sim_host *h, enum sim_process process)
{
	const bool alive[SIM_PROCESSES] = {h->core != NULL, h->net != NULL, h->kern != NULL};

	h->torn |= h->dead && h->fuse_of == SIM_KERN;
	h->fuse = 0;
	h->dead = false;
	if (!alive[process])
		return;
	h->sim->result->crashes += !h->sim->quiet;
	sim_say(h->sim, "%s: %s dies", h->name, process_names[process]);
	sim_enter(h, process);
	if (process == SIM_CORE)
		end_core(h);
	else
		end_beside_core(h, process);
	h->dead = false;
	begin_later(h, process);
}

void sim_host_power_loss(struct sim_host *h)
{
	sim_say(h->sim, "%s: power is lost", h->name);
	for (int p = 0; p < SIM_PROCESSES; p++)
		sim_host_kill(h, p);
	h->power_lost_ms = h->sim->now_ms;
	sim_power_ends(h);
	sim_kernel_boot(h);
	for (int p = 0; p < SIM_PROCESSES; p++)
		begin_later(h, p);
}

void sim_host_member(struct sim_host *h)
{
	char path[128];

	h->stage = SIM_MEMBER;
	snprintf(path, sizeof(path), "%s/core", h->dir);
	mkdir(path, 0700);
	memcpy(h->params.dir, path, sizeof(path));
	snprintf(path, sizeof(path), "%s/kern", h->dir);
	mkdir(path, 0700);
	h->sim->of_number[h->params.self.device] = h->index + 1;
	h->number = h->params.self.device;
	sim_kernel_boot(h);
	for (int p = 0; p < SIM_PROCESSES; p++)
		h->begin_at[p] = h->sim->now_ms;
}

void sim_host_free(struct sim_host *h)
{
	for (int p = 0; p < SIM_PROCESSES; p++)
		sim_host_kill(h, p);
	for (int peer = 0; peer < RN_CORE_PEERS; peer++) {
		sim_clear(&h->to_core[peer]);
		sim_clear(&h->to_process[peer]);
	}
	rn_sessions_free(h->stranger);
	sim_kernel_free(h);
	free(h->repeat);
	free(h->floor.devices);
	free(h->floor.durable);
	free(h->floor.revoked);
}

/* ---- events ---- */

static void count_heard(struct sim_host *h, const struct rn_local *m)
{
	if (m->type != RN_LOCAL_NET_MESSAGE || m->session != h->core->upstream.session || !m->block_size)
		return;
	h->heard.messages[m->block[0] % 16]++;
	h->heard.inside += m->block_size;
}

static void to_core(struct sim_host *h, enum rn_core_peer peer)
{
	struct sim_piece *piece = h->core ? sim_take(&h->to_core[peer]) : NULL;
	struct rn_local message;

	if (!piece)
		return;
	if (piece->begins || piece->ends) {
		if (h->there[peer])
			rn_core_gone(h->core, peer);
		h->there[peer] = piece->begins;
		sim_clear(&h->to_process[peer]); /* said to the one before */
		if (piece->begins)
			rn_core_connected(h->core, peer);
	} else if (h->there[peer]) {
		if (rn_local_decode(piece->data, piece->size, &message))
			sim_fail(h->sim, "%s: a message to core cannot be decoded", h->name);
		count_heard(h, &message);
		if (!rn_core_receive(h->core, peer, &message))
			sim_fail(h->sim, "%s: core did not understand message %u", h->name, message.type);
	}
	free(piece);
	if (peer == RN_CORE_NET && h->net && !h->to_core[peer].first) {
		sim_enter(h, SIM_NET);
		sim_watch_ready(h, RN_WRITABLE);
	}
}

static void to_kern(struct sim_host *h)
{
	struct sim_piece *piece = sim_take(&h->to_process[RN_CORE_KERN]);
	struct rn_local message;

	if (!piece)
		return;
	if (piece->ends) {
		h->kern->core = -1;
		h->kern_at = h->sim->now_ms;
	} else if (rn_local_decode(piece->data, piece->size, &message) == 0) {
		sim_kern_hears(h, &message);
		h->touched = true;
	}
	free(piece);
}

static void to_ca(struct sim_host *h)
{
	struct sim_piece *piece = sim_take(&h->to_process[RN_CORE_CA]);
	struct rn_local message;

	if (piece && rn_local_decode(piece->data, piece->size, &message) == 0)
		sim_ca_hears(h, &message);
	free(piece);
}

static void to_process(struct sim_host *h, enum rn_core_peer peer)
{
	sim_enter(h, peer == RN_CORE_NET ? SIM_NET : SIM_KERN);
	if (peer == RN_CORE_NET && h->net)
		sim_watch_ready(h, RN_READABLE);
	else if (peer == RN_CORE_KERN && h->kern)
		to_kern(h);
	else if (peer == RN_CORE_CA)
		to_ca(h);
	if (h->core_waits[peer] && h->core && h->there[peer] && h->to_process[peer].bytes < h->core_room) {
		h->core_waits[peer] = false;
		sim_enter(h, SIM_CORE);
		rn_core_ready(h->core, peer);
	}
}

static void wake(struct sim_host *h)
{
	struct sim *s = h->sim;

	if (h->core && h->core_at <= s->now_ms) {
		sim_enter(h, SIM_CORE);
		h->core_at = INT64_MAX;
		rn_core_tick(h->core);
	}
	if (h->net) {
		sim_enter(h, SIM_NET);
		sim_timers(h);
	}
	if (h->kern && h->endings_at <= s->now_ms) {
		sim_enter(h, SIM_KERN);
		sim_kern_endings(h);
	}
	if (h->kern && h->kern_at <= s->now_ms) {
		sim_enter(h, SIM_KERN);
		sim_kern_connects(h);
	}
	for (int p = 0; p < SIM_PROCESSES; p++)
		if (h->begin_at[p] <= s->now_ms)
			sim_host_begin(h, p);
}

void sim_host_event(struct sim_host *h, const struct sim_event *e)
{
	switch (e->type) {
	case SIM_DATAGRAM:
		h->heard.datagrams += e->from == 0;
		h->heard.bytes += e->from == 0 ? e->size : 0;
		if (h->stage == SIM_STRANGER) {
			sim_stranger_datagram(h, e);
		} else if (h->net) {
			sim_enter(h, SIM_NET);
			rn_sessions_receive(h->net->sessions, here_ms(h), &h->sim->hosts[e->from].at, e->data, e->size);
		}
		break;
	case SIM_WAKE:
		if (e->at == h->wake_at)
			h->wake_at = INT64_MAX;
		wake(h);
		break;
	case SIM_TO_CORE:
		sim_enter(h, SIM_CORE);
		to_core(h, e->peer);
		break;
	case SIM_TO_PROCESS:
		to_process(h, e->peer);
		break;
	case SIM_BEGIN:
		break;
	}
	sim_host_settle(h);
}

static int64_t earliest(const struct sim_host *h, int64_t net)
{
	int64_t next = net;

	if (h->core && h->core_at < next)
		next = h->core_at;
	if (h->kern && h->kern_at < next)
		next = h->kern_at;
	if (h->kern && h->endings_at < next)
		next = h->endings_at;
	if (h->net && sim_timers_next(h) < next)
		next = sim_timers_next(h);
	for (int p = 0; p < SIM_PROCESSES; p++)
		if (h->begin_at[p] < next)
			next = h->begin_at[p];
	return next;
}

void sim_host_settle(struct sim_host *h)
{
	struct sim *s = h->sim;
	int64_t next = INT64_MAX;

	if (h->stage == SIM_STRANGER)
		sim_stranger_settle(h);
	if (h->stage != SIM_MEMBER)
		return;
	if (h->net) {
		sim_enter(h, SIM_NET);
		net_settle(h->net);
		next = rn_sessions_tick(h->net->sessions, here_ms(h));
		next = next == INT64_MAX ? next : next + h->booted_ms;
	}
	sim_homes_follow(h);
	if (h->dead) {
		if (h->fuse_power)
			sim_host_power_loss(h);
		else
			sim_host_kill(h, h->fuse_of);
		next = INT64_MAX;
		if (h->net) {
			next = rn_sessions_tick(h->net->sessions, here_ms(h));
			next = next == INT64_MAX ? next : next + h->booted_ms;
		}
	}
	sim_check_host(h);
	next = earliest(h, next);
	if (next < s->now_ms)
		next = s->now_ms;
	if (next < h->wake_at) {
		h->wake_at = next;
		sim_push(s, (struct sim_event){.at = next, .type = SIM_WAKE, .host = h->index});
	}
}
