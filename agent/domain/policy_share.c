// SPDX-License-Identifier: Apache-2.0
#include "domain/policy_share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rn_rule_drop(struct rn_access_policy *rule)
{
	free(rule->source.criteria);
	free(rule->destination.criteria);
	free(rule->services);
	free(rule->times);
	free(rule->comment);
	rule->source.criteria = rule->destination.criteria = NULL;
	rule->services = NULL;
	rule->times = NULL;
	rule->comment = NULL;
}

/* The places of things in one piece of memory, one behind the other. */
struct shelf {
	char *memory; /* NULL: they are only counted */
	size_t used;
};

static void *put(struct shelf *s, const void *from, size_t size, size_t align)
{
	char *to;

	s->used = (s->used + align - 1) / align * align;
	to = s->memory ? s->memory + s->used : NULL;
	s->used += size;
	if (to && size)
		memcpy(to, from, size);
	return size ? to : NULL;
}

static void put_criteria(struct shelf *s, struct rn_policy_end *end)
{
	end->criteria = put(s, end->criteria, end->count * sizeof(*end->criteria), _Alignof(struct rn_criterion));
}

static const char *put_text(struct shelf *s, const char *text)
{
	return text ? put(s, text, strlen(text) + 1, 1) : NULL;
}

/* Texts first: whoever compares them finds them beside the count that is touched next. */
static void put_all(struct shelf *s, struct rn_access_policy *rule, struct rn_rule_share *share)
{
	put(s, share, sizeof(*share), _Alignof(struct rn_rule_share));
	share->text = put(s, share->text, share->extent.size, 1);
	rule->id = put_text(s, rule->id);
	put_criteria(s, &rule->source);
	put_criteria(s, &rule->destination);
	rule->services =
	    put(s, rule->services, rule->service_count * sizeof(*rule->services), _Alignof(struct rn_service));
	rule->times = put(s, rule->times, rule->time_count * sizeof(*rule->times), _Alignof(struct rn_time_window));
	rule->comment = (char *)put_text(s, rule->comment);
}

static bool names(const struct rn_access_policy *rule, enum rn_criterion_type type)
{
	for (uint32_t i = 0; i < rule->source.count; i++)
		if (rule->source.criteria[i].type == type)
			return true;
	for (uint32_t i = 0; i < rule->destination.count; i++)
		if (rule->destination.criteria[i].type == type)
			return true;
	return false;
}

int rn_rule_pack(struct rn_access_policy *rule, const char *text, const struct rn_rule_extent *extent)
{
	struct rn_access_policy loose = *rule, counted = *rule;
	struct rn_rule_share share = {.extent = *extent,
				      .text = text,
				      .names_tag = names(rule, RN_CRITERION_TAG),
				      .names_group = names(rule, RN_CRITERION_GROUP),
				      .names_prefix = names(rule, RN_CRITERION_PREFIX)},
			     unplaced = share;
	struct shelf shelf = {.used = 0};

	atomic_init(&share.holders, 1);
	put_all(&shelf, &counted, &unplaced);
	shelf.memory = malloc(shelf.used);
	shelf.used = 0;
	if (shelf.memory) {
		put_all(&shelf, rule, &share);
		rule->share = (struct rn_rule_share *)(void *)shelf.memory;
		rule->share->text = share.text;
	}
	rn_rule_drop(shelf.memory ? &loose : rule);
	return shelf.memory ? 0 : -ENOMEM;
}

void rn_rule_share_hold(struct rn_rule_share *share)
{
	atomic_fetch_add_explicit(&share->holders, 1, memory_order_relaxed);
}

void rn_rule_share_free(struct rn_rule_share *share)
{
	if (share && atomic_fetch_sub_explicit(&share->holders, 1, memory_order_acq_rel) == 1)
		free(share);
}
