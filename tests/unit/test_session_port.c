/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that may be at two ports: the first is preferred, the second found where the first is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/wire.h"
#include "session_world.h"

static bool opened(struct world *w)
{
	return w->hosts[0].opened == 1 && w->hosts[1].opened == 1;
}

/* Connects to `first`, with `second` as the other port; the server is at `there`. Milliseconds until it is open, or -1.
 */
static int64_t connects(uint64_t seed, unsigned loss, uint16_t first, uint16_t second, uint16_t there,
			unsigned *ret_sent)
{
	struct world *w = world_new(seed);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	struct rn_endpoint to = server->endpoint;
	int64_t began = w->now_ms, took;
	rn_session_id id;

	w->loss = loss;
	w->keep = true;
	server->endpoint.port = there;
	to.port = first;
	id = rn_sessions_connect(client->sessions, w->now_ms, &to, server->public, (const uint8_t *)"x", 1);
	assert_true(id);
	rn_sessions_alternate(client->sessions, id, second);
	took = world_run(w, began + 60000, opened) ? w->now_ms - began : -1;
	*ret_sent = 0; /* to the second port */
	for (size_t i = 0; i < w->kept_count; i++)
		*ret_sent += w->kept[i].to.port == second;
	world_free(w);
	return took;
}

static void test_the_first_is_preferred(void **state)
{
	unsigned sent;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		int64_t took = connects(seed, 0, 40001, 40002, 40001, &sent);

		assert_true(took >= 0 && took < 500);
		assert_int_equal(sent, 0);
	}
}

static void test_the_second_is_found(void **state)
{
	unsigned sent;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		int64_t took = connects(seed, 0, 40001, 40002, 40002, &sent);

		assert_true(took > 1000 && took < 2500);
	}
}

static void test_neither(void **state)
{
	unsigned sent;

	(void)state;
	assert_int_equal(connects(1, 0, 40001, 40002, 9, &sent), -1);
	assert_true(sent >= 5);
}

/* On a path that loses much either is found, and an answer keeps the handshake where it came from. */
static void test_lossy(void **state)
{
	unsigned sent, failed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		failed += connects(seed, 30, 40001, 40002, 40001, &sent) < 0;
		failed += connects(seed, 30, 40001, 40002, 40002, &sent) < 0;
	}
	assert_true(failed <= 4); /* core tries again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_first_is_preferred),
	    cmocka_unit_test(test_the_second_is_found),
	    cmocka_unit_test(test_neither),
	    cmocka_unit_test(test_lossy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
