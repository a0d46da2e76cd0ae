/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that is larger than a record, from the gateway to the kern of a node: whole or not at all, and never twice.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"
#include "domain/policy_parts.h"
#include "service/core_state.h"
#include "tests/support/large_text.h"

/* `extra`: the rule of that number gets one port more. */
static void set_large(struct world *w, unsigned rules, unsigned extra, struct world_done *d)
{
	char *text = large_text("alice", LARGE_PEOPLE, rules, extra);
	memset(d, 0, sizeof(*d));
	rn_core_policy_set(w->hosts[0].core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)},
			   world_done, d);
	world_run(w);
	if (d->code)
		fail_msg("%s", d->text);
	free(text);
}

static unsigned given(const struct world_host *h, enum rn_record_type type, unsigned from)
{
	unsigned count = 0;
	for (unsigned i = from; i < h->given_count; i++)
		count += h->given[i].type == type;
	return count;
}

static unsigned held(const struct world_host *h)
{
	unsigned count = 0;
	while (rn_ledger_part_at(world_books(h)->ledger, count))
		count++;
	return count;
}

static const struct rn_policy_record *rules_of(const struct world_host *h)
{
	return rn_ledger_rules(world_books(h)->ledger);
}

/* A node knows what they are called, and of a small policy the rest. */
static uint32_t rules_kept(const struct world_host *h, uint32_t all)
{
	return rn_kind_is_hub(h->params.self.kind) || !rules_of(h)->part_count ? all : 0;
}

static void has_two_services(const struct world_host *h, uint32_t rule)
{
	if (rn_kind_is_hub(h->params.self.kind))
		assert_int_equal(rules_of(h)->rules[rule].service_count, 2);
}

static int count_part(void *context, const struct rn_store_record *r)
{
	*(unsigned *)context += r->type == RN_RECORD_PART;
	return 0;
}

static unsigned stored(const struct world_host *h)
{
	unsigned count = 0;
	struct rn_err err;
	assert_int_equal(rn_store_records(world_books(h)->store, count_part, &count, &err), 0);
	return count;
}

static void it_arrives_whole(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	for (unsigned i = 0; i < 3; i++) {
		struct world_host *h = &w->hosts[i];
		assert_int_equal(rules_of(h)->rule_count, rules_kept(h, LARGE_RULES));
		assert_string_equal(rn_ledger_rule(world_books(h)->ledger, LARGE_RULES), "r59");
		assert_true(held(h) >= 2 && held(h) == rules_of(h)->part_count);
		/* The policy is the last thing that kern is given. */
		assert_int_equal(h->given[h->given_count - 1].type, RN_RECORD_POLICY);
		assert_int_equal(given(h, RN_RECORD_PART, 0), held(h));
	}
}

static void a_change_sends_what_changed(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	unsigned at = w->hosts[2].given_count, parts = held(&w->hosts[2]);
	set_large(w, LARGE_RULES, 40, &d);
	assert_int_equal(given(&w->hosts[2], RN_RECORD_PART, at), 1);
	assert_int_equal(given(&w->hosts[2], RN_RECORD_POLICY, at), 1);
	world_wait(w, 1000); /* the disk */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(held(&w->hosts[i]), parts);
		assert_int_equal(stored(&w->hosts[i]), parts);
		has_two_services(&w->hosts[i], 40);
	}
	/* A small one needs none. */
	set_large(w, 3, 0, &d);
	world_wait(w, 1000);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rules_of(&w->hosts[i])->rule_count, 3);
		assert_int_equal(held(&w->hosts[i]) + stored(&w->hosts[i]), 0);
	}
}

static void a_restart_keeps_it(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	world_wait(w, 1000);
	for (unsigned i = 3; i > 0; i--) {
		world_restart(&w->hosts[i - 1]);
		world_wait(w, 2000);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rules_of(&w->hosts[i])->rule_count, rules_kept(&w->hosts[i], LARGE_RULES));
	set_large(w, LARGE_RULES, 3, &d);
	for (unsigned i = 0; i < 3; i++)
		has_two_services(&w->hosts[i], 3);
}

/* A node that comes later, and a kern that begins again, are given the parts and then the policy. */
static void who_comes_later_gets_all(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	set_large(w, LARGE_RULES, 5, &d);
	struct world_host *late = world_add(w, 3, RN_KIND_SERVER, "server", 1);
	world_wait(w, 1000);
	assert_int_equal(rules_of(late)->rule_count, rules_kept(late, LARGE_RULES));
	assert_int_equal(given(late, RN_RECORD_PART, 0), held(late));
	unsigned at = late->given_count;
	world_disconnect(late, RN_CORE_KERN);
	world_connect(late, RN_CORE_KERN);
	world_run(w);
	assert_int_equal(given(late, RN_RECORD_PART, at), held(late));
	assert_int_equal(late->given[late->given_count - 1].type, RN_RECORD_POLICY);
}

/* ---- a hub that leaves something out ---- */

static bool swallow_first_part(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	static uint32_t swallowing;
	struct rn_message m;
	(void)w;
	if (to != 2 || rn_message_decode(data, *size, &m) || m.type != RN_MESSAGE_RECORD)
		return true;
	if (m.record.offset == 0)
		swallowing = m.record.piece_size > 5 && m.record.piece[4] == RN_RECORD_PART;
	return !swallowing;
}

static void without_its_parts_the_old_one_stays(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, 3, 0, &d);
	w->tamper = swallow_first_part;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	assert_int_equal(rules_of(&w->hosts[1])->rule_count, LARGE_RULES);
	assert_int_equal(rules_of(&w->hosts[2])->rule_count, 3);
	w->tamper = NULL;
	world_wait(w, 60000);
	assert_int_equal(rules_of(&w->hosts[2])->part_count, rules_of(&w->hosts[1])->part_count);
}

/* ---- numbers begin anew in another epoch ---- */

struct sealing {
	struct rn_ledger *ledger;
	struct rn_record_head head;
	uint32_t number; /* of the next part */
	int code;	 /* of taking it */
};

static const uint8_t seed[RN_KEY_SIZE] = {7};
static uint8_t blob[RN_RECORD_SIZE_MAX];

static int take(struct sealing *s, int size)
{
	struct rn_ledger_entry *entry;
	assert_true(size > 0);
	s->head.version++;
	return rn_ledger_take(s->ledger, blob, (size_t)size, &entry);
}

static int take_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct sealing *s = context;
	struct rn_part part = {.number = s->number, .body = body, .size = size};
	*ret_number = s->number++;
	s->code = take(s, rn_record_put_part(&s->head, &part, seed, blob, sizeof(blob)));
	return 0;
}

/* What the same number was in an epoch that is over may be another policy's rule. */
static void parts_of_another_epoch_are_none(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_large(w, LARGE_RULES, LARGE_RULES, &d);
	struct sealing s = {.ledger = rn_ledger_new(), .head = {.epoch = 1, .version = 1, .issued = 1}, .number = 1};
	struct rn_policy_record named = {0}, whole = *rules_of(&w->hosts[0]);
	whole.parts = NULL;
	whole.part_count = whole.joined_rules = whole.joined_schedules = 0;
	whole.need_count = 0; /* it is alone in its world */
	whole.since = 0;
	assert_int_equal(rn_policy_split(&whole, take_part, &s, &named), 0);
	assert_true(named.part_count >= 2);
	assert_int_equal(s.code, 0);
	assert_int_equal(take(&s, rn_record_put_policy(&s.head, &named, seed, blob, sizeof(blob))), 0);
	s.head.epoch = 2;
	s.head.version = 1;
	assert_int_equal(take(&s, rn_record_put_policy(&s.head, &named, seed, blob, sizeof(blob))), -ENOENT);
	assert_int_equal(rn_ledger_policy(s.ledger)->epoch, 1);
	free(named.parts);
	s.number = 1;
	assert_int_equal(rn_policy_split(&whole, take_part, &s, &named), 0);
	assert_int_equal(take(&s, rn_record_put_policy(&s.head, &named, seed, blob, sizeof(blob))), 0);
	assert_int_equal(rn_ledger_policy(s.ledger)->epoch, 2);
	assert_int_equal(rn_ledger_rules(s.ledger)->rule_count, LARGE_RULES);
	free(named.parts);
	rn_ledger_free(s.ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_arrives_whole, world_of_three, world_gone),
	    cmocka_unit_test_setup_teardown(a_change_sends_what_changed, world_of_three, world_gone),
	    cmocka_unit_test_setup_teardown(a_restart_keeps_it, world_of_three, world_gone),
	    cmocka_unit_test_setup_teardown(who_comes_later_gets_all, world_of_three, world_gone),
	    cmocka_unit_test_setup_teardown(without_its_parts_the_old_one_stays, world_of_three, world_gone),
	    cmocka_unit_test_setup_teardown(parts_of_another_epoch_are_none, world_of_three, world_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
