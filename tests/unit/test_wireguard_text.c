/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/wireguard_backend.h"

#define KEY_A "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52"
#define KEY_B "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376"

struct seen {
	unsigned count;
	struct rn_wireguard_peer peer[4];
};

static void see(void *context, const struct rn_wireguard_peer *peer)
{
	struct seen *seen = context;

	if (seen->count < 4)
		seen->peer[seen->count] = *peer;
	seen->count++;
}

static int parse(const char *text, struct seen *seen)
{
	*seen = (struct seen){0};
	return rn_uapi_parse(text, strlen(text), NULL, see, seen);
}

static const char good[] =
    "private_key=" KEY_A "\nlisten_port=51820\nfwmark=0\npublic_key=" KEY_B "\npreshared_key=" KEY_A
    "\nprotocol_version=1\nendpoint=[2001:db8::1]:51821\n"
    "last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=5\ntx_bytes=18446744073709551615\n"
    "rx_bytes=12\npersistent_keepalive_interval=25\nallowed_ip=10.7.0.2/32\n"
    "allowed_ip=fd00::2/128\npublic_key=" KEY_A "\nerrno=0\n\n";

static void test_good(void **state)
{
	struct rn_wireguard_device device = {0};
	struct seen seen = {0};
	char text[RN_ENDPOINT_TEXT];

	(void)state;
	assert_int_equal(rn_uapi_parse(good, strlen(good), &device, see, &seen), 0);
	assert_int_equal(device.port, 51820);
	assert_false(rn_is_zero(device.public_key, RN_KEY_SIZE));
	assert_int_equal(seen.count, 2);
	assert_string_equal(rn_endpoint_format(&seen.peer[0].endpoint, text), "[2001:db8::1]:51821");
	assert_int_equal(seen.peer[0].keepalive, 25);
	assert_int_equal(seen.peer[0].allowed_count, 2);
	assert_int_equal(seen.peer[0].allowed[0].bits, 128);
	assert_true(seen.peer[0].sent == UINT64_MAX && seen.peer[0].received == 12);
	assert_true(seen.peer[0].last_handshake == 1700000000);
	assert_int_equal(seen.peer[1].endpoint.port, 0);
	assert_int_equal(seen.peer[1].allowed_count, 0);
}

/* A bad answer shows no peer at all, not the ones before the mistake. */
static void test_hostile(void **state)
{
	static const char *const bad[] = {
	    "",
	    "\0",
	    "errno=0\n",
	    "errno\n\n",
	    "errno=x\n\n",
	    "errno=\n\n",
	    "errno=99999999999999999999\n\n",
	    "public_key=" KEY_A "\npublic_key=12\nerrno=0\n\n",
	    "public_key=" KEY_A "00\nerrno=0\n\n",
	    "public_key=zz8515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52\nerrno=0\n\n",
	    "allowed_ip=10.0.0.0/8\nerrno=0\n\n",
	    "public_key=" KEY_A "\nallowed_ip=10.0.0.1/8\nerrno=0\n\n",
	    "public_key=" KEY_A "\nallowed_ip=10.0.0.1/33\nerrno=0\n\n",
	    "public_key=" KEY_A "\nendpoint=nonsense\nerrno=0\n\n",
	    "public_key=" KEY_A "\nendpoint=1.2.3.4:99999\nerrno=0\n\n",
	    "public_key=" KEY_A "\nrx_bytes=-1\nerrno=0\n\n",
	    "public_key=" KEY_A "\ntx_bytes=18446744073709551616\nerrno=0\n\n",
	    "public_key=" KEY_A "\npersistent_keepalive_interval=65536\nerrno=0\n\n",
	    "listen_port=70000\nerrno=0\n\n",
	    "private_key=00\nerrno=0\n\n",
	};
	struct seen seen;
	char line[2 * RN_UAPI_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i], &seen), -EBADMSG);
		assert_int_equal(seen.count, 0);
	}
	memset(line, 'a', sizeof(line));
	memcpy(line + sizeof(line) - 3, "\n\n", 3);
	assert_int_equal(parse(line, &seen), -EBADMSG);
	assert_int_equal(rn_uapi_parse("errno=0\0\n\n", 10, NULL, see, &seen), -EBADMSG);
}

static void test_every_cut_is_refused(void **state)
{
	struct seen seen = {0};

	(void)state;
	for (size_t size = 0; size < strlen(good); size++) {
		char *cut = malloc(size + 1); /* exactly, so that a sanitizer sees a read past it */

		memcpy(cut, good, size);
		assert_int_equal(rn_uapi_parse(cut, size, NULL, see, &seen), -EBADMSG);
		free(cut);
	}
	assert_int_equal(seen.count, 0);
}

static void test_errors_and_excess(void **state)
{
	static const char line[] = "allowed_ip=10.0.0.1/32\n";
	struct seen seen;
	char text[4096] = "public_key=" KEY_A "\n";
	size_t at = strlen(text);

	(void)state;
	assert_int_equal(parse("errno=98\n\n", &seen), -98);
	assert_int_equal(parse("errno=-22\n\n", &seen), -22);
	assert_int_equal(parse("future_key=whatever\nerrno=0\n\n", &seen), 0);
	for (int i = 0; i < 20; i++, at += sizeof(line) - 1)
		memcpy(text + at, line, sizeof(line));
	snprintf(text + at, sizeof(text) - at, "endpoint=[fe80::1%%eth0]:51820\nerrno=0\n\n");
	assert_int_equal(parse(text, &seen), 0);
	assert_int_equal(seen.peer[0].allowed_count, RN_WIREGUARD_ALLOWED_MAX);
	assert_int_equal(seen.peer[0].endpoint.port, 0);
}

static void test_requests(void **state)
{
	struct rn_wireguard_peer peer = {.keepalive = 25, .allowed_count = 2};
	uint8_t key[RN_KEY_SIZE];
	char out[512];
	size_t size;

	(void)state;
	assert_int_equal(rn_hex_decode(KEY_A, key, sizeof(key), &size), 0);
	assert_true(rn_uapi_set_device(out, sizeof(out), key, 51820) > 0);
	assert_string_equal(out, "set=1\nprivate_key=" KEY_A "\nlisten_port=51820\n\n");
	assert_true(rn_uapi_remove_peer(out, sizeof(out), key) > 0);
	assert_string_equal(out, "set=1\npublic_key=" KEY_A "\nremove=true\n\n");
	memcpy(peer.key, key, sizeof(key));
	assert_int_equal(rn_prefix_parse("10.7.0.2/32", &peer.allowed[0]), 0);
	assert_int_equal(rn_prefix_parse("fd00::/64", &peer.allowed[1]), 0);
	assert_int_equal(rn_endpoint_parse("192.0.2.1:51820", &peer.endpoint), 0);
	assert_true(rn_uapi_set_peer(out, sizeof(out), &peer) > 0);
	assert_string_equal(out, "set=1\npublic_key=" KEY_A "\nendpoint=192.0.2.1:51820\n"
				 "persistent_keepalive_interval=25\nreplace_allowed_ips=true\nallowed_ip=10.7.0.2/32\n"
				 "allowed_ip=fd00::/64\n\n");
	peer.keep_allowed = true;
	assert_true(rn_uapi_set_peer(out, sizeof(out), &peer) > 0);
	assert_string_equal(out, "set=1\npublic_key=" KEY_A "\nendpoint=192.0.2.1:51820\n"
				 "persistent_keepalive_interval=25\n\n");
	assert_int_equal(rn_uapi_set_peer(out, 40, &peer), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_every_cut_is_refused),
	    cmocka_unit_test(test_errors_and_excess),
	    cmocka_unit_test(test_requests),
	};

	rn_crypto_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
