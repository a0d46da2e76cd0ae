/* SPDX-License-Identifier: Apache-2.0 */
/* The datapath's maps as memory of a host, and what they say of a packet. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

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
	struct sim_kernel *k = kernel_of(dp);

	dp->identities = k->identities + half * RN_IDENTITIES_MAX;
	dp->ports = k->ports + half * 2 * RN_PORT_BLOCKS;
	dp->services = k->services + half * RN_SERVICES_MAX;
	return 0;
}

void rn_datapath_half_close(struct rn_datapath *dp)
{
	(void)dp;
}

int rn_datapath_identity_write(struct rn_datapath *dp, unsigned half, uint32_t slot, const struct rn_identity *identity)
{
	if (sim_burn())
		return 0;
	kernel_of(dp)->identities[half * RN_IDENTITIES_MAX + slot] = *identity;
	if (slot >= dp->identities_end[half])
		dp->identities_end[half] = slot + 1;
	return 0;
}

/* ---- a boot ---- */

void sim_kernel_free(struct sim_host *h)
{
	struct sim_kernel *k = &h->kernel;

	free(k->dp.config);
	free(k->dp.meta);
	free(k->dp.devices);
	free(k->dp.trust);
	free(k->dp.policy);
	free(k->dp.rules);
	free(k->identities);
	free(k->ports);
	free(k->services);
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
	dp->trust = sim_zeros((size_t)2 * (RN_TRUST_MAX + 1), sizeof(*dp->trust));
	dp->policy = sim_zeros(2, sizeof(*dp->policy));
	dp->rules = sim_zeros((size_t)2 * RN_RULES_MAX, sizeof(*dp->rules));
	k->identities = sim_zeros((size_t)2 * RN_IDENTITIES_MAX, sizeof(*k->identities));
	k->ports = sim_zeros((size_t)4 * RN_PORT_BLOCKS, sizeof(*k->ports));
	k->services = sim_zeros((size_t)2 * RN_SERVICES_MAX, sizeof(*k->services));
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

static enum rn_reason judge_policy(const struct sim_kernel *k, const struct sim_packet *p,
				   const struct rn_device *source, const struct rn_device *destination)
{
	const unsigned half = k->dp.config->generation & 1;
	const struct rn_policy *policy = &k->dp.policy[half];
	const uint32_t slot = p->peer ? p->slot : source->identity_slot;
	const struct rn_identity *from = &k->identities[half * RN_IDENTITIES_MAX + slot];
	const struct rn_identity *to = &k->identities[half * RN_IDENTITIES_MAX + destination->identity_slot];
	const uint64_t known = source->state & RN_STATE_TRUST_MASK;
	const struct rn_rule_set *trust =
	    &k->dp.trust[half * (RN_TRUST_MAX + 1) + (p->peer && p->trust < known ? p->trust : known)];
	const struct rn_ports *ports = &k->ports[(half * 2 + (p->protocol == IPPROTO_UDP)) * RN_PORT_BLOCKS];
	const bool echo = p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP;
	const uint16_t class =
	    echo ? policy->icmp_class : ports[p->port / RN_PORTS_PER_BLOCK].class[p->port % RN_PORTS_PER_BLOCK];
	const __u64 *service = k->services[half * RN_SERVICES_MAX + class].word;
	const bool same = source->owner && source->owner == destination->owner;
	bool matched = false;

	for (unsigned i = 0; i < RN_RULE_WORDS; i++) {
		uint64_t rules = from->source[i] & to->destination[i] & service[i];

		if (!same)
			rules &= policy->different_owner.word[i];
		matched |= rules != 0;
		rules &= trust->word[i];
		if (rules)
			return k->dp.rules[half * RN_RULES_MAX + i * 64 + (unsigned)__builtin_ctzll(rules)].deny
				   ? RN_DENY_RULE
				   : RN_ALLOWED;
	}
	return matched ? RN_TRUST_TOO_LOW : RN_DEFAULT_DENY;
}

enum rn_reason sim_kernel_judge(const struct sim_host *h, const struct sim_packet *p, const struct rn_device *source,
				const struct rn_device *destination)
{
	enum rn_reason reason = judge_states(source->state, destination->state);

	return reason ? reason : judge_policy(&h->kernel, p, source, destination);
}
