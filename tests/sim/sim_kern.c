/* SPDX-License-Identifier: Apache-2.0 */
/* kern: role/kern_records.c and kern_resume.c are the real ones; this is kern_start.c and kern_core.c without kernel
 * and sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

void rn_overlay_set_network(struct rn_overlay *o, const struct rn_network *network)
{
	(void)o;
	(void)network;
}

void rn_overlay_set_addresses(struct rn_overlay *o, const struct rn_addr *ipv6, const struct rn_addr *ipv4)
{
	(void)o;
	(void)ipv6;
	(void)ipv4;
}

/* There is no interface here: what is on rn0 and rnm0, and whether they are up, is not simulated. */
int rn_overlay_new(const struct rn_overlay_device *device, const struct rn_overlay_calls *calls,
		   struct rn_overlay **ret, struct rn_err *err)
{
	(void)device;
	(void)calls;
	(void)err;
	*ret = NULL;
	return 0;
}

void rn_overlay_free(struct rn_overlay *o)
{
	(void)o;
}

void rn_overlay_check(struct rn_overlay *o)
{
	(void)o;
}

void rn_overlay_status(const struct rn_overlay *o, struct rn_overlay_status *ret)
{
	(void)o;
	*ret = (struct rn_overlay_status){0};
}

#define ENDINGS_MS 5000

static void kern_says(struct sim_host *h, const struct rn_local *message)
{
	if (h->core && h->kern->core >= 0 && !sim_burn())
		sim_put(h, RN_CORE_KERN, true, message);
}

void rn_kern_refuse(struct rn_kern *k, uint64_t version, const char *why)
{
	struct rn_local refused = {
	    .type = RN_LOCAL_KERN_REFUSED, .number = rn_lease_floor(k->lease)->epoch, .version = version};

	snprintf(refused.text, sizeof(refused.text), "%.255s", why);
	sim_say(sim_here->sim, "%s: kern refused %llu: %s", sim_here->name, (unsigned long long)version, why);
	kern_says(sim_here, &refused);
}

void sim_kern_begin(struct sim_host *h)
{
	const uint32_t number = h->params.self.device;
	const bool hub = rn_kind_is_hub(h->kind);
	struct rn_kern *k = sim_zeros(1, sizeof(*k));
	struct rn_part_source parts;
	struct rn_err err = {""};
	char directory[128];

	h->kern = k;
	k->core = -1;
	k->self = h->params.self;
	k->anchor = h->params.anchor;
	k->dp = &h->kernel.dp;
	snprintf(directory, sizeof(directory), "%s/kern", h->dir);
	k->peers = rn_peers_new(number, hub ? number : k->self.hub, h->noise_secret, 51820);
	k->endings = rn_endings_new();
	k->parts = rn_parts_new();
	k->conf.mesh_port = SIM_MESH_PORT;
	if (!k->peers || !k->endings || !k->parts || rn_kern_remember(k, directory, &err) ||
	    rn_kern_mesh_read(k, directory, &err))
		sim_fail(h->sim, "%s: kern does not start: %s", h->name, err.text);
	if (!h->kernel.used)
		*k->dp->meta = (struct rn_meta){.schema = RN_SCHEMA_VERSION,
						.role = hub ? RN_ROLE_HUB : RN_ROLE_NODE,
						.self = number,
						.epoch = rn_lease_floor(k->lease)->epoch};
	k->enforce = rn_enforce_new(k->dp, number, hub);
	if (!k->enforce || rn_kern_number_start(k, &err))
		abort();
	parts = rn_parts_source(k->parts);
	rn_enforce_on_parts(k->enforce, &parts);
	rn_kern_number_attach(k);
	rn_kern_resume(k, h->kernel.used);
	h->kernel.used = true;
	rn_kern_save(k);
	rn_kern_save_revoked(k);
	h->kern_at = h->kern_since = h->sim->now_ms;
	h->endings_at = INT64_MAX;
	h->touched = true;
	sim_kern_endings(h);
}

/* As kern's own check of its interface, once a second; here only where a hub has an end at all. */
void sim_kern_endings(struct sim_host *h)
{
	const struct sim *s = h->sim;

	rn_kern_endings(h->kern);
	h->touched = true;
	h->endings_at = s->projects ? s->now_ms + ENDINGS_MS : INT64_MAX;
}

void sim_kern_end(struct sim_host *h)
{
	struct rn_kern *k = h->kern;

	h->syncing = k->syncing;
	rn_enforce_free(k->enforce);
	rn_kern_number_done(k);
	rn_peers_free(k->peers);
	rn_endings_free(k->endings);
	rn_parts_free(k->parts);
	rn_kern_mesh_done(k);
	rn_lease_free(k->lease);
	rn_revoked_free(k->revoked);
	free(k);
	h->kern = NULL;
}

void sim_kern_connects(struct sim_host *h)
{
	struct rn_kern *k = h->kern;
	struct rn_local hello = {
	    .type = RN_LOCAL_KERN_HELLO, .number = rn_lease_floor(k->lease)->epoch, .version = k->applied};

	h->kern_at = k->core >= 0 ? INT64_MAX : h->sim->now_ms + 100;
	if (k->core >= 0 || !h->core)
		return;
	k->core = SIM_FD;
	h->kern_at = INT64_MAX;
	memcpy(hello.key, h->wireguard_public, RN_KEY_SIZE);
	memcpy(hello.key2, k->mesh_public, RN_KEY_SIZE);
	hello.port = k->mesh_peers ? SIM_MESH_PORT : 0;
	sim_mark(h, RN_CORE_KERN, true, true);
	kern_says(h, &hello);
}

void sim_kern_met(struct sim_host *h, enum rn_reason reason, const struct rn_addr *source,
		  const struct rn_addr *destination)
{
	struct rn_event event = {.kind = RN_EVENT_DENIED,
				 .reason = (uint8_t)reason,
				 .source = *source,
				 .destination = *destination,
				 .protocol = IPPROTO_TCP};
	struct rn_local events = {
	    .type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)&event, .block_size = sizeof(event)};

	if (!h->kern)
		return;
	sim_enter(h, SIM_KERN);
	event.time_ns = (uint64_t)rn_unix_ns();
	kern_says(h, &events);
}

static void say_applied(struct sim_host *h)
{
	struct rn_kern *k = h->kern;
	struct rn_local applied = {
	    .type = RN_LOCAL_KERN_APPLIED, .number = rn_lease_floor(k->lease)->epoch, .version = k->applied};

	kern_says(h, &applied);
}

void sim_kern_hears(struct sim_host *h, const struct rn_local *m)
{
	struct rn_kern *k = h->kern;
	struct rn_local status = {.type = RN_LOCAL_KERN_STATUS, .status = {.id = m->number}};

	switch ((int)m->type) {
	case RN_LOCAL_KERN_SYNC:
		rn_kern_sync(k);
		break;
	case RN_LOCAL_KERN_RECORD:
		rn_kern_record(k, m->block, m->block_size);
		break;
	case RN_LOCAL_KERN_SYNCED:
		rn_kern_synced(k, m->number, m->version);
		say_applied(h);
		h->torn = h->torn && h->dead;
		break;
	case RN_LOCAL_KERN_FORGET:
		rn_kern_forget(k);
		say_applied(h);
		break;
	case RN_LOCAL_KERN_REMOVE:
		rn_kern_remove(k, m->number);
		break;
	case RN_LOCAL_KERN_HOME:
		if (m->number == k->self.device)
			rn_peers_home(k->peers, (uint32_t)m->session, m->version);
		else
			rn_enforce_here(k->enforce, m->number, m->version, NULL);
		break;
	case RN_LOCAL_KERN_STATUS_GET:
		kern_says(h, &status);
		break;
	}
}
