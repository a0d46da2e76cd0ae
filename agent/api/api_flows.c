/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "api/resources.h"

static const char *kind_name(uint8_t kind)
{
	return kind == RN_EVENT_FLOW_NEW ? "new" : kind == RN_EVENT_FLOW_CHANGED ? "changed" : "denied";
}

/* "tcp", or the protocol's number as text: denied packets may be of any. */
static void add_protocol(struct rn_json *object, uint8_t protocol)
{
	char number[8];

	snprintf(number, sizeof(number), "%u", protocol);
	rn_json_add_text(object, "protocol",
			 protocol == IPPROTO_TCP				  ? "tcp"
			 : protocol == IPPROTO_UDP				  ? "udp"
			 : protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? "icmp"
										  : number);
}

static struct rn_json *end_json(const char *name, const char *hub, const struct rn_addr *addr, __be16 port,
				uint32_t identity)
{
	struct rn_json *end = rn_json_object();

	rn_json_add_text(end, "client_id", name[0] ? name : NULL);
	rn_json_add_text(end, "hub", hub[0] ? hub : NULL);
	rn_api_add_address(end, "virtual_ip", addr);
	rn_json_add_int(end, "port", ntohs(port));
	rn_json_add_u64(end, "identity", identity);
	return end;
}

struct rn_json *rn_api_event_json(struct rn_core *core, const struct rn_core_event *event)
{
	const struct rn_event *e = &event->event;
	struct rn_json *root = rn_json_object();

	rn_json_add_u64(root, "serial", event->serial);
	rn_api_add_time_ns(root, "time", e->time_ns);
	rn_json_add_text(root, "kind", kind_name(e->kind));
	rn_json_add_text(root, "verdict", e->reason == RN_ALLOWED ? "allow" : "deny");
	rn_json_add_int(root, "reason_number", e->reason);
	rn_json_add_text(root, "reason", rn_api_reason_name(e->reason));
	rn_json_add_text(root, "rule", event->rule[0] ? event->rule : NULL);
	rn_json_add_text(root, "observed_rule", event->observed[0] ? event->observed : NULL);
	rn_json_add_bool(root, "log", e->flags & RN_EVENT_LOG);
	rn_json_add_u64(root, "generation", e->generation);
	add_protocol(root, e->protocol);
	rn_json_add(root, "source",
		    end_json(event->source, rn_core_name(core, event->source_hub), &e->source, e->source_port,
			     e->source_identity));
	rn_json_add(root, "destination",
		    end_json(event->destination, rn_core_name(core, event->destination_hub), &e->destination,
			     e->destination_port, e->destination_identity));
	rn_json_add_int(root, "source_trust_score", e->source_trust);
	rn_json_add_u64(root, "bytes", e->bytes);
	rn_json_add_text(root, "direction", e->direction ? "egress" : "ingress");
	rn_json_add_text(root, "hub", event->reporter[0] ? event->reporter : NULL);
	return root;
}

struct list {
	struct rn_core *core;
	struct rn_json *events;
};

static void append(void *context, const struct rn_core_event *event)
{
	struct list *list = context;

	rn_json_append(list->events, rn_api_event_json(list->core, event));
}

static void ignore(void *context, const struct rn_core_event *event)
{
	(void)context;
	(void)event;
}

uint64_t rn_api_newest(struct rn_core *core)
{
	uint64_t lost = 0;

	return rn_core_events(core, 0, RN_CORE_EVENTS_MAX, ignore, NULL, &lost);
}

/* Where to begin: `after`, or so many before the newest. A serial of before core's restart is behind the newest again.
 */
static int begin(struct rn_api_call *call, uint64_t *ret_after, uint64_t *ret_limit)
{
	uint64_t newest = rn_api_newest(call->core), latest = 0;

	if (rn_api_query_u64(call, "after", 0, UINT64_MAX, ret_after) < 0 ||
	    rn_api_query_u64(call, "latest", 1, RN_CORE_EVENTS_MAX, &latest) < 0 ||
	    rn_api_query_u64(call, "limit", 1, RN_CORE_EVENTS_MAX, ret_limit) < 0)
		return -EINVAL;
	if (latest && (*ret_after || call->request->door->query(call->request, "limit"))) {
		rn_api_refuse(call, 400, "invalid", "\"latest\" goes with neither \"after\" nor \"limit\"");
		return -EINVAL;
	}
	if (latest) {
		*ret_after = newest > latest ? newest - latest : 0;
		*ret_limit = latest;
	} else if (*ret_after > newest) {
		*ret_after = 0;
	}
	return 0;
}

void rn_api_flows_list(struct rn_api_call *call)
{
	struct list list = {.core = call->core};
	struct rn_json *root;
	uint64_t after = 0, limit = 1000, lost = 0;

	if (begin(call, &after, &limit) < 0)
		return;
	root = rn_json_object();
	list.events = rn_json_array();
	after = rn_core_events(call->core, after, (unsigned)limit, append, &list, &lost);
	rn_json_add(root, "events", list.events);
	rn_json_add_u64(root, "next", after);
	rn_json_add_u64(root, "lost", lost);
	rn_api_answer(call, 200, root);
}
