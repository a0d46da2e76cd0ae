/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <sodium.h>

#define PASSWORD_PASSES 2u
#define PASSWORD_MEMORY (19u << 20)

#define HMAC_BLOCK 128 /* of BLAKE2b */
#define BOX_NONCE crypto_box_NONCEBYTES

_Static_assert(RN_KEY_SIZE == crypto_scalarmult_BYTES, "X25519");
_Static_assert(RN_KEY_SIZE == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(RN_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(RN_TAG_SIZE == crypto_aead_chacha20poly1305_ietf_ABYTES, "AEAD");
_Static_assert(RN_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "XAEAD");
_Static_assert(RN_SEAL_OVERHEAD == crypto_box_NONCEBYTES + crypto_box_MACBYTES, "box");

int rn_crypto_start(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

void rn_random(void *out, size_t size)
{
	randombytes_buf(out, size);
}

void rn_wipe(void *data, size_t size)
{
	sodium_memzero(data, size);
}

bool rn_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}

bool rn_is_zero(const void *data, size_t size)
{
	return sodium_is_zero(data, size) == 1;
}

void rn_x25519_keypair(uint8_t ret_public[RN_KEY_SIZE], uint8_t ret_secret[RN_KEY_SIZE])
{
	rn_random(ret_secret, RN_KEY_SIZE);
	rn_x25519_public(ret_secret, ret_public);
}

void rn_x25519_public(const uint8_t secret[RN_KEY_SIZE], uint8_t ret_public[RN_KEY_SIZE])
{
	crypto_scalarmult_base(ret_public, secret);
}

int rn_x25519(const uint8_t secret[RN_KEY_SIZE], const uint8_t public[RN_KEY_SIZE], uint8_t ret[RN_KEY_SIZE])
{
	uint8_t shared[RN_KEY_SIZE];
	int r = crypto_scalarmult(shared, secret, public) ? -EBADMSG : 0;

	if (r == 0)
		memcpy(ret, shared, sizeof(shared));
	rn_wipe(shared, sizeof(shared));
	return r;
}

void rn_ed25519_public(const uint8_t seed[RN_KEY_SIZE], uint8_t ret_public[RN_KEY_SIZE])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(ret_public, secret, seed);
	rn_wipe(secret, sizeof(secret));
}

void rn_ed25519_sign(const uint8_t seed[RN_KEY_SIZE], const void *data, size_t size, uint8_t ret[RN_SIGNATURE_SIZE])
{
	uint8_t public[RN_KEY_SIZE], secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(public, secret, seed);
	crypto_sign_detached(ret, NULL, data, size, secret);
	rn_wipe(secret, sizeof(secret));
}

bool rn_ed25519_verify(const uint8_t public[RN_KEY_SIZE], const void *data, size_t size,
		       const uint8_t signature[RN_SIGNATURE_SIZE])
{
	return crypto_sign_verify_detached(signature, data, size, public) == 0;
}

int rn_password_hash(const char *password, size_t size, char ret[RN_PASSWORD_TEXT])
{
	_Static_assert(RN_PASSWORD_TEXT >= crypto_pwhash_STRBYTES, "password text");
	memset(ret, 0, RN_PASSWORD_TEXT);
	return crypto_pwhash_str_alg(ret, password, size, PASSWORD_PASSES, PASSWORD_MEMORY,
				     crypto_pwhash_ALG_ARGON2ID13)
		   ? -ENOMEM
		   : 0;
}

bool rn_password_verify(const char *text, const char *password, size_t size)
{
	char whole[crypto_pwhash_STRBYTES] = "";

	if (strnlen(text, sizeof(whole)) == sizeof(whole))
		return false;
	memcpy(whole, text, strlen(text));
	return crypto_pwhash_str_verify(whole, password, size) == 0;
}

void rn_sha256(const void *data, size_t size, uint8_t ret[RN_SHA256_SIZE])
{
	crypto_hash_sha256(ret, data, size);
}

uint64_t rn_siphash(const uint8_t key[RN_SIPHASH_KEY], const void *data, size_t size)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t ret = 0;

	_Static_assert(RN_SIPHASH_KEY == crypto_shorthash_KEYBYTES && sizeof(ret) == sizeof(hash), "SipHash");
	crypto_shorthash(hash, data, size, key);
	memcpy(&ret, hash, sizeof(ret));
	return ret;
}

void rn_blake2b(const void *key, size_t key_size, const void *data, size_t size, void *out, size_t out_size)
{
	assert(key_size <= crypto_generichash_KEYBYTES_MAX);
	assert(out_size >= crypto_generichash_BYTES_MIN && out_size <= crypto_generichash_BYTES_MAX);
	crypto_generichash(out, out_size, data, size, key, key_size);
}

void rn_blake2b_pair(const void *a, size_t a_size, const void *b, size_t b_size, uint8_t ret[RN_BLAKE2B_SIZE])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, RN_BLAKE2B_SIZE);
	crypto_generichash_update(&state, a, a_size);
	crypto_generichash_update(&state, b, b_size);
	crypto_generichash_final(&state, ret, RN_BLAKE2B_SIZE);
	rn_wipe(&state, sizeof(state));
}

/* BLAKE2b((key ^ pad) || data), key filled up with zeros to the block. */
static void hmac_half(const uint8_t key[HMAC_BLOCK], uint8_t pad, const void *data, size_t size,
		      uint8_t ret[RN_BLAKE2B_SIZE])
{
	uint8_t block[HMAC_BLOCK];
	size_t i;

	for (i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	rn_blake2b_pair(block, sizeof(block), data, size, ret);
	rn_wipe(block, sizeof(block));
}

void rn_hmac_blake2b(const void *key, size_t key_size, const void *data, size_t size, uint8_t ret[RN_BLAKE2B_SIZE])
{
	uint8_t block[HMAC_BLOCK] = {0}, inner[RN_BLAKE2B_SIZE];

	if (key_size > sizeof(block))
		rn_blake2b(NULL, 0, key, key_size, block, RN_BLAKE2B_SIZE);
	else if (key_size > 0)
		memcpy(block, key, key_size);
	hmac_half(block, 0x36, data, size, inner);
	hmac_half(block, 0x5c, inner, sizeof(inner), ret);
	rn_wipe(block, sizeof(block));
	rn_wipe(inner, sizeof(inner));
}

static void counter_nonce(uint64_t counter, uint8_t ret[12])
{
	unsigned i;

	memset(ret, 0, 4);
	for (i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(counter >> 8 * i);
}

void rn_aead_seal(const uint8_t key[RN_KEY_SIZE], uint64_t counter, const void *ad, size_t ad_size, const void *data,
		  size_t size, uint8_t *out)
{
	uint8_t nonce[12];

	counter_nonce(counter, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, data, size, ad, ad_size, NULL, nonce, key);
}

int rn_aead_open(const uint8_t key[RN_KEY_SIZE], uint64_t counter, const void *ad, size_t ad_size, const void *data,
		 size_t size, uint8_t *out)
{
	uint8_t nonce[12];

	counter_nonce(counter, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, data, size, ad, ad_size, nonce, key))
		return -EBADMSG;
	return 0;
}

void rn_xaead_seal(const uint8_t key[RN_KEY_SIZE], const uint8_t nonce[24], const void *ad, size_t ad_size,
		   const void *data, size_t size, uint8_t *out)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, data, size, ad, ad_size, NULL, nonce, key);
}

int rn_xaead_open(const uint8_t key[RN_KEY_SIZE], const uint8_t nonce[24], const void *ad, size_t ad_size,
		  const void *data, size_t size, uint8_t *out)
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, data, size, ad, ad_size, nonce, key))
		return -EBADMSG;
	return 0;
}

int rn_box_seal(const uint8_t public[RN_KEY_SIZE], const uint8_t secret[RN_KEY_SIZE], const void *data, size_t size,
		uint8_t *out)
{
	rn_random(out, BOX_NONCE);
	return crypto_box_easy(out + BOX_NONCE, data, size, out, public, secret) ? -EBADMSG : 0;
}

int rn_box_open(const uint8_t public[RN_KEY_SIZE], const uint8_t secret[RN_KEY_SIZE], const void *data, size_t size,
		uint8_t *out)
{
	const uint8_t *box = data;

	if (size < RN_SEAL_OVERHEAD)
		return -EBADMSG;
	return crypto_box_open_easy(out, box + BOX_NONCE, size - BOX_NONCE, box, public, secret) ? -EBADMSG : 0;
}

static int decode_base64(const char *text, void *out, size_t out_size, size_t *ret_size, int variant)
{
	size_t size;

	if (sodium_base642bin(out, out_size, text, strlen(text), NULL, &size, NULL, variant))
		return -EINVAL;
	*ret_size = size;
	return 0;
}

void rn_base64(const void *data, size_t size, char *out, size_t out_size)
{
	sodium_bin2base64(out, out_size, data, size, sodium_base64_VARIANT_ORIGINAL);
}

int rn_base64_decode(const char *text, void *out, size_t out_size, size_t *ret_size)
{
	return decode_base64(text, out, out_size, ret_size, sodium_base64_VARIANT_ORIGINAL);
}

void rn_base64url(const void *data, size_t size, char *out, size_t out_size)
{
	sodium_bin2base64(out, out_size, data, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int rn_base64url_decode(const char *text, void *out, size_t out_size, size_t *ret_size)
{
	return decode_base64(text, out, out_size, ret_size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void rn_hex(const void *data, size_t size, char *out, size_t out_size)
{
	sodium_bin2hex(out, out_size, data, size);
}

int rn_hex_decode(const char *text, void *out, size_t out_size, size_t *ret_size)
{
	size_t size;

	if (sodium_hex2bin(out, out_size, text, strlen(text), NULL, &size, NULL))
		return -EINVAL;
	*ret_size = size;
	return 0;
}
