// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy.h"
#include "domain/policy_selectors.h"
#include "domain/policy_tables.h"

#define TIMES_AHEAD_MIN (INT64_C(28) * RN_DAY_SECONDS) /* windows that come so often are reckoned out less far */

struct compile {
	const struct rn_policy_model *model;
	struct rn_policy_selectors *selectors;
	const struct rn_zone_source *zones;
	int64_t now;
	struct rn_policy_record *record;
	const struct rn_access_policy **times; /* whose windows the schedule n + 1 has */
	uint32_t room;			       /* for rules in the record */
	size_t size;			       /* of the record so far, at most, on the wire (record_policy.c) */
	struct rn_err *err;
};

static int no_memory(const struct compile *c)
{
	return rn_fail(c->err, -ENOMEM, "out of memory");
}

/* ---- a side ---- */

static int append(const struct compile *c, struct rn_selector_set *set, const struct rn_selector_set *more)
{
	uint32_t *grown;

	if (more->count == 0)
		return 0;
	grown = reallocarray(set->numbers, (size_t)set->count + more->count, sizeof(*grown));
	if (!grown)
		return no_memory(c);
	memcpy(grown + set->count, more->numbers, more->count * sizeof(*grown));
	set->numbers = grown;
	set->count += more->count;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int tidy(const struct compile *c, const struct rn_access_policy *rule, struct rn_selector_set *set)
{
	uint32_t kept = 0;

	if (set->count)
		qsort(set->numbers, set->count, sizeof(uint32_t), by_number);
	for (uint32_t i = 0; i < set->count; i++)
		if (kept == 0 || set->numbers[kept - 1] != set->numbers[i])
			set->numbers[kept++] = set->numbers[i];
	set->count = kept;
	if (kept > RN_RULE_SELECTORS_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "rule %u (\"%s\") names more than %d users, tags and devices on one side; use a tag "
			       "for them",
			       rule->number, rule->id, RN_RULE_SELECTORS_MAX);
	return 0;
}

/* What of a side's list there is beside selectors. */
struct list {
	bool some;	 /* criteria without ! but for same-owner */
	bool everyone;	 /* one of them is everyone */
	bool same_owner; /* stands there */
};

static int add_criterion(const struct compile *c, const struct rn_criterion *criterion, struct rn_rule_side *side,
			 struct list *list)
{
	struct rn_selector_set set;

	if (criterion->type == RN_CRITERION_SAME_OWNER) {
		list->same_owner = true;
		return 0;
	}
	list->some |= !criterion->no;
	list->everyone |= criterion->type == RN_CRITERION_EVERYONE;
	if (rn_policy_selectors_of(c->selectors, criterion, &set) < 0)
		return no_memory(c);
	return append(c, criterion->no ? &side->none : &side->any, &set);
}

static int add_conditions(const struct compile *c, const struct rn_policy_end *end, struct rn_rule_side *side)
{
	for (uint32_t kind = 0; kind < 32; kind++) {
		uint32_t number;

		if (!(end->types & (1u << kind)))
			continue;
		number = rn_policy_selector(c->selectors, "type:", rn_kind_name((enum rn_kind)kind));
		if (!number || append(c, &side->types, &(struct rn_selector_set){&number, 1}) < 0)
			return no_memory(c);
	}
	if (end->managed == RN_MANAGED_EITHER)
		return 0;
	side->also = rn_policy_selector(c->selectors, end->managed == RN_MANAGED_YES ? "managed" : "unmanaged", "");
	return side->also ? 0 : no_memory(c);
}

static int make_side(const struct compile *c, const struct rn_access_policy *rule, const struct rn_policy_end *end,
		     struct rn_rule_side *side, struct list *list)
{
	int code = 0;

	for (uint32_t i = 0; i < end->count && code == 0; i++) {
		code = add_criterion(c, &end->criteria[i], side, list);
		/* Groups share users: weigh the set before it grows without bound. */
		if (side->any.count > 4 * RN_RULE_SELECTORS_MAX && code == 0)
			code = tidy(c, rule, &side->any);
		if (side->none.count > 4 * RN_RULE_SELECTORS_MAX && code == 0)
			code = tidy(c, rule, &side->none);
	}
	if (code == 0)
		code = add_conditions(c, end, side);
	if (code == 0)
		code = tidy(c, rule, &side->any);
	if (code == 0)
		code = tidy(c, rule, &side->types);
	return code < 0 ? code : tidy(c, rule, &side->none);
}

static void side_done(struct rn_rule_side *side)
{
	free(side->any.numbers);
	free(side->types.numbers);
	free(side->none.numbers);
}

static int copy_set(const struct compile *c, const struct rn_selector_set *in, struct rn_selector_set *out)
{
	*out = (struct rn_selector_set){NULL, 0};
	return append(c, out, in);
}

/* Where everyone, `any` stays empty, which means that. */
static int copy_side(const struct compile *c, const struct rn_rule_side *in, bool everyone, struct rn_rule_side *out)
{
	out->also = in->also;
	if (!everyone && copy_set(c, &in->any, &out->any) < 0)
		return -ENOMEM;
	if (copy_set(c, &in->types, &out->types) < 0)
		return -ENOMEM;
	return copy_set(c, &in->none, &out->none);
}

static int too_large(const struct compile *c, uint32_t number, const char *id)
{
	return rn_fail(
	    c->err, -EMSGSIZE,
	    "the compiled policy is larger than the %u bytes that fit (rule %u, \"%s\", is the first that does "
	    "not); use tags in place of long lists of users and devices",
	    RN_POLICY_SIZE_MAX, number, id);
}

/* ---- times ---- */

/* Reckons them out, less far where they come so often that they would not fit. */
static int reckon(const struct compile *c, const struct rn_access_policy *rule, struct rn_schedule *out)
{
	const struct rn_times text = {rule->times, rule->time_count};
	int64_t from = c->now > RN_DAY_SECONDS ? c->now - RN_DAY_SECONDS : 0;
	struct rn_window *windows = calloc(RN_WINDOWS_MAX, sizeof(*windows));
	int64_t ahead = RN_SCHEDULE_AHEAD;
	int count;

	if (!windows)
		return no_memory(c);
	count = rn_schedule_openings(&text, c->zones, from, c->now + ahead, windows, RN_WINDOWS_MAX);
	while (count == -EMSGSIZE && ahead > TIMES_AHEAD_MIN) {
		ahead = ahead / 2 > TIMES_AHEAD_MIN ? ahead / 2 : TIMES_AHEAD_MIN;
		count = rn_schedule_openings(&text, c->zones, from, c->now + ahead, windows, RN_WINDOWS_MAX);
	}
	if (count >= 0) {
		*out = (struct rn_schedule){windows, (uint32_t)count};
		return 0;
	}
	free(windows);
	if (count == -EMSGSIZE)
		return rn_fail(c->err, -EMSGSIZE,
			       "rule %u (\"%s\") opens more than %d times in four weeks; write fewer windows",
			       rule->number, rule->id, RN_WINDOWS_MAX);
	return count == -ENOMEM
		   ? no_memory(c)
		   : rn_fail(c->err, -EINVAL, "rule %u (\"%s\"): its times cannot be read", rule->number, rule->id);
}

/* The number of the rule's schedule; rules of the same windows share it. */
static int schedule_of(struct compile *c, const struct rn_access_policy *rule, uint32_t *ret)
{
	struct rn_policy_record *record = c->record;
	int code;

	*ret = 0;
	if (rule->time_count == 0)
		return 0;
	for (uint32_t i = 0; i < record->schedule_count; i++)
		if (c->times[i]->time_count == rule->time_count &&
		    memcmp(c->times[i]->times, rule->times, rule->time_count * sizeof(*rule->times)) == 0) {
			*ret = i + 1;
			return 0;
		}
	if (record->schedule_count == RN_SCHEDULES_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "the policy has more than %d different lists of times (rule %u, \"%s\", is the first "
			       "that does not fit); give rules the same ones",
			       RN_SCHEDULES_MAX, rule->number, rule->id);
	code = reckon(c, rule, &record->schedules[record->schedule_count]);
	if (code < 0)
		return code;
	c->times[record->schedule_count] = rule;
	c->size += sizeof(struct rn_window) * record->schedules[record->schedule_count].count + 2;
	*ret = ++record->schedule_count;
	return c->size <= RN_POLICY_SIZE_MAX ? 0 : too_large(c, rule->number, rule->id);
}

/* ---- a rule ---- */

static struct rn_service *copy_services(const struct rn_access_policy *rule, uint32_t *ret_count)
{
	uint32_t count = rule->service_count ? rule->service_count : 1;
	struct rn_service *services = calloc(count, sizeof(*services));

	if (!services)
		return NULL;
	services[0] = (struct rn_service){.last = 65535};
	if (rule->service_count)
		memcpy(services, rule->services, count * sizeof(*services));
	*ret_count = count;
	return services;
}

static size_t side_size(const struct rn_rule_side *side)
{
	const struct rn_selector_set *sets[] = {&side->any, &side->types, &side->none};
	size_t size = side->also ? 5 : 1;

	for (unsigned i = 0; i < 3; i++)
		size += sets[i]->count ? 2 + 4 * (size_t)sets[i]->count : 0;
	return size;
}

static int weigh(struct compile *c, const struct rn_policy_rule *r)
{
	c->size +=
	    10 + strlen(r->id) + 5 * (size_t)r->service_count + side_size(&r->source) + side_size(&r->destination);
	c->size += (r->schedule ? 4 : 0) + (r->from ? 8 : 0) + (r->until ? 8 : 0);
	return c->size <= RN_POLICY_SIZE_MAX ? 0 : too_large(c, r->number, r->id);
}

static struct rn_policy_rule *next_rule(struct compile *c)
{
	struct rn_policy_record *record = c->record;

	if (record->rule_count == c->room) {
		uint32_t room = c->room ? 2 * c->room : 64;
		struct rn_policy_rule *grown = reallocarray(record->rules, room, sizeof(*grown));

		if (!grown) {
			no_memory(c);
			return NULL;
		}
		memset(grown + c->room, 0, (room - c->room) * sizeof(*grown));
		record->rules = grown;
		c->room = room;
	}
	return &record->rules[record->rule_count++];
}

/* 0 is no bound; what ends before it begins was over in 1970. */
static void times_of(const struct rn_access_policy *rule, struct rn_policy_rule *out)
{
	out->from = rule->from > 0 ? rule->from : 0;
	out->until = rule->until < INT64_MAX ? rule->until : 0;
	if (rule->from < rule->until && rule->until > 0)
		return;
	out->from = 0;
	out->until = 1;
}

/* Appends one compiled rule. */
static int emit(struct compile *c, const struct rn_access_policy *rule, const struct rn_policy_rule *like)
{
	struct rn_policy_rule *out;

	if (c->record->rule_count == RN_RULES_MAX)
		return rn_fail(c->err, -EMSGSIZE,
			       "the policy has more than %u rules after compilation, where same-owner beside other "
			       "criteria counts twice (rule %u, \"%s\", is the first that does not fit); join some",
			       RN_RULES_MAX, rule->number, rule->id);
	out = next_rule(c);
	if (!out)
		return -ENOMEM;
	snprintf(out->id, sizeof(out->id), "%s", rule->id);
	out->number = rule->number;
	out->deny = rule->deny;
	out->log = rule->log;
	out->observe = rule->observe;
	out->same_owner = like->same_owner;
	out->minimum_trust = rule->source.minimum_trust;
	out->minimum_destination_trust = rule->destination.minimum_trust;
	out->schedule = like->schedule;
	times_of(rule, out);
	out->services = copy_services(rule, &out->service_count);
	if (!out->services)
		return no_memory(c);
	if (copy_side(c, &like->source, false, &out->source) < 0)
		return -ENOMEM;
	/* The ! criteria beside same-owner hold for it too. */
	if (copy_side(c, &like->destination, like->same_owner, &out->destination) < 0)
		return -ENOMEM;
	return weigh(c, out);
}

static int emit_all(struct compile *c, const struct rn_access_policy *rule, struct rn_policy_rule *like,
		    const struct list *source, const struct list *destination)
{
	/* Only groups without users on it: nobody is. */
	bool from_nobody = source->some && !source->everyone && like->source.any.count == 0;
	bool to_nobody = destination->some && !destination->everyone && like->destination.any.count == 0;
	int code = 0;

	if (from_nobody)
		return 0;
	if (source->everyone)
		like->source.any.count = 0;
	if (destination->everyone)
		like->destination.any.count = 0;
	if (!to_nobody && (destination->some || !destination->same_owner))
		code = emit(c, rule, like);
	if (code < 0 || !destination->same_owner || destination->everyone)
		return code;
	like->same_owner = true;
	return emit(c, rule, like);
}

static int compile_rule(struct compile *c, const struct rn_access_policy *rule)
{
	struct list source = {0}, destination = {0};
	struct rn_policy_rule like = {0};
	int code = make_side(c, rule, &rule->source, &like.source, &source);

	if (code == 0)
		code = make_side(c, rule, &rule->destination, &like.destination, &destination);
	if (code == 0)
		code = schedule_of(c, rule, &like.schedule);
	if (code == 0)
		code = emit_all(c, rule, &like, &source, &destination);
	side_done(&like.source);
	side_done(&like.destination);
	return code;
}

/* ---- all ---- */

/* Hubs build these tables from the record; a policy that they could not hold must be refused here. */
static int check_tables(const struct compile *c)
{
	struct rn_policy_sides *sides = rn_policy_sides_new(c->record);
	struct rn_policy_arrays arrays;
	int code;

	if (!sides)
		return no_memory(c);
	code = rn_policy_tables_build(c->record, sides, 1, &arrays, c->err);
	rn_policy_sides_free(sides);
	if (code == 0)
		rn_policy_tables_done(&arrays);
	return code;
}

static int compile_all(struct compile *c)
{
	int code = 0;

	/* Every device has this one, so that there is none without. */
	if (!rn_policy_selector(c->selectors, "everyone", ""))
		return no_memory(c);
	for (int deny = 1; deny >= 0; deny--)
		for (uint32_t i = 0; i < c->model->rule_count && code == 0; i++)
			if (c->model->rules[i].deny == deny)
				code = compile_rule(c, &c->model->rules[i]);
	return code < 0 ? code : check_tables(c);
}

int rn_policy_compile(const struct rn_policy_model *model, const struct rn_selector_source *selectors,
		      const struct rn_zone_source *zones, int64_t now, struct rn_policy_record *ret, struct rn_err *err)
{
	const struct rn_access_policy *times[RN_SCHEDULES_MAX];
	struct rn_policy_record record = {0};
	struct compile c = {.model = model,
			    .now = now,
			    .record = &record,
			    .times = times,
			    .size = RN_RECORD_HEADER + RN_SIGNATURE_SIZE + 24,
			    .err = err};
	int code = rn_policy_check_zones(model, zones, err);

	if (code < 0)
		return code;
	c.zones = rn_policy_zones(zones);
	c.selectors = rn_policy_selectors_new(model, selectors);
	record.schedules = calloc(RN_SCHEDULES_MAX, sizeof(*record.schedules));
	code = c.selectors && record.schedules ? compile_all(&c) : no_memory(&c);
	rn_policy_selectors_free(c.selectors);
	if (code < 0) {
		rn_policy_record_done(&record);
		return code;
	}
	*ret = record;
	return 0;
}
