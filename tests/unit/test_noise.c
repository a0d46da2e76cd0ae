/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/noise.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VECTORS "../shared/vectors/cacophony-25519-chachapoly-blake2b.json"

struct pair {
	uint8_t client_public[RN_KEY_SIZE], server_public[RN_KEY_SIZE];
	struct rn_noise *client, *server;
};

static struct pair make_pair(void)
{
	uint8_t client[RN_KEY_SIZE], server[RN_KEY_SIZE];
	struct pair p;

	rn_x25519_keypair(p.client_public, client);
	rn_x25519_keypair(p.server_public, server);
	p.client = rn_noise_new(true, "prologue", 8, client, p.server_public);
	p.server = rn_noise_new(false, "prologue", 8, server, NULL);
	assert_true(p.client && p.server);
	return p;
}

static void free_pair(struct pair *p)
{
	rn_noise_free(p->client);
	rn_noise_free(p->server);
}

static void agree(struct pair *p)
{
	struct rn_noise_cipher client[2], server[2];
	uint8_t h1[RN_BLAKE2B_SIZE], h2[RN_BLAKE2B_SIZE];

	assert_true(rn_noise_complete(p->client) && rn_noise_complete(p->server));
	rn_noise_hash(p->client, h1);
	rn_noise_hash(p->server, h2);
	assert_memory_equal(h1, h2, sizeof(h1));
	rn_noise_split(p->client, &client[0], &client[1]);
	rn_noise_split(p->server, &server[0], &server[1]);
	assert_memory_equal(client[0].key, server[1].key, RN_KEY_SIZE);
	assert_memory_equal(client[1].key, server[0].key, RN_KEY_SIZE);
	assert_memory_not_equal(client[0].key, client[1].key, RN_KEY_SIZE);
}

static void handshake(void **state)
{
	struct pair p = make_pair();
	uint8_t wire[256], payload[64];

	(void)state;
	assert_int_equal(rn_noise_write(p.client, "hello", 5, wire, sizeof(wire)), RN_NOISE_MESSAGE_1 + 5);
	assert_int_equal(rn_noise_read(p.server, wire, RN_NOISE_MESSAGE_1 + 5, payload, sizeof(payload)), 5);
	assert_memory_equal(payload, "hello", 5);
	assert_memory_equal(rn_noise_remote(p.server), p.client_public, RN_KEY_SIZE);
	assert_int_equal(rn_noise_write(p.server, NULL, 0, wire, sizeof(wire)), RN_NOISE_MESSAGE_2);
	assert_int_equal(rn_noise_read(p.client, wire, RN_NOISE_MESSAGE_2, payload, sizeof(payload)), 0);
	agree(&p);
	free_pair(&p);
}

static void turns_and_sizes(void **state)
{
	struct pair p = make_pair();
	uint8_t wire[256], payload[64] = { 0x77 };

	(void)state;
	assert_int_equal(rn_noise_read(p.client, wire, 96, payload, 64), -EPROTO);
	assert_int_equal(rn_noise_write(p.server, NULL, 0, wire, 256), -EPROTO);
	assert_int_equal(rn_noise_write(p.client, "x", 1, wire, RN_NOISE_MESSAGE_1), -EMSGSIZE);
	assert_int_equal(rn_noise_write(p.client, wire, 65536 - RN_NOISE_MESSAGE_1, wire, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(rn_noise_write(p.client, "xy", 2, wire, sizeof(wire)), RN_NOISE_MESSAGE_1 + 2);
	assert_int_equal(rn_noise_read(p.server, wire, RN_NOISE_MESSAGE_1 + 2, payload, 1), -EMSGSIZE);
	assert_int_equal(payload[0], 0x77);
	assert_int_equal(rn_noise_read(p.server, wire, RN_NOISE_MESSAGE_1 + 2, payload, 2), 2);
	assert_int_equal(rn_noise_read(p.server, wire, RN_NOISE_MESSAGE_1 + 2, payload, 2), -EPROTO);
	free_pair(&p);
}

/* Every flipped bit and every truncation is refused, leaves the payload alone, and the true message still works. */
static void forgeries_change_nothing(void **state)
{
	struct pair p = make_pair();
	uint8_t wire[2][256], payload[64];
	int size, at, message;

	(void)state;
	for (message = 0; message < 2; message++) {
		struct rn_noise *writer = message ? p.server : p.client, *reader = message ? p.client : p.server;
		uint8_t *w = wire[message];

		size = rn_noise_write(writer, "payload", 7, w, sizeof(wire[0]));
		memset(payload, 0x77, sizeof(payload));
		for (at = 0; at < 8 * size; at++) {
			/* X25519 ignores the top bit of a public key; the transcript hash does not. */
			w[at / 8] ^= (uint8_t)(1 << at % 8);
			assert_int_equal(rn_noise_read(reader, w, (size_t)size, payload, 64), -EBADMSG);
			w[at / 8] ^= (uint8_t)(1 << at % 8);
		}
		for (at = 0; at < size; at++)
			assert_int_equal(rn_noise_read(reader, w, (size_t)at, payload, 64), -EBADMSG);
		assert_int_equal(payload[0], 0x77);
		assert_int_equal(rn_noise_read(reader, w, (size_t)size, payload, 64), 7);
		assert_memory_equal(payload, "payload", 7);
	}
	agree(&p);
	free_pair(&p);
}

static void wrong_responder_learns_nothing(void **state)
{
	struct pair p = make_pair(), other = make_pair();
	uint8_t wire[256], payload[64], zero[RN_KEY_SIZE] = { 0 }, secret[RN_KEY_SIZE] = { 1 };
	struct rn_noise *n = rn_noise_new(true, NULL, 0, secret, zero);
	int size = rn_noise_write(p.client, "secret", 6, wire, sizeof(wire));

	(void)state;
	assert_int_equal(rn_noise_read(other.server, wire, (size_t)size, payload, 64), -EBADMSG);
	assert_int_equal(rn_noise_write(n, NULL, 0, wire, sizeof(wire)), -EBADMSG);
	rn_noise_free(n);
	rn_noise_free(NULL);
	free_pair(&p);
	free_pair(&other);
}

/* The program is beside this one, or in build/tests in the plain build. */
static void find_program(char *out, size_t out_size)
{
	static const char *const places[] = { "noise-vectors", "../../tests/noise-vectors" };
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	assert_true(n > 0);
	self[n] = 0;
	*strrchr(self, '/') = 0;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(out, out_size, "%s/%s", self, places[i]);
		if (access(out, X_OK) == 0)
			return;
	}
	fail_msg("noise-vectors was not built");
}

/* The published vectors. */
static void vectors(void **state)
{
	char program[512];
	pid_t pid;
	int status;

	(void)state;
	if (access(VECTORS, R_OK) != 0) {
		print_message("skipped: there is no %s\n", VECTORS);
		skip();
	}
	find_program(program, sizeof(program));
	pid = fork();
	if (pid == 0) {
		execl(program, program, VECTORS, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake),
		cmocka_unit_test(turns_and_sizes),
		cmocka_unit_test(forgeries_change_nothing),
		cmocka_unit_test(wrong_responder_learns_nothing),
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
