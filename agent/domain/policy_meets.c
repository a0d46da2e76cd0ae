/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_meets.h"

#include <stdlib.h>

#include "domain/policy_sides.h"

/* From one side to another some rule allows something: to everybody, or to devices of the same owner alone. */
struct meeting {
	uint32_t source, destination;
	bool owned;
};

struct rn_policy_meets {
	const struct rn_policy_record *policy;
	struct rn_policy_sides *sides; /* NULL: not made yet */
	struct meeting *list;	       /* ascending, each pair once or twice */
	uint32_t count;
	uint32_t *marked; /* by destination: the last question whose device is on it */
	uint32_t question;
};

struct rn_policy_meets *rn_policy_meets_new(const struct rn_policy_record *policy)
{
	struct rn_policy_meets *m = calloc(1, sizeof(*m));

	if (m)
		m->policy = policy;
	return m;
}

void rn_policy_meets_free(struct rn_policy_meets *m)
{
	if (!m)
		return;
	rn_policy_sides_free(m->sides);
	free(m->list);
	free(m->marked);
	free(m);
}

static int by_sides(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->destination != y->destination)
		return x->destination < y->destination ? -1 : 1;
	return x->owned - y->owned;
}

static void fill(struct rn_policy_meets *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->policy->rule_count; i++) {
		const struct rn_policy_rule *r = &m->policy->rules[i];

		if (!r->deny && !r->observe)
			m->list[m->count++] =
			    (struct meeting){rn_policy_side_of(m->sides, RN_SOURCE, i),
					     rn_policy_side_of(m->sides, RN_DESTINATION, i), r->same_owner};
	}
	qsort(m->list, m->count, sizeof(*m->list), by_sides);
	for (uint32_t i = 0; i < m->count; i++)
		if (!kept || by_sides(&m->list[kept - 1], &m->list[i]) != 0)
			m->list[kept++] = m->list[i];
	m->count = kept;
}

static bool make(struct rn_policy_meets *m)
{
	struct rn_policy_sides *sides = rn_policy_sides_new(m->policy);

	if (!sides)
		return false;
	m->list = calloc((size_t)m->policy->rule_count + 1, sizeof(*m->list));
	m->marked = calloc((size_t)rn_policy_sides_count(sides, RN_DESTINATION) + 1, sizeof(*m->marked));
	if (!m->list || !m->marked) {
		free(m->list);
		free(m->marked);
		rn_policy_sides_free(sides);
		m->list = NULL;
		m->marked = NULL;
		return false;
	}
	m->sides = sides;
	fill(m);
	return true;
}

/* The first meeting from this side, or where it would be. */
static uint32_t first_of(const struct rn_policy_meets *m, uint32_t source)
{
	uint32_t low = 0, high = m->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->list[middle].source < source)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool takes(struct rn_policy_meets *m, const struct rn_device_record *from, const struct rn_device_record *to)
{
	bool owned = from->owner && from->owner == to->owner;
	const uint32_t *on;
	uint32_t count = rn_policy_sides_on(m->sides, RN_DESTINATION, to->selectors, to->selector_count, &on);

	m->question++; /* four thousand million fit into no run */
	for (uint32_t i = 0; i < count; i++)
		m->marked[on[i]] = m->question;
	count = rn_policy_sides_on(m->sides, RN_SOURCE, from->selectors, from->selector_count, &on);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = first_of(m, on[i]); at < m->count && m->list[at].source == on[i]; at++)
			if (m->marked[m->list[at].destination] == m->question && (owned || !m->list[at].owned))
				return true;
	return false;
}

bool rn_policy_meets(struct rn_policy_meets *m, const struct rn_device_record *a, const struct rn_device_record *b)
{
	if (!m->sides && !make(m))
		return true;
	return takes(m, a, b) || takes(m, b, a);
}
