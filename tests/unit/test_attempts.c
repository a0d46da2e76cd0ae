/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may guess. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "service/core_attempts.h"

static struct rn_addr at(const char *text)
{
	struct rn_addr addr;

	assert_int_equal(rn_addr_parse(text, &addr), 0);
	return addr;
}

static int setup(void **state)
{
	assert_int_equal(rn_crypto_start(), 0);
	*state = rn_attempts_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	rn_attempts_free(*state);
	return 0;
}

static void five_a_minute(void **state)
{
	struct rn_attempts *a = *state;
	struct rn_addr here = at("192.0.2.1"), there = at("192.0.2.2");

	for (int i = 0; i < RN_ATTEMPTS; i++) {
		assert_int_equal(rn_attempts_wait(a, "admin", &here, 1000 + i), 0);
		rn_attempts_failed(a, "admin", &here, 1000 + i);
	}
	assert_int_equal(rn_attempts_wait(a, "admin", &here, 2000), 59000);
	assert_int_equal(rn_attempts_wait(a, "admin", &there, 2000), 59000); /* the account */
	assert_int_equal(rn_attempts_wait(a, "bob", &here, 2000), 59000);    /* the source */
	assert_int_equal(rn_attempts_wait(a, NULL, &here, 2000), 59000);
	assert_int_equal(rn_attempts_wait(a, "bob", &there, 2000), 0);
	assert_int_equal(rn_attempts_wait(a, "admin", &here, 60999), 1);
	assert_int_equal(rn_attempts_wait(a, "admin", &here, 61000), 0);
	/* A success forgives the account and not the source. */
	for (int i = 0; i < RN_ATTEMPTS; i++)
		rn_attempts_failed(a, "admin", &here, 70000);
	rn_attempts_forget(a, "admin");
	assert_int_equal(rn_attempts_wait(a, "admin", &there, 70000), 0);
	assert_true(rn_attempts_wait(a, "admin", &here, 70000) > 0);
}

static void a_source_is_a_network(void **state)
{
	struct rn_attempts *a = *state;
	struct rn_addr one = at("2001:db8:1:2::1"), same = at("2001:db8:1:2:ffff::9"), other = at("2001:db8:1:3::1");
	struct rn_addr v4 = at("192.0.2.1"), next = at("192.0.2.2");

	for (int i = 0; i < RN_ATTEMPTS; i++) {
		rn_attempts_failed(a, NULL, &one, 0);
		rn_attempts_failed(a, NULL, &v4, 0);
	}
	assert_true(rn_attempts_wait(a, NULL, &same, 1) > 0);
	assert_int_equal(rn_attempts_wait(a, NULL, &other, 1), 0);
	assert_true(rn_attempts_wait(a, NULL, &v4, 1) > 0);
	assert_int_equal(rn_attempts_wait(a, NULL, &next, 1), 0);
}

static void hashes_a_second(void **state)
{
	struct rn_attempts *a = *state;
	unsigned got = 0;

	for (int64_t ms = 0; ms < 10000; ms += 5)
		got += rn_attempts_hash(a, ms) == 0;
	assert_int_equal(got, 10 * RN_HASHES_A_SECOND);
}

/* Strangers who fail under a million names fill the table, and it stays what it is. */
static void a_full_table_goes_on(void **state)
{
	struct rn_attempts *a = *state;
	struct rn_addr source = at("198.51.100.1");
	char name[32];

	for (unsigned i = 0; i < 200000; i++) {
		source.b[13] = (uint8_t)(i >> 16);
		source.b[14] = (uint8_t)(i >> 8);
		source.b[15] = (uint8_t)i;
		snprintf(name, sizeof(name), "u%u", i);
		rn_attempts_failed(a, name, &source, i / 100);
	}
	source = at("203.0.113.5");
	for (int i = 0; i < RN_ATTEMPTS; i++)
		rn_attempts_failed(a, "admin", &source, 3000);
	assert_true(rn_attempts_wait(a, "admin", &source, 3001) > 0);
}

/* Links that are guessed from a million sources, which cost nothing, do not make an account's failures forgotten. */
static void sources_push_out_no_account(void **state)
{
	struct rn_attempts *a = *state;
	struct rn_addr source = at("2001:db8::1");

	for (int i = 0; i < RN_ATTEMPTS; i++)
		rn_attempts_failed(a, "admin", &source, 0);
	for (unsigned i = 0; i < 1000000; i++) {
		memcpy(&source.b[4], &i, sizeof(i));
		rn_attempts_failed(a, NULL, &source, i / 50);
	}
	source = at("2001:db8:ffff:ffff::1");
	assert_int_equal(rn_attempts_wait(a, "admin", &source, 20000), 40000);
	/* As many accounts as there are hashes in a minute: each costs one, so there are no more. */
	for (unsigned i = 0; i < 60 * RN_HASHES_A_SECOND; i++) {
		char name[32];

		snprintf(name, sizeof(name), "u%u", i);
		rn_attempts_failed(a, name, &source, 20000 + i);
	}
	source = at("2001:db8:ffff:fffe::1");
	assert_int_equal(rn_attempts_wait(a, "admin", &source, 21000), 39000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(five_a_minute),	     T(a_source_is_a_network),	     T(hashes_a_second),
	    T(a_full_table_goes_on), T(sources_push_out_no_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
