/* SPDX-License-Identifier: Apache-2.0 */
/* What the observed rules of the policy in force would have done to the flows that were recorded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_row_walk.h"
#include "service/core_state.h"

struct sum {
	struct rn_core_observed_rule rule;
	uint32_t number;
	struct rn_numbers *users, *unowned; /* NULL: none yet */
};

struct rn_observed {
	struct rn_row_walk walk;
	struct rn_policy_shared *policy; /* the ids are its */
	struct rn_core_observed result;
	struct sum *sums; /* by id, while it walks */
	uint32_t count;
	rn_core_observed_done *done;
	void *context;
};

/* ---- the rules ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct sum *)a)->rule.id, ((const struct sum *)b)->rule.id);
}

static int by_flows(const void *a, const void *b)
{
	const struct sum *left = a, *right = b;

	if (left->rule.flows != right->rule.flows)
		return left->rule.flows < right->rule.flows ? 1 : -1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static int list_rules(struct rn_observed *o, struct rn_err *err)
{
	const struct rn_policy_model *model = o->policy->made.model;

	for (uint32_t i = 0; i < model->rule_count; i++)
		o->count += model->rules[i].observe;
	o->sums = calloc(o->count ? o->count : 1, sizeof(*o->sums));
	if (!o->sums)
		return rn_fail(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0, at = 0; i < model->rule_count; i++)
		if (model->rules[i].observe)
			o->sums[at++] = (struct sum){.rule = {.id = model->rules[i].id, .deny = model->rules[i].deny},
						     .number = model->rules[i].number};
	qsort(o->sums, o->count, sizeof(*o->sums), by_id);
	return 0;
}

static struct sum *find(const struct rn_observed *o, const char *id)
{
	const struct sum key = {.rule = {.id = id}};

	return bsearch(&key, o->sums, o->count, sizeof(*o->sums), by_id);
}

/* ---- the rows ---- */

static int add_number(struct rn_numbers **numbers, uint32_t number)
{
	if (!*numbers)
		*numbers = rn_numbers_new();
	return *numbers ? rn_numbers_set(*numbers, number, 1) : -ENOMEM;
}

static int add(struct sum *sum, const struct rn_device_record *source, const struct rn_flow_row *row)
{
	if ((row->reason == RN_ALLOWED) != sum->rule.deny) {
		sum->rule.unchanged += row->flows;
		return 0;
	}
	sum->rule.flows += row->flows;
	if (row->heard > sum->rule.last)
		sum->rule.last = row->heard;
	return source->owner ? add_number(&sum->users, source->owner) : add_number(&sum->unowned, source->number);
}

static bool is_stopped(const struct rn_ledger_entry *entry)
{
	return entry->record.flags & (RN_DEVICE_REVOKED | RN_DEVICE_QUARANTINED);
}

static int take_row(struct rn_core *core, void *context, const struct rn_flow_row *row)
{
	struct rn_observed *o = context;
	const struct rn_ledger_entry *source, *destination;
	struct sum *sum;

	if (row->kind != RN_FLOW_OBSERVED)
		return 0;
	sum = find(o, row->rule_id);
	if (!sum || sum->rule.deny != !!(row->flags & RN_FLOW_WOULD_DENY)) {
		o->result.others += row->flows;
		return 0;
	}
	source = rn_ledger_device(core->books.ledger, row->source);
	destination = rn_ledger_device(core->books.ledger, row->destination);
	if (!source || !destination)
		o->walk.span.unknown += row->flows;
	else if (is_stopped(source) || is_stopped(destination))
		o->walk.span.stopped += row->flows;
	else
		return add(sum, &source->record, row);
	return 0;
}

/* ---- life ---- */

static void release(struct rn_observed *o)
{
	for (uint32_t i = 0; o->sums && i < o->count; i++) {
		rn_numbers_free(o->sums[i].users);
		rn_numbers_free(o->sums[i].unowned);
	}
	free(o->sums);
	rn_policy_let_go(o->policy);
	free(o);
}

/* A list of the rules alone, in the order in which they are told; NULL: out of memory. */
static struct rn_core_observed_rule *told(struct rn_observed *o)
{
	unsigned count = o->count < RN_CORE_OBSERVED_RULES ? o->count : RN_CORE_OBSERVED_RULES;
	struct rn_core_observed_rule *rules = calloc(count ? count : 1, sizeof(*rules));

	if (!rules)
		return NULL;
	qsort(o->sums, o->count, sizeof(*o->sums), by_flows);
	for (unsigned i = 0; i < count; i++) {
		rules[i] = o->sums[i].rule;
		rules[i].users = o->sums[i].users ? rn_numbers_count(o->sums[i].users) : 0;
		rules[i].unowned = o->sums[i].unowned ? rn_numbers_count(o->sums[i].unowned) : 0;
	}
	o->result.rules = rules;
	o->result.rule_count = count;
	o->result.more_rules = o->count - count;
	return rules;
}

static void finish(struct rn_core *core, int code, struct rn_err *err)
{
	struct rn_observed *o = core->observed;
	struct rn_core_observed_rule *rules = code ? NULL : told(o);

	core->observed = NULL;
	if (!code && !rules)
		code = rn_fail(err, -ENOMEM, "out of memory");
	o->result.span = o->walk.span;
	o->done(o->context, code, err, code ? NULL : &o->result);
	free(rules);
	release(o);
}

void rn_observed_tick(struct rn_core *core, bool last)
{
	struct rn_err err = {""};
	int rc =
	    core->observed ? rn_row_walk_slice(core, &core->observed->walk, last, take_row, core->observed, &err) : 0;

	if (rc)
		finish(core, rc < 0 ? rc : 0, &err);
}

void rn_observed_cancel(struct rn_core *core, const void *whose)
{
	struct rn_err err = {""};

	if (!core->observed || core->observed->context != whose)
		return;
	finish(core, rn_fail(&err, -ECANCELED, "whoever asked has gone"), &err);
}

static int begin(struct rn_core *core, struct rn_observed *o, unsigned hours, struct rn_err *err)
{
	int rc = rn_row_walk_begin(core, &o->walk, hours, err);

	if (rc)
		return rc;
	o->policy = rn_policy_hold(core->policy.shared);
	o->result.policy_version = core->policy.about.version;
	o->result.policy_since = core->policy.about.stored;
	return list_rules(o, err);
}

void rn_core_observed(struct rn_core *core, unsigned hours, rn_core_observed_done *done, void *context)
{
	struct rn_err err = {""};
	struct rn_observed *o = NULL;
	int rc = rn_core_need_gateway(core, &err);

	if (!rc && core->observed)
		rc = rn_fail(&err, -EBUSY, "somebody else asks what was observed: try again in a moment");
	if (!rc) {
		o = calloc(1, sizeof(*o));
		rc = o ? begin(core, o, hours, &err) : rn_fail(&err, -ENOMEM, "out of memory");
	}
	if (rc || !o) {
		if (o)
			release(o);
		done(context, rc, &err, NULL);
		return;
	}
	o->done = done;
	o->context = context;
	core->observed = o;
	rn_core_arm(core, rn_core_now_ms(core));
}
