/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_prepare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_selectors.h"
#include "service/core_state.h"

#define SLICE_US 3000
#define DEVICES_DIRECT_MAX 256u /* of more, what changes is not looked for at once */

struct rn_prepared *rn_prepared_new(const char *text, size_t size, unsigned wants)
{
	struct rn_prepared *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->wants = wants;
	if (rn_policy_made_take(&p->made, text, size, NULL) == 0)
		return p;
	free(p);
	return NULL;
}

void rn_prepared_free(struct rn_prepared *p)
{
	if (!p)
		return;
	rn_policy_made_done(&p->made);
	rn_policy_let_go(p->before);
	rn_zone_cache_free(p->zones);
	rn_parties_done(&p->parties);
	free((void *)p->named);
	free(p->met);
	rn_policy_hours_free(p->hours[0]);
	rn_policy_hours_free(p->hours[1]);
	free(p);
}

/* ---- the text: on any thread ---- */

static struct rn_zone_source zones(const struct rn_prepared *p)
{
	return p->direct ? p->core->books.zones : (struct rn_zone_source){p->zones, rn_zone_find};
}

static void tell_finding(void *context, const struct rn_policy_finding *f)
{
	const struct rn_prepared *p = context;
	const struct rn_policy_model *model = p->made.model;

	p->review->finding(p->review->context, f, f->rule ? model->rules[f->rule - 1].id : "",
			   f->other ? model->rules[f->other - 1].id : "");
}

static int find(struct rn_prepared *p, const struct rn_zone_source *source)
{
	bool cut = false;
	int rc = rn_policy_findings(p->made.model, source, p->now, tell_finding, p, &cut);

	p->review->incomplete |= cut;
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int name_devices(struct rn_prepared *p)
{
	const struct rn_policy_model *model = p->made.model;
	uint32_t kept = 0;

	p->named = calloc(2 * (size_t)model->test_count + 1, sizeof(*p->named));
	if (!p->named)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->test_count; i++) {
		const struct rn_policy_test *test = &model->tests[i];

		if (test->source.device[0])
			p->named[p->named_count++] = test->source.device;
		if (test->destination.device[0])
			p->named[p->named_count++] = test->destination.device;
	}
	qsort((void *)p->named, p->named_count, sizeof(*p->named), by_text);
	for (uint32_t i = 0; i < p->named_count; i++)
		if (!kept || strcmp(p->named[kept - 1], p->named[i]) != 0)
			p->named[kept++] = p->named[i];
	p->named_count = kept;
	return 0;
}

static int number_hours(struct rn_prepared *p)
{
	p->hours[0] = rn_policy_hours_new(p->before->made.model);
	p->hours[1] = rn_policy_hours_new(p->made.model);
	return p->hours[0] && p->hours[1] ? 0 : -ENOMEM;
}

static void read_text(void *context)
{
	struct rn_prepared *p = context;
	struct rn_zone_source source;

	if (!p->direct)
		p->zones = rn_zone_cache_new(NULL);
	source = zones(p);
	p->code = p->direct || p->zones ? rn_policy_made_parse(&p->made, &p->before->made, &p->err) : -ENOMEM;
	if (p->code || p->stop)
		return;
	p->rules_code = rn_policy_made_compile(&p->made, &p->before->made, &source, p->now, &p->rules_err);
	if (p->wants & RN_PREPARE_FINDINGS && !p->stop)
		p->code = find(p, &source);
	if (!p->code && p->wants & RN_PREPARE_TESTS)
		p->code = name_devices(p);
	if (!p->code && p->wants & RN_PREPARE_HOURS)
		p->code = number_hours(p);
}

/* ---- with the devices: on any thread ---- */

struct testing {
	struct rn_prepared *p;
	struct rn_test_result first; /* that fails */
};

static bool tell_test(void *context, const struct rn_test_result *result)
{
	struct testing *t = context;

	if (t->p->review)
		t->p->review->test(t->p->review->context, result);
	if (!result->passed && !t->first.test)
		t->first = *result;
	return !t->p->stop;
}

static int test(struct rn_prepared *p, const struct rn_zone_source *source)
{
	struct rn_policy_network network = rn_parties_snapshot(&p->parties);
	struct testing t = {.p = p};
	int failed = rn_policy_run_tests(p->made.model, &network, source, p->now, tell_test, &t);

	return failed > 0 ? rn_policy_test_fail(&t.first, (unsigned)failed, &p->err) : failed;
}

static int compare(struct rn_prepared *p, const struct rn_zone_source *source)
{
	bool cut = false;
	int rc = rn_policy_diff(p->before->made.model, p->made.model, p->parties.in.list, p->parties.in.count, source,
				p->now, p->review->change, p->review->context, &cut);

	p->review->incomplete |= cut;
	return rc;
}

static int meet(struct rn_prepared *p)
{
	p->met = calloc(p->made.selector_count + 1u, sizeof(*p->met));
	return p->met ? rn_selectors_met(p->made.selectors, p->made.selector_count, &p->parties, p->met) : -ENOMEM;
}

static void judge(void *context)
{
	struct rn_prepared *p = context;
	const struct rn_zone_source source = zones(p);

	if (p->stop)
		return;
	p->code = rn_parties_sort(&p->parties);
	if (!p->code && p->wants & RN_PREPARE_TESTS)
		p->code = test(p, &source);
	if (!p->code && p->rules_code) {
		p->code = p->rules_code;
		p->err = p->rules_err;
	}
	if (!p->code && p->wants & RN_PREPARE_MET && !p->direct)
		p->code = meet(p);
	if (!p->code && p->wants & RN_PREPARE_CHANGES && !p->stop)
		p->code = compare(p, &source);
}

/* ---- turns ---- */

static void go_on(struct rn_core *core, struct rn_prepared *p);

static void unlink_prepared(struct rn_core *core, const struct rn_prepared *p)
{
	struct rn_prepared **at = &core->preparing;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
}

static void finish(struct rn_core *core, struct rn_prepared *p)
{
	unlink_prepared(core, p);
	if (p->code == -ENOMEM && !p->err.text[0])
		rn_fail(&p->err, p->code, "out of memory");
	p->done(core, p);
	if (core->preparing) /* the next begins in a turn of its own */
		rn_core_arm(core, rn_core_now_ms(core));
}

static void give_up(struct rn_prepared *p)
{
	if (p->late)
		p->code = rn_fail(&p->err, -EAGAIN,
				  "this policy takes more than %d s to look at: give it fewer rules and tests, or try "
				  "again when less is going on",
				  RN_PREPARE_PATIENCE_MS / 1000);
	else
		p->code = rn_fail(&p->err, -ECANCELED, "whoever asked has gone");
}

/* A job has come back. */
static void come_back(void *context, bool ran)
{
	struct rn_prepared *p = context;
	struct rn_core *core = p->core;

	p->elsewhere = false;
	if (!ran)
		p->code = rn_fail(&p->err, -EAGAIN, "core is ending: try again in a moment");
	else if (p->stop)
		give_up(p);
	if (p->code || p->stage == RN_PREPARE_JUDGING) {
		finish(core, p);
		return;
	}
	p->stage++;
	go_on(core, p);
}

static void send(struct rn_core *core, struct rn_prepared *p, void (*run)(void *))
{
	int rc = 0;

	p->elsewhere = true;
	if (p->direct) {
		run(p);
		come_back(p, true);
		return;
	}
	rc = core->params.io.work(core->params.io.context, run, come_back, p);
	if (rc)
		come_back(p, false);
}

static bool asks_for_all(const struct rn_prepared *p)
{
	return p->wants & RN_PREPARE_CHANGES || (p->wants & RN_PREPARE_MET && !p->direct);
}

static const struct rn_ledger_entry *next_device(const struct rn_core *core, struct rn_prepared *p)
{
	const struct rn_ledger_entry *entry = NULL;

	if (asks_for_all(p))
		return rn_ledger_at(core->books.ledger, p->at++);
	while (!entry && p->at < p->named_count)
		entry = rn_ledger_by_name(core->books.ledger, p->named[p->at++]);
	return entry;
}

/* 1: all are there; 0: there are more. */
static int read_devices(struct rn_core *core, struct rn_prepared *p)
{
	const struct rn_ledger_entry *entry;
	int64_t end = core->params.io.now_us(core->params.io.context) + SLICE_US;

	while ((entry = next_device(core, p))) {
		int rc = rn_parties_add(&core->books, &p->parties, entry, &p->err);

		if (rc)
			return rc;
		if (!p->direct && core->params.io.now_us(core->params.io.context) >= end)
			return 0;
	}
	return 1;
}

static void go_on(struct rn_core *core, struct rn_prepared *p)
{
	int rc;

	switch (p->stage) {
	case RN_PREPARE_TEXT:
		send(core, p, read_text);
		return;
	case RN_PREPARE_DEVICES:
		rc = read_devices(core, p);
		if (rc < 0) {
			p->code = rc;
			finish(core, p);
		} else if (rc) {
			p->stage = RN_PREPARE_JUDGING;
			send(core, p, judge);
		} else {
			rn_core_arm(core, rn_core_now_ms(core));
		}
		return;
	case RN_PREPARE_JUDGING:
		return; /* it comes back by itself */
	}
}

/* ---- from outside ---- */

/* A small text beside a large policy in force is no small thing to compare. */
static bool is_small(struct rn_core *core, const struct rn_prepared *p)
{
	if (!core->params.io.work)
		return true;
	if (p->made.size > RN_PREPARE_DIRECT_MAX)
		return false;
	return !(p->wants & RN_PREPARE_CHANGES) || (core->policy.about.size <= RN_PREPARE_DIRECT_MAX &&
						    rn_ledger_count(core->books.ledger) <= DEVICES_DIRECT_MAX);
}

void rn_prepare(struct rn_core *core, struct rn_prepared *p)
{
	struct rn_prepared **at = &core->preparing;
	unsigned count = 0;

	p->core = core;
	p->now = rn_core_now(core);
	p->begun_ms = rn_core_now_ms(core);
	p->before = rn_policy_hold(core->policy.shared);
	p->direct = is_small(core, p);
	if (p->direct) {
		go_on(core, p);
		return;
	}
	for (; *at; at = &(*at)->next)
		count++;
	if (count > RN_PREPARE_WAITING_MAX) {
		p->code = rn_fail(&p->err, -EAGAIN, "other large policies are being looked at: try again in a moment");
		finish(core, p);
		return;
	}
	*at = p;
	rn_core_arm(core, rn_core_now_ms(core));
}

static bool stop(struct rn_core *core, struct rn_prepared *p, bool late)
{
	p->late = late;
	p->stop = true;
	if (p->elsewhere)
		return false;
	give_up(p);
	finish(core, p);
	return true;
}

void rn_prepare_cancel(struct rn_core *core, const void *whose)
{
	struct rn_prepared *p = core->preparing;

	while (p && p->whose != whose)
		p = p->next;
	if (p && !p->stop)
		stop(core, p, false);
}

static bool is_late(struct rn_core *core, const struct rn_prepared *p)
{
	return !p->stop && rn_core_now_ms(core) - p->begun_ms > RN_PREPARE_PATIENCE_MS;
}

void rn_prepare_tick(struct rn_core *core, bool last)
{
	struct rn_prepared *p = core->preparing, *next;

	for (; p; p = next) {
		next = p->next;
		if (last && !p->elsewhere) {
			p->code = rn_fail(&p->err, -EAGAIN, "core is ending: try again in a moment");
			finish(core, p);
		} else if (is_late(core, p)) {
			stop(core, p, true);
		}
	}
	p = core->preparing;
	if (!last && p && !p->elsewhere)
		go_on(core, p);
}
