/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA whose core is the input: tokens, requests rightly and wrongly signed, renewals, revocations, in any order and
 * at any time, and any other message. No leaf without a registered token of that kind or a leaf before; none ever again
 * for a key that was revoked; and what is signed is in the journal: now and then the CA starts anew from it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "proto/message.h"
#include "service/ca_create.h"
#include "service/ca_issue.h"

#define NOW 1790000000ll
#define KEYS 4
#define TOKENS 4

static struct rn_ca_created created;
static struct rn_issuer *issuer; /* to verify by */
static struct rn_ca *ca;
static char ca_dir[128], journal[160];
static int64_t now, now_ms;
static struct {
	bool there;
	enum rn_kind kind;
	int64_t expires;
} tokens[TOKENS];
static struct {
	bool issued, revoked;
	uint8_t leaf[RN_CERT_MAX];
	size_t leaf_size;
} keys[KEYS];

static void key_of(unsigned which, uint8_t out[RN_KEY_SIZE])
{
	memset(out, 0, RN_KEY_SIZE);
	out[0] = (uint8_t)(0x40 + which);
}

static void seed_of(unsigned which, uint8_t out[RN_KEY_SIZE])
{
	memset(out, 0, RN_KEY_SIZE);
	out[0] = (uint8_t)(0x80 + which);
}

static void open_ca(void)
{
	struct rn_err err = {""};

	rn_ca_free(ca);
	ca = NULL;
	if (rn_ca_open(ca_dir, created.root_public, NOW, &ca, &err) < 0)
		fuzz_fail(err.text, __FILE__, __LINE__);
}

static void create(void)
{
	const struct rn_owner self = {geteuid(), getegid()};
	struct rn_ca_create in = {.name = "gateway", .owners = {self, self, self, self, self}, .now = NOW};
	struct rn_err err = {""};

	in.dir = fuzz_directory();
	snprintf(ca_dir, sizeof(ca_dir), "%s/ca", in.dir);
	snprintf(journal, sizeof(journal), "%s/journal", ca_dir);
	if (rn_ca_create(&in, &created, &err) < 0)
		fuzz_fail(err.text, __FILE__, __LINE__);
	CHECK(rn_issuer_new(created.issuer, created.issuer_size, created.root_public, NOW, &issuer) == 0);
}

/* An empty network: the journal as it was after its creation. */
static void begin(void)
{
	static uint8_t first[4096];
	static size_t first_size;
	FILE *file;

	rn_ca_free(ca);
	ca = NULL;
	if (!first_size) {
		create();
		file = fopen(journal, "rbe");
		CHECK(file);
		first_size = fread(first, 1, sizeof(first), file);
	} else {
		file = fopen(journal, "wbe");
		CHECK(file && fwrite(first, 1, first_size, file) == first_size);
	}
	CHECK(fclose(file) == 0);
	memset(tokens, 0, sizeof(tokens));
	memset(keys, 0, sizeof(keys));
	now = NOW;
	now_ms = 1000000;
	open_ca();
}

static bool ask(const struct rn_local *request, struct rn_local *ret)
{
	int r = rn_ca_handle(ca, request, now, now_ms, ret);

	CHECK(r == 0 || r == -EBADMSG);
	if (r < 0)
		return false;
	CHECK(ret->type == RN_LOCAL_CA_ANSWER && ret->number == request->number);
	CHECK(ret->code ? ret->text[0] && !ret->block_size : !ret->text[0]);
	return ret->code == 0;
}

static void got_leaf(unsigned which, const struct rn_local *answer)
{
	uint8_t key[RN_KEY_SIZE];
	struct rn_leaf leaf;

	key_of(which, key);
	CHECK(!keys[which].revoked && answer->block_size);
	CHECK(rn_issuer_verify(issuer, answer->block, answer->block_size, now, RN_LEAF_EXPIRED_TOO, &leaf) == 0);
	CHECK(memcmp(leaf.key, key, RN_KEY_SIZE) == 0 && leaf.not_before <= now);
	keys[which].issued = true;
	memcpy(keys[which].leaf, answer->block, answer->block_size);
	keys[which].leaf_size = answer->block_size;
}

static void token(struct fuzz *f)
{
	unsigned which = fuzz_u8(f) % TOKENS;
	struct rn_local request = {.type = RN_LOCAL_CA_TOKEN, .token = which + 1, .role = fuzz_u8(f) % 8}, answer;
	uint8_t seed[RN_KEY_SIZE];

	seed_of(which, seed);
	rn_ed25519_public(seed, request.key2);
	request.expires = (uint64_t)(now + (int16_t)fuzz_u16(f) * 60ll);
	fuzz_fill(f, request.text, fuzz_u8(f) % 3);
	if (!ask(&request, &answer))
		return;
	CHECK(tokens[which].there || (int64_t)request.expires > now); /* the same once more is no news, even past its end */
	CHECK(!tokens[which].there || tokens[which].kind == (enum rn_kind)request.role);
	tokens[which].there = true;
	tokens[which].kind = request.role;
	tokens[which].expires = (int64_t)request.expires;
}

static void issue(struct fuzz *f)
{
	unsigned which = fuzz_u8(f) % KEYS, by = fuzz_u8(f) % TOKENS, lie = fuzz_u8(f) % 8;
	struct rn_message message = {.type = RN_MESSAGE_ENROLL};
	struct rn_local request = {.type = RN_LOCAL_CA_ISSUE, .number = 7}, answer;
	uint8_t data[1024], seed[RN_KEY_SIZE];
	int size;

	message.enroll.token = by + 1;
	message.enroll.role = fuzz_u8(f) % 8;
	snprintf(message.enroll.name, sizeof(message.enroll.name), "%c%u", "ab-"[fuzz_u8(f) % 3], which);
	key_of(which, message.enroll.noise_key);
	size = rn_message_enroll_signed(&message.enroll, data, sizeof(data));
	seed_of(lie == 1 ? (by + 1) % TOKENS : by, seed);
	rn_ed25519_sign(seed, data, size < 0 ? 0 : (size_t)size, message.enroll.signature);
	if (lie == 2)
		message.enroll.token = fuzz_u8(f);
	size = rn_message_encode(&message, data, sizeof(data));
	if (size < 0)
		return;
	key_of(lie == 3 ? (which + 1) % KEYS : which, request.key);
	request.block = data;
	request.block_size = (size_t)size;
	if (!ask(&request, &answer))
		return;
	CHECK(lie != 1 && lie != 3 && tokens[by].there && tokens[by].kind == (enum rn_kind)message.enroll.role);
	got_leaf(which, &answer);
}

static void renew(struct fuzz *f)
{
	unsigned which = fuzz_u8(f) % KEYS, of = fuzz_u8(f) & 1 ? fuzz_u8(f) % KEYS : which;
	struct rn_local request = {.type = RN_LOCAL_CA_RENEW}, answer;
	uint8_t *own = NULL;

	key_of(which, request.key);
	request.block = keys[of].leaf;
	request.block_size = keys[of].leaf_size;
	if (fuzz_u8(f) & 1) {
		own = fuzz_block(f, RN_CERT_MAX, &request.block_size);
		request.block = own;
	}
	if (ask(&request, &answer)) {
		CHECK(of == which && keys[which].issued);
		got_leaf(which, &answer);
	}
	free(own);
}

static void revoke_key(struct fuzz *f)
{
	unsigned which = fuzz_u8(f) % KEYS;
	struct rn_local request = {.type = RN_LOCAL_CA_REVOKE}, answer;

	key_of(which, request.key);
	CHECK(ask(&request, &answer) && !answer.block_size);
	keys[which].revoked = true;
}

/* It may be a request that is right, but for a token or a key that is none of ours. */
static void anything(struct fuzz *f)
{
	size_t size;
	uint8_t *block = fuzz_block(f, 1024, &size);
	struct rn_local request, answer;

	if (rn_local_decode(block, size, &request) == 0 && request.type != RN_LOCAL_CA_TOKEN &&
	    request.type != RN_LOCAL_CA_REVOKE && ask(&request, &answer))
		CHECK(request.type == RN_LOCAL_CA_ISSUE || request.type == RN_LOCAL_CA_RENEW);
	free(block);
}

static void passes(struct fuzz *f)
{
	uint16_t minutes = fuzz_u16(f) % 20000;

	now += minutes * 60ll;
	now_ms += minutes * 60000ll;
	if (minutes & 1)
		open_ca();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct fuzz *) = {token, issue, renew, revoke_key, anything, passes};
	struct fuzz f = {data, size};

	begin();
	for (unsigned i = 0; f.size && i < 16; i++)
		steps[fuzz_u8(&f) % 6](&f);
	if (size & 1)
		open_ca();
	rn_ca_free(ca);
	ca = NULL;
	return 0;
}
