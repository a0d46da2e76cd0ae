/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded flows under a draft of the policy and under the one in force, by the reference evaluator: in slices, so that
 * nobody else waits. What it adds up is core_replay_sums.c.
 */
#include <errno.h>
#include <stdio.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_parties.h"
#include "service/core_prepare.h"
#include "service/core_registry.h"
#include "service/core_replay_memo.h"
#include "service/core_row_walk.h"
#include "service/core_state.h"
#include "sys/memory.h"

#define DEVICES_MAX 1000000u

struct device { /* as it was when it was first met here */
	struct rn_device_record record;
	char (*tags)[RN_NAME_MAX + 1];
	unsigned tag_count;
	char hub[RN_NAME_MAX + 1]; /* that it is at */
	bool stopped;
};

struct rn_replay {
	struct rn_policy_shared *in_force;
	const struct rn_policy_model *now; /* its */
	struct rn_policy_model *draft;
	struct rn_policy_hours *hours[2]; /* of these two */
	const struct rn_zone_source *zones;
	rn_core_replay_done *done;
	void *context;
	struct rn_row_walk walk;
	unsigned hours_back;
	struct rn_core_replayed result;
	struct rn_replay_sums *sums;
	struct rn_numbers *numbers; /* device -> place in devices + 1 */
	struct device *devices;
	unsigned device_count, device_room;
	struct rn_replay_memo *memo;
};

/* ---- devices ---- */

static int read_tags(struct rn_core *core, struct device *d)
{
	char tags[RN_SELECTORS_MAX][RN_NAME_MAX + 1];
	struct rn_err err;
	int rc = rn_registry_tags(&core->books, d->record.number, tags, RN_SELECTORS_MAX, &d->tag_count, &err);

	if (rc || !d->tag_count)
		return rc;
	d->tags = calloc(d->tag_count, sizeof(tags[0]));
	if (!d->tags)
		return -ENOMEM;
	memcpy(d->tags, tags, d->tag_count * sizeof(tags[0]));
	return 0;
}

static int more_room(struct rn_replay *r)
{
	unsigned room = r->device_room ? r->device_room * 2 : 64;
	struct device *devices = r->device_count < DEVICES_MAX ? realloc(r->devices, room * sizeof(*devices)) : NULL;

	if (!devices)
		return -ENOMEM;
	r->devices = devices;
	r->device_room = room;
	return 0;
}

/* 0 and its place; -ENOENT: no such device now. */
static int place_of(struct rn_core *core, struct rn_replay *r, uint32_t number, unsigned *ret)
{
	uint32_t place = rn_numbers_get(r->numbers, number);
	const struct rn_ledger_entry *entry = place ? NULL : rn_ledger_device(core->books.ledger, number);
	int rc = 0;

	if (place) {
		*ret = place - 1;
		return 0;
	}
	if (!entry)
		return -ENOENT;
	if (r->device_count == r->device_room)
		rc = more_room(r);
	if (rc)
		return rc;
	struct device *d = &r->devices[r->device_count];
	*d = (struct device){.record = entry->record,
			     .stopped = entry->record.flags & (RN_DEVICE_REVOKED | RN_DEVICE_QUARANTINED)};
	entry = rn_ledger_device(core->books.ledger, d->record.hub);
	if (entry)
		snprintf(d->hub, sizeof(d->hub), "%s", entry->record.name);
	rc = read_tags(core, d);
	if (!rc)
		rc = rn_numbers_set(r->numbers, number, r->device_count + 1);
	if (rc) {
		free(d->tags);
		return rc;
	}
	*ret = r->device_count++;
	return 0;
}

/* ---- judging ---- */

static struct rn_party party(const struct device *d, const char *tags[RN_SELECTORS_MAX])
{
	return rn_party_from(&d->record, d->hub, d->tags, d->tag_count, tags);
}

/* The one place that asks the reference evaluator. */
static struct rn_answer evaluate(const struct rn_policy_model *model, const struct rn_zone_source *zones,
				 struct rn_policy_hours *hours, const struct device *source,
				 const struct device *destination, const struct rn_flow_row *row)
{
	const char *source_tags[RN_SELECTORS_MAX], *destination_tags[RN_SELECTORS_MAX];
	const struct rn_question q = {.source = party(source, source_tags),
				      .destination = party(destination, destination_tags),
				      .protocol = row->protocol,
				      .port = row->port,
				      .at = row->heard,
				      .zones = zones,
				      .hours = hours};
	struct rn_answer answer;

	rn_policy_evaluate(model, &q, &answer);
	return answer;
}

static const struct rn_replay_verdict *judge(struct rn_replay *r, const struct device *source,
					     const struct device *destination, const struct rn_flow_row *row)
{
	const struct rn_replay_verdict *known = rn_replay_memo_get(r->memo, row);
	struct rn_replay_verdict v;
	struct rn_answer now, draft;

	if (known)
		return known;
	now = evaluate(r->now, r->zones, r->hours[0], source, destination, row);
	draft = evaluate(r->draft, r->zones, r->hours[1], source, destination, row);
	v = (struct rn_replay_verdict){.now_reason = (uint8_t)now.reason,
				       .now_rule = now.rule,
				       .draft_reason = (uint8_t)draft.reason,
				       .draft_rule = draft.rule};
	return rn_replay_memo_set(r->memo, row, &v, now.until < draft.until ? now.until : draft.until);
}

static int judge_row(struct rn_core *core, struct rn_replay *r, const struct rn_flow_row *row)
{
	struct rn_core_replayed *sum = &r->result;
	unsigned source = 0, destination = 0;
	int rc = place_of(core, r, row->source, &source);

	if (!rc)
		rc = place_of(core, r, row->destination, &destination);
	if (rc == -ENOENT) {
		r->walk.span.unknown += row->flows;
		return 0;
	}
	if (rc)
		return rc;
	sum->rows++;
	sum->flows += row->flows;
	const struct device *a = &r->devices[source], *b = &r->devices[destination];
	if (a->stopped || b->stopped) {
		r->walk.span.stopped += row->flows;
		return 0;
	}
	const struct rn_replay_verdict *v = judge(r, a, b, row);
	sum->allowed_now += v->now_reason == RN_ALLOWED ? row->flows : 0;
	sum->allowed_by_draft += v->draft_reason == RN_ALLOWED ? row->flows : 0;
	if ((v->now_reason == RN_ALLOWED) != (v->draft_reason == RN_ALLOWED))
		rc = rn_replay_sums_add(r->sums, &a->record, &b->record, v, row);
	return rc;
}

static int take_row(struct rn_core *core, void *context, const struct rn_flow_row *row)
{
	/* Another door's word of a flow that the source's has told of is no second flow. */
	return row->kind == RN_FLOW_BEGAN && row->flags & RN_FLOW_AT_SOURCE ? judge_row(core, context, row) : 0;
}

/* ---- slices ---- */

static void release(struct rn_replay *r)
{
	rn_policy_let_go(r->in_force);
	rn_policy_hours_free(r->hours[0]);
	rn_policy_hours_free(r->hours[1]);
	rn_policy_model_free(r->draft);
	rn_replay_sums_free(r->sums);
	rn_numbers_free(r->numbers);
	for (unsigned i = 0; i < r->device_count; i++)
		free(r->devices[i].tags);
	free(r->devices);
	rn_replay_memo_free(r->memo);
	free(r);
	rn_memory_settle(); /* the memo is large, and the next replay may be months away */
}

static void finish(struct rn_core *core, int code, const struct rn_err *err)
{
	struct rn_replay *r = core->replay;

	core->replay = NULL;
	r->result.span = r->walk.span;
	r->result.took_ms = rn_core_now_ms(core) - r->walk.begun_ms;
	if (!code)
		rn_replay_sums_end(r->sums, r->now, r->draft, core->books.ledger, &r->result);
	r->done(r->context, code, err, code ? NULL : &r->result);
	release(r);
}

void rn_replay_tick(struct rn_core *core, bool last)
{
	struct rn_err err = {""};
	int rc = core->replay ? rn_row_walk_slice(core, &core->replay->walk, last, take_row, core->replay, &err) : 0;

	if (rc)
		finish(core, rc < 0 ? rc : 0, &err);
}

/* ---- its beginning ---- */

static int make(struct rn_core *core, struct rn_replay *r, struct rn_prepared *p, struct rn_err *err)
{
	int rc = rn_row_walk_begin(core, &r->walk, r->hours_back, err);

	if (rc)
		return rc;
	r->walk.begun_ms = p->begun_ms;
	r->zones = &core->books.zones;
	r->in_force = rn_policy_hold(p->before);
	r->hours[0] = p->hours[0];
	r->hours[1] = p->hours[1];
	p->hours[0] = p->hours[1] = NULL;
	r->now = r->in_force->made.model;
	r->draft = p->made.model;
	p->made.model = NULL;
	r->sums = rn_replay_sums_new();
	r->numbers = rn_numbers_new();
	r->memo = rn_replay_memo_new(r->now, r->draft);
	if (!r->sums || !r->numbers || !r->memo)
		return rn_fail(err, -ENOMEM, "out of memory");
	return 0;
}

static void refuse(struct rn_replay *r, int code, const struct rn_err *err)
{
	rn_core_replay_done *done = r->done;
	void *context = r->context;

	release(r);
	done(context, code, err, NULL);
}

static int one_at_a_time(const struct rn_core *core, struct rn_err *err)
{
	return core->replay ? rn_fail(err, -EBUSY, "another policy is being replayed: try again in a moment") : 0;
}

static void begin(struct rn_core *core, struct rn_prepared *p)
{
	struct rn_replay *r = p->context;
	struct rn_err err = p->err;
	int rc = p->code;

	if (!rc)
		rc = one_at_a_time(core, &err);
	if (!rc)
		rc = make(core, r, p, &err);
	rn_prepared_free(p);
	if (rc) {
		refuse(r, rc, &err);
		return;
	}
	core->replay = r;
	rn_core_arm(core, rn_core_now_ms(core));
}

void rn_core_replay(struct rn_core *core, const char *text, size_t size, unsigned hours, rn_core_replay_done *done,
		    void *context)
{
	struct rn_err err = {""};
	struct rn_replay *r;
	struct rn_prepared *p;
	struct rn_row_walk walk;
	int rc = rn_core_need_gateway(core, &err);

	if (!rc)
		rc = one_at_a_time(core, &err);
	if (!rc)
		rc = rn_row_walk_begin(core, &walk, hours, &err);
	r = rc ? NULL : calloc(1, sizeof(*r));
	p = r ? rn_prepared_new(text, size, RN_PREPARE_HOURS) : NULL;
	if (!p) {
		if (!rc)
			rc = rn_fail(&err, -ENOMEM, "out of memory");
		free(r);
		done(context, rc, &err, NULL);
		return;
	}
	r->done = done;
	r->context = context;
	r->hours_back = hours;
	r->result.policy_version = core->policy.about.version;
	p->done = begin;
	p->context = r;
	p->whose = context;
	rn_prepare(core, p);
}

void rn_replay_cancel(struct rn_core *core, const void *whose)
{
	struct rn_err err = {""};

	if (!core->replay || core->replay->context != whose)
		return;
	rn_fail(&err, -ECANCELED, "whoever asked has gone");
	finish(core, -ECANCELED, &err);
}
