/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity numbers in real cores: a gateway, two hubs, a device at each. A number is used when every hub knows it, ends
 * when every hub has forgotten it, and a hub that was away for too long stands apart and begins anew.
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
#include "service/core_numbering.h"
#include "service/core_state.h"

enum { GATEWAY, HUB_A, LAPTOP, HUB_B }; /* of world_host; the device's number is one more */
#define NUMBER(host) ((host) + 1u)
#define HOUR_MS 3600000ll

static int setup(void **state)
{
	struct world *w = world_new();
	world_add(w, HUB_A, RN_KIND_REGIONAL, "hub-a", GATEWAY);
	world_add(w, LAPTOP, RN_KIND_DESKTOP, "laptop", HUB_A);
	world_add(w, HUB_B, RN_KIND_DEPARTMENTAL, "hub-b", GATEWAY);
	*state = w;
	return 0;
}

static int setup_alone(void **state)
{
	*state = world_new();
	return 0;
}

/* ---- looking ---- */

struct seen {
	uint32_t count, number;
	char state[16];
	const char *selector;
};

static void see(void *context, const struct rn_core_identity *identity)
{
	struct seen *s = context;
	bool has = !s->selector;
	for (unsigned i = 0; i < identity->selector_count; i++)
		has = has || !strcmp(identity->selectors[i], s->selector);
	s->count++;
	if (!has)
		return;
	s->number = identity->identity;
	snprintf(s->state, sizeof(s->state), "%s", identity->state);
}

/* Of the last number whose set has the selector; "": there is none. */
static struct seen number_with(struct world *w, const char *selector)
{
	struct seen s = {.selector = selector};
	struct rn_err err = {""};
	assert_int_equal(rn_core_identities(w->hosts[GATEWAY].core, see, &s, &err), 0);
	return s;
}

static void assert_state(struct world *w, uint32_t number, const char *state)
{
	struct rn_meaning m = {0};
	const struct rn_meanings *all = rn_numbering_meanings(world_books(&w->hosts[GATEWAY]));
	static const char *const names[RN_MEANING_STATES] = {"free",   "waiting",    "announced", "usable",
							     "ending", "forgetting", "resting"};
	(void)rn_meanings_get(all, number, &m);
	assert_string_equal(names[m.state], state);
}

static const struct rn_device_record *at(struct world *w, unsigned host, unsigned of)
{
	return &w->hosts[host].devices[NUMBER(of)];
}

static bool member(struct world *w, unsigned hub)
{
	return rn_meanings_member(rn_numbering_meanings(world_books(&w->hosts[GATEWAY])), NUMBER(hub));
}

/* ---- doing ---- */

static void add_stock(struct world *w, const char *name, const char *owner, const char *hub, struct world_done *d)
{
	struct rn_core_token_request r = {.kind = RN_KIND_IOT};
	uint8_t key[RN_KEY_SIZE];
	memset(d, 0, sizeof(*d));
	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.owner, sizeof(r.owner), "%s", owner);
	snprintf(r.hub, sizeof(r.hub), "%s", hub);
	rn_random(key, sizeof(key));
	rn_core_device_add(w->hosts[GATEWAY].core, &r, key, world_done, d);
	world_run(w);
}

#define NAMES(user)                                                                                                    \
	"{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"user:" user                       \
	"\"], \"destination_criteria\": [\"everyone\"]}]}"

static void set_policy(struct world *w, const char *text, struct world_done *d)
{
	memset(d, 0, sizeof(*d));
	rn_core_policy_set(w->hosts[GATEWAY].core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)},
			   world_done, d);
	world_run(w);
}

static void quarantine(struct world *w, const char *name)
{
	struct world_done d = {0};
	rn_core_quarantine(w->hosts[GATEWAY].core, name, true, world_done, &d);
	world_run(w);
}

static bool is_there(struct world *w, const char *name)
{
	struct rn_core_device device;
	struct rn_err err = {""};
	return !rn_core_device(w->hosts[GATEWAY].core, name, &device, &err);
}

/* ---- tests ---- */

static void alone_nobody_waits(void **state)
{
	struct world *w = *state;
	struct world_done d;
	set_policy(w, NAMES("alice"), &d);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	add_stock(w, "camera", "alice", "", &d);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_true(d.hubs[0].applied);
	assert_string_equal(number_with(w, "user:alice").state, "usable");
	/* Its kern does not answer: for as long as there is patience. */
	set_policy(w, NAMES("bob"), &d);
	w->hosts[GATEWAY].kern_silent = true;
	add_stock(w, "printer", "bob", "", &d);
	assert_int_equal(d.count, 0);
	assert_false(is_there(w, "printer"));
	world_wait(w, RN_NUMBERING_PATIENCE_MS - 100);
	assert_false(is_there(w, "printer"));
	world_wait(w, 200);
	assert_true(is_there(w, "printer"));
	world_wait(w, 4000);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
}

static void a_number_is_used_when_every_hub_knows_it(void **state)
{
	struct world *w = *state;
	struct world_done policy;
	uint32_t before = at(w, HUB_A, LAPTOP)->identity;
	w->hosts[HUB_B].kern_silent = true;
	set_policy(w, NAMES("alice"), &policy);
	struct seen s = number_with(w, "user:alice");
	assert_string_equal(s.state, "announced");
	assert_int_equal(policy.count, 0);
	assert_int_equal(at(w, HUB_A, LAPTOP)->identity, before);
	/* What takes away waits for nobody. */
	quarantine(w, "laptop");
	assert_true(at(w, HUB_A, LAPTOP)->flags & RN_DEVICE_QUARANTINED);
	assert_int_equal(at(w, HUB_A, LAPTOP)->identity, before);
	/* Nor is a second policy begun. */
	struct world_done other;
	set_policy(w, NAMES("bob"), &other);
	assert_int_equal(other.code, -EBUSY);
	w->hosts[HUB_B].kern_silent = false;
	world_connect(&w->hosts[HUB_B], RN_CORE_KERN); /* says hello, and is told everything */
	world_run(w);
	assert_string_equal(number_with(w, "user:alice").state, "usable");
	assert_int_equal(at(w, HUB_A, LAPTOP)->identity, s.number);
	assert_true(at(w, HUB_A, LAPTOP)->flags & RN_DEVICE_QUARANTINED);
	assert_int_equal(policy.count, 1);
	assert_int_equal(policy.code, 0);
	assert_int_equal(w->hosts[HUB_A].given[w->hosts[HUB_A].given_count - 1].type, RN_RECORD_POLICY);
}

static void patience_has_an_end(void **state)
{
	struct world *w = *state;
	struct world_done policy;
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	set_policy(w, NAMES("alice"), &policy);
	assert_int_equal(policy.count, 0);
	world_wait(w, RN_NUMBERING_PATIENCE_MS + 100);
	assert_string_equal(number_with(w, "user:alice").state, "usable");
	world_wait(w, 100);
	assert_int_equal(policy.count, 1);
	assert_int_equal(at(w, HUB_A, LAPTOP)->identity, number_with(w, "user:alice").number);
	/* Who is late already holds up nothing more. */
	set_policy(w, NAMES("bob"), &policy);
	struct world_done d;
	add_stock(w, "printer", "bob", "hub-a", &d);
	assert_true(is_there(w, "printer"));
}

/* The last device that has a number loses it: everybody is asked twice, and then for ten minutes nobody has it. */
static void a_number_ends_when_every_hub_has_forgotten_it(void **state)
{
	struct world *w = *state;
	struct world_done d;
	uint32_t old = at(w, HUB_A, LAPTOP)->identity;
	add_stock(w, "printer", "", "hub-b", &d);
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	/* Everybody becomes finer, so that nobody has what everybody had. */
	set_policy(w,
		   "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": "
		   "[\"user:admin\", \"user:alice\", \"device:printer\"], \"destination_criteria\": [\"everyone\"]}]}",
		   &d);
	world_wait(w, RN_NUMBERING_PATIENCE_MS + 1000);
	assert_int_equal(d.code, 0);
	assert_int_not_equal(at(w, HUB_A, LAPTOP)->identity, old);
	assert_state(w, old, "ending"); /* for hub-b it may still be on the wire */
	world_wait(w, 20 * 60000);
	assert_state(w, old, "ending");
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 30000);
	assert_state(w, old, "resting");
	world_wait(w, RN_MEANING_REST_MS + 2000);
	assert_state(w, old, "free");
	assert_int_equal(w->hosts[HUB_B].forgot, 1);
}

static void a_restart_is_no_joining(void **state)
{
	struct world *w = *state;
	struct world_done d;
	unsigned forgot = w->hosts[HUB_A].forgot, own = w->hosts[GATEWAY].forgot;
	set_policy(w, NAMES("alice"), &d);
	uint32_t number = number_with(w, "user:alice").number;
	world_wait(w, 1000);
	world_restart(&w->hosts[HUB_A]);
	world_wait(w, 30000);
	assert_true(member(w, HUB_A));
	world_restart(&w->hosts[GATEWAY]);
	world_wait(w, 60000);
	assert_true(member(w, HUB_A) && member(w, HUB_B) && member(w, GATEWAY));
	assert_int_equal(w->hosts[HUB_A].forgot, forgot);
	assert_int_equal(w->hosts[GATEWAY].forgot, own);
	assert_state(w, number, "usable");
	/* And it goes on. */
	set_policy(w, NAMES("bob"), &d);
	add_stock(w, "printer", "bob", "hub-b", &d);
	assert_true(is_there(w, "printer"));
}

/* A gateway that has just begun announces nothing before all hubs have come: it may have been restored. */
static void after_a_start_all_must_come(void **state)
{
	struct world *w = *state;
	struct world_done d;
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	world_restart(&w->hosts[GATEWAY]);
	world_wait(w, 30000);
	set_policy(w, NAMES("alice"), &d);
	world_wait(w, 12000);
	assert_int_equal(d.code, -EAGAIN);
	assert_non_null(strstr(d.text, "revoke"));
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 30000);
	set_policy(w, NAMES("alice"), &d);
	world_wait(w, 1000);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
}

/* It kept its newest version where no backup goes: then it knows that nobody has seen more. */
static void a_gateway_that_knows_its_newest_goes_on(void **state)
{
	struct world *w = *state;
	struct world_host *gateway = &w->hosts[GATEWAY];
	struct world_done d;
	gateway->keeps = true;
	world_restart(gateway);
	world_wait(w, 60000);
	quarantine(w, "laptop");
	assert_true(gateway->kept > 0);
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	world_restart(gateway);
	world_wait(w, 30000);
	set_policy(w, NAMES("alice"), &d);
	world_wait(w, 1000);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	/* A store that is older is one of a backup. */
	gateway->lost = 1000;
	world_restart(gateway);
	world_wait(w, 30000);
	assert_int_equal(gateway->kept, 0);
	set_policy(w, NAMES("bob"), &d);
	add_stock(w, "printer", "bob", "hub-a", &d);
	world_wait(w, 5000);
	assert_false(is_there(w, "printer"));
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 30000);
	assert_true(is_there(w, "printer"));
	assert_true(gateway->kept > 0);
}

static void who_is_away_for_a_lease_stands_apart(void **state)
{
	struct world *w = *state;
	unsigned forgot = w->hosts[HUB_B].forgot;
	assert_true(member(w, HUB_B));
	assert_false(at(w, HUB_A, HUB_B)->flags & RN_DEVICE_APART);
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	w->now_ms += RN_MEANING_LEASE_MS - HOUR_MS;
	world_wait(w, 2000);
	assert_true(member(w, HUB_B));
	w->now_ms += HOUR_MS;
	world_wait(w, 2000);
	assert_false(member(w, HUB_B));
	assert_true(at(w, HUB_A, HUB_B)->flags & RN_DEVICE_APART);
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 30000);
	assert_int_equal(w->hosts[HUB_B].forgot, forgot + 1);
	assert_true(member(w, HUB_B));
	assert_false(at(w, HUB_A, HUB_B)->flags & RN_DEVICE_APART);
	assert_false(at(w, HUB_B, HUB_B)->flags & RN_DEVICE_APART);
}

/* SYNCED bears no signature: who was told of versions that do not exist begins anew, and is no reason for anything. */
static bool lie_of_synced(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_message m;
	if (to != HUB_B || rn_message_decode(data, *size, &m) || m.type != RN_MESSAGE_SYNCED)
		return true;
	m.version.version += 1000;
	int made = rn_message_encode(&m, data, 64);
	*size = (size_t)made;
	(void)w;
	return made > 0;
}

static void who_was_lied_to_begins_anew(void **state)
{
	struct world *w = *state;
	unsigned forgot = w->hosts[HUB_B].forgot;
	w->tamper = lie_of_synced;
	quarantine(w, "hub-a");
	w->tamper = NULL;
	world_wait(w, 30000);
	world_hang_up(&w->hosts[HUB_B]);
	world_wait(w, 30000);
	assert_int_equal(w->hosts[HUB_B].forgot, forgot + 1);
	assert_true(member(w, HUB_B));
	quarantine(w, "laptop");
	assert_true(at(w, HUB_A, LAPTOP)->flags & RN_DEVICE_QUARANTINED);
}

/* What hub-b says of itself when it subscribes, changed on the way: by its captured core, or a disk of another day. */
static struct rn_message_subscribe lie;

static bool lie_of_age(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_message m;
	if (to != GATEWAY || rn_message_decode(data, *size, &m) || m.type != RN_MESSAGE_SUBSCRIBE)
		return true;
	m.subscribe.epoch += lie.epoch;
	m.subscribe.version += lie.version;
	m.subscribe.seen_epoch += lie.seen_epoch;
	m.subscribe.seen += lie.seen;
	int made = rn_message_encode(&m, data, 64);
	*size = (size_t)made;
	(void)w;
	return made > 0;
}

static void hub_b_comes_again(struct world *w, struct rn_message_subscribe as)
{
	lie = as;
	w->tamper = lie_of_age;
	world_hang_up(&w->hosts[HUB_B]);
	world_wait(w, 20000);
	w->tamper = NULL;
}

static bool is_subscribed(struct world *w, unsigned hub)
{
	const struct rn_downstream *s = rn_downstream_of(w->hosts[GATEWAY].core, NUMBER(hub));
	return s && s->subscribed;
}

/* Fresher than it is: by its mark, which bears no signature, it is told everything; by records, it is not let in. */
static void a_hub_that_lies_about_its_age(void **state)
{
	struct world *w = *state;
	struct world_done d;
	unsigned forgot = w->hosts[HUB_B].forgot;
	const struct rn_message_subscribe marks[] = {{.version = 1000}, {.epoch = 1}, {.version = UINT64_MAX / 2}};
	const struct rn_message_subscribe records[] = {{.seen = 1000}, {.seen_epoch = 1}, {.seen = 1, .version = 1}};
	for (unsigned i = 0; i < 3; i++) {
		hub_b_comes_again(w, marks[i]);
		assert_int_equal(w->hosts[HUB_B].forgot, ++forgot);
		assert_true(member(w, HUB_B) && is_subscribed(w, HUB_B));
	}
	for (unsigned i = 0; i < 3; i++) {
		hub_b_comes_again(w, records[i]);
		assert_false(is_subscribed(w, HUB_B));
		/* Nobody else waits for it: what the others need goes on, and what takes away at once. */
		quarantine(w, "laptop");
		assert_true(at(w, HUB_A, LAPTOP)->flags & RN_DEVICE_QUARANTINED);
		set_policy(w, i % 2 ? NAMES("alice") : NAMES("bob"), &d);
		world_wait(w, RN_NUMBERING_PATIENCE_MS + 200);
		assert_int_equal(d.count, 1);
		assert_int_equal(d.code, 0);
		world_wait(w, 30000); /* the truth */
		assert_true(member(w, HUB_B) && is_subscribed(w, HUB_B));
	}
	assert_int_equal(w->hosts[HUB_B].forgot, forgot);
}

/* Older than it is: it is told again what it knows, and what it had acknowledged counts no more. */
static void a_hub_that_says_it_is_older(void **state)
{
	struct world *w = *state;
	unsigned forgot = w->hosts[HUB_B].forgot;
	hub_b_comes_again(w, (struct rn_message_subscribe){.version = (uint64_t)-1});
	assert_int_equal(w->hosts[HUB_B].forgot, forgot);
	assert_true(member(w, HUB_B) && is_subscribed(w, HUB_B));
	hub_b_comes_again(w, (struct rn_message_subscribe){.epoch = UINT32_MAX}); /* of an epoch before the first */
	assert_int_equal(w->hosts[HUB_B].forgot, forgot + 1);
	assert_true(member(w, HUB_B) && is_subscribed(w, HUB_B));
}

static bool lie_of_applied(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_message m;
	if (to != GATEWAY || rn_message_decode(data, *size, &m) || m.type != RN_MESSAGE_APPLIED)
		return true;
	m.version.version += 1000;
	int made = rn_message_encode(&m, data, 64);
	*size = (size_t)made;
	(void)w;
	return made > 0;
}

/* It has acknowledged what there is not: its session ends, and nothing is used on its word. */
static void a_hub_that_acknowledges_the_future(void **state)
{
	struct world *w = *state;
	struct world_done d;
	unsigned closed = w->hosts[GATEWAY].closed;
	w->hosts[HUB_A].kern_silent = true; /* hub-a is what is waited for */
	w->tamper = lie_of_applied;
	set_policy(w, NAMES("alice"), &d);
	w->tamper = NULL;
	assert_true(w->hosts[GATEWAY].closed > closed);
	assert_string_equal(number_with(w, "user:alice").state, "announced");
	assert_int_equal(d.count, 0);
	w->hosts[HUB_A].kern_silent = false;
	world_connect(&w->hosts[HUB_A], RN_CORE_KERN);
	world_wait(w, 20000);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
	assert_true(is_subscribed(w, HUB_A) && is_subscribed(w, HUB_B));
}

/* Who waits for a number waits for ten seconds, is told why, and may come again with the same token. */
static void nobody_waits_for_ever(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "", "bob", "hub-a", 3600);
	struct world_host *stranger = &w->hosts[HUB_B + 1];
	struct world_done d, stock;
	set_policy(w, NAMES("bob"), &d);
	rn_x25519_keypair(stranger->noise_public, stranger->noise_secret);
	rn_random(stranger->wireguard_public, RN_KEY_SIZE);
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	world_restart(&w->hosts[GATEWAY]);
	world_wait(w, 30000);
	add_stock(w, "printer", "bob", "hub-a", &stock);
	world_enroll(w, &token, stranger, "printer", RN_KIND_DESKTOP, NULL); /* both with one name */
	world_run(w);
	unsigned good = w->enrolled.good;
	world_wait(w, 9000);
	assert_int_equal(stock.count, 0);
	world_wait(w, 2000);
	assert_int_equal(stock.count, 1);
	assert_int_equal(stock.code, -EAGAIN);
	assert_non_null(strstr(stock.text, "revoke"));
	assert_int_equal(w->enrolled.good, good);
	assert_non_null(strstr(w->enrolled.text, "revoke"));
	/* They come again, and the last hub too: one of them is it. */
	add_stock(w, "printer", "bob", "hub-a", &stock);
	world_enroll(w, &token, stranger, "printer", RN_KIND_DESKTOP, NULL);
	world_run(w);
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 5000);
	assert_int_equal(stock.count, 1);
	assert_int_equal(stock.code, 0);
	assert_int_equal(w->enrolled.good, good);
	assert_non_null(strstr(w->enrolled.text, "exists"));
	world_enroll(w, &token, stranger, "laptop-of-bob", RN_KIND_DESKTOP, NULL);
	world_wait(w, 1000);
	assert_int_equal(w->enrolled.good, good + 1);
}

static void who_is_revoked_is_waited_for_no_more(void **state)
{
	struct world *w = *state;
	struct world_done d = {0}, policy;
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_run(w);
	rn_core_revoke(w->hosts[GATEWAY].core, "hub-b", world_done, &d);
	world_run(w);
	assert_true(at(w, HUB_A, HUB_B)->flags & RN_DEVICE_REVOKED);
	assert_true(at(w, HUB_A, HUB_B)->flags & RN_DEVICE_APART);
	set_policy(w, NAMES("alice"), &policy);
	assert_int_equal(policy.count, 1);
	assert_int_equal(policy.code, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(alone_nobody_waits, setup_alone, world_gone),
	    T(a_number_is_used_when_every_hub_knows_it),
	    T(patience_has_an_end),
	    T(a_number_ends_when_every_hub_has_forgotten_it),
	    T(a_restart_is_no_joining),
	    T(after_a_start_all_must_come),
	    T(a_gateway_that_knows_its_newest_goes_on),
	    T(who_is_away_for_a_lease_stands_apart),
	    T(who_was_lied_to_begins_anew),
	    T(a_hub_that_lies_about_its_age),
	    T(a_hub_that_says_it_is_older),
	    T(a_hub_that_acknowledges_the_future),
	    T(nobody_waits_for_ever),
	    T(who_is_revoked_is_waited_for_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
