// SPDX-License-Identifier: Apache-2.0
/* "tests": read here, run by policy_test.c. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_ids.h"
#include "domain/policy_text.h"

#define WORK_MAX UINT64_C(100000000) /* criteria that all tests together look at, at most: some two seconds */
#define WINDOW_WEIGHT 20

/* ---- an end ---- */

static int read_named(const struct rn_json *node, const char *key, const char *what, char ret[RN_NAME_MAX + 1],
		      struct rn_err *err)
{
	const struct rn_json *n = rn_json_get(node, key);

	return n ? rn_name_read(n, what, ret, err) : 0;
}

/* A device's own, client's or hub's. */
static int read_type(const struct rn_json *node, enum rn_kind *ret, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(node, "type", &text, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (rn_kind_parse(text, ret) == 0 && rn_kind_is_hub(*ret) && strcmp(rn_kind_name(*ret), text) == 0)
		return 0;
	return rn_kind_read(rn_json_get(node, "type"), text, false, ret, err);
}

static int read_address(const struct rn_json *node, struct rn_addr *ret, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(node, "address", &text, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (rn_addr_parse(text, ret) < 0)
		return rn_json_fail(rn_json_get(node, "address"), err, "\"%.60s\" is no address", text);
	return 0;
}

static int read_tags(struct rn_policy_reading *r, const struct rn_json *node, struct rn_test_party *ret)
{
	const struct rn_json *list;
	int code = rn_list_read(node, "tags", RN_SELECTORS_MAX, NULL, &list, r->err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	return rn_names_read(list, "a tag", &ret->tags, &ret->tag_count, r->err);
}

static int read_made_up(struct rn_policy_reading *r, const struct rn_json *node, struct rn_test_party *ret)
{
	int64_t trust = RN_TRUST_MAX;
	int code = read_named(node, "user", "a user", ret->user, r->err);

	if (code == 0)
		code = read_named(node, "hub", "a hub", ret->hub, r->err);
	if (code == 0)
		code = read_tags(r, node, ret);
	if (code == 0)
		code = read_type(node, &ret->kind, r->err);
	if (code == 0)
		code = read_address(node, &ret->address, r->err);
	if (code == 0)
		code = rn_json_get_int(node, "trust", 0, RN_TRUST_MAX, &trust, r->err);
	if (code == 0 || code == -ENOENT)
		code = rn_json_get_bool(node, "managed", &ret->managed, r->err);
	ret->trust = (uint8_t)trust;
	return code == -ENOENT ? 0 : code;
}

static int read_party(struct rn_policy_reading *r, const struct rn_json *test, const char *key,
		      struct rn_test_party *ret)
{
	static const char *const made_up[] = {"user",  "tags",	  "type",   "hub", "address",
					      "trust", "managed", "device", NULL},
				 *const device[] = {"device", NULL};
	const struct rn_json *node = rn_json_get(test, key);
	int code;

	if (!node)
		return rn_json_fail(test, r->err, "this test has no \"%s\"; write {\"device\": \"NAME\"}", key);
	if (rn_json_type(node) != RN_JSON_OBJECT)
		return rn_json_fail(node, r->err,
				    "\"%s\" must be an object: {\"device\": \"NAME\"}, or what a made-up device is, as "
				    "{\"user\": \"alice\", \"tags\": [\"db\"]}",
				    key);
	if (!rn_json_get(node, "device")) {
		code = rn_json_only(node, made_up, r->err);
		return code < 0 ? code : read_made_up(r, node, ret);
	}
	code = rn_json_only(node, device, r->err);
	return code < 0 ? code : read_named(node, "device", "a device", ret->device, r->err);
}

/* ---- a test ---- */

static int read_services(const struct rn_json *node, struct rn_policy_test *test, struct rn_err *err)
{
	int code = rn_services_read(node, &test->services, &test->service_count, err);

	if (code < 0)
		return code;
	if (test->service_count == 0)
		return rn_json_fail(node, err, "this test has no \"services\"; write what is asked, as [\"tcp:22\"]");
	for (uint32_t i = 0; i < test->service_count; i++) {
		const struct rn_service *s = &test->services[i];

		if ((s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP) && s->first != s->last)
			return rn_json_fail(rn_json_get(node, "services"), err,
					    "a test asks for single ports, as \"tcp:22\"");
	}
	return 0;
}

static int read_expect(const struct rn_json *node, struct rn_policy_test *test, struct rn_err *err)
{
	const char *text;
	int code = rn_json_get_text(node, "expect", &text, err);

	if (code == -ENOENT)
		return rn_json_fail(node, err, "this test has no \"expect\"; write \"allow\" or \"deny\"");
	if (code < 0)
		return code;
	test->allow = strcmp(text, "allow") == 0;
	if (!test->allow && strcmp(text, "deny") != 0)
		return rn_json_fail(rn_json_get(node, "expect"), err,
				    "\"expect\" is \"%.32s\"; write \"allow\" or \"deny\"", text);
	return 0;
}

static int read_rule(struct rn_policy_reading *r, const struct rn_json *node, struct rn_policy_test *test)
{
	int code = read_named(node, "rule", "a rule", test->rule, r->err);

	if (code < 0 || !test->rule[0])
		return code;
	if (rn_rule_ids_find(r->model->ids, r->model->rules, test->rule, strlen(test->rule)) != UINT32_MAX)
		return 0;
	return rn_json_fail(rn_json_get(node, "rule"), r->err, "no rule has the id \"%s\"", test->rule);
}

static int read_test(struct rn_policy_reading *r, const struct rn_json *node)
{
	static const char *const names[] = {"id", "source", "destination", "services", "at", "expect", "rule", NULL};
	struct rn_policy_test *test = &r->model->tests[r->model->test_count++];
	int code;

	test->at = INT64_MIN;
	rn_json_where(node, &test->line, &test->column);
	if (rn_json_type(node) != RN_JSON_OBJECT)
		return rn_json_fail(node, r->err, "a test must be an object in { }");
	code = rn_json_only(node, names, r->err);
	if (code == 0 && !rn_json_get(node, "id"))
		return rn_json_fail(node, r->err, "this test has no \"id\"; give it a short name of its own");
	if (code == 0)
		code = read_named(node, "id", "a test", test->id, r->err);
	if (code == 0)
		code = read_party(r, node, "source", &test->source);
	if (code == 0)
		code = read_party(r, node, "destination", &test->destination);
	if (code == 0)
		code = read_services(node, test, r->err);
	if (code == 0)
		code = read_expect(node, test, r->err);
	if (code == 0)
		code = read_rule(r, node, test);
	if (code == 0)
		code = rn_moment_read(node, "at", &test->at, r->err);
	return code == -ENOENT ? 0 : code;
}

static int check_ids(struct rn_policy_reading *r, const struct rn_json *tests)
{
	struct rn_named_list names = {.list = rn_list_room(tests, sizeof(*names.list), r->err)};
	const struct rn_named *twice;
	uint32_t first;
	int code = 0;

	if (!names.list)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(tests); n; n = rn_json_next(n)) {
		names.list[names.count] = (struct rn_named){r->model->tests[names.count].id, n, names.count};
		names.count++;
	}
	twice = rn_named_sort(&names, &first);
	if (twice)
		code = rn_json_fail(rn_json_get(twice->node, "id"), r->err, "the id \"%s\" is that of test %u already",
				    twice->name, first + 1);
	free(names.list);
	return code;
}

/* About how long one question takes, in criteria that are looked at. */
static uint64_t weigh_rules(const struct rn_policy_model *model)
{
	uint64_t weight = 0;

	for (uint32_t i = 0; i < model->rule_count; i++) {
		const struct rn_access_policy *rule = &model->rules[i];

		weight += 1 + rule->source.count + rule->destination.count + WINDOW_WEIGHT * (uint64_t)rule->time_count;
	}
	return weight;
}

/* Whoever checks a text holds up others for as long as its tests take. */
static int check_work(struct rn_policy_reading *r, const struct rn_json *tests)
{
	uint64_t weight = weigh_rules(r->model), work = 0;
	const struct rn_policy_test *test = r->model->tests;

	for (const struct rn_json *n = rn_json_first(tests); n; n = rn_json_next(n), test++) {
		work += weight * test->service_count * (1 + (test->source.tag_count + test->destination.tag_count) / 8);
		if (work > WORK_MAX)
			return rn_json_fail(n, r->err,
					    "the tests up to \"%s\" ask too much of %u rules; write fewer tests, or "
					    "fewer services in them",
					    test->id, r->model->rule_count);
	}
	return 0;
}

int rn_tests_read(struct rn_policy_reading *r, const struct rn_json *root)
{
	const struct rn_json *tests;
	int code = rn_list_read(root, "tests", RN_POLICY_TESTS_MAX, NULL, &tests, r->err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	r->model->tests = rn_list_room(tests, sizeof(*r->model->tests), r->err);
	if (!r->model->tests)
		return -ENOMEM;
	for (const struct rn_json *n = rn_json_first(tests); n && code == 0; n = rn_json_next(n))
		code = read_test(r, n);
	if (code == 0)
		code = check_ids(r, tests);
	return code < 0 ? code : check_work(r, tests);
}

void rn_tests_free(struct rn_policy_model *model)
{
	for (uint32_t i = 0; i < model->test_count; i++) {
		free(model->tests[i].source.tags);
		free(model->tests[i].destination.tags);
		free(model->tests[i].services);
	}
	free(model->tests);
}
