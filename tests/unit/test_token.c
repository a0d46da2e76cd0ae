// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/token.h"

static struct rn_token token(void)
{
	struct rn_token t = {.id = 0x0123456789abcdef, .gateway.port = 51821, .kind = RN_KIND_SERVER};

	assert_int_equal(rn_crypto_start(), 0);
	assert_int_equal(rn_addr_parse("2001:db8::1", &t.gateway.addr), 0);
	memset(t.seed, 1, sizeof(t.seed));
	memset(t.fingerprint, 0xfe, sizeof(t.fingerprint));
	memset(t.gateway_key, 3, sizeof(t.gateway_key));
	return t;
}

static void expect_same(const struct rn_token *a, const struct rn_token *b)
{
	assert_true(a->id == b->id);
	assert_int_equal(rn_addr_compare(&a->gateway.addr, &b->gateway.addr), 0);
	assert_int_equal(a->gateway.port, b->gateway.port);
	assert_int_equal(a->gateway_shared, b->gateway_shared);
	assert_memory_equal(a->seed, b->seed, RN_KEY_SIZE);
	assert_memory_equal(a->fingerprint, b->fingerprint, RN_SHA256_SIZE);
	assert_memory_equal(a->gateway_key, b->gateway_key, RN_KEY_SIZE);
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->name, b->name);
}

static void test_round_trip(void **state)
{
	struct rn_token in = token(), out;
	char text[RN_TOKEN_TEXT], padded[RN_TOKEN_TEXT + 8];

	(void)state;
	rn_token_put(&in, text);
	assert_int_equal(strncmp(text, "rnt1.", 5), 0);
	assert_int_equal(strlen(text), 179);
	assert_int_equal(rn_token_get(text, &out, NULL), 0);
	expect_same(&in, &out);
	snprintf(padded, sizeof(padded), " \t%s\r\n", text);
	assert_int_equal(rn_token_get(padded, &out, NULL), 0);
	expect_same(&in, &out);
	memset(in.name, 'n', RN_NAME_MAX);
	rn_token_put(&in, text);
	assert_int_equal(strlen(text), 263);
	assert_int_equal(rn_token_get(text, &out, NULL), 0);
	expect_same(&in, &out);
	in.kind = 99;
	rn_token_put(&in, text);
	assert_int_equal(rn_token_get(text, &out, NULL), -EINVAL);
}

static void test_typing_errors(void **state)
{
	struct rn_token in = token(), out;
	char text[RN_TOKEN_TEXT];
	struct rn_err err = {""};

	(void)state;
	rn_token_put(&in, text);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
		text[i] = ' ';
		assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
		text[i] = '+';
		assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
		text[i] = was;
	}
	for (size_t size = strlen(text); size-- > 0;) {
		text[size] = '\0';
		assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
	}
}

static void test_sentences(void **state)
{
	struct rn_token in = token(), out;
	char text[RN_TOKEN_TEXT];
	struct rn_err err = {""};

	(void)state;
	assert_int_equal(rn_token_get(" \n", &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the token is empty"));
	assert_int_equal(rn_token_get("password", &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "begins with \"rnt1.\""));
	rn_token_put(&in, text);
	text[50] = text[50] == 'x' ? 'y' : 'x';
	assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
	assert_string_equal(err.text, "the token has a typing error: its check sum is wrong; copy it again");
	text[170] = '\0';
	assert_int_equal(rn_token_get(text, &out, &err), -EINVAL);
	assert_string_equal(err.text,
			    "the token has 170 characters, but a whole one has 179 to 263; copy it again without a break");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_typing_errors),
	    cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
