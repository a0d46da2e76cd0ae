/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void unhex(const char *text, void *out, size_t size)
{
	size_t got;

	assert_int_equal(rn_hex_decode(text, out, size, &got), 0);
	assert_int_equal(got, size);
}

static void assert_hex(const void *data, size_t size, const char *expected)
{
	char text[2 * 256 + 1];

	assert_true(size <= 256);
	rn_hex(data, size, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* RFC 7748 section 6.1. */
static void x25519(void **state)
{
	uint8_t a[32], b[32], a_public[32], b_public[32], shared[32], zero[32] = { 0 }, untouched[32];

	(void)state;
	unhex("77076d0a7318a57d3c16c17251b26645df4c2f92ebc099ac0c1b12dcfb5b2a0a", a, 32);
	unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", b, 32);
	rn_x25519_public(a, a_public);
	rn_x25519_public(b, b_public);
	assert_hex(b_public, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_int_equal(rn_x25519(b, a_public, shared), 0);
	assert_int_equal(rn_x25519(a, b_public, untouched), 0);
	assert_memory_equal(shared, untouched, 32);
	assert_int_equal(rn_x25519(a, zero, untouched), -EBADMSG);
	assert_memory_equal(shared, untouched, 32);
}

/* RFC 8032 section 7.1, test 2. */
static void ed25519(void **state)
{
	uint8_t seed[32], public[32], signature[64], message = 0x72;

	(void)state;
	unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed, 32);
	rn_ed25519_public(seed, public);
	assert_hex(public, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	rn_ed25519_sign(seed, &message, 1, signature);
	assert_hex(signature, 64,
		   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	assert_true(rn_ed25519_verify(public, &message, 1, signature));
	message ^= 1;
	assert_false(rn_ed25519_verify(public, &message, 1, signature));
}

static void hashes(void **state)
{
	uint8_t out[64], key[200];

	(void)state;
	rn_sha256("abc", 3, out);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	rn_blake2b(NULL, 0, "abc", 3, out, 64); /* RFC 7693 appendix A */
	assert_hex(out, 64,
		   "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
		   "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
	rn_blake2b(NULL, 0, NULL, 0, out, 32);
	assert_hex(out, 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	/* From another implementation of HMAC over BLAKE2b-512. */
	rn_hmac_blake2b("key", 3, "message", 7, out);
	assert_hex(out, 64,
		   "04e9ada930688cde75eec939782eed653073dd621d7643f813702976257cf037"
		   "d325b50eedd417c01b6ad1f978fbe2980a93d27d854044e8626df6fa279d6680");
	memset(key, 0xaa, sizeof(key));
	rn_hmac_blake2b(key, sizeof(key), "message", 7, out);
	assert_hex(out, 64,
		   "52d7ec1e29068ea784f5243a7b37d3a3d87b514bf532e4e6e249f1b1b1329134"
		   "deaf4bcb681e72923f7a37f67ea8630c2d342741cd84c523921468604e7ca9d0");
}

/* The tag comes from another implementation of RFC 8439. */
static void aead(void **state)
{
	uint8_t key[32], ad[12], sealed[265 + 16], opened[265];
	size_t i;

	(void)state;
	unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", key, 32);
	unhex("f33388860000000000004e91", ad, 12);
	memset(opened, 0x5a, sizeof(opened));
	rn_aead_seal(key, 0x0807060504030201, ad, sizeof(ad), opened, sizeof(opened), sealed);
	assert_hex(sealed + 265, 16, "97cfae64146d1e3893b00cec460e5faa");
	memset(opened, 0, sizeof(opened));
	assert_int_equal(rn_aead_open(key, 0x0807060504030201, ad, sizeof(ad), sealed, sizeof(sealed), opened), 0);
	assert_int_equal(opened[264], 0x5a);
	assert_int_equal(rn_aead_open(key, 0x0807060504030200, ad, sizeof(ad), sealed, sizeof(sealed), opened),
			 -EBADMSG);
	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(rn_aead_open(key, 0x0807060504030201, ad, 12, sealed, sizeof(sealed), opened),
				 -EBADMSG);
		sealed[i] ^= 1;
	}
	for (i = 0; i < RN_TAG_SIZE; i++)
		assert_int_equal(rn_aead_open(key, 0x0807060504030201, ad, 12, sealed, i, opened), -EBADMSG);
	/* In place. */
	assert_int_equal(rn_aead_open(key, 0x0807060504030201, ad, sizeof(ad), sealed, sizeof(sealed), sealed), 0);
	assert_int_equal(sealed[0], 0x5a);
}

static void boxes(void **state)
{
	uint8_t a[32], a_public[32], b[32], b_public[32], box[5 + RN_SEAL_OVERHEAD], out[5], nonce[24] = { 7 }, x[21];

	(void)state;
	rn_x25519_keypair(a_public, a);
	rn_x25519_keypair(b_public, b);
	assert_int_equal(rn_box_seal(b_public, a, "hello", 5, box), 0);
	assert_int_equal(rn_box_open(a_public, b, box, sizeof(box), out), 0);
	assert_memory_equal(out, "hello", 5);
	box[30] ^= 1;
	assert_int_equal(rn_box_open(a_public, b, box, sizeof(box), out), -EBADMSG);
	assert_int_equal(rn_box_open(a_public, b, box, RN_SEAL_OVERHEAD - 1, out), -EBADMSG);
	rn_xaead_seal(a, nonce, "ad", 2, "hello", 5, x);
	assert_int_equal(rn_xaead_open(a, nonce, "ad", 2, x, sizeof(x), out), 0);
	assert_int_equal(rn_xaead_open(a, nonce, "aD", 2, x, sizeof(x), out), -EBADMSG);
}

static void texts(void **state)
{
	static const char *const bad64[] = { "YQ", "YQ=", "YQ===", "YQ== ", " YQ==", "YR==", "Y?==", "YWJjZGVm" };
	static const char *const bad_url[] = { "YQ==", "YR", "Y", "+w", "/w" };
	static const char *const bad_hex[] = { "a", "0g", "0x00", "00 ", "0011223344" };
	uint8_t out[4];
	char text[16];
	size_t size = 77, i;

	(void)state;
	rn_base64("a", 1, text, sizeof(text));
	assert_string_equal(text, "YQ==");
	rn_base64url("\xfb\xff", 2, text, sizeof(text));
	assert_string_equal(text, "-_8");
	assert_int_equal(rn_base64url_decode("-_8", out, sizeof(out), &size), 0);
	assert_int_equal(size, 2);
	assert_memory_equal(out, "\xfb\xff", 2);
	size = 77;
	for (i = 0; i < sizeof(bad64) / sizeof(bad64[0]); i++)
		assert_int_equal(rn_base64_decode(bad64[i], out, sizeof(out), &size), -EINVAL);
	for (i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		assert_int_equal(rn_base64url_decode(bad_url[i], out, sizeof(out), &size), -EINVAL);
	for (i = 0; i < sizeof(bad_hex) / sizeof(bad_hex[0]); i++)
		assert_int_equal(rn_hex_decode(bad_hex[i], out, sizeof(out), &size), -EINVAL);
	assert_int_equal(size, 77);
}

static void comparisons(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { [31] = 1 };

	(void)state;
	assert_true(rn_is_zero(a, 32));
	assert_false(rn_is_zero(b, 32));
	assert_false(rn_equal(a, b, 32));
	assert_true(rn_equal(a, b, 31));
	rn_wipe(b, 32);
	assert_true(rn_equal(a, b, 32));
}

static int start(void **state)
{
	(void)state;
	return rn_crypto_start();
}

/* Argon2id with the parameters that crypto.h promises, a salt of its own each time, and nothing taken for a hash. */
static void passwords(void **state)
{
	static const char password[] = "correct horse battery staple";
	char one[RN_PASSWORD_TEXT], two[RN_PASSWORD_TEXT], long_text[200];

	(void)state;
	assert_int_equal(rn_password_hash(password, strlen(password), one), 0);
	assert_int_equal(rn_password_hash(password, strlen(password), two), 0);
	assert_memory_equal(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
	assert_string_not_equal(one, two);
	assert_true(rn_password_verify(one, password, strlen(password)));
	assert_true(rn_password_verify(two, password, strlen(password)));
	assert_false(rn_password_verify(one, password, strlen(password) - 1));
	assert_false(rn_password_verify(one, "", 0));
	assert_false(rn_password_verify("", password, strlen(password)));
	assert_false(rn_password_verify("", "", 0));
	assert_false(rn_password_verify("$argon2id$v=19$m=19456,t=2,p=1$", password, strlen(password)));
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	assert_false(rn_password_verify(long_text, password, strlen(password)));
	one[40] ^= 1;
	assert_false(rn_password_verify(one, password, strlen(password)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519),      cmocka_unit_test(ed25519), cmocka_unit_test(hashes),
		cmocka_unit_test(aead),	       cmocka_unit_test(boxes),	  cmocka_unit_test(texts),
		cmocka_unit_test(comparisons), cmocka_unit_test(passwords),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
