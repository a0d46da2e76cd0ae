/* SPDX-License-Identifier: Apache-2.0 */
/* A restarted responder knows none of its sessions: how soon its initiators notice, and what forgers can do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/cookie.h"
#include "proto/wire.h"
#include "session_world.h"

#define HUB_KEEPALIVE_MS 3000
#define CORE_RETRY_MS 300 /* what core waits at most before it connects again the first time */
#define DAY_MS (24 * 3600000ll)

static struct world *opened(uint64_t seed, int64_t keepalive_ms)
{
	struct world *w = world_new(seed);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	rn_session_id id = world_connect(client, server, "hello");

	if (keepalive_ms)
		rn_sessions_keepalive(client->sessions, w->now_ms, id, keepalive_ms);
	world_run(w, w->now_ms + 1000, NULL);
	assert_int_equal(client->opened + server->opened, 2);
	rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"subscribe", 9);
	world_run(w, w->now_ms + 1000, NULL);
	return w;
}

static bool client_closed(struct world *w)
{
	return w->hosts[0].closed > 0;
}

static bool served_again(struct world *w)
{
	return w->hosts[0].opened == 2 && w->hosts[1].messages == 2;
}

/* As core does it: after CLOSED it waits, connects and subscribes. Milliseconds until it is subscribed again. */
static int64_t back_after(struct world *w, int64_t at_most_ms)
{
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	int64_t began = w->now_ms;

	assert_true(world_run(w, began + at_most_ms, client_closed));
	assert_int_equal(client->reason, -ECONNRESET);
	assert_int_equal(server->asked, 1); /* not let in again only to be told that it is not known */
	world_run(w, w->now_ms + CORE_RETRY_MS, NULL);
	world_connect(client, server, "again");
	while (client->opened == 1 && w->now_ms < began + at_most_ms)
		world_run(w, w->now_ms + 10, NULL);
	rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"subscribe", 9);
	assert_true(world_run(w, began + at_most_ms, served_again));
	return w->now_ms - began;
}

static int64_t worst_of(int64_t keepalive_ms, int64_t rtt_ms, int64_t at_most_ms)
{
	int64_t worst = 0, sum = 0;
	unsigned i;

	for (i = 0; i < 100; i++) {
		struct world *w = opened(i + 1, keepalive_ms);
		int64_t ms;

		w->delay_min_ms = w->delay_max_ms = rtt_ms / 2;
		world_run(w, w->now_ms + 60000 + (int64_t)i * (keepalive_ms ? keepalive_ms : RN_KEEPALIVE_MS) / 100, NULL);
		world_restart(&w->hosts[1], 4);
		ms = back_after(w, at_most_ms);
		sum += ms;
		worst = ms > worst ? ms : worst;
		world_free(w);
	}
	print_message("keepalive %lld ms, round trip %lld ms: subscribed again after %lld ms on average, %lld at worst\n",
		      (long long)(keepalive_ms ? keepalive_ms : RN_KEEPALIVE_MS), (long long)rtt_ms, (long long)sum / 100,
		      (long long)worst);
	return worst;
}

static void a_restart_is_noticed(void **state)
{
	(void)state;
	assert_true(worst_of(HUB_KEEPALIVE_MS, 20, 10000) <= 4200);
	worst_of(HUB_KEEPALIVE_MS, 200, 10000);
	assert_true(worst_of(0, 20, 20000) <= RN_KEEPALIVE_MS + 1200);
}

/* Who has something to say does not wait for the keepalive. */
static void a_restart_is_noticed_sooner_with_data_under_way(void **state)
{
	struct world *w = opened(1, 0);
	struct world_host *client = &w->hosts[0];

	(void)state;
	world_restart(&w->hosts[1], 4);
	rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"request", 7);
	assert_true(world_run(w, w->now_ms + 1000, client_closed));
	assert_int_equal(client->reason, -ECONNRESET);
	assert_int_equal(w->hosts[1].messages, 1);
	world_free(w);
}

/* The responder is away for a while: it is asked every second or so, and found when it is back. */
static void a_slow_restart_is_noticed(void **state)
{
	struct world *w = opened(2, HUB_KEEPALIVE_MS);

	(void)state;
	w->cut = true;
	world_run(w, w->now_ms + 12000, NULL);
	assert_int_equal(w->hosts[0].closed, 0);
	world_restart(&w->hosts[1], 4);
	w->cut = false;
	assert_true(back_after(w, 10000) <= 1800);
	world_free(w);
}

static void noticed_on_a_lossy_path(void **state)
{
	int64_t worst = 0;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		struct world *w = opened(seed, HUB_KEEPALIVE_MS);
		int64_t began;

		w->loss = 20;
		w->delay_max_ms = 60;
		world_run(w, w->now_ms + 20000 + (int64_t)seed * 30, NULL);
		world_restart(&w->hosts[1], 4);
		began = w->now_ms;
		assert_true(world_run(w, began + RN_DEAD_MS, client_closed));
		assert_int_equal(w->hosts[0].reason, -ECONNRESET);
		worst = w->now_ms - began > worst ? w->now_ms - began : worst;
		world_free(w);
	}
	print_message("20 %% loss: noticed after %lld ms at worst\n", (long long)worst);
}

/* Lost answers make it ask, and whoever knows the session says so: no handshake comes of it. */
static void no_handshake_while_the_session_is_known(void **state)
{
	struct world *w = opened(3, HUB_KEEPALIVE_MS);
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	unsigned i;

	(void)state;
	w->loss = 30;
	w->delay_max_ms = 60;
	for (i = 0; i < 590; i++) {
		rn_sessions_send(i % 2 ? client->sessions : server->sessions, w->now_ms, i % 2 ? client->last : server->last,
				 (const uint8_t *)"x", 1);
		world_run(w, w->now_ms + 6000, NULL);
	}
	assert_int_equal(client->closed + server->closed, 0);
	assert_int_equal(server->asked, 1);
	assert_int_equal(client->messages + server->messages, 591);
	world_free(w);
}

/* Both of a session's CLOSEs are lost: it is not known any more, and so found out. */
static void a_close_that_was_lost(void **state)
{
	struct world *w = opened(4, HUB_KEEPALIVE_MS);

	(void)state;
	w->cut = true;
	rn_sessions_close(w->hosts[1].sessions, w->now_ms, w->hosts[1].last);
	w->cut = false;
	assert_true(world_run(w, w->now_ms + HUB_KEEPALIVE_MS + 1000, client_closed));
	world_free(w);
}

/* Forgers. The client's side of the world is as usual; what the server would get is only kept. */

static const struct world_packet *last_of(const struct world *w, uint8_t type)
{
	size_t i = w->kept_count;

	while (i-- > 0)
		if (w->kept[i].data[3] == type)
			return &w->kept[i];
	return NULL;
}

static unsigned count_of(const struct world *w, uint8_t type)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < w->kept_count; i++)
		n += w->kept[i].data[3] == type;
	return n;
}

/* The answer of one who has seen the request and knows the responder's public key. */
static void forge_unknown(const struct world_host *server, const struct world_packet *request, uint8_t *out)
{
	uint8_t bound[RN_COOKIE_BOUND_MAX], cookie[RN_COOKIE_SIZE] = { 7 };
	struct rn_cookie_keys keys;

	rn_cookie_keys(server->public, &keys);
	memcpy(out, request->data, 8);
	out[3] = RN_WIRE_UNKNOWN;
	world_random_bytes(out + 8, RN_COOKIE_NONCE);
	memcpy(bound, request->data + request->size - RN_MAC_SIZE, RN_MAC_SIZE);
	memcpy(bound + RN_MAC_SIZE, request->data + 8 + RN_COOKIE_REQUEST_RANDOM, 4);
	rn_xaead_seal(keys.cookie, out + 8, bound, sizeof(bound), cookie, sizeof(cookie), out + 8 + RN_COOKIE_NONCE);
}

static void advance_until(struct world *w, uint8_t type, unsigned count)
{
	int64_t give_up = w->now_ms + 20000;

	while (count_of(w, type) < count && w->now_ms < give_up)
		world_run(w, w->now_ms + 10, NULL);
	assert_int_equal(count_of(w, type), count);
}

/* Only the exact answer to the latest request counts, and it makes one initiation. */
static void a_forged_hint(void **state)
{
	struct world *w = opened(5, HUB_KEEPALIVE_MS);
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	uint8_t old[RN_COOKIE_DATAGRAM_SIZE], data[RN_COOKIE_DATAGRAM_SIZE];
	unsigned bit, i;

	(void)state;
	w->keep = w->cut = true;
	advance_until(w, RN_WIRE_COOKIE_REQUEST, 1);
	forge_unknown(server, last_of(w, RN_WIRE_COOKIE_REQUEST), old);
	advance_until(w, RN_WIRE_COOKIE_REQUEST, 2);
	world_inject(client, &server->endpoint, old, sizeof(old));
	forge_unknown(server, last_of(w, RN_WIRE_COOKIE_REQUEST), data);
	for (bit = 0; bit < 8 * sizeof(data); bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		world_inject(client, &server->endpoint, data, sizeof(data));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(count_of(w, RN_WIRE_INITIATION), 0);
	for (i = 0; i < 20; i++)
		world_inject(client, &server->endpoint, data, sizeof(data));
	assert_int_equal(count_of(w, RN_WIRE_INITIATION), 1);
	assert_int_equal(client->closed, 0);
	/* The session is as it was: the next authentic datagram ends the suspicion. */
	w->cut = false;
	world_run(w, w->now_ms + 20000, NULL);
	assert_int_equal(client->closed + server->closed, 0);
	assert_int_equal(rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"x", 1), 0);
	world_run(w, w->now_ms + 1000, NULL);
	assert_int_equal(server->messages, 2);
	for (i = 0; i < 20; i++)
		world_inject(client, &server->endpoint, data, sizeof(data));
	assert_int_equal(client->closed + server->closed, 0);
	world_free(w);
}

/* One on the path who drops what the responder says under keys and forges hints: at most a handshake a second. */
static void a_forger_on_the_path(void **state)
{
	struct world *w = opened(6, HUB_KEEPALIVE_MS);
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	uint8_t data[RN_COOKIE_DATAGRAM_SIZE];
	unsigned requests = 0;
	int64_t began = w->now_ms;

	(void)state;
	w->keep = w->cut = true;
	while (!client->closed && w->now_ms < began + 60000) {
		world_run(w, w->now_ms + 10, NULL);
		if (count_of(w, RN_WIRE_COOKIE_REQUEST) == requests)
			continue;
		requests = count_of(w, RN_WIRE_COOKIE_REQUEST);
		forge_unknown(server, last_of(w, RN_WIRE_COOKIE_REQUEST), data);
		world_inject(client, &server->endpoint, data, sizeof(data));
	}
	assert_true(requests >= 1);
	assert_true(count_of(w, RN_WIRE_INITIATION) <= RN_DEAD_MS / 1000);
	assert_int_equal(client->reason, -ETIMEDOUT); /* not before nobody was heard for RN_DEAD_MS */
	assert_true(w->now_ms - began >= RN_DEAD_MS - 1000 - HUB_KEEPALIVE_MS);
	world_free(w);
}

/* A hint without a question, recorded from a real restart. */
static void a_hint_that_nobody_asked_for(void **state)
{
	struct world *w = opened(7, HUB_KEEPALIVE_MS);
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	const struct world_packet *hint;
	size_t sent;

	(void)state;
	w->keep = true;
	world_restart(server, 4);
	back_after(w, 10000);
	w->keep = false;
	world_run(w, w->now_ms + 1000, NULL);
	hint = last_of(w, RN_WIRE_UNKNOWN);
	assert_non_null(hint);
	assert_int_equal(hint->size, RN_COOKIE_DATAGRAM_SIZE);
	assert_true(hint->size <= last_of(w, RN_WIRE_COOKIE_REQUEST)->size);
	sent = w->datagrams_sent;
	world_inject(client, &hint->from, hint->data, hint->size);
	world_inject(server, &hint->from, hint->data, hint->size);
	assert_int_equal(w->datagrams_sent, sent);
	assert_int_equal(client->closed, 1);
	world_free(w);
}

/* Datagrams of sessions that are not known are met with silence: only a good mac1 gets an answer. */
static void strangers_learn_nothing(void **state)
{
	struct world *w = opened(8, HUB_KEEPALIVE_MS);
	struct world_host *server = &w->hosts[1];
	struct rn_endpoint from = { rn_addr_from_v4(0xcb007105), 4000 };
	const struct world_packet *request;
	size_t sent, i;

	(void)state;
	w->keep = true;
	world_restart(server, 4);
	back_after(w, 10000);
	w->keep = false;
	world_restart(server, 4);
	request = NULL;
	for (i = 0; i < w->kept_count && !request; i++)
		if (w->kept[i].data[3] == RN_WIRE_COOKIE_REQUEST)
			request = &w->kept[i];
	assert_non_null(request);
	sent = w->datagrams_sent;
	for (i = 0; i < w->kept_count; i++)
		if (w->kept[i].data[3] == RN_WIRE_TRANSPORT)
			world_inject(server, &from, w->kept[i].data, w->kept[i].size);
	request->data[8 + RN_COOKIE_REQUEST_RANDOM] ^= 1; /* the index without a mac1 for it */
	world_inject(server, &from, request->data, request->size);
	assert_int_equal(w->datagrams_sent, sent);
	request->data[8 + RN_COOKIE_REQUEST_RANDOM] ^= 1;
	world_inject(server, &from, request->data, request->size);
	assert_int_equal(w->datagrams_sent, sent + 1);
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	world_free(w);
}

static void what_idling_costs(void **state)
{
	static const int64_t keepalives[] = { HUB_KEEPALIVE_MS, RN_KEEPALIVE_MS };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct world *w = opened(9, keepalives[i]);
		size_t bytes = w->bytes_sent, datagrams = w->datagrams_sent, pings = (size_t)(DAY_MS / keepalives[i]);

		world_run(w, w->now_ms + DAY_MS, NULL);
		bytes = w->bytes_sent - bytes;
		datagrams = w->datagrams_sent - datagrams;
		print_message("keepalive %lld ms: %zu datagrams a day, %zu bytes, with IPv4 and UDP %zu\n",
			      (long long)keepalives[i], datagrams, bytes, bytes + 28 * datagrams);
		assert_true(datagrams <= 2 * pings + 24 * 10);
		assert_int_equal(w->hosts[0].closed + w->hosts[1].closed, 0);
		world_free(w);
	}
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_is_noticed),
		cmocka_unit_test(a_restart_is_noticed_sooner_with_data_under_way),
		cmocka_unit_test(a_slow_restart_is_noticed),
		cmocka_unit_test(noticed_on_a_lossy_path),
		cmocka_unit_test(no_handshake_while_the_session_is_known),
		cmocka_unit_test(a_close_that_was_lost),
		cmocka_unit_test(a_forged_hint),
		cmocka_unit_test(a_forger_on_the_path),
		cmocka_unit_test(a_hint_that_nobody_asked_for),
		cmocka_unit_test(strangers_learn_nothing),
		cmocka_unit_test(what_idling_costs),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
