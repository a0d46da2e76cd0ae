/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_create.h"
#include "service/core_state.h"

struct world_queued {
	struct world_queued *next;
	unsigned host;
	enum rn_core_peer peer; /* from which the host's core gets it */
	bool between_hosts;
	size_t size;
	uint8_t data[];
};

/* A session: host a dialled, host b was dialled. a is WORLD_HOSTS where a stranger of the test did. */
struct world_link {
	struct world_link *next;
	uint64_t session;
	unsigned a, b;
};

/* ---- the queue ---- */

static void deliver_later(struct world *w, unsigned host, enum rn_core_peer peer, const struct rn_local *message,
			  bool between_hosts)
{
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	int size = rn_local_encode(message, data, sizeof(data));
	assert_true(size > 0);
	struct world_queued *q = malloc(sizeof(*q) + (size_t)size);
	assert_non_null(q);
	*q = (struct world_queued){.host = host, .peer = peer, .between_hosts = between_hosts, .size = (size_t)size};
	memcpy(q->data, data, (size_t)size);
	*w->last = q;
	w->last = &q->next;
}

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void deliver(struct world *w, struct world_queued *q)
{
	struct world_host *h = &w->hosts[q->host];
	struct rn_local message;
	assert_int_equal(rn_local_decode(q->data, q->size, &message), 0);
	h->taken += q->between_hosts && message.type == RN_LOCAL_NET_MESSAGE;
	h->busy_ns -= cpu_ns();
	if (h->core && h->there[q->peer])
		assert_true(rn_core_receive(h->core, q->peer, &message));
	h->busy_ns += cpu_ns();
	free(q);
}

static struct world_queued *take_next(struct world *w)
{
	struct world_queued **at = &w->first;
	while (*at && w->hold_net && (*at)->between_hosts)
		at = &(*at)->next;
	struct world_queued *q = *at;
	if (!q)
		return NULL;
	*at = q->next;
	if (w->last == &q->next)
		w->last = at;
	return q;
}

void world_run(struct world *w)
{
	struct world_queued *q;
	while ((q = take_next(w)))
		deliver(w, q);
}

void world_wait(struct world *w, int64_t ms)
{
	for (int64_t end = w->now_ms + ms; w->now_ms < end; w->now_ms += 50) {
		for (unsigned i = 0; i < WORLD_HOSTS; i++)
			if (w->hosts[i].core)
				rn_core_tick(w->hosts[i].core);
		world_run(w);
	}
}

/* ---- the pretended kern ---- */

static void kern_marks(struct world_host *h, const struct rn_local *m)
{
	struct rn_local applied = {.type = RN_LOCAL_KERN_APPLIED, .number = m->number, .version = m->version};
	h->synced++;
	if (!h->kern_silent)
		deliver_later(h->world, h->index, RN_CORE_KERN, &applied, false);
}

static void kern_forgets(struct world_host *h)
{
	struct rn_local applied = {.type = RN_LOCAL_KERN_APPLIED};
	h->forgot++;
	deliver_later(h->world, h->index, RN_CORE_KERN, &applied, false);
}

static void kern_takes(struct world_host *h, const struct rn_local *m)
{
	struct rn_record_head head;
	struct rn_device_record device = {0};
	struct rn_part part = {0};
	assert_int_equal(rn_record_verify(m->block, m->block_size, h->params.anchor.policy_public, &head), 0);
	if (h->crowded)
		return;
	if (head.type == RN_RECORD_DEVICE) {
		assert_int_equal(rn_record_get_device(m->block, m->block_size, &device), 0);
		assert_true(device.number < 64);
		h->devices[device.number] = device;
	}
	if (head.type == RN_RECORD_PART)
		assert_int_equal(rn_record_get_part(m->block, m->block_size, &part), 0);
	assert_true(h->given_count < WORLD_KERN_LOG);
	h->given[h->given_count++] = (struct world_record){head.type, device.number + part.number, head.version};
}

static void kern_hears(struct world_host *h, const struct rn_local *m)
{
	struct rn_local status = {.type = RN_LOCAL_KERN_STATUS,
				  .status = {.peers = h->peers, .peers_size = h->peers_size}};
	if (m->type == RN_LOCAL_KERN_RECORD)
		kern_takes(h, m);
	else if (m->type == RN_LOCAL_KERN_SYNCED)
		kern_marks(h, m);
	else if (m->type == RN_LOCAL_KERN_FORGET)
		kern_forgets(h);
	else if (m->type == RN_LOCAL_KERN_REMOVE)
		memset(&h->devices[m->number % 64], 0, sizeof(h->devices[0]));
	else if (m->type == RN_LOCAL_KERN_HOME) {
		h->homes[m->number % 64].hub = (uint32_t)m->session;
		h->homes[m->number % 64].moved = m->version;
	} else if (m->type == RN_LOCAL_KERN_STATUS_GET)
		deliver_later(h->world, h->index, RN_CORE_KERN, &status, false);
}

/* ---- the pretended net ---- */

static struct world_link *link_of(struct world *w, uint64_t session)
{
	struct world_link *l = w->links;
	while (l && l->session != session)
		l = l->next;
	return l;
}

static struct world_link *new_link(struct world *w, unsigned a, unsigned b)
{
	struct world_link *l = calloc(1, sizeof(*l));
	assert_non_null(l);
	*l = (struct world_link){.next = w->links, .session = ++w->next_session, .a = a, .b = b};
	w->links = l;
	return l;
}

static void say_open(struct world *w, unsigned to, const struct world_link *l, uint32_t tag, const uint8_t *key,
		     enum rn_kind kind)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = l->session, .number = tag, .role = (uint8_t)kind};
	memcpy(open.key, key, RN_KEY_SIZE);
	deliver_later(w, to, RN_CORE_NET, &open, true);
}

static void net_connects(struct world_host *h, const struct rn_local *m)
{
	struct rn_local failed = {.type = RN_LOCAL_NET_CLOSED, .number = ECONNREFUSED, .version = m->number};
	struct world *w = h->world;
	for (unsigned i = 0; i < WORLD_HOSTS; i++) {
		struct world_host *to = &w->hosts[i];
		if (!to->core || !to->there[RN_CORE_NET] || to->mute || memcmp(to->noise_public, m->key, RN_KEY_SIZE))
			continue;
		struct world_link *l = new_link(w, h->index, i);
		say_open(w, i, l, 0, h->noise_public, h->params.self.kind);
		say_open(w, h->index, l, m->number, to->noise_public, to->params.self.kind);
		return;
	}
	deliver_later(w, h->index, RN_CORE_NET, &failed, false);
}

static void stranger_hears(struct world *w, const struct rn_local *m)
{
	struct rn_message message;
	assert_int_equal(rn_message_decode(m->block, m->block_size, &message), 0);
	assert_int_equal(message.type, RN_MESSAGE_ENROLLED);
	w->enrolled.count++;
	w->enrolled.status = message.enrolled.status;
	snprintf(w->enrolled.text, sizeof(w->enrolled.text), "%s", message.enrolled.text);
	if (message.enrolled.status)
		return;
	assert_int_equal(message.enrolled.anchor_size, RN_ANCHOR_SIZE);
	assert_memory_equal(message.enrolled.leaf, "leaf", 4);
	assert_memory_equal(message.enrolled.issuer, "issuer", 6);
	w->enrolled.good++;
	w->enrolled.device = message.enrolled.device;
	w->enrolled.hub = message.enrolled.hub;
}

static void net_sends(struct world_host *h, const struct rn_local *m)
{
	struct world *w = h->world;
	struct world_link *l = link_of(w, m->session);
	static uint8_t data[20000];
	size_t size = m->block_size;
	if (!l)
		return;
	unsigned to = l->a == h->index ? l->b : l->a;
	if (to == WORLD_HOSTS) {
		stranger_hears(w, m);
		return;
	}
	assert_true(size <= sizeof(data));
	memcpy(data, m->block, size);
	struct rn_local message = {.type = RN_LOCAL_NET_MESSAGE, .session = m->session, .block = data};
	if (w->tamper && !w->tamper(w, to, data, &size))
		return;
	message.block_size = size;
	deliver_later(w, to, RN_CORE_NET, &message, true);
}

static void end_link(struct world *w, uint64_t session, unsigned by)
{
	struct world_link **at = &w->links;
	while (*at && (*at)->session != session)
		at = &(*at)->next;
	if (!*at)
		return;
	struct world_link *l = *at;
	struct rn_local closed = {.type = RN_LOCAL_NET_CLOSED, .session = session};
	unsigned other = l->a == by ? l->b : l->a;
	*at = l->next;
	if (other < WORLD_HOSTS)
		deliver_later(w, other, RN_CORE_NET, &closed, true);
	free(l);
}

static void net_seals(struct world_host *h, const struct rn_local *m)
{
	uint8_t box[128];
	struct rn_local sealed = {.type = RN_LOCAL_NET_SEALED,
				  .number = m->number,
				  .block = box,
				  .block_size = m->block_size + RN_SEAL_OVERHEAD};
	assert_true(m->block_size <= 64);
	assert_int_equal(rn_box_seal(m->key, h->noise_secret, m->block, m->block_size, box), 0);
	deliver_later(h->world, h->index, RN_CORE_NET, &sealed, false);
}

static void net_probes(struct world_host *h, uint64_t session)
{
	struct rn_local answer = {.type = RN_LOCAL_NET_SILENCE, .session = session};
	const struct world_link *l = link_of(h->world, session);
	if (l && !h->world->hosts[l->b].mute)
		deliver_later(h->world, h->index, RN_CORE_NET, &answer, true);
}

static void net_hears(struct world_host *h, const struct rn_local *m)
{
	switch ((int)m->type) {
	case RN_LOCAL_NET_CONNECT:
		net_connects(h, m);
		break;
	case RN_LOCAL_NET_SEND:
		h->said++;
		h->said_bytes += m->block_size;
		net_sends(h, m);
		break;
	case RN_LOCAL_NET_CLOSE:
		h->closed++;
		end_link(h->world, m->session, h->index);
		break;
	case RN_LOCAL_NET_DENY:
		h->denied++;
		break;
	case RN_LOCAL_NET_WATCH:
		if (m->number == 0)
			net_probes(h, m->session);
		break;
	case RN_LOCAL_NET_LEAF:
		h->leaf_size = m->block_size;
		break;
	case RN_LOCAL_NET_SEAL:
		net_seals(h, m);
		break;
	}
}

/* ---- the pretended ca ---- */

static void ca_hears(struct world_host *h, const struct rn_local *m)
{
	struct rn_local answer = {.type = RN_LOCAL_CA_ANSWER, .number = m->number};
	struct world *w = h->world;
	bool leaf = m->type == RN_LOCAL_CA_ISSUE || m->type == RN_LOCAL_CA_RENEW;
	w->ca_asked += leaf;
	if (w->ca_silent) {
		w->ca_owes = leaf ? m->number : w->ca_owes;
		return;
	}
	if (leaf && w->ca_code) {
		answer.code = (uint16_t)-w->ca_code;
		snprintf(answer.text, sizeof(answer.text), "the ca says no");
	} else if (leaf) {
		answer.block = (const uint8_t *)(m->type == RN_LOCAL_CA_RENEW ? "leaf2" : "leaf");
		answer.block_size = m->type == RN_LOCAL_CA_RENEW ? 5 : 4;
	}
	deliver_later(w, h->index, RN_CORE_CA, &answer, false);
}

void world_answer_ca(struct world *w)
{
	struct rn_local answer = {
	    .type = RN_LOCAL_CA_ANSWER, .number = w->ca_owes, .block = (const uint8_t *)"leaf", .block_size = 4};
	deliver_later(w, 0, RN_CORE_CA, &answer, false);
}

/* ---- struct rn_core_io ---- */

static bool io_ready(void *context, enum rn_core_peer peer)
{
	struct world_host *h = context;
	if (h->not_ready > 0) {
		h->not_ready--;
		return false;
	}
	if (h->full[peer] && h->room[peer] == 0)
		return false;
	h->room[peer] -= h->full[peer];
	return h->there[peer];
}

static int io_send(void *context, enum rn_core_peer peer, const struct rn_local *message)
{
	static void (*const hears[RN_CORE_PEERS])(struct world_host *, const struct rn_local *) = {
	    [RN_CORE_KERN] = kern_hears, [RN_CORE_NET] = net_hears, [RN_CORE_CA] = ca_hears};
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	struct world_host *h = context;
	struct rn_local decoded;
	if (!h->there[peer])
		return -ENOTCONN;
	int size = rn_local_encode(message, data, sizeof(data));
	assert_true(size > 0);
	assert_int_equal(rn_local_decode(data, (size_t)size, &decoded), 0);
	if (hears[peer])
		hears[peer](h, &decoded);
	else if (h->web_hears)
		h->web_hears(h->web, &decoded);
	return 0;
}

static int64_t io_now_us(void *context)
{
	struct world_host *h = context;
	return h->world->now_ms * 1000 + h->looks++ * h->slow_us;
}

static int64_t io_now(void *context)
{
	struct world_host *h = context;
	return h->world->begun + h->world->now_ms / 1000;
}

static void io_arm(void *context, int64_t at_ms)
{
	struct world_host *h = context;
	h->armed_ms = at_ms;
}

static int io_work(void *context, void (*run)(void *job), void (*done)(void *job, bool ran), void *job)
{
	struct world_host *h = context;
	if (h->no_work)
		return -EAGAIN;
	assert_true(h->job_count < sizeof(h->jobs) / sizeof(h->jobs[0]));
	h->jobs[h->job_count++] = (struct world_job){run, done, job};
	return 0;
}

unsigned world_work(struct world_host *h, bool all)
{
	unsigned count = 0;
	do {
		rn_core_tick(h->core);
		for (; h->job_count; count++) {
			struct world_job job = h->jobs[0];
			memmove(h->jobs, h->jobs + 1, --h->job_count * sizeof(job));
			job.run(job.job);
			job.done(job.job, true);
			if (!all)
				return count + 1;
		}
		rn_core_tick(h->core);
	} while (h->job_count);
	world_run(h->world);
	return count;
}

const struct rn_books *world_books(const struct world_host *h)
{
	return &h->core->books;
}

static void io_keep(void *context, uint64_t version)
{
	((struct world_host *)context)->kept = version;
}

static uint64_t io_kept(void *context)
{
	struct world_host *h = context;
	return h->kept + h->lost;
}

/* ---- hosts ---- */

void world_connect(struct world_host *h, enum rn_core_peer peer)
{
	struct rn_local hello = {.type = RN_LOCAL_KERN_HELLO};
	h->there[peer] = true;
	rn_core_connected(h->core, peer);
	memcpy(hello.key, h->wireguard_public, RN_KEY_SIZE);
	memcpy(hello.key2, h->mesh_public, RN_KEY_SIZE);
	hello.port = h->mesh_port;
	if (peer == RN_CORE_KERN)
		deliver_later(h->world, h->index, RN_CORE_KERN, &hello, false);
}

void world_disconnect(struct world_host *h, enum rn_core_peer peer)
{
	if (!h->there[peer])
		return;
	h->there[peer] = false;
	rn_core_gone(h->core, peer);
	for (struct world_link *l = h->world->links, *next; peer == RN_CORE_NET && l; l = next) {
		next = l->next;
		if (l->a == h->index || l->b == h->index)
			end_link(h->world, l->session, h->index);
	}
}

uint64_t world_upstream(const struct world_host *h)
{
	const struct world_link *l = h->world->links;
	while (l && l->a != h->index)
		l = l->next;
	assert_non_null(l);
	return l->session;
}

uint64_t world_session(const struct world_host *h, unsigned to)
{
	const struct world_link *l = h->world->links;
	while (l && (l->a != h->index || l->b != to))
		l = l->next;
	return l ? l->session : 0;
}

void world_hang_up(struct world_host *h)
{
	struct rn_local closed = {.type = RN_LOCAL_NET_CLOSED, .session = world_upstream(h)};
	deliver_later(h->world, h->index, RN_CORE_NET, &closed, true);
	end_link(h->world, closed.session, h->index);
	world_run(h->world);
}

static void begin_core(struct world_host *h)
{
	struct rn_err err = {""};
	h->params.io = (struct rn_core_io){
	    .context = h, .ready = io_ready, .send = io_send, .now_us = io_now_us, .now = io_now, .arm = io_arm};
	if (h->works)
		h->params.io.work = io_work;
	if (h->keeps) {
		h->params.io.keep = io_keep;
		h->params.io.kept = io_kept;
	}
	if (rn_core_new(&h->params, &h->core, &err))
		fail_msg("%s", err.text);
}

void world_restart(struct world_host *h)
{
	bool there[RN_CORE_PEERS];
	memcpy(there, h->there, sizeof(there));
	for (int i = 0; i < RN_CORE_PEERS; i++)
		world_disconnect(h, i);
	h->no_work = true;
	for (unsigned i = 0; i < h->job_count; i++)
		h->jobs[i].done(h->jobs[i].job, false);
	h->no_work = false;
	h->job_count = 0;
	rn_core_free(h->core);
	begin_core(h);
	for (int i = 0; i < RN_CORE_PEERS; i++)
		if (there[i])
			world_connect(h, i);
}

static void make_keys(struct world_host *h)
{
	uint8_t secret[RN_KEY_SIZE];
	rn_x25519_keypair(h->noise_public, h->noise_secret);
	rn_x25519_keypair(h->wireguard_public, secret);
}

static struct rn_endpoint endpoint(unsigned index, uint16_t port)
{
	return (struct rn_endpoint){rn_addr_from_v4(0xc0000200u + index + 1), port};
}

static void make_directory(struct world_host *h)
{
	char dir[sizeof(h->world->dir)];
	memcpy(dir, h->world->dir, sizeof(dir));
	snprintf(h->params.dir, sizeof(h->params.dir), "%s/%u", dir, h->index);
	assert_int_equal(mkdir(h->params.dir, 0700), 0);
}

static void make_gateway(struct world *w)
{
	struct world_host *h = &w->hosts[0];
	struct rn_gateway_params p = {.name = "gw",
				      .owner = "admin",
				      .leaf = (const uint8_t *)"leaf",
				      .leaf_size = 4,
				      .issuer = (const uint8_t *)"issuer",
				      .issuer_size = 6,
				      .wireguard = endpoint(0, 51820),
				      .control = endpoint(0, 51821),
				      .ret_link = &w->link};
	struct rn_err err = {""};
	make_keys(h);
	memcpy(p.noise_key, h->noise_public, RN_KEY_SIZE);
	memcpy(p.wireguard_key, h->wireguard_public, RN_KEY_SIZE);
	assert_int_equal(rn_prefix_parse("fd12:3456:789a::/48", &p.ipv6), 0);
	assert_int_equal(rn_prefix_parse("100.80.0.0/16", &p.ipv4), 0);
	make_directory(h);
	if (rn_gateway_create(h->params.dir, &p, &h->params.anchor, &err))
		fail_msg("%s", err.text);
	rn_ed25519_public(w->root_seed, h->params.anchor.root_public);
	rn_anchor_put(&h->params.anchor, w->root_seed, h->params.anchor_blob);
	h->params.self =
	    (struct rn_self){.device = 1, .hub = 1, .kind = RN_KIND_GATEWAY, .gateway = true, .name = "gw"};
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	assert_int_equal(rn_crypto_start(), 0);
	snprintf(w->dir, sizeof(w->dir), "/tmp/rn-core-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->last = &w->first;
	rn_random(w->root_seed, sizeof(w->root_seed));
	for (unsigned i = 0; i < WORLD_HOSTS; i++) {
		w->hosts[i].world = w;
		w->hosts[i].index = i;
	}
	make_gateway(w);
	w->begun = time(NULL); /* not before: a record from the future would be renewed */
	begin_core(&w->hosts[0]);
	for (int i = 0; i < RN_CORE_PEERS; i++)
		world_connect(&w->hosts[0], i);
	world_run(w);
	return w;
}

static void remove_directory(const char *path)
{
	char name[400];
	struct dirent *e;
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

void world_free(struct world *w)
{
	struct world_queued *q;
	for (unsigned i = 0; i < WORLD_HOSTS; i++) {
		memset(w->hosts[i].there, 0, sizeof(w->hosts[i].there));
		rn_core_free(w->hosts[i].core);
		w->hosts[i].core = NULL;
		if (w->hosts[i].params.dir[0])
			remove_directory(w->hosts[i].params.dir);
	}
	w->hold_net = false;
	while ((q = take_next(w)))
		free(q);
	while (w->links) {
		struct world_link *l = w->links;
		w->links = l->next;
		free(l);
	}
	rmdir(w->dir);
	free(w);
}

/* ---- enrolment ---- */

struct got_token {
	unsigned count;
	int code;
	char token[512];
};

static void on_token(void *context, int code, const struct rn_err *err, const struct rn_core_token *token)
{
	struct got_token *got = context;
	got->count++;
	got->code = code;
	if (code)
		print_error("%s\n", err->text);
	else
		snprintf(got->token, sizeof(got->token), "%s", token->token);
}

struct rn_token world_token(struct world *w, enum rn_kind kind, const char *name, const char *owner, const char *hub,
			    int64_t lifetime)
{
	struct rn_core_token_request request = {
	    .kind = kind, .lifetime_s = lifetime, .ends = kind == RN_KIND_PROJECT ? w->ends : 0};
	struct got_token got = {0};
	struct rn_token token;
	snprintf(request.name, sizeof(request.name), "%s", name);
	snprintf(request.owner, sizeof(request.owner), "%s", owner);
	snprintf(request.hub, sizeof(request.hub), "%s", hub);
	rn_core_token_create(w->hosts[0].core, &request, on_token, &got);
	world_run(w);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.code, 0);
	assert_int_equal(rn_token_get(got.token, &token, NULL), 0);
	assert_memory_equal(token.gateway_key, w->hosts[0].noise_public, RN_KEY_SIZE);
	return token;
}

void world_enroll(struct world *w, const struct rn_token *token, struct world_host *host, const char *name,
		  enum rn_kind kind, void (*tweak)(struct rn_message_enroll *))
{
	struct rn_message message = {.type = RN_MESSAGE_ENROLL, .enroll = {.token = token->id, .role = (uint8_t)kind}};
	struct rn_message_enroll *m = &message.enroll;
	uint8_t data[1024], seed[RN_KEY_SIZE];
	snprintf(m->name, sizeof(m->name), "%s", name);
	memcpy(m->noise_key, host->noise_public, RN_KEY_SIZE);
	memcpy(m->wireguard_key, host->wireguard_public, RN_KEY_SIZE);
	if (rn_kind_is_hub(kind)) {
		m->wireguard = endpoint(host->index, 51820);
		m->control = endpoint(host->index, 51821);
	}
	memcpy(seed, token->seed, sizeof(seed));
	if (tweak)
		tweak(m);
	int size = rn_message_enroll_signed(m, data, sizeof(data));
	assert_true(size > 0);
	rn_ed25519_sign(seed, data, (size_t)size, m->signature);
	size = rn_message_encode(&message, data, sizeof(data));
	assert_true(size > 0);
	struct world_link *l = new_link(w, WORLD_HOSTS, 0);
	struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = l->session, .block = data, .block_size = (size_t)size};
	say_open(w, 0, l, 0, host->noise_public, 0);
	deliver_later(w, 0, RN_CORE_NET, &local, true);
}

struct world_host *world_add(struct world *w, unsigned index, enum rn_kind kind, const char *name, unsigned upstream)
{
	struct world_host *h = &w->hosts[index], *up = &w->hosts[upstream];
	bool hub = rn_kind_is_hub(kind);
	struct rn_token token = world_token(w, kind, name, "alice",
					    !hub	? up->params.self.name
					    : w->parent ? w->parent
							: "",
					    3600);
	make_keys(h);
	world_enroll(w, &token, h, name, kind, NULL);
	world_run(w);
	if (w->enrolled.status)
		fail_msg("%s", w->enrolled.text);
	h->params.anchor = w->hosts[0].params.anchor;
	memcpy(h->params.anchor_blob, w->hosts[0].params.anchor_blob, RN_ANCHOR_SIZE);
	h->params.self = (struct rn_self){
	    .device = w->enrolled.device, .hub = w->enrolled.hub, .kind = kind, .upstream = endpoint(upstream, 51821)};
	snprintf(h->params.self.name, sizeof(h->params.self.name), "%s", name);
	memcpy(h->params.self.upstream_key, up->noise_public, RN_KEY_SIZE);
	make_directory(h);
	begin_core(h);
	world_connect(h, RN_CORE_KERN);
	world_connect(h, RN_CORE_NET);
	world_run(w);
	return h;
}

void world_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count)
{
	struct world_done *d = context;
	d->count++;
	d->code = code;
	d->hub_count = hub_count;
	snprintf(d->text, sizeof(d->text), "%s", err ? err->text : "");
	for (unsigned i = 0; i < hub_count && i < 8; i++)
		d->hubs[i] = hubs[i];
}

void world_silence(struct world *w, unsigned from, unsigned to, unsigned count)
{
	struct rn_local local = {
	    .type = RN_LOCAL_NET_SILENCE, .session = world_session(&w->hosts[from], to), .number = count};

	assert_true(local.session);
	assert_true(rn_core_receive(w->hosts[from].core, RN_CORE_NET, &local));
	world_run(w);
}

void world_hub_dies(struct world *w, unsigned device, unsigned hub)
{
	w->hosts[hub].mute = true;
	world_silence(w, device, hub, 1);
	world_silence(w, device, hub, RN_WATCH_PINGS);
	w->now_ms += 50;
	world_wait(w, 100);
}

struct world *world_three(void)
{
	struct world *w = world_new();
	world_add(w, 1, RN_KIND_REGIONAL, "hub", 0);
	world_add(w, 2, RN_KIND_DESKTOP, "laptop", 1);
	return w;
}

int world_of_three(void **state)
{
	*state = world_three();
	return 0;
}

int world_gone(void **state)
{
	world_free(*state);
	return 0;
}
