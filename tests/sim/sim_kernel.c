/* SPDX-License-Identifier: Apache-2.0 */
/* The datapath's maps as memory of a host, and what they say of a packet. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SIM_SHIFT 7 /* small policies, and a thousand hosts */

static struct sim_kernel *kernel_of(const struct rn_datapath *dp)
{
	return (struct sim_kernel *)(uintptr_t)((const char *)dp - offsetof(struct sim_kernel, dp));
}

/* ---- addresses, in place of BPF's ---- */

static struct sim_address *place_of(const struct sim_kernel *k, const struct rn_addr *addr)
{
	for (unsigned i = 0; i < k->address_room; i++)
		if (k->addresses[i].index && rn_addr_compare(&k->addresses[i].addr, addr) == 0)
			return &k->addresses[i];
	return NULL;
}

static struct sim_address *free_place(struct sim_kernel *k)
{
	unsigned room = k->address_room ? 2 * k->address_room : 32;

	for (unsigned i = 0; i < k->address_room; i++)
		if (!k->addresses[i].index)
			return &k->addresses[i];
	k->addresses = realloc(k->addresses, room * sizeof(*k->addresses));
	if (!k->addresses)
		abort();
	memset(k->addresses + k->address_room, 0, (room - k->address_room) * sizeof(*k->addresses));
	k->address_room = room;
	return &k->addresses[room / 2];
}

int rn_datapath_address(const struct rn_datapath *dp, const struct rn_addr *addr, uint32_t *ret_index)
{
	const struct sim_address *a = place_of(kernel_of(dp), addr);

	if (!a)
		return -ENOENT;
	*ret_index = a->index;
	return 0;
}

int rn_datapath_address_set(struct rn_datapath *dp, const struct rn_addr *addr, uint32_t index)
{
	struct sim_address *a = place_of(kernel_of(dp), addr);

	if (sim_burn())
		return 0;
	if (!a)
		a = free_place(kernel_of(dp));
	if (a->index && a->index != index)
		rn_datapath_count_up(dp, a->index);
	a->addr = *addr;
	a->index = index;
	return 0;
}

int rn_datapath_address_remove(struct rn_datapath *dp, const struct rn_addr *addr)
{
	struct sim_address *a = place_of(kernel_of(dp), addr);

	if (!a || sim_burn())
		return 0;
	rn_datapath_count_up(dp, a->index);
	a->index = 0;
	return 0;
}

int rn_datapath_addresses(const struct rn_datapath *dp,
			  void (*each)(void *context, const struct rn_addr *addr, uint32_t index), void *context)
{
	const struct sim_kernel *k = kernel_of(dp);

	for (unsigned i = 0; i < k->address_room; i++)
		if (k->addresses[i].index)
			each(context, &k->addresses[i].addr, k->addresses[i].index);
	return 0;
}

/* ---- other hubs ---- */

static struct mesh_tables *mesh_of(const struct rn_datapath *dp)
{
	return &kernel_of(dp)->mesh;
}

MESH_TABLES_ARE(mesh_of, sim_burn)

/* Filters are not simulated. */
int rn_datapath_mesh_attach(struct rn_datapath *dp, unsigned rnm0, struct rn_err *err)
{
	(void)dp;
	(void)rnm0;
	(void)err;
	return 0;
}

int rn_datapath_mesh_in_place(struct rn_datapath *dp, unsigned rnm0)
{
	(void)dp;
	(void)rnm0;
	return 1;
}

/* ---- arrays ---- */

int rn_datapath_window(struct rn_datapath *dp, uint32_t index)
{
	dp->window[index / RN_WINDOW_DEVICES] = true;
	return 0;
}

int rn_datapath_half_open(struct rn_datapath *dp, unsigned half)
{
	dp->open = kernel_of(dp)->halves[half];
	return 0;
}

void rn_datapath_half_close(struct rn_datapath *dp)
{
	(void)dp;
}

/* ---- a boot ---- */

void sim_kernel_free(struct sim_host *h)
{
	struct sim_kernel *k = &h->kernel;

	free(k->dp.config);
	free(k->dp.meta);
	free(k->dp.devices);
	free(k->dp.policy);
	for (unsigned half = 0; half < 2; half++) {
		free(k->halves[half].identities);
		free(k->halves[half].lists);
		free(k->halves[half].sides);
		free(k->halves[half].pairs);
		free(k->halves[half].candidates);
		free(k->halves[half].rules);
		free(k->halves[half].openings);
	}
	free(k->addresses);
	*k = (struct sim_kernel){0};
}

void sim_kernel_boot(struct sim_host *h)
{
	struct sim_kernel *k = &h->kernel;
	struct rn_datapath *dp = &k->dp;

	sim_kernel_free(h);
	dp->config = sim_zeros(1, sizeof(*dp->config));
	dp->meta = sim_zeros(1, sizeof(*dp->meta));
	dp->devices = sim_zeros(RN_DEVICES_MAX, sizeof(*dp->devices));
	dp->policy = sim_zeros(2, sizeof(*dp->policy));
	dp->shift = SIM_SHIFT;
	for (unsigned half = 0; half < 2; half++)
		k->halves[half] = (struct rn_datapath_half){
		    .identities = sim_zeros(RN_IDENTITIES_MAX, sizeof(struct rn_identity)),
		    .lists = sim_zeros(RN_LISTS_MAX >> SIM_SHIFT, sizeof(struct rn_list)),
		    .sides = sim_zeros(RN_SIDES_MAX >> SIM_SHIFT, sizeof(struct rn_side)),
		    .pairs = sim_zeros(RN_PAIRS_MAX >> SIM_SHIFT, sizeof(struct rn_side_pair)),
		    .candidates = sim_zeros(RN_CANDIDATES_MAX >> SIM_SHIFT, sizeof(struct rn_candidate)),
		    .rules = sim_zeros(RN_RULES_MAX >> SIM_SHIFT, sizeof(struct rn_rule)),
		    .openings = sim_zeros(RN_OPENINGS_MAX >> SIM_SHIFT, sizeof(struct rn_opening)),
		};
	rn_random(h->boot_id, sizeof(h->boot_id));
	h->booted_ms = h->sim->now_ms - 10000; /* it has been up for a while when rnaut starts */
}

/* ---- what it says ---- */

uint32_t sim_kernel_find(const struct sim_host *h, uint32_t number, struct rn_device *ret)
{
	for (uint32_t i = 1; i < RN_WINDOW_DEVICES; i++)
		if (rn_datapath_device(&h->kernel.dp, i, ret) == 0 && ret->number == number &&
		    (ret->state & RN_STATE_PRESENT))
			return i;
	return 0;
}

static bool look_up(const struct sim_kernel *k, const struct rn_addr *addr, struct rn_device *ret)
{
	const struct sim_address *a = place_of(k, addr);

	if (!a || !(k->dp.devices[a->index].state & RN_STATE_PRESENT))
		return false;
	*ret = k->dp.devices[a->index];
	return true;
}

enum rn_reason sim_kernel_known(const struct sim_host *h, const struct sim_packet *p, struct rn_device *source,
				struct rn_device *destination)
{
	const struct sim_kernel *k = &h->kernel;
	const uint64_t now_ns = (uint64_t)(h->sim->now_ms - h->booted_ms) * 1000000;

	*source = *destination = (struct rn_device){0};
	if (!k->dp.config->generation)
		return RN_NO_POLICY;
	if (now_ns >= k->dp.config->lease_until_ns)
		return RN_LEASE_EXPIRED;
	if (!look_up(k, &p->source, source))
		return RN_UNKNOWN_SOURCE;
	return look_up(k, &p->destination, destination) ? RN_ALLOWED : RN_UNKNOWN_DESTINATION;
}

const struct rn_mesh_addresses *sim_kernel_peer(const struct sim_host *h, uint32_t peer)
{
	const struct rn_mesh_addresses *a = peer && peer < MESH_PEERS ? &h->kernel.mesh.peers[peer] : NULL;

	return a && !rn_addr_is_zero(&a->v6) ? a : NULL;
}

bool sim_kernel_claim(struct sim_host *h, const struct sim_host *from, struct sim_packet *p)
{
	const struct rn_addr *outer = &h->sim->latest[from->number]->device.ipv6;
	const struct mesh_pair *pair = NULL;

	p->peer = 0;
	for (uint32_t i = 1; i < MESH_PEERS && !p->peer; i++)
		if (rn_addr_compare(&h->kernel.mesh.peers[i].v6, outer) == 0)
			p->peer = i;
	if (p->peer && p->trust <= RN_TRUST_MAX)
		pair = mesh_find(&h->kernel.mesh, p->peer, p->identity);
	p->slot = pair ? pair->slot : 0;
	return pair != NULL;
}

static enum rn_reason judge_states(uint64_t source, uint64_t destination)
{
	if (source & RN_STATE_REVOKED)
		return RN_SOURCE_REVOKED;
	if (destination & RN_STATE_REVOKED)
		return RN_DESTINATION_REVOKED;
	if (source & RN_STATE_QUARANTINED)
		return RN_SOURCE_QUARANTINED;
	return destination & RN_STATE_QUARANTINED ? RN_DESTINATION_QUARANTINED : RN_ALLOWED;
}

static uint32_t list_side(const struct rn_datapath_half *h, uint32_t at)
{
	return h->lists[at / RN_LIST_SIDES].side[at % RN_LIST_SIDES];
}

static bool is_on(const struct rn_datapath_half *h, const struct rn_identity *identity, uint32_t side)
{
	for (uint32_t i = 0; i < identity->places; i++)
		if (list_side(h, identity->destinations + i) == side)
			return true;
	return false;
}

struct judging {
	uint64_t trust, destination_trust;
	int64_t time;
	uint32_t best, too_low, outside;
	uint16_t port;
	uint8_t protocol, deny;
	bool same;
};

static bool is_open(const struct rn_policy *policy, const struct rn_datapath_half *h, const struct rn_rule *rule,
		    bool deny, int64_t time)
{
	uint32_t first, count;
	bool open = false;

	if (time < rule->from || (rule->until && time >= rule->until))
		return false;
	if (!rule->schedule)
		return true;
	first = policy->schedules[rule->schedule - 1].openings;
	count = policy->schedules[rule->schedule - 1].count;
	for (uint32_t i = first; i < first + count; i++)
		open |= time >= h->openings[i].from && time < h->openings[i].until;
	return open || (deny && (!count || time >= h->openings[first + count - 1].until));
}

static void look(const struct rn_policy *policy, const struct rn_datapath_half *h, const struct rn_candidate *c,
		 struct judging *j)
{
	uint32_t *found = &j->best;

	if (!(c->protocols & j->protocol) || j->port < c->first || j->port > c->last ||
	    ((c->flags & RN_RULE_SAME_OWNER) && !j->same) || (c->flags & RN_RULE_OBSERVE))
		return;
	if ((c->flags & RN_RULE_TIMED) && !is_open(policy, h, &h->rules[c->rule], c->flags & RN_RULE_DENY, j->time)) {
		if (c->flags & RN_RULE_DENY)
			return;
		found = &j->outside;
	} else if (j->trust < c->minimum_trust || j->destination_trust < c->minimum_destination_trust) {
		found = &j->too_low;
	}
	if (c->rule >= *found)
		return;
	*found = c->rule;
	if (found == &j->best)
		j->deny = c->flags & RN_RULE_DENY;
}

static enum rn_reason judge_policy(const struct sim_kernel *k, const struct sim_packet *p,
				   const struct rn_device *source, const struct rn_device *destination, int64_t time)
{
	const unsigned half = k->dp.config->generation & 1;
	const struct rn_datapath_half *h = &k->halves[half];
	const struct rn_identity *from = &h->identities[p->peer ? p->slot : source->identity_slot];
	const struct rn_identity *to = &h->identities[destination->identity_slot];
	const uint64_t known = source->state & RN_STATE_TRUST_MASK;
	struct judging j = {
	    .trust = p->peer && p->trust < known ? p->trust : known,
	    .destination_trust = destination->state & RN_STATE_TRUST_MASK,
	    .time = time,
	    .best = UINT32_MAX,
	    .too_low = UINT32_MAX,
	    .outside = UINT32_MAX,
	    .port = p->port,
	    .protocol = p->protocol == IPPROTO_TCP   ? RN_TCP
			: p->protocol == IPPROTO_UDP ? RN_UDP
						     : RN_ECHO6,
	    .same = source->owner && source->owner == destination->owner,
	};

	for (uint32_t i = 0; i < from->source_count; i++) {
		const struct rn_side *side = &h->sides[list_side(h, from->sources + i)];

		for (uint32_t n = side->pairs; n < side->pairs + side->places; n++)
			if (h->pairs[n].destination && is_on(h, to, h->pairs[n].destination))
				for (uint32_t c = 0; c < h->pairs[n].count; c++)
					look(&k->dp.policy[half], h, &h->candidates[h->pairs[n].candidates + c], &j);
	}
	if (j.best != UINT32_MAX)
		return j.deny ? RN_DENY_RULE : RN_ALLOWED;
	if (j.too_low != UINT32_MAX)
		return RN_TRUST_TOO_LOW;
	return j.outside != UINT32_MAX ? RN_OUTSIDE_TIME : RN_DEFAULT_DENY;
}

enum rn_reason sim_kernel_judge(const struct sim_host *h, const struct sim_packet *p, const struct rn_device *source,
				const struct rn_device *destination)
{
	enum rn_reason reason = judge_states(source->state, destination->state);

	return reason ? reason : judge_policy(&h->kernel, p, source, destination, h->sim->now_ms / 1000);
}
