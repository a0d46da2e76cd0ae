/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/resources.h"

#define HOURS_DEFAULT 24
#define HOURS_MAX (366 * 24)

static void add_name(struct rn_json *object, const char *key, const char *name)
{
	rn_json_add_text(object, key, name[0] ? name : NULL);
}

/* What it is now, or would be by the draft. */
static struct rn_json *verdict_json(uint8_t reason, const char *rule)
{
	struct rn_json *object = rn_json_object();

	rn_json_add_text(object, "verdict", reason == RN_ALLOWED ? "allow" : "deny");
	rn_json_add_int(object, "reason_number", reason);
	rn_json_add_text(object, "reason", rn_api_reason_name(reason));
	add_name(object, "rule", rule);
	return object;
}

static struct rn_json *rules_json(const struct rn_core_replayed *r)
{
	struct rn_json *list = rn_json_array();

	for (unsigned i = 0; i < r->rule_count; i++) {
		const struct rn_core_replay_rule *rule = &r->rules[i];
		struct rn_json *object = rn_json_object();

		rn_json_add(object, "now", verdict_json(rule->now_reason, rule->now_rule));
		rn_json_add(object, "draft", verdict_json(rule->draft_reason, rule->draft_rule));
		rn_json_add_u64(object, "flows", rule->flows);
		rn_json_append(list, object);
	}
	return list;
}

static struct rn_json *changes_json(const struct rn_core_replayed *r)
{
	struct rn_json *list = rn_json_array();

	for (unsigned i = 0; i < r->change_count; i++) {
		const struct rn_core_replay_change *c = &r->changes[i];
		struct rn_json *object = rn_json_object();

		add_name(object, "user", c->owner);
		add_name(object, "source", c->source);
		rn_json_add_int(object, "devices", c->devices);
		add_name(object, "destination", c->destination);
		rn_json_add_text(object, "protocol", rn_api_protocol_name(c->protocol));
		rn_json_add_int(object, "port", c->port);
		rn_json_add(object, "now", verdict_json(c->now_reason, c->now_rule));
		rn_json_add(object, "draft", verdict_json(c->draft_reason, c->draft_rule));
		rn_json_add_u64(object, "flows", c->flows);
		rn_api_add_time(object, "last", c->last);
		rn_json_append(list, object);
	}
	return list;
}

static struct rn_json *side_json(uint64_t flows, unsigned users, unsigned unowned)
{
	struct rn_json *object = rn_json_object();

	rn_json_add_u64(object, "flows", flows);
	rn_json_add_u64(object, "users", users);
	rn_json_add_u64(object, "unowned_devices", unowned);
	return object;
}

void rn_api_add_span(struct rn_json *root, const struct rn_core_span *span)
{
	rn_api_add_time(root, "since", span->since);
	rn_api_add_time(root, "until", span->until);
	rn_api_add_time(root, "recorded_since", span->recorded_since);
}

struct rn_json *rn_api_missing_json(const struct rn_core_span *span)
{
	struct rn_json *object = rn_json_object();

	rn_json_add_u64(object, "lost_events", span->lost);
	rn_json_add_u64(object, "damaged_rows", span->damaged);
	rn_json_add_u64(object, "silences", span->silences);
	rn_json_add_u64(object, "silent_seconds", (uint64_t)span->silent_s);
	rn_json_add_u64(object, "unknown_devices", span->unknown);
	rn_json_add_u64(object, "stopped", span->stopped);
	return object;
}

static void done(void *context, int code, const struct rn_err *err, const struct rn_core_replayed *r)
{
	struct rn_api_call *call = context;
	struct rn_json *root;

	if (code < 0) {
		rn_api_fail(call, code, err);
		return;
	}
	root = rn_json_object();
	rn_api_add_span(root, &r->span);
	rn_json_add_u64(root, "policy_version", r->policy_version);
	rn_json_add_u64(root, "flows", r->flows);
	rn_json_add_u64(root, "allowed_now", r->allowed_now);
	rn_json_add_u64(root, "allowed_by_draft", r->allowed_by_draft);
	rn_json_add(root, "would_deny", side_json(r->would_deny, r->deny_users, r->deny_unowned));
	rn_json_add(root, "would_allow", side_json(r->would_allow, r->allow_users, r->allow_unowned));
	rn_json_add(root, "rules", rules_json(r));
	rn_json_add(root, "changes", changes_json(r));
	rn_json_add_u64(root, "more_changes", r->more_changes);
	rn_json_add(root, "missing", rn_api_missing_json(&r->span));
	rn_json_add_u64(root, "took_milliseconds", (uint64_t)r->took_ms);
	rn_api_answer(call, 200, root);
}

void rn_api_policy_replay(struct rn_api_call *call)
{
	uint64_t hours = HOURS_DEFAULT;
	struct rn_json *body = call->body;
	const char *text;

	if (rn_api_need_text(call, "text", &text) < 0 || rn_api_query_u64(call, "hours", 1, HOURS_MAX, &hours) < 0)
		return;
	call->body = NULL; /* core has a copy of the text, and the call may be gone after this */
	rn_api_cancel_by(call, call);
	rn_core_replay(call->core, text, strlen(text), (unsigned)hours, done, call);
	rn_json_free(body);
}
