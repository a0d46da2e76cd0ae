/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_replay_sums.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

#define GROUPS_MAX 16384u
#define INDEX_SIZE (2 * GROUPS_MAX)

struct group {
	uint32_t owner, destination; /* owner 0: devices[0] is nobody's */
	uint32_t devices[RN_CORE_REPLAY_DEVICES];
	unsigned device_count;
	struct rn_replay_verdict verdict;
	uint16_t port;
	uint8_t protocol;
	uint32_t last;
	uint64_t flows;
};

struct rn_replay_sums {
	struct group groups[GROUPS_MAX];
	uint32_t index[INDEX_SIZE]; /* place in groups + 1 */
	unsigned count;
	uint64_t ungrouped; /* rows: there were too many groups */
	uint64_t flows[2];  /* by denied */
	struct rn_numbers *users[2], *unowned[2];
	struct rn_core_replay_change changes[RN_CORE_REPLAY_CHANGES];
	struct rn_core_replay_rule rules[RN_CORE_REPLAY_CHANGES];
};

struct rn_replay_sums *rn_replay_sums_new(void)
{
	struct rn_replay_sums *s = calloc(1, sizeof(*s));

	for (unsigned i = 0; s && i < 2; i++) {
		s->users[i] = rn_numbers_new();
		s->unowned[i] = rn_numbers_new();
	}
	if (s && s->users[0] && s->users[1] && s->unowned[0] && s->unowned[1])
		return s;
	rn_replay_sums_free(s);
	return NULL;
}

void rn_replay_sums_free(struct rn_replay_sums *s)
{
	for (unsigned i = 0; s && i < 2; i++) {
		rn_numbers_free(s->users[i]);
		rn_numbers_free(s->unowned[i]);
	}
	free(s);
}

static bool is_denied(const struct rn_replay_verdict *v)
{
	return v->draft_reason != RN_ALLOWED;
}

static bool same(const struct group *a, const struct group *b)
{
	return a->owner == b->owner && (a->owner || a->devices[0] == b->devices[0]) &&
	       a->destination == b->destination && a->port == b->port && a->protocol == b->protocol &&
	       a->verdict.now_reason == b->verdict.now_reason && a->verdict.now_rule == b->verdict.now_rule &&
	       a->verdict.draft_reason == b->verdict.draft_reason && a->verdict.draft_rule == b->verdict.draft_rule;
}

static uint32_t hash(const struct group *g)
{
	uint64_t who = g->owner ? g->owner : (uint64_t)g->devices[0] << 32;
	uint64_t h = (who ^ (uint64_t)g->destination << 16) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 32 ^ ((uint64_t)g->port << 8 | g->protocol)) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 32 ^ ((uint64_t)g->verdict.now_rule << 32 | g->verdict.draft_rule)) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h >> 33) % INDEX_SIZE;
}

/* NULL: there are too many. */
static struct group *find(struct rn_replay_sums *s, const struct group *wanted)
{
	uint32_t slot = hash(wanted);

	while (s->index[slot] && !same(&s->groups[s->index[slot] - 1], wanted))
		slot = (slot + 1) % INDEX_SIZE;
	if (s->index[slot])
		return &s->groups[s->index[slot] - 1];
	if (s->count == GROUPS_MAX)
		return NULL;
	s->groups[s->count] = *wanted;
	s->index[slot] = ++s->count;
	return &s->groups[s->count - 1];
}

static void add_device(struct group *g, uint32_t device)
{
	for (unsigned i = 0; i < g->device_count; i++)
		if (g->devices[i] == device)
			return;
	if (g->device_count < RN_CORE_REPLAY_DEVICES)
		g->devices[g->device_count++] = device;
}

int rn_replay_sums_add(struct rn_replay_sums *s, const struct rn_device_record *source,
		       const struct rn_device_record *destination, const struct rn_replay_verdict *verdict,
		       const struct rn_flow_row *row)
{
	bool denied = is_denied(verdict);
	struct group wanted = {.owner = source->owner,
			       .destination = destination->number,
			       .devices = {source->number},
			       .device_count = 1,
			       .verdict = *verdict,
			       .port = row->port,
			       .protocol = row->protocol == IPPROTO_ICMPV6 ? IPPROTO_ICMP : row->protocol};
	struct group *g = find(s, &wanted);

	s->flows[denied] += row->flows;
	s->ungrouped += !g;
	if (g) {
		g->flows += row->flows;
		g->last = row->heard > g->last ? row->heard : g->last;
		add_device(g, source->number);
	}
	return source->owner ? rn_numbers_set(s->users[denied], source->owner, 1)
			     : rn_numbers_set(s->unowned[denied], source->number, 1);
}

/* ---- the end ---- */

static int by_flows(const void *a, const void *b)
{
	const struct group *left = a, *right = b;

	if (left->flows != right->flows)
		return left->flows < right->flows ? 1 : -1;
	return left->destination < right->destination ? -1 : left->destination > right->destination;
}

static int by_rules(const void *a, const void *b)
{
	const struct rn_replay_verdict *left = &((const struct group *)a)->verdict;
	const struct rn_replay_verdict *right = &((const struct group *)b)->verdict;
	const int64_t differ[] = {(int64_t)left->draft_rule - right->draft_rule,
				  (int64_t)left->now_rule - right->now_rule, left->draft_reason - right->draft_reason,
				  left->now_reason - right->now_reason};

	for (unsigned i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i])
			return differ[i] < 0 ? -1 : 1;
	return 0;
}

static const char *rule_id(const struct rn_policy_model *model, uint32_t number)
{
	return number && number <= model->rule_count ? model->rules[number - 1].id : "";
}

static const char *name(const struct rn_ledger *ledger, uint32_t device)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, device);

	return entry ? entry->record.name : "";
}

static const char *owner(const struct rn_ledger *ledger, const struct group *g)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(ledger, g->devices[0]);

	return entry && g->owner ? entry->record.owner_name : "";
}

/* Keeps the largest RN_CORE_REPLAY_CHANGES, in order. */
static void keep_rule(struct rn_replay_sums *s, const struct rn_core_replay_rule *rule, struct rn_core_replayed *ret)
{
	unsigned at = ret->rule_count;

	while (at && s->rules[at - 1].flows < rule->flows)
		at--;
	if (at == RN_CORE_REPLAY_CHANGES)
		return;
	if (ret->rule_count < RN_CORE_REPLAY_CHANGES)
		ret->rule_count++;
	memmove(&s->rules[at + 1], &s->rules[at], (ret->rule_count - 1 - at) * sizeof(s->rules[0]));
	s->rules[at] = *rule;
}

static void list_rules(struct rn_replay_sums *s, const struct rn_policy_model *now, const struct rn_policy_model *draft,
		       struct rn_core_replayed *ret)
{
	qsort(s->groups, s->count, sizeof(s->groups[0]), by_rules);
	for (unsigned i = 0, next; i < s->count; i = next) {
		const struct rn_replay_verdict *v = &s->groups[i].verdict;
		struct rn_core_replay_rule rule = {.denied = is_denied(v),
						   .now_reason = v->now_reason,
						   .draft_reason = v->draft_reason,
						   .now_rule = rule_id(now, v->now_rule),
						   .draft_rule = rule_id(draft, v->draft_rule)};

		for (next = i; next < s->count && by_rules(&s->groups[i], &s->groups[next]) == 0; next++)
			rule.flows += s->groups[next].flows;
		keep_rule(s, &rule, ret);
	}
}

static void list_changes(struct rn_replay_sums *s, const struct rn_policy_model *now,
			 const struct rn_policy_model *draft, const struct rn_ledger *ledger,
			 struct rn_core_replayed *ret)
{
	qsort(s->groups, s->count, sizeof(s->groups[0]), by_flows);
	ret->change_count = s->count < RN_CORE_REPLAY_CHANGES ? s->count : RN_CORE_REPLAY_CHANGES;
	ret->more_changes = s->count - ret->change_count + (s->ungrouped ? 1 : 0);
	for (unsigned i = 0; i < ret->change_count; i++) {
		const struct group *g = &s->groups[i];

		s->changes[i] = (struct rn_core_replay_change){
		    .denied = is_denied(&g->verdict),
		    .source = g->device_count == 1 ? name(ledger, g->devices[0]) : "",
		    .owner = owner(ledger, g),
		    .destination = name(ledger, g->destination),
		    .protocol = g->protocol,
		    .port = g->port,
		    .now_reason = g->verdict.now_reason,
		    .draft_reason = g->verdict.draft_reason,
		    .now_rule = rule_id(now, g->verdict.now_rule),
		    .draft_rule = rule_id(draft, g->verdict.draft_rule),
		    .flows = g->flows,
		    .devices = g->device_count,
		    .last = g->last,
		};
	}
}

void rn_replay_sums_end(struct rn_replay_sums *s, const struct rn_policy_model *now,
			const struct rn_policy_model *draft, const struct rn_ledger *ledger,
			struct rn_core_replayed *ret)
{
	ret->would_deny = s->flows[true];
	ret->would_allow = s->flows[false];
	ret->deny_users = rn_numbers_count(s->users[true]);
	ret->deny_unowned = rn_numbers_count(s->unowned[true]);
	ret->allow_users = rn_numbers_count(s->users[false]);
	ret->allow_unowned = rn_numbers_count(s->unowned[false]);
	list_rules(s, now, draft, ret);
	list_changes(s, now, draft, ledger, ret);
	ret->rules = s->rules;
	ret->changes = s->changes;
}
