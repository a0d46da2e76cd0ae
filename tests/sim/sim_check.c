/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway has signed, and what must hold on every host whatever happens. */
#include <stdlib.h>
#include <string.h>

#include "service/enforce_state.h"
#include "sim.h"

#define ULL(x) ((unsigned long long)(x))
#define JOURNAL_MAX 65536
#define LARGE 8 /* hubs: the numbers of all pairs are looked at once a step */

/* ---- the journal ---- */

const struct sim_signed *sim_signed_at(const struct sim *s, enum rn_record_type type, uint32_t device, uint64_t version)
{
	unsigned low = 0, high = s->journal_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (s->journal[middle].version < version)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->journal_count || s->journal[low].version != version || s->journal[low].type != type)
		return NULL;
	return type == RN_RECORD_DEVICE && s->journal[low].device.number != device ? NULL : &s->journal[low];
}

static void keep(struct sim *s, const struct rn_ledger_entry *e)
{
	struct sim_signed *item;
	struct rn_core_policy policy;
	struct rn_err err = {""};

	if (!s->journal) /* pages that nobody touched cost nothing, and pointers into it stay good */
		s->journal = sim_zeros(JOURNAL_MAX, sizeof(*s->journal));
	if (s->journal_count == JOURNAL_MAX)
		sim_fail(s, "the journal is full");
	if (e->type == RN_RECORD_DEVICE) {
		sim_check_kept(s, &e->record);
		sim_check_announced(s, &e->record);
	}
	if (e->type == RN_RECORD_DEVICE || e->type == RN_RECORD_POLICY)
		s->changed_ms = s->now_ms;
	item = &s->journal[s->journal_count++];
	*item = (struct sim_signed){.version = e->version, .type = e->type};
	s->result->records++;
	if (e->type == RN_RECORD_DEVICE) {
		item->device = e->record;
		s->latest[e->device] = item;
	}
	if (e->type == RN_RECORD_IDENTITY && rn_record_get_identity(e->blob, e->size, &item->identity))
		sim_fail(s, "the gateway signed an identity that makes no sense");
	if (e->type != RN_RECORD_POLICY)
		return;
	if (rn_core_policy_get(s->hosts[0].core, &policy, &err))
		sim_fail(s, "the policy's text cannot be read: %s", err.text);
	s->latest_policy = item;
	item->policy = rn_policy_parse(policy.text, strlen(policy.text), &err);
	if (!item->policy)
		sim_fail(s, "the stored policy does not parse: %s", err.text);
	if (rn_record_get_policy(e->blob, e->size, &item->rules) || item->rules.part_count)
		sim_fail(s, "the gateway signed a policy that makes no sense, or one too large for this");
}

void sim_harvest(struct sim *s)
{
	struct sim_host *gw = &s->hosts[0];
	uint64_t newest = s->journal_count ? s->journal[s->journal_count - 1].version : 0;
	const struct rn_ledger_entry *e = gw->core ? rn_ledger_newest(gw->core->books.ledger) : NULL, *first = NULL;

	if (!e || e->version == newest)
		return;
	if (e->version < newest)
		sim_fail(s, "the gateway went back from version %llu to %llu", ULL(newest), ULL(e->version));
	for (; e && e->version > newest; e = e->older)
		first = e;
	sim_enter(gw, SIM_CORE);
	for (e = first; e; e = e->newer)
		keep(s, e);
}

/* ---- one host's tables ---- */

static void check_device(struct sim_host *h, const struct rn_device *d)
{
	struct sim *s = h->sim;
	const struct sim_signed *item = sim_signed_at(s, RN_RECORD_DEVICE, d->number, d->version);
	const struct rn_device_record *r = item ? &item->device : NULL;
	uint32_t state = (uint32_t)d->state;

	if (!r)
		sim_fail(s, "%s has device %u in version %llu, which nobody signed", h->name, d->number,
			 ULL(d->version));
	if ((state & RN_STATE_TRUST_MASK) > r->trust ||
	    ((r->flags & RN_DEVICE_QUARANTINED) && !(state & RN_STATE_QUARANTINED)) ||
	    ((r->flags & RN_DEVICE_REVOKED) && !(state & RN_STATE_REVOKED)))
		sim_fail(s, "%s allows device %u more than version %llu says", h->name, d->number, ULL(d->version));
	if (d->identity_number != r->identity || d->owner != r->owner ||
	    memcmp(d->wireguard_key, r->wireguard_key, RN_KEY_SIZE) != 0)
		sim_fail(s, "%s has device %u version %llu otherwise than it was signed", h->name, d->number,
			 ULL(d->version));
	sim_check_place(h, d, r);
}

static void check_floor(struct sim_host *h, uint32_t number, uint64_t version, bool revoked)
{
	struct sim_floor *f = &h->floor;

	if (version < f->devices[number])
		sim_fail(h->sim, "%s enforces device %u version %llu after %llu", h->name, number, ULL(version),
			 ULL(f->devices[number]));
	if (f->revoked[number] && !revoked)
		sim_fail(h->sim, "%s: device %u was revoked and is back", h->name, number);
	f->devices[number] = version;
	f->revoked[number] |= revoked;
}

static uint32_t end_of(const struct sim_host *h)
{
	return h->kern ? h->kern->enforce->end : RN_WINDOW_DEVICES;
}

static void check_devices(struct sim_host *h)
{
	const struct rn_device *devices = h->kernel.dp.devices;
	uint32_t end = end_of(h);

	for (uint32_t i = 1; i < end; i++) {
		bool newest = true;

		if (!(devices[i].state & RN_STATE_PRESENT))
			continue;
		check_device(h, &devices[i]);
		/* A kern that died has left a device at two indices: the newer counts. */
		for (uint32_t k = 1; k < end && h->torn; k++)
			newest &= devices[k].number != devices[i].number || devices[k].version <= devices[i].version;
		if (newest)
			check_floor(h, devices[i].number, devices[i].version, devices[i].state & RN_STATE_REVOKED);
	}
}

/* As whom a hub's frames are believed: as a device that is behind it here, and judged by that one's slot. */
static void check_claims(struct sim_host *h)
{
	const struct mesh_tables *t = &h->kernel.mesh;
	const struct rn_device *devices = h->kernel.dp.devices;
	uint32_t end = end_of(h);

	for (unsigned n = 0; n < t->pairs && !h->torn && h->kern; n++) {
		const struct mesh_pair *pair = &t->pair[n];
		uint32_t i = 1;

		while (i < end &&
		       ((devices[i].state & (RN_STATE_PRESENT | RN_STATE_REMOTE)) !=
			    (RN_STATE_PRESENT | RN_STATE_REMOTE) ||
			RN_STATE_PEER(devices[i].state) != pair->peer || devices[i].identity_number != pair->identity ||
			devices[i].identity_slot != pair->slot))
			i++;
		if (i == end)
			sim_fail(h->sim, "%s believes peer %u as identity %u, which no device behind it has", h->name,
				 pair->peer, pair->identity);
	}
}

static void check_policy(struct sim_host *h)
{
	const struct rn_config *config = h->kernel.dp.config;
	uint64_t version = h->kernel.dp.policy[config->generation & 1].version;

	if (!config->generation)
		return;
	if (!sim_signed_at(h->sim, RN_RECORD_POLICY, 0, version))
		sim_fail(h->sim, "%s enforces policy %llu, which nobody signed", h->name, ULL(version));
	if (version < h->floor.policy)
		sim_fail(h->sim, "%s enforces policy %llu after %llu", h->name, ULL(version), ULL(h->floor.policy));
	h->floor.policy = version;
}

static void check_lease(struct sim_host *h)
{
	const uint64_t now_ns = (uint64_t)(h->sim->now_ms - h->booted_ms) * 1000000;
	const struct rn_floor *floor = h->kern ? rn_lease_floor(h->kern->lease) : NULL;

	if (h->kernel.dp.config->lease_until_ns > now_ns + RN_LEASE_SECONDS * 1000000000ull)
		sim_fail(h->sim, "%s has a lease that is longer than one", h->name);
	if (!floor)
		return;
	if (floor->epoch < h->floor.epoch || floor->network_version < h->floor.network)
		sim_fail(h->sim, "%s: epoch or network went back", h->name);
	h->floor.epoch = floor->epoch;
	h->floor.network = floor->network_version;
}

void sim_check_host(struct sim_host *h)
{
	if (h->sim->params.rest)
		return;
	if (h->index == 0)
		sim_harvest(h->sim);
	if (!h->touched)
		return;
	h->touched = false;
	check_devices(h);
	check_claims(h);
	check_policy(h);
	check_lease(h);
	if (h->sim->params.hubs <= LARGE)
		sim_check_numbers_of(h);
}

/* ---- what an end leaves ---- */

void sim_core_ends(struct sim_host *h)
{
	const struct rn_ledger_entry *e;

	if (h->sim->params.rest)
		return;
	memset(h->floor.durable, 0, SIM_HOSTS_MAX * sizeof(*h->floor.durable));
	for (unsigned i = 0; (e = rn_ledger_at(h->core->books.ledger, i)); i++)
		if (!e->dirty)
			h->floor.durable[e->device] = e->version;
}

/*
 * kern keeps policy, network, epoch and who is revoked through a loss of power, but no versions of devices: these come
 * again from core's disk. Where kern died half way, its disk may be one behind.
 */
void sim_power_ends(struct sim_host *h)
{
	struct sim_floor *f = &h->floor;

	memcpy(f->devices, f->durable, SIM_HOSTS_MAX * sizeof(*f->devices));
	if (!h->torn && !h->syncing)
		return;
	if (h->torn)
		f->policy = f->network = 0;
	for (uint32_t n = 0; n < SIM_HOSTS_MAX; n++) {
		const struct sim_signed *item =
		    f->durable[n] ? sim_signed_at(h->sim, RN_RECORD_DEVICE, n, f->durable[n]) : NULL;

		f->revoked[n] = f->revoked[n] && item && (item->device.flags & RN_DEVICE_REVOKED);
	}
	h->torn = false;
}

/* ---- convergence ---- */

bool sim_out_of_it(const struct sim *s, const struct sim_host *h)
{
	const struct sim_signed *self = s->latest[h->number];

	return h->stage != SIM_MEMBER || !self || (self->device.flags & RN_DEVICE_REVOKED) || sim_is_homeless(s, h);
}

/* A hub whose end has come is not there, nor need it be for one whose clock was once ahead of that. */
static bool wants(const struct sim_host *h, const struct rn_device_record *r)
{
	const struct sim *s = h->sim;
	const uint32_t hub = rn_kind_is_hub(h->kind) ? h->number : s->hosts[h->hub].number;

	if (r->ends && (h->early || r->ends <= (uint64_t)sim_wall(h)))
		return false;
	if (rn_kind_is_hub(h->kind) && rn_kind_is_hub(r->kind))
		return true;
	return rn_homes_concern(r, hub) || r->number == h->number ||
	       (!rn_kind_is_hub(h->kind) && rn_homes_list(&s->latest[h->number]->device, r->number));
}

/* What it has beside is of devices of other hubs that it has to do with, and as new. */
static const char *differs_in_devices(const struct sim_host *h)
{
	static char text[96];
	const struct sim *s = h->sim;

	for (uint32_t n = 1; n < SIM_HOSTS_MAX; n++) {
		struct rn_device d;
		bool there;

		if (!s->latest[n])
			continue;
		there = sim_kernel_find(h, n, &d);
		snprintf(text, sizeof(text), "device %u is missing or of another version than %llu", n,
			 ULL(s->latest[n]->version));
		if (there ? d.version != s->latest[n]->version : wants(h, &s->latest[n]->device))
			return text;
	}
	return NULL;
}

static const char *differs(const struct sim_host *h)
{
	const struct sim *s = h->sim;
	const struct rn_config *config = h->kernel.dp.config;

	if (!h->core || !h->net || !h->kern)
		return "a process is down";
	if (h->index && h->core->upstream.state != RN_UPSTREAM_OPEN)
		return "no session upstream";
	if (!config->generation || h->kernel.dp.policy[config->generation & 1].version != s->latest_policy->version)
		return "another policy";
	if (!rn_kind_is_hub(h->kind) && s->latest[h->number]->device.hub != s->hosts[h->hub].number)
		return "it is not at the hub that the gateway says";
	if (!rn_kind_is_hub(h->kind) && h->core->home.moved > s->latest[h->number]->device.moved)
		return "the gateway has not signed its move"; /* the hub that it left may think that it is there */
	if (!h->ahead && config->lease_until_ns <= (uint64_t)(s->now_ms - h->booted_ms) * 1000000)
		return "no lease";
	return differs_in_devices(h);
}

static bool has_ended(const struct sim_host *h)
{
	return h->ends && h->ends <= sim_wall(&h->sim->hosts[0]);
}

bool sim_converged(struct sim *s, char *why, size_t why_size)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		const struct sim_host *h = &s->hosts[i];
		const char *what = h->stage == SIM_STRANGER && !h->given_up && !has_ended(h) ? "still a stranger"
				   : sim_out_of_it(s, h)				     ? NULL
											     : differs(h);

		if (!what)
			continue;
		snprintf(why, why_size, "%s: %s", h->name, what);
		return false;
	}
	return true;
}

/* ---- memory ---- */

static size_t waiting(const struct sim_host *h)
{
	size_t bytes = 0;

	for (int peer = 0; peer < RN_CORE_PEERS; peer++)
		bytes += h->to_core[peer].bytes + h->to_process[peer].bytes;
	return bytes + (h->net ? h->net->core.queue.bytes : 0);
}

static unsigned core_sessions(const struct sim_host *h)
{
	unsigned count = 0;

	for (const struct rn_downstream *d = h->core ? h->core->sessions : NULL; d; d = d->next)
		count += d->device != 0;
	return count;
}

static bool may_come(const struct sim_host *h, uint32_t hub)
{
	const struct sim_signed *self = h->sim->latest[h->number];

	return h->params.self.hub == hub || (self && rn_homes_list(&self->device, hub));
}

/* Called where all is calm: nothing may be left over. Strangers who went without a word are there for half a minute. */
void sim_check_bounds(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		const struct sim_host *h = &s->hosts[i];
		unsigned below = 1;

		for (unsigned k = 1; k < s->host_count; k++)
			below += rn_kind_is_hub(s->hosts[k].kind) ? i == 0 : may_come(&s->hosts[k], h->number);
		if (h->stage != SIM_MEMBER || !h->net)
			continue;
		if (rn_sessions_count(h->net->sessions) > 2 * below + 16)
			sim_fail(s, "%s holds %u sessions for %u hosts", h->name, rn_sessions_count(h->net->sessions),
				 below);
		if (core_sessions(h) > below)
			sim_fail(s, "%s: core holds %u sessions for %u hosts", h->name, core_sessions(h), below);
		if (waiting(h) > 256u * 1024u)
			sim_fail(s, "%s: %zu bytes wait between its processes", h->name, waiting(h));
	}
}
