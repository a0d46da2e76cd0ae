/* SPDX-License-Identifier: Apache-2.0 */
/* What would happen to a packet, and why: docs/datapath.md sections 2 and 4 on the stored state, by the reference. */
#include "service/core_explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/core_parties.h"
#include "service/core_state.h"

/* By name or address; *ret_known false for an address that no device has. */
static int resolve(struct rn_core *core, const char *text, struct rn_core_device *ret, bool *ret_known,
		   struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	struct rn_addr address;
	*ret_known = true;
	if (rn_addr_parse(text, &address))
		return rn_core_device(core, text, ret, err);
	entry = rn_ledger_by_address(core->books.ledger, &address);
	*ret_known = entry != NULL;
	return entry ? rn_core_device(core, entry->record.name, ret, err) : 0;
}

static struct rn_party party(struct rn_core_device *d, const char *tags[RN_SELECTORS_MAX])
{
	return rn_party_from(&d->record, d->hub_name, d->tags, d->tag_count, tags);
}

static bool lease_expired(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = rn_ledger_network(core->books.ledger);
	struct rn_network network;
	if (!entry || rn_record_get_network(entry->blob, entry->size, &network))
		return true;
	return rn_core_now(core) >= (int64_t)(entry->issued + network.lease_seconds);
}

/* A device whose hub is over, or that is to be reached through one that other hubs have no tunnel to. */
static bool no_way(struct rn_core *core, const struct rn_core_device *source, const struct rn_core_device *destination)
{
	const struct rn_core_device *ends[] = {source, destination};
	if (source->record.hub == destination->record.hub)
		return source->hub_gone != RN_HUB_THERE;
	for (unsigned i = 0; i < 2; i++) {
		const struct rn_ledger_entry *hub = rn_ledger_device(core->books.ledger, ends[i]->record.hub);
		if (!hub || ends[i]->hub_gone != RN_HUB_THERE || rn_is_zero(hub->record.mesh_key, RN_KEY_SIZE))
			return true;
	}
	return false;
}

/* What is asked before the policy; RN_ALLOWED where none of it stops the packet. */
static enum rn_reason before_policy(struct rn_core *core, const struct rn_core_device *source, bool source_known,
				    const struct rn_core_device *destination, bool destination_known)
{
	const struct {
		bool stops;
		enum rn_reason reason;
	} steps[] = {
	    {!rn_ledger_policy(core->books.ledger), RN_NO_POLICY},
	    {lease_expired(core), RN_LEASE_EXPIRED},
	    {!source_known, RN_UNKNOWN_SOURCE},
	    {!destination_known, RN_UNKNOWN_DESTINATION},
	    {no_way(core, source, destination), RN_NO_ROUTE},
	    {source->record.flags & RN_DEVICE_REVOKED, RN_SOURCE_REVOKED},
	    {destination->record.flags & RN_DEVICE_REVOKED, RN_DESTINATION_REVOKED},
	    {source->record.flags & RN_DEVICE_QUARANTINED, RN_SOURCE_QUARANTINED},
	    {destination->record.flags & RN_DEVICE_QUARANTINED, RN_DESTINATION_QUARANTINED},
	};
	for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i].stops)
			return steps[i].reason;
	return RN_ALLOWED;
}

static void judge(struct rn_core *core, struct rn_core_explanation *e, bool source_known, bool destination_known,
		  uint8_t protocol, uint16_t port, int64_t at)
{
	const struct rn_policy_model *model = core->policy.model;
	const char *source_tags[RN_SELECTORS_MAX], *destination_tags[RN_SELECTORS_MAX];
	struct rn_question q = {party(&e->source, source_tags),
				party(&e->destination, destination_tags),
				.protocol = protocol,
				.port = port,
				.at = at,
				.zones = &core->books.zones};
	enum rn_reason reason = before_policy(core, &e->source, source_known, &e->destination, destination_known);
	if (reason != RN_ALLOWED) {
		e->policy.reason = reason;
		return;
	}
	rn_policy_evaluate(model, &q, &e->policy);
	rn_policy_rule_state(model, e->policy.rule, &q, &e->deciding);
	if (e->policy.reason != RN_ALLOWED)
		rn_policy_rule_state(model, rn_policy_nearest(model, &q), &q, &e->near);
	if (e->policy.observed)
		snprintf(e->observed, sizeof(e->observed), "%s", model->rules[e->policy.observed - 1].id);
	if (e->deciding.rule)
		snprintf(e->rule, sizeof(e->rule), "%s", model->rules[e->deciding.rule - 1].id);
	if (e->near.rule)
		snprintf(e->nearest, sizeof(e->nearest), "%s", model->rules[e->near.rule - 1].id);
}

int rn_core_explain_at(struct rn_core *core, const char *source, const char *destination, uint8_t protocol,
		       uint16_t port, int64_t at, struct rn_core_explanation *ret, struct rn_err *err)
{
	struct rn_core_explanation e = {0};
	bool source_known = false, destination_known = false;
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = resolve(core, source, &e.source, &source_known, err);
	if (!rc)
		rc = resolve(core, destination, &e.destination, &destination_known, err);
	if (rc)
		return rc;
	if (source_known && e.source.record.number == e.destination.record.number)
		return rn_fail(err, -EINVAL, "source and destination are the same device");
	e.policy_version = core->policy.about.version;
	judge(core, &e, source_known, destination_known, protocol, port, at);
	snprintf(e.hub, sizeof(e.hub), "%s", source_known ? e.source.hub_name : e.destination.hub_name);
	if (source_known && destination_known && e.source.record.hub != e.destination.record.hub)
		snprintf(e.destination_hub, sizeof(e.destination_hub), "%s", e.destination.hub_name);
	*ret = e;
	return 0;
}

int64_t rn_core_time(struct rn_core *core)
{
	return rn_core_now(core);
}

int rn_core_explain(struct rn_core *core, const char *source, const char *destination, uint8_t protocol, uint16_t port,
		    struct rn_core_explanation *ret, struct rn_err *err)
{
	return rn_core_explain_at(core, source, destination, protocol, port, rn_core_now(core), ret, err);
}

const char *rn_core_condition_words(struct rn_core *core, uint32_t rule, enum rn_condition condition,
				    char out[RN_CONDITION_WORDS])
{
	const struct rn_policy_model *model = core->policy.model;

	out[0] = '\0';
	return model && rule && rule <= model->rule_count ? rn_condition_words(&model->rules[rule - 1], condition, out)
							    : out;
}
