/* SPDX-License-Identifier: Apache-2.0 */
/* A large policy is looked at beside core: who does what meanwhile, who waits, who goes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_prepare.h"
#include "service/core_registry.h"
#include "service/core_review.h"
#include "service/core_state.h"

#define LARGE (2 * RN_PREPARE_DIRECT_MAX)

static struct world_host *gateway(struct world *w)
{
	return &w->hosts[0];
}

static uint64_t version(struct world *w)
{
	struct rn_core_policy p = {0};
	struct rn_err err = {""};
	assert_int_equal(rn_core_policy_get(gateway(w)->core, &p, &err), 0);
	return p.version;
}

/* As world_of_three, and the gateway has a worker. */
static int setup(void **state)
{
	struct world *w;
	int rc = world_of_three(state);
	w = *state;
	gateway(w)->works = true;
	world_restart(gateway(w));
	world_wait(w, 5000);
	return rc;
}

/* A policy by which `user` may go everywhere, with one test of the laptop, padded to that many bytes; to be freed. */
static char *policy(const char *user, const char *expected, size_t size)
{
	char *text = malloc(size + 1024);
	int at = snprintf(text, 1024,
			  "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"user:%s\"],"
			  "\"destination_criteria\": [\"everyone\"]}, {\"id\": \"s\", \"action\": \"allow\","
			  "\"source_criteria\": [\"user:%s\"], \"destination_criteria\": [\"everyone\"]}],"
			  "\"tests\": [{\"id\": \"t\", \"source\": {\"device\": \"laptop\"}, \"destination\":"
			  "{\"device\": \"hub\"}, \"services\": [\"tcp:1\"], \"expect\": \"%s\"}]}",
			  user, user, expected);
	while ((size_t)at < size)
		text[at++] = ' ';
	text[at] = '\0';
	return text;
}

struct looked {
	struct rn_core_review review;
	unsigned findings, tests, failed, changes, done;
	int code;
	char text[400];
};

static void see_finding(void *context, const struct rn_policy_finding *f, const char *rule, const char *other)
{
	struct looked *l = context;
	assert_string_equal(rule, "s");
	assert_string_equal(other, "r");
	assert_int_equal(f->kind, RN_FINDING_SHADOWED);
	l->findings++;
}

static void see_test(void *context, const struct rn_test_result *result)
{
	struct looked *l = context;
	l->tests++;
	l->failed += !result->passed;
}

static void see_change(void *context, const struct rn_difference *d)
{
	struct looked *l = context;
	assert_true(d->text[0] != '\0');
	l->changes++;
}

static void see_end(void *context, int code, const struct rn_err *err)
{
	struct looked *l = context;
	l->done++;
	l->code = code;
	snprintf(l->text, sizeof(l->text), "%s", err->text);
}

static void look(struct world *w, struct looked *l, const char *user, const char *expected, size_t size)
{
	char *text = policy(user, expected, size);
	*l = (struct looked){.review = {.context = l, .finding = see_finding, .test = see_test, .change = see_change}};
	rn_core_policy_review(gateway(w)->core, text, strlen(text), &l->review, see_end, l);
	free(text); /* core has its own */
}

static void set(struct world *w, struct world_done *d, const char *user, const char *expected, size_t size,
		uint64_t based_on)
{
	char *text = policy(user, expected, size);
	*d = (struct world_done){0};
	rn_core_policy_set(
	    gateway(w)->core,
	    &(struct rn_core_policy_new){.text = text, .size = strlen(text), .comment = "c", .based_on = based_on},
	    world_done, d);
	free(text);
}

static bool quarantined(struct world *w, const struct world_host *h, const char *name)
{
	const struct rn_ledger_entry *entry = rn_ledger_by_name(world_books(h)->ledger, name);
	(void)w;
	return entry && entry->record.flags & RN_DEVICE_QUARANTINED;
}

static void quarantine(struct world *w, bool on)
{
	struct world_done d = {0};
	rn_core_quarantine(gateway(w)->core, "laptop", on, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_int_equal(quarantined(w, &w->hosts[1], "laptop"), on);
}

/* At every point of the way of a large check a quarantine reaches the hub before there is an answer. */
static void a_quarantine_passes_a_large_check(void **state)
{
	struct world *w = *state;
	struct looked l;
	unsigned between = 0;
	look(w, &l, "root", "deny", LARGE);
	while (!l.done) {
		quarantine(w, !(between & 1));
		assert_int_equal(l.done, 0);
		between++;
		world_work(gateway(w), false);
	}
	assert_true(between >= 2);
	assert_int_equal(l.code, 0);
	assert_int_equal(l.tests, 1);
	assert_int_equal(l.findings, 1);
}

/* Each is based on what is in force at its end, not at its beginning. */
static void a_large_policy_is_set_on_what_is_there_at_its_end(void **state)
{
	struct world *w = *state;
	uint64_t first = version(w);
	struct world_done large, small;
	set(w, &large, "admin", "deny", LARGE, first);
	assert_int_equal(version(w), first);
	assert_int_equal(large.count, 0);
	set(w, &small, "owner", "deny", 0, first);
	world_wait(w, 100);
	assert_int_equal(small.count, 1);
	assert_int_equal(small.code, 0);
	assert_true(version(w) > first);
	world_work(gateway(w), true);
	assert_int_equal(large.count, 1);
	assert_int_equal(large.code, -ESTALE);
	first = version(w);
	set(w, &large, "admin", "deny", LARGE, first);
	world_work(gateway(w), true);
	world_wait(w, 100);
	assert_int_equal(large.code, 0);
	assert_true(version(w) > first);
	/* One that fails leaves all as it is. */
	first = version(w);
	set(w, &large, "admin", "allow", LARGE, 0);
	world_work(gateway(w), true);
	assert_int_equal(large.code, -EINVAL);
	assert_non_null(strstr(large.text, "the test \"t\" fails"));
	assert_int_equal(version(w), first);
}

/* Two that are not based on anything come one after the other, in the order in which they were sent. */
static void large_ones_come_in_order(void **state)
{
	struct world *w = *state;
	struct world_done a, b;
	struct rn_core_policy p;
	struct rn_err err;
	set(w, &a, "admin", "deny", LARGE, 0);
	set(w, &b, "zoe", "deny", LARGE + 1, 0);
	world_work(gateway(w), false);
	world_work(gateway(w), false);
	world_wait(w, 3000);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.code, 0);
	assert_int_equal(b.count, 0);
	world_work(gateway(w), true);
	world_wait(w, 3000);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.code, 0);
	assert_int_equal(rn_core_policy_get(gateway(w)->core, &p, &err), 0);
	assert_int_equal(p.size, LARGE + 1);
}

static void more_than_some_are_told_to_come_again(void **state)
{
	struct world *w = *state;
	struct looked l[RN_PREPARE_WAITING_MAX + 2];
	for (unsigned i = 0; i < RN_PREPARE_WAITING_MAX + 2; i++) {
		look(w, &l[i], "admin", "deny", LARGE);
		assert_int_equal(l[i].done, i == RN_PREPARE_WAITING_MAX + 1);
	}
	assert_int_equal(l[RN_PREPARE_WAITING_MAX + 1].code, -EAGAIN);
	world_work(gateway(w), true);
	for (unsigned i = 0; i <= RN_PREPARE_WAITING_MAX; i++) {
		assert_int_equal(l[i].done, 1);
		assert_int_equal(l[i].code, 0);
	}
}

/* Whoever goes while he waits is done with; while it is worked on, when that comes back, and no further. */
static void who_goes_cancels(void **state)
{
	struct world *w = *state;
	uint64_t first = version(w);
	struct looked waits, other;
	struct world_done d;
	set(w, &d, "admin", "deny", LARGE, 0);
	look(w, &waits, "admin", "deny", LARGE);
	look(w, &other, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	assert_int_equal(gateway(w)->job_count, 1);
	rn_core_policy_cancel(gateway(w)->core, &waits);
	assert_int_equal(waits.done, 1);
	assert_int_equal(waits.code, -ECANCELED);
	rn_core_policy_cancel(gateway(w)->core, &d);
	assert_int_equal(d.count, 0);
	world_work(gateway(w), false);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, -ECANCELED);
	assert_int_equal(version(w), first);
	world_work(gateway(w), true);
	assert_int_equal(other.code, 0);
	rn_core_policy_cancel(gateway(w)->core, &other); /* there is none: nothing happens */
	assert_int_equal(other.done, 1);
}

/* core ends: everybody is told, and the policy is the old one. */
static void all_are_told_at_the_end(void **state)
{
	struct world *w = *state;
	uint64_t first = version(w);
	struct looked l;
	struct world_done d;
	set(w, &d, "admin", "deny", LARGE, 0);
	look(w, &l, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	world_restart(gateway(w));
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, -EAGAIN);
	assert_int_equal(l.done, 1);
	assert_int_equal(l.code, -EAGAIN);
	assert_int_equal(version(w), first);
}

static void what_takes_too_long_is_given_up(void **state)
{
	struct world *w = *state;
	struct looked l, waits;
	look(w, &l, "admin", "deny", LARGE);
	look(w, &waits, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	world_wait(w, RN_PREPARE_PATIENCE_MS + 1000);
	assert_int_equal(waits.code, -EAGAIN);
	assert_int_equal(l.done, 0);
	world_work(gateway(w), true);
	assert_int_equal(l.done, 1);
	assert_int_equal(l.code, -EAGAIN);
	assert_non_null(strstr(l.text, "takes more than"));
}

/* Whoever has gone is not late, and who is late has not gone. To the millisecond. */
static void late_or_gone_whichever_came_first(void **state)
{
	struct world *w = *state;
	struct looked late, gone;
	world_wait(w, RN_PREPARE_PATIENCE_MS); /* since core began: that does not count */
	look(w, &late, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	w->now_ms += RN_PREPARE_PATIENCE_MS;
	look(w, &gone, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	w->now_ms++;
	rn_core_tick(gateway(w)->core);
	rn_core_policy_cancel(gateway(w)->core, &late);
	world_work(gateway(w), false);
	assert_int_equal(late.code, -EAGAIN);
	rn_core_tick(gateway(w)->core);
	rn_core_policy_cancel(gateway(w)->core, &gone);
	w->now_ms += RN_PREPARE_PATIENCE_MS + 1;
	world_work(gateway(w), true);
	assert_int_equal(gone.code, -ECANCELED);
	look(w, &late, "admin", "deny", LARGE);
	w->now_ms += RN_PREPARE_PATIENCE_MS;
	world_work(gateway(w), true);
	assert_int_equal(late.code, 0);
}

static bool called_at_once(struct world *w)
{
	return gateway(w)->armed_ms <= w->now_ms + gateway(w)->looks * gateway(w)->slow_us / 1000;
}

static void devices_are_read_in_slices(void **state)
{
	struct world *w = *state;
	struct looked l, next;
	gateway(w)->slow_us = 3000; /* one device in a slice */
	gateway(w)->looks = 0;
	look(w, &l, "root", "deny", 0);
	assert_int_equal(l.done, 1); /* at once, as slow as it is */
	rn_core_tick(gateway(w)->core);
	assert_false(called_at_once(w));
	look(w, &l, "root", "deny", LARGE);
	assert_true(called_at_once(w));
	look(w, &next, "root", "deny", LARGE);
	world_work(gateway(w), false);
	for (unsigned devices = 1; devices <= 3; devices++) {
		assert_int_equal(gateway(w)->job_count, 0);
		assert_true(called_at_once(w));
		rn_core_tick(gateway(w)->core);
	}
	assert_int_equal(gateway(w)->job_count, 1);
	assert_false(called_at_once(w));
	world_work(gateway(w), false);
	assert_true(called_at_once(w));
	assert_int_equal(l.done, 1);
	assert_int_equal(l.code, 0);
	gateway(w)->slow_us = 0;
	world_work(gateway(w), true);
	assert_int_equal(next.done, 1);
}

/* Until there are so many. */
static void add_devices(struct world *w, uint32_t count)
{
	struct rn_core *core = gateway(w)->core;
	struct rn_device_record record;
	struct rn_change change;
	struct rn_err err = {""};
	uint32_t there = rn_ledger_count(core->books.ledger);
	w->hosts[0].crowded = w->hosts[1].crowded = w->hosts[2].crowded = true;
	assert_int_equal(rn_change_begin(&change, &core->books, w->begun, &err), 0);
	for (; there < count; there++) {
		struct rn_new_device d = {.kind = RN_KIND_DESKTOP, .hub = 2, .trust = RN_TRUST_START, .tags = ""};
		snprintf(d.name, sizeof(d.name), "pc-%u", there);
		memcpy(d.noise_key, &there, sizeof(there));
		memcpy(d.wireguard_key, &there, sizeof(there));
		if (rn_registry_add(&change, &d, &record))
			fail_msg("%s", err.text);
	}
	assert_int_equal(rn_change_commit(&change), 0);
	rn_core_publish(core);
	world_run(w);
}

/* Where nobody waits long: small texts on a small policy in a small network. */
static void what_is_small(void **state)
{
	struct world *w = *state;
	struct looked l;
	struct world_done d;
	set(w, &d, "root", "deny", RN_PREPARE_DIRECT_MAX, 0);
	world_run(w);
	world_wait(w, 3000);
	assert_int_equal(d.count, 1);
	look(w, &l, "root", "deny", RN_PREPARE_DIRECT_MAX);
	assert_int_equal(l.done, 1);
	look(w, &l, "root", "deny", RN_PREPARE_DIRECT_MAX + 1);
	assert_int_equal(l.done, 0);
	world_work(gateway(w), true);
	assert_int_equal(l.done, 1);
	/* The policy in force is large: what changes takes long, whatever the new one is. */
	set(w, &d, "root", "deny", RN_PREPARE_DIRECT_MAX + 1, 0);
	world_work(gateway(w), true);
	world_wait(w, 3000);
	assert_int_equal(d.code, 0);
	look(w, &l, "root", "deny", 0);
	assert_int_equal(l.done, 0);
	world_work(gateway(w), true);
	assert_int_equal(l.done, 1);
	set(w, &d, "root", "deny", 0, 0);
	world_run(w);
	assert_int_equal(d.count, 1);
	world_wait(w, 3000);
	look(w, &l, "root", "deny", 0);
	assert_int_equal(l.done, 1);
	/* Many devices do as well. */
	add_devices(w, 256);
	look(w, &l, "root", "deny", 0);
	assert_int_equal(l.done, 1);
	add_devices(w, 257);
	look(w, &l, "root", "deny", 0);
	assert_int_equal(l.done, 0);
	world_work(gateway(w), true);
	assert_int_equal(l.code, 0);
}

static void a_core_without_a_worker_looks_itself(void **state)
{
	struct world *w = *state;
	struct looked l;
	gateway(w)->no_work = true;
	look(w, &l, "admin", "deny", LARGE);
	rn_core_tick(gateway(w)->core);
	assert_int_equal(l.code, -EAGAIN);
	assert_string_equal(l.text, "core is ending: try again in a moment");
	gateway(w)->works = false;
	world_restart(gateway(w));
	look(w, &l, "admin", "deny", LARGE);
	assert_int_equal(l.done, 1);
	assert_int_equal(l.code, 0);
}

/* The policy in force goes while another one is compared with it. */
static void what_it_is_compared_with_stays(void **state)
{
	struct world *w = *state;
	struct looked l;
	struct world_done d;
	look(w, &l, "root", "deny", LARGE);
	world_work(gateway(w), false);
	set(w, &d, "owner", "deny", 0, 0);
	world_wait(w, 100);
	assert_int_equal(d.code, 0);
	world_work(gateway(w), true);
	assert_int_equal(l.code, 0);
	assert_true(l.changes > 0);
}

/* What was compiled of the policy in force is taken over: it shows in what could not have been compiled. */
static void rules_are_made_after_those_in_force(void **state)
{
	const size_t sizes[] = {LARGE, 0};
	struct world *w = *state;
	struct world_done d;
	set(w, &d, "admin", "deny", 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct rn_core *core = gateway(w)->core;
		const struct rn_policy_record *in_force;
		struct rn_policy_record *own;
		world_wait(w, 3000);
		own = &core->policy.shared->made.record;
		assert_int_equal(own->rule_count, 2);
		own->rules[0].minimum_destination_trust = 70 + (uint8_t)i;
		set(w, &d, "admin", "deny", sizes[i], 0);
		world_work(gateway(w), true);
		world_wait(w, 3000);
		assert_int_equal(d.code, 0);
		in_force = rn_ledger_rules(core->books.ledger);
		assert_int_equal(in_force->rules[0].minimum_destination_trust, 70 + i);
		assert_int_equal(in_force->rules[1].minimum_destination_trust, 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(a_quarantine_passes_a_large_check),
	    T(a_large_policy_is_set_on_what_is_there_at_its_end),
	    T(large_ones_come_in_order),
	    T(more_than_some_are_told_to_come_again),
	    T(who_goes_cancels),
	    T(all_are_told_at_the_end),
	    T(what_takes_too_long_is_given_up),
	    T(late_or_gone_whichever_came_first),
	    T(devices_are_read_in_slices),
	    T(what_is_small),
	    T(a_core_without_a_worker_looks_itself),
	    T(what_it_is_compared_with_stays),
	    T(rules_are_made_after_those_in_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
