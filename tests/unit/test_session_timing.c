/* SPDX-License-Identifier: Apache-2.0 */
/* Each timer of docs/protocol.md to the millisecond: not before its time, and at it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire.h"
#include "session_world.h"

#define DELAY 10 /* of the network, one way */

struct pair {
	struct world *w;
	struct world_host *client, *server;
	rn_session_id id; /* at the client */
};

static struct pair make_pair(uint64_t seed)
{
	struct pair p = {.w = world_new(seed)};

	p.client = world_add(p.w, 4);
	p.server = world_add(p.w, 4);
	p.w->keep = true;
	p.id = world_connect(p.client, p.server, "hello");
	assert_true(p.id != 0);
	return p;
}

static void pass(struct pair *p, int64_t ms)
{
	world_run(p->w, p->w->now_ms + ms, NULL);
}

static void forget_kept(struct world *w)
{
	while (w->kept_count > 0)
		free(w->kept[--w->kept_count].data);
}

/* Open, and each has heard the other; nothing is kept yet. */
static struct pair make_open(uint64_t seed)
{
	struct pair p = make_pair(seed);

	pass(&p, 1000);
	assert_int_equal(p.client->opened + p.server->opened, 2);
	forget_kept(p.w);
	return p;
}

static void say(struct world_host *host, const char *text)
{
	assert_int_equal(
	    rn_sessions_send(host->sessions, host->world->now_ms, host->last, (const uint8_t *)text, strlen(text)), 0);
}

/* When the n-th datagram of a type that the host sent was sent; -1: there is none. */
static int64_t sent_at(const struct world_host *host, uint8_t type, unsigned n)
{
	const struct world *w = host->world;
	size_t i;

	for (i = 0; i < w->kept_count; i++)
		if (w->kept[i].data[3] == type && w->kept[i].from.addr.b[14] == host->endpoint.addr.b[14] && n-- == 0)
			return w->kept[i].at_ms;
	return -1;
}

static unsigned count_of(const struct world_host *host, uint8_t type)
{
	unsigned n = 0;

	while (sent_at(host, type, n) >= 0)
		n++;
	return n;
}

/* 0.5 s, 1 s, then 2 s, each with up to a quarter more by chance; 40 s. */
static void tries_again(void **state)
{
	int64_t most[3] = {0}, wait;
	uint64_t seed;
	unsigned i;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		struct pair p = make_pair(seed);
		int64_t began = p.w->now_ms;

		p.w->cut = true;
		pass(&p, RN_HANDSHAKE_GIVE_UP_MS - 1);
		assert_int_equal(p.client->closed, 0);
		pass(&p, 1);
		assert_int_equal(p.client->reason, -ETIMEDOUT);
		assert_int_equal(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 0), began);
		for (i = 1; i < count_of(p.client, RN_WIRE_COOKIE_REQUEST); i++) {
			int64_t gap = sent_at(p.client, RN_WIRE_COOKIE_REQUEST, i) -
				      sent_at(p.client, RN_WIRE_COOKIE_REQUEST, i - 1);

			wait = i < 3 ? 250 << i : 2000;
			assert_in_range(gap, wait, wait + wait / 4 - 1);
			if (gap - wait > most[i < 3 ? i - 1 : 2])
				most[i < 3 ? i - 1 : 2] = gap - wait;
		}
		assert_in_range(i, 17, 22);
		world_free(p.w);
	}
	assert_in_range(most[0], 110, 124);
	assert_in_range(most[1], 220, 249);
	assert_in_range(most[2], 480, 499);
}

/* An initiation without an answer is repeated as a request is, with one cookie for all of them. */
static void initiations_again(void **state)
{
	struct pair p = make_pair(1);

	(void)state;
	p.server->endpoint.port++; /* what comes back is as before, what goes there is lost */
	pass(&p, 5);
	p.server->endpoint.port--;
	world_inject(p.server, &p.client->endpoint, p.w->kept[0].data, p.w->kept[0].size);
	pass(&p, DELAY);
	p.w->cut = true;
	pass(&p, 10000);
	assert_int_equal(count_of(p.client, RN_WIRE_COOKIE_REQUEST), 1);
	assert_true(count_of(p.client, RN_WIRE_INITIATION) >= 4);
	assert_in_range(sent_at(p.client, RN_WIRE_INITIATION, 1) - sent_at(p.client, RN_WIRE_INITIATION, 0), 1000,
			1249);
	world_free(p.w);
}

/* A response arrives whose sender is not yet believed; the initiator is never heard of again. */
static void half_open_for_ten_seconds(void **state)
{
	struct pair p = make_pair(2);
	int64_t born;

	(void)state;
	while (p.server->asked == 0)
		pass(&p, 1);
	p.w->cut = true;
	born = sent_at(p.server, RN_WIRE_RESPONSE, 0);
	rn_sessions_close(p.client->sessions, p.w->now_ms, p.id);
	world_run(p.w, born + RN_HALF_OPEN_MS - 1, NULL);
	assert_int_equal(rn_sessions_count(p.server->sessions), 1);
	pass(&p, 1);
	assert_int_equal(rn_sessions_count(p.server->sessions), 0);
	assert_int_equal(p.server->opened + p.server->closed, 0); /* nobody was told of it */
	world_free(p.w);
}

/* sessions_max / 4 + 64 half-open ones. The next one waits until the oldest had a second, and then takes its place. */
static void half_open_room(void **state)
{
	struct world *w = world_new(3);
	struct world_host *server = world_add(w, 8), *clients[67];
	const unsigned room = 8 / 4 + RN_HALF_OPEN_MIN;
	unsigned i;

	(void)state;
	for (i = 0; i <= room; i++) {
		clients[i] = world_add(w, 1);
		world_connect(clients[i], server, "");
		while (server->asked <= i)
			world_run(w, w->now_ms + 1, NULL);
		clients[i]->endpoint.port++; /* the answer does not reach it */
		rn_sessions_free(clients[i]->sessions);
		clients[i]->sessions = NULL;
		world_restart(clients[i], 1);
		assert_int_equal(rn_sessions_count(server->sessions), i < room ? i + 1 : room);
	}
	world_free(w);
}

static int64_t ping_gap(int64_t keepalive_ms)
{
	struct pair p = make_pair(4);
	int64_t gap;

	rn_sessions_keepalive(p.client->sessions, p.w->now_ms, p.id, keepalive_ms);
	pass(&p, 30000);
	forget_kept(p.w);
	pass(&p, 30000);
	gap = sent_at(p.client, RN_WIRE_TRANSPORT, 1) - sent_at(p.client, RN_WIRE_TRANSPORT, 0);
	assert_int_equal(sent_at(p.client, RN_WIRE_TRANSPORT, 2) - sent_at(p.client, RN_WIRE_TRANSPORT, 1), gap);
	assert_int_equal(sent_at(p.server, RN_WIRE_TRANSPORT, 1) - sent_at(p.server, RN_WIRE_TRANSPORT, 0), gap);
	assert_in_range(count_of(p.client, RN_WIRE_TRANSPORT), 30000 / gap, 30000 / gap + 1);
	world_free(p.w);
	return gap;
}

/* What a hub asks for, within 1 and 10 s; a responder only answers. */
static void keepalive(void **state)
{
	(void)state;
	assert_int_equal(ping_gap(3000), 3000);
	assert_int_equal(ping_gap(1001), 1001);
	assert_int_equal(ping_gap(1000), 1000);
	assert_int_equal(ping_gap(999), 1000);
	assert_int_equal(ping_gap(0), 1000);
	assert_int_equal(ping_gap(9999), 9999);
	assert_int_equal(ping_gap(10001), 10000);
	assert_int_equal(ping_gap(INT64_MAX), 10000);
}

/* The responder hears nothing: it asks after 12 s, then every 2 s, and ends it after 30 s. */
static void silence_at_the_responder(void **state)
{
	struct pair p = make_open(5);
	int64_t heard;
	unsigned i;

	(void)state;
	pass(&p, 20000);
	heard = sent_at(p.client, RN_WIRE_TRANSPORT, count_of(p.client, RN_WIRE_TRANSPORT) - 1) + DELAY;
	p.w->cut = true;
	forget_kept(p.w);
	world_run(p.w, heard + RN_DEAD_MS - 1, NULL);
	assert_int_equal(p.server->closed, 0);
	for (i = 0; i < 9; i++)
		assert_int_equal(sent_at(p.server, RN_WIRE_TRANSPORT, i), heard + RN_PROBE_AFTER_MS + i * RN_PROBE_MS);
	assert_int_equal(count_of(p.server, RN_WIRE_TRANSPORT), 9);
	pass(&p, 1);
	assert_int_equal(p.server->reason, -ETIMEDOUT);
	world_free(p.w);
}

/*
 * The initiator's ping is not answered within 500 ms, or the retransmission timeout, which is a second before anything
 * was measured: it asks whether the session is known, with a ping before it, and again every 1 to 1.25 s until 30 s
 * after it last heard the responder.
 */
static void silence(bool measured, int64_t patience)
{
	struct pair p = make_open(6);
	int64_t heard, ping;
	unsigned i;

	if (measured)
		say(p.client, "x");
	pass(&p, 25000);
	heard = sent_at(p.server, RN_WIRE_TRANSPORT, count_of(p.server, RN_WIRE_TRANSPORT) - 1) + DELAY;
	ping = sent_at(p.client, RN_WIRE_TRANSPORT, count_of(p.client, RN_WIRE_TRANSPORT) - 1) + RN_KEEPALIVE_MS;
	p.w->cut = true;
	forget_kept(p.w);
	world_run(p.w, heard + RN_DEAD_MS - 1, NULL);
	assert_int_equal(p.client->closed, 0);
	assert_int_equal(sent_at(p.client, RN_WIRE_TRANSPORT, 0), ping);
	assert_int_equal(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 0), ping + patience);
	assert_int_equal(sent_at(p.client, RN_WIRE_TRANSPORT, 1), ping + patience);
	assert_in_range(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 1), ping + patience + 500, ping + patience + 624);
	for (i = 2; i < count_of(p.client, RN_WIRE_COOKIE_REQUEST); i++)
		assert_in_range(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, i) -
				    sent_at(p.client, RN_WIRE_COOKIE_REQUEST, i - 1),
				1000, 1249);
	assert_in_range(i, 14, 20);
	pass(&p, 1);
	assert_int_equal(p.client->reason, -ETIMEDOUT);
	world_free(p.w);
}

static void silence_at_the_initiator(void **state)
{
	(void)state;
	silence(false, RN_RTO_FIRST_MS);
	silence(true, RN_SUSPECT_MS);
}

/* Where the retransmission timeout is longer than 500 ms, an answer may take as long. */
static void a_slow_path_is_no_suspicion(void **state)
{
	struct pair p = make_pair(7);
	int64_t said;
	int i;

	(void)state;
	p.w->delay_min_ms = p.w->delay_max_ms = 400;
	pass(&p, 5000);
	for (i = 0; i < 60; i++) {
		say(p.client, "x");
		pass(&p, 2000);
	}
	forget_kept(p.w);
	p.w->cut = true;
	said = p.w->now_ms;
	say(p.client, "y");
	pass(&p, 3000);
	assert_in_range(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 0) - said, 801, 900);
	assert_int_equal(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 0), sent_at(p.client, RN_WIRE_TRANSPORT, 1));
	world_free(p.w);
}

/* Closed with something under way: 5 s for it, then two CLOSEs. */
static void lingers(void **state)
{
	struct pair p = make_open(8);
	int64_t closed = p.w->now_ms;
	unsigned count;

	(void)state;
	p.w->cut = true;
	say(p.client, "last words");
	rn_sessions_close(p.client->sessions, closed, p.client->last);
	rn_sessions_close(p.client->sessions, closed + 1, p.client->last); /* says nothing new */
	pass(&p, RN_LINGER_MS - 1);
	assert_int_equal(rn_sessions_count(p.client->sessions), 1);
	count = count_of(p.client, RN_WIRE_TRANSPORT);
	pass(&p, 1);
	assert_int_equal(rn_sessions_count(p.client->sessions), 0);
	assert_int_equal(count_of(p.client, RN_WIRE_TRANSPORT), count + 2);
	assert_int_equal(sent_at(p.client, RN_WIRE_TRANSPORT, count + 1), closed + RN_LINGER_MS);
	assert_int_equal(p.client->closed, 0); /* it was not the peer who ended it */
	world_free(p.w);
}

/* An hour after the handshake; old keys are good for 30 s more, for what is under way. */
static void renews(void **state)
{
	struct pair p = make_pair(9);
	int64_t rekeyed;
	unsigned held;
	int i;

	(void)state;
	pass(&p, 1000);
	assert_int_equal(p.client->opened + p.server->opened, 2);
	rekeyed = sent_at(p.server, RN_WIRE_RESPONSE, 0) + DELAY;
	forget_kept(p.w);
	world_run(p.w, rekeyed + RN_REKEY_MS - 1, NULL);
	assert_int_equal(count_of(p.client, RN_WIRE_COOKIE_REQUEST), 0);
	forget_kept(p.w);
	p.w->cut = true;
	for (i = 0; i < 3; i++)
		say(p.client, "held back");
	p.w->cut = false;
	held = count_of(p.client, RN_WIRE_TRANSPORT);
	assert_int_equal(held, 3);
	pass(&p, 1);
	assert_int_equal(sent_at(p.client, RN_WIRE_COOKIE_REQUEST, 0), rekeyed + RN_REKEY_MS);
	while (p.server->asked == 1)
		pass(&p, 1);
	pass(&p, 3 * DELAY);
	rekeyed = p.w->now_ms; /* the responder's: at the first datagram under the new keys */
	p.w->cut = true;
	for (i = 0; i < 2; i++) {
		unsigned before = rn_sessions_count(p.server->sessions);
		size_t sent = p.w->datagrams_sent;

		world_inject(p.server, &p.client->endpoint, p.w->kept[2 - i].data, p.w->kept[2 - i].size);
		world_run(p.w, p.w->now_ms + 1, NULL);
		assert_int_equal(before, 1);
		assert_int_equal(p.w->datagrams_sent > sent, i == 0); /* it is acknowledged, or it is nothing */
		if (i == 0)
			world_run(p.w, rekeyed + RN_PREVIOUS_KEY_MS - 2, NULL);
		p.w->cut = true;
	}
	world_free(p.w);
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tries_again),
	    cmocka_unit_test(initiations_again),
	    cmocka_unit_test(half_open_for_ten_seconds),
	    cmocka_unit_test(half_open_room),
	    cmocka_unit_test(keepalive),
	    cmocka_unit_test(silence_at_the_responder),
	    cmocka_unit_test(silence_at_the_initiator),
	    cmocka_unit_test(a_slow_path_is_no_suspicion),
	    cmocka_unit_test(lingers),
	    cmocka_unit_test(renews),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
