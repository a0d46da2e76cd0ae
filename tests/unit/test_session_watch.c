// SPDX-License-Identifier: Apache-2.0
/* A session that is watched: when silence is told, when it is not, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "session_world.h"

#define WATCH_MS 400

static struct world_host *client, *server;
static struct {
	unsigned doubts, silences, signs;
	int64_t doubt_ms, silent_ms;
} told;

static void on_event(struct world_host *host, const struct rn_session_event *event)
{
	if (event->type != RN_SESSION_SILENCE)
		return;
	assert_true(event->session == host->last);
	if (event->reason == 0)
		told.signs++;
	else if (event->reason == RN_WATCH_PINGS) {
		told.silences++;
		told.silent_ms = host->world->now_ms;
	} else {
		assert_int_equal(event->reason, 1);
		told.doubts++;
		told.doubt_ms = host->world->now_ms;
	}
}

static struct world *open_world(uint64_t seed, int64_t delay_ms)
{
	struct world *w = world_new(seed);

	w->delay_min_ms = w->delay_max_ms = delay_ms;
	client = world_add(w, 4);
	server = world_add(w, 4);
	client->on_event = on_event;
	world_connect(client, server, "leaf");
	world_run(w, w->now_ms + 5000, NULL);
	assert_int_equal(client->opened, 1);
	told = (typeof(told)){0};
	return w;
}

static void run(struct world *w, int64_t ms)
{
	world_run(w, w->now_ms + ms, NULL);
}

static void a_dead_peer_is_missed_in_time(void **state)
{
	(void)state;
	for (int phase = 0; phase < WATCH_MS; phase += 7) {
		struct world *w = open_world((uint64_t)phase + 1, 5);

		rn_sessions_watch(client->sessions, w->now_ms, client->last, WATCH_MS);
		run(w, 3000 + phase);
		assert_int_equal(told.doubts + told.silences + told.signs, 0);
		w->cut = true;
		int64_t cut = w->now_ms;
		run(w, 1000);
		assert_int_equal(told.doubts, 1);
		assert_int_equal(told.silences, 1);
		assert_true(told.silent_ms - cut <= 710);
		assert_true(told.silent_ms - told.doubt_ms >= 200);
		run(w, 3000);
		assert_int_equal(told.silences, 1);
		w->cut = false;
		run(w, 1000);
		assert_int_equal(told.signs, 1);
		world_free(w);
	}
}

/* A long way is no silence, and costs no doubt once the way is known. */
static void a_long_way_is_no_silence(void **state)
{
	struct world *w = open_world(7, 90); /* 180 ms there and back */

	(void)state;
	rn_sessions_watch(client->sessions, w->now_ms, client->last, WATCH_MS);
	run(w, 60000);
	assert_int_equal(told.silences, 0);
	assert_in_range(told.doubts, 0, 1);
	world_free(w);
}

static void loss_is_mostly_no_silence(void **state)
{
	struct world *w = open_world(9, 5);

	(void)state;
	rn_sessions_watch(client->sessions, w->now_ms, client->last, WATCH_MS);
	w->loss = 5;
	run(w, 600000);
	assert_true(told.doubts > 20);
	assert_in_range(told.silences, 0, 3);
	world_free(w);
}

static void a_probe_is_answered_once(void **state)
{
	struct world *w = open_world(3, 5);

	(void)state;
	rn_sessions_probe(client->sessions, w->now_ms, client->last);
	run(w, 2000);
	assert_int_equal(told.signs, 1);
	w->cut = true;
	rn_sessions_probe(client->sessions, w->now_ms, client->last);
	run(w, 2000);
	assert_int_equal(told.signs, 1);
	assert_int_equal(told.silences, 0);
	world_free(w);
}

static void only_an_initiator_watches(void **state)
{
	struct world *w = open_world(4, 5);
	size_t before;

	(void)state;
	run(w, 15000);
	before = w->datagrams_sent;
	rn_sessions_watch(server->sessions, w->now_ms, server->last, 100);
	rn_sessions_probe(server->sessions, w->now_ms, server->last);
	rn_sessions_watch(client->sessions, w->now_ms, 12345, 100);
	rn_sessions_probe(client->sessions, w->now_ms, 12345);
	run(w, 1000);
	assert_true(w->datagrams_sent - before <= 2);
	world_free(w);
}

/* The figure of docs/mesh.md. */
static void what_it_costs(void **state)
{
	struct world *w = open_world(5, 5);
	size_t bytes = w->bytes_sent, datagrams = w->datagrams_sent;
	double seconds = 600;

	(void)state;
	rn_sessions_watch(client->sessions, w->now_ms, client->last, WATCH_MS);
	run(w, 600000);
	bytes = w->bytes_sent - bytes;
	datagrams = w->datagrams_sent - datagrams;
	printf("watched and idle: %.1f datagrams and %.0f bytes a second with IPv4 and UDP\n", (double)datagrams / seconds,
	       ((double)bytes + 28.0 * (double)datagrams) / seconds);
	assert_in_range(datagrams, 2600, 3100);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_dead_peer_is_missed_in_time), cmocka_unit_test(a_long_way_is_no_silence),
	    cmocka_unit_test(loss_is_mostly_no_silence),     cmocka_unit_test(a_probe_is_answered_once),
	    cmocka_unit_test(only_an_initiator_watches),     cmocka_unit_test(what_it_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
