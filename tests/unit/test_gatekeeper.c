/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/hello.h"
#include "service/gatekeeper.h"

#define NOW 1790000000ll

struct network {
	uint8_t root_seed[RN_KEY_SIZE], root_public[RN_KEY_SIZE], issuing_seed[RN_KEY_SIZE];
	uint8_t issuing[RN_CERT_MAX], anchor[RN_ANCHOR_SIZE];
	size_t issuing_size;
	struct rn_issuer *issuer;
};

struct host {
	uint8_t key[RN_KEY_SIZE], leaf[RN_CERT_MAX], hello[RN_HELLO_MAX];
	size_t leaf_size, hello_size;
};

static struct network home, abroad;

static void network_make(struct network *n)
{
	uint8_t serial[RN_SERIAL_SIZE], public[RN_KEY_SIZE];
	struct rn_anchor anchor = {.epoch = 1};

	rn_random(n->root_seed, RN_KEY_SIZE);
	rn_random(n->issuing_seed, RN_KEY_SIZE);
	rn_ed25519_public(n->root_seed, n->root_public);
	rn_ed25519_public(n->issuing_seed, public);
	rn_x509_serial(serial);
	n->issuing_size = (size_t)rn_x509_issuing(n->root_seed, public, serial, NOW - 86400, n->issuing);
	assert_int_equal(rn_issuer_new(n->issuing, n->issuing_size, n->root_public, NOW, &n->issuer), 0);
	memcpy(anchor.root_public, n->root_public, RN_KEY_SIZE);
	rn_anchor_put(&anchor, n->root_seed, n->anchor);
}

static struct host host_make(const struct network *n, const char *kind, const char *name, int64_t from)
{
	struct rn_leaf leaf = {.not_before = from};
	struct rn_hello hello = {0};
	struct host h = {0};

	rn_random(h.key, RN_KEY_SIZE);
	memcpy(leaf.key, h.key, RN_KEY_SIZE);
	rn_x509_serial(leaf.serial);
	snprintf(leaf.kind, sizeof(leaf.kind), "%s", kind);
	snprintf(leaf.name, sizeof(leaf.name), "%s", name);
	h.leaf_size = (size_t)rn_x509_leaf(n->issuer, n->issuing_seed, &leaf, h.leaf);
	hello.leaf = h.leaf;
	hello.leaf_size = h.leaf_size;
	h.hello_size = (size_t)rn_hello_encode(&hello, h.hello, sizeof(h.hello));
	return h;
}

static struct rn_gatekeeper *keeper_make(const struct host *self, bool serves, bool gateway)
{
	struct rn_gatekeeper_config config = {.serves = serves, .gateway = gateway};
	struct rn_gatekeeper *keeper = NULL;
	struct rn_err err = {""};

	memcpy(config.key, self->key, RN_KEY_SIZE);
	memcpy(config.root_public, home.root_public, RN_KEY_SIZE);
	memcpy(config.anchor, home.anchor, RN_ANCHOR_SIZE);
	if (rn_gatekeeper_new(&config, self->leaf, self->leaf_size, home.issuing, home.issuing_size, NOW, &keeper, &err) < 0)
		fail_msg("%s", err.text);
	return keeper;
}

/* Whoever comes to whomever. */
static void test_who_may_come(void **state)
{
	static const struct {
		const char *kind;
		bool serves, gateway;
		int stranger, device;
	} hosts[] = {
		{"gateway", true, true, 0, 0},
		{"regional", true, false, -EACCES, 0},
		{"desktop", false, false, -EACCES, -EACCES},
	};
	static const char *const kinds[] = {"gateway", "regional", "departmental", "project",
					    "desktop", "mobile",   "server",	   "iot"};

	(void)state;
	for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct host self = host_make(&home, hosts[i].kind, "self", NOW);
		struct rn_gatekeeper *keeper = keeper_make(&self, hosts[i].serves, hosts[i].gateway);
		struct rn_caller who = {.kind = 99};

		assert_int_equal(rn_gatekeeper_ask(keeper, self.key, NULL, 0, NOW, &who), hosts[i].stranger);
		assert_int_equal(who.kind, hosts[i].stranger ? 99 : 0);
		for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			struct host peer = host_make(&home, kinds[k], "peer", NOW);

			memset(&who, 0, sizeof(who));
			assert_int_equal(rn_gatekeeper_ask(keeper, peer.key, peer.hello, peer.hello_size, NOW, &who),
					 hosts[i].device);
			if (hosts[i].device)
				continue;
			assert_string_equal(rn_kind_name(who.kind), kinds[k]);
			assert_string_equal(who.name, "peer");
			assert_int_equal(who.expires, NOW + RN_LEAF_SECONDS);
			assert_false(who.expired);
		}
		rn_gatekeeper_free(keeper);
	}
}

static void test_who_does_not_come_in(void **state)
{
	struct host self = host_make(&home, "gateway", "self", NOW);
	struct host good = host_make(&home, "desktop", "peer", NOW), other = host_make(&home, "desktop", "other", NOW);
	struct host foreign = host_make(&abroad, "desktop", "peer", NOW);
	struct host early = host_make(&home, "desktop", "peer", NOW + 2 * RN_CLOCK_SKEW);
	struct host odd = host_make(&home, "hub", "peer", NOW), unknown = host_make(&home, "toaster", "peer", NOW);
	struct rn_gatekeeper *keeper = keeper_make(&self, true, true);
	struct rn_caller who;

	(void)state;
	assert_int_equal(rn_gatekeeper_ask(keeper, good.key, other.hello, other.hello_size, NOW, &who), -EKEYREJECTED);
	assert_int_equal(rn_gatekeeper_ask(keeper, foreign.key, foreign.hello, foreign.hello_size, NOW, &who), -EBADMSG);
	assert_int_equal(rn_gatekeeper_ask(keeper, early.key, early.hello, early.hello_size, NOW, &who), -EKEYEXPIRED);
	assert_int_equal(rn_gatekeeper_ask(keeper, odd.key, odd.hello, odd.hello_size, NOW, &who), -EBADMSG);
	assert_int_equal(rn_gatekeeper_ask(keeper, unknown.key, unknown.hello, unknown.hello_size, NOW, &who), -EBADMSG);
	for (size_t i = 1; i < good.hello_size; i++)
		assert_int_equal(rn_gatekeeper_ask(keeper, good.key, good.hello, i, NOW, &who), -EBADMSG);
	for (size_t i = 0; i < good.hello_size * 8; i++) {
		good.hello[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(rn_gatekeeper_ask(keeper, good.key, good.hello, good.hello_size, NOW, &who), -EBADMSG);
		good.hello[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(rn_gatekeeper_deny(keeper, good.key), 0);
	assert_int_equal(rn_gatekeeper_deny(keeper, good.key), 0);
	assert_int_equal(rn_gatekeeper_ask(keeper, good.key, good.hello, good.hello_size, NOW, &who), -EKEYREVOKED);
	assert_int_equal(rn_gatekeeper_ask(keeper, good.key, NULL, 0, NOW, &who), -EKEYREVOKED);
	assert_int_equal(rn_gatekeeper_ask(keeper, other.key, other.hello, other.hello_size, NOW, &who), 0);
	rn_gatekeeper_free(keeper);
}

static void test_who_answers_a_call(void **state)
{
	static const struct {
		const char *kind;
		int want;
	} cases[] = {{"gateway", 0},	    {"regional", 0},	  {"departmental", 0}, {"project", 0},
		     {"desktop", -EACCES}, {"mobile", -EACCES}, {"server", -EACCES},  {"iot", -EACCES}};
	struct host self = host_make(&home, "desktop", "self", NOW);
	struct host expired = host_make(&home, "gateway", "hub", NOW - RN_LEAF_SECONDS - RN_CLOCK_SKEW - 1);
	struct rn_gatekeeper *keeper = keeper_make(&self, false, false);
	struct rn_caller who;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host hub = host_make(&home, cases[i].kind, "hub", NOW);

		assert_int_equal(rn_gatekeeper_dialled(keeper, hub.key, hub.hello, hub.hello_size, NOW, &who),
				 cases[i].want);
		assert_int_equal(rn_gatekeeper_dialled(keeper, self.key, hub.hello, hub.hello_size, NOW, &who),
				 -EKEYREJECTED);
		assert_int_equal(rn_gatekeeper_dialled(keeper, hub.key, NULL, 0, NOW, &who), -EBADMSG);
	}
	assert_int_equal(rn_gatekeeper_dialled(keeper, expired.key, expired.hello, expired.hello_size, NOW, &who),
			 -EKEYEXPIRED);
	rn_gatekeeper_free(keeper);
}

static void test_what_each_may_say(void **state)
{
	struct host self = host_make(&home, "gateway", "self", NOW);
	struct host old = host_make(&home, "desktop", "old", NOW - RN_LEAF_SECONDS - RN_CLOCK_SKEW - 1);
	struct rn_gatekeeper *keeper = keeper_make(&self, true, true);
	struct rn_caller stranger = {0}, device = {.kind = RN_KIND_DESKTOP}, expired;

	(void)state;
	assert_int_equal(rn_gatekeeper_ask(keeper, old.key, old.hello, old.hello_size, NOW, &expired), 0);
	assert_true(expired.expired);
	for (unsigned type = 0; type < 256; type++) {
		assert_int_equal(rn_gatekeeper_may_send(&stranger, type), type == RN_MESSAGE_ENROLL);
		assert_int_equal(rn_gatekeeper_may_send(&expired, type), type == RN_MESSAGE_REQUEST);
		assert_int_equal(rn_gatekeeper_may_send(&device, type), type != RN_MESSAGE_ENROLL);
	}
	rn_gatekeeper_free(keeper);
}

static void test_what_we_show(void **state)
{
	struct host self = host_make(&home, "gateway", "self", NOW);
	struct rn_gatekeeper *keeper = keeper_make(&self, true, true);
	uint8_t out[RN_HELLO_MAX];
	struct rn_hello hello;
	int size;

	(void)state;
	size = rn_gatekeeper_hello(keeper, false, out);
	assert_int_equal(rn_hello_decode(out, (size_t)size, &hello), 0);
	assert_memory_equal(hello.leaf, self.leaf, self.leaf_size);
	assert_null(hello.issuer);
	size = rn_gatekeeper_hello(keeper, true, out);
	assert_int_equal(rn_hello_decode(out, (size_t)size, &hello), 0);
	assert_memory_equal(hello.leaf, self.leaf, self.leaf_size);
	assert_memory_equal(hello.issuer, home.issuing, home.issuing_size);
	assert_memory_equal(hello.anchor, home.anchor, RN_ANCHOR_SIZE);
	rn_gatekeeper_free(keeper);
}

static void test_renewal(void **state)
{
	struct host self = host_make(&home, "desktop", "self", NOW - 86400);
	struct rn_gatekeeper *keeper = keeper_make(&self, false, false);
	struct rn_leaf leaf = {.not_before = NOW, .kind = "desktop", .name = "self"};
	uint8_t der[RN_CERT_MAX];
	struct host other = host_make(&home, "desktop", "self", NOW);
	int size;

	(void)state;
	rn_x509_serial(leaf.serial);
	memcpy(leaf.key, self.key, RN_KEY_SIZE);
	assert_int_equal(rn_gatekeeper_expires(keeper), NOW - 86400 + RN_LEAF_SECONDS);
	assert_int_equal(rn_gatekeeper_renew(keeper, other.leaf, other.leaf_size, NOW), -EBADMSG);
	snprintf(leaf.kind, sizeof(leaf.kind), "gateway");
	size = rn_x509_leaf(home.issuer, home.issuing_seed, &leaf, der);
	assert_int_equal(rn_gatekeeper_renew(keeper, der, (size_t)size, NOW), -EBADMSG);
	snprintf(leaf.kind, sizeof(leaf.kind), "desktop");
	size = rn_x509_leaf(home.issuer, home.issuing_seed, &leaf, der);
	assert_int_equal(rn_gatekeeper_renew(keeper, der, (size_t)size - 1, NOW), -EBADMSG);
	assert_int_equal(rn_gatekeeper_expires(keeper), NOW - 86400 + RN_LEAF_SECONDS);
	assert_int_equal(rn_gatekeeper_renew(keeper, der, (size_t)size, NOW), 0);
	assert_int_equal(rn_gatekeeper_expires(keeper), NOW + RN_LEAF_SECONDS);
	rn_gatekeeper_free(keeper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_may_come),	    cmocka_unit_test(test_who_does_not_come_in),
		cmocka_unit_test(test_who_answers_a_call), cmocka_unit_test(test_what_each_may_say),
		cmocka_unit_test(test_what_we_show),	    cmocka_unit_test(test_renewal),
	};
	int failed;

	if (rn_crypto_start() < 0)
		return 1;
	network_make(&home);
	network_make(&abroad);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rn_issuer_free(home.issuer);
	rn_issuer_free(abroad.issuer);
	return failed;
}
