/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/replay.h"
#include "proto/wire.h"
#include "session_world.h"

struct pair {
	struct world *world;
	struct world_host *client, *server;
};

static bool both_open(struct world *w)
{
	return w->hosts[0].opened && w->hosts[1].opened;
}

static struct pair make_pair(uint64_t seed)
{
	struct pair p = { .world = world_new(seed) };

	p.client = world_add(p.world, 4);
	p.server = world_add(p.world, 4);
	return p;
}

static struct pair make_open(uint64_t seed)
{
	struct pair p = make_pair(seed);

	assert_true(world_connect(p.client, p.server, "hello") != 0);
	assert_true(world_run(p.world, 5000, both_open));
	return p;
}

static int say(struct world_host *host, const char *text)
{
	return rn_sessions_send(host->sessions, host->world->now_ms, host->last, (const uint8_t *)text, strlen(text));
}

static void pass(struct pair *p, int64_t ms)
{
	world_run(p->world, p->world->now_ms + ms, NULL);
}

static void opens_talks_and_closes(void **state)
{
	struct pair p = make_open(1);

	(void)state;
	assert_string_equal(p.server->last_hello, "hello");
	assert_string_equal(p.client->last_hello, "welcome");
	assert_int_equal(p.server->asked, 1);
	assert_int_equal(say(p.client, "up"), 0);
	assert_int_equal(say(p.server, ""), 0);
	pass(&p, 100);
	assert_int_equal(p.server->messages, 1);
	assert_int_equal(p.client->messages, 1);
	/* What is queued when it is closed still arrives. */
	assert_int_equal(say(p.server, "last words"), 0);
	rn_sessions_close(p.server->sessions, p.world->now_ms, p.server->last);
	assert_int_equal(say(p.server, "no more"), -ENOENT);
	pass(&p, 1000);
	assert_int_equal(p.client->messages, 2);
	assert_int_equal(p.client->closed, 1);
	assert_int_equal(p.client->reason, 0);
	assert_int_equal(p.server->closed, 0);
	assert_int_equal(rn_sessions_count(p.client->sessions) + rn_sessions_count(p.server->sessions), 0);
	assert_int_equal(say(p.client, "x"), -ENOENT);
	world_free(p.world);
}

static void first_contact_takes_four_datagrams(void **state)
{
	struct pair p = make_pair(2);
	static const struct {
		uint8_t type;
		size_t size;
	} expected[] = { { RN_WIRE_COOKIE_REQUEST, 128 },
			 { RN_WIRE_COOKIE, 64 },
			 { RN_WIRE_INITIATION, 1232 },
			 { RN_WIRE_RESPONSE, RN_RESPONSE_MIN + 7 } };
	size_t i;

	(void)state;
	p.world->keep = true;
	world_connect(p.client, p.server, "");
	assert_true(world_run(p.world, 5000, both_open));
	for (i = 0; i < 4; i++) {
		assert_memory_equal(p.world->kept[i].data, "RN1", 3);
		assert_int_equal(p.world->kept[i].data[3], expected[i].type);
		assert_int_equal(p.world->kept[i].size, expected[i].size);
	}
	world_free(p.world);
}

/* What is said before there are keys waits for them: nothing is sealed with none. */
static void said_while_connecting(void **state)
{
	struct pair p = make_pair(15);
	rn_session_id id = world_connect(p.client, p.server, "hello");
	size_t i;

	(void)state;
	p.world->keep = true;
	assert_int_equal(rn_sessions_send(p.client->sessions, p.world->now_ms, id, (const uint8_t *)"early", 5), 0);
	while (!p.client->opened) {
		for (i = 0; i < p.world->kept_count; i++)
			assert_int_not_equal(p.world->kept[i].data[3], RN_WIRE_TRANSPORT);
		pass(&p, 1);
	}
	pass(&p, 100);
	assert_int_equal(p.server->messages, 1);
	world_free(p.world);
}

static void refusal(void **state)
{
	struct pair p = make_pair(3);

	(void)state;
	p.server->refuse = true;
	world_connect(p.client, p.server, "hello");
	pass(&p, 1000);
	assert_int_equal(p.client->closed, 1);
	assert_int_equal(p.client->reason, -ECONNREFUSED);
	assert_int_equal(rn_sessions_count(p.server->sessions), 0);
	assert_int_equal(p.server->opened + p.server->closed, 0);
	world_free(p.world);
}

static void nobody_there(void **state)
{
	struct pair p = make_pair(4);

	(void)state;
	p.world->cut = true;
	world_connect(p.client, p.server, "hello");
	assert_int_equal(rn_sessions_count(p.client->sessions), 1);
	pass(&p, RN_HANDSHAKE_GIVE_UP_MS + 1);
	assert_int_equal(p.client->reason, -ETIMEDOUT);
	assert_int_equal(rn_sessions_count(p.client->sessions), 0);
	assert_true(p.world->datagrams_sent > 15 && p.world->datagrams_sent < 40);
	world_free(p.world);
}

/* The wrong key: the scanner's view. */
static void wrong_key_is_met_with_silence(void **state)
{
	struct pair p = make_pair(5);

	(void)state;
	p.server->public[0] ^= 1;
	world_connect(p.client, p.server, "hello");
	p.world->keep = true;
	pass(&p, RN_HANDSHAKE_GIVE_UP_MS + 1);
	for (size_t i = 0; i < p.world->kept_count; i++)
		assert_int_equal(p.world->kept[i].from.addr.b[14], p.client->endpoint.addr.b[14]);
	assert_int_equal(p.server->asked, 0);
	assert_int_equal(p.client->reason, -ETIMEDOUT);
	world_free(p.world);
}

static void idle_stays_open_and_silence_ends_it(void **state)
{
	struct pair p = make_open(6);
	size_t sent = p.world->datagrams_sent;

	(void)state;
	pass(&p, 600000);
	assert_int_equal(p.client->closed + p.server->closed, 0);
	sent = p.world->datagrams_sent - sent;
	assert_true(sent >= 2 * 55 && sent <= 2 * 65); /* a keepalive each, every 10 s */
	p.world->cut = true;
	pass(&p, RN_DEAD_MS - RN_KEEPALIVE_MS - 100);
	assert_int_equal(p.client->closed + p.server->closed, 0);
	pass(&p, RN_KEEPALIVE_MS + 200);
	assert_int_equal(p.client->reason, -ETIMEDOUT);
	assert_int_equal(p.server->reason, -ETIMEDOUT);
	assert_int_equal(rn_sessions_count(p.client->sessions) + rn_sessions_count(p.server->sessions), 0);
	world_free(p.world);
}

static void survives_a_cut_of_25_seconds(void **state)
{
	struct pair p = make_open(7);

	(void)state;
	assert_int_equal(say(p.client, "before"), 0);
	p.world->cut = true;
	assert_int_equal(say(p.client, "while"), 0);
	pass(&p, 25000);
	p.world->cut = false;
	pass(&p, 6000);
	assert_int_equal(p.server->messages, 2);
	assert_int_equal(p.client->closed + p.server->closed, 0);
	world_free(p.world);
}

static void roams(void **state)
{
	struct pair p = make_open(8);
	struct rn_endpoint old = p.client->endpoint;

	(void)state;
	p.world->keep = p.world->cut = true;
	assert_int_equal(say(p.client, "held back"), 0);
	p.world->cut = false;
	p.client->endpoint.addr = rn_addr_from_v4(0xc0000264);
	p.client->endpoint.port = 4242;
	assert_int_equal(say(p.client, "I moved"), 0);
	pass(&p, 2000);
	assert_int_equal(p.server->last_from.port, 4242);
	assert_int_equal(say(p.server, "welcome back"), 0);
	pass(&p, 100);
	assert_int_equal(p.client->messages, 1);
	/* A datagram that was held back is good, but does not move it back. */
	assert_int_equal(p.server->messages, 2);
	world_inject(p.server, &old, p.world->kept[0].data, p.world->kept[0].size);
	assert_int_equal(say(p.server, "still here"), 0);
	pass(&p, 100);
	assert_int_equal(p.client->messages, 2);
	world_free(p.world);
}

static void renews_its_keys(void **state)
{
	struct pair p = make_open(9);
	unsigned hour;

	(void)state;
	p.world->loss = 20;
	p.world->delay_max_ms = 60;
	for (hour = 1; hour <= 3; hour++) {
		pass(&p, RN_REKEY_MS - 1000);
		assert_int_equal(say(p.client, "on the way"), 0);
		assert_int_equal(say(p.server, "back"), 0);
		pass(&p, 61000);
		/* Once an hour, and again where an answer was lost. */
		assert_true(p.server->asked >= 1 + hour && p.server->asked <= 1 + 4 * hour);
		assert_int_equal(p.server->messages, hour);
		assert_int_equal(p.client->messages, hour);
	}
	assert_int_equal(p.client->closed + p.server->closed, 0);
	assert_int_equal(p.client->opened + p.server->opened, 2);
	/* Renewal asks again: who is refused by now is out. */
	p.server->refuse = true;
	pass(&p, RN_REKEY_MS);
	assert_int_equal(p.client->reason, -ECONNREFUSED);
	world_free(p.world);
}

static void a_restarted_responder_is_found_again(void **state)
{
	struct pair p = make_open(10);

	(void)state;
	world_restart(p.server, 4);
	pass(&p, RN_KEEPALIVE_MS + 2000);
	assert_int_equal(p.client->reason, -ECONNRESET);
	world_connect(p.client, p.server, "again");
	pass(&p, 1000);
	assert_int_equal(p.client->opened, 2);
	assert_string_equal(p.server->last_hello, "again");
	world_free(p.world);
}

static void a_restarted_initiator_replaces_its_session(void **state)
{
	struct pair p = make_open(11);
	rn_session_id old = p.server->last;

	(void)state;
	world_restart(p.client, 4);
	world_connect(p.client, p.server, "again");
	pass(&p, 1000);
	assert_int_equal(p.server->closed, 1);
	assert_int_equal(p.server->reason, 0);
	assert_int_equal(p.server->opened, 2);
	assert_true(p.server->last != old);
	assert_int_equal(rn_sessions_count(p.server->sessions), 1);
	world_free(p.world);
}

static void full(void **state)
{
	struct world *w = world_new(12);
	struct world_host *server = world_add(w, 2), *clients[3];
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		clients[i] = world_add(w, 1);
		world_connect(clients[i], server, "");
		world_run(w, w->now_ms + 1000, NULL);
	}
	assert_int_equal(clients[1]->opened, 1);
	assert_int_equal(clients[2]->reason, -ECONNREFUSED);
	assert_int_equal(world_connect(clients[0], server, ""), 0);
	/* Who is in already may come anew. */
	world_restart(clients[0], 1);
	world_connect(clients[0], server, "");
	world_run(w, w->now_ms + 1000, NULL);
	assert_int_equal(clients[0]->opened, 2);
	assert_int_equal(rn_sessions_count(server->sessions), 2);
	world_free(w);
}

static void bounded_queue(void **state)
{
	static uint8_t big[RN_MESSAGE_MAX + 1];
	struct pair p = make_open(13);
	unsigned sent = 0;
	int r;

	(void)state;
	assert_int_equal(rn_sessions_send(p.client->sessions, p.world->now_ms, p.client->last, big, sizeof(big)),
			 -EMSGSIZE);
	p.world->cut = true;
	while ((r = rn_sessions_send(p.client->sessions, p.world->now_ms, p.client->last, big, RN_MESSAGE_MAX)) == 0)
		sent++;
	assert_int_equal(r, -EAGAIN);
	assert_true(sent >= 16 && sent <= RN_SEND_QUEUE);
	assert_int_equal(p.client->writable, 0);
	p.world->cut = false;
	pass(&p, 20000);
	assert_int_equal(p.client->writable, 1);
	assert_int_equal(p.server->messages, sent);
	world_free(p.world);
}

/* Callbacks may call us: close in OPEN, close in MESSAGE, connect in CLOSED. */
static void close_at_once(struct world_host *host, const struct rn_session_event *event)
{
	if (event->type == RN_SESSION_OPEN || event->type == RN_SESSION_MESSAGE)
		rn_sessions_close(host->sessions, host->world->now_ms, event->session);
}

static void connect_again(struct world_host *host, const struct rn_session_event *event)
{
	if (event->type == RN_SESSION_CLOSED && host->closed < 5)
		world_connect(host, host->user, "again");
}

static void callbacks_may_call(void **state)
{
	struct pair p = make_pair(14);

	(void)state;
	p.server->on_event = close_at_once;
	p.client->on_event = connect_again;
	p.client->user = p.server;
	world_connect(p.client, p.server, "hello");
	pass(&p, 20000);
	assert_int_equal(p.client->closed, 5);
	assert_int_equal(p.server->opened, 5);
	assert_int_equal(rn_sessions_count(p.server->sessions), 0);
	p.client->on_event = close_at_once;
	p.server->on_event = NULL;
	world_connect(p.client, p.server, "hello");
	pass(&p, 20000);
	assert_int_equal(rn_sessions_count(p.server->sessions) + rn_sessions_count(p.client->sessions), 0);
	world_free(p.world);
}

static void replay_window(void **state)
{
	struct rn_replay r = { 0 };
	uint64_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		assert_true(rn_replay_accept(&r, i * 7));
		assert_false(rn_replay_accept(&r, i * 7));
		assert_int_equal(i >= 1 && rn_replay_accept(&r, i * 7 - 3), i >= 1);
	}
	i = 4999 * 7;
	assert_false(rn_replay_accept(&r, i - RN_REPLAY_WINDOW));
	assert_true(rn_replay_accept(&r, i - 950));
	assert_false(rn_replay_accept(&r, i - 950));
	assert_true(rn_replay_accept(&r, RN_COUNTER_MAX - 1));
	assert_false(rn_replay_accept(&r, RN_COUNTER_MAX));
	assert_false(rn_replay_accept(&r, UINT64_MAX));
	assert_false(rn_replay_accept(&r, i));
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_talks_and_closes),
		cmocka_unit_test(first_contact_takes_four_datagrams),
		cmocka_unit_test(said_while_connecting),
		cmocka_unit_test(refusal),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(wrong_key_is_met_with_silence),
		cmocka_unit_test(idle_stays_open_and_silence_ends_it),
		cmocka_unit_test(survives_a_cut_of_25_seconds),
		cmocka_unit_test(roams),
		cmocka_unit_test(renews_its_keys),
		cmocka_unit_test(a_restarted_responder_is_found_again),
		cmocka_unit_test(a_restarted_initiator_replaces_its_session),
		cmocka_unit_test(full),
		cmocka_unit_test(bounded_queue),
		cmocka_unit_test(callbacks_may_call),
		cmocka_unit_test(replay_window),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
