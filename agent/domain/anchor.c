// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "domain/record.h"

static const char magic[4] = "RNK1";
static const char context[] = "rnaut keys v1";
#define SIGNED_SIZE (RN_ANCHOR_SIZE - RN_SIGNATURE_SIZE)

static void signed_form(const uint8_t data[SIGNED_SIZE], uint8_t out[sizeof(context) + SIGNED_SIZE])
{
	memcpy(out, context, sizeof(context));
	memcpy(out + sizeof(context), data, SIGNED_SIZE);
}

void rn_anchor_put(const struct rn_anchor *in, const uint8_t root_seed[RN_KEY_SIZE], uint8_t out[RN_ANCHOR_SIZE])
{
	struct rn_writer w = rn_writer(out, SIGNED_SIZE);
	uint8_t text[sizeof(context) + SIGNED_SIZE];

	rn_write_bytes(&w, magic, sizeof(magic));
	rn_write_u32(&w, in->epoch);
	rn_write_bytes(&w, in->root_public, RN_KEY_SIZE);
	rn_write_bytes(&w, in->policy_public, RN_KEY_SIZE);
	rn_write_bytes(&w, in->box_public, RN_KEY_SIZE);
	signed_form(out, text);
	rn_ed25519_sign(root_seed, text, sizeof(text), out + SIGNED_SIZE);
}

static bool pinned(const uint8_t *root_public, const uint8_t *fingerprint)
{
	uint8_t hash[RN_SHA256_SIZE];

	rn_sha256(root_public, RN_KEY_SIZE, hash);
	return rn_equal(hash, fingerprint, sizeof(hash));
}

int rn_anchor_get(const uint8_t *data, size_t size, const uint8_t *fingerprint, struct rn_anchor *ret)
{
	struct rn_reader r = rn_reader(data, size);
	uint8_t text[sizeof(context) + SIGNED_SIZE], start[sizeof(magic)];
	struct rn_anchor anchor;

	if (size != RN_ANCHOR_SIZE)
		return -EBADMSG;
	rn_read_bytes(&r, start, sizeof(start));
	anchor.epoch = rn_read_u32(&r);
	rn_read_bytes(&r, anchor.root_public, RN_KEY_SIZE);
	rn_read_bytes(&r, anchor.policy_public, RN_KEY_SIZE);
	rn_read_bytes(&r, anchor.box_public, RN_KEY_SIZE);
	if (memcmp(start, magic, sizeof(magic)) != 0 || anchor.epoch == 0)
		return -EBADMSG;
	if (fingerprint && !pinned(anchor.root_public, fingerprint))
		return -EBADMSG;
	signed_form(data, text);
	if (!rn_ed25519_verify(anchor.root_public, text, sizeof(text), data + SIGNED_SIZE))
		return -EBADMSG;
	*ret = anchor;
	return 0;
}
