/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/resources.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define HOURS_MAX (366 * 24)

const char *rn_api_protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "icmp";
}

static void add_name(struct rn_json *object, const char *key, const char *name)
{
	rn_json_add_text(object, key, name[0] ? name : NULL);
}

static struct rn_json *source_json(const struct rn_core_recorded *flow)
{
	struct rn_json *end = rn_json_object();

	add_name(end, "client_id", flow->source);
	add_name(end, "owner", flow->owner);
	rn_json_add_u64(end, "identity", flow->row->source_identity);
	rn_json_add_int(end, "trust_score", flow->row->trust);
	return end;
}

static struct rn_json *destination_json(const struct rn_core_recorded *flow)
{
	struct rn_json *end = rn_json_object();

	add_name(end, "client_id", flow->destination);
	rn_json_add_u64(end, "identity", flow->row->destination_identity);
	return end;
}

static void append(void *context, const struct rn_core_recorded *flow)
{
	const struct rn_flow_row *row = flow->row;
	struct rn_json *object = rn_json_object();
	int64_t ms = (int64_t)row->heard * 1000 - row->before_ms;
	bool observed = row->kind == RN_FLOW_OBSERVED; /* which rule decided it is in the flow's own row */

	rn_json_add_u64(object, "serial", flow->serial);
	rn_api_add_time(object, "heard", row->heard);
	rn_api_add_time_ns(object, "time", ms > 0 ? (uint64_t)ms * 1000000u : 0);
	rn_json_add(object, "source", source_json(flow));
	rn_json_add(object, "destination", destination_json(flow));
	rn_json_add_text(object, "protocol", rn_api_protocol_name(row->protocol));
	rn_json_add_int(object, "port", row->port);
	rn_json_add_text(object, "verdict", row->reason == RN_ALLOWED ? "allow" : "deny");
	rn_json_add_int(object, "reason_number", row->reason);
	rn_json_add_text(object, "reason", rn_api_reason_name(row->reason));
	add_name(object, "rule", observed ? "" : row->rule_id);
	rn_json_add_u64(object, "rule_number", observed ? 0 : row->rule);
	add_name(object, "observed_rule", observed ? row->rule_id : "");
	rn_json_add_text(object, "observed_verdict",
			 !observed			   ? NULL
			 : row->flags & RN_FLOW_WOULD_DENY ? "deny"
							   : "allow");
	if (row->policy)
		rn_json_add_u64(object, "policy_version", row->policy);
	else
		rn_json_add_text(object, "policy_version", NULL);
	add_name(object, "hub", flow->hub);
	rn_json_add_u64(object, "flows", row->flows);
	rn_json_add_u64(object, "packets", row->packets);
	rn_json_append(context, object);
}

/* One of the words, by its place, or -1 where it is not given; -EINVAL: answered. */
static int word(struct rn_api_call *call, const char *key, const char *const words[], int *ret)
{
	const char *text = call->request->door->query(call->request, key);

	for (*ret = 0; text && words[*ret]; (*ret)++)
		if (strcmp(words[*ret], text) == 0)
			return 0;
	if (text) {
		rn_api_refuse(call, 400, "invalid", "there is no such \"%s\": docs/openapi.json lists them", key);
		return -EINVAL;
	}
	*ret = -1;
	return 0;
}

/* 0, or the call has been answered. */
static int read_query(struct rn_api_call *call, struct rn_core_recorded_query *q)
{
	static const char *const verdicts[] = {"allow", "deny", NULL}, *const protocols[] = {"tcp", "udp", "icmp",
											     NULL};
	static const int numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	const struct {
		const char *key, **to;
	} texts[] = {{"source", &q->source}, {"destination", &q->destination}, {"hub", &q->hub}, {"owner", &q->owner},
		     {"rule", &q->rule},     {"observed", &q->observed}};
	uint64_t limit = LIMIT_DEFAULT, hours = 0, port = UINT64_MAX;

	if (rn_api_query_u64(call, "before", 1, UINT64_MAX, &q->before) < 0 ||
	    rn_api_query_u64(call, "limit", 1, LIMIT_MAX, &limit) < 0 ||
	    rn_api_query_u64(call, "hours", 1, HOURS_MAX, &hours) < 0 ||
	    rn_api_query_u64(call, "port", 0, 65535, &port) < 0 || word(call, "verdict", verdicts, &q->denied) < 0 ||
	    word(call, "protocol", protocols, &q->protocol) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i].to = call->request->door->query(call->request, texts[i].key);
	if (q->rule && q->observed) {
		rn_api_refuse(call, 400, "invalid", "give one of \"rule\" and \"observed\"");
		return -EINVAL;
	}
	q->limit = (unsigned)limit;
	q->since = hours ? (int64_t)time(NULL) - (int64_t)hours * 3600 : 0;
	q->port = port == UINT64_MAX ? -1 : (int)port;
	q->protocol = q->protocol < 0 ? -1 : numbers[q->protocol];
	return 0;
}

void rn_api_recorded(struct rn_api_call *call)
{
	struct rn_core_recorded_query query = {0};
	struct rn_core_recorded_end end;
	struct rn_err err = {""};
	struct rn_json *list, *root;
	int code;

	if (read_query(call, &query) < 0)
		return;
	list = rn_json_array();
	code = rn_core_recorded(call->core, &query, append, list, &end, &err);
	if (code < 0) {
		rn_json_free(list);
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, "flows", list);
	if (end.next)
		rn_json_add_u64(root, "next", end.next);
	else
		rn_json_add_text(root, "next", NULL);
	rn_api_add_time(root, "recorded_since", end.oldest);
	rn_json_add_u64(root, "lost", end.lost);
	rn_json_add_u64(root, "damaged", end.damaged);
	rn_json_add_u64(root, "silences", end.silences);
	rn_api_answer(call, 200, root);
}
