/* SPDX-License-Identifier: Apache-2.0 */
/* What core tells the API about itself, and the flow events. */
#include <string.h>

#include "service/core_state.h"

void rn_core_status(struct rn_core *core, struct rn_core_status *ret)
{
	const struct rn_device_record *self = rn_core_self(core);
	const struct rn_ledger_entry *newest = rn_ledger_newest(core->books.ledger);
	const struct rn_ledger_entry *policy = rn_ledger_policy(core->books.ledger);
	const struct rn_ledger_entry *network = rn_ledger_network(core->books.ledger);
	const struct rn_ledger_entry *hub = self ? rn_ledger_device(core->books.ledger, self->hub) : NULL;
	/* By a clock that was set back since, nobody knows how old it is. */
	int64_t heard = core->upstream.heard <= rn_core_now(core) ? core->upstream.heard : 0;
	*ret = (struct rn_core_status){
	    .gateway = core->gateway,
	    .known = self != NULL,
	    .upstream_connected = core->gateway || core->upstream.state == RN_UPSTREAM_OPEN,
	    .upstream_since = core->upstream.state == RN_UPSTREAM_OPEN ? core->upstream.since : 0,
	    .upstream_heard = heard,
	    .upstream_age = heard ? rn_core_now(core) - heard : 0,
	    .epoch = newest ? newest->epoch : core->params.anchor.epoch,
	    .version = newest ? newest->version : 0,
	    .policy_version = policy ? policy->version : 0,
	    .kern_connected = core->connected[RN_CORE_KERN],
	    .net_connected = core->connected[RN_CORE_NET],
	    .ca_connected = core->connected[RN_CORE_CA],
	    .web_connected = core->connected[RN_CORE_WEB],
	    .kern = core->kern.status,
	    .devices = rn_ledger_count(core->books.ledger),
	};
	if (rn_core_kern_refuses(core))
		ret->policy_refused = core->kern.refused_text;
	ret->device_refused = rn_core_kern_stranger(core);
	if (self)
		ret->self = *self;
	if (hub) {
		memcpy(ret->hub_name, hub->record.name, sizeof(ret->hub_name));
		ret->hub_gone = rn_hub_gone(&hub->record, rn_core_now(core));
		ret->hub_ends = (int64_t)hub->record.ends;
	}
	if (network)
		rn_record_get_network(network->blob, network->size, &ret->network);
}

uint64_t rn_core_events(struct rn_core *core, uint64_t after, unsigned max,
			void (*each)(void *context, const struct rn_core_event *), void *context, uint64_t *ret_lost)
{
	return rn_event_ring_read(core->events, after, max, each, context, ret_lost);
}

const char *rn_core_name(struct rn_core *core, uint32_t device)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, device);
	return entry ? entry->record.name : "";
}

void rn_core_on_event(struct rn_core *core, void (*wake)(void *context), void *context)
{
	core->on_event = wake;
	core->on_event_context = context;
}
