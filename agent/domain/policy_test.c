// SPDX-License-Identifier: Apache-2.0
/* The tests that a policy carries. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "domain/policy_tools.h"

#define STRANGER(end) (UINT32_MAX - (end)) /* the owner's number of a made-up device: nobody in the network has it */

struct run {
	const struct rn_policy_model *model;
	const struct rn_policy_network *network;
	const struct rn_zone_source *zones;
	int64_t now;
};

/* What a party points to. */
struct ends {
	const char *tags[2][RN_SELECTORS_MAX];
};

static struct rn_party made_up(const struct rn_test_party *p, const char *name, const char **tags)
{
	bool v4 = rn_addr_is_v4(&p->address);
	struct rn_party party = {.device = name,
				 .owner = p->user,
				 .tags = tags,
				 .tag_count = p->tag_count,
				 .kind = p->kind,
				 .managed = p->managed,
				 .hub = p->hub,
				 .trust = p->trust};

	for (uint32_t i = 0; i < p->tag_count; i++)
		tags[i] = p->tags[i];
	if (v4)
		party.ipv4 = p->address;
	else
		party.ipv6 = p->address;
	return party;
}

static int party_of(const struct run *r, const struct rn_test_party *p, unsigned end, struct ends *ends,
		    struct rn_party *ret)
{
	if (p->device[0])
		return r->network ? r->network->device(r->network->context, end, p->device, ret) : -ENOENT;
	*ret = made_up(p, "", ends->tags[end]);
	return 0;
}

static bool has_owner(const struct rn_party *p)
{
	return p->owner && p->owner[0] != '\0';
}

/* A made-up device of a user is that user's: the one of the other end, where that has the name. */
static void number_owners(const struct rn_policy_test *test, struct rn_question *q)
{
	bool same =
	    has_owner(&q->source) && has_owner(&q->destination) && strcmp(q->source.owner, q->destination.owner) == 0;

	if (!test->source.device[0])
		q->source.owner_number = has_owner(&q->source) ? STRANGER(0) : 0;
	if (!test->destination.device[0])
		q->destination.owner_number = has_owner(&q->destination) ? STRANGER(1) : 0;
	if (same && !test->source.device[0])
		q->source.owner_number = q->destination.owner_number;
	else if (same && !test->destination.device[0])
		q->destination.owner_number = q->source.owner_number;
}

static const char *reason_text(enum rn_reason reason)
{
	switch ((int)reason) {
#define RN_REASON(number, NAME, name, text)                                                                            \
	case number:                                                                                                   \
		return text;
#include "abi/verdict.def"
#undef RN_REASON
	}
	return "?";
}

static void say(const struct run *r, const struct rn_policy_test *test, const struct rn_service *service,
		const struct rn_answer *a, struct rn_test_result *ret)
{
	const char *rule = a->rule ? r->model->rules[a->rule - 1].id : "";
	char text[RN_SERVICE_TEXT];

	rn_service_format(service, text);
	if ((a->reason == RN_ALLOWED) != test->allow)
		snprintf(ret->text, sizeof(ret->text),
			 "the test \"%s\" fails: %s is %s%s%s%s (%s), but \"%s\" is expected", test->id, text,
			 a->reason == RN_ALLOWED ? "allowed" : "denied", *rule ? " by rule \"" : "", rule,
			 *rule ? "\"" : "", reason_text(a->reason), test->allow ? "allow" : "deny");
	else
		snprintf(ret->text, sizeof(ret->text),
			 "the test \"%s\" fails: rule \"%s\" is expected to decide %s, but %s%s%s does", test->id,
			 test->rule, text, *rule ? "\"" : "no rule", rule, *rule ? "\"" : "");
}

static bool as_expected(const struct run *r, const struct rn_policy_test *test, const struct rn_answer *a)
{
	if ((a->reason == RN_ALLOWED) != test->allow)
		return false;
	return !test->rule[0] || (a->rule && strcmp(r->model->rules[a->rule - 1].id, test->rule) == 0);
}

static int run_test(const struct run *r, const struct rn_policy_test *test, struct rn_test_result *ret)
{
	struct rn_question q = {.at = test->at == INT64_MIN ? r->now : test->at, .zones = r->zones};
	const struct rn_test_party *unknown = &test->source;
	struct ends ends;
	int code = party_of(r, &test->source, 0, &ends, &q.source);

	*ret = (struct rn_test_result){.test = test, .passed = true};
	if (code == 0) {
		unknown = &test->destination;
		code = party_of(r, &test->destination, 1, &ends, &q.destination);
	}
	if (code == -ENOENT) {
		ret->passed = false;
		snprintf(ret->text, sizeof(ret->text),
			 "the test \"%s\" cannot be run: there is no device \"%s\" in the network", test->id,
			 unknown->device);
	}
	if (code < 0)
		return code == -ENOENT ? 0 : code;
	number_owners(test, &q);
	for (uint32_t i = 0; i < test->service_count && ret->passed; i++) {
		const struct rn_service *s = &test->services[i];
		struct rn_answer a;

		q.protocol = s->protocol;
		q.port = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP ? s->first : 0;
		rn_policy_evaluate(r->model, &q, &a);
		ret->passed = as_expected(r, test, &a);
		if (!ret->passed)
			say(r, test, s, &a, ret);
	}
	return 0;
}

int rn_policy_run_tests(const struct rn_policy_model *model, const struct rn_policy_network *network,
			const struct rn_zone_source *zones, int64_t now,
			bool (*each)(void *context, const struct rn_test_result *result), void *context)
{
	const struct run r = {model, network, zones, now};
	int failed = 0;

	for (uint32_t i = 0; i < model->test_count; i++) {
		struct rn_test_result result;
		int code = run_test(&r, &model->tests[i], &result);

		if (code < 0)
			return code;
		failed += !result.passed;
		if (!each(context, &result))
			break;
	}
	return failed;
}

int rn_policy_test_fail(const struct rn_test_result *first, unsigned failed, struct rn_err *err)
{
	char more[48] = "";

	if (failed > 1)
		snprintf(more, sizeof(more), " (and %u more %s)", failed - 1,
			 failed == 2 ? "test fails" : "tests fail");
	return rn_fail(err, -EINVAL, "line %u, column %u: %s%s", first->test->line, first->test->column, first->text,
		       more);
}

static bool keep_first(void *context, const struct rn_test_result *result)
{
	struct rn_test_result *first = context;

	if (!result->passed && !first->test)
		*first = *result;
	return true;
}

int rn_policy_check_tests(const struct rn_policy_model *model, const struct rn_policy_network *network,
			  const struct rn_zone_source *zones, int64_t now, struct rn_err *err)
{
	struct rn_test_result first = {0};
	int failed = rn_policy_run_tests(model, network, zones, now, keep_first, &first);

	if (failed < 0)
		return rn_fail(err, failed, "the policy's tests could not be run");
	return failed ? rn_policy_test_fail(&first, (unsigned)failed, err) : 0;
}
