/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolled devices that mean harm, against the cores of a gateway and a hub. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core_world.h"
#include "proto/session.h"
#include "service/core_state.h"

static uint64_t session = 0x7000000000000000ull; /* above those of the world */

/* A session of the host `as` at the core of `at`, from which this test speaks. */
static void dial(struct world_host *at, const struct world_host *as)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = ++session, .role = (uint8_t)as->params.self.kind};
	memcpy(open.key, as->noise_public, RN_KEY_SIZE);
	assert_true(rn_core_receive(at->core, RN_CORE_NET, &open));
}

static void say(struct world_host *at, const struct rn_message *message)
{
	static uint8_t data[RN_MESSAGE_MAX];
	int size = rn_message_encode(message, data, sizeof(data));
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE, .session = session, .block = data, .block_size = (size_t)size};
	assert_true(size > 0);
	assert_true(rn_core_receive(at->core, RN_CORE_NET, &local));
}

static void ask_for_key(struct world_host *gateway, const struct world_host *device, uint64_t sequence, uint8_t key)
{
	uint8_t plain[1 + 8 + RN_KEY_SIZE], sealed[sizeof(plain) + RN_SEAL_OVERHEAD], wireguard[RN_KEY_SIZE] = {key, 7};
	struct rn_writer out = rn_writer(plain, sizeof(plain));
	struct rn_message message = {.type = RN_MESSAGE_REQUEST,
				     .request = {.device = device->params.self.device, .id = 1, .sealed = sealed,
						 .sealed_size = sizeof(sealed)}};
	rn_write_u8(&out, RN_REQUEST_WIREGUARD_KEY);
	rn_write_u64(&out, sequence);
	rn_write_bytes(&out, wireguard, sizeof(wireguard));
	assert_int_equal(rn_box_seal(gateway->params.anchor.box_public, device->noise_secret, plain, sizeof(plain), sealed),
			 0);
	say(gateway, &message);
}

static uint64_t newest(struct world_host *h)
{
	struct rn_core_status s;
	rn_core_status(h->core, &s);
	return s.version;
}

/* Each request is a transaction, a record for every hub and a line of the audit. */
static void requests_of_one_device_are_limited(void **state)
{
	struct world *w = *state;
	struct world_host *gateway = &w->hosts[0], *laptop = &w->hosts[2];
	uint64_t before = newest(gateway), sequence = 1ull << 50;
	dial(gateway, &w->hosts[1]);
	for (unsigned i = 1; i <= 200; i++)
		ask_for_key(gateway, laptop, sequence++, (uint8_t)i);
	assert_in_range(newest(gateway) - before, 1, 4);
	/* A minute later it may again; what was said before is no use, and costs the device nothing. */
	world_wait(w, 61000);
	dial(gateway, &w->hosts[1]);
	before = newest(gateway);
	for (unsigned i = 0; i < 10; i++)
		ask_for_key(gateway, laptop, 1ull << 50, 201);
	assert_int_equal(newest(gateway), before);
	ask_for_key(gateway, laptop, sequence++, 202);
	assert_int_equal(newest(gateway), before + 1);
}

static void count(void *context, const struct rn_core_event *event)
{
	(void)event;
	++*(unsigned *)context;
}

static void events_of_one_device_are_limited(void **state)
{
	struct world *w = *state;
	struct world_host *hub = &w->hosts[1], *laptop = &w->hosts[2];
	static uint8_t events[180 * sizeof(struct rn_event)];
	struct rn_message message = {.type = RN_MESSAGE_EVENTS,
				     .events = {.reporter = laptop->params.self.device, .events = events,
						.events_size = sizeof(events)}};
	uint64_t lost = 0, last;
	unsigned seen = 0;
	dial(hub, laptop);
	for (unsigned i = 0; i < 100; i++)
		say(hub, &message);
	last = rn_core_events(hub->core, 0, UINT32_MAX, count, &seen, &lost);
	assert_int_equal(seen, 100);
	assert_int_equal(lost, 100 * 180 - 100);
	/* Coming again brings no more than that. */
	dial(hub, laptop);
	say(hub, &message);
	last = rn_core_events(hub->core, last, UINT32_MAX, count, &seen, &lost);
	assert_int_equal(seen, 200);
	/* For another device it never speaks. */
	message.events.reporter = hub->params.self.device;
	seen = 0;
	say(hub, &message);
	rn_core_events(hub->core, last, UINT32_MAX, count, &seen, &lost);
	assert_int_equal(seen, 0);
}

/* It adds to what all have lost, which stays a sum. */
static void who_tells_of_losses_without_end_tells_little(void **state)
{
	struct world *w = *state;
	struct world_host *hub = &w->hosts[1], *laptop = &w->hosts[2];
	struct rn_message message = {.type = RN_MESSAGE_EVENTS,
				     .events = {.reporter = laptop->params.self.device, .events = (uint8_t *)"",
						.lost = UINT64_MAX - 1}};
	uint64_t lost = 0;
	unsigned seen = 0;
	dial(hub, laptop);
	say(hub, &message); /* the first is what it begins with */
	for (uint64_t i = 1; i < 5; i++) {
		message.events.lost = i % 2 ? 0 : UINT64_MAX - 1;
		say(hub, &message);
		rn_core_events(hub->core, 0, UINT32_MAX, count, &seen, &lost);
		assert_true(lost == i / 2 * UINT32_MAX);
	}
}

/*
 * A hub's net that was captured says that all is there and holds back a quarantine. With the honest net, or the next start
 * of core, the hub hears of it. (Found with tests/attacker: it subscribed after what the attacker had named.)
 */
static void what_a_captured_net_held_back_comes(void **state)
{
	struct world *w = *state;
	struct world_host *gateway = &w->hosts[0], *hub = &w->hosts[1];
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = ++session, .role = RN_KIND_GATEWAY};
	struct rn_message synced = {.type = RN_MESSAGE_SYNCED, .version = {1, 0}};
	struct world_done d = {0};
	world_disconnect(hub, RN_CORE_NET);
	world_run(w);
	rn_core_quarantine(gateway->core, "laptop", true, world_done, &d);
	world_run(w);
	assert_false(hub->devices[3].flags & RN_DEVICE_QUARANTINED);
	/* The attacker answers the hub's CONNECT itself. */
	world_disconnect(gateway, RN_CORE_NET);
	hub->there[RN_CORE_NET] = true;
	rn_core_connected(hub->core, RN_CORE_NET);
	memcpy(open.key, gateway->noise_public, RN_KEY_SIZE);
	for (open.number = 1; open.number < 5; open.number++)
		assert_true(rn_core_receive(hub->core, RN_CORE_NET, &open));
	synced.version.version = newest(gateway);
	say(hub, &synced);
	world_disconnect(hub, RN_CORE_NET);
	world_connect(gateway, RN_CORE_NET);
	world_connect(hub, RN_CORE_NET);
	world_wait(w, 20000);
	assert_true(hub->devices[3].flags & RN_DEVICE_QUARANTINED);
}

/* Each makes a hub begin anew, with a commit of the gateway's and all that it is to know sent again. */
static void subscriptions_are_limited(void **state)
{
	struct world *w = *state;
	struct world_host *gateway = &w->hosts[0], *hub = &w->hosts[1];
	struct rn_message subscribe = {.type = RN_MESSAGE_SUBSCRIBE, .subscribe = {.epoch = 1}};
	for (unsigned as = 1; as <= 2; as++) {
		struct world_host *at = as == 1 ? gateway : hub;
		dial(at, &w->hosts[as]);
		unsigned closed = at->closed;
		for (unsigned i = 0; i < 4; i++) {
			say(at, &subscribe);
			assert_int_equal(at->closed, closed);
		}
		w->now_ms += 6000; /* and nobody else comes meanwhile */
		say(at, &subscribe);
		assert_int_equal(at->closed, closed);
		for (unsigned i = 0; i < 200; i++)
			say(at, &subscribe);
		assert_int_equal(at->closed, closed + 1);
		assert_null(rn_downstream_find(at->core, session));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_of_one_device_are_limited, world_of_three, world_gone),
		cmocka_unit_test_setup_teardown(what_a_captured_net_held_back_comes, world_of_three, world_gone),
		cmocka_unit_test_setup_teardown(subscriptions_are_limited, world_of_three, world_gone),
		cmocka_unit_test_setup_teardown(events_of_one_device_are_limited, world_of_three, world_gone),
		cmocka_unit_test_setup_teardown(who_tells_of_losses_without_end_tells_little, world_of_three, world_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
