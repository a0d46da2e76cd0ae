/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates. First byte: bit 0 a leaf, else an issuing one; bit 1: the rest is the part that is signed, and is
 * signed here with the right key, so that everything behind the signature is reached. What is taken is byte for byte
 * what we would have issued: there is no second form of a certificate. The file's own functions by including it.
 */
#include "sys/x509.c"

#include "fuzz.h"

#define NOW 1800000000

static const uint8_t root_seed[RN_KEY_SIZE] = {1}, issuing_seed[RN_KEY_SIZE] = {2};
static uint8_t root_public[RN_KEY_SIZE], issuing_public[RN_KEY_SIZE];
static struct rn_issuer *known;

static void start(void)
{
	static const uint8_t serial[RN_SERIAL_SIZE] = {0x11, 7};
	uint8_t der[RN_CERT_MAX];
	int size;

	rn_ed25519_public(root_seed, root_public);
	rn_ed25519_public(issuing_seed, issuing_public);
	size = rn_x509_issuing(root_seed, issuing_public, serial, NOW - 100, der);
	CHECK(size > 0 && rn_issuer_new(der, (size_t)size, root_public, NOW, &known) == 0);
}

/* SEQUENCE { part, algorithm, signature }; 0 where it does not fit. */
static size_t wrap(const uint8_t *part, size_t size, const uint8_t seed[RN_KEY_SIZE], uint8_t out[RN_CERT_MAX + 8])
{
	size_t length = size + TAIL_SIZE, head = length < 256 ? 3 : 4;

	if (head + length > RN_CERT_MAX + 8 || length < 128)
		return 0;
	out[0] = 0x30;
	out[1] = length < 256 ? 0x81 : 0x82;
	out[2] = (uint8_t)(length < 256 ? length : length >> 8);
	if (head == 4)
		out[3] = (uint8_t)length;
	memcpy(out + head, part, size);
	memcpy(out + head + size, tail, sizeof(tail));
	rn_ed25519_sign(seed, part, size, out + head + length - RN_SIGNATURE_SIZE);
	return head + length;
}

static void leaf(const uint8_t *der, size_t size)
{
	uint8_t again[RN_CERT_MAX];
	struct rn_leaf read;

	if (rn_issuer_verify(known, der, size, NOW, RN_LEAF_EXPIRED_TOO, &read) < 0)
		return;
	CHECK(read.not_after == read.not_before + RN_LEAF_SECONDS);
	CHECK(rn_x509_leaf(known, issuing_seed, &read, again) == (int)size && memcmp(again, der, size) == 0);
}

static void issuing(const uint8_t *der, size_t size)
{
	uint8_t again[RN_CERT_MAX], serial[RN_SERIAL_SIZE + 4];
	size_t serial_size = sizeof(serial);
	struct rn_issuer *read = NULL;

	if (rn_issuer_new(der, size, root_public, NOW, &read) < 0)
		return;
	CHECK(gnutls_x509_crt_get_serial(read->crt, serial, &serial_size) >= 0 && serial_size == RN_SERIAL_SIZE);
	CHECK(rn_x509_issuing(root_seed, read->public, serial, read->not_before, again) == (int)size &&
	      memcmp(again, der, size) == 0);
	rn_issuer_free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy, wrapped[RN_CERT_MAX + 8];

	if (!known)
		start();
	if (size < 2)
		return 0;
	if (data[0] & 2) {
		size_t whole = wrap(data + 1, size - 1, data[0] & 1 ? issuing_seed : root_seed, wrapped);

		if (!whole)
			return 0;
		copy = fuzz_copy(wrapped, whole);
		size = whole + 1;
	} else {
		copy = fuzz_copy(data + 1, size - 1);
	}
	(data[0] & 1 ? leaf : issuing)(copy, size - 1);
	free(copy);
	return 0;
}
