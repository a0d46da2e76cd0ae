/* SPDX-License-Identifier: Apache-2.0 */
#include "service/admission.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hello.h"

struct rn_admission {
	struct rn_admission_config config;
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

static int load(struct rn_admission *a, const uint8_t *leaf, size_t leaf_size, const uint8_t *issuer,
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

int rn_admission_new(const struct rn_admission_config *config, const uint8_t *leaf, size_t leaf_size,
		     const uint8_t *issuer, size_t issuer_size, int64_t now, struct rn_admission **ret,
		     struct rn_err *err)
{
	struct rn_admission *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return rn_fail(err, -ENOMEM, "out of memory");
	a->config = *config;
	r = load(a, leaf, leaf_size, issuer, issuer_size, now, err);
	if (r < 0)
		rn_admission_free(a);
	else
		*ret = a;
	return r;
}

void rn_admission_free(struct rn_admission *admission)
{
	if (!admission)
		return;
	rn_issuer_free(admission->issuer);
	tdestroy(admission->denied, free);
	free(admission);
}

int rn_admission_renew(struct rn_admission *admission, const uint8_t *leaf, size_t size, int64_t now)
{
	struct rn_leaf new;
	int r = rn_issuer_verify(admission->issuer, leaf, size, now, 0, &new);

	if (r < 0)
		return -EBADMSG;
	if (!rn_equal(new.key, admission->leaf.key, RN_KEY_SIZE) || strcmp(new.kind, admission->leaf.kind) ||
	    strcmp(new.name, admission->leaf.name))
		return -EBADMSG;
	memcpy(admission->leaf_der, leaf, size);
	admission->leaf_size = size;
	admission->leaf = new;
	return 0;
}

int64_t rn_admission_expires(const struct rn_admission *admission)
{
	return admission->leaf.not_after;
}

int rn_admission_deny(struct rn_admission *admission, const uint8_t key[RN_KEY_SIZE])
{
	uint8_t *copy;

	if (tfind(key, &admission->denied, compare_keys))
		return 0;
	if (admission->denied_count == RN_ADMISSION_DENIED_MAX)
		return -ENOSPC;
	copy = malloc(RN_KEY_SIZE);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, RN_KEY_SIZE);
	if (!tsearch(copy, &admission->denied, compare_keys)) {
		free(copy);
		return -ENOMEM;
	}
	admission->denied_count++;
	return 0;
}

/* Certificate, key and denial; the role is the caller's to judge. */
static int identify(const struct rn_admission *a, const uint8_t *key, const struct rn_hello *hello, int64_t now,
		    struct rn_peer *ret)
{
	struct rn_peer peer = {.leaf = hello->leaf, .leaf_size = hello->leaf_size};
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

int rn_admission_ask(const struct rn_admission *admission, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
		     size_t size, int64_t now, struct rn_peer *ret)
{
	struct rn_hello parts;

	if (!admission->config.serves)
		return -EACCES;
	if (tfind(key, &admission->denied, compare_keys))
		return -EKEYREVOKED;
	if (rn_hello_decode(hello, size, &parts) < 0 || parts.issuer)
		return -EBADMSG;
	if (parts.leaf)
		return identify(admission, key, &parts, now, ret);
	if (!admission->config.gateway)
		return -EACCES;
	*ret = (struct rn_peer){0};
	return 0;
}

int rn_admission_dialled(const struct rn_admission *admission, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
			 size_t size, int64_t now, struct rn_peer *ret)
{
	struct rn_hello parts;
	struct rn_peer peer;
	int r;

	if (tfind(key, &admission->denied, compare_keys))
		return -EKEYREVOKED;
	if (rn_hello_decode(hello, size, &parts) < 0 || !parts.leaf)
		return -EBADMSG;
	r = identify(admission, key, &parts, now, &peer);
	if (r < 0)
		return r;
	if (peer.expired)
		return -EKEYEXPIRED;
	if (!rn_kind_is_hub(peer.kind))
		return -EACCES;
	*ret = peer;
	return 0;
}

int rn_admission_hello(const struct rn_admission *admission, bool to_stranger, uint8_t out[RN_HELLO_MAX])
{
	struct rn_hello hello = {.leaf = admission->leaf_der, .leaf_size = admission->leaf_size};

	if (to_stranger) {
		hello.issuer = admission->issuer_der;
		hello.issuer_size = admission->issuer_size;
		hello.anchor = admission->config.anchor;
		hello.anchor_size = sizeof(admission->config.anchor);
	}
	return rn_hello_encode(&hello, out, RN_HELLO_MAX);
}

bool rn_admission_may_send(const struct rn_peer *peer, enum rn_message_type type)
{
	if (!peer->kind)
		return type == RN_MESSAGE_ENROLL;
	if (peer->expired)
		return type == RN_MESSAGE_REQUEST;
	return type != RN_MESSAGE_ENROLL;
}
