/* SPDX-License-Identifier: Apache-2.0 */
/* Flows whose rule says "log", in this host's journal. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "service/core_state.h"

#define LINE_EVERY_MS 10 /* behind a burst; the events themselves are in `rnaut flows` */

static const char *end_name(const struct rn_core *core, uint32_t device, const struct rn_addr *address,
			    char out[RN_ADDR_TEXT])
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, device);
	return entry ? entry->record.name : rn_addr_format(address, out);
}

static const char *protocol_name(uint8_t protocol, char out[8])
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		return protocol == IPPROTO_TCP ? "tcp" : "udp";
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return "icmp";
	snprintf(out, 8, "%u", protocol);
	return out;
}

static void say(const struct rn_core *core, const struct rn_event *e)
{
	char from[RN_ADDR_TEXT], to[RN_ADDR_TEXT], protocol[8], port[8] = "";
	if (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP)
		snprintf(port, sizeof(port), ":%u", ntohs(e->destination_port));
	rn_log(RN_LOG_NOTICE, "%s by rule %s: %s -> %s %s%s, source trust %u, policy generation %llu",
	       e->reason == RN_ALLOWED ? "allowed" : "denied", rn_ledger_rule(core->books.ledger, e->rule),
	       end_name(core, e->source_number, &e->source, from),
	       end_name(core, e->destination_number, &e->destination, to), protocol_name(e->protocol, protocol), port,
	       e->source_trust, (unsigned long long)e->generation);
}

void rn_flow_log(struct rn_core *core, const uint8_t *events, size_t size)
{
	struct rn_event e;
	for (; size >= sizeof(e); events += sizeof(e), size -= sizeof(e)) {
		memcpy(&e, events, sizeof(e));
		if ((e.flags & RN_EVENT_LOG) && rn_log_allowed(&core->flow_lines, rn_core_now_ms(core), LINE_EVERY_MS))
			say(core, &e);
	}
}
