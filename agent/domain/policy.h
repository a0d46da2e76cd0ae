/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_H
#define RN_DOMAIN_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/verdict.h"
#include "base/err.h"
#include "domain/name.h"
#include "domain/record.h"

/*
 * The policy as people write it: JSON with comments, {"groups": {...}, "tags": [...], "rules": [AccessPolicy, ...]}.
 * See docs/policy.md. The model keeps names; numbers come in when it is compiled.
 */
enum rn_criterion_type {
	RN_CRITERION_EVERYONE,
	RN_CRITERION_USER,
	RN_CRITERION_GROUP,
	RN_CRITERION_TAG,
	RN_CRITERION_DEVICE,
	RN_CRITERION_SAME_OWNER, /* only in destination_criteria */
};
struct rn_criterion {
	enum rn_criterion_type type;
	char name[RN_NAME_MAX + 1]; /* "" for everyone and same-owner */
};
struct rn_access_policy {
	char id[RN_NAME_MAX + 1];
	uint32_t number; /* 1.. in document order */
	bool deny;
	uint8_t minimum_trust; /* 0: no condition; only in allow rules */
	struct rn_criterion *source_criteria, *destination_criteria;
	uint32_t source_count, destination_count;
	struct rn_service *services; /* none written: all */
	uint32_t service_count;
};
struct rn_group {
	char name[RN_NAME_MAX + 1];
	char (*users)[RN_NAME_MAX + 1];
	uint32_t user_count;
};
struct rn_policy_model {
	struct rn_group *groups;
	uint32_t group_count;
	char (*tags)[RN_NAME_MAX + 1]; /* declared tags: a rule may name no other */
	uint32_t tag_count;
	struct rn_access_policy *rules;
	uint32_t rule_count;
};

#define RN_POLICY_TEXT_MAX (256u * 1024u) /* bytes; what is larger would not fit a record anyway */

/* policy_parse.c: NULL on error, err with line and column. */
struct rn_policy_model *rn_policy_parse(const char *text, size_t size, struct rn_err *err);
void rn_policy_model_free(struct rn_policy_model *model);
/* The policy of a new network, as text: devices of one owner reach each other. */
const char *rn_policy_starter(void);

/*
 * Selector numbers: the gateway gives each selector text ("everyone", "user:alice", "tag:db", "device:nas") a number
 * and keeps it. number() returns it, allotting one if needed, 0 on failure.
 */
struct rn_selector_source {
	void *context;
	uint32_t (*number)(void *context, const char *selector);
};

/*
 * policy_compile.c: model -> rules in order of precedence. Groups become their users' selectors; a rule with
 * same-owner among other criteria becomes two, and one whose groups are all empty becomes none. What comes out fits a
 * record and the datapath's tables. 0, -EMSGSIZE (does not fit; err says what), -ENOMEM.
 */
int rn_policy_compile(const struct rn_policy_model *model, const struct rn_selector_source *selectors,
		      struct rn_policy_record *ret, struct rn_err *err);
/* struct rn_policy_tables and its builders are in policy_tables.h. */

/* What the reference evaluator knows of one end. */
struct rn_party {
	const char *device, *owner; /* owner NULL or "": nobody */
	const char *const *tags;
	uint32_t tag_count;
	uint8_t trust;
};
struct rn_explanation {
	enum rn_reason reason; /* ALLOWED, DENY_RULE, TRUST_TOO_LOW or DEFAULT_DENY */
	uint32_t rule;	       /* deciding rule's number; for TRUST_TOO_LOW the rule that asks for more; 0: none */
	uint32_t nearest;      /* for DEFAULT_DENY: an allow rule between these ends for another service, 0: none */
};
/*
 * policy_explain.c: the reference evaluator, a plain walk over the model's lists; it shares nothing with the compiler.
 * protocol: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (either family's echo); port is the destination's, 0 for ICMP.
 * Deny rules in document order first; then the first allow rule whose trust suffices; then TRUST_TOO_LOW with the
 * first allow rule that failed by trust alone; then DEFAULT_DENY.
 */
void rn_policy_explain(const struct rn_policy_model *model, const struct rn_party *source,
		       const struct rn_party *destination, uint8_t protocol, uint16_t port,
		       struct rn_explanation *ret);

#endif
