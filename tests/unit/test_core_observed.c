/* SPDX-License-Identifier: Apache-2.0 */
/* What observed rules would have done to the flows that were recorded: counted by hand. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow_world.h"
#include "service/core_history.h"

#define RULE(id, action, port, more)                                                                                   \
	"{\"id\": \"" id "\", \"action\": \"" action "\", \"source_criteria\": [\"everyone\"],"                        \
	" \"destination_criteria\": [\"device:server\"], \"services\": [\"" port "\"]" more "}"
#define OBSERVED ", \"observe\": true"

enum { WEB = 1, NO_WEB, SSH, NO_SSH, UNUSED };
static const char watching[] =
    "{\"rules\": [" RULE("web", "allow", "tcp:80", "") ", " RULE("no-web", "deny", "tcp:80", OBSERVED) ", " RULE(
	"ssh", "allow", "tcp:22", OBSERVED) ", " RULE("no-ssh", "deny", "tcp:22",
						      OBSERVED) ", " RULE("unused", "deny", "tcp:1", OBSERVED) "]}";

struct observed {
	unsigned count;
	int code;
	char text[400];
	struct rn_core_observed r;
	struct {
		char id[64];
		struct rn_core_observed_rule rule;
	} rules[RN_CORE_OBSERVED_RULES];
};

static void observed_done(void *context, int code, const struct rn_err *err, const struct rn_core_observed *r)
{
	struct observed *got = context;
	got->count++;
	got->code = code;
	snprintf(got->text, sizeof(got->text), "%s", err ? err->text : "");
	if (code)
		return;
	got->r = *r;
	for (unsigned i = 0; i < r->rule_count; i++) {
		snprintf(got->rules[i].id, 64, "%s", r->rules[i].id);
		got->rules[i].rule = r->rules[i];
	}
}

static struct observed *ask(struct world *w, unsigned hours)
{
	static struct observed got;
	memset(&got, 0, sizeof(got));
	rn_core_observed(w->hosts[0].core, hours, observed_done, &got);
	world_wait(w, 1000);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.code, 0);
	return &got;
}

static const struct rn_core_observed_rule *rule(const struct observed *got, const char *id)
{
	for (unsigned i = 0; i < got->r.rule_count; i++)
		if (strcmp(got->rules[i].id, id) == 0)
			return &got->rules[i].rule;
	fail_msg("rule %s is not listed", id);
	return NULL;
}

static void expect(const struct observed *got, const char *id, uint64_t flows, unsigned users, unsigned unowned,
		   uint64_t unchanged)
{
	const struct rn_core_observed_rule *r = rule(got, id);
	assert_int_equal(r->flows, flows);
	assert_int_equal(r->users, users);
	assert_int_equal(r->unowned, unowned);
	assert_int_equal(r->unchanged, unchanged);
	assert_int_equal(r->last != 0, flows != 0);
}

static void seen(struct world *w, unsigned count, const char *from, uint16_t port, enum rn_reason reason,
		 uint32_t observed)
{
	while (count--) {
		struct rn_event e =
		    flow_world_event(w, from, "server", IPPROTO_TCP, port, reason, reason == RN_ALLOWED ? WEB : 0);
		e.observed = observed;
		flow_world_tell(w, 1, e);
	}
	world_wait(w, 200);
}

static void counted_by_hand(void **state)
{
	struct world *w = *state;
	flow_world_policy(w, watching);
	seen(w, 30, "phone", 80, RN_ALLOWED, NO_WEB);
	seen(w, 11, "laptop", 80, RN_ALLOWED, NO_WEB);
	seen(w, 2, "thing", 80, RN_ALLOWED, NO_WEB);
	seen(w, 5, "phone", 22, RN_DEFAULT_DENY, SSH);
	seen(w, 3, "phone", 22, RN_DEFAULT_DENY, NO_SSH); /* denied anyway */
	seen(w, 7, "laptop", 80, RN_ALLOWED, 0);	  /* no rule observed these */
	struct observed *got = ask(w, 24);
	assert_int_equal(got->r.rule_count, 4);
	assert_int_equal(got->r.more_rules, 0);
	expect(got, "no-web", 43, 2, 1, 0);
	expect(got, "ssh", 5, 1, 0, 0);
	expect(got, "no-ssh", 0, 0, 0, 3);
	expect(got, "unused", 0, 0, 0, 0);
	assert_true(rule(got, "no-web")->deny && !rule(got, "ssh")->deny);
	/* The largest first, then as in the text. */
	assert_string_equal(got->rules[0].id, "no-web");
	assert_string_equal(got->rules[1].id, "ssh");
	assert_string_equal(got->rules[2].id, "no-ssh");
	assert_string_equal(got->rules[3].id, "unused");
	assert_int_equal(got->r.others, 0);
	assert_true(got->r.policy_version && got->r.policy_since >= w->begun);
	assert_true(got->r.span.until - got->r.span.since == 24 * 3600);
}

/* What runs when a rule begins to be observed is judged again, and told of as changed. */
static void a_flow_that_runs_is_counted(void **state)
{
	struct world *w = *state;
	flow_world_policy(w, watching);
	struct rn_event e = flow_world_event(w, "phone", "server", IPPROTO_TCP, 80, RN_ALLOWED, WEB);
	e.kind = RN_EVENT_FLOW_CHANGED;
	e.observed = NO_WEB;
	flow_world_tell(w, 1, e);
	world_wait(w, 200);
	expect(ask(w, 1), "no-web", 1, 1, 0, 0);
}

/* The hub of the destination tells of it too. */
static void each_flow_counts_once(void **state)
{
	struct world *w = *state;
	flow_world_policy(w, watching);
	seen(w, 1, "phone", 80, RN_ALLOWED, NO_WEB);
	struct rn_event e = flow_world_event(w, "phone", "server", IPPROTO_TCP, 22, RN_DEFAULT_DENY, 0);
	e.observed = SSH;
	for (unsigned i = 0; i < 4; i++) /* a retry is no new flow */
		flow_world_tell(w, 1, e);
	flow_world_tell(w, 0, e);
	world_wait(w, 200);
	struct observed *got = ask(w, 1);
	expect(got, "no-web", 1, 1, 0, 0);
	expect(got, "ssh", 1, 1, 0, 0);
}

static void only_the_hours_asked_for(void **state)
{
	struct world *w = *state;
	flow_world_policy(w, watching);
	seen(w, 4, "phone", 80, RN_ALLOWED, NO_WEB);
	w->begun += 2 * 3600;
	world_wait(w, 61000);
	seen(w, 1, "phone", 80, RN_ALLOWED, NO_WEB);
	expect(ask(w, 1), "no-web", 1, 1, 0, 0);
	expect(ask(w, 3), "no-web", 5, 1, 0, 0);
}

/* By id, wherever it stands in the text; what denied then and allows now is another rule. */
static void another_policy_came(void **state)
{
	struct world *w = *state;
	flow_world_policy(w, watching);
	seen(w, 4, "phone", 80, RN_ALLOWED, NO_WEB);
	seen(w, 3, "phone", 22, RN_DEFAULT_DENY, SSH);
	flow_world_policy(
	    w,
	    "{\"rules\": [" RULE("ssh", "deny", "tcp:22", OBSERVED) ", " RULE("web", "allow", "tcp:80", "") ", " RULE(
		"new", "deny", "tcp:80", OBSERVED) ", " RULE("no-web", "deny", "tcp:80", OBSERVED) "]}");
	seen(w, 1, "laptop", 80, RN_ALLOWED, 4);
	struct observed *got = ask(w, 24);
	assert_int_equal(got->r.rule_count, 3);
	expect(got, "no-web", 5, 2, 0, 0);
	expect(got, "new", 0, 0, 0, 0);
	expect(got, "ssh", 0, 0, 0, 0);
	assert_int_equal(got->r.others, 3);
	/* It is enforced now: nobody waits for it any more. */
	flow_world_policy(w, "{\"rules\": [" RULE("no-web", "deny", "tcp:80", "") "]}");
	got = ask(w, 24);
	assert_int_equal(got->r.rule_count, 0);
	assert_int_equal(got->r.others, 8);
}

static void who_is_out_does_not_count(void **state)
{
	struct world *w = *state;
	struct world_done done = {0};
	flow_world_policy(w, watching);
	seen(w, 4, "phone", 80, RN_ALLOWED, NO_WEB);
	seen(w, 2, "laptop", 80, RN_ALLOWED, NO_WEB);
	rn_core_quarantine(w->hosts[0].core, "phone", true, world_done, &done);
	world_wait(w, 500);
	assert_int_equal(done.code, 0);
	struct observed *got = ask(w, 24);
	expect(got, "no-web", 2, 1, 0, 0);
	assert_int_equal(got->r.span.stopped, 4);
}

static void two_rows_of_a_share(void **state)
{
	struct world *w = *state;
	struct observed *got;
	flow_world_policy(w, watching);
	for (uint16_t port = 1; port <= 300; port++) {
		struct rn_event e = flow_world_event(w, "phone", "server", IPPROTO_TCP, port, RN_ALLOWED, WEB);
		e.observed = NO_WEB;
		flow_world_tell(w, 1, e);
		if (port % 100 == 0)
			world_wait(w, 200);
	}
	got = ask(w, 1);
	expect(got, "no-web", 250, 1, 0, 0); /* of 500 rows a minute */
	assert_int_equal(got->r.span.lost, 50);
}

static void take_row(void *context, const struct rn_core_recorded *flow)
{
	struct rn_flow_row *rows = context;
	rows[rows[0].kind ? 1 : 0] = *flow->row;
}

/* The rows of observed rules are beside those of the flows, and listed where they are asked for. */
static void they_are_listed(void **state)
{
	struct world *w = *state;
	struct rn_core_recorded_query q = {.limit = 9, .denied = -1, .protocol = -1, .port = -1};
	struct rn_core_recorded_end end;
	struct rn_flow_row rows[2] = {0};
	flow_world_policy(w, watching);
	seen(w, 3, "phone", 80, RN_ALLOWED, NO_WEB);
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &q, take_row, rows, &end, NULL), 0);
	assert_int_equal(rows[1].kind, 0);
	assert_int_equal(rows[0].kind, RN_FLOW_BEGAN);
	assert_string_equal(rows[0].rule_id, "web");
	memset(rows, 0, sizeof(rows));
	q.observed = "no-web";
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &q, take_row, rows, &end, NULL), 0);
	assert_int_equal(rows[1].kind, 0);
	assert_int_equal(rows[0].kind, RN_FLOW_OBSERVED);
	assert_int_equal(rows[0].flags, RN_FLOW_AT_SOURCE | RN_FLOW_WOULD_DENY);
	assert_int_equal(rows[0].flows, 3);
	memset(rows, 0, sizeof(rows));
	q.observed = "ssh";
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &q, take_row, rows, &end, NULL), 0);
	assert_int_equal(rows[0].kind, 0);
	/* A rule that decides is another thing than one that is observed. */
	q.observed = "web";
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &q, take_row, rows, &end, NULL), 0);
	assert_int_equal(rows[0].kind, 0);
}

static void one_at_a_time(void **state)
{
	struct world *w = *state;
	struct rn_core *core = w->hosts[0].core;
	static struct observed first, second, third;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	memset(&third, 0, sizeof(third));
	flow_world_policy(w, watching);
	seen(w, 4, "phone", 80, RN_ALLOWED, NO_WEB);
	rn_core_observed(core, 1, observed_done, &first);
	rn_core_observed(core, 1, observed_done, &second);
	assert_int_equal(second.code, -EBUSY);
	rn_core_policy_cancel(core, &second);
	assert_int_equal(first.count, 0);
	rn_core_policy_cancel(core, &first);
	assert_int_equal(first.code, -ECANCELED);
	rn_core_observed(w->hosts[1].core, 1, observed_done, &third);
	assert_int_equal(third.code, -ENOTSUP);
	rn_core_observed(core, 1, observed_done, &third);
	world_restart(&w->hosts[0]);
	assert_int_equal(third.count, 2);
	assert_int_equal(third.code, -EAGAIN);
	expect(ask(w, 1), "no-web", 4, 1, 0, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, flow_world_setup, flow_world_teardown)
	const struct CMUnitTest tests[] = {
	    T(counted_by_hand),	      T(a_flow_that_runs_is_counted),
	    T(each_flow_counts_once), T(only_the_hours_asked_for),
	    T(another_policy_came),   T(who_is_out_does_not_count),
	    T(two_rows_of_a_share),   T(they_are_listed),
	    T(one_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
