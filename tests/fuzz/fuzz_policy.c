/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as people write it, all the way: text, model, compiled rules, record, tables. What the compiled rules say of
 * the first few ends that the text names is what the reference evaluator says.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy.h"
#include "domain/policy_tables.h"
#include "fuzz.h"

#define SELECTORS 4096
#define SERVICES 4
#define PARTIES 4

static char selectors[SELECTORS][96];
static uint32_t selector_count;

static uint32_t number(void *context, const char *selector)
{
	(void)context;
	for (uint32_t i = 0; i < selector_count; i++)
		if (strcmp(selectors[i], selector) == 0)
			return i + 1;
	if (selector_count == SELECTORS)
		return 0;
	snprintf(selectors[selector_count], sizeof(selectors[0]), "%s", selector);
	return ++selector_count;
}

static bool in_list(const uint32_t *list, uint32_t count, uint32_t wanted)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == wanted)
			return true;
	return false;
}

/* Has this end one of the selectors? It is everyone, its device, its owner and its tags. */
static bool is_one(const struct rn_party *p, const uint32_t *list, uint32_t count)
{
	char text[96];
	bool is;

	is = in_list(list, count, number(NULL, "everyone"));
	snprintf(text, sizeof(text), "device:%s", p->device);
	is |= in_list(list, count, number(NULL, text));
	snprintf(text, sizeof(text), "user:%s", p->owner ? p->owner : "");
	is |= p->owner && in_list(list, count, number(NULL, text));
	for (uint32_t i = 0; i < p->tag_count; i++) {
		snprintf(text, sizeof(text), "tag:%s", p->tags[i]);
		is |= in_list(list, count, number(NULL, text));
	}
	return is;
}

static bool serves(const struct rn_policy_rule *rule, uint8_t protocol, uint16_t port)
{
	for (uint32_t i = 0; i < rule->service_count; i++) {
		const struct rn_service *s = &rule->services[i];

		if (!s->protocol ||
		    (s->protocol == protocol && (protocol == IPPROTO_ICMP || (port >= s->first && port <= s->last))))
			return true;
	}
	return false;
}

/* The compiled rules, walked in order of precedence. */
static bool allows(const struct rn_policy_record *policy, const struct rn_party *a, const struct rn_party *b,
		   uint8_t protocol, uint16_t port)
{
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct rn_policy_rule *rule = &policy->rules[i];
		bool same = a->owner && b->owner && strcmp(a->owner, b->owner) == 0;

		if (!is_one(a, rule->source.any.numbers, rule->source.any.count) ||
		    !is_one(b, rule->destination.any.numbers, rule->destination.any.count) || (rule->same_owner && !same) ||
		    !serves(rule, protocol, port) || (!rule->deny && a->trust < rule->minimum_trust))
			continue;
		return !rule->deny;
	}
	return false;
}

static void add_party(struct rn_party *parties, unsigned *count, const struct rn_policy_model *model,
		      const struct rn_criterion *criteria, uint32_t criterion_count, const char **tag)
{
	struct rn_party *p = &parties[*count];

	*p = (struct rn_party){.device = "pc", .trust = (uint8_t)(30 * *count)};
	for (uint32_t i = 0; i < criterion_count; i++) {
		if (criteria[i].type == RN_CRITERION_USER)
			p->owner = criteria[i].name;
		else if (criteria[i].type == RN_CRITERION_DEVICE)
			p->device = criteria[i].name;
		else if (criteria[i].type == RN_CRITERION_TAG)
			*tag = criteria[i].name;
	}
	if (!p->owner && model->group_count && model->groups[0].user_count)
		p->owner = model->groups[0].users[0];
	if (*tag) {
		p->tags = tag;
		p->tag_count = 1;
	}
	++*count;
}

static void compare(const struct rn_policy_model *model, const struct rn_policy_record *policy)
{
	static const uint16_t ports[SERVICES] = {22, 80, 0, 65535};
	static const uint8_t protocols[SERVICES] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_TCP};
	struct rn_party parties[PARTIES];
	const char *tags[PARTIES] = {NULL};
	struct rn_answer why;
	unsigned count = 0;

	for (uint32_t i = 0; i < model->rule_count && count + 2 <= PARTIES; i++) {
		const struct rn_access_policy *rule = &model->rules[i];

		add_party(parties, &count, model, rule->source.criteria, rule->source.count, &tags[count]);
		add_party(parties, &count, model, rule->destination.criteria, rule->destination.count, &tags[count]);
	}
	for (unsigned i = 0; i < count * count * SERVICES; i++) {
		const struct rn_party *a = &parties[i / SERVICES / count], *b = &parties[i / SERVICES % count];
		uint16_t port = ports[i % SERVICES];

		struct rn_question q = {*a, *b, .protocol = protocols[i % SERVICES], .port = port};

		rn_policy_evaluate(model, &q, &why);
		CHECK((why.reason == RN_ALLOWED) == allows(policy, a, b, protocols[i % SERVICES], port));
	}
}

static void compiled(const struct rn_policy_model *model, const struct rn_policy_record *policy)
{
	static const struct rn_record_head head = {.epoch = 1, .version = 1, .issued = 1};
	static const uint8_t seed[RN_KEY_SIZE] = {1};
	static uint8_t blob[RN_RECORD_SIZE_MAX];
	static struct rn_policy_tables tables;
	struct rn_policy_record read;
	struct rn_err err = {""};
	int size = rn_record_put_policy(&head, policy, seed, blob, sizeof(blob));

	/* What compiles fits a record and the datapath's tables. */
	CHECK(size > 0);
	CHECK(rn_record_get_policy(blob, (size_t)size, &read) == 0);
	CHECK(read.rule_count == policy->rule_count);
	rn_policy_record_done(&read);
	CHECK(rn_policy_tables_build(policy, 1, &tables, &err) == 0);
	compare(model, policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rn_selector_source source = {NULL, number};
	uint8_t *text = fuzz_copy(data, size);
	struct rn_err err = {""};
	struct rn_policy_model *model = rn_policy_parse((const char *)text, size, &err);
	struct rn_policy_record policy;

	free(text);
	CHECK(model || err.text[0]);
	if (!model)
		return 0;
	selector_count = 0;
	if (rn_policy_compile(model, &source, NULL, 0, &policy, &err) == 0) {
		compiled(model, &policy);
		rn_policy_record_done(&policy);
	} else {
		CHECK(err.text[0]);
	}
	rn_policy_model_free(model);
	return 0;
}
