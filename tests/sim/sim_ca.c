/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's ca, and in place of X.509 a certificate of three fields: kind, key, name, and ca's signature over them.
 * Nothing here expires; sys/x509.c and service/ca_issue.c have tests of their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct leaf {
	uint8_t kind, key[RN_KEY_SIZE];
	char name[RN_NAME_MAX + 1];
	uint8_t signature[RN_SIGNATURE_SIZE];
};
#define DENIED_MAX 2048

struct rn_gatekeeper {
	struct rn_gatekeeper_config config;
	struct sim_host *host;
	uint8_t denied[DENIED_MAX][RN_KEY_SIZE];
	unsigned denied_count;
};

size_t sim_leaf(struct sim *s, enum rn_kind kind, const char *name, const uint8_t *key, uint8_t out[RN_BLOCK_MAX])
{
	struct leaf leaf = {.kind = (uint8_t)kind};

	memcpy(leaf.key, key, RN_KEY_SIZE);
	snprintf(leaf.name, sizeof(leaf.name), "%s", name);
	rn_ed25519_sign(s->ca_seed, &leaf, offsetof(struct leaf, signature), leaf.signature);
	memcpy(out, &leaf, sizeof(leaf));
	return sizeof(leaf);
}

static bool is_good(const struct sim *s, const void *data, size_t size, struct leaf *ret)
{
	if (size != sizeof(*ret))
		return false;
	memcpy(ret, data, sizeof(*ret));
	return rn_ed25519_verify(s->ca_public, ret, offsetof(struct leaf, signature), ret->signature);
}

/* ---- ca ---- */

static void issue(struct sim_host *h, const struct rn_local *m, struct rn_local *answer)
{
	static uint8_t out[RN_BLOCK_MAX];
	struct rn_message message;
	struct leaf old;

	answer->block = out;
	if (m->type == RN_LOCAL_CA_RENEW && is_good(h->sim, m->block, m->block_size, &old))
		answer->block_size = sim_leaf(h->sim, old.kind, old.name, old.key, out);
	else if (m->type == RN_LOCAL_CA_ISSUE && rn_message_decode(m->block, m->block_size, &message) == 0)
		answer->block_size =
		    sim_leaf(h->sim, message.enroll.role, message.enroll.name, message.enroll.noise_key, out);
	else
		answer->code = EINVAL;
}

void sim_ca_hears(struct sim_host *h, const struct rn_local *m)
{
	struct rn_local answer = {.type = RN_LOCAL_CA_ANSWER, .number = m->number};

	if (m->type == RN_LOCAL_CA_ISSUE || m->type == RN_LOCAL_CA_RENEW)
		issue(h, m, &answer);
	sim_put(h, RN_CORE_CA, true, &answer);
}

/* ---- service/gatekeeper.h ---- */

int rn_gatekeeper_new(const struct rn_gatekeeper_config *config, const uint8_t *leaf, size_t leaf_size,
		      const uint8_t *issuer, size_t issuer_size, int64_t now, struct rn_gatekeeper **ret,
		      struct rn_err *err)
{
	struct rn_gatekeeper *g = sim_zeros(1, sizeof(*g));

	(void)leaf;
	(void)leaf_size;
	(void)issuer;
	(void)issuer_size;
	(void)now;
	(void)err;
	g->config = *config;
	g->host = sim_here;
	*ret = g;
	return 0;
}

void rn_gatekeeper_free(struct rn_gatekeeper *g)
{
	free(g);
}

int rn_gatekeeper_renew(struct rn_gatekeeper *g, const uint8_t *leaf, size_t size, int64_t now)
{
	struct leaf new;

	(void)now;
	if (!is_good(g->host->sim, leaf, size, &new) || !rn_equal(new.key, g->config.key, RN_KEY_SIZE))
		return -EBADMSG;
	memcpy(g->host->leaf, leaf, size);
	g->host->leaf_size = size;
	return 0;
}

int64_t rn_gatekeeper_expires(const struct rn_gatekeeper *g)
{
	(void)g;
	return INT64_MAX;
}

static bool is_denied(const struct rn_gatekeeper *g, const uint8_t *key)
{
	for (unsigned i = 0; i < g->denied_count; i++)
		if (rn_equal(g->denied[i], key, RN_KEY_SIZE))
			return true;
	return false;
}

int rn_gatekeeper_deny(struct rn_gatekeeper *g, const uint8_t key[RN_KEY_SIZE])
{
	if (is_denied(g, key))
		return 0;
	if (g->denied_count == DENIED_MAX)
		return -ENOSPC;
	memcpy(g->denied[g->denied_count++], key, RN_KEY_SIZE);
	return 0;
}

static int identify(const struct rn_gatekeeper *g, const uint8_t *key, const uint8_t *hello, size_t size,
		    struct rn_caller *ret)
{
	struct leaf leaf;

	if (!is_good(g->host->sim, hello, size, &leaf))
		return -EBADMSG;
	if (!rn_equal(leaf.key, key, RN_KEY_SIZE))
		return -EKEYREJECTED;
	*ret = (struct rn_caller){.kind = leaf.kind, .expires = INT64_MAX / 2, .leaf = hello, .leaf_size = size};
	memcpy(ret->name, leaf.name, sizeof(ret->name));
	return 0;
}

int rn_gatekeeper_ask(const struct rn_gatekeeper *g, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello, size_t size,
		      int64_t now, struct rn_caller *ret)
{
	(void)now;
	if (!g->config.serves)
		return -EACCES;
	if (is_denied(g, key))
		return -EKEYREVOKED;
	if (size)
		return identify(g, key, hello, size, ret);
	*ret = (struct rn_caller){0};
	return g->config.gateway ? 0 : -EACCES;
}

int rn_gatekeeper_dialled(const struct rn_gatekeeper *g, const uint8_t key[RN_KEY_SIZE], const uint8_t *hello,
			  size_t size, int64_t now, struct rn_caller *ret)
{
	int r = is_denied(g, key) ? -EKEYREVOKED : identify(g, key, hello, size, ret);

	(void)now;
	return r == 0 && !rn_kind_is_hub(ret->kind) ? -EACCES : r;
}

int rn_gatekeeper_hello(const struct rn_gatekeeper *g, bool to_stranger, uint8_t out[RN_HELLO_MAX])
{
	(void)to_stranger;
	memcpy(out, g->host->leaf, g->host->leaf_size);
	return (int)g->host->leaf_size;
}

bool rn_gatekeeper_may_send(const struct rn_caller *peer, enum rn_message_type type)
{
	return (type == RN_MESSAGE_ENROLL) == !peer->kind;
}
