/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet on its way: the node's own door, its hub, where the ends are of different hubs the mesh, the other hub, the
 * other node's door. Each door is a host's tables; what it does not know it tells its core, which asks. A captured hub
 * makes the frames it likes; that its outer source is its own, WireGuard sees to.
 */
#include <string.h>

#include "sim.h"

#define BOTH (RN_STATE_LOCAL | RN_STATE_ATTACHED)

static void meets(struct sim_host *at, enum rn_reason reason, const struct sim_packet *p)
{
	if (reason == RN_UNKNOWN_SOURCE || reason == RN_UNKNOWN_DESTINATION)
		sim_kern_met(at, reason, &p->source, &p->destination);
}

/* bpf/place.h */
static enum rn_reason place(const struct sim_host *at, const struct sim_packet *p, uint64_t source,
			    uint64_t destination)
{
	const uint64_t from = p->egress ? RN_STATE_LOCAL : 0;

	if (!rn_kind_is_hub(at->kind)) {
		if ((source & RN_STATE_LOCAL) != from)
			return RN_WRONG_SOURCE;
		return (destination & RN_STATE_LOCAL) != from ? RN_ALLOWED : RN_NO_ROUTE;
	}
	if (p->peer) {
		if ((source & (BOTH | RN_STATE_REMOTE)) != RN_STATE_REMOTE || RN_STATE_PEER(source) != p->peer)
			return RN_WRONG_SOURCE;
		return destination & BOTH ? RN_ALLOWED : RN_NO_ROUTE;
	}
	if ((source & BOTH) != (p->egress ? RN_STATE_LOCAL : RN_STATE_ATTACHED))
		return RN_WRONG_SOURCE;
	if (p->egress && (destination & RN_STATE_LOCAL))
		return RN_NO_ROUTE;
	return destination & (BOTH | RN_STATE_REMOTE) ? RN_ALLOWED : RN_NO_ROUTE;
}

/* One door. What passes is judged by what the tables say and, of a frame, by what it says. */
static enum rn_reason door(struct sim_host *at, const struct sim_packet *p, uint64_t *ret_destination)
{
	struct rn_device source, destination;
	enum rn_reason reason = sim_kernel_known(at, p, &source, &destination);

	if (!reason)
		reason = place(at, p, source.state, destination.state);
	if (!reason)
		reason = sim_kernel_judge(at, p, &source, &destination);
	meets(at, reason, p);
	*ret_destination = destination.state;
	return reason;
}

/* Of whom it does not know who is behind that hub, it may not have heard yet. */
static bool frame(struct sim_host *at, const struct sim_host *from, struct sim_packet *p)
{
	if (sim_kernel_claim(at, from, p))
		return true;
	if (p->peer && p->trust <= RN_TRUST_MAX)
		sim_kern_met(at, RN_WRONG_IDENTITY, &p->source, &p->destination);
	return false;
}

/* From hub to hub: who is spoken to, as whom the frame speaks. NULL: nobody. */
static struct sim_host *mesh(struct sim_host *from, uint64_t destination, struct sim_packet *p)
{
	const struct rn_mesh_addresses *way = sim_kernel_peer(from, RN_STATE_PEER(destination));
	struct sim *s = from->sim;

	for (unsigned i = 0; way && i < s->host_count; i++) {
		struct sim_host *h = &s->hosts[i];
		const struct sim_signed *record = h->stage == SIM_MEMBER ? s->latest[h->number] : NULL;

		if (record && rn_addr_compare(&record->device.ipv6, &way->v6) == 0)
			return frame(h, from, p) ? h : NULL;
	}
	return NULL;
}

/* As the datapath of an honest hub says it. */
static bool claim(const struct sim_host *hub, struct sim_packet *p)
{
	struct rn_device source, destination;

	if (sim_kernel_known(hub, p, &source, &destination))
		return false;
	p->identity = source.identity_number;
	p->trust = (uint8_t)(source.state & RN_STATE_TRUST_MASK);
	return true;
}

static struct sim_host *hub_of(struct sim_host *h)
{
	return rn_kind_is_hub(h->kind) ? h : &h->sim->hosts[h->hub];
}

static bool pass(struct sim_host *at, const struct sim_packet *p, struct sim_way *way, uint64_t *ret_destination)
{
	way->reason = door(at, p, ret_destination);
	if (way->reason)
		return false;
	way->doors[way->count++] = (struct sim_door){at, *p};
	return true;
}

/* The last door: the hub's device, or the hub itself. */
static bool arrive(struct sim_host *hub, struct sim_host *to, struct sim_packet *p, struct sim_way *way)
{
	uint64_t state;

	if (to == hub)
		return true;
	p->peer = 0;
	p->egress = false;
	return pass(to, p, way, &state);
}

static bool across(struct sim_host *hub, uint64_t destination, struct sim_packet *p, struct sim_way *way,
		   struct sim_host *to)
{
	struct sim_host *other;
	uint64_t state;

	if (!claim(hub, p))
		return false;
	other = mesh(hub, destination, p);
	p->egress = false;
	/* A frame that its peer may not make is counted and says nothing to anybody. */
	way->reason = RN_NO_ROUTE;
	return other && other == hub_of(to) && pass(other, p, way, &state) && arrive(other, to, p, way);
}

bool sim_way(struct sim_host *from, struct sim_host *to, uint8_t protocol, uint16_t port, struct sim_way *ret)
{
	struct sim *s = from->sim;
	struct sim_host *hub = hub_of(from);
	struct sim_packet p = {.source = s->latest[from->number]->device.ipv6,
			       .destination = s->latest[to->number]->device.ipv6,
			       .protocol = protocol,
			       .port = port,
			       .egress = true};
	uint64_t destination;

	*ret = (struct sim_way){.count = 0};
	if (from != hub && !pass(from, &p, ret, &destination))
		return false;
	p.egress = from == hub;
	if (!pass(hub, &p, ret, &destination))
		return false;
	if (destination & RN_STATE_REMOTE)
		return across(hub, destination, &p, ret, to);
	return arrive(hub, to, &p, ret);
}

bool sim_lie(struct sim_host *hub, const struct sim_packet *lie, struct sim_host *to, struct sim_way *ret)
{
	struct sim_packet p = *lie;
	uint64_t state;

	*ret = (struct sim_way){.count = 0};
	p.egress = false;
	return hub_of(to) != hub && frame(hub_of(to), hub, &p) && pass(hub_of(to), &p, ret, &state) &&
	       arrive(hub_of(to), to, &p, ret);
}
