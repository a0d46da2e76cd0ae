/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/hello.h"
#include "service/enroll_talk.h"

/* What a device believes at first contact, from the two things that its token pins: the root, and the gateway's key. */

static int clock_or_certificate(struct rn_err *err)
{
	return rn_fail(err, -EKEYEXPIRED, "the gateway's certificate is not valid at this host's time: set this host's "
		       "clock, or look at the gateway");
}

/* Anchor by the pinned root; issuer by that root; the leaf by the issuer. */
static int check_chain(const struct rn_token *token, const struct rn_hello *chain, int64_t now, struct rn_leaf *ret,
		       struct rn_err *err)
{
	struct rn_issuer *issuer = NULL;
	struct rn_anchor anchor;
	int r;

	if (rn_anchor_get(chain->anchor, chain->anchor_size, token->fingerprint, &anchor) < 0)
		return rn_fail(err, -EKEYREJECTED, "who answers is not of this token's network: its root key is another");
	r = rn_issuer_new(chain->issuer, chain->issuer_size, anchor.root_public, now, &issuer);
	if (r == 0)
		r = rn_issuer_verify(issuer, chain->leaf, chain->leaf_size, now, 0, ret);
	rn_issuer_free(issuer);
	if (r == -EKEYEXPIRED)
		return clock_or_certificate(err);
	return r < 0 ? rn_fail(err, -EKEYREJECTED, "who answers has no certificate of this token's network") : 0;
}

int rn_enroll_check_gateway(const struct rn_token *token, const uint8_t *hello, size_t size, int64_t now,
			    struct rn_err *err)
{
	struct rn_hello chain;
	struct rn_leaf leaf;
	int r;

	if (rn_hello_decode(hello, size, &chain) < 0 || !chain.issuer)
		return rn_fail(err, -EKEYREJECTED, "who answers does not show a gateway's certificate");
	r = check_chain(token, &chain, now, &leaf, err);
	if (r < 0)
		return r;
	if (!rn_equal(leaf.key, token->gateway_key, RN_KEY_SIZE) || strcmp(leaf.kind, rn_kind_name(RN_KIND_GATEWAY)))
		return rn_fail(err, -EKEYREJECTED, "who answers is %s %s of this network, and not its gateway", leaf.kind,
			       leaf.name);
	return 0;
}

/* The gateway's own words, fit for a terminal. */
static int refused(const struct rn_message_enrolled *enrolled, struct rn_err *err)
{
	char text[RN_TEXT_MAX + 1];

	snprintf(text, sizeof(text), "%s", enrolled->text);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
	return rn_fail(err, -EACCES, "the gateway refuses: %s", text[0] ? text : strerror(enrolled->status));
}

static int check_self(const struct rn_enroll *in, const struct rn_message_enrolled *enrolled, struct rn_self *ret,
		      struct rn_err *err)
{
	struct rn_self self = {.device = enrolled->device,
			       .hub = rn_kind_is_hub(in->kind) ? enrolled->device : enrolled->hub,
			       .kind = in->kind,
			       .upstream = enrolled->upstream,
			       .upstream_shared = enrolled->upstream_shared};

	if (!self.device || !self.hub || !self.upstream.port || rn_addr_is_zero(&self.upstream.addr) ||
	    rn_is_zero(enrolled->upstream_key, RN_KEY_SIZE))
		return rn_fail(err, -EBADMSG, "the gateway's answer does not say where this device belongs");
	memcpy(self.upstream_key, enrolled->upstream_key, RN_KEY_SIZE);
	snprintf(self.name, sizeof(self.name), "%s", in->name);
	*ret = self;
	return 0;
}

int rn_enroll_check_answer(const struct rn_enroll *in, const uint8_t noise_public[RN_KEY_SIZE], const uint8_t *message,
			   size_t size, int64_t now, struct rn_enroll_result *ret, struct rn_err *err)
{
	const struct rn_message_enrolled *enrolled;
	struct rn_enroll_result result = {0};
	struct rn_message decoded;
	struct rn_hello chain;
	struct rn_leaf leaf;
	int r;

	if (rn_message_decode(message, size, &decoded) < 0 || decoded.type != RN_MESSAGE_ENROLLED)
		return rn_fail(err, -EBADMSG, "the gateway's answer cannot be read; is it of the same version?");
	enrolled = &decoded.enrolled;
	if (enrolled->status)
		return refused(enrolled, err);
	chain = (struct rn_hello){enrolled->leaf,      enrolled->issuer,      enrolled->anchor,
				  enrolled->leaf_size, enrolled->issuer_size, enrolled->anchor_size};
	r = check_chain(&in->token, &chain, now, &leaf, err);
	if (r < 0)
		return r;
	if (!rn_equal(leaf.key, noise_public, RN_KEY_SIZE) || strcmp(leaf.kind, rn_kind_name(in->kind)) ||
	    strcmp(leaf.name, in->name))
		return rn_fail(err, -EKEYREJECTED, "the gateway's answer is another device's certificate");
	r = check_self(in, enrolled, &result.self, err);
	if (r < 0)
		return r;
	result.anchor = enrolled->anchor;
	result.leaf = enrolled->leaf;
	result.leaf_size = enrolled->leaf_size;
	result.issuer = enrolled->issuer;
	result.issuer_size = enrolled->issuer_size;
	*ret = result;
	return 0;
}
