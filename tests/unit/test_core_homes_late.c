/* SPDX-License-Identifier: Apache-2.0 */
/* What a device with several hubs, its hubs and the gateway hear late, or of a clock or net that is not the one before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"
#include "proto/session.h"

enum { GATEWAY, HUB_A, LAPTOP, HUB_B, OTHER }; /* of world_host; the device's number is one more */
#define NUMBER(host) ((host) + 1u)
#define DAY_S 86400

static struct rn_core *gateway(struct world *w)
{
	return w->hosts[GATEWAY].core;
}

static const struct rn_device_record *device(struct world *w, unsigned host, unsigned of)
{
	return &w->hosts[host].devices[NUMBER(of)];
}

static void set(struct world *w, const char *target, const char *fallback)
{
	struct rn_core_homes change = {.target = target, .fallbacks_given = true};
	struct world_done d = {0};
	if (fallback)
		change.fallbacks[change.fallback_count++] = fallback;
	rn_core_device_homes(gateway(w), "laptop", &change, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.code, 0);
}

/* It is at hub-a, and lists hub-b beside it. */
static int setup(void **state)
{
	struct world *w = world_new();
	world_add(w, HUB_A, RN_KIND_REGIONAL, "hub-a", GATEWAY);
	world_add(w, LAPTOP, RN_KIND_DESKTOP, "laptop", HUB_A);
	world_add(w, HUB_B, RN_KIND_REGIONAL, "hub-b", GATEWAY);
	set(w, NULL, "hub-b");
	world_wait(w, 1500);
	*state = w;
	return 0;
}

static void set_trust(struct world *w, const char *name, uint8_t trust)
{
	struct world_done d = {0};
	rn_core_trust(gateway(w), name, trust, world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
}

/* It was away while it was given hubs that it has never heard of: who else could tell it? */
static void the_hub_that_it_left_tells_it_where_to_go(void **state)
{
	struct world *w = *state;
	world_disconnect(&w->hosts[LAPTOP], RN_CORE_NET);
	world_run(w);
	set(w, "gw", NULL);
	world_connect(&w->hosts[LAPTOP], RN_CORE_NET);
	world_wait(w, 5000);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->hub, NUMBER(GATEWAY));
	assert_true(world_session(&w->hosts[LAPTOP], GATEWAY));
	assert_int_equal(world_upstream(&w->hosts[LAPTOP]), world_session(&w->hosts[LAPTOP], GATEWAY));
}

/* Nothing stale stays in its kern, which would refuse it for good when a policy rests on what came later. */
static void a_hub_listed_no_more_is_heard_of_all_the_same(void **state)
{
	struct world *w = *state;
	assert_int_equal(device(w, LAPTOP, HUB_B)->number, NUMBER(HUB_B));
	set(w, NULL, NULL);
	world_wait(w, 500);
	set_trust(w, "hub-b", 7);
	world_wait(w, 500);
	assert_int_equal(device(w, HUB_A, HUB_B)->trust, 7);
	assert_int_equal(device(w, LAPTOP, HUB_B)->trust, 7);
}

/* hub-a is captured and revoked, and holds back that the device does not list it any more. */
static void the_next_hub_says_that_the_one_it_left_is_revoked(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	world_disconnect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_run(w);
	set(w, "hub-b", "gw");
	rn_core_revoke(gateway(w), "hub-a", world_done, &d);
	world_run(w);
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_wait(w, 60000);
	assert_int_equal(device(w, HUB_B, HUB_A)->flags & RN_DEVICE_REVOKED, RN_DEVICE_REVOKED);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->hub, NUMBER(HUB_B));
}

/* The clock was two days ahead when it asked last. */
static void a_clock_that_is_set_back_holds_up_no_request(void **state)
{
	struct world *w = *state;
	w->begun += 2 * DAY_S;
	world_hub_dies(w, LAPTOP, HUB_A);
	world_wait(w, 1000);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
	w->begun -= 2 * DAY_S;
	w->hosts[HUB_A].mute = false;
	world_wait(w, 15000);
	world_hub_dies(w, LAPTOP, HUB_B);
	world_wait(w, 60000);
	assert_int_equal(device(w, HUB_A, LAPTOP)->hub, NUMBER(HUB_A));
}

/* net begins anew while ca is at work, and counts its sessions from one again: the answer is for no other stranger. */
static void an_enrolment_answers_nobody_else(void **state)
{
	struct world *w = *state;
	struct world_host *first = &w->hosts[OTHER], second = *first;
	struct rn_token token = world_token(w, RN_KIND_SERVER, "first", "alice", "hub-a", 3600);
	struct rn_token another = world_token(w, RN_KIND_SERVER, "second", "alice", "hub-a", 3600);
	unsigned before = w->enrolled.count;
	uint64_t session = w->next_session;
	rn_x25519_keypair(first->noise_public, first->noise_secret);
	rn_x25519_keypair(first->wireguard_public, first->noise_secret);
	rn_x25519_keypair(second.noise_public, second.noise_secret);
	rn_x25519_keypair(second.wireguard_public, second.noise_secret);
	w->ca_silent = true;
	world_enroll(w, &token, first, "first", RN_KIND_SERVER, NULL);
	world_run(w);
	world_disconnect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_run(w);
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_run(w);
	w->next_session = session;
	uint32_t owed = w->ca_owes;
	world_enroll(w, &another, &second, "second", RN_KIND_SERVER, NULL);
	world_run(w);
	w->ca_owes = owed;
	world_answer_ca(w);
	world_run(w);
	assert_int_equal(w->enrolled.count, before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(the_hub_that_it_left_tells_it_where_to_go),
	    T(a_hub_listed_no_more_is_heard_of_all_the_same),
	    T(the_next_hub_says_that_the_one_it_left_is_revoked),
	    T(a_clock_that_is_set_back_holds_up_no_request),
	    T(an_enrolment_answers_nobody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
