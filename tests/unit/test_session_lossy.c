/* SPDX-License-Identifier: Apache-2.0 */
/* 1,000 seeded sessions over a network that loses 30 %, repeats and reorders: each message once, in order, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_world.h"

#define SEEDS 1000
#define MESSAGES 24
#define STORM 200
#define MESSAGE_HEAD 5

struct stream { /* what one side sends and expects */
	unsigned sent, received, target;
	uint8_t peer_mark;
	bool wrong;
};

/* Sizes from nothing but the number and a mark up to the largest; both ends compute the same. */
static size_t size_of(uint8_t mark, unsigned number)
{
	uint32_t h = (number * 2654435761u) ^ (mark * 40503u);

	if (number % 8 == 7)
		return RN_MESSAGE_MAX - h % 3;
	return MESSAGE_HEAD + h % (number % 3 == 0 ? 40 : 3000);
}

static void fill(uint8_t *out, uint8_t mark, unsigned number, size_t size)
{
	size_t i;

	memset(out, 0, MESSAGE_HEAD);
	memcpy(out, &number, 4);
	out[4] = mark;
	for (i = MESSAGE_HEAD; i < size; i++)
		out[i] = (uint8_t)(i * 31 + number + mark);
}

static void pump(struct world_host *host, uint8_t mark)
{
	static uint8_t message[RN_MESSAGE_MAX];
	struct stream *stream = host->user;

	while (stream->sent < stream->target) {
		size_t size = size_of(mark, stream->sent);

		fill(message, mark, stream->sent, size);
		if (rn_sessions_send(host->sessions, host->world->now_ms, host->last, message, size))
			return;
		stream->sent++;
	}
}

static void check(struct stream *stream, const uint8_t *data, size_t size)
{
	static uint8_t expected[RN_MESSAGE_MAX];
	size_t expected_size = size_of(stream->peer_mark, stream->received);

	fill(expected, stream->peer_mark, stream->received, expected_size);
	if (size != expected_size || memcmp(data, expected, size) != 0)
		stream->wrong = true;
	stream->received++;
}

static void on_event(struct world_host *host, const struct rn_session_event *event)
{
	uint8_t mark = host == &host->world->hosts[0] ? 1 : 2;

	if (event->type == RN_SESSION_OPEN || event->type == RN_SESSION_WRITABLE)
		pump(host, mark);
	else if (event->type == RN_SESSION_MESSAGE)
		check(host->user, event->data, event->size);
}

static bool both_done(struct world *w)
{
	const struct stream *a = w->hosts[0].user, *b = w->hosts[1].user;

	return (a->received >= a->target && b->received >= b->target) || w->hosts[0].closed || w->hosts[1].closed;
}

static bool one_session(uint64_t seed)
{
	struct stream a = { .target = MESSAGES, .peer_mark = 2 }, b = { .target = MESSAGES, .peer_mark = 1 };
	struct world *w = world_new(seed);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	bool good;

	w->loss = 30;
	w->repeat = 10;
	w->delay_min_ms = 1;
	w->delay_max_ms = 120;
	client->user = &a;
	server->user = &b;
	client->on_event = server->on_event = on_event;
	world_connect(client, server, "hello");
	good = world_run(w, 600000, both_done);
	/* Longer, so that late repetitions come too. */
	world_run(w, w->now_ms + 5000, NULL);
	good = good && !a.wrong && !b.wrong && a.received == MESSAGES && b.received == MESSAGES &&
	       client->opened == 1 && server->opened == 1 && client->closed == 0 && server->closed == 0;
	if (!good)
		print_error("seed %llu: received %u and %u of %u, wrong %d %d, opened %u %u, closed %u %u (%d %d), "
			    "%lld ms\n",
			    (unsigned long long)seed, a.received, b.received, MESSAGES, a.wrong, b.wrong,
			    client->opened, server->opened, client->closed, server->closed, client->reason,
			    server->reason, (long long)w->now_ms);
	world_free(w);
	return good;
}

static void thousand_sessions(void **state)
{
	const char *only = getenv("SEED");
	uint64_t seed;
	unsigned bad = 0;

	(void)state;
	if (only) {
		assert_true(one_session(strtoull(only, NULL, 10)));
		return;
	}
	for (seed = 1; seed <= SEEDS; seed++)
		bad += !one_session(seed);
	assert_int_equal(bad, 0);
}

/* Many at once at one endpoint: every client is admitted, and its message comes back. */
static void echo(struct world_host *host, const struct rn_session_event *event)
{
	bool server = host == &host->world->hosts[0];

	if (!server && event->type == RN_SESSION_OPEN)
		assert_int_equal(
			rn_sessions_send(host->sessions, host->world->now_ms, event->session, host->public, 32), 0);
	if (event->type != RN_SESSION_MESSAGE)
		return;
	assert_int_equal(event->size, 32);
	if (server)
		assert_int_equal(rn_sessions_send(host->sessions, host->world->now_ms, event->session, event->data, 32),
				 0);
	else
		assert_memory_equal(event->data, host->public, 32);
}

static bool all_echoed(struct world *w)
{
	size_t i;

	for (i = 1; i < w->host_count; i++)
		if (w->hosts[i].messages != 1)
			return false;
	return true;
}

static void storm(void **state)
{
	struct world *w = world_new(7);
	struct world_host *server = world_add(w, STORM);
	unsigned i;

	(void)state;
	w->loss = 10;
	w->delay_max_ms = 80;
	server->on_event = echo;
	for (i = 0; i < STORM; i++) {
		struct world_host *client = world_add(w, 1);

		client->on_event = echo;
		assert_true(world_connect(client, server, "") != 0);
	}
	assert_true(world_run(w, 60000, all_echoed));
	assert_int_equal(server->messages, STORM);
	assert_int_equal(rn_sessions_count(server->sessions), STORM);
	world_free(w);
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousand_sessions),
		cmocka_unit_test(storm),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
