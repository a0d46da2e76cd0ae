/* SPDX-License-Identifier: Apache-2.0 */
#include "tables.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool good)
{
	if (good)
		return;
	fputs("a table points past its end, or a side is where nobody looks for it\n", stderr);
	abort();
}

static uint32_t side_at(const struct rn_identity_lists *l, uint32_t at)
{
	must(at < l->count);
	return l->sides[at];
}

/* A destination is in one of its places, or nowhere. */
static bool is_on(const struct rn_identity_lists *l, uint32_t side)
{
	bool there = false;

	for (uint32_t i = 0; i < l->at.places; i++)
		there |= side_at(l, l->at.destinations + i) == side;
	for (uint32_t i = 0; i < RN_PROBES && i < l->at.places; i++) {
		uint32_t at = (rn_side_place(side, l->at.places) + i) & (l->at.places - 1);

		if (side_at(l, l->at.destinations + at) == side) {
			must(there && (l->at.mask >> rn_side_bit(side) & 1));
			return true;
		}
		if (!side_at(l, l->at.destinations + at))
			break;
	}
	must(!there);
	return false;
}

static bool is_open(const struct rn_policy_arrays *a, const struct rn_candidate *c, int64_t at)
{
	const struct rn_rule *r = &a->rules[c->rule];
	uint32_t first, count;

	if (!(c->flags & RN_RULE_TIMED))
		return true;
	if (at < r->from || (r->until && at >= r->until))
		return false;
	if (!r->schedule)
		return true;
	first = a->policy.schedules[r->schedule - 1].openings;
	count = a->policy.schedules[r->schedule - 1].count;
	for (uint32_t i = first; i < first + count; i++)
		if (at >= a->openings[i].from && at < a->openings[i].until)
			return true;
	return (c->flags & RN_RULE_DENY) && (!count || at >= a->openings[first + count - 1].until);
}

enum { DECIDES, TOO_LOW, OUTSIDE, OBSERVED, FINDINGS };

static void look(const struct rn_policy_arrays *a, const struct rn_candidate *c, const struct tables_packet *p,
		 const struct rn_candidate **found)
{
	unsigned what = DECIDES;

	if (!(c->protocols & p->protocols) || p->port < c->first || p->port > c->last ||
	    ((c->flags & RN_RULE_SAME_OWNER) && !p->same_owner))
		return;
	if (!is_open(a, c, p->at))
		what = OUTSIDE;
	else if (p->trust < c->minimum_trust || p->destination_trust < c->minimum_destination_trust)
		what = TOO_LOW;
	if (what != DECIDES && (c->flags & (RN_RULE_DENY | RN_RULE_OBSERVE)))
		return;
	if (c->flags & RN_RULE_OBSERVE)
		what = OBSERVED;
	if (!found[what] || c->rule < found[what]->rule)
		found[what] = c;
}

static int by_rule(const void *x, const void *y)
{
	const struct rn_candidate *a = *(const struct rn_candidate *const *)x;
	const struct rn_candidate *b = *(const struct rn_candidate *const *)y;

	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	return a->first != b->first ? (a->first < b->first ? -1 : 1) : (a->last > b->last) - (a->last < b->last);
}

uint32_t tables_between(const struct rn_policy_arrays *a, const struct rn_identity_lists *from,
			const struct rn_identity_lists *to, const struct rn_candidate *ret[TABLES_BETWEEN])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < from->at.source_count; i++) {
		const struct rn_side *side = &a->sides[side_at(from, from->at.sources + i)];

		for (uint32_t n = side->pairs; n < side->pairs + side->places; n++) {
			const struct rn_side_pair *pair = &a->pairs[n];

			if (!pair->destination || !is_on(to, pair->destination))
				continue;
			must(count + pair->count <= TABLES_BETWEEN);
			for (uint32_t c = 0; c < pair->count; c++)
				ret[count++] = &a->candidates[pair->candidates + c];
		}
	}
	qsort(ret, count, sizeof(*ret), by_rule);
	return count;
}

/* Step 4.4 of docs/datapath.md. */
struct tables_verdict tables_judge(const struct rn_policy_arrays *a, const struct rn_identity_lists *from,
				   const struct rn_identity_lists *to, const struct tables_packet *p)
{
	static const enum rn_reason reasons[] = {RN_ALLOWED, RN_TRUST_TOO_LOW, RN_OUTSIDE_TIME};
	static const struct rn_candidate *between[TABLES_BETWEEN];
	const struct rn_candidate *found[FINDINGS] = {NULL};
	struct tables_verdict v = {.reason = RN_DEFAULT_DENY};

	uint32_t count = tables_between(a, from, to, between);

	for (uint32_t i = 0; i < count; i++)
		look(a, between[i], p, found);
	if (found[OBSERVED] && (!found[DECIDES] || found[OBSERVED]->rule < found[DECIDES]->rule))
		v.observed = a->rules[found[OBSERVED]->rule].number;
	for (unsigned i = DECIDES; i <= OUTSIDE; i++) {
		if (!found[i])
			continue;
		v.reason = found[i]->flags & RN_RULE_DENY ? RN_DENY_RULE : reasons[i];
		v.rule = a->rules[found[i]->rule].number;
		v.log = found[i]->flags & RN_RULE_LOG;
		break;
	}
	return v;
}
