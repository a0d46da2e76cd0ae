/* SPDX-License-Identifier: Apache-2.0 */
/* Who reaches whom, held against the reference evaluator and what the gateway has signed. */
#include <netinet/in.h>

#include "sim.h"

#define ULL(x) ((unsigned long long)(x))
#define CALM_PAIRS 200
#define CALM_ROUNDS 12 /* a packet, and another where that one only made somebody ask */
#define CALM_ROUND_MS 400

struct ends {
	struct sim_host *from, *to;
	uint8_t protocol;
	uint16_t port;
};

static struct rn_party party(const struct sim_host *h, const struct rn_device_record *r)
{
	return (struct rn_party){.device = h->name,
				 .owner = r->owner ? r->owner_name : NULL,
				 .owner_number = r->owner,
				 .tags = h->tags,
				 .tag_count = h->tag_count,
				 .trust = r->trust};
}

static bool reference(const struct ends *e, const struct rn_policy_model *policy, const struct rn_device_record *from,
		      const struct rn_device_record *to)
{
	const uint32_t out = RN_DEVICE_QUARANTINED | RN_DEVICE_REVOKED;
	struct rn_question q = {party(e->from, from), party(e->to, to), .protocol = e->protocol, .port = e->port};
	struct rn_answer x;

	if (!policy || ((from->flags | to->flags) & out))
		return false;
	rn_policy_evaluate(policy, &q, &x);
	return x.reason == RN_ALLOWED;
}

/* Did the gateway ever allow it? */
static bool ever_allowed(const struct sim *s, const struct ends *e)
{
	const struct rn_policy_model *policy = NULL;
	const struct rn_device_record *from = NULL, *to = NULL;

	for (unsigned i = 0; i < s->journal_count; i++) {
		const struct sim_signed *item = &s->journal[i];

		if (item->type == RN_RECORD_POLICY)
			policy = item->policy;
		else if (item->type == RN_RECORD_DEVICE && item->device.number == e->from->number)
			from = &item->device;
		else if (item->type == RN_RECORD_DEVICE && item->device.number == e->to->number)
			to = &item->device;
		else
			continue;
		if (from && to && reference(e, policy, from, to))
			return true;
	}
	return false;
}

static struct sim_host *hub_of(struct sim_host *h)
{
	return rn_kind_is_hub(h->kind) ? h : &h->sim->hosts[h->hub];
}

/* ---- one door ---- */

static bool any_of(const uint32_t *some, unsigned count, const uint32_t *other, unsigned other_count)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < other_count; k++)
			if (some[i] == other[k])
				return true;
	return false;
}

static bool is_on(const struct rn_rule_side *side, const struct rn_device_record *d)
{
	const struct rn_selector_set *any = &side->any, *types = &side->types, *none = &side->none;

	return (!any->count || any_of(d->selectors, d->selector_count, any->numbers, any->count)) &&
	       (!types->count || any_of(d->selectors, d->selector_count, types->numbers, types->count)) &&
	       (!side->also || any_of(d->selectors, d->selector_count, &side->also, 1)) &&
	       !any_of(d->selectors, d->selector_count, none->numbers, none->count);
}

static bool is_for(const struct rn_policy_rule *r, const struct ends *e)
{
	for (uint32_t i = 0; i < r->service_count; i++) {
		const struct rn_service *service = &r->services[i];

		if ((!service->protocol || service->protocol == e->protocol) &&
		    (e->protocol == IPPROTO_ICMP || (e->port >= service->first && e->port <= service->last)))
			return true;
	}
	return false;
}

/* The signed rules once more, in the simplest way, for a source of these selectors. */
static bool rules_allow(const struct rn_policy_record *policy, const struct ends *e, const struct rn_device_record *as,
			const struct rn_device_record *from, const struct rn_device_record *to)
{
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *r = &policy->rules[i];

		if (is_on(&r->source, as) && is_on(&r->destination, to) && is_for(r, e) &&
		    (!r->same_owner || (from->owner && from->owner == to->owner)) && from->trust >= r->minimum_trust)
			return !r->deny;
	}
	return false;
}

/* A frame that speaks of a device as of another: as whoever it says must be allowed, and be behind the same hub. */
static bool allowed_as(const struct sim *s, const struct sim_door *d, const struct ends *e,
		       const struct sim_signed *policy, const struct rn_device_record *from,
		       const struct rn_device_record *to)
{
	const uint32_t out = RN_DEVICE_QUARANTINED | RN_DEVICE_REVOKED;

	for (unsigned i = 0; i < s->journal_count && !((from->flags | to->flags) & out); i++) {
		const struct rn_device_record *as = &s->journal[i].device;

		if (s->journal[i].type == RN_RECORD_DEVICE && as->identity == d->packet.identity &&
		    as->hub == from->hub)
			return rules_allow(&policy->rules, e, as, from, to);
	}
	return false;
}

/* A door let it in: so must the reference, on the very records that the door says it has. */
static void check_door(const struct sim_door *d, const struct ends *e)
{
	struct sim *s = d->at->sim;
	const struct rn_config *config = d->at->kernel.dp.config;
	const struct sim_signed *policy, *from, *to;
	struct rn_device source, destination;
	struct rn_device_record as;
	bool good;

	sim_kernel_known(d->at, &d->packet, &source, &destination);
	policy = sim_signed_at(s, RN_RECORD_POLICY, 0, d->at->kernel.dp.policy[config->generation & 1].version);
	from = sim_signed_at(s, RN_RECORD_DEVICE, e->from->number, source.version);
	to = sim_signed_at(s, RN_RECORD_DEVICE, e->to->number, destination.version);
	good = policy && from && to;
	if (good) {
		as = from->device;
		if (d->packet.peer && d->packet.trust < as.trust)
			as.trust = d->packet.trust;
		good = d->packet.peer && d->packet.identity != as.identity
			   ? allowed_as(s, d, e, policy, &as, &to->device)
			   : reference(e, policy->policy, &as, &to->device);
	}
	if (!good && !d->at->torn)
		sim_fail(s, "%s lets %s reach %s at %u/%u against policy %llu, versions %llu and %llu", d->at->name,
			 e->from->name, e->to->name, e->protocol, e->port, policy ? ULL(policy->version) : 0,
			 ULL(source.version), ULL(destination.version));
}

/* ---- while all goes on ---- */

/* One of hub's, or the hub itself; UINT32_MAX: anybody. */
static struct sim_host *draw_member(struct sim *s, unsigned hub)
{
	for (int tries = 0; tries < 30; tries++) {
		struct sim_host *h = &s->hosts[rng_below(&s->rng, s->host_count)];

		if (h->stage == SIM_MEMBER && s->latest[h->number] &&
		    (hub == UINT32_MAX || h->index == hub || (h->hub == hub && !rn_kind_is_hub(h->kind))))
			return h;
	}
	return NULL;
}

static bool draw_ends(struct sim *s, struct ends *ret)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct sim_host *from = draw_member(s, UINT32_MAX);

	*ret = (struct ends){.from = from};
	if (from)
		ret->to = draw_member(s, sim_percent(s, 40) ? hub_of(from)->index : UINT32_MAX);
	ret->protocol = protocols[rng_below(&s->rng, 3)];
	ret->port = ret->protocol == IPPROTO_ICMP ? 0 : realm_port(&s->rng);
	return from && ret->to && from != ret->to;
}

static void check_way(struct sim *s, const struct ends *e, const struct sim_way *way, bool all)
{
	for (unsigned i = 0; i < way->count; i++)
		check_door(&way->doors[i], e);
	if (all && !ever_allowed(s, e))
		sim_fail(s, "%s reaches %s at %u/%u, which the gateway never allowed", e->from->name, e->to->name,
			 e->protocol, e->port);
}

static void try(struct sim *s, const struct ends *e)
{
	struct sim_way way;
	bool all = sim_way(e->from, e->to, e->protocol, e->port, &way);

	check_way(s, e, &way, all);
	s->result->reached += all;
	s->result->meshed += all && hub_of(e->from) != hub_of(e->to);
}

/* ---- a hub that lies ---- */

static bool can_be_behind(const struct sim *s, uint32_t identity, uint32_t hub)
{
	for (unsigned i = 0; i < s->journal_count; i++)
		if (s->journal[i].type == RN_RECORD_DEVICE && s->journal[i].device.identity == identity &&
		    s->journal[i].device.hub == hub)
			return true;
	return false;
}

static void check_lie(struct sim *s, struct sim_host *hub, const struct ends *e, const struct sim_way *way)
{
	const struct sim_door *d = &way->doors[0];
	struct rn_device source, destination;
	const struct sim_signed *from;

	sim_kernel_known(d->at, &d->packet, &source, &destination);
	from = sim_signed_at(s, RN_RECORD_DEVICE, e->from->number, source.version);
	if (!d->at->torn && (!from || from->device.hub != hub->number))
		sim_fail(s, "%s speaks for %s, which is behind another hub, and %s believes it", hub->name,
			 e->from->name, d->at->name);
	if (!can_be_behind(s, d->packet.identity, hub->number))
		sim_fail(s, "%s speaks of identity %u, which was never behind it, and %s believes it", hub->name,
			 d->packet.identity, d->at->name);
	s->result->lies++;
}

/* Whom it likes as source, identity and trust; more often what could be. */
static void lie(struct sim *s, struct sim_host *hub)
{
	struct sim_host *as = draw_member(s, sim_percent(s, 60) ? hub->index : UINT32_MAX);
	struct sim_packet p = {.trust = (uint8_t)rng_below(&s->rng, 130)};
	struct sim_way way;
	struct ends e;
	bool all;

	if (!draw_ends(s, &e) || !as || hub_of(e.to) == hub)
		return;
	if (sim_percent(s, 70))
		e.from = draw_member(s, hub->index);
	if (!e.from || e.from == e.to)
		return;
	p.source = s->latest[e.from->number]->device.ipv6;
	p.destination = s->latest[e.to->number]->device.ipv6;
	p.protocol = e.protocol;
	p.port = e.port;
	p.identity = sim_percent(s, 90) ? s->latest[as->number]->device.identity : rng_below(&s->rng, 100);
	all = sim_lie(hub, &p, e.to, &way);
	if (way.count)
		check_lie(s, hub, &e, &way);
	/* Only the node's own door judges by what the gateway says of the source. */
	check_way(s, &e, &way, all && way.count == 2);
}

void sim_check_reach(struct sim *s, unsigned pairs)
{
	struct ends e;

	while (pairs-- > 0) {
		struct sim_host *hub;

		if (!draw_ends(s, &e))
			continue;
		try(s, &e);
		hub = hub_of(e.from);
		if (hub->evil && s->latest[hub->number])
			lie(s, hub);
	}
}

/* ---- where all is calm ---- */

static bool no_lease(const struct sim_host *h)
{
	return h->ahead && h->kernel.dp.config->lease_until_ns <= (uint64_t)(h->sim->now_ms - h->booted_ms) * 1000000;
}

/*
 * Whose clock once was ahead has taken the end of a project's hub for come, and forgotten the hub, and is not told of
 * it again before it asks for everything.
 */
static bool sees_no_end(const struct ends *e)
{
	const struct sim_host *of[] = {e->from, hub_of(e->from), hub_of(e->to), e->to};
	bool ends = false, early = false;

	for (unsigned i = 0; i < 4; i++) {
		ends |= of[i]->ends != 0;
		early |= of[i]->early;
	}
	return ends && early;
}

/* Whoever may, does, after as many packets as it takes to ask; whoever may not, does not. */
static bool as_expected(struct sim *s, const struct ends *e, bool last)
{
	const struct rn_device_record *from = &s->latest[e->from->number]->device,
				      *to = &s->latest[e->to->number]->device;
	bool expected = reference(e, s->latest_policy->policy, from, to), all;
	struct sim_way way;

	if (sim_out_of_it(s, e->from) || sim_out_of_it(s, e->to) || sees_no_end(e) ||
	    sim_out_of_it(s, hub_of(e->from)) || sim_out_of_it(s, hub_of(e->to)) || no_lease(e->from) ||
	    no_lease(e->to) || no_lease(hub_of(e->from)) || no_lease(hub_of(e->to)))
		return true;
	all = sim_way(e->from, e->to, e->protocol, e->port, &way);
	check_way(s, e, &way, all);
	s->result->meshed += all && hub_of(e->from) != hub_of(e->to);
	if (all == expected)
		return true;
	if (all || last)
		sim_fail(s, "from %s to %s at %u/%u: %s, and the reference %s; %u doors, then reason %d", e->from->name,
			 e->to->name, e->protocol, e->port, all ? "allowed" : "not allowed",
			 expected ? "allows" : "does not", way.count, way.reason);
	return false;
}

void sim_check_calm(struct sim *s)
{
	struct ends pairs[CALM_PAIRS];
	unsigned count = 0;

	for (unsigned i = 0; i < CALM_PAIRS; i++)
		count += draw_ends(s, &pairs[count]);
	for (unsigned round = 1; count && round <= CALM_ROUNDS; round++) {
		unsigned left = 0;

		/* Somebody has just gone back to a better hub, or a policy has come that waited. */
		if (s->changed_ms > s->now_ms - CALM_ROUNDS * CALM_ROUND_MS)
			round = 1;
		for (unsigned i = 0; i < count; i++)
			if (!as_expected(s, &pairs[i], round == CALM_ROUNDS))
				pairs[left++] = pairs[i];
		count = left;
		sim_run(s, CALM_ROUND_MS);
	}
}
