/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "service/core_history.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000

struct listing {
	struct rn_json *list;
	uint64_t last;
	unsigned count;
};

static void append(void *context, const struct rn_core_policy *policy)
{
	struct listing *listing = context;

	rn_json_append(listing->list, rn_api_policy_json(policy));
	listing->last = policy->version;
	listing->count++;
}

/* "next" is there where there may be more. */
void rn_api_policy_history(struct rn_api_call *call)
{
	uint64_t before = INT64_MAX, limit = LIMIT_DEFAULT;
	struct listing listing = {.list = NULL};
	struct rn_err err = {""};
	struct rn_json *root;
	int code;

	if (rn_api_query_u64(call, "before", 1, INT64_MAX, &before) < 0 ||
	    rn_api_query_u64(call, "limit", 1, LIMIT_MAX, &limit) < 0)
		return;
	listing.list = rn_json_array();
	code = rn_core_policies(call->core, before, (unsigned)limit, append, &listing, &err);
	if (code < 0) {
		rn_json_free(listing.list);
		rn_api_fail(call, code, &err);
		return;
	}
	root = rn_json_object();
	rn_json_add(root, "versions", listing.list);
	if (listing.count == limit)
		rn_json_add_u64(root, "next", listing.last);
	else
		rn_json_add_text(root, "next", NULL);
	rn_api_answer(call, 200, root);
}

static void take(void *context, const struct rn_core_policy *policy)
{
	struct rn_json **ret = context;

	*ret = rn_api_policy_json(policy);
}

void rn_api_policy_version(struct rn_api_call *call)
{
	unsigned long long version = 0;
	struct rn_json *root = NULL;
	struct rn_err err = {""};
	char *end = call->name;
	int code;

	errno = 0;
	if (call->name[0] >= '1' && call->name[0] <= '9')
		version = strtoull(call->name, &end, 10);
	if (*end || errno) {
		rn_api_refuse(call, 404, "not_found", "the version of a policy is a number");
		return;
	}
	code = rn_core_policy_version(call->core, version, take, &root, &err);
	if (code < 0)
		rn_api_fail(call, code, &err);
	else
		rn_api_answer(call, 200, root);
}
