/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers, scanners and whoever recorded the traffic can do to an endpoint: nothing, and never cheaply for us.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proto/cookie.h"
#include "proto/noise.h"
#include "proto/wire.h"
#include "session_world.h"

#define MUTANTS 100000
#define NOISE 100000

static bool both_open(struct world *w)
{
	return w->hosts[0].opened && w->hosts[1].opened;
}

static struct world *talked(uint64_t seed)
{
	struct world *w = world_new(seed);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	uint8_t message[3000] = { 1 };
	int i;

	w->keep = true;
	world_connect(client, server, "hello");
	assert_true(world_run(w, 5000, both_open));
	for (i = 0; i < 5; i++) {
		rn_sessions_send(client->sessions, w->now_ms, client->last, message, sizeof(message));
		rn_sessions_send(server->sessions, w->now_ms, server->last, message, 20);
		world_run(w, w->now_ms + 3000, NULL);
	}
	world_run(w, w->now_ms + 15000, NULL);
	w->keep = false;
	assert_int_equal(client->messages, 5);
	assert_int_equal(server->messages, 5);
	return w;
}

static struct rn_endpoint stranger(unsigned n)
{
	return (struct rn_endpoint){ rn_addr_from_v4(0xcb007100 + n % 200), (uint16_t)(1024 + n % 60000) };
}

/* Gives the host a datagram; fails where the answers are larger. Returns the answers' bytes. */
static size_t poke(struct world_host *host, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	size_t before = host->world->bytes_sent;

	world_inject(host, from, data, size);
	assert_true(host->world->bytes_sent - before <= size);
	return host->world->bytes_sent - before;
}

/* A cookie of our own, as anybody may have who knows the server's public key. */
static void get_cookie(struct world_host *server, const struct rn_endpoint *self, uint8_t ret[RN_COOKIE_SIZE])
{
	struct world *w = server->world;
	uint8_t request[RN_COOKIE_REQUEST_SIZE] = { 'R', 'N', '1', RN_WIRE_COOKIE_REQUEST, 9 };
	uint8_t *mac1 = request + sizeof(request) - RN_MAC_SIZE;
	const uint8_t *answer;
	struct rn_cookie_keys keys;

	rn_cookie_keys(server->public, &keys);
	rn_mac(keys.mac1, RN_KEY_SIZE, request, sizeof(request) - RN_MAC_SIZE, mac1);
	w->keep = true;
	assert_int_equal(poke(server, self, request, sizeof(request)), RN_COOKIE_DATAGRAM_SIZE);
	w->keep = false;
	answer = w->kept[w->kept_count - 1].data;
	assert_int_equal(rn_xaead_open(keys.cookie, answer + 8, mac1, RN_MAC_SIZE, answer + 8 + RN_COOKIE_NONCE,
				       RN_COOKIE_SIZE + RN_TAG_SIZE, ret),
			 0);
}

/* Makes the macs of a changed datagram right again; cookie may be NULL. */
static void fix_macs(const struct world_host *server, uint8_t *data, size_t size, const uint8_t *cookie)
{
	bool initiation = size == RN_INITIATION_SIZE && data[3] == RN_WIRE_INITIATION;
	size_t tail = initiation ? 2 * RN_MAC_SIZE : RN_MAC_SIZE;
	struct rn_cookie_keys keys;

	if (size < tail)
		return;
	rn_cookie_keys(server->public, &keys);
	rn_mac(keys.mac1, RN_KEY_SIZE, data, size - tail, data + size - tail);
	if (initiation && cookie)
		rn_mac(cookie, RN_COOKIE_SIZE, data, size - RN_MAC_SIZE, data + size - RN_MAC_SIZE);
}

static void every_truncation(void **state)
{
	struct world *w = talked(1);
	struct world_host *server = &w->hosts[1];
	struct rn_endpoint from = stranger(0);
	uint8_t data[RN_DATAGRAM_MAX];
	size_t i, size;

	(void)state;
	world_restart(server, 4);
	for (i = 0; i < w->kept_count; i++) {
		const struct world_packet *p = &w->kept[i];

		for (size = 0; size <= p->size; size++) {
			memcpy(data, p->data, size);
			poke(server, &from, data, size);
			fix_macs(server, data, size, NULL);
			poke(server, &from, data, size);
		}
	}
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	assert_int_equal(server->asked, 1);
	world_free(w);
}

static void mutate(uint8_t *data, size_t size)
{
	unsigned n = 1 + world_random() % 4;

	while (n-- > 0)
		data[world_random() % size] ^= (uint8_t)(1 << world_random() % 8);
}

static void mutants(void **state)
{
	struct world *w = talked(2);
	struct world_host *server = &w->hosts[1];
	uint8_t data[RN_DATAGRAM_MAX], cookies[200][RN_COOKIE_SIZE];
	size_t kept = w->kept_count, in = 0, out = 0;
	unsigned i;

	(void)state;
	world_restart(server, 4);
	for (i = 0; i < 200; i++) {
		struct rn_endpoint from = stranger(i);

		get_cookie(server, &from, cookies[i]);
	}
	for (i = 0; i < MUTANTS; i++) {
		unsigned who = i % 200; /* the same address and port as the cookie's */
		struct rn_endpoint from = stranger(who);
		const struct world_packet *p = &w->kept[i % 5 < 3 ? i % 4 : world_random() % kept];
		size_t size = world_random() % 8 ? p->size : world_random() % (p->size + 1);

		memcpy(data, p->data, size);
		if (size > 0)
			mutate(data, size);
		if (i % 3)
			fix_macs(server, data, size, i % 3 == 2 ? cookies[who] : NULL);
		in += size;
		out += poke(server, &from, data, size);
		w->now_ms += i % 50 == 0;
		rn_sessions_tick(server->sessions, w->now_ms);
	}
	print_message("bytes in %zu, out %zu\n", in, out);
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	assert_int_equal(server->asked, 1);
	world_free(w);
}

/* Strangers with a good mac1 but without a cookie: nothing is kept. */
static void no_state_before_the_cookie(void **state)
{
	struct world *w = talked(3);
	struct world_host *server = &w->hosts[1];
	const struct world_packet *request = &w->kept[0], *initiation = &w->kept[2];
	struct mallinfo2 before;
	unsigned i, answers = 0;

	(void)state;
	world_restart(server, 4);
	w->cut = true;
	for (i = 0; i < MUTANTS; i++) {
		const struct world_packet *p = i % 2 ? initiation : request;
		struct rn_endpoint from = stranger(i);

		if (i == 1000)
			before = mallinfo2();
		answers += poke(server, &from, p->data, p->size) == RN_COOKIE_DATAGRAM_SIZE;
		w->now_ms += i % 10 == 0;
	}
	assert_int_equal(answers, MUTANTS);
	assert_int_equal(mallinfo2().uordblks, before.uordblks);
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	assert_int_equal(rn_sessions_tick(server->sessions, w->now_ms), INT64_MAX);
	world_free(w);
}

static void noise_is_met_with_silence(void **state)
{
	struct world *w = talked(4);
	struct world_host *server = &w->hosts[1];
	uint8_t data[RN_DATAGRAM_MAX + 64];
	unsigned i, messages = server->messages;
	size_t sent = w->datagrams_sent;

	(void)state;
	for (i = 0; i < NOISE; i++) {
		struct rn_endpoint from = stranger(i);
		size_t size = world_random() % 4 ? world_random() % sizeof(data) : 128;

		world_random_bytes(data, 16 + size % 32);
		if (i % 2) {
			memcpy(data, "RN1", 3);
			data[3] = (uint8_t)(i / 2 % 7);
		}
		if (i % 8 == 7)
			size = RN_INITIATION_SIZE;
		world_inject(server, &from, data, size);
	}
	assert_int_equal(w->datagrams_sent, sent);
	assert_int_equal(server->messages, messages);
	assert_int_equal(rn_sessions_count(server->sessions), 1);
	world_free(w);
}

static void replay_all(struct world *w, size_t count, bool strange)
{
	struct rn_endpoint other = stranger(1);
	size_t i;
	int h;

	for (i = 0; i < count; i++)
		for (h = 0; h < 2; h++)
			world_inject(&w->hosts[h], strange ? &other : &w->kept[i].from, w->kept[i].data,
				     w->kept[i].size);
	world_run(w, w->now_ms + 1000, NULL);
}

static void assert_undisturbed(struct world *w, unsigned messages)
{
	int h;

	for (h = 0; h < 2; h++) {
		struct world_host *host = &w->hosts[h];

		assert_int_equal(host->messages, messages);
		assert_int_equal(host->opened, 1);
		assert_int_equal(host->closed, 0);
		assert_int_equal(rn_sessions_count(host->sessions), 1);
	}
	assert_int_equal(w->hosts[1].asked, 1);
}

static void replays_deliver_nothing(void **state)
{
	struct world *w = talked(5);
	struct world_host *client = &w->hosts[0], *server = &w->hosts[1];
	size_t count = w->kept_count;
	int round;

	(void)state;
	for (round = 0; round < 6; round++) {
		replay_all(w, count, round % 2);
		assert_undisturbed(w, 5);
		world_run(w, w->now_ms + 70000, NULL); /* into the next cookie's time and past it */
	}
	rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"x", 1);
	rn_sessions_send(server->sessions, w->now_ms, server->last, (const uint8_t *)"x", 1);
	world_run(w, w->now_ms + 1000, NULL);
	assert_undisturbed(w, 6);
	/* After a restart too. */
	world_restart(server, 4);
	replay_all(w, count, false);
	replay_all(w, count, true);
	assert_int_equal(server->asked, 1);
	assert_int_equal(server->messages, 6);
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	world_free(w);
}

/* Whoever recorded an initiation can put a cookie of their own on it: the Noise handshake was made for another. */
static void recorded_initiation_with_another_cookie(void **state)
{
	struct world *w = talked(6);
	struct world_host *server = &w->hosts[1];
	struct rn_endpoint from = stranger(3);
	uint8_t cookie[RN_COOKIE_SIZE], data[RN_INITIATION_SIZE];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		get_cookie(server, &from, cookie);
		assert_int_equal(w->kept[2].data[3], RN_WIRE_INITIATION);
		memcpy(data, w->kept[2].data, sizeof(data));
		fix_macs(server, data, sizeof(data), cookie);
		assert_int_equal(poke(server, &from, data, sizeof(data)), 0);
		assert_int_equal(server->asked, 1);
		world_restart(server, 4);
	}
	assert_int_equal(rn_sessions_count(server->sessions), 0);
	world_free(w);
}

/* The last datagram kept, in all its single-bit forgeries, to both hosts and from both places. */
static void forge_last(struct world *w)
{
	const struct world_packet *p = &w->kept[w->kept_count - 1];
	struct rn_endpoint other = stranger(2);
	uint8_t data[RN_DATAGRAM_MAX];
	size_t size = p->size, at;
	struct rn_endpoint from = p->from;

	memcpy(data, p->data, size);
	for (at = 0; at < 8 * size; at++) {
		data[at / 8] ^= (uint8_t)(1 << at % 8);
		world_inject(&w->hosts[0], at % 2 ? &other : &from, data, size);
		world_inject(&w->hosts[1], at % 2 ? &other : &from, data, size);
		data[at / 8] ^= (uint8_t)(1 << at % 8);
	}
}

static void deliver_last(struct world *w)
{
	struct world_packet p = w->kept[w->kept_count - 1];
	struct world_host *to = p.to.addr.b[14] == w->hosts[0].endpoint.addr.b[14] ? &w->hosts[0] : &w->hosts[1];

	world_inject(to, &p.from, p.data, p.size);
}

/* A handshake step by step; each datagram is preceded by its forgeries. */
static void forgeries_change_nothing(void **state)
{
	struct world *w = world_new(7);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	size_t step, count;

	(void)state;
	w->keep = w->cut = true;
	world_connect(client, server, "hello");
	for (step = 0; step < 4; step++) {
		assert_int_equal(w->kept[w->kept_count - 1].data[3], RN_WIRE_COOKIE_REQUEST + step);
		count = w->kept_count;
		w->keep = false;
		forge_last(w);
		w->keep = true;
		assert_int_equal(w->kept_count, count);
		deliver_last(w);
	}
	assert_int_equal(client->opened, 1);
	rn_sessions_send(client->sessions, w->now_ms, client->last, (const uint8_t *)"message", 7);
	w->keep = false;
	forge_last(w);
	assert_int_equal(server->opened, 0);
	deliver_last(w);
	assert_int_equal(server->opened, 1);
	assert_int_equal(server->messages, 1);
	assert_memory_equal(&server->last_from, &client->endpoint, sizeof(client->endpoint));
	assert_int_equal(server->asked, 1);
	assert_int_equal(client->closed + server->closed, 0);
	world_free(w);
}

/* A recorded cookie makes the initiator send one initiation, not one each time. */
static void a_cookie_is_answered_once(void **state)
{
	struct world *w = world_new(10);
	struct world_host *client = world_add(w, 4), *server = world_add(w, 4);
	int i;

	(void)state;
	w->keep = w->cut = true;
	world_connect(client, server, "hello");
	deliver_last(w);
	assert_int_equal(w->kept[1].data[3], RN_WIRE_COOKIE);
	for (i = 0; i < 10; i++)
		world_inject(client, &server->endpoint, w->kept[1].data, w->kept[1].size);
	assert_int_equal(w->kept_count, 3);
	world_free(w);
}

/* A stranger that follows the protocol with its own key and says nonsense inside. */
static void nonsense_inside_the_handshake(void **state)
{
	struct world *w = talked(8);
	struct world_host *server = &w->hosts[1];
	uint8_t secret[RN_KEY_SIZE], payload[RN_INITIATION_PAYLOAD], data[RN_INITIATION_SIZE];
	unsigned i;

	(void)state;
	for (i = 0; i < 500; i++) {
		struct rn_endpoint from = stranger(i);
		struct rn_wire_prologue {
			char label[16];
			uint8_t cookie[RN_COOKIE_SIZE];
		} prologue = { "rnaut control v", { 0 } };
		struct rn_noise *n;

		prologue.label[15] = '1';
		get_cookie(server, &from, prologue.cookie);
		world_random_bytes(secret, sizeof(secret));
		world_random_bytes(payload, sizeof(payload));
		if (i % 2)
			memset(payload, 0, 4);
		n = rn_noise_new(true, &prologue, sizeof(prologue), secret, server->public);
		memcpy(data, "RN1\3abcd", 8);
		rn_noise_write(n, payload, sizeof(payload), data + 8, RN_INITIATION_NOISE);
		rn_noise_free(n);
		fix_macs(server, data, sizeof(data), prologue.cookie);
		poke(server, &from, data, sizeof(data));
	}
	assert_int_equal(server->asked, 1);
	assert_int_equal(rn_sessions_count(server->sessions), 1);
	world_free(w);
}

/* One address may begin RN_SOURCE_RATE handshakes a second; another is not held up by it. */
static void one_source_is_limited(void **state)
{
	struct world *w = world_new(9);
	struct world_host *server = world_add(w, 64), *other;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct world_host *client = world_add(w, 1);

		client->endpoint.addr = rn_addr_from_v4(0xcb007101);
		client->endpoint.port = (uint16_t)(2000 + i);
		world_connect(client, server, "");
	}
	other = world_add(w, 1);
	world_connect(other, server, "");
	world_run(w, w->now_ms + 400, NULL);
	assert_true(server->asked <= RN_SOURCE_BURST + RN_SOURCE_RATE + 1);
	assert_int_equal(other->opened, 1);
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
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(mutants),
		cmocka_unit_test(no_state_before_the_cookie),
		cmocka_unit_test(noise_is_met_with_silence),
		cmocka_unit_test(replays_deliver_nothing),
		cmocka_unit_test(recorded_initiation_with_another_cookie),
		cmocka_unit_test(forgeries_change_nothing),
		cmocka_unit_test(a_cookie_is_answered_once),
		cmocka_unit_test(nonsense_inside_the_handshake),
		cmocka_unit_test(one_source_is_limited),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
