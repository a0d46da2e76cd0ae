/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow_world.h"

const char flow_world_text[] =
    "{\"tags\": [\"web\"], \"rules\": ["
    "{\"id\": \"web\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"
    " \"destination_criteria\": [\"device:server\"], \"services\": [\"tcp:80\", \"tcp:443\", \"icmp\"]},"
    "{\"id\": \"ssh\", \"action\": \"allow\", \"source_criteria\": [\"user:alice\"],"
    " \"destination_criteria\": [\"device:server\"], \"services\": [\"tcp:22\"]}]}";

void flow_world_client(struct world *w, const char *name, const char *owner, uint8_t key)
{
	struct rn_core_token_request request = {.kind = RN_KIND_MOBILE};
	uint8_t keys[RN_KEY_SIZE] = {key};
	struct world_done done = {0};
	snprintf(request.name, sizeof(request.name), "%s", name);
	snprintf(request.owner, sizeof(request.owner), "%s", owner);
	snprintf(request.hub, sizeof(request.hub), "hub");
	rn_core_device_add(w->hosts[0].core, &request, keys, world_done, &done);
	world_wait(w, 200);
	assert_int_equal(done.code, 0);
}

void flow_world_policy(struct world *w, const char *text)
{
	struct world_done done = {0};
	struct rn_core_policy_new new = {.text = text, .size = strlen(text)};
	rn_core_policy_set(w->hosts[0].core, &new, world_done, &done);
	world_wait(w, 500);
	assert_int_equal(done.count, 1);
	assert_int_equal(done.code, 0);
}

int flow_world_setup(void **state)
{
	struct world *w = world_new();
	w->hosts[0].params.flow_rows = 20000;
	w->hosts[0].params.flow_days = 7;
	world_restart(&w->hosts[0]);
	world_add(w, 1, RN_KIND_REGIONAL, "hub", 0);
	world_add(w, 2, RN_KIND_DESKTOP, "laptop", 1);
	world_add(w, 3, RN_KIND_SERVER, "server", 1);
	flow_world_client(w, "phone", "bob", 7);
	flow_world_client(w, "thing", "", 8);
	flow_world_policy(w, flow_world_text);
	*state = w;
	return 0;
}

int flow_world_teardown(void **state)
{
	world_free(*state);
	return 0;
}

const struct rn_device_record *flow_world_device(struct world *w, const char *name)
{
	const struct rn_ledger_entry *entry = rn_ledger_by_name(world_books(&w->hosts[0])->ledger, name);
	assert_non_null(entry);
	return &entry->record;
}

struct rn_event flow_world_event(struct world *w, const char *from, const char *to, uint8_t protocol, uint16_t port,
				 enum rn_reason reason, uint32_t rule)
{
	static uint16_t source_port = 1000;
	return (struct rn_event){
	    .time_ns = (uint64_t)(w->begun + w->now_ms / 1000) * 1000000000u,
	    .source = flow_world_device(w, from)->ipv6,
	    .destination = flow_world_device(w, to)->ipv6,
	    .source_port = htons(++source_port),
	    .destination_port = htons(port),
	    .source_number = flow_world_device(w, from)->number,
	    .destination_number = flow_world_device(w, to)->number,
	    .source_identity = flow_world_device(w, from)->identity,
	    .destination_identity = flow_world_device(w, to)->identity,
	    .rule = rule,
	    .bytes = 60,
	    .kind = reason == RN_ALLOWED ? RN_EVENT_FLOW_NEW : RN_EVENT_DENIED,
	    .reason = (uint8_t)reason,
	    .protocol = protocol,
	    .source_trust = flow_world_device(w, from)->trust,
	};
}

void flow_world_tell_lost(struct world *w, unsigned host, const struct rn_event *e, uint64_t lost)
{
	struct rn_local local = {
	    .type = RN_LOCAL_KERN_EVENTS, .version = lost, .block = (const uint8_t *)e, .block_size = sizeof(*e)};
	assert_true(rn_core_receive(w->hosts[host].core, RN_CORE_KERN, &local));
}

void flow_world_tell(struct world *w, unsigned host, struct rn_event e)
{
	flow_world_tell_lost(w, host, &e, 0);
}

void flow_world_flows(struct world *w, unsigned count, const char *from, const char *to, uint16_t port,
		      enum rn_reason reason, uint32_t rule)
{
	while (count--)
		flow_world_tell(w, 1,
				flow_world_event(w, from, to, port ? IPPROTO_TCP : IPPROTO_ICMPV6, port, reason, rule));
	world_wait(w, 200);
}
