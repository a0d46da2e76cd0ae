// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "domain/policy_compile.h"
#include "domain/policy_fit.h"

int rn_compile_no_memory(const struct rn_compile *c)
{
	return rn_fail(c->err, -ENOMEM, "out of memory");
}

int rn_compile_too_large(const struct rn_compile *c, uint32_t number, const char *id)
{
	return rn_fail(
	    c->err, -EMSGSIZE,
	    "the compiled policy is larger than the %u bytes that fit (rule %u, \"%s\", is the first that does "
	    "not); use tags in place of long lists of users and devices",
	    RN_POLICY_SIZE_MAX, number, id);
}

/* ---- a compiled rule ---- */

static void *keep(const struct rn_compile *c, const void *from, size_t size)
{
	void *to = rn_arena_take(&c->record->sets, size);

	if (to && size)
		memcpy(to, from, size);
	return to;
}

static int put_set(const struct rn_compile *c, uint32_t *const *from, uint32_t count, struct rn_selector_set *to)
{
	uint32_t *numbers = count ? keep(c, *from, count * sizeof(*numbers)) : NULL;

	*to = (struct rn_selector_set){numbers, count};
	return numbers || !count ? 0 : rn_compile_no_memory(c);
}

/* Where everyone, `any` stays empty, which means that. */
static int put_end(const struct rn_compile *c, const struct rn_compiled_end *in, bool everyone,
		   struct rn_rule_side *out)
{
	out->also = in->also;
	if (put_set(c, &in->any.numbers, everyone ? 0 : in->any.count, &out->any) < 0 ||
	    put_set(c, &in->types.numbers, in->types.count, &out->types) < 0)
		return -ENOMEM;
	return put_set(c, &in->none.numbers, in->none.count, &out->none);
}

static int put_side(const struct rn_compile *c, const struct rn_rule_side *in, struct rn_rule_side *out)
{
	if (put_set(c, &in->any.numbers, in->any.count, &out->any) < 0 ||
	    put_set(c, &in->types.numbers, in->types.count, &out->types) < 0)
		return -ENOMEM;
	return put_set(c, &in->none.numbers, in->none.count, &out->none);
}

static int put_services(const struct rn_compile *c, const struct rn_service *services, uint32_t count,
			struct rn_policy_rule *out)
{
	static const struct rn_service all = {.last = 65535};

	out->service_count = count ? count : 1;
	out->services = keep(c, count ? services : &all, out->service_count * sizeof(*services));
	return out->services ? 0 : rn_compile_no_memory(c);
}

static size_t side_size(const struct rn_rule_side *side)
{
	const struct rn_selector_set *sets[] = {&side->any, &side->types, &side->none};
	size_t size = side->also ? 5 : 1;

	for (unsigned i = 0; i < 3; i++)
		size += sets[i]->count ? 2 + 4 * (size_t)sets[i]->count : 0;
	return size;
}

static int weigh(struct rn_compile *c, const struct rn_policy_rule *r)
{
	c->size +=
	    10 + strlen(r->id) + 5 * (size_t)r->service_count + side_size(&r->source) + side_size(&r->destination);
	c->size += (r->schedule ? 4 : 0) + (r->from ? 8 : 0) + (r->until ? 8 : 0);
	return c->size <= RN_POLICY_SIZE_MAX ? 0 : rn_compile_too_large(c, r->number, r->id);
}

/* Room for one more, which is not cleared. NULL: *ret_code says why. */
static struct rn_policy_rule *next_rule(struct rn_compile *c, const struct rn_access_policy *rule, int *ret_code)
{
	struct rn_policy_record *record = c->record;

	if (record->rule_count == RN_RULES_MAX) {
		*ret_code =
		    rn_fail(c->err, -EMSGSIZE,
			    "the policy has more than %u rules after compilation, where same-owner beside other "
			    "criteria counts twice (rule %u, \"%s\", is the first that does not fit); join some",
			    RN_RULES_MAX, rule->number, rule->id);
		return NULL;
	}
	if (record->rule_count == c->room) {
		uint32_t room = c->room ? 2 * c->room : c->model->rule_count + 64;
		struct rn_policy_rule *grown = reallocarray(record->rules, room, sizeof(*grown));

		if (!grown) {
			*ret_code = rn_compile_no_memory(c);
			return NULL;
		}
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

static int emit(struct rn_compile *c, const struct rn_access_policy *rule, uint32_t schedule, bool same_owner)
{
	int code = 0;
	struct rn_policy_rule *out = next_rule(c, rule, &code);

	if (!out)
		return code;
	*out = (struct rn_policy_rule){.number = rule->number,
				       .deny = rule->deny,
				       .log = rule->log,
				       .observe = rule->observe,
				       .same_owner = same_owner,
				       .minimum_trust = rule->source.minimum_trust,
				       .minimum_destination_trust = rule->destination.minimum_trust,
				       .schedule = schedule};
	memcpy(out->id, rule->id, strlen(rule->id) + 1);
	times_of(rule, out);
	if (put_services(c, rule->services, rule->service_count, out) < 0 ||
	    put_end(c, &c->source, c->source.everyone, &out->source) < 0)
		return -ENOMEM;
	/* The ! criteria beside same-owner hold for it too. */
	if (put_end(c, &c->destination, c->destination.everyone || same_owner, &out->destination) < 0)
		return -ENOMEM;
	return weigh(c, out);
}

/* As it was, but for its number. */
static int emit_again(struct rn_compile *c, const struct rn_access_policy *rule, const struct rn_policy_rule *was)
{
	int code = 0;
	struct rn_policy_rule *out = next_rule(c, rule, &code);

	if (!out)
		return code;
	*out = *was;
	out->number = rule->number;
	if (put_services(c, was->services, was->service_count, out) < 0 ||
	    put_side(c, &was->source, &out->source) < 0 || put_side(c, &was->destination, &out->destination) < 0)
		return -ENOMEM;
	return weigh(c, out);
}

/* ---- a rule ---- */

static int emit_all(struct rn_compile *c, const struct rn_access_policy *rule, uint32_t schedule)
{
	const struct rn_compiled_end *source = &c->source, *destination = &c->destination;
	/* Only groups without users on it: nobody is. */
	bool from_nobody = source->some && !source->everyone && source->any.count == 0;
	bool to_nobody = destination->some && !destination->everyone && destination->any.count == 0;
	int code = 0;

	if (from_nobody)
		return 0;
	if (!to_nobody && (destination->some || !destination->same_owner))
		code = emit(c, rule, schedule, false);
	if (code < 0 || !destination->same_owner || destination->everyone)
		return code;
	return emit(c, rule, schedule, true);
}

static int compile_rule(struct rn_compile *c, const struct rn_access_policy *rule)
{
	uint32_t count, schedule = 0;
	const struct rn_policy_rule *was = rn_known_find(&c->search, rule, &count);
	int code = 0;

	for (uint32_t i = 0; i < count && code == 0; i++)
		code = emit_again(c, rule, &was[i]);
	if (count)
		return code;
	code = rn_compile_end(c, rule, &rule->source, &c->source);
	if (code == 0)
		code = rn_compile_end(c, rule, &rule->destination, &c->destination);
	if (code == 0)
		code = rn_compile_times(c, rule, &schedule);
	return code < 0 ? code : emit_all(c, rule, schedule);
}

/* ---- all ---- */

static int know_selectors(const struct rn_compile *c, const struct rn_policy_known *known)
{
	for (uint32_t i = 0; known && i < known->selector_count; i++)
		if (rn_policy_selectors_know(c->selectors, known->selectors[i], i + 1) < 0)
			return rn_compile_no_memory(c);
	return 0;
}

static int compile_all(struct rn_compile *c)
{
	int code = know_selectors(c, c->search.known);

	if (code < 0)
		return code;
	/* Every device has this one, so that there is none without. */
	if (!rn_policy_selector(c->selectors, "everyone", ""))
		return rn_compile_no_memory(c);
	for (int deny = 1; deny >= 0; deny--)
		for (uint32_t i = 0; i < c->model->rule_count && code == 0; i++)
			if (c->model->rules[i].deny == deny)
				code = compile_rule(c, &c->model->rules[i]);
	/* Hubs make tables of it; a policy that they could not hold must be refused here. */
	return code < 0 ? code : rn_policy_fit(c->record, c->err);
}

int rn_policy_compile_after(const struct rn_policy_known *known, const struct rn_policy_model *model,
			    const struct rn_selector_source *selectors, const struct rn_zone_source *zones, int64_t now,
			    struct rn_policy_record *ret, struct rn_err *err)
{
	const struct rn_access_policy *times[RN_SCHEDULES_MAX];
	struct rn_policy_record record = {0};
	int code = rn_policy_check_zones(model, zones, err);
	struct rn_compile c = {.model = model,
			       .now = now,
			       .record = &record,
			       .times = times,
			       .search = rn_known_search(known, model),
			       .size = RN_RECORD_HEADER + RN_SIGNATURE_SIZE + 24,
			       .err = err};

	c.zones = rn_policy_zones(zones);
	c.selectors = rn_policy_selectors_new(model, selectors);
	record.schedules = calloc(RN_SCHEDULES_MAX, sizeof(*record.schedules));
	if (code == 0)
		code = c.selectors && record.schedules ? compile_all(&c) : rn_compile_no_memory(&c);
	rn_policy_selectors_free(c.selectors);
	rn_known_search_done(&c.search);
	rn_compiled_end_done(&c.source);
	rn_compiled_end_done(&c.destination);
	if (code < 0) {
		rn_policy_record_done(&record);
		return code;
	}
	*ret = record;
	return 0;
}

int rn_policy_compile(const struct rn_policy_model *model, const struct rn_selector_source *selectors,
		      const struct rn_zone_source *zones, int64_t now, struct rn_policy_record *ret, struct rn_err *err)
{
	return rn_policy_compile_after(NULL, model, selectors, zones, now, ret, err);
}
