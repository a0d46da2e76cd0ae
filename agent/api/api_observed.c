/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#define HOURS_DEFAULT 24
#define HOURS_MAX (366 * 24)

static struct rn_json *rule_json(const struct rn_core_observed_rule *rule)
{
	struct rn_json *object = rn_json_object();

	rn_json_add_text(object, "rule", rule->id);
	rn_json_add_text(object, "action", rule->deny ? "deny" : "allow");
	rn_json_add_u64(object, "flows", rule->flows);
	rn_json_add_u64(object, "users", rule->users);
	rn_json_add_u64(object, "unowned_devices", rule->unowned);
	rn_json_add_u64(object, "unchanged_flows", rule->unchanged);
	rn_api_add_time(object, "last", rule->last);
	return object;
}

static void done(void *context, int code, const struct rn_err *err, const struct rn_core_observed *o)
{
	struct rn_api_call *call = context;
	struct rn_json *root, *rules;

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	rules = rn_json_array();
	rn_api_add_span(root, &o->span);
	rn_json_add_u64(root, "policy_version", o->policy_version);
	rn_api_add_time(root, "policy_since", o->policy_since);
	for (unsigned i = 0; i < o->rule_count; i++)
		rn_json_append(rules, rule_json(&o->rules[i]));
	rn_json_add(root, "rules", rules);
	rn_json_add_u64(root, "more_rules", o->more_rules);
	rn_json_add_u64(root, "other_flows", o->others);
	rn_json_add(root, "missing", rn_api_missing_json(&o->span));
	rn_api_answer(call, 200, root);
}

void rn_api_policy_observed(struct rn_api_call *call)
{
	uint64_t hours = HOURS_DEFAULT;

	if (rn_api_query_u64(call, "hours", 1, HOURS_MAX, &hours) < 0)
		return;
	rn_api_cancel_by(call, call);
	rn_core_observed(call->core, (unsigned)hours, done, call);
}
