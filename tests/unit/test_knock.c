/* SPDX-License-Identifier: Apache-2.0 */
/* The question that only the owner of a key answers, put to the real endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "proto/knock.h"
#include "proto/session.h"

struct answer {
	uint8_t data[RN_DATAGRAM_MAX];
	size_t size;
};

static void keep(void *context, const struct rn_endpoint *to, const uint8_t *datagram, size_t size)
{
	struct answer *a = context;

	(void)to;
	memcpy(a->data, datagram, size);
	a->size = size;
}

static void ignore(void *context, const struct rn_session_event *event)
{
	(void)context;
	(void)event;
}

/* Asks the endpoint that has `secret`; the answer's size. */
static size_t ask(const uint8_t secret[RN_KEY_SIZE], const struct rn_knock *knock, struct answer *a)
{
	struct rn_sessions_config config = {.sessions_max = 4, .context = a, .send = keep, .event = ignore};
	const struct rn_endpoint from = {rn_addr_from_v4(0xc0000201), 4242};
	struct rn_sessions *s;

	memset(a, 0, sizeof(*a));
	memcpy(config.static_secret, secret, RN_KEY_SIZE);
	s = rn_sessions_new(&config);
	assert_non_null(s);
	rn_sessions_receive(s, 1000, &from, knock->datagram, sizeof(knock->datagram));
	assert_int_equal(rn_sessions_count(s), 0);
	rn_sessions_free(s);
	return a->size;
}

static void test_knock(void **state)
{
	uint8_t secret[RN_KEY_SIZE], other[RN_KEY_SIZE], public[RN_KEY_SIZE];
	struct rn_knock knock, second;
	struct answer a;

	(void)state;
	rn_random(secret, sizeof(secret));
	rn_random(other, sizeof(other));
	rn_x25519_public(secret, public);
	rn_knock_make(public, &knock);
	rn_knock_make(public, &second);
	assert_int_equal(ask(other, &knock, &a), 0); /* not its key: silence */
	assert_int_equal(ask(secret, &knock, &a), RN_COOKIE_DATAGRAM_SIZE);
	assert_true(rn_knock_answered(&knock, a.data, a.size));
	assert_false(rn_knock_answered(&second, a.data, a.size)); /* the answer to another question */
	for (size_t i = 0; i < a.size; i++) {
		a.data[i] ^= 1;
		assert_false(rn_knock_answered(&knock, a.data, a.size));
		a.data[i] ^= 1;
		assert_false(rn_knock_answered(&knock, a.data, i));
	}
	assert_true(rn_knock_answered(&knock, a.data, a.size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_knock)};

	if (rn_crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
