// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include "domain/name.h"
#include "domain/record_wire.h"

#define LEASE_SECONDS_MAX (366u * 86400u)

/* Host bits zero, and a length that fits the family. */
static bool prefix_good(const struct rn_prefix *p, bool v4)
{
	if (rn_addr_is_v4(&p->addr) != v4 || p->bits > 128 || p->bits < (v4 ? 97 : 1))
		return false;
	for (unsigned i = p->bits; i < 128; i++)
		if (p->addr.b[i / 8] & (0x80u >> i % 8))
			return false;
	return !rn_addr_is_zero(&p->addr);
}

bool rn_network_good(const struct rn_network *n)
{
	bool no_v4 = n->ipv4.bits == 0 && rn_addr_is_zero(&n->ipv4.addr);

	return prefix_good(&n->ipv6, false) && (no_v4 || prefix_good(&n->ipv4, true)) && n->lease_seconds > 0 &&
	       n->lease_seconds <= LEASE_SECONDS_MAX;
}

static bool ascending(const uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] <= (i ? numbers[i - 1] : 0))
			return false;
	return true;
}

static bool endpoint_zero(const struct rn_endpoint *e)
{
	return rn_addr_is_zero(&e->addr) && e->port == 0;
}

static bool endpoint_good(const struct rn_endpoint *e, bool hub)
{
	return endpoint_zero(e) || (hub && rn_addr_is_host(&e->addr) && e->port != 0);
}

static bool numbers_good(const struct rn_device_record *d)
{
	bool hub = rn_kind_is_hub(d->kind);

	return d->number != 0 && d->hub != 0 && (d->hub == d->number) == hub && d->identity != 0 &&
	       d->identity <= RN_IDENTITY_MAX && rn_kind_name(d->kind) && d->trust <= RN_TRUST_MAX &&
	       (d->flags & ~(RN_DEVICE_QUARANTINED | RN_DEVICE_REVOKED | RN_DEVICE_MANAGED | RN_DEVICE_APART)) == 0;
}

static bool names_good(const struct rn_device_record *d)
{
	bool owned = d->owner_name[0] != '\0';

	return rn_name_valid(d->name) && owned == (d->owner != 0) && (!owned || rn_name_valid(d->owner_name));
}

static bool addresses_good(const struct rn_device_record *d)
{
	bool hub = rn_kind_is_hub(d->kind);

	return !rn_addr_is_zero(&d->ipv6) && !rn_addr_is_v4(&d->ipv6) &&
	       (rn_addr_is_zero(&d->ipv4) || rn_addr_is_v4(&d->ipv4)) && endpoint_good(&d->wireguard, hub) &&
	       endpoint_good(&d->control, hub);
}

/* What only hubs have, and what a device that is none has instead: nothing. */
static bool hub_good(const struct rn_device_record *d)
{
	bool hub = rn_kind_is_hub(d->kind), keyed = !rn_is_zero(d->mesh_key, RN_KEY_SIZE);

	return (hub || !(d->flags & RN_DEVICE_APART)) && endpoint_good(&d->mesh, hub) &&
	       keyed != endpoint_zero(&d->mesh) && !(keyed && rn_equal(d->mesh_key, d->wireguard_key, RN_KEY_SIZE)) &&
	       (d->parent != 0) == (hub && d->kind != RN_KIND_GATEWAY) && d->parent != d->number &&
	       (d->ends != 0) == (d->kind == RN_KIND_PROJECT) && d->ends <= RN_ENDS_MAX;
}

static bool has(const uint32_t *numbers, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static bool each_once(const uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == 0 || has(numbers, i, numbers[i]))
			return false;
	return true;
}

/* A list of one says nothing that `hub` does not say, and a hub is at home with itself. */
static bool homes_good(const struct rn_device_record *d)
{
	if (rn_kind_is_hub(d->kind))
		return !d->home_count && !d->left_count && !d->moved;
	if (d->home_count == 1 || d->home_count > RN_HOMES_MAX || d->left_count > RN_LEFT_MAX ||
	    !each_once(d->homes, d->home_count) || !each_once(d->left, d->left_count) ||
	    (d->home_count && !has(d->homes, d->home_count, d->hub)) || has(d->left, d->left_count, d->hub))
		return false;
	for (uint32_t i = 0; i < d->home_count; i++)
		if (has(d->left, d->left_count, d->homes[i]))
			return false;
	return true;
}

bool rn_device_record_good(const struct rn_device_record *d)
{
	bool managed = d->flags & RN_DEVICE_MANAGED;

	return numbers_good(d) && names_good(d) && addresses_good(d) && hub_good(d) && homes_good(d) &&
	       rn_is_zero(d->noise_key, RN_KEY_SIZE) != managed && d->selector_count > 0 &&
	       d->selector_count <= RN_SELECTORS_MAX && ascending(d->selectors, d->selector_count);
}

static bool service_good(const struct rn_service *s)
{
	if (s->protocol == 0 || s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6)
		return s->first == 0 && s->last == 65535;
	return (s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP) && s->first <= s->last;
}

static bool set_good(const struct rn_selector_set *set)
{
	return set->count <= RN_RULE_SELECTORS_MAX && ascending(set->numbers, set->count);
}

static bool side_good(const struct rn_rule_side *side)
{
	return set_good(&side->any) && set_good(&side->types) && set_good(&side->none);
}

static bool times_good(const struct rn_policy_rule *r)
{
	return r->from >= 0 && r->until >= 0 && (!r->until || r->from < r->until);
}

bool rn_policy_rule_good(const struct rn_policy_rule *r)
{
	uint8_t trust_max = r->deny ? 0 : RN_TRUST_MAX;

	if (!rn_name_valid(r->id) || r->number == 0 || r->minimum_trust > trust_max ||
	    r->minimum_destination_trust > trust_max || !side_good(&r->source) || !side_good(&r->destination) ||
	    !times_good(r) || r->service_count == 0 || r->service_count > RN_RULE_SERVICES_MAX)
		return false;
	for (uint32_t i = 0; i < r->service_count; i++)
		if (!service_good(&r->services[i]))
			return false;
	return true;
}

static bool schedule_good(const struct rn_schedule *s)
{
	if (s->count > RN_WINDOWS_MAX)
		return false;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->windows[i].from < 0 || s->windows[i].from >= s->windows[i].until ||
		    s->windows[i].until - s->windows[i].from > UINT32_MAX ||
		    s->windows[i].until > (int64_t)RN_ENDS_MAX ||
		    (i && (s->windows[i].from <= s->windows[i - 1].until ||
			   s->windows[i].from - s->windows[i - 1].until > UINT32_MAX)))
			return false;
	return true;
}

static bool order_good(const struct rn_policy_rule *before, const struct rn_policy_rule *after)
{
	if (before->deny != after->deny)
		return before->deny;
	return before->number <= after->number;
}

static bool need_good(const struct rn_policy_record *p, uint32_t i)
{
	return p->needs[i].device > (i ? p->needs[i - 1].device : 0) && p->needs[i].version > p->since;
}

static bool parts_good(const struct rn_policy_record *p)
{
	if (p->part_count > RN_PARTS_MAX || p->joined_rules > p->rule_count ||
	    p->joined_schedules > p->schedule_count || (!p->part_count && (p->joined_rules || p->joined_schedules)))
		return false;
	for (uint32_t i = 0; i < p->part_count; i++)
		if (!p->parts[i].number)
			return false;
	return true;
}

bool rn_policy_record_good(const struct rn_policy_record *p)
{
	if (p->rule_count > RN_RULES_MAX || p->need_count > RN_NEEDS_MAX || p->schedule_count > RN_SCHEDULES_MAX ||
	    !parts_good(p))
		return false;
	for (uint32_t i = 0; i < p->schedule_count; i++)
		if (!schedule_good(&p->schedules[i]))
			return false;
	for (uint32_t i = 0; i < p->need_count; i++)
		if (!need_good(p, i))
			return false;
	for (uint32_t i = 0; i < p->rule_count; i++)
		if (!rn_policy_rule_good(&p->rules[i]) || p->rules[i].schedule > p->schedule_count ||
		    (i && !order_good(&p->rules[i - 1], &p->rules[i])))
			return false;
	return true;
}

bool rn_identity_record_good(const struct rn_identity_record *i)
{
	bool known = i->says == RN_IDENTITY_KNOWN || i->says == RN_IDENTITY_ENDING;

	return i->number != 0 && i->number <= RN_IDENTITY_MAX && (known || i->says == RN_IDENTITY_FORGET) &&
	       (i->selector_count > 0) == known && i->selector_count <= RN_SELECTORS_MAX &&
	       ascending(i->selectors, i->selector_count);
}
