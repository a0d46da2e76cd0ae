// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "domain/policy_cover.h"
#include "domain/policy_tools.h"

#define WORK_MAX UINT64_C(30000000) /* comparisons */
#define TIMED_MAX 2000u		    /* rules whose windows are reckoned out */

struct look {
	const struct rn_policy_model *model;
	const struct rn_zone_source *zones;
	int64_t now;
	void (*each)(void *context, const struct rn_policy_finding *finding);
	void *context;
	bool *never; /* by number - 1 */
	uint64_t work;
	uint32_t told, timed;
	bool cut;
};

const char *rn_policy_finding_name(enum rn_policy_finding_kind kind)
{
	static const char *const names[] = {"never", "shadowed", "contradicted", "redundant"};

	return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

static void __attribute__((format(printf, 5, 6)))
tell(struct look *l, enum rn_policy_finding_kind kind, const struct rn_access_policy *rule,
     const struct rn_access_policy *other, const char *format, ...)
{
	struct rn_policy_finding f = {.kind = kind,
				      .rule = rule->number,
				      .other = other ? other->number : 0,
				      .line = rule->line,
				      .column = rule->column};
	va_list args;

	if (l->told == RN_POLICY_FINDINGS_MAX) {
		l->cut = true;
		return;
	}
	l->told++;
	va_start(args, format);
	vsnprintf(f.text, sizeof(f.text), format, args);
	va_end(args);
	l->each(l->context, &f);
}

/* ---- rules that no packet can match ---- */

static bool never_there(struct look *l, const struct rn_access_policy *rule, const struct rn_policy_end *end,
			const char *key)
{
	const struct rn_criterion *c = &end->criteria[0];

	if (!rn_end_is_empty(l->model, end, &l->work))
		return false;
	if (end->count == 1 && c->type == RN_CRITERION_GROUP)
		tell(l, RN_FINDING_NEVER, rule, NULL,
		     "rule \"%s\" matches nothing: the group \"%s\" in its %s has no users", rule->id, c->name, key);
	else
		tell(l, RN_FINDING_NEVER, rule, NULL,
		     "rule \"%s\" matches nothing: no device can be in its %s, since what is named there is taken away "
		     "again, has no users or is of another type",
		     rule->id, key);
	return true;
}

static bool never_open(struct look *l, const struct rn_access_policy *rule)
{
	const struct rn_times times = {rule->times, rule->time_count};
	int64_t from = rule->from > l->now ? rule->from : l->now, until = rule->until;
	struct rn_window window;

	if (rule->time_count == 0 || until - RN_SCHEDULE_AHEAD > from)
		return false;
	if (l->timed++ == TIMED_MAX)
		l->cut = true;
	if (l->timed > TIMED_MAX ||
	    rn_schedule_openings(&times, rn_policy_zones(l->zones), from, until, &window, 1) != 0)
		return false;
	tell(l, RN_FINDING_NEVER, rule, NULL,
	     "rule \"%s\" never holds: none of its times lies between its \"from\" (or now) and its \"until\"",
	     rule->id);
	return true;
}

static bool never(struct look *l, const struct rn_access_policy *rule)
{
	char text[RN_MOMENT_TEXT];

	if (rule->from >= rule->until) {
		tell(l, RN_FINDING_NEVER, rule, NULL,
		     "rule \"%s\" never holds: its \"until\" is not after its \"from\"", rule->id);
		return true;
	}
	if (rule->until <= l->now) {
		rn_moment_format(rule->until, text);
		tell(l, RN_FINDING_NEVER, rule, NULL, "rule \"%s\" holds no more: it ended at %s", rule->id, text);
		return true;
	}
	return never_there(l, rule, &rule->source, "source_criteria") ||
	       never_there(l, rule, &rule->destination, "destination_criteria") || never_open(l, rule);
}

/* ---- what says nothing ---- */

static bool redundant_service(struct look *l, const struct rn_access_policy *rule, uint32_t i)
{
	char inner[RN_SERVICE_TEXT], outer[RN_SERVICE_TEXT];

	for (uint32_t k = 0; k < rule->service_count; k++, l->work++) {
		const struct rn_service *a = &rule->services[k], *b = &rule->services[i];
		bool equal = rn_service_covers(a, b) && rn_service_covers(b, a);

		if (k == i || !rn_service_covers(a, b) || (equal && k > i))
			continue;
		tell(l, RN_FINDING_REDUNDANT, rule, NULL, "in rule \"%s\", %s is in %s already", rule->id,
		     rn_service_format(b, inner), rn_service_format(a, outer));
		return true;
	}
	return false;
}

/* One is enough to have the list looked at. */
static void redundant(struct look *l, const struct rn_access_policy *rule)
{
	for (uint32_t i = 0; i < rule->service_count; i++)
		if (redundant_service(l, rule, i))
			return;
}

/* ---- rules that others make useless ---- */

/* Would it have decided before? */
static bool comes_before(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	return a->deny != b->deny ? a->deny : a->number < b->number;
}

static void hold_against(struct look *l, const struct rn_access_policy *rule)
{
	for (uint32_t i = 0; i < l->model->rule_count; i++) {
		const struct rn_access_policy *other = &l->model->rules[i];

		if (l->work > WORK_MAX) {
			l->cut = true;
			return;
		}
		l->work++;
		/* One that is observed decides nothing. */
		if (other->observe || l->never[i] || !comes_before(other, rule) ||
		    !rn_rule_covers(l->model, other, rule, &l->work))
			continue;
		if (other->deny != rule->deny)
			tell(l, RN_FINDING_CONTRADICTED, rule, other,
			     "rule \"%s\" never allows anything: rule \"%s\" (line %u) denies all of it", rule->id,
			     other->id, other->line);
		else
			tell(l, RN_FINDING_SHADOWED, rule, other,
			     "rule \"%s\" never decides: rule \"%s\" (line %u) %s all of it before", rule->id,
			     other->id, other->line, other->deny ? "denies" : "allows");
		return;
	}
}

int rn_policy_findings(const struct rn_policy_model *model, const struct rn_zone_source *zones, int64_t now,
		       void (*each)(void *context, const struct rn_policy_finding *finding), void *context,
		       bool *ret_cut)
{
	struct look l = {.model = model, .zones = zones, .now = now, .each = each, .context = context};

	l.never = calloc(model->rule_count + 1u, sizeof(*l.never));
	if (!l.never)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->rule_count; i++)
		l.never[i] = never(&l, &model->rules[i]);
	for (uint32_t i = 0; i < model->rule_count; i++) {
		redundant(&l, &model->rules[i]);
		if (!l.never[i])
			hold_against(&l, &model->rules[i]);
	}
	free(l.never);
	*ret_cut = l.cut;
	return 0;
}
