/* SPDX-License-Identifier: Apache-2.0 */
/* How a network begins, and how a host comes into it: token, a stranger's session, ENROLL, its state directory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "service/core_create.h"
#include "sim.h"

#define AGAIN_MS 2000

static const char *const owners[] = {"alice", "bob", "carol", "dave", "erin", ""};
static const char *const tags[] = {"server", "db", "printer", "lab", "camera"};

static struct rn_endpoint endpoint(unsigned index, unsigned net, uint16_t port)
{
	return (struct rn_endpoint){rn_addr_from_v4(0x0a000000u + (net << 16) + index), port};
}

static struct sim_host *add_host(struct sim *s, enum rn_kind kind, unsigned hub)
{
	struct sim_host *h = &s->hosts[s->host_count];
	uint8_t secret[RN_KEY_SIZE];

	*h = (struct sim_host){.sim = s, .index = s->host_count++, .kind = kind, .hub = hub, .wake_at = INT64_MAX};
	h->at = endpoint(h->index, 1, 51821);
	h->booted_ms = s->now_ms - 10000;
	h->core_at = h->kern_at = INT64_MAX;
	h->core_room = SIM_ROOM;
	for (int p = 0; p < SIM_PROCESSES; p++)
		h->begin_at[p] = INT64_MAX;
	h->floor.devices = sim_zeros(SIM_HOSTS_MAX, sizeof(*h->floor.devices));
	h->floor.durable = sim_zeros(SIM_HOSTS_MAX, sizeof(*h->floor.durable));
	h->floor.revoked = sim_zeros(SIM_HOSTS_MAX, sizeof(*h->floor.revoked));
	rn_x25519_keypair(h->noise_public, h->noise_secret);
	rn_x25519_keypair(h->wireguard_public, secret);
	snprintf(h->dir, sizeof(h->dir), "%s/%u", s->dir, h->index);
	mkdir(h->dir, 0700);
	return h;
}

struct sim_host *sim_new_host(struct sim *s, enum rn_kind kind, unsigned hub)
{
	struct sim_host *h = add_host(s, kind, hub);

	snprintf(h->name, sizeof(h->name), rn_kind_is_hub(kind) ? "hub-%u" : "device-%u",
		 rn_kind_is_hub(kind) ? h->index : h->index - s->params.hubs);
	snprintf(h->owner, sizeof(h->owner), "%s", owners[rng_below(&s->rng, sizeof(owners) / sizeof(*owners))]);
	if (kind == RN_KIND_PROJECT) {
		h->ends = sim_wall(&s->hosts[0]) + (sim_percent(s, 70) ? 60 + rng_below(&s->rng, 600) : 3 * 86400);
		s->projects++;
		for (unsigned i = 0; i < s->host_count; i++)
			s->hosts[i].endings_at = s->now_ms;
	}
	sim_homes_draw(h);
	h->tag_count = rng_below(&s->rng, 3);
	for (unsigned i = 0, first = rng_below(&s->rng, 5); i < h->tag_count; i++)
		h->tags[i] = tags[(first + i) % 5];
	return h;
}

void sim_make_gateway(struct sim *s)
{
	struct sim_host *h = add_host(s, RN_KIND_GATEWAY, 0);
	struct rn_gateway_params p = {.name = "gw", .owner = "admin"};
	struct rn_err err = {""};
	char core[128];

	rn_random(s->root_seed, RN_KEY_SIZE);
	rn_random(s->ca_seed, RN_KEY_SIZE);
	rn_ed25519_public(s->ca_seed, s->ca_public);
	snprintf(h->name, sizeof(h->name), "gw");
	snprintf(h->owner, sizeof(h->owner), "admin");
	h->leaf_size = sim_leaf(s, RN_KIND_GATEWAY, "gw", h->noise_public, h->leaf);
	p.leaf = p.issuer = h->leaf;
	p.leaf_size = p.issuer_size = h->leaf_size;
	p.wireguard = endpoint(0, 2, 51820);
	p.control = h->at;
	memcpy(p.noise_key, h->noise_public, RN_KEY_SIZE);
	memcpy(p.wireguard_key, h->wireguard_public, RN_KEY_SIZE);
	rn_prefix_parse("fd12:3456:789a::/48", &p.ipv6);
	rn_prefix_parse("100.64.0.0/10", &p.ipv4);
	snprintf(core, sizeof(core), "%s/core", h->dir);
	mkdir(core, 0700);
	sim_enter(h, SIM_CORE);
	if (rn_gateway_create(core, &p, &h->params.anchor, &err))
		sim_fail(s, "%s", err.text);
	rn_ed25519_public(s->root_seed, h->params.anchor.root_public);
	rn_anchor_put(&h->params.anchor, s->root_seed, h->params.anchor_blob);
	h->params.self =
	    (struct rn_self){.device = 1, .hub = 1, .kind = RN_KIND_GATEWAY, .gateway = true, .name = "gw"};
	sim_host_member(h);
	sim_host_settle(h);
}

/* ---- the token ---- */

static void got_token(void *context, int code, const struct rn_err *err, const struct rn_core_token *token)
{
	struct sim_host *h = context;
	struct sim *s = h->sim;

	(void)err;
	h->given_up = code == -EINVAL; /* a hub of its has been revoked, or its own end has come */
	h->again_at = s->now_ms + AGAIN_MS;
	h->asked_token = false;
	if (code == 0 && rn_token_get(token->token, &h->token, NULL) == 0)
		h->again_at = s->now_ms;
	sim_push(s, (struct sim_event){.at = h->again_at, .type = SIM_WAKE, .host = h->index});
}

static void ask_token(struct sim_host *h)
{
	struct sim_host *gw = &h->sim->hosts[0];
	struct rn_core_token_request request = {.kind = h->kind, .lifetime_s = 30 * 86400, .tag_count = h->tag_count};

	h->again_at = h->sim->now_ms + AGAIN_MS;
	if (!gw->core || !gw->there[RN_CORE_CA] || h->asked_token)
		return;
	snprintf(request.name, sizeof(request.name), "%s", h->name);
	snprintf(request.owner, sizeof(request.owner), "%s", h->owner);
	snprintf(request.hub, sizeof(request.hub), "%s", rn_kind_is_hub(h->kind) ? "" : h->sim->hosts[h->hub].name);
	for (unsigned i = 0; i < h->tag_count; i++)
		request.tags[i] = h->tags[i];
	for (unsigned i = 0; i < h->fallback_count; i++)
		request.fallbacks[request.fallback_count++] = h->sim->hosts[h->fallbacks[i]].name;
	request.ends = h->ends;
	h->asked_token = true;
	sim_enter(gw, SIM_CORE);
	rn_core_token_create(gw->core, &request, got_token, h);
	sim_host_settle(gw);
}

bool sim_enroll(struct sim_host *h)
{
	h->stage = SIM_STRANGER;
	sim_host_settle(h);
	return true;
}

/* ---- the stranger ---- */

static void stranger_sends(void *context, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	sim_send(context, to, data, size);
}

static void say_enroll(struct sim_host *h)
{
	struct rn_message message = {.type = RN_MESSAGE_ENROLL,
				     .enroll = {.token = h->token.id, .role = (uint8_t)h->kind}};
	struct rn_message_enroll *m = &message.enroll;
	uint8_t data[1024];
	int size;

	snprintf(m->name, sizeof(m->name), "%s", h->name);
	memcpy(m->noise_key, h->noise_public, RN_KEY_SIZE);
	memcpy(m->wireguard_key, h->wireguard_public, RN_KEY_SIZE);
	if (rn_kind_is_hub(h->kind)) {
		m->wireguard = endpoint(h->index, 2, 51820);
		m->control = h->at;
	}
	size = rn_message_enroll_signed(m, data, sizeof(data));
	rn_ed25519_sign(h->token.seed, data, (size_t)size, m->signature);
	size = rn_message_encode(&message, data, sizeof(data));
	rn_sessions_send(h->stranger, h->sim->now_ms, h->stranger_session, data, (size_t)size);
}

static void welcomed(struct sim_host *h, const struct rn_message_enrolled *m)
{
	struct rn_self *self = &h->params.self;

	if (m->status == EBUSY || m->status == EAGAIN || m->status == EIO) {
		h->refused = true;
		return;
	}
	if (m->status) {
		sim_say(h->sim, "%s: refused: %s", h->name, m->text);
		h->refused = h->given_up = true;
		return;
	}
	*self = (struct rn_self){.device = m->device, .hub = m->hub, .kind = h->kind, .upstream = m->upstream};
	self->upstream_shared = m->upstream_shared;
	snprintf(self->name, sizeof(self->name), "%s", h->name);
	memcpy(self->upstream_key, m->upstream_key, RN_KEY_SIZE);
	memcpy(h->params.anchor_blob, m->anchor, RN_ANCHOR_SIZE);
	memcpy(h->leaf, m->leaf, m->leaf_size);
	h->leaf_size = m->leaf_size;
	if (rn_anchor_get(m->anchor, m->anchor_size, h->token.fingerprint, &h->params.anchor))
		sim_fail(h->sim, "%s: not the anchor of its token", h->name);
	h->welcome = true;
}

static void stranger_event(void *context, const struct rn_session_event *event)
{
	struct sim_host *h = context;
	struct rn_message message;

	if (event->type == RN_SESSION_OPEN)
		say_enroll(h);
	else if (event->type == RN_SESSION_CLOSED)
		h->refused = true;
	else if (event->type == RN_SESSION_MESSAGE && rn_message_decode(event->data, event->size, &message) == 0 &&
		 message.type == RN_MESSAGE_ENROLLED)
		welcomed(h, &message.enrolled);
}

static bool admit_nobody(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size)
{
	(void)context;
	(void)ask;
	(void)ret_hello;
	*ret_size = 0;
	return false;
}

static void begin_stranger(struct sim_host *h)
{
	struct rn_sessions_config config = {
	    .sessions_max = 4, .context = h, .send = stranger_sends, .event = stranger_event, .admit = admit_nobody};

	memcpy(config.static_secret, h->noise_secret, RN_KEY_SIZE);
	h->stranger = rn_sessions_new(&config);
	if (!h->stranger)
		abort();
	h->stranger_session =
	    rn_sessions_connect(h->stranger, h->sim->now_ms, &h->token.gateway, h->token.gateway_key, NULL, 0);
	h->stranger_until = h->sim->now_ms + 60000;
}

static void end_stranger(struct sim_host *h)
{
	rn_sessions_free(h->stranger);
	h->stranger = NULL;
	h->refused = false;
}

void sim_stranger_datagram(struct sim_host *h, const struct sim_event *e)
{
	if (h->stranger)
		rn_sessions_receive(h->stranger, h->sim->now_ms, &h->sim->hosts[e->from].at, e->data, e->size);
}

static void wake_at(struct sim_host *h, int64_t at)
{
	if (at >= h->wake_at && h->wake_at > h->sim->now_ms)
		return;
	h->wake_at = at;
	sim_push(h->sim, (struct sim_event){.at = at, .type = SIM_WAKE, .host = h->index});
}

void sim_stranger_settle(struct sim_host *h)
{
	struct sim *s = h->sim;
	int64_t next;

	if (!h->stranger && !h->token.id && s->now_ms >= h->again_at && !h->given_up)
		ask_token(h);
	if (!h->stranger && h->token.id && s->now_ms >= h->again_at && !h->given_up)
		begin_stranger(h);
	if (!h->stranger && !h->given_up)
		wake_at(h, h->again_at > s->now_ms ? h->again_at : s->now_ms + AGAIN_MS);
	if (!h->stranger)
		return;
	next = rn_sessions_tick(h->stranger, s->now_ms);
	if (h->welcome) {
		end_stranger(h);
		sim_say(s, "%s: member, device %u", h->name, h->params.self.device);
		sim_host_member(h);
		sim_host_settle(h);
		return;
	}
	if (h->refused || s->now_ms >= h->stranger_until) {
		end_stranger(h);
		next = h->again_at = s->now_ms + AGAIN_MS;
	}
	wake_at(h, next);
}
