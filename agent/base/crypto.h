/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_CRYPTO_H
#define RN_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The only file that includes libsodium. Every function but the verifiers and openers cannot fail on valid sizes. */

#define RN_KEY_SIZE 32 /* X25519 and Ed25519 public keys, X25519 secret keys, Ed25519 seeds, AEAD keys */
#define RN_SIGNATURE_SIZE 64
#define RN_TAG_SIZE 16 /* AEAD */
#define RN_BLAKE2B_SIZE 64
#define RN_SHA256_SIZE 32
#define RN_SIPHASH_KEY 16
#define RN_SEAL_OVERHEAD 40 /* crypto_box: nonce 24, tag 16 */

int rn_crypto_start(void); /* once a process; 0 or -EIO */
void rn_random(void *out, size_t size);
void rn_wipe(void *data, size_t size);
bool rn_equal(const void *a, const void *b, size_t size); /* constant time */
bool rn_is_zero(const void *data, size_t size);		  /* constant time */

void rn_x25519_keypair(uint8_t ret_public[RN_KEY_SIZE], uint8_t ret_secret[RN_KEY_SIZE]);
void rn_x25519_public(const uint8_t secret[RN_KEY_SIZE], uint8_t ret_public[RN_KEY_SIZE]);
/* -EBADMSG where the result is all zero (RFC 7748 section 6.1). */
int rn_x25519(const uint8_t secret[RN_KEY_SIZE], const uint8_t public[RN_KEY_SIZE], uint8_t ret[RN_KEY_SIZE]);

/* Ed25519 from its 32-byte seed (RFC 8032). */
void rn_ed25519_public(const uint8_t seed[RN_KEY_SIZE], uint8_t ret_public[RN_KEY_SIZE]);
void rn_ed25519_sign(const uint8_t seed[RN_KEY_SIZE], const void *data, size_t size, uint8_t ret[RN_SIGNATURE_SIZE]);
bool rn_ed25519_verify(const uint8_t public[RN_KEY_SIZE], const void *data, size_t size,
		       const uint8_t signature[RN_SIGNATURE_SIZE]);

/*
 * Argon2id (RFC 9106) of a password: 2 passes over 19 MiB, as OWASP asks for; some 20 ms. The text holds salt and
 * parameters. Hash: 0 or -ENOMEM. Verify: constant time; false also where the text is none.
 */
#define RN_PASSWORD_TEXT 128
int rn_password_hash(const char *password, size_t size, char ret[RN_PASSWORD_TEXT]);
bool rn_password_verify(const char *text, const char *password, size_t size);

void rn_sha256(const void *data, size_t size, uint8_t ret[RN_SHA256_SIZE]);
/* BLAKE2b with an optional key (NULL, 0); out_size 16..64. */
void rn_blake2b(const void *key, size_t key_size, const void *data, size_t size, void *out, size_t out_size);
/* SipHash-2-4, for tables of what strangers choose. */
uint64_t rn_siphash(const uint8_t key[RN_SIPHASH_KEY], const void *data, size_t size);
/* BLAKE2b-512 of a, then b. */
void rn_blake2b_pair(const void *a, size_t a_size, const void *b, size_t b_size, uint8_t ret[RN_BLAKE2B_SIZE]);
/* HMAC-BLAKE2b of RFC 2104 with a 128-byte block, as Noise's HKDF asks for. */
void rn_hmac_blake2b(const void *key, size_t key_size, const void *data, size_t size, uint8_t ret[RN_BLAKE2B_SIZE]);

/* ChaCha20-Poly1305 (RFC 8439); nonce = 4 zero bytes and the counter, little endian. out: size + RN_TAG_SIZE. */
void rn_aead_seal(const uint8_t key[RN_KEY_SIZE], uint64_t counter, const void *ad, size_t ad_size, const void *data,
		  size_t size, uint8_t *out);
/* size counts the tag; 0 or -EBADMSG; out: size - RN_TAG_SIZE, may equal data. */
int rn_aead_open(const uint8_t key[RN_KEY_SIZE], uint64_t counter, const void *ad, size_t ad_size, const void *data,
		 size_t size, uint8_t *out);
/* XChaCha20-Poly1305 with a 24-byte nonce, for cookies. */
void rn_xaead_seal(const uint8_t key[RN_KEY_SIZE], const uint8_t nonce[24], const void *ad, size_t ad_size,
		   const void *data, size_t size, uint8_t *out);
int rn_xaead_open(const uint8_t key[RN_KEY_SIZE], const uint8_t nonce[24], const void *ad, size_t ad_size,
		  const void *data, size_t size, uint8_t *out);

/* Authenticated public-key box (libsodium crypto_box): only `secret`'s owner made it, only `public`'s owner reads it.
 */
int rn_box_seal(const uint8_t public[RN_KEY_SIZE], const uint8_t secret[RN_KEY_SIZE], const void *data, size_t size,
		uint8_t *out /* size + RN_SEAL_OVERHEAD */);
int rn_box_open(const uint8_t public[RN_KEY_SIZE], const uint8_t secret[RN_KEY_SIZE], const void *data, size_t size,
		uint8_t *out /* size - RN_SEAL_OVERHEAD */);

/* Base64: standard with padding (WireGuard keys), and URL-safe without (tokens). Decoders are strict. */
void rn_base64(const void *data, size_t size, char *out, size_t out_size);
int rn_base64_decode(const char *text, void *out, size_t out_size, size_t *ret_size);
void rn_base64url(const void *data, size_t size, char *out, size_t out_size);
int rn_base64url_decode(const char *text, void *out, size_t out_size, size_t *ret_size);
void rn_hex(const void *data, size_t size, char *out, size_t out_size);
int rn_hex_decode(const char *text, void *out, size_t out_size, size_t *ret_size);

#endif
