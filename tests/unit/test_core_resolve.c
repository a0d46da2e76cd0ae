/* SPDX-License-Identifier: Apache-2.0 */
/* Two hubs under a gateway, a device at each: they hear of each other when they meet, of nobody else, and of changes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core_world.h"
#include "proto/session.h"

enum { GATEWAY, HUB_A, LAPTOP, HUB_B, SERVER }; /* of world_host; the device's number is one more */
#define NUMBER(host) ((host) + 1u)

static int setup(void **state)
{
	struct world *w = world_new();
	world_add(w, HUB_A, RN_KIND_REGIONAL, "hub-a", GATEWAY);
	world_add(w, LAPTOP, RN_KIND_DESKTOP, "laptop", HUB_A);
	world_add(w, HUB_B, RN_KIND_DEPARTMENTAL, "hub-b", GATEWAY);
	world_add(w, SERVER, RN_KIND_SERVER, "server", HUB_B);
	*state = w;
	return 0;
}

static const struct rn_device_record *device(struct world *w, unsigned host, unsigned of)
{
	return &w->hosts[host].devices[NUMBER(of)];
}

static bool knows(struct world *w, unsigned host, unsigned of)
{
	return device(w, host, of)->number == NUMBER(of);
}

static struct rn_addr address(struct world *w, unsigned of)
{
	const struct rn_device_record *r = device(w, of, of);
	assert_int_equal(r->number, NUMBER(of));
	return r->ipv6;
}

/* The kern of the host dropped a packet, because it does not know one end of it. */
static void meets(struct world *w, unsigned host, unsigned from, unsigned to, enum rn_reason reason)
{
	struct rn_event e = {.source = address(w, from), .destination = address(w, to), .reason = (uint8_t)reason};
	struct rn_local local = {.type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)&e, .block_size = sizeof(e)};
	assert_true(rn_core_receive(w->hosts[host].core, RN_CORE_KERN, &local));
}

static void laptop_meets_server(struct world *w)
{
	meets(w, LAPTOP, LAPTOP, SERVER, RN_UNKNOWN_DESTINATION);
	world_run(w);
}

static void nobody_knows_who_has_not_met(void **state)
{
	struct world *w = *state;
	assert_false(knows(w, LAPTOP, SERVER));
	assert_false(knows(w, HUB_A, SERVER));
	assert_false(knows(w, HUB_B, LAPTOP));
	assert_false(knows(w, SERVER, LAPTOP));
	assert_false(knows(w, GATEWAY, LAPTOP));
	assert_true(knows(w, HUB_A, HUB_B));
}

static void one_packet_and_all_four_know(void **state)
{
	struct world *w = *state;
	laptop_meets_server(w);
	assert_true(knows(w, LAPTOP, SERVER));
	assert_true(knows(w, HUB_A, SERVER));
	assert_true(knows(w, HUB_B, LAPTOP));
	assert_true(knows(w, SERVER, LAPTOP));
	assert_false(knows(w, GATEWAY, LAPTOP));
}

/* A stock client has no door of its own: its hub asks for it. And the destination's side may be the one that asks. */
static void a_hub_asks_for_its_devices(void **state)
{
	struct world *w = *state;
	meets(w, HUB_A, LAPTOP, SERVER, RN_UNKNOWN_DESTINATION);
	world_run(w);
	assert_true(knows(w, HUB_A, SERVER));
	assert_true(knows(w, SERVER, LAPTOP));
	meets(w, HUB_B, LAPTOP, SERVER, RN_UNKNOWN_SOURCE);
	world_run(w);
	assert_true(knows(w, HUB_B, LAPTOP));
}

static void changes_follow(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	laptop_meets_server(w);
	rn_core_quarantine(w->hosts[GATEWAY].core, "server", true, world_done, &d);
	rn_core_trust(w->hosts[GATEWAY].core, "laptop", 7, world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
	assert_true(device(w, LAPTOP, SERVER)->flags & RN_DEVICE_QUARANTINED);
	assert_true(device(w, HUB_A, SERVER)->flags & RN_DEVICE_QUARANTINED);
	assert_int_equal(device(w, HUB_B, LAPTOP)->trust, 7);
	assert_int_equal(device(w, SERVER, LAPTOP)->trust, 7);
}

static void no_rule_no_answer(void **state)
{
	static const char nothing[] = "{\"rules\": []}";
	struct world *w = *state;
	struct world_done d = {0};
	rn_core_policy_set(w->hosts[GATEWAY].core,
			   &(struct rn_core_policy_new){.text = nothing, .size = strlen(nothing)}, world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
	laptop_meets_server(w);
	assert_false(knows(w, LAPTOP, SERVER));
	assert_false(knows(w, HUB_A, SERVER));
	assert_false(knows(w, HUB_B, LAPTOP));
}

static void who_comes_again_hears_what_was_missed(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	laptop_meets_server(w);
	world_hang_up(&w->hosts[HUB_A]);
	world_hang_up(&w->hosts[LAPTOP]);
	rn_core_trust(w->hosts[GATEWAY].core, "server", 9, world_done, &d);
	world_wait(w, 40000);
	assert_int_equal(device(w, HUB_A, SERVER)->trust, 9);
	assert_int_equal(device(w, LAPTOP, SERVER)->trust, 9);
	rn_core_trust(w->hosts[GATEWAY].core, "server", 8, world_done, &d);
	world_run(w);
	assert_int_equal(device(w, LAPTOP, SERVER)->trust, 8);
}

/* To a node another hub is a device of another hub, as any other. */
static void a_node_that_knows_a_hub_hears_of_it_again(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	meets(w, LAPTOP, LAPTOP, HUB_B, RN_UNKNOWN_DESTINATION);
	world_run(w);
	assert_true(knows(w, LAPTOP, HUB_B));
	world_hang_up(&w->hosts[LAPTOP]);
	rn_core_trust(w->hosts[GATEWAY].core, "hub-b", 9, world_done, &d);
	world_wait(w, 40000);
	assert_int_equal(device(w, LAPTOP, HUB_B)->trust, 9);
}

static bool lose_interests(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	(void)to;
	return !*size || data[0] != RN_MESSAGE_INTERESTS;
}

/* A session ends behind the mark and before what was asked for: the mark says nothing of that. */
static void what_is_held_may_be_older_than_the_mark(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	laptop_meets_server(w);
	world_hang_up(&w->hosts[HUB_A]);
	rn_core_trust(w->hosts[GATEWAY].core, "server", 9, world_done, &d);
	w->tamper = lose_interests;
	world_wait(w, 40000);
	assert_int_not_equal(device(w, HUB_A, SERVER)->trust, 9);
	w->tamper = NULL;
	world_hang_up(&w->hosts[HUB_A]);
	world_wait(w, 40000);
	assert_int_equal(device(w, HUB_A, SERVER)->trust, 9);
}

/* A frame of hub-a's speaks of who is not known to be behind it. */
static void the_other_hub_asks_of_whom_a_frame_speaks(void **state)
{
	struct world *w = *state;
	meets(w, HUB_B, LAPTOP, SERVER, RN_WRONG_IDENTITY);
	world_run(w);
	assert_true(knows(w, HUB_B, LAPTOP));
	assert_true(knows(w, HUB_A, SERVER));
}

/* Nothing that passes is interrupted when a core starts anew: its kern keeps what it knows, and changes still come. */
static void a_core_that_starts_again_goes_on(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	laptop_meets_server(w);
	world_wait(w, 500);
	for (unsigned i = HUB_A; i <= SERVER; i++) {
		world_restart(&w->hosts[i]);
		world_wait(w, 40000);
	}
	world_restart(&w->hosts[GATEWAY]);
	world_wait(w, 40000);
	rn_core_trust(w->hosts[GATEWAY].core, "server", 9, world_done, &d);
	rn_core_trust(w->hosts[GATEWAY].core, "laptop", 6, world_done, &d);
	world_run(w);
	assert_int_equal(device(w, HUB_A, SERVER)->trust, 9);
	assert_int_equal(device(w, LAPTOP, SERVER)->trust, 9);
	assert_int_equal(device(w, SERVER, LAPTOP)->trust, 6);
}

/* A rule goes while a hub is away: what it knew for that rule only is taken from it. */
static void who_comes_again_for_nothing_is_told_to_forget(void **state)
{
	static const char nothing[] = "{\"rules\": []}";
	struct world *w = *state;
	struct world_done d = {0};
	laptop_meets_server(w);
	world_hang_up(&w->hosts[HUB_A]);
	rn_core_policy_set(w->hosts[GATEWAY].core,
			   &(struct rn_core_policy_new){.text = nothing, .size = strlen(nothing)}, world_done, &d);
	world_wait(w, 40000);
	world_hang_up(&w->hosts[HUB_A]);
	world_wait(w, 40000);
	assert_false(knows(w, HUB_A, SERVER));
	assert_false(knows(w, LAPTOP, SERVER));
}

/* Asked so, the answer would be the same two records. */
static bool speak_for_server(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_message m;
	if (to == GATEWAY && !rn_message_decode(data, *size, &m) && m.type == RN_MESSAGE_RESOLVE) {
		m.resolve.device = NUMBER(SERVER);
		m.resolve.address = address(w, LAPTOP);
		*size = (size_t)rn_message_encode(&m, data, RN_MESSAGE_MAX);
	}
	return true;
}

static void a_hub_asks_for_its_own_devices_only(void **state)
{
	struct world *w = *state;
	w->tamper = speak_for_server;
	laptop_meets_server(w);
	assert_false(knows(w, HUB_A, SERVER));
	assert_false(knows(w, HUB_B, LAPTOP));
}

static unsigned asked;

static bool count_questions(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	(void)w;
	asked += to == GATEWAY && *size && data[0] == RN_MESSAGE_RESOLVE;
	return true;
}

/* A device that scans the network asks no more than its share, and once for many packets to one address. */
static void questions_are_limited(void **state)
{
	struct world *w = *state;
	w->tamper = count_questions;
	asked = 0;
	for (unsigned i = 0; i < 50; i++)
		meets(w, LAPTOP, LAPTOP, SERVER, RN_UNKNOWN_DESTINATION);
	world_run(w);
	assert_int_equal(asked, 1);
	for (unsigned i = 0; i < 1000; i++) {
		struct rn_event e = {
		    .source = address(w, LAPTOP), .destination = address(w, SERVER), .reason = RN_UNKNOWN_DESTINATION};
		struct rn_local local = {
		    .type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)&e, .block_size = sizeof(e)};
		e.destination.b[14] = (uint8_t)(i >> 8);
		e.destination.b[13] = (uint8_t)i;
		assert_true(rn_core_receive(w->hosts[LAPTOP].core, RN_CORE_KERN, &local));
	}
	world_run(w);
	assert_in_range(asked, 50, 62);
}

/* A device whose node does not ask scans all the same: its hub's kern meets each address. */
static void one_device_does_not_use_up_its_hubs_share(void **state)
{
	struct world *w = *state;
	w->tamper = count_questions;
	asked = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct rn_event e = {
		    .source = address(w, LAPTOP), .destination = address(w, SERVER), .reason = RN_UNKNOWN_DESTINATION};
		struct rn_local local = {
		    .type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)&e, .block_size = sizeof(e)};
		e.destination.b[12] = 9;
		e.destination.b[14] = (uint8_t)(i >> 8);
		e.destination.b[13] = (uint8_t)i;
		assert_true(rn_core_receive(w->hosts[HUB_A].core, RN_CORE_KERN, &local));
	}
	world_run(w);
	assert_in_range(asked, 50, 62);
	world_wait(w, 5000);
	asked = 0;
	meets(w, HUB_A, LAPTOP, SERVER, RN_UNKNOWN_DESTINATION);
	world_run(w);
	assert_int_equal(asked, 1);
}

/* Nor one whose own core asks without end. */
static void who_asks_too_often_is_not_heard(void **state)
{
	struct world *w = *state;
	uint8_t data[64];
	struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = world_upstream(&w->hosts[LAPTOP]), .block = data};

	w->tamper = count_questions;
	asked = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct rn_message m = {.type = RN_MESSAGE_RESOLVE,
				       .resolve = {.device = NUMBER(LAPTOP), .address = address(w, SERVER)}};
		m.resolve.address.b[13] = (uint8_t)i;
		m.resolve.address.b[14] = (uint8_t)(i >> 8);
		local.block_size = (size_t)rn_message_encode(&m, data, sizeof(data));
		assert_true(rn_core_receive(w->hosts[HUB_A].core, RN_CORE_NET, &local));
	}
	world_run(w);
	assert_in_range(asked, 50, 62);
}

static unsigned server_again;

static bool count_server(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_device_record r;
	struct rn_message m;
	(void)w;
	if (to == LAPTOP && !rn_message_decode(data, *size, &m) && m.type == RN_MESSAGE_RECORD &&
	    !rn_record_get_device(m.record.piece, m.record.piece_size, &r))
		server_again += r.number == NUMBER(SERVER);
	return true;
}

/* The laptop says `count` times that it has the server's record, of that epoch. */
static void say_held(struct world *w, unsigned count, uint32_t epoch)
{
	static uint8_t items[512 * 20], data[sizeof(items) + 64];
	struct rn_writer writer = rn_writer(items, count * 20);
	struct rn_message m = {.type = RN_MESSAGE_INTERESTS, .interests = {items, count * 20}};
	struct rn_local local = {
	    .type = RN_LOCAL_NET_MESSAGE, .session = world_upstream(&w->hosts[LAPTOP]), .block = data};
	for (unsigned i = 0; i < count; i++) {
		rn_write_u32(&writer, NUMBER(SERVER));
		rn_write_u32(&writer, NUMBER(LAPTOP));
		rn_write_u32(&writer, epoch);
		rn_write_u64(&writer, 1);
	}
	local.block_size = (size_t)rn_message_encode(&m, data, sizeof(data));
	rn_core_receive(w->hosts[HUB_A].core, RN_CORE_NET, &local);
	world_run(w);
}

/* Who says again and again what it has is not compared with every rule each time. */
static void what_is_held_is_looked_at_so_often(void **state)
{
	struct world *w = *state;
	laptop_meets_server(w);
	w->tamper = count_server;
	server_again = 0;
	say_held(w, 1, 0); /* older than it is: it is sent again */
	assert_int_equal(server_again, 1);
	for (unsigned i = 0; i < 16; i++)
		say_held(w, 512, UINT32_MAX); /* newer than there is: nothing is to be sent */
	assert_int_equal(server_again, 1);
	say_held(w, 1, 0);
	assert_int_equal(server_again, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(nobody_knows_who_has_not_met),
	    T(one_packet_and_all_four_know),
	    T(a_hub_asks_for_its_devices),
	    T(changes_follow),
	    T(no_rule_no_answer),
	    T(who_comes_again_hears_what_was_missed),
	    T(a_node_that_knows_a_hub_hears_of_it_again),
	    T(what_is_held_may_be_older_than_the_mark),
	    T(the_other_hub_asks_of_whom_a_frame_speaks),
	    T(a_core_that_starts_again_goes_on),
	    T(who_comes_again_for_nothing_is_told_to_forget),
	    T(a_hub_asks_for_its_own_devices_only),
	    T(questions_are_limited),
	    T(one_device_does_not_use_up_its_hubs_share),
	    T(who_asks_too_often_is_not_heard),
	    T(what_is_held_is_looked_at_so_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
