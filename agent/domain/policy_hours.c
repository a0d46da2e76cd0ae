/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/policy_hours.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

struct rn_policy_hours {
	uint8_t key[RN_SIPHASH_KEY]; /* lists are what somebody wrote */
	uint32_t *lists;	     /* by rule: the number of its list, from 1 */
	struct rn_policy_hour *known; /* by that - 1; from > until: nothing yet */
	uint32_t count;
	uint64_t reckoned;
};

/* Where the first rule with such a list is, while they are numbered; open addressing. */
struct places {
	uint32_t *rules; /* places + 1; 0: free */
	uint32_t mask;
};

static bool same(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	return a->time_count == b->time_count && memcmp(a->times, b->times, a->time_count * sizeof(*a->times)) == 0;
}

static void number(struct rn_policy_hours *h, const struct rn_policy_model *model, struct places *places,
		   uint32_t place)
{
	const struct rn_access_policy *rule = &model->rules[place];
	uint64_t hash = rn_siphash(h->key, rule->times, rule->time_count * sizeof(*rule->times));
	uint32_t at = (uint32_t)hash & places->mask;

	while (places->rules[at] && !same(&model->rules[places->rules[at] - 1], rule))
		at = (at + 1) & places->mask;
	if (places->rules[at]) {
		h->lists[place] = h->lists[places->rules[at] - 1];
		return;
	}
	places->rules[at] = place + 1;
	h->lists[place] = ++h->count;
}

static int number_all(struct rn_policy_hours *h, const struct rn_policy_model *model)
{
	struct places places = {NULL, 63};

	while (places.mask < 2 * model->rule_count)
		places.mask = 2 * places.mask + 1;
	places.rules = calloc(places.mask + (size_t)1, sizeof(*places.rules));
	if (!places.rules)
		return -1;
	for (uint32_t i = 0; i < model->rule_count; i++)
		if (model->rules[i].time_count)
			number(h, model, &places, i);
	free(places.rules);
	return 0;
}

struct rn_policy_hours *rn_policy_hours_new(const struct rn_policy_model *model)
{
	struct rn_policy_hours *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	rn_random(h->key, sizeof(h->key));
	h->lists = calloc(model->rule_count + (size_t)1, sizeof(*h->lists));
	if (h->lists && number_all(h, model) == 0)
		h->known = calloc(h->count + (size_t)1, sizeof(*h->known));
	if (!h->known) {
		rn_policy_hours_free(h);
		return NULL;
	}
	for (uint32_t i = 0; i < h->count; i++)
		h->known[i] = (struct rn_policy_hour){.from = INT64_MAX, .until = INT64_MIN};
	return h;
}

void rn_policy_hours_free(struct rn_policy_hours *h)
{
	if (!h)
		return;
	free(h->lists);
	free(h->known);
	free(h);
}

static struct rn_policy_hour reckon(const struct rn_access_policy *rule, const struct rn_zone_source *zones, int64_t at)
{
	const struct rn_times times = {rule->times, rule->time_count};
	struct rn_policy_hour hour = {.open = rn_schedule_open(&times, zones, at), .from = at, .until = INT64_MAX};

	if (rn_schedule_next(&times, zones, at, &hour.until) < 0)
		hour.until = INT64_MAX;
	return hour;
}

struct rn_policy_hour rn_policy_hours_at(struct rn_policy_hours *h, const struct rn_access_policy *rule,
					 const struct rn_zone_source *zones, int64_t at)
{
	struct rn_policy_hour *known;

	if (!rule->time_count)
		return (struct rn_policy_hour){.open = 1, .from = INT64_MIN, .until = INT64_MAX};
	if (!h)
		return reckon(rule, zones, at);
	known = &h->known[h->lists[rule->number - 1] - 1];
	if (at >= known->from && at < known->until)
		return *known;
	h->reckoned++;
	return *known = reckon(rule, zones, at);
}

uint64_t rn_policy_hours_reckoned(const struct rn_policy_hours *h)
{
	return h->reckoned;
}
