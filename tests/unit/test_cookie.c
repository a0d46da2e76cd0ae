/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cookie.h"
#include "proto/source_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SPENT 64

static const struct rn_endpoint source = { { { 1, 2, 3 } }, 51821 };
static const uint8_t data[] = "an initiation up to its mac1";

static void mac2_of(const uint8_t cookie[RN_COOKIE_SIZE], uint8_t ret[RN_MAC_SIZE])
{
	rn_mac(cookie, RN_COOKIE_SIZE, data, sizeof(data), ret);
}

static bool proven(struct rn_cookie_jar *jar, int64_t now_ms, const struct rn_endpoint *from,
		   const uint8_t cookie[RN_COOKIE_SIZE])
{
	uint8_t mac2[RN_MAC_SIZE], got[RN_COOKIE_SIZE] = { 0 };
	bool good;

	mac2_of(cookie, mac2);
	good = rn_cookie_proven(jar, now_ms, from, data, sizeof(data), mac2, got);
	assert_true(good == (memcmp(got, cookie, sizeof(got)) == 0));
	return good;
}

static void good_for_one_to_two_periods(void **state)
{
	static const int64_t made[] = { 0, 1, RN_COOKIE_ROTATE_MS - 1, RN_COOKIE_ROTATE_MS,
					5 * RN_COOKIE_ROTATE_MS + 7 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct rn_cookie_jar *jar = rn_cookie_jar_new(SPENT, rn_random);
		uint8_t cookie[RN_COOKIE_SIZE];

		rn_cookie_make(jar, made[i], &source, cookie);
		assert_true(proven(jar, made[i], &source, cookie));
		assert_true(proven(jar, made[i] + RN_COOKIE_ROTATE_MS - 1, &source, cookie));
		assert_true(proven(jar, made[i] + RN_HANDSHAKE_GIVE_UP_MS, &source, cookie)); /* no handshake outlives one */
		assert_false(proven(jar, made[i] + 2 * RN_COOKIE_ROTATE_MS, &source, cookie));
		assert_false(proven(jar, made[i] + 20 * RN_COOKIE_ROTATE_MS, &source, cookie));
		rn_cookie_jar_free(jar);
	}
}

static void good_for_one_source(void **state)
{
	struct rn_cookie_jar *jar = rn_cookie_jar_new(SPENT, rn_random);
	struct rn_endpoint other = source;
	uint8_t cookie[RN_COOKIE_SIZE];

	(void)state;
	rn_cookie_make(jar, 0, &source, cookie);
	other.port++;
	assert_false(proven(jar, 0, &other, cookie));
	other = source;
	other.addr.b[15] ^= 1;
	assert_false(proven(jar, 0, &other, cookie));
	rn_cookie_jar_free(jar);
	rn_cookie_jar_free(NULL);
}

/* What was spent is known for as long as the cookie it was spent with is good. */
static void spent_outlives_its_cookie(void **state)
{
	struct rn_cookie_jar *jar = rn_cookie_jar_new(SPENT, rn_random);
	uint8_t cookie[RN_COOKIE_SIZE], ephemeral[RN_KEY_SIZE] = { 7 };
	int64_t now;

	(void)state;
	assert_false(rn_cookie_spent(jar, ephemeral));
	rn_cookie_make(jar, 1000, &source, cookie);
	rn_cookie_spend(jar, 1000, ephemeral);
	for (now = 1000; proven(jar, now, &source, cookie); now += 1000)
		assert_true(rn_cookie_spent(jar, ephemeral));
	assert_true(now >= RN_COOKIE_ROTATE_MS);
	rn_cookie_jar_free(jar);
}

/* However many are spent, none is accepted again while its cookie is good. */
static void a_full_set_ends_the_cookies(void **state)
{
	struct rn_cookie_jar *jar = rn_cookie_jar_new(SPENT, rn_random);
	uint8_t cookie[RN_COOKIE_SIZE], ephemeral[RN_KEY_SIZE] = { 0 };
	unsigned i, k;

	(void)state;
	rn_cookie_make(jar, 0, &source, cookie);
	for (i = 0; i < 10 * SPENT; i++) {
		memcpy(ephemeral, &i, sizeof(i));
		rn_cookie_spend(jar, 0, ephemeral);
		if (!proven(jar, 0, &source, cookie))
			break;
		for (k = 0; k <= i; k++) {
			memcpy(ephemeral, &k, sizeof(k));
			assert_true(rn_cookie_spent(jar, ephemeral));
		}
	}
	assert_int_equal(i, SPENT - 1);
	rn_cookie_jar_free(jar);
}

static void sources_have_a_rate(void **state)
{
	struct rn_source_limit *l = rn_source_limit_new(rn_random);
	struct rn_addr v4 = rn_addr_from_v4(0xc0000201), v6 = { { 0x20, 1 } }, neighbour = v6;
	unsigned allowed = 0, i;

	(void)state;
	for (i = 0; i < 10000; i++)
		allowed += rn_source_allowed(l, i, &v4); /* 1,000 a second for 10 s */
	assert_true(allowed >= RN_SOURCE_BURST + 10 * RN_SOURCE_RATE - 1);
	assert_true(allowed <= RN_SOURCE_BURST + 10 * RN_SOURCE_RATE + 1);
	for (i = 0; i < RN_SOURCE_BURST; i++)
		assert_true(rn_source_allowed(l, 10000, &v6));
	neighbour.b[15] = 1; /* of the same /64 */
	assert_false(rn_source_allowed(l, 10000, &neighbour));
	neighbour.b[7] = 1;
	assert_true(rn_source_allowed(l, 10000, &neighbour));
	assert_true(rn_source_allowed(l, 20000, &v4));
	rn_source_limit_free(l);
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_for_one_to_two_periods), cmocka_unit_test(good_for_one_source),
		cmocka_unit_test(spent_outlives_its_cookie),   cmocka_unit_test(a_full_set_ends_the_cookies),
		cmocka_unit_test(sources_have_a_rate),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
