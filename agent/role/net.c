/* SPDX-License-Identifier: Apache-2.0 */
#include "role/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "role/role.h"
#include "sys/conf.h"
#include "sys/local.h"
#include "sys/memory.h"
#include "sys/owner.h"
#include "sys/sandbox.h"

/* The net process: the control protocol's UDP port, the Noise key, this host's certificate. */
#define SESSIONS_OF_A_HUB 16384
#define SESSIONS_OF_A_NODE 64

int64_t net_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static void on_tick(void *context)
{
	net_settle(context);
}

/* The end of every turn: what is marked goes, what is due is done, what is queued is sent, the next deadline is set. */
void net_settle(struct net *net)
{
	int64_t now, deadline;
	unsigned events;

	net_core_reap(net);
	net_peers_reap(net);
	now = rn_loop_now_ms(net->loop);
	deadline = rn_sessions_tick(net->sessions, now);
	/* What the tick has closed or broken is taken away before anybody can meet it. */
	net_core_reap(net);
	net_peers_reap(net);
	net_sender_reap(net);
	events = net_core_slow(net) ? 0 : RN_READABLE;
	if (rn_udp_flush(net->udp) == -EAGAIN)
		events |= RN_WRITABLE;
	rn_watch_set(net->udp_watch, events);
	if (deadline == INT64_MAX)
		rn_timer_set(net->tick, -1);
	else
		rn_timer_set(net->tick, deadline > now ? deadline - now : 0);
}

static void datagram(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	struct net *net = context;

	rn_sessions_receive(net->sessions, rn_loop_now_ms(net->loop), from, data, size);
}

static void on_settled(void *context)
{
	(void)context;
	rn_memory_settle();
}

static void udp_ready(void *context, unsigned events)
{
	struct net *net = context;

	if (events & RN_READABLE)
		rn_udp_receive(net->udp, datagram, net);
	net_settle(net);
}

static void send_datagram(void *context, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	net_sender_send(context, to, data, size);
}

/* A public file of the state directory. */
static int read_state(const char *dir, const char *name, uint8_t *out, size_t max, size_t *ret_size, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int r = rn_path_join(path, sizeof(path), dir, name);

	if (r == 0)
		r = rn_file_read(path, out, max, ret_size);
	return r < 0 ? rn_fail(err, r, "cannot read %s/%s: %s; restore the state directory from a backup", dir, name,
			       strerror(-r))
		     : 0;
}

static int open_gatekeeper(struct net *net, const struct rn_self *self, const struct rn_anchor *anchor,
			   const char *state, struct rn_err *err)
{
	struct rn_gatekeeper_config config = {.serves = rn_kind_is_hub(self->kind), .gateway = self->gateway};
	uint8_t leaf[RN_CERT_MAX], issuer[RN_CERT_MAX];
	size_t leaf_size, issuer_size, anchor_size;
	int r = read_state(state, "anchor", config.anchor, sizeof(config.anchor), &anchor_size, err);

	if (r == 0)
		r = read_state(net->dir, "leaf.der", leaf, sizeof(leaf), &leaf_size, err);
	if (r == 0)
		r = read_state(net->dir, "issuer.der", issuer, sizeof(issuer), &issuer_size, err);
	if (r < 0)
		return r;
	memcpy(config.key, net->public, RN_KEY_SIZE);
	memcpy(config.root_public, anchor->root_public, RN_KEY_SIZE);
	memcpy(net->box_public, anchor->box_public, RN_KEY_SIZE);
	r = rn_gatekeeper_new(&config, leaf, leaf_size, issuer, issuer_size, net_now(), &net->gatekeeper, err);
	if (r == 0 && rn_gatekeeper_expires(net->gatekeeper) < net_now())
		rn_log(RN_LOG_WARNING,
		       "this host's certificate has expired; until it is renewed it may do nothing else");
	return r;
}

static int open_sessions(struct net *net, const struct rn_self *self, struct rn_err *err)
{
	struct rn_sessions_config config = {
	    .sessions_max = rn_kind_is_hub(self->kind) ? SESSIONS_OF_A_HUB : SESSIONS_OF_A_NODE,
	    .context = net,
	    .send = send_datagram,
	    .event = net_peers_event,
	    .admit = net_peers_admit,
	};

	memcpy(config.static_secret, net->secret, RN_KEY_SIZE);
	net->sessions = rn_sessions_new(&config);
	rn_wipe(&config, sizeof(config));
	return net->sessions ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

static int open_state(struct net *net, const struct rn_conf *conf, struct rn_err *err)
{
	char state[RN_PATH_SIZE];
	struct rn_anchor anchor;
	struct rn_self self;
	int r = rn_self_load(conf, &self, &anchor, err);

	if (r < 0)
		return r;
	if (rn_path_join(state, sizeof(state), conf->state_dir, "state") < 0 ||
	    rn_path_join(net->dir, sizeof(net->dir), state, "net") < 0)
		return rn_fail(err, -ENAMETOOLONG, "the path of state_dir is too long");
	r = rn_secret_read(net->dir, "noise.key", net->secret, sizeof(net->secret), err);
	if (r < 0)
		return r;
	rn_x25519_public(net->secret, net->public);
	r = open_gatekeeper(net, &self, &anchor, state, err);
	return r < 0 ? r : open_sessions(net, &self, err);
}

static int open_loop(struct net *net, struct rn_err *err)
{
	int r;

	net->loop = rn_loop_new();
	if (net->loop)
		net->udp_watch = rn_watch_new(net->loop, rn_udp_fd(net->udp), RN_READABLE, udp_ready, net);
	if (net->udp_watch)
		net->tick = rn_timer_new(net->loop, on_tick, net);
	if (net->tick)
		net->peers.sweep = rn_timer_new(net->loop, net_peers_sweep, net);
	if (net->peers.sweep)
		net->settle = rn_timer_new(net->loop, on_settled, NULL);
	if (!net->settle)
		return rn_fail(err, -ENOMEM, "cannot make the event loop");
	rn_timer_set(net->settle, RN_SETTLE_MS);
	rn_timer_set(net->peers.sweep, 60000);
	r = net_sender_start(net, err);
	return r < 0 ? r : net_core_start(net, err);
}

/* What root alone may do comes first: the port may be a low one, and core's user is looked up in the host's files. */
static int prepare(struct net *net, struct rn_err *err)
{
	struct rn_conf conf;
	gid_t group;
	int r = rn_conf_load(NULL, &conf, err);

	if (r == 0)
		rn_log_setup("net", conf.log_level);
	if (r == 0)
		memcpy(net->run_dir, conf.run_dir, sizeof(conf.run_dir));
	if (r == 0)
		r = rn_process_user(RN_PROCESS_CORE, &net->core.uid, &group, err);
	if (r == 0)
		r = rn_process_user(RN_PROCESS_KERN, &net->sender.uid, &group, err);
	if (r == 0)
		r = rn_udp_open(conf.control_port, &net->udp, err);
	if (r == 0)
		r = rn_sandbox_user(RN_PROCESS_NET, err);
	if (r == 0)
		r = open_state(net, &conf, err);
	if (r == 0)
		r = rn_local_enter(net->run_dir, err);
	if (r == 0)
		r = open_loop(net, err);
	if (r == 0)
		r = rn_sandbox_seccomp(RN_PROCESS_NET, err);
	return r;
}

/* Says goodbye to the peers, so that they come back to the next process at once. */
static void finish(struct net *net)
{
	net_peers_close_all(net);
	net_settle(net);
}

static void close_all(struct net *net)
{
	if (net->loop)
		net_core_stop(net);
	if (net->loop)
		net_sender_stop(net);
	rn_watch_free(net->udp_watch);
	rn_sessions_free(net->sessions);
	rn_loop_free(net->loop);
	rn_udp_close(net->udp);
	rn_gatekeeper_free(net->gatekeeper);
	rn_wipe(net->secret, sizeof(net->secret));
	free(net);
}

int rn_role_net(int argc, char **argv)
{
	struct net *net = calloc(1, sizeof(*net));
	struct rn_err err = {""};
	int r;

	(void)argc;
	(void)argv;
	if (!net)
		return 1;
	net->core.fd = net->sender.fd = -1;
	net->peers.refusals = (struct rn_log_limit){.burst = 10};
	r = rn_crypto_start();
	if (r == 0)
		r = prepare(net, &err);
	if (r == 0) {
		rn_log(RN_LOG_INFO, "control protocol on UDP port %u", rn_udp_port(net->udp));
		rn_loop_run(net->loop);
		finish(net);
	} else {
		rn_log(RN_LOG_ERROR, "%s", err.text[0] ? err.text : strerror(-r));
	}
	close_all(net);
	return r < 0;
}
