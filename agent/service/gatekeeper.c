/* SPDX-License-Identifier: Apache-2.0 */
#include "service/gatekeeper.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hello.h"

struct rn_gatekeeper {
	struct rn_gatekeeper_config config;
	struct rn_issuer *issuer;
	uint8_t issuer_der[RN_CERT_MAX], leaf_der[RN_CERT_MAX];
	size_t issuer_size, leaf_size;
	struct rn_leaf leaf;
	void *denied; /* tree of keys */
	unsigned denied_count;
};

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, RN_KEY_SIZE);
}

static int load(struct rn_gatekeeper *a, const uint8_t *leaf, size_t leaf_size, const uint8_t *issuer,
		size_t issuer_size, int64_t now, struct rn_err *err)
{
	int r = rn_issuer_new(issuer, issuer_size, a->config.root_public, now, &a->issuer);

	if (r == -EKEYEXPIRED)
		return rn_fail(err, r, "the network's issuing certificate is not valid at this host's time: set the clock");
	if (r < 0)
		return rn_fail(err, r, "net/issuer.der is not of this network; restore the state directory from a backup");
	r = rn_issuer_verify(a->issuer, leaf, leaf_size, now, RN_LEAF_EXPIRED_TOO, &a->leaf);
	if (r == -EKEYEXPIRED)
		return rn_fail(err, r, "this host's certificate begins in the future: set the clock");
	if (r < 0 || !rn_equal(a->leaf.key, a->config.key, RN_KEY_SIZE))
		return rn_fail(err, r < 0 ? r : -EBADMSG,
			       "net/leaf.der is not this host's; restore the state directory from a backup");
	memcpy(a->issuer_der, issuer, issuer_size);
	memcpy(a->leaf_der, leaf, leaf_size);
	a->issuer_size = issuer_size;
	a->leaf_size = leaf_size;
	return 0;
}

int rn_gatekeeper_new(const struct rn_gatekeeper_config *config, const uint8_t *leaf, size_t leaf_size,
		     const uint8_t *issuer, size_t issuer_size, int64_t now, struct rn_gatekeeper **ret,
		     struct rn_err *err)
{
	struct rn_gatekeeper *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return rn_fail(err, -ENOMEM, "out of memory");
	a->config = *config;
	r = load(a, leaf, leaf_size, issuer, issuer_size, now, err);
	if (r < 0)
		rn_gatekeeper_free(a);
	else
		*ret = a;
	return r;
}

void rn_gatekeeper_free(struct rn_gatekeeper *gatekeeper)
{
	if (!gatekeeper)
		return;
	rn_issuer_free(gatekeeper->issuer);
	tdestroy(gatekeeper->denied, free);
	free(gatekeeper);
}

int rn_gatekeeper_renew(struct rn_gatekeeper *gatekeeper, const uint8_t *leaf, size_t size, int64_t now)
{
	struct rn_leaf new;
	int r = rn_issuer_verify(gatekeeper->issuer, leaf, size, now, 0, &new);

	if (r < 0)
		return -EBADMSG;
	if (!rn_equal(new.key, gatekeeper->leaf.key, RN_KEY_SIZE) || strcmp(new.kind, gatekeeper->leaf.kind) ||
	    strcmp(new.name, gatekeeper->leaf.name))
		return -EBADMSG;
	memcpy(gatekeeper->leaf_der, leaf, size);
	gatekeeper->leaf_size = size;
	gatekeeper->leaf = new;
	return 0;
}

int64_t rn_gatekeeper_expires(const struct rn_gatekeeper *gatekeeper)
{
	return gatekeeper->leaf.not_after;
}

int rn_gatekeeper_deny(struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE])
{
	uint8_t *copy;

	if (tfind(key, &gatekeeper->denied, compare_keys))
		return 0;
	if (gatekeeper->denied_count == RN_GATEKEEPER_DENIED_MAX)
		return -ENOSPC;
	copy = malloc(RN_KEY_SIZE);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, RN_KEY_SIZE);
	if (!tsearch(copy, &gatekeeper->denied, compare_keys)) {
		free(copy);
		return -ENOMEM;
	}
	gatekeeper->denied_count++;
	return 0;
}

/* Certificate, key and denial; the role is the caller's to judge. */
static int identify(const struct rn_gatekeeper *a, const uint8_t *key, const struct rn_hello *hello, int64_t now,
		    struct rn_caller *ret)
{
	struct rn_caller peer = {.leaf = hello->leaf, .leaf_size = hello->leaf_size};
	struct rn_leaf leaf;
	int r = rn_issuer_verify(a->issuer, hello->leaf, hello->leaf_size, now, RN_LEAF_EXPIRED_TOO, &leaf);

	if (r < 0)
		return r;
	if (!rn_equal(leaf.key, key, RN_KEY_SIZE))
		return -EKEYREJECTED;
	/* The list knows other words for a kind; a certificate has exactly one. */
	if (rn_kind_parse(leaf.kind, &peer.kind) < 0 || strcmp(rn_kind_name(peer.kind), leaf.kind))
		return -EBADMSG;
	peer.expires = leaf.not_after;
	peer.expired = now - RN_CLOCK_SKEW > leaf.not_after;
	memcpy(peer.name, leaf.name, sizeof(peer.name));
	*ret = peer;
	return 0;
}

int rn_gatekeeper_ask(const struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
		     size_t size, int64_t now, struct rn_caller *ret)
{
	struct rn_hello parts;

	if (!gatekeeper->config.serves)
		return -EACCES;
	if (tfind(key, &gatekeeper->denied, compare_keys))
		return -EKEYREVOKED;
	if (rn_hello_decode(hello, size, &parts) < 0 || parts.issuer)
		return -EBADMSG;
	if (parts.leaf)
		return identify(gatekeeper, key, &parts, now, ret);
	if (!gatekeeper->config.gateway)
		return -EACCES;
	*ret = (struct rn_caller){0};
	return 0;
}

int rn_gatekeeper_dialled(const struct rn_gatekeeper *gatekeeper, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
			 size_t size, int64_t now, struct rn_caller *ret)
{
	struct rn_hello parts;
	struct rn_caller peer;
	int r;

	if (tfind(key, &gatekeeper->denied, compare_keys))
		return -EKEYREVOKED;
	if (rn_hello_decode(hello, size, &parts) < 0 || !parts.leaf)
		return -EBADMSG;
	r = identify(gatekeeper, key, &parts, now, &peer);
	if (r < 0)
		return r;
	if (peer.expired)
		return -EKEYEXPIRED;
	if (!rn_kind_is_hub(peer.kind))
		return -EACCES;
	*ret = peer;
	return 0;
}

int rn_gatekeeper_hello(const struct rn_gatekeeper *gatekeeper, bool to_stranger, uint8_t out[RN_HELLO_MAX])
{
	struct rn_hello hello = {.leaf = gatekeeper->leaf_der, .leaf_size = gatekeeper->leaf_size};

	if (to_stranger) {
		hello.issuer = gatekeeper->issuer_der;
		hello.issuer_size = gatekeeper->issuer_size;
		hello.anchor = gatekeeper->config.anchor;
		hello.anchor_size = sizeof(gatekeeper->config.anchor);
	}
	return rn_hello_encode(&hello, out, RN_HELLO_MAX);
}

bool rn_gatekeeper_may_send(const struct rn_caller *peer, enum rn_message_type type)
{
	if (!peer->kind)
		return type == RN_MESSAGE_ENROLL;
	if (peer->expired)
		return type == RN_MESSAGE_REQUEST;
	return type != RN_MESSAGE_ENROLL;
}
