/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device takes from the network at first contact, when it believes nobody: the gateway's hello and its answer.
 * The input chooses which parts are honest, which are another network's, and which are its own bytes; leaves of any
 * kind, name and key may be signed by the right CA. Only what is right in every part is taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proto/hello.h"
#include "service/enroll_talk.h"

#define NOW 1800000000

struct network {
	uint8_t root_public[RN_KEY_SIZE], issuing_seed[RN_KEY_SIZE], anchor[RN_ANCHOR_SIZE], issuing[RN_CERT_MAX];
	size_t issuing_size;
	struct rn_issuer *issuer;
};

static struct network home, abroad;
static const uint8_t gateway_key[RN_KEY_SIZE] = {0x41}, device_key[RN_KEY_SIZE] = {0x42};

static void make(struct network *n, uint8_t tag)
{
	uint8_t root_seed[RN_KEY_SIZE] = {tag}, serial[RN_SERIAL_SIZE] = {0x11, tag}, public[RN_KEY_SIZE];
	struct rn_anchor anchor = {.epoch = 1};
	int size;

	n->issuing_seed[1] = tag;
	rn_ed25519_public(root_seed, n->root_public);
	rn_ed25519_public(n->issuing_seed, public);
	size = rn_x509_issuing(root_seed, public, serial, NOW - 86400, n->issuing);
	CHECK(size > 0 && rn_issuer_new(n->issuing, (size_t)size, n->root_public, NOW, &n->issuer) == 0);
	n->issuing_size = (size_t)size;
	memcpy(anchor.root_public, n->root_public, RN_KEY_SIZE);
	rn_anchor_put(&anchor, root_seed, n->anchor);
}

enum { HONEST, ABROAD, SIGNED, OWN };

struct part {
	uint8_t *data;
	size_t size;
	unsigned how;
};

static struct part take(struct fuzz *f, const void *honest, size_t honest_size, const void *other, size_t other_size)
{
	struct part p = {.how = fuzz_u8(f) % 4};

	if (p.how == HONEST)
		return (struct part){fuzz_copy(honest, honest_size), honest_size, HONEST};
	if (p.how == ABROAD)
		return (struct part){fuzz_copy(other, other_size), other_size, ABROAD};
	p.how = OWN;
	p.data = fuzz_block(f, RN_CERT_MAX, &p.size);
	return p;
}

/* good: what only the right leaf says. */
static struct part leaf(struct fuzz *f, const uint8_t *key, const char *kind, const char *name, bool *good)
{
	static const char *const kinds[] = {"gateway", "regional", "desktop", "router"};
	static const char *const names[] = {"gw", "laptop", "x"};
	const uint8_t how = fuzz_u8(f);
	const struct network *by = how % 4 == ABROAD ? &abroad : &home;
	struct rn_leaf leaf = {.not_before = NOW - 100, .serial = {0x11, 3}};
	struct part p = {.how = how % 4};
	uint8_t der[RN_CERT_MAX];
	int size;

	*good = p.how == HONEST;
	if (p.how == OWN) {
		p.data = fuzz_block(f, RN_CERT_MAX, &p.size);
		return p;
	}
	memcpy(leaf.key, key, RN_KEY_SIZE);
	snprintf(leaf.kind, sizeof(leaf.kind), "%s", kind);
	snprintf(leaf.name, sizeof(leaf.name), "%s", name);
	if (p.how == SIGNED) {
		leaf.key[0] ^= fuzz_u8(f) & 1;
		snprintf(leaf.kind, sizeof(leaf.kind), "%s", kinds[fuzz_u8(f) % 4]);
		snprintf(leaf.name, sizeof(leaf.name), "%s", names[fuzz_u8(f) % 3]);
		leaf.not_before += (int64_t)(fuzz_u8(f) & 3) * 86400 * 5 - 86400 * 5;
		*good = memcmp(leaf.key, key, RN_KEY_SIZE) == 0 && strcmp(leaf.kind, kind) == 0;
	}
	size = rn_x509_leaf(by->issuer, by->issuing_seed, &leaf, der);
	CHECK(size > 0);
	p.data = fuzz_copy(der, (size_t)size);
	p.size = (size_t)size;
	return p;
}

static void gateway(struct fuzz *f, const struct rn_token *token)
{
	struct part anchor = take(f, home.anchor, RN_ANCHOR_SIZE, abroad.anchor, RN_ANCHOR_SIZE);
	struct part issuer = take(f, home.issuing, home.issuing_size, abroad.issuing, abroad.issuing_size);
	bool good;
	struct part own = leaf(f, gateway_key, "gateway", "gw", &good);
	struct rn_hello hello = {own.data, issuer.data, anchor.data, own.size, issuer.size, anchor.size};
	uint8_t data[RN_ANCHOR_SIZE + 3 * RN_CERT_MAX];
	int size = rn_hello_encode(&hello, data, sizeof(data));

	if (size > 0 && rn_enroll_check_gateway(token, data, (size_t)size, NOW, NULL) == 0)
		CHECK(good || own.how == OWN);
	else
		CHECK(anchor.how != HONEST || issuer.how != HONEST || own.how != HONEST);
	rn_enroll_check_gateway(token, f->data, f->size, NOW, NULL);
	free(anchor.data);
	free(issuer.data);
	free(own.data);
}

static void judge_answer(const struct rn_enroll *in, const uint8_t *data, size_t size, bool good)
{
	struct rn_enroll_result result;
	struct rn_err err = {""};

	if (rn_enroll_check_answer(in, device_key, data, size, NOW, &result, &err) < 0) {
		CHECK(err.text[0]);
		for (const char *c = err.text; *c; c++)
			CHECK((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
		return;
	}
	CHECK(good && result.self.device && result.self.hub && result.self.upstream.port);
	CHECK(strcmp(result.self.name, in->name) == 0 && result.self.kind == in->kind);
}

static void answer(struct fuzz *f, const struct rn_enroll *in)
{
	struct part anchor = take(f, home.anchor, RN_ANCHOR_SIZE, abroad.anchor, RN_ANCHOR_SIZE);
	struct part issuer = take(f, home.issuing, home.issuing_size, abroad.issuing, abroad.issuing_size);
	bool good;
	struct part own = leaf(f, device_key, "desktop", "laptop", &good);
	struct rn_message m = {.type = RN_MESSAGE_ENROLLED};
	static uint8_t data[RN_MESSAGE_MAX];
	int size;

	m.enrolled.anchor = anchor.data;
	m.enrolled.anchor_size = anchor.size;
	m.enrolled.leaf = own.data;
	m.enrolled.leaf_size = own.size;
	m.enrolled.issuer = issuer.data;
	m.enrolled.issuer_size = issuer.size;
	m.enrolled.status = fuzz_u8(f) & 1 ? fuzz_u16(f) : 0;
	m.enrolled.device = fuzz_u8(f);
	m.enrolled.hub = fuzz_u8(f);
	m.enrolled.upstream_shared = fuzz_u16(f);
	fuzz_fill(f, m.enrolled.upstream_key, RN_KEY_SIZE);
	fuzz_fill(f, m.enrolled.upstream.addr.b, 16);
	m.enrolled.upstream.port = fuzz_u16(f);
	fuzz_fill(f, m.enrolled.text, f->size < RN_TEXT_MAX ? f->size : RN_TEXT_MAX);
	size = rn_message_encode(&m, data, sizeof(data));
	if (size > 0)
		judge_answer(in, data, (size_t)size, good || own.how == OWN);
	free(anchor.data);
	free(issuer.data);
	free(own.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rn_enroll in = {.kind = RN_KIND_DESKTOP, .name = "laptop"};
	struct fuzz f = {data, size};
	uint8_t *exact;

	if (!home.issuer) {
		make(&home, 1);
		make(&abroad, 2);
	}
	rn_sha256(home.root_public, RN_KEY_SIZE, in.token.fingerprint);
	memcpy(in.token.gateway_key, gateway_key, RN_KEY_SIZE);
	switch (fuzz_u8(&f) % 3) {
	case 0:
		gateway(&f, &in.token);
		break;
	case 1:
		answer(&f, &in);
		break;
	default:
		exact = fuzz_copy(f.data, f.size);
		judge_answer(&in, exact, f.size, true);
		free(exact);
	}
	return 0;
}
