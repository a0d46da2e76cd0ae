/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that list several hubs and go from one to another, and hubs of projects, whose end comes. Seen to find: a hub
 * that keeps a device for a move that is older than its record (domain/homes.c), in nearly every seed.
 */
#include <string.h>

#include "sim.h"

#define FALLBACKS_MAX 2
#define SEEN_MS 20000 /* after an end has come, or a process */

int64_t sim_wall(const struct sim_host *h)
{
	return h->sim->begun + h->wall_off_s + h->sim->now_ms / 1000;
}

/* ---- who lists whom ---- */

struct sim_host *sim_draw_hub(struct sim *s)
{
	for (int tries = 0; tries < 20; tries++) {
		struct sim_host *h = &s->hosts[rng_below(&s->rng, s->host_count)];

		if (h->stage == SIM_MEMBER && rn_kind_is_hub(h->kind) && h->index < SIM_HUBS_MAX)
			return h;
	}
	return NULL;
}

static bool listed(const struct sim_host *h, unsigned hub)
{
	for (unsigned i = 0; i < h->fallback_count; i++)
		if (h->fallbacks[i] == hub)
			return true;
	return h->hub == hub;
}

static void draw_fallbacks(struct sim_host *h)
{
	unsigned count = 1 + rng_below(&h->sim->rng, FALLBACKS_MAX);

	h->fallback_count = 0;
	while (count-- > 0) {
		const struct sim_host *hub = sim_draw_hub(h->sim);

		if (hub && !listed(h, hub->index))
			h->fallbacks[h->fallback_count++] = hub->index;
	}
}

void sim_homes_draw(struct sim_host *h)
{
	const unsigned share = h->sim->params.hubs > 8 ? 20 : 40;

	if (!rn_kind_is_hub(h->kind) && !h->sim->params.rest && sim_percent(h->sim, share))
		draw_fallbacks(h);
}

/* ---- where it is ---- */

void sim_homes_follow(struct sim_host *h)
{
	struct sim *s = h->sim;
	unsigned hub;

	if (rn_kind_is_hub(h->kind) || !h->core || !h->core->home.hub || h->core->home.hub >= SIM_HOSTS_MAX)
		return;
	hub = s->of_number[h->core->home.hub];
	if (!hub)
		return;
	if (h->hub != hub - 1)
		sim_say(s, "%s goes from %s to %s", h->name, s->hosts[h->hub].name, s->hosts[hub - 1].name);
	h->hub = hub - 1;
	if (h->hub < SIM_HUBS_MAX && h->core->home.moved > h->moves[h->hub])
		h->moves[h->hub] = h->core->home.moved;
}

/* ---- what must hold ---- */

static uint32_t number_of(const struct sim *s, const struct rn_mesh_addresses *hub)
{
	for (unsigned i = 0; i < s->journal_count; i++)
		if (s->journal[i].type == RN_RECORD_DEVICE &&
		    rn_addr_compare(&s->journal[i].device.ipv6, &hub->v6) == 0)
			return s->journal[i].device.number;
	return 0;
}

/*
 * Behind another hub: only where the gateway has signed that it is. Here: there too, or where it lists this hub and has
 * come itself, later than the record says. So to everybody else it is behind one hub at any time.
 */
void sim_check_place(const struct sim_host *h, const struct rn_device *d, const struct rn_device_record *r)
{
	struct sim *s = h->sim;
	const struct rn_mesh_addresses *peer = sim_kernel_peer(h, RN_STATE_PEER(d->state));
	const unsigned host = s->of_number[d->number];

	if (!rn_kind_is_hub(h->kind) || h->torn)
		return;
	if ((d->state & RN_STATE_REMOTE) && peer && number_of(s, peer) != r->hub)
		sim_fail(s, "%s has device %u behind %u, and version %llu says %u", h->name, d->number,
			 number_of(s, peer), (unsigned long long)d->version, r->hub);
	if (!(d->state & RN_STATE_ATTACHED) || r->hub == h->number)
		return;
	if (!rn_homes_list(r, h->number))
		sim_fail(s, "%s has device %u, which does not list it", h->name, d->number);
	if (host && s->hosts[host - 1].moves[h->index] <= r->moved)
		sim_fail(s, "%s has device %u, which did not come after version %llu", h->name, d->number,
			 (unsigned long long)d->version);
}

/* Addresses are for good; where a device is, is one of the hubs that it lists. */
void sim_check_kept(struct sim *s, const struct rn_device_record *r)
{
	const struct rn_device_record *before = NULL;

	for (unsigned i = s->journal_count; i-- > 0 && !before;)
		if (s->journal[i].type == RN_RECORD_DEVICE && s->journal[i].device.number == r->number)
			before = &s->journal[i].device;
	if (!rn_kind_is_hub(r->kind) && !rn_homes_list(r, r->hub))
		sim_fail(s, "the gateway signed that device %u is at hub %u, which it does not list", r->number,
			 r->hub);
	if (!before)
		return;
	if (rn_addr_compare(&before->ipv6, &r->ipv6) || rn_addr_compare(&before->ipv4, &r->ipv4))
		sim_fail(s, "device %u has other addresses than it had", r->number);
	if (r->moved < before->moved || (r->hub != before->hub && r->moved == before->moved))
		sim_fail(s, "device %u is at another hub, and its moves count no more than before", r->number);
	s->result->moves += r->hub != before->hub;
}

bool sim_is_gone(const struct sim *s, uint32_t hub)
{
	const struct sim_signed *item = hub < SIM_HOSTS_MAX ? s->latest[hub] : NULL;

	return !item || (item->device.flags & RN_DEVICE_REVOKED) ||
	       (item->device.ends && item->device.ends <= (uint64_t)sim_wall(&s->hosts[0]));
}

static bool are_gone(const struct sim *s, const struct rn_device_record *self)
{
	uint32_t hub;

	for (unsigned i = 0; (hub = rn_homes_at(self, i)); i++)
		if (!sim_is_gone(s, hub))
			return false;
	return true;
}

/* It is one that this host, whose list it is on, can find: a captured hub may have held back its record. */
static bool can_find(const struct sim_host *h, uint32_t hub)
{
	return hub == h->params.self.hub || rn_ledger_device(h->core->books.ledger, hub);
}

static bool finds_nobody(const struct sim_host *h, const struct rn_device_record *self)
{
	uint32_t hub;

	for (unsigned i = 0; (hub = rn_homes_at(self, i)); i++)
		if (!sim_is_gone(h->sim, hub) && can_find(h, hub))
			return false;
	return true;
}

/*
 * It knows the hubs of the list that it has heard of, and before that the hub alone that it was enrolled to: where all
 * of these are gone nobody is left who could tell it of others.
 */
bool sim_is_homeless(const struct sim *s, const struct sim_host *h)
{
	const struct rn_ledger_entry *known = h->core ? rn_ledger_device(h->core->books.ledger, h->number) : NULL;

	if (rn_kind_is_hub(h->kind))
		return sim_is_gone(s, h->number);
	if (h->core && !known && sim_is_gone(s, h->params.self.hub))
		return true;
	return (known && finds_nobody(h, &known->record)) || are_gone(s, &s->latest[h->number]->device);
}

/* Whatever the gateway has said by then. */
static void check_end(const struct sim_host *h, const struct sim_host *hub)
{
	struct rn_device d;

	if (h->stage == SIM_MEMBER && h->kern && h != hub && sim_wall(h) > hub->ends + SEEN_MS / 1000 &&
	    h->sim->now_ms - h->kern_since > SEEN_MS && sim_kernel_find(h, hub->number, &d) &&
	    !(d.state & RN_STATE_REVOKED) &&
	    sim_signed_at(h->sim, RN_RECORD_DEVICE, hub->number, d.version)->device.ends == (uint64_t)hub->ends)
		sim_fail(h->sim, "%s still has %s, which has ended", h->name, hub->name);
}

void sim_check_ends(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count && s->now_ms - s->jumped_ms > SEEN_MS; i++)
		for (unsigned k = 0; s->hosts[i].ends && k < s->host_count; k++)
			check_end(&s->hosts[k], &s->hosts[i]);
}
