/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What identity numbers mean. At the gateway: no device has one that was not announced, or that was announced as
 * something else, or ends. Between any two hubs: what the one says of its devices is read by the other as the same set,
 * or not at all, whatever either has heard of policies, sets and numbers so far.
 */
#include <string.h>

#include "domain/meaning.h"
#include "service/enforce_state.h"
#include "sim.h"

#define HERE (RN_STATE_LOCAL | RN_STATE_ATTACHED)

struct rn_meanings *__real_rn_meanings_new(uint32_t epoch, uint32_t numbers_max, int64_t patience_ms);
struct rn_meanings *__wrap_rn_meanings_new(uint32_t epoch, uint32_t numbers_max, int64_t patience_ms);
/* So few that one comes back as another set within the days of a simulation. */
struct rn_meanings *__wrap_rn_meanings_new(uint32_t epoch, uint32_t numbers_max, int64_t patience_ms)
{
	return __real_rn_meanings_new(epoch, sim_here->sim->numbers ? sim_here->sim->numbers : numbers_max,
				      patience_ms);
}

/* ---- the gateway ---- */

static bool is_set(const uint32_t *set, uint32_t count, const uint32_t *other, uint32_t other_count)
{
	return count == other_count && memcmp(set, other, count * sizeof(*set)) == 0;
}

void sim_check_announced(struct sim *s, const struct rn_device_record *r)
{
	const struct rn_identity_record *said = NULL;

	for (unsigned i = s->journal_count; i-- > 0 && !said;)
		if (s->journal[i].type == RN_RECORD_IDENTITY && s->journal[i].identity.number == r->identity)
			said = &s->journal[i].identity;
	if (!said || said->says == RN_IDENTITY_FORGET)
		sim_fail(s, "device %u has identity %u, which was not announced", r->number, r->identity);
	if (!is_set(said->selectors, said->selector_count, r->selectors, r->selector_count))
		sim_fail(s, "device %u has identity %u, which was announced as another set", r->number, r->identity);
}

/* ---- rnm0's peers: WireGuard lets in nobody else, whatever the tables say of a hub ---- */

void __real_rn_kern_mesh_device(struct rn_kern *k, const struct rn_device_record *device);
void __wrap_rn_kern_mesh_device(struct rn_kern *k, const struct rn_device_record *device);
void __real_rn_kern_mesh_remove(struct rn_kern *k, uint32_t number);
void __wrap_rn_kern_mesh_remove(struct rn_kern *k, uint32_t number);

static uint32_t *find_peer(struct sim_host *h, uint32_t number)
{
	for (unsigned i = 0; i < MESH_PEERS; i++)
		if (h->kernel.mesh_peers[i] == number)
			return &h->kernel.mesh_peers[i];
	return NULL;
}

void __wrap_rn_kern_mesh_remove(struct rn_kern *k, uint32_t number)
{
	uint32_t *peer = find_peer(sim_here, number);

	__real_rn_kern_mesh_remove(k, number);
	if (peer)
		*peer = 0;
}

void __wrap_rn_kern_mesh_device(struct rn_kern *k, const struct rn_device_record *device)
{
	uint32_t *peer = find_peer(sim_here, device->number);

	__real_rn_kern_mesh_device(k, device);
	if (!peer)
		peer = find_peer(sim_here, 0);
	if (peer)
		*peer = device->flags & RN_DEVICE_REVOKED ? 0 : device->number;
}

/* ---- from hub to hub ---- */

static bool hears(struct sim_host *h, uint32_t *ret_peer, const struct sim_host *from)
{
	const struct rn_addr *outer = &h->sim->latest[from->number]->device.ipv6;

	if (!find_peer(h, from->number))
		return false;
	for (uint32_t i = 1; i < MESH_PEERS; i++)
		if (rn_addr_compare(&h->kernel.mesh.peers[i].v6, outer) == 0) {
			*ret_peer = i;
			return true;
		}
	return false;
}

/* A frame passes no door without a lease. */
static bool works(const struct sim_host *h)
{
	const struct rn_config *config = h->kernel.dp.config;
	const uint64_t now_ns = (uint64_t)(h->sim->now_ms - h->booted_ms) * 1000000;

	return h->stage == SIM_MEMBER && rn_kind_is_hub(h->kind) && h->sim->latest[h->number] && h->kern && !h->torn &&
	       config->generation && now_ns < config->lease_until_ns;
}

static void check_frame(struct sim_host *by, uint32_t peer, const struct sim_host *from, const struct rn_device *d)
{
	struct sim *s = by->sim;
	const struct sim_signed *item = sim_signed_at(s, RN_RECORD_DEVICE, d->number, d->version);
	const struct mesh_pair *pair = mesh_find(&by->kernel.mesh, peer, d->identity_number);
	const uint32_t *set;
	uint32_t count;

	if (!pair || !item)
		return;
	set = rn_slots_selectors(by->kern->enforce->slots, pair->slot, &count);
	if (set && !is_set(set, count, item->device.selectors, item->device.selector_count))
		sim_fail(s, "%s says identity %u of device %u, and %s reads it as another set", from->name,
			 d->identity_number, d->number, by->name);
}

static void check_pair(struct sim_host *by, struct sim_host *from)
{
	const struct rn_device *devices = from->kernel.dp.devices;
	uint32_t peer, back;

	if (!hears(by, &peer, from) || !hears(from, &back, by))
		return;
	for (uint32_t i = 1; i < from->kern->enforce->end; i++)
		if ((devices[i].state & RN_STATE_PRESENT) && (devices[i].state & HERE))
			check_frame(by, peer, from, &devices[i]);
}

void sim_check_numbers_of(struct sim_host *hub)
{
	struct sim *s = hub->sim;

	if (!works(hub))
		return;
	for (unsigned i = 0; i < s->host_count; i++) {
		struct sim_host *other = &s->hosts[i];

		if (other == hub || !works(other))
			continue;
		check_pair(hub, other);
		check_pair(other, hub);
	}
}

void sim_check_numbers(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		if (works(&s->hosts[i]))
			for (unsigned k = 0; k < s->host_count; k++)
				if (i != k && works(&s->hosts[k]))
					check_pair(&s->hosts[i], &s->hosts[k]);
}
