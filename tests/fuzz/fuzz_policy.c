/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as people write it, all the way: text, model, compiled rules, record. What the compiled rules say of the
 * first few ends that the text names is what the reference evaluator says, at moments around those where it changes;
 * what its findings say is true of them, and that it differs from itself is said of none.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_tools.h"
#include "fuzz.h"
#include "tests/support/selector_numbers.h"
#include "tests/support/walk.h"

#define NOW INT64_C(1800000000)
#define OWN 256 /* selectors of one end: more than there are prefixes of one address of each family */
#define SERVICES 5
#define PARTIES 6
#define USELESS 64 /* rules that findings say something of */

static struct selector_numbers selectors = {.most = SELECTOR_NUMBERS_MAX};

/* ---- who has a selector, by its text ---- */

static bool is_tag(const struct rn_party *p, const char *name)
{
	for (uint32_t i = 0; i < p->tag_count; i++)
		if (strcmp(p->tags[i], name) == 0)
			return true;
	return false;
}

static bool is_in(const struct rn_party *p, const char *text)
{
	struct rn_prefix prefix;

	CHECK(rn_prefix_parse(text, &prefix) == 0);
	return rn_prefix_contains(&prefix, &p->ipv6) || rn_prefix_contains(&prefix, &p->ipv4);
}

static bool has(const struct rn_party *p, const char *selector)
{
	const char *what = strchr(selector, ':');
	size_t size = what ? (size_t)(what - selector) : strlen(selector);
	bool hub = rn_kind_is_hub(p->kind);

#define IS(word) (size == sizeof(word) - 1 && strncmp(selector, word, size) == 0)
	what = what ? what + 1 : "";
	return IS("everyone") || (IS("user") && p->owner && strcmp(p->owner, what) == 0) ||
	       (IS("tag") && is_tag(p, what)) || (IS("device") && strcmp(p->device, what) == 0) ||
	       (IS("managed") && p->managed) || (IS("unmanaged") && !p->managed) ||
	       (IS("hub") && strcmp(p->hub, what) == 0) ||
	       (IS("type") && !hub && strcmp(rn_kind_name(p->kind), what) == 0) ||
	       (IS("hub-type") && hub && strcmp(rn_kind_name(p->kind), what) == 0) || (IS("prefix") && is_in(p, what));
#undef IS
}

/* ---- ends that the text names ---- */

struct ends {
	struct rn_party parties[PARTIES];
	const char *tags[PARTIES];
	uint32_t numbers[PARTIES][OWN];
	struct walk_end walk[PARTIES];
	unsigned count;
};

static void be(struct rn_party *p, const struct rn_policy_model *model, const struct rn_criterion *c, const char **tag)
{
	const struct rn_group *group = c->type == RN_CRITERION_GROUP ? &model->groups[c->group] : NULL;

	if (c->type == RN_CRITERION_USER)
		p->owner = c->name;
	else if (group && group->user_count)
		p->owner = group->users[group->user_count - 1];
	else if (c->type == RN_CRITERION_DEVICE)
		p->device = c->name;
	else if (c->type == RN_CRITERION_TAG)
		*tag = c->name;
	else if (c->type == RN_CRITERION_HUB)
		p->hub = c->name;
	else if (c->type == RN_CRITERION_TYPE || c->type == RN_CRITERION_HUB_TYPE)
		p->kind = c->kind;
	else if (c->type == RN_CRITERION_PREFIX)
		*(rn_addr_is_v4(&c->prefix.addr) ? &p->ipv4 : &p->ipv6) = c->prefix.addr;
}

/* Owners are numbered by the place of their first. */
static void add_party(struct ends *e, const struct rn_policy_model *model, const struct rn_policy_end *end)
{
	struct rn_party *p = &e->parties[e->count];

	*p = (struct rn_party){.device = "pc",
			       .hub = "hub",
			       .kind = e->count % 2 ? RN_KIND_SERVER : RN_KIND_DESKTOP,
			       .managed = e->count % 3 == 0,
			       .ipv6 = {{0xfd, 1}},
			       .ipv4 = rn_addr_from_v4(0x0a000001),
			       .trust = (uint8_t)(19 * e->count)};
	for (uint32_t i = 0; i < end->count; i++)
		be(p, model, &end->criteria[i], &e->tags[e->count]);
	if (e->tags[e->count]) {
		p->tags = &e->tags[e->count];
		p->tag_count = 1;
	}
	e->count++;
	for (unsigned i = 0; p->owner && !p->owner_number && i < e->count; i++)
		if (e->parties[i].owner && strcmp(e->parties[i].owner, p->owner) == 0)
			p->owner_number = i + 1;
}

static void make_ends(struct ends *e, const struct rn_policy_model *model)
{
	for (uint32_t i = 0; i < model->rule_count && e->count + 2 <= PARTIES; i++) {
		add_party(e, model, &model->rules[i].source);
		add_party(e, model, &model->rules[i].destination);
	}
	for (unsigned n = 0; n < e->count; n++) {
		struct walk_end *w = &e->walk[n];

		*w = (struct walk_end){e->numbers[n], 0, e->parties[n].owner_number, e->parties[n].trust};
		for (uint32_t i = 0; i < selectors.count && w->count < OWN; i++)
			if (has(&e->parties[n], selectors.names[i]))
				e->numbers[n][w->count++] = i + 1;
	}
}

/* ---- what is held against what ---- */

struct useless {
	uint32_t rules[USELESS];
	unsigned count;
	const struct rn_policy_model *model;
};

static void keep(void *context, const struct rn_policy_finding *f)
{
	struct useless *u = context;

	CHECK(f->rule && f->rule <= u->model->rule_count && f->other <= u->model->rule_count && f->text[0]);
	if (f->kind != RN_FINDING_REDUNDANT && u->count < USELESS)
		u->rules[u->count++] = f->rule;
}

static void no_verdict(void *context, const struct rn_difference *d)
{
	(void)context;
	CHECK(d->kind == RN_DIFFERENCE_RULE);
}

static void ask(const struct rn_policy_model *model, const struct rn_policy_record *policy, struct rn_question *q,
		const struct walk_end *a, const struct walk_end *b, const struct useless *u, struct rn_answer *ret)
{
	struct rn_answer walked = walk_rules(policy, a, b, q->protocol, q->port, q->at);
	struct rn_rule_state state;

	rn_policy_evaluate(model, q, ret);
	CHECK(ret->reason == walked.reason && ret->rule == walked.rule && ret->observed == walked.observed &&
	      ret->log == walked.log && ret->until > q->at);
	for (unsigned i = 0; i < u->count && q->at >= NOW; i++)
		CHECK((ret->reason != RN_ALLOWED && ret->reason != RN_DENY_RULE) || ret->rule != u->rules[i]);
	rn_policy_rule_state(model, ret->rule, q, &state);
	for (unsigned i = 0; ret->reason == RN_ALLOWED && i < RN_CONDITIONS; i++)
		CHECK(state.conditions[i] != RN_FAILED);
	CHECK(rn_policy_nearest(model, q) <= model->rule_count);
}

static void compare(const struct rn_policy_model *model, const struct rn_policy_record *policy)
{
	static const uint16_t ports[SERVICES] = {22, 80, 0, 0, 65535};
	static const uint8_t protocols[SERVICES] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
						    IPPROTO_TCP};
	struct ends e = {.count = 0};
	struct useless u = {.model = model};
	bool cut;

	make_ends(&e, model);
	CHECK(rn_policy_findings(model, NULL, NOW, keep, &u, &cut) == 0);
	CHECK(rn_policy_diff(model, model, e.parties, e.count, NULL, NOW, no_verdict, NULL, &cut) == 0);
	for (unsigned i = 0; i < e.count * e.count * SERVICES; i++) {
		unsigned a = i / SERVICES / e.count, b = i / SERVICES % e.count;
		struct rn_question q = {e.parties[a], e.parties[b], .protocol = protocols[i % SERVICES],
					.port = ports[i % SERVICES], .at = NOW};
		struct rn_answer now, then;

		ask(model, policy, &q, &e.walk[a], &e.walk[b], &u, &now);
		if (now.until > NOW + 20 * RN_DAY_SECONDS)
			continue;
		q.at = now.until - 1;
		ask(model, policy, &q, &e.walk[a], &e.walk[b], &u, &then);
		CHECK(then.reason == now.reason && then.rule == now.rule && then.observed == now.observed);
		q.at = now.until;
		ask(model, policy, &q, &e.walk[a], &e.walk[b], &u, &then);
	}
}

static void compiled(const struct rn_policy_model *model, const struct rn_policy_record *policy)
{
	static const struct rn_record_head head = {.epoch = 1, .version = 1, .issued = 1};
	static const uint8_t seed[RN_KEY_SIZE] = {1};
	static uint8_t blob[RN_RECORD_SIZE_MAX];
	struct rn_policy_record read;
	int size = rn_record_put_policy(&head, policy, seed, blob, sizeof(blob));

	/* What compiles makes a record, or lies in parts. */
	CHECK(size > 0 || size == -EMSGSIZE);
	if (size > 0) {
		CHECK(rn_record_get_policy(blob, (size_t)size, &read) == 0);
		CHECK(read.rule_count == policy->rule_count && read.schedule_count == policy->schedule_count);
		rn_policy_record_done(&read);
	}
	compare(model, policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rn_selector_source source = selector_source(&selectors);
	uint8_t *text = fuzz_copy(data, size);
	struct rn_err err = {""};
	struct rn_policy_model *model = rn_policy_parse((const char *)text, size, &err);
	struct rn_policy_record policy;

	free(text);
	CHECK(model || err.text[0]);
	if (!model)
		return 0;
	selectors.count = 0;
	CHECK(rn_policy_check_tests(model, NULL, NULL, NOW, &err) == 0 || err.text[0]);
	if (rn_policy_compile(model, &source, NULL, NOW, &policy, &err) == 0) {
		compiled(model, &policy);
		rn_policy_record_done(&policy);
	} else {
		CHECK(err.text[0]);
	}
	rn_policy_model_free(model);
	return 0;
}
