/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that hubs tell of become rows at the gateway, and drafts of the policy are judged by them: counted by hand. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow_world.h"

/* ---- what is recorded ---- */

struct seen {
	unsigned count;
	struct rn_flow_row rows[1200];
	char source[64], owner[64], destination[64], hub[64];
	struct rn_core_recorded_end end;
};

static void keep(void *context, const struct rn_core_recorded *flow)
{
	struct seen *seen = context;
	assert_true(seen->count < 1200);
	seen->rows[seen->count++] = *flow->row;
	snprintf(seen->source, sizeof(seen->source), "%s", flow->source);
	snprintf(seen->owner, sizeof(seen->owner), "%s", flow->owner);
	snprintf(seen->destination, sizeof(seen->destination), "%s", flow->destination);
	snprintf(seen->hub, sizeof(seen->hub), "%s", flow->hub);
}

static const struct rn_core_recorded_query any = {.limit = 1200, .denied = -1, .protocol = -1, .port = -1};

static struct seen look(struct world *w, struct rn_core_recorded_query query)
{
	static struct seen seen;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &query, keep, &seen, &seen.end, NULL), 0);
	return seen;
}

static void equal_flows_are_one_row(void **state)
{
	struct world *w = *state;
	struct rn_core_policy policy;
	flow_world_flows(w, 3, "laptop", "server", 80, RN_ALLOWED, 1);
	flow_world_flows(w, 2, "laptop", "server", 443, RN_ALLOWED, 1);
	flow_world_flows(w, 1, "laptop", "server", 80, RN_ALLOWED, 1);
	struct seen seen = look(w, any);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.rows[0].port, 443);
	assert_int_equal(seen.rows[0].flows, 2);
	assert_int_equal(seen.rows[1].port, 80);
	assert_int_equal(seen.rows[1].flows, 4);
	assert_int_equal(seen.rows[1].packets, 0);
	assert_string_equal(seen.rows[1].rule_id, "web");
	assert_int_equal(seen.rows[1].rule, 1);
	assert_int_equal(seen.rows[1].trust, flow_world_device(w, "laptop")->trust);
	assert_int_equal(seen.rows[1].source_identity, flow_world_device(w, "laptop")->identity);
	assert_int_equal(rn_core_policy_get(w->hosts[0].core, &policy, NULL), 0);
	assert_int_equal(seen.rows[1].policy, policy.version);
	assert_string_equal(seen.source, "laptop");
	assert_string_equal(seen.owner, "alice");
	assert_string_equal(seen.destination, "server");
	assert_string_equal(seen.hub, "hub");
	assert_true(seen.rows[1].heard >= (uint32_t)w->begun);
	/* A minute later it is another row. */
	world_wait(w, 61000);
	flow_world_flows(w, 1, "laptop", "server", 80, RN_ALLOWED, 1);
	assert_int_equal(look(w, any).count, 3);
}

static void a_retry_is_no_new_flow(void **state)
{
	struct world *w = *state;
	struct rn_event e = flow_world_event(w, "phone", "server", IPPROTO_TCP, 22, RN_DEFAULT_DENY, 0);
	for (unsigned i = 0; i < 5; i++)
		flow_world_tell(w, 1, e);
	e.source_port++;
	flow_world_tell(w, 1, e);
	world_wait(w, 200);
	struct seen seen = look(w, any);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.rows[0].flows, 2);
	assert_int_equal(seen.rows[0].packets, 6);
	assert_int_equal(seen.rows[0].reason, RN_DEFAULT_DENY);
	assert_int_equal(seen.rows[0].flags, RN_FLOW_AT_SOURCE);
}

static void another_hub_tells_it_once_more(void **state)
{
	struct world *w = *state;
	flow_world_tell(w, 0, flow_world_event(w, "laptop", "gw", IPPROTO_TCP, 80, RN_ALLOWED, 1));
	assert_int_equal(look(w, any).count, 0);
	flow_world_tell(w, 0, flow_world_event(w, "laptop", "gw", IPPROTO_TCP, 80, RN_DENY_RULE, 1));
	struct seen seen = look(w, any);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.rows[0].flags, 0);
	flow_world_tell(w, 0, flow_world_event(w, "gw", "server", IPPROTO_TCP, 80, RN_ALLOWED, 1));
	assert_int_equal(look(w, any).count, 2);
}

static void what_is_no_beginning_is_no_row(void **state)
{
	struct world *w = *state;
	struct rn_event e = flow_world_event(w, "laptop", "server", IPPROTO_TCP, 80, RN_ALLOWED, 1);
	e.kind = RN_EVENT_FLOW_CHANGED;
	flow_world_tell(w, 1, e);
	e = flow_world_event(w, "laptop", "server", IPPROTO_TCP, 80, RN_UNKNOWN_DESTINATION, 0);
	flow_world_tell(w, 1, e);
	e = flow_world_event(w, "laptop", "server", 47, 80, RN_DEFAULT_DENY, 0);
	flow_world_tell(w, 1, e);
	e = flow_world_event(w, "laptop", "server", IPPROTO_UDP, 5353, RN_MULTICAST, 0);
	flow_world_tell(w, 1, e);
	e = flow_world_event(w, "laptop", "server", IPPROTO_TCP, 80, RN_DEFAULT_DENY, 0);
	e.destination_number = 0;
	flow_world_tell(w, 1, e);
	world_wait(w, 200);
	assert_int_equal(look(w, any).count, 0);
	/* One that ran and is denied now was denied. */
	e = flow_world_event(w, "laptop", "server", IPPROTO_TCP, 80, RN_DENY_RULE, 1);
	e.kind = RN_EVENT_FLOW_CHANGED;
	flow_world_tell(w, 1, e);
	world_wait(w, 200);
	assert_int_equal(look(w, any).count, 1);
}

static void filters_and_pages(void **state)
{
	struct world *w = *state;
	for (uint16_t port = 1; port <= 60; port++)
		flow_world_flows(w, 1, port % 2 ? "laptop" : "phone", "server", port,
				 port % 3 ? RN_ALLOWED : RN_DENY_RULE, port % 3 ? 1 : 2);
	struct rn_core_recorded_query q = any;
	assert_int_equal(look(w, q).count, 60);
	q.source = "phone";
	assert_int_equal(look(w, q).count, 30);
	q.denied = 1;
	assert_int_equal(look(w, q).count, 10);
	q.owner = "alice";
	assert_int_equal(look(w, q).count, 0);
	q = any;
	q.port = 7;
	assert_int_equal(look(w, q).count, 1);
	q.port = -1;
	q.rule = "ssh";
	assert_int_equal(look(w, q).count, 20);
	q.protocol = IPPROTO_UDP;
	assert_int_equal(look(w, q).count, 0);
	q = any;
	q.limit = 7;
	unsigned count = 0, pages = 0;
	do {
		struct seen seen = look(w, q);
		for (unsigned i = 0; i < seen.count; i++)
			assert_int_equal(seen.rows[i].port, 60 - count++);
		q.before = seen.end.next;
		pages++;
	} while (q.before);
	assert_int_equal(count, 60);
	assert_true(pages <= 10);
	q = any;
	q.since = w->begun + w->now_ms / 1000 + 1;
	assert_int_equal(look(w, q).count, 0);
}

static void one_device_does_not_push_out_the_others(void **state)
{
	struct world *w = *state;
	for (uint16_t port = 1; port <= 600; port++) {
		flow_world_tell(w, 1, flow_world_event(w, "phone", "server", IPPROTO_TCP, port, RN_DEFAULT_DENY, 0));
		if (port % 100 == 0)
			world_wait(w, 150);
	}
	flow_world_flows(w, 1, "laptop", "server", 80, RN_ALLOWED, 1);
	struct seen seen = look(w, any);
	assert_int_equal(seen.count, 501);
	assert_int_equal(seen.end.lost, 100);
	assert_string_equal(
	    look(w, (struct rn_core_recorded_query){.limit = 1, .denied = 0, .protocol = -1, .port = -1}).source,
	    "laptop");
}

/* Of a hub over its sessions: what it could not say is lost too, and counted once. */
static void what_was_lost_is_said(void **state)
{
	struct world *w = *state;
	struct rn_event e = flow_world_event(w, "laptop", "server", IPPROTO_TCP, 80, RN_ALLOWED, 1);
	flow_world_tell_lost(w, 1, &e, 0);
	world_wait(w, 200);
	assert_int_equal(look(w, any).end.lost, 0);
	flow_world_tell_lost(w, 1, &e, 5);
	world_wait(w, 200);
	assert_int_equal(look(w, any).end.lost, 5);
	world_hang_up(&w->hosts[1]);
	flow_world_tell_lost(w, 1, &e, 7);
	world_wait(w, 200); /* it cannot be said: 1, and 2 */
	world_wait(w, 10000);
	flow_world_tell_lost(w, 1, &e, 7);
	world_wait(w, 200);
	assert_int_equal(look(w, any).end.lost, 8);
}

static void old_rows_go(void **state)
{
	struct world *w = *state;
	flow_world_flows(w, 1, "laptop", "server", 80, RN_ALLOWED, 1);
	w->begun += 7 * 86400 - 3600;
	world_wait(w, 61000);
	flow_world_flows(w, 1, "laptop", "server", 443, RN_ALLOWED, 1);
	assert_int_equal(look(w, any).count, 2);
	w->begun += 3700;
	world_wait(w, 61000);
	struct seen seen = look(w, any);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.rows[0].port, 443);
}

/* ---- replay ---- */

struct replayed {
	unsigned count;
	int code;
	char text[400];
	struct rn_core_replayed r;
	struct {
		char source[64], owner[64], destination[64], now_rule[64], draft_rule[64];
		bool denied;
		uint64_t flows;
		unsigned devices;
		uint16_t port;
	} changes[RN_CORE_REPLAY_CHANGES];
};

static void replay_done(void *context, int code, const struct rn_err *err, const struct rn_core_replayed *r)
{
	struct replayed *got = context;
	got->count++;
	got->code = code;
	snprintf(got->text, sizeof(got->text), "%s", err ? err->text : "");
	if (code)
		return;
	got->r = *r;
	for (unsigned i = 0; i < r->change_count; i++) {
		const struct rn_core_replay_change *c = &r->changes[i];
		snprintf(got->changes[i].source, 64, "%s", c->source);
		snprintf(got->changes[i].owner, 64, "%s", c->owner);
		snprintf(got->changes[i].destination, 64, "%s", c->destination);
		snprintf(got->changes[i].now_rule, 64, "%s", c->now_rule);
		snprintf(got->changes[i].draft_rule, 64, "%s", c->draft_rule);
		got->changes[i].denied = c->denied;
		got->changes[i].flows = c->flows;
		got->changes[i].devices = c->devices;
		got->changes[i].port = c->port;
	}
}

static struct replayed replay(struct world *w, const char *text, unsigned hours)
{
	static struct replayed got;
	memset(&got, 0, sizeof(got));
	rn_core_replay(w->hosts[0].core, text, strlen(text), hours, replay_done, &got);
	world_wait(w, 1000);
	assert_int_equal(got.count, 1);
	return got;
}

static const char draft[] = "{\"rules\": ["
			    "{\"id\": \"no-bob\", \"action\": \"deny\", \"source_criteria\": [\"user:bob\"],"
			    " \"destination_criteria\": [\"device:server\"], \"services\": [\"tcp:80\"]},"
			    "{\"id\": \"all-443\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"
			    " \"destination_criteria\": [\"device:server\"], \"services\": [\"tcp:443\", \"tcp:22\"]},"
			    "{\"id\": \"all-80\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"
			    " \"destination_criteria\": [\"device:server\"], \"services\": [\"tcp:80\"]}]}";

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	int c;
	assert_non_null(in);
	assert_non_null(out);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void a_restart_is_a_silence(void **state)
{
	struct world *w = *state;
	char path[400], left[400];
	snprintf(path, sizeof(path), "%s/flows.ring", w->hosts[0].params.dir);
	snprintf(left, sizeof(left), "%s/flows.left", w->hosts[0].params.dir);
	flow_world_flows(w, 1, "laptop", "server", 80, RN_ALLOWED, 1);
	world_restart(&w->hosts[0]);
	world_wait(w, 1000);
	assert_int_equal(look(w, any).end.silences, 0);
	assert_int_equal(look(w, any).count, 1);
	/* The file as a core left it that ended an hour ago without a word. */
	copy_file(path, left);
	w->begun += 3600;
	assert_int_equal(rename(left, path), 0);
	world_restart(&w->hosts[0]);
	assert_int_equal(look(w, any).end.silences, 1);
	assert_int_equal(look(w, any).count, 1);
	struct replayed got = replay(w, draft, 24);
	assert_int_equal(got.r.span.silences, 1);
	assert_in_range(got.r.span.silent_s, 3590, 3700);
	w->hosts[0].params.flow_days = 0;
	world_restart(&w->hosts[0]);
	struct rn_core_recorded_end end;
	struct rn_err err;
	assert_int_equal(rn_core_recorded(w->hosts[0].core, &any, keep, NULL, &end, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "flow_rows"));
	assert_int_equal(access(path, F_OK), -1);
	world_wait(w, 1000);
}

static void counted_by_hand(void **state)
{
	struct world *w = *state;
	flow_world_flows(w, 4, "laptop", "server", 80, RN_ALLOWED, 1);	    /* stays allowed */
	flow_world_flows(w, 30, "phone", "server", 80, RN_ALLOWED, 1);	    /* denied by no-bob */
	flow_world_flows(w, 11, "phone", "server", 0, RN_ALLOWED, 1);	    /* echo: denied by default */
	flow_world_flows(w, 3, "thing", "server", 0, RN_ALLOWED, 1);	    /* and this, of nobody's */
	flow_world_flows(w, 2, "phone", "server", 443, RN_ALLOWED, 1);	    /* stays allowed */
	flow_world_flows(w, 5, "phone", "server", 22, RN_DEFAULT_DENY, 0);  /* would be allowed by all-443 */
	flow_world_flows(w, 6, "laptop", "server", 25, RN_DEFAULT_DENY, 0); /* stays denied */
	/* Another door's word of a flow is none of its own. */
	flow_world_tell(w, 0, flow_world_event(w, "phone", "server", IPPROTO_TCP, 80, RN_DENY_RULE, 1));
	world_wait(w, 61000);
	flow_world_flows(w, 10, "phone", "server", 80, RN_ALLOWED, 1);
	struct replayed got = replay(w, draft, 24);
	assert_int_equal(got.code, 0);
	assert_int_equal(got.r.flows, 71);
	assert_int_equal(got.r.rows, 8);
	assert_int_equal(got.r.allowed_now, 60);
	assert_int_equal(got.r.allowed_by_draft, 11);
	assert_int_equal(got.r.would_deny, 54);
	assert_int_equal(got.r.deny_users, 1);
	assert_int_equal(got.r.deny_unowned, 1);
	assert_int_equal(got.r.would_allow, 5);
	assert_int_equal(got.r.allow_users, 1);
	assert_int_equal(got.r.allow_unowned, 0);
	assert_int_equal(got.r.change_count, 4);
	assert_int_equal(got.r.more_changes, 0);
	assert_string_equal(got.changes[0].source, "phone");
	assert_string_equal(got.changes[0].owner, "bob");
	assert_string_equal(got.changes[0].destination, "server");
	assert_string_equal(got.changes[0].now_rule, "web");
	assert_string_equal(got.changes[0].draft_rule, "no-bob");
	assert_true(got.changes[0].denied);
	assert_int_equal(got.changes[0].flows, 40);
	assert_int_equal(got.changes[1].flows, 11);
	assert_string_equal(got.changes[1].draft_rule, "");
	assert_int_equal(got.changes[2].flows, 5);
	assert_false(got.changes[2].denied);
	assert_string_equal(got.changes[2].draft_rule, "all-443");
	assert_int_equal(got.changes[3].flows, 3);
	assert_string_equal(got.changes[3].owner, "");
	assert_string_equal(got.changes[3].source, "thing");
	assert_int_equal(got.r.rule_count, 3);
	assert_int_equal(got.r.span.lost, 0);
	assert_int_equal(got.r.span.silences, 0);
	/* The policy in force changes nothing. */
	got = replay(w, flow_world_text, 24);
	assert_int_equal(got.r.change_count, 0);
	assert_int_equal(got.r.allowed_now, got.r.allowed_by_draft);
}

static void only_the_hours_asked_for(void **state)
{
	struct world *w = *state;
	flow_world_flows(w, 4, "phone", "server", 80, RN_ALLOWED, 1);
	w->begun += 2 * 3600;
	world_wait(w, 61000);
	flow_world_flows(w, 3, "phone", "server", 80, RN_ALLOWED, 1);
	assert_int_equal(replay(w, draft, 1).r.would_deny, 3);
	assert_int_equal(replay(w, draft, 3).r.would_deny, 7);
}

static void devices_of_one_user_are_one_row(void **state)
{
	struct world *w = *state;
	flow_world_client(w, "tablet", "bob", 9);
	flow_world_flows(w, 4, "phone", "server", 80, RN_ALLOWED, 1);
	flow_world_flows(w, 2, "tablet", "server", 80, RN_ALLOWED, 1);
	struct replayed got = replay(w, draft, 1);
	assert_int_equal(got.r.change_count, 1);
	assert_int_equal(got.changes[0].flows, 6);
	assert_int_equal(got.changes[0].devices, 2);
	assert_string_equal(got.changes[0].owner, "bob");
	assert_string_equal(got.changes[0].source, "");
	assert_int_equal(got.r.deny_users, 1);
}

static void who_is_out_is_out_with_either(void **state)
{
	struct world *w = *state;
	struct world_done done = {0};
	flow_world_flows(w, 4, "phone", "server", 80, RN_ALLOWED, 1);
	rn_core_quarantine(w->hosts[0].core, "phone", true, world_done, &done);
	world_wait(w, 500);
	struct replayed got = replay(w, draft, 1);
	assert_int_equal(got.r.span.stopped, 4);
	assert_int_equal(got.r.change_count, 0);
	assert_int_equal(got.r.would_deny, 0);
}

static void more_than_a_hundred_rows(void **state)
{
	struct world *w = *state;
	static const char none[] = "{\"rules\": []}";
	static const char all[] =
	    "{\"rules\": [{\"id\": \"all\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"],"
	    "\"destination_criteria\": [\"everyone\"]}]}";
	for (uint16_t port = 1; port <= 130; port++)
		flow_world_flows(w, port == 77 ? 5 : 1, "phone", "server", port, RN_DEFAULT_DENY, 0);
	struct replayed got = replay(w, all, 1);
	assert_int_equal(got.r.would_allow, 133); /* 80 is allowed already */
	assert_int_equal(got.r.change_count, 100);
	assert_int_equal(got.r.more_changes, 29);
	assert_int_equal(got.changes[0].port, 77);
	assert_int_equal(replay(w, none, 1).r.would_deny, 1);
}

/* Each of a device's tags counts, not its first alone. */
static void every_tag_counts(void **state)
{
	static const char by_tag[] = "{\"tags\": [\"a\", \"b\", \"c\"], \"rules\": ["
				     "{\"id\": \"no-b\", \"action\": \"deny\", \"source_criteria\": [\"tag:b\"],"
				     " \"destination_criteria\": [\"everyone\"]},"
				     "{\"id\": \"c\", \"action\": \"allow\", \"source_criteria\": [\"tag:c\"],"
				     " \"destination_criteria\": [\"everyone\"]}]}";
	struct rn_core_token_request request = {
	    .kind = RN_KIND_IOT, .name = "tagged", .hub = "hub", .tags = {"a", "b", "c"}, .tag_count = 3};
	struct world *w = *state;
	struct world_done done = {0};
	rn_core_device_add(w->hosts[0].core, &request, (uint8_t[RN_KEY_SIZE]){9}, world_done, &done);
	world_wait(w, 200);
	assert_int_equal(done.code, 0);
	request = (struct rn_core_token_request){
	    .kind = RN_KIND_IOT, .name = "two", .hub = "hub", .tags = {"a", "c"}, .tag_count = 2};
	rn_core_device_add(w->hosts[0].core, &request, (uint8_t[RN_KEY_SIZE]){10}, world_done, &done);
	world_wait(w, 200);
	assert_int_equal(done.code, 0);
	flow_world_flows(w, 2, "tagged", "server", 80, RN_ALLOWED, 1);
	flow_world_flows(w, 3, "two", "server", 80, RN_ALLOWED, 1);
	flow_world_flows(w, 4, "two", "server", 81, RN_DEFAULT_DENY, 0);
	struct replayed got = replay(w, by_tag, 1);
	assert_int_equal(got.r.would_deny, 2);
	assert_int_equal(got.r.would_allow, 4);
}

static void more_devices_than_there_is_room_for_at_first(void **state)
{
	static const char none[] = "{\"rules\": []}";
	struct world *w = *state;
	char name[16];
	for (unsigned i = 0; i < 5; i++)
		w->hosts[i].crowded = true;
	for (unsigned i = 0; i < 140; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		flow_world_client(w, name, "crowd", (uint8_t)(20 + i));
		flow_world_flows(w, 1, name, "server", 80, RN_ALLOWED, 1);
		for (unsigned h = 0; h < 5; h++)
			w->hosts[h].given_count = 0;
	}
	struct replayed got = replay(w, none, 1);
	assert_int_equal(got.r.would_deny, 140);
	assert_int_equal(got.r.change_count, 1);
	assert_int_equal(got.changes[0].devices, RN_CORE_REPLAY_DEVICES); /* and no more are counted */
	assert_string_equal(got.changes[0].owner, "crowd");
}

/* The windows of each text are its own, and the tests of a draft are nothing to its replay. */
static void windows_and_tests_of_a_draft(void **state)
{
#define TIMED(id, port, from, to)                                                                                      \
	"{\"id\": \"" id "\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": "  \
	"[\"device:server\"], \"services\": [\"tcp:" port "\"], \"conditions\": {\"times\": [{\"from\": \"" from       \
	"\", \"to\": \"" to "\", \"zone\": \"UTC\"}]}}"
	static const char always_80[] = "{\"rules\": [" TIMED("a", "80", "00:00", "24:00") "]}";
	static const char none[] = "{\"rules\": [], \"tests\": [{\"id\": \"t\", \"source\": {\"device\": \"phone\"}, "
				   "\"destination\": {\"device\": \"server\"}, \"services\": [\"tcp:80\"], \"expect\": "
				   "\"allow\"}]}";
	struct world *w = *state;
	flow_world_policy(w, always_80);
	flow_world_flows(w, 4, "phone", "server", 80, RN_ALLOWED, 1);
	struct replayed got = replay(w, none, 1);
	assert_int_equal(got.code, 0);
	assert_int_equal(got.r.would_deny, 4);
	flow_world_policy(w, "{\"rules\": []}");
	assert_int_equal(replay(w, always_80, 1).r.would_allow, 4);
#undef TIMED
}

static void one_at_a_time(void **state)
{
	struct world *w = *state;
	struct replayed first = {0}, second = {0}, third = {0};
	struct rn_core *core = w->hosts[0].core;
	flow_world_flows(w, 4, "phone", "server", 80, RN_ALLOWED, 1);
	rn_core_replay(core, draft, strlen(draft), 1, replay_done, &first);
	rn_core_replay(core, draft, strlen(draft), 1, replay_done, &second);
	assert_int_equal(second.code, -EBUSY);
	assert_int_equal(first.count, 0);
	world_wait(w, 100);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.r.would_deny, 4);
	rn_core_replay(core, "{\"rules\": 7}", 12, 1, replay_done, &third);
	assert_int_equal(third.code, -EINVAL);
	assert_non_null(strstr(third.text, "line 1"));
	rn_core_replay(w->hosts[1].core, draft, strlen(draft), 1, replay_done, &third);
	assert_int_equal(third.code, -ENOTSUP);
	rn_core_replay(core, draft, strlen(draft), 1, replay_done, &third);
	world_restart(&w->hosts[0]);
	assert_int_equal(third.count, 3);
	assert_int_equal(third.code, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(equal_flows_are_one_row, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(a_retry_is_no_new_flow, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(another_hub_tells_it_once_more, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_beginning_is_no_row, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(filters_and_pages, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(one_device_does_not_push_out_the_others, flow_world_setup,
					    flow_world_teardown),
	    cmocka_unit_test_setup_teardown(what_was_lost_is_said, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(a_restart_is_a_silence, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(old_rows_go, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(counted_by_hand, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(only_the_hours_asked_for, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(devices_of_one_user_are_one_row, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(who_is_out_is_out_with_either, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(more_than_a_hundred_rows, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(every_tag_counts, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(more_devices_than_there_is_room_for_at_first, flow_world_setup,
					    flow_world_teardown),
	    cmocka_unit_test_setup_teardown(windows_and_tests_of_a_draft, flow_world_setup, flow_world_teardown),
	    cmocka_unit_test_setup_teardown(one_at_a_time, flow_world_setup, flow_world_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
