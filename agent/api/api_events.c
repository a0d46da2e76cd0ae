/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

struct listing {
	struct rn_json *list;
	uint64_t last;
};

static void append(void *context, const struct rn_core_audit *row)
{
	struct rn_json *event = rn_json_object();
	struct listing *listing = context;

	rn_json_add_u64(event, "serial", row->serial);
	rn_api_add_time(event, "time", row->time);
	rn_json_add_text(event, "actor", row->actor);
	rn_json_add_text(event, "what", row->what);
	rn_json_add_text(event, "object", row->object);
	rn_json_add_text(event, "detail", row->detail);
	rn_json_append(listing->list, event);
	listing->last = row->serial;
}

void rn_api_events(struct rn_api_call *call)
{
	uint64_t after = 0, limit = LIMIT_DEFAULT;
	struct rn_err err = {""};
	struct listing listing;
	struct rn_json *root;
	bool newest = !call->request->door->query(call->request, "after");
	int code;

	if (rn_api_query_u64(call, "after", 0, UINT64_MAX, &after) < 0 ||
	    rn_api_query_u64(call, "limit", 1, LIMIT_MAX, &limit) < 0)
		return;
	listing = (struct listing){rn_json_array(), after};
	code = rn_core_audits(call->core, after, newest, (unsigned)limit, append, &listing, &err);
	if (code < 0) {
		rn_json_free(listing.list);
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, "events", listing.list);
	rn_json_add_u64(root, "next", listing.last);
	rn_api_answer(call, 200, root);
}
