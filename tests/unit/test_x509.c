/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/moment.h"
#include "sys/x509.h"

#define NOW 1790000000ll
#define NAME_63 "abcdefghijklmnopqrstuvwxyz0123456789.abcdefghijklmnopqrstuvwxyz"

struct network {
	uint8_t root_seed[32], root_public[32], issuing_seed[32], issuing_public[32];
	uint8_t root[RN_CERT_MAX], issuing[RN_CERT_MAX];
	int root_size, issuing_size;
	struct rn_issuer *issuer;
};

static void network_make(struct network *n, uint8_t salt)
{
	uint8_t serial[RN_SERIAL_SIZE];

	memset(n->root_seed, salt, 32);
	memset(n->issuing_seed, salt + 1, 32);
	rn_ed25519_public(n->root_seed, n->root_public);
	rn_ed25519_public(n->issuing_seed, n->issuing_public);
	rn_x509_serial(serial);
	n->root_size = rn_x509_root(n->root_seed, serial, NOW, n->root);
	n->issuing_size = rn_x509_issuing(n->root_seed, n->issuing_public, serial, NOW, n->issuing);
	assert_true(n->root_size > 200);
	assert_true(n->issuing_size > 200);
	assert_int_equal(rn_issuer_new(n->issuing, (size_t)n->issuing_size, n->root_public, NOW, &n->issuer), 0);
}

static struct rn_leaf draft(const char *kind, const char *name)
{
	struct rn_leaf leaf = {.not_before = NOW};

	rn_x509_serial(leaf.serial);
	memset(leaf.key, 0x42, sizeof(leaf.key));
	strncpy(leaf.kind, kind, sizeof(leaf.kind) - 1);
	strncpy(leaf.name, name, sizeof(leaf.name) - 1);
	return leaf;
}

static int leaf_make(const struct network *n, const char *kind, const char *name, uint8_t out[RN_CERT_MAX])
{
	struct rn_leaf leaf = draft(kind, name);

	return rn_x509_leaf(n->issuer, n->issuing_seed, &leaf, out);
}

static void test_round_trip(void **state)
{
	static const char *const kinds[] = {"gateway", "regional", "desktop", "mobile", "server", "iot"};
	struct network n;

	(void)state;
	network_make(&n, 1);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct rn_leaf want = draft(kinds[i], i & 1 ? NAME_63 : "a"), got;
		uint8_t der[RN_CERT_MAX], again[RN_CERT_MAX];
		int size = rn_x509_leaf(n.issuer, n.issuing_seed, &want, der);

		assert_true(size > 0);
		assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, NOW, 0, &got), 0);
		assert_memory_equal(got.serial, want.serial, RN_SERIAL_SIZE);
		assert_memory_equal(got.key, want.key, RN_KEY_SIZE);
		assert_string_equal(got.kind, want.kind);
		assert_string_equal(got.name, want.name);
		assert_int_equal(got.not_before, NOW);
		assert_int_equal(got.not_after, NOW + RN_LEAF_SECONDS);
		assert_int_equal(rn_x509_leaf(n.issuer, n.issuing_seed, &want, again), size);
		assert_memory_equal(der, again, (size_t)size);
	}
	rn_issuer_free(n.issuer);
}

/* A gateway shows a stranger leaf, issuer and anchor in one handshake payload of 900 bytes. */
static void test_sizes_fit_a_handshake(void **state)
{
	uint8_t der[RN_CERT_MAX];
	struct network n;
	int size;

	(void)state;
	network_make(&n, 1);
	size = leaf_make(&n, "departmental", NAME_63, der);
	print_message("largest leaf %d, issuing %d, root %d bytes\n", size, n.issuing_size, n.root_size);
	assert_true(size > 0 && size + n.issuing_size + 168 + 4 <= 900);
	rn_issuer_free(n.issuer);
}

static void test_validity(void **state)
{
	const int64_t end = NOW + RN_LEAF_SECONDS;
	const struct {
		int64_t now;
		unsigned flags;
		int want;
	} cases[] = {
		{NOW - RN_CLOCK_SKEW, 0, 0},
		{NOW - RN_CLOCK_SKEW - 1, 0, -EKEYEXPIRED},
		{NOW - RN_CLOCK_SKEW - 1, RN_LEAF_EXPIRED_TOO, -EKEYEXPIRED},
		{end + RN_CLOCK_SKEW, 0, 0},
		{end + RN_CLOCK_SKEW + 1, 0, -EKEYEXPIRED},
		{end + RN_CLOCK_SKEW + 1, RN_LEAF_EXPIRED_TOO, 0},
		{end + 400 * 86400, RN_LEAF_EXPIRED_TOO, 0},
		{NOW + 731 * 86400, RN_LEAF_EXPIRED_TOO, -EKEYEXPIRED}, /* the issuer's own end */
		{0, 0, -EKEYEXPIRED},
	};
	struct rn_issuer *issuer = NULL;
	uint8_t der[RN_CERT_MAX];
	struct rn_leaf leaf;
	struct network n;
	int size;

	(void)state;
	network_make(&n, 1);
	size = leaf_make(&n, "desktop", "laptop", der);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, cases[i].now, cases[i].flags, &leaf),
				 cases[i].want);
	assert_int_equal(rn_issuer_new(n.issuing, (size_t)n.issuing_size, n.root_public, NOW - 86400, &issuer),
			 -EKEYEXPIRED);
	assert_int_equal(rn_issuer_new(n.issuing, (size_t)n.issuing_size, n.root_public, NOW + 731 * 86400, &issuer),
			 -EKEYEXPIRED);
	assert_null(issuer);
	rn_issuer_free(n.issuer);
}

/* Every certificate of two networks in every place: only the right leaf passes as a leaf, the right issuer as issuer. */
static void test_role_matrix(void **state)
{
	struct network n[2];
	uint8_t leaf[2][RN_CERT_MAX];
	int leaf_size[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		network_make(&n[i], (uint8_t)(10 + 10 * i));
		leaf_size[i] = leaf_make(&n[i], "desktop", "laptop", leaf[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *ders[] = {n[0].root, n[0].issuing, leaf[0], n[1].root, n[1].issuing, leaf[1]};
		const int sizes[] = {n[0].root_size, n[0].issuing_size, leaf_size[0],
				     n[1].root_size, n[1].issuing_size, leaf_size[1]};

		for (unsigned j = 0; j < 6; j++) {
			struct rn_issuer *issuer = NULL;
			struct rn_leaf got;
			int r = rn_issuer_verify(n[i].issuer, ders[j], (size_t)sizes[j], NOW, 0, &got);

			assert_int_equal(r, j == 3 * i + 2 ? 0 : -EBADMSG);
			r = rn_issuer_new(ders[j], (size_t)sizes[j], n[i].root_public, NOW, &issuer);
			assert_int_equal(r, j == 3 * i + 1 ? 0 : -EBADMSG);
			rn_issuer_free(issuer);
		}
	}
	rn_issuer_free(n[0].issuer);
	rn_issuer_free(n[1].issuer);
}

/* An issuing CA that root signed for one network cannot speak in the name of another, nor sign with another key. */
static void test_other_key_or_network(void **state)
{
	struct network a, b;
	struct rn_issuer *crossed = NULL;
	uint8_t serial[RN_SERIAL_SIZE], der[RN_CERT_MAX];
	struct rn_leaf leaf = draft("desktop", "laptop");
	int size;

	(void)state;
	network_make(&a, 30);
	network_make(&b, 40);
	assert_int_equal(rn_x509_leaf(a.issuer, b.issuing_seed, &leaf, der), -EINVAL);
	/* the same issuing key under both roots */
	rn_x509_serial(serial);
	size = rn_x509_issuing(b.root_seed, a.issuing_public, serial, NOW, der);
	assert_int_equal(rn_issuer_new(der, (size_t)size, b.root_public, NOW, &crossed), 0);
	size = rn_x509_leaf(crossed, a.issuing_seed, &leaf, der);
	assert_true(size > 0);
	assert_int_equal(rn_issuer_verify(crossed, der, (size_t)size, NOW, 0, &leaf), 0);
	assert_int_equal(rn_issuer_verify(a.issuer, der, (size_t)size, NOW, 0, &leaf), -EBADMSG);
	rn_issuer_free(crossed);
	rn_issuer_free(a.issuer);
	rn_issuer_free(b.issuer);
}

static void test_every_bit_and_every_length(void **state)
{
	uint8_t leaf_der[RN_CERT_MAX + 1] = {0}, issuing[RN_CERT_MAX + 1] = {0};
	struct rn_issuer *issuer = NULL;
	struct rn_leaf leaf;
	struct network n;
	size_t size;

	(void)state;
	network_make(&n, 50);
	size = (size_t)leaf_make(&n, "desktop", "laptop", leaf_der);
	memcpy(issuing, n.issuing, (size_t)n.issuing_size);
	for (size_t bit = 0; bit < size * 8; bit++) {
		leaf_der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(rn_issuer_verify(n.issuer, leaf_der, size, NOW, 0, &leaf), -EBADMSG);
		leaf_der[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < (size_t)n.issuing_size * 8; bit++) {
		issuing[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(rn_issuer_new(issuing, (size_t)n.issuing_size, n.root_public, NOW, &issuer), -EBADMSG);
		issuing[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut <= RN_CERT_MAX; cut++)
		assert_int_equal(rn_issuer_verify(n.issuer, leaf_der, cut, NOW, 0, &leaf), cut == size ? 0 : -EBADMSG);
	rn_issuer_free(n.issuer);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",	 "Laptop", "a b",  "a/b", "-a", ".a", "_a",
					  "a%2f", "a\n",   "\xc3\xa4", "a:b", NAME_63 "a"};
	static const char *const good[] = {"a", "0", "a-", "a-b", "a.b_c-d", NAME_63};
	struct network n;

	(void)state;
	network_make(&n, 60);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(rn_leaf_name_valid(bad[i]));
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(rn_leaf_name_valid(good[i]));
	for (unsigned i = 0; i + 1 < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t der[RN_CERT_MAX];

		assert_int_equal(leaf_make(&n, "desktop", bad[i], der), -EINVAL);
		assert_int_equal(leaf_make(&n, bad[i], "a", der), -EINVAL);
	}
	rn_issuer_free(n.issuer);
}

/* Changes a byte of the signed part and signs it again: as a signer with another encoder would. */
static void sign_again(uint8_t *der, size_t size, const uint8_t seed[32])
{
	size_t head = der[1] == 0x82 ? 4 : 3, part = size - head - 74;

	rn_ed25519_sign(seed, der + head, part, der + size - RN_SIGNATURE_SIZE);
}

static size_t find_bytes(const uint8_t *der, size_t size, const uint8_t *wanted, size_t wanted_size)
{
	for (size_t i = 0; i + wanted_size <= size; i++)
		if (!memcmp(der + i, wanted, wanted_size))
			return i;
	fail();
	return 0;
}

/* Found by tests/fuzz/fuzz_x509.c: another form of TRUE, another type of string, signed by the right key, were taken. */
static void test_one_form(void **state)
{
	static const uint8_t truth[] = {0x01, 0x01, 0xff}, string[] = {0x13, 0x1e, 'r', 'n'};
	struct rn_issuer *issuer;
	struct network n;
	struct rn_leaf got;
	uint8_t der[RN_CERT_MAX];
	size_t at;
	int size;

	(void)state;
	network_make(&n, 1);
	size = leaf_make(&n, "desktop", "pc", der);
	at = find_bytes(der, (size_t)size, truth, sizeof(truth));
	der[at + 2] = 0xf5;
	sign_again(der, (size_t)size, n.issuing_seed);
	assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, NOW, 0, &got), -EBADMSG);
	der[at + 2] = 0xff;
	sign_again(der, (size_t)size, n.issuing_seed);
	assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, NOW, 0, &got), 0);
	at = find_bytes(n.issuing, (size_t)n.issuing_size, string, sizeof(string));
	n.issuing[at] = 0x0c;
	sign_again(n.issuing, (size_t)n.issuing_size, n.root_seed);
	assert_int_equal(rn_issuer_new(n.issuing, (size_t)n.issuing_size, n.root_public, NOW, &issuer), -EBADMSG);
	rn_issuer_free(n.issuer);
}

/* The encoding of times changes with the year 2050, in the middle of a certificate's life. */
static void test_year_2050(void **state)
{
	const int64_t now = 2524608000 - 3600;
	struct rn_leaf leaf = draft("desktop", "pc"), got;
	struct rn_issuer *issuer = NULL;
	uint8_t der[RN_CERT_MAX];
	struct network n;
	int size;

	(void)state;
	network_make(&n, 1);
	for (unsigned i = 0; i < 3; i++) {
		size = rn_x509_issuing(n.root_seed, n.issuing_public, leaf.serial, now + i * 3600, der);
		assert_true(size > 0);
		assert_int_equal(rn_issuer_new(der, (size_t)size, n.root_public, now + i * 3600, &issuer), 0);
		leaf.not_before = now + i * 3600;
		size = rn_x509_leaf(issuer, n.issuing_seed, &leaf, der);
		assert_int_equal(rn_issuer_verify(issuer, der, (size_t)size, leaf.not_before, 0, &got), 0);
		assert_int_equal(got.not_before, leaf.not_before);
		rn_issuer_free(issuer);
	}
	rn_issuer_free(n.issuer);
}

/* The CA's journal says when a leaf begins. */
static void test_no_leaf_beyond_the_year_9999(void **state)
{
	const int64_t times[] = {-1, INT64_MIN, RN_MOMENT_MAX - RN_LEAF_SECONDS + 1, INT64_MAX};
	struct rn_leaf leaf = draft("desktop", "pc");
	uint8_t der[RN_CERT_MAX];
	struct network n;

	(void)state;
	network_make(&n, 1);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		leaf.not_before = times[i];
		assert_int_equal(rn_x509_leaf(n.issuer, n.issuing_seed, &leaf, der), -EINVAL);
	}
	leaf.not_before = RN_MOMENT_MAX - RN_LEAF_SECONDS;
	assert_true(rn_x509_leaf(n.issuer, n.issuing_seed, &leaf, der) > 0);
	rn_issuer_free(n.issuer);
}

/* Whatever the clock says. */
static void test_validity_at_the_ends_of_time(void **state)
{
	struct rn_issuer *issuer;
	struct rn_leaf got;
	uint8_t der[RN_CERT_MAX];
	struct network n;
	int size;

	(void)state;
	network_make(&n, 1);
	size = leaf_make(&n, "desktop", "pc", der);
	assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, INT64_MAX, 0, &got), -EKEYEXPIRED);
	assert_int_equal(rn_issuer_verify(n.issuer, der, (size_t)size, INT64_MIN, 0, &got), -EKEYEXPIRED);
	assert_int_equal(rn_issuer_new(n.issuing, (size_t)n.issuing_size, n.root_public, INT64_MAX, &issuer),
			 -EKEYEXPIRED);
	rn_issuer_free(n.issuer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_one_form),
		cmocka_unit_test(test_year_2050),
		cmocka_unit_test(test_no_leaf_beyond_the_year_9999),
		cmocka_unit_test(test_validity_at_the_ends_of_time),
		cmocka_unit_test(test_sizes_fit_a_handshake),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_role_matrix),
		cmocka_unit_test(test_other_key_or_network),
		cmocka_unit_test(test_every_bit_and_every_length),
		cmocka_unit_test(test_names),
	};

	if (rn_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
