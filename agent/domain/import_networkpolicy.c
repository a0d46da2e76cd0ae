// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "domain/import_networkpolicy.h"

static const char *text_member(const struct rn_json *object, const char *key)
{
	const struct rn_json *n = rn_json_get(object, key);

	return n && rn_json_type(n) == RN_JSON_STRING ? rn_json_text(n) : "";
}

static struct rn_net_policy *new_policy(struct rn_cluster *c)
{
	if (c->count == c->room) {
		uint32_t room = c->room ? 2 * c->room : 8;
		struct rn_net_policy *grown = realloc(c->policies, room * sizeof(*grown));

		if (!grown) {
			c->draft.failed = -ENOMEM;
			return NULL;
		}
		c->policies = grown;
		c->room = room;
	}
	return &c->policies[c->count++];
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcasecmp(text + size - end_size, end) == 0;
}

static int fail_at(const struct rn_cluster *c, const struct rn_json *node, struct rn_err *err, const char *sentence)
{
	unsigned line, column;

	rn_json_where(node, &line, &column);
	return rn_fail(err, -EINVAL, "%s: line %u, column %u: %s", c->draft.document->file, line, column, sentence);
}

static int read_object(struct rn_cluster *c, const struct rn_json *node, struct rn_err *err)
{
	const char *kind, *version;
	struct rn_net_policy *policy;

	if (rn_json_type(node) == RN_JSON_NULL)
		return 0;
	if (rn_json_type(node) != RN_JSON_OBJECT)
		return fail_at(c, node, err, "a Kubernetes object is a mapping with \"kind\" and \"apiVersion\"");
	kind = text_member(node, "kind");
	version = text_member(node, "apiVersion");
	if (strcmp(kind, "NetworkPolicy") == 0 && strcmp(version, "networking.k8s.io/v1") == 0) {
		policy = new_policy(c);
		if (policy)
			rn_net_policy_read(c, node, policy);
		return 0;
	}
	/* Others' policies can deny what these allow: without them everything would be wider. */
	if (ends_with(kind, "NetworkPolicy"))
		return fail_at(
		    c, node, err,
		    "only NetworkPolicy of networking.k8s.io/v1 can be imported, and other policies may deny "
		    "what it allows; write those by hand and take them out of the file");
	rn_draft_note(&c->draft, node, "\"%.60s\" is no NetworkPolicy, so it is passed over", kind);
	return 0;
}

/* A document: one object, or a list of them. */
static int read_document(struct rn_cluster *c, const struct rn_json *node, struct rn_err *err)
{
	const struct rn_json *items = rn_json_type(node) == RN_JSON_OBJECT ? rn_json_get(node, "items") : NULL;
	int code = 0;

	if (!items || !ends_with(text_member(node, "kind"), "List"))
		return read_object(c, node, err);
	if (rn_json_type(items) != RN_JSON_ARRAY)
		return fail_at(c, items, err, "\"items\" must be a list");
	for (const struct rn_json *n = rn_json_first(items); n && code == 0; n = rn_json_next(n))
		code = read_object(c, n, err);
	return code;
}

int rn_import_networkpolicy(const struct rn_import_document *documents, size_t count, const char *namespace,
			    struct rn_import *ret, struct rn_err *err)
{
	struct rn_cluster c = {.namespace = namespace ? namespace : "default"};
	int code = 0;

	memset(ret, 0, sizeof(*ret));
	if (rn_draft_open(&c.draft) < 0)
		c.draft.failed = -ENOMEM;
	for (size_t i = 0; i < count && code == 0 && !c.draft.failed; i++) {
		c.draft.document = &documents[i];
		code = read_document(&c, documents[i].root, err);
	}
	if (code == 0 && !c.draft.failed)
		rn_cluster_rules(&c);
	for (uint32_t i = 0; i < c.count; i++)
		rn_net_policy_done(&c.policies[i]);
	free(c.policies);
	if (code < 0)
		c.draft.failed = code;
	return rn_draft_close(&c.draft, "// From Kubernetes NetworkPolicies; docs/import.md says what became what.",
			      ret, code < 0 ? NULL : err);
}
