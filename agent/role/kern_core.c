/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "role/kern.h"
#include "sys/local.h"
#include "sys/memory.h"

/* The connection to core. What core says is believed only where it shrinks access or carries a signature. */

#define RETRY_MS 100
#define MESSAGES_AT_ONCE 64 /* before the interface and the events get their turn */
#define NS 1000000000ll

static void close_core(struct rn_kern *k)
{
	if (k->core >= 0)
		close(k->core);
	k->core = -1;
	k->connect_at_ms = 0;
	k->applied_due = false;
	rn_telemetry_flows_end(k->telemetry);
}

int rn_kern_send(void *kern, const struct rn_local *message)
{
	struct rn_kern *k = kern;
	int r = k->core < 0 ? -ENOTCONN : rn_local_send(k->core, message);

	if (r == -EPIPE)
		close_core(k);
	return r;
}

static void say_hello(struct rn_kern *k)
{
	struct rn_local hello = {
	    .type = RN_LOCAL_KERN_HELLO,
	    .number = rn_lease_floor(k->lease)->epoch,
	    .version = k->applied,
	};

	memcpy(hello.key, k->wireguard_public, RN_KEY_SIZE);
	memcpy(hello.key2, k->mesh_public, RN_KEY_SIZE);
	hello.port = k->mesh_peers ? k->conf.mesh_port : 0;
	rn_kern_send(k, &hello);
}

void rn_kern_connect(struct rn_kern *k, int64_t now_ms)
{
	int fd = rn_local_dial(k->core_path, k->core_uid, "core", &k->strange_core);

	k->connect_at_ms = now_ms + RETRY_MS;
	if (fd < 0)
		return;
	k->core = fd;
	rn_log(RN_LOG_INFO, "core is there");
	say_hello(k);
}

bool rn_kern_wants_write(const struct rn_kern *k)
{
	return k->applied_due || rn_telemetry_flows_active(k->telemetry);
}

/* Only the last counts: it says that everything up to it is in the kernel. */
static void send_applied(struct rn_kern *k)
{
	struct rn_local applied = {
	    .type = RN_LOCAL_KERN_APPLIED, .number = rn_lease_floor(k->lease)->epoch, .version = k->applied};

	k->applied_due = rn_kern_send(k, &applied) == -EAGAIN;
}

void rn_kern_writable(struct rn_kern *k)
{
	if (k->applied_due)
		send_applied(k);
	else
		rn_telemetry_flows_pump(k->telemetry, rn_kern_send, k);
}

void rn_kern_refuse(struct rn_kern *k, uint64_t version, const char *why)
{
	struct rn_local refused = {
	    .type = RN_LOCAL_KERN_REFUSED, .number = rn_lease_floor(k->lease)->epoch, .version = version};

	snprintf(refused.text, sizeof(refused.text), "%.255s", why);
	rn_log(RN_LOG_WARNING, "refused: %s", why);
	rn_kern_send(k, &refused);
}

static void add_peer(void *context, uint32_t number, const struct rn_wireguard_peer *peer)
{
	struct rn_kern *k = context;
	struct rn_writer w =
	    rn_writer(k->peers_block + k->peers_block_size, sizeof(k->peers_block) - k->peers_block_size);

	rn_write_u32(&w, number);
	rn_write_bytes(&w, peer->endpoint.addr.b, sizeof(peer->endpoint.addr.b));
	rn_write_u16(&w, peer->endpoint.port);
	rn_write_u64(&w, peer->last_handshake);
	rn_write_u64(&w, peer->received);
	rn_write_u64(&w, peer->sent);
	if (!w.failed)
		k->peers_block_size += w.at;
}

static int64_t lease_left(const struct rn_kern *k)
{
	uint64_t until = rn_lease_until(k->lease), now = rn_boottime_ns();

	return until > now ? (int64_t)((until - now) / NS) : 0;
}

static void send_status(struct rn_kern *k, uint32_t id)
{
	struct rn_local message = {.type = RN_LOCAL_KERN_STATUS};
	struct rn_local_status *s = &message.status;
	struct rn_overlay_status overlay;
	struct rn_config config;
	struct rn_meta meta;

	rn_overlay_status(k->overlay, &overlay);
	rn_datapath_config(k->dp, &config);
	rn_datapath_meta(k->dp, &meta);
	s->id = id;
	s->wireguard = overlay.backend;
	s->link_up = overlay.up && !config.link_down;
	s->filters = overlay.filters;
	snprintf(s->interface, sizeof(s->interface), "%s", k->conf.interface);
	s->mtu = overlay.mtu;
	s->port = k->conf.wireguard_port;
	s->policy_version = config.generation ? meta.policy_version : 0;
	s->applied = k->applied;
	s->lease_seconds_left = lease_left(k);
	rn_telemetry_status(k->telemetry, s);
	rn_kern_port_status(k, s);
	rn_kern_mesh_status(k, s);
	k->peers_block_size = 0;
	rn_peers_dump(k->peers, add_peer, k);
	s->peers = k->peers_block;
	s->peers_size = k->peers_block_size;
	rn_kern_send(k, &message);
}

static void on_record(struct rn_kern *k, const struct rn_local *m)
{
	rn_kern_record(k, m->block, m->block_size);
}

static void on_sync(struct rn_kern *k, const struct rn_local *m)
{
	(void)m;
	rn_kern_sync(k);
}

static void on_synced(struct rn_kern *k, const struct rn_local *m)
{
	rn_kern_synced(k, m->number, m->version);
	send_applied(k);
}

static void on_remove(struct rn_kern *k, const struct rn_local *m)
{
	rn_endings_forget(k->endings, m->number);
	rn_kern_remove(k, m->number);
}

static void on_forget(struct rn_kern *k, const struct rn_local *m)
{
	(void)m;
	rn_kern_forget(k);
	send_applied(k);
}

static void on_link(struct rn_kern *k, const struct rn_local *m)
{
	k->link_down = m->number == 0;
	rn_datapath_set_link_down(k->dp, k->link_down || k->ended);
	rn_log(RN_LOG_NOTICE, "the network is %s on this host", m->number ? "up" : "down");
}

/* Within what the gateway has signed core may say where a device is. */
static void on_home(struct rn_kern *k, const struct rn_local *m)
{
	uint32_t hub = m->session <= UINT32_MAX ? (uint32_t)m->session : 0;
	bool node = k->self.device == m->number;
	struct rn_err err = {"this host does not list the hub that it is to use, or has moved since"};
	int r = -EACCES;

	if (node)
		r = rn_peers_home(k->peers, hub, m->version);
	else if (hub == k->self.device)
		r = rn_enforce_here(k->enforce, m->number, m->version, &err);
	if (r == -ESTALE || r == -EACCES)
		rn_kern_refuse(k, 0, err.text);
	else if (r < 0 && r != -ENODEV)
		rn_log(RN_LOG_ERROR, "WireGuard did not take another hub: %s", strerror(-r));
}

static void on_flows_get(struct rn_kern *k, const struct rn_local *m)
{
	if (rn_telemetry_flows_begin(k->telemetry, m->number) == 0)
		rn_telemetry_flows_pump(k->telemetry, rn_kern_send, k);
}

static void on_status_get(struct rn_kern *k, const struct rn_local *m)
{
	send_status(k, m->number);
}

static const struct {
	enum rn_local_type type;
	void (*handle)(struct rn_kern *k, const struct rn_local *message);
} handlers[] = {
    {RN_LOCAL_KERN_SYNC, on_sync},
    {RN_LOCAL_KERN_RECORD, on_record},
    {RN_LOCAL_KERN_SYNCED, on_synced},
    {RN_LOCAL_KERN_REMOVE, on_remove},
    {RN_LOCAL_KERN_FORGET, on_forget},
    {RN_LOCAL_KERN_LINK, on_link},
    {RN_LOCAL_KERN_FLOWS_GET, on_flows_get},
    {RN_LOCAL_KERN_STATUS_GET, on_status_get},
    {RN_LOCAL_KERN_HOME, on_home},
};

static bool handle(struct rn_kern *k, const struct rn_local *message)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type == message->type) {
			handlers[i].handle(k, message);
			return true;
		}
	}
	return false;
}

void rn_kern_receive(struct rn_kern *k)
{
	RN_UNCLEARED uint8_t buffer[RN_LOCAL_SIZE_MAX];

	for (int i = 0; i < MESSAGES_AT_ONCE && k->core >= 0; i++) {
		struct rn_local message;
		int r = rn_local_receive(k->core, buffer, &message);

		if (r == -EAGAIN)
			return;
		if (r == 1 && handle(k, &message))
			continue;
		rn_log(r == 0 ? RN_LOG_INFO : RN_LOG_WARNING, "core %s",
		       r == 0 ? "has gone; the datapath goes on" : "sent what kern does not understand");
		close_core(k);
	}
}
