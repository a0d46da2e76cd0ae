/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_flow_row.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "abi/verdict.h"

/* Verdicts on a flow that begins between two devices. Of a packet that is no such thing nobody asks a policy. */
static bool is_verdict(uint8_t reason)
{
	switch (reason) {
	case RN_ALLOWED:
	case RN_DEFAULT_DENY:
	case RN_DENY_RULE:
	case RN_TRUST_TOO_LOW:
	case RN_SOURCE_QUARANTINED:
	case RN_DESTINATION_QUARANTINED:
	case RN_SOURCE_REVOKED:
	case RN_DESTINATION_REVOKED:
	case RN_NO_ROUTE:
	case RN_LEASE_EXPIRED:
	case RN_NO_POLICY:
	case RN_FLOW_TABLE_FULL:
		return true;
	default: /* those of the policy that came later */
		return reason > RN_WRONG_IDENTITY;
	}
}

static bool is_service(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP ||
	       protocol == IPPROTO_ICMPV6;
}

/* The source's own door and its hub tell of a flow first; another hub tells of those that were let through once more.
 */
static bool at_source(const struct rn_ledger *ledger, uint32_t reporter, uint32_t source)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, source);

	return reporter == source || (entry && entry->record.hub == reporter);
}

static bool is_judged(const struct rn_event *e)
{
	return e->source_number && e->destination_number && is_service(e->protocol) && is_verdict(e->reason);
}

static int32_t before_ms(const struct rn_event *e, int64_t now)
{
	int64_t ms = now * 1000 - (int64_t)(e->time_ns / 1000000);

	return ms > INT32_MAX ? INT32_MAX : ms < INT32_MIN ? INT32_MIN : (int32_t)ms;
}

static struct rn_flow_row row_of(const struct rn_event *e, uint32_t reporter, bool first, uint64_t policy, int64_t now)
{
	bool icmp = e->protocol == IPPROTO_ICMP || e->protocol == IPPROTO_ICMPV6;

	return (struct rn_flow_row){.heard = (uint32_t)now,
				    .before_ms = before_ms(e, now),
				    .policy = policy,
				    .source = e->source_number,
				    .destination = e->destination_number,
				    .source_identity = e->source_identity,
				    .destination_identity = e->destination_identity,
				    .hub = reporter,
				    .rule = e->rule,
				    .port = icmp ? 0 : ntohs(e->destination_port),
				    .protocol = e->protocol,
				    .reason = e->reason,
				    .trust = e->source_trust,
				    .kind = RN_FLOW_BEGAN,
				    .flags = first ? RN_FLOW_AT_SOURCE : 0};
}

bool rn_flow_row_began(const struct rn_event *e, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
		       int64_t now, struct rn_flow_row *ret)
{
	bool first = at_source(ledger, reporter, e->source_number);

	if (!is_judged(e) || (e->reason == RN_ALLOWED && (e->kind != RN_EVENT_FLOW_NEW || !first)))
		return false;
	*ret = row_of(e, reporter, first, policy, now);
	return true;
}

bool rn_flow_row_observed(const struct rn_event *e, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
			  int64_t now, struct rn_flow_row *ret)
{
	if (!e->observed || !is_judged(e) || !at_source(ledger, reporter, e->source_number))
		return false;
	*ret = row_of(e, reporter, true, policy, now);
	ret->kind = RN_FLOW_OBSERVED;
	ret->rule = e->observed;
	if (policy && rn_ledger_rule_denies(ledger, e->observed))
		ret->flags |= RN_FLOW_WOULD_DENY;
	return true;
}
