// SPDX-License-Identifier: Apache-2.0
/*
 * Do a policy's tables fit? What surely does is counted, without making them: rules in order of their pairs by
 * counting, ranges that are not joined, the places of each source's pairs. Of all else the tables are made, as hosts
 * make them.
 */
#include "domain/policy_fit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_tables.h"

struct fit {
	const struct rn_policy_record *policy;
	const struct rn_policy_sides *sides;
	uint32_t *order[2];  /* rules, by destination; then by source, too */
	uint16_t *services;  /* of each rule, how many */
	uint32_t *counts;    /* by side */
	uint32_t *row, *set; /* destinations of one source; the places that they take */
};

/* Stable: rules of one side stay in their order. */
static void order_by(const struct fit *f, enum rn_end end, const uint32_t *from, uint32_t *to)
{
	uint32_t sides = rn_policy_sides_count(f->sides, end), at = 0;

	memset(f->counts, 0, (sides + 1) * sizeof(*f->counts));
	for (uint32_t i = 0; i < f->policy->rule_count; i++)
		f->counts[rn_policy_side_of(f->sides, end, i)]++;
	for (uint32_t side = 0; side <= sides; side++) {
		uint32_t count = f->counts[side];

		f->counts[side] = at;
		at += count;
	}
	for (uint32_t i = 0; i < f->policy->rule_count; i++) {
		uint32_t rule = from ? from[i] : i;

		to[f->counts[rn_policy_side_of(f->sides, end, rule)]++] = rule;
	}
}

/* The places of the rules' pairs, from *at on, as long as they are of one source; 0: they may not fit. */
static uint32_t row_places(const struct fit *f, uint32_t *at)
{
	const uint32_t *order = f->order[1];
	uint32_t source = rn_policy_side_of(f->sides, RN_SOURCE, order[*at]), count = 0, alike = 0, places = 1;

	for (; *at < f->policy->rule_count; ++*at) {
		uint32_t rule = order[*at], destination = rn_policy_side_of(f->sides, RN_DESTINATION, rule);

		if (rn_policy_side_of(f->sides, RN_SOURCE, rule) != source)
			break;
		if (!count || f->row[count - 1] != destination) {
			f->row[count++] = destination;
			alike = 0;
		}
		alike += f->services[rule];
		if (alike > RN_ALIKE_MAX)
			return 0;
	}
	while (places < count)
		places *= 2;
	for (; places <= RN_PAIRS_MAX; places *= 2)
		if (rn_policy_place_sides(f->set, places, f->row, count))
			return places;
	return 0;
}

static bool count_all(const struct fit *f)
{
	uint32_t places = 0, services = 0;

	for (uint32_t i = 0; i < f->policy->rule_count; i++) {
		f->services[i] = (uint16_t)f->policy->rules[i].service_count;
		services += f->services[i];
	}
	if (services > RN_CANDIDATES_MAX)
		return false;
	order_by(f, RN_DESTINATION, NULL, f->order[0]);
	order_by(f, RN_SOURCE, f->order[0], f->order[1]);
	for (uint32_t at = 0; at < f->policy->rule_count;) {
		uint32_t row = row_places(f, &at);

		places += row;
		if (!row || places > RN_PAIRS_MAX)
			return false;
	}
	return true;
}

static bool surely_fits(const struct rn_policy_record *policy, const struct rn_policy_sides *sides)
{
	size_t rules = (size_t)policy->rule_count + 1;
	struct fit f = {.policy = policy,
			.sides = sides,
			.order = {calloc(rules, sizeof(uint32_t)), calloc(rules, sizeof(uint32_t))},
			.services = calloc(rules, sizeof(uint16_t)),
			.counts = calloc(rules, sizeof(uint32_t)),
			.row = calloc(rules, sizeof(uint32_t)),
			.set = calloc(RN_PAIRS_MAX, sizeof(uint32_t))};
	bool fits = policy->rule_count < RN_RULES_MAX && f.order[0] && f.order[1] && f.services && f.counts && f.row &&
		    f.set && count_all(&f);

	free(f.order[0]);
	free(f.order[1]);
	free(f.services);
	free(f.counts);
	free(f.row);
	free(f.set);
	return fits;
}

int rn_policy_fit(const struct rn_policy_record *policy, struct rn_err *err)
{
	struct rn_policy_sides *sides = rn_policy_sides_new(policy);
	struct rn_policy_arrays arrays;
	int code = 0;

	if (!sides)
		return rn_fail(err, -ENOMEM, "out of memory");
	if (!surely_fits(policy, sides)) {
		code = rn_policy_tables_build(policy, sides, 1, &arrays, err);
		if (code == 0)
			rn_policy_tables_done(&arrays);
	}
	rn_policy_sides_free(sides);
	return code;
}
