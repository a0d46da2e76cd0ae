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
#include "domain/schedule.h"

/*
 * The policy as people write it: JSON with comments, {"groups": {...}, "tags": [...], "rules": [AccessPolicy, ...],
 * "tests": [...]}. See docs/policy.md. The model keeps names; numbers come in when it is compiled.
 */
#define RN_POLICY_TEXT_MAX (32u << 20) /* bytes */
#define RN_POLICY_RULES_MAX 100000u
#define RN_POLICY_GROUPS_MAX 10000u
#define RN_POLICY_TAGS_MAX 100000u
#define RN_POLICY_TESTS_MAX 10000u
#define RN_POLICY_COMMENT_MAX 1000u /* bytes */

enum rn_criterion_type {
	RN_CRITERION_EVERYONE,
	RN_CRITERION_USER,
	RN_CRITERION_GROUP,
	RN_CRITERION_TAG,
	RN_CRITERION_DEVICE,
	RN_CRITERION_TYPE,	 /* of a client */
	RN_CRITERION_HUB,	 /* is at that hub, or is it */
	RN_CRITERION_HUB_TYPE,	 /* is a hub of that type */
	RN_CRITERION_PREFIX,	 /* host:ADDRESS is the prefix of full length */
	RN_CRITERION_SAME_OWNER, /* only in destination_criteria */
};
struct rn_criterion {
	enum rn_criterion_type type;
	bool no;		    /* written with !: is not */
	char name[RN_NAME_MAX + 1]; /* of user, group, tag, device, hub; else "" */
	uint32_t group;		    /* of group: its place in the model's groups */
	enum rn_kind kind;	    /* of type and hub-type */
	struct rn_prefix prefix;    /* of prefix */
};
/* Which of the two ends of a flow, or what is asked of it. */
struct rn_policy_end {
	struct rn_criterion *criteria; /* at least one */
	uint32_t count;
	uint8_t minimum_trust; /* 0: no condition; only in allow rules */
	uint32_t types;	       /* bit n: the kind n is one of them; 0: no condition */
	enum rn_managed { RN_MANAGED_EITHER, RN_MANAGED_YES, RN_MANAGED_NO } managed;
};
/* What it points to is its share's (policy_share.h), which other models may hold too: nobody writes it. */
struct rn_access_policy {
	const char *id;
	uint32_t number;       /* 1.. in document order */
	unsigned line, column; /* where it begins in the text */
	bool deny, log, observe;
	struct rn_policy_end source, destination;
	struct rn_service *services;  /* none written: all */
	struct rn_time_window *times; /* none written: always; else one of them is open */
	uint32_t service_count, time_count;
	int64_t from, until; /* Unix seconds, from <= t < until; INT64_MIN and INT64_MAX where not written */
	char *comment;	     /* NULL: none */
	struct rn_rule_share *share;
};
/* Users of its own and of the groups in it, ascending and each once. */
struct rn_group {
	char name[RN_NAME_MAX + 1];
	unsigned line;
	char (*users)[RN_NAME_MAX + 1];
	uint32_t user_count;
};
/* An end in a test: a device of the network, or one that is made up. */
struct rn_test_party {
	char device[RN_NAME_MAX + 1];			  /* "": made up */
	char user[RN_NAME_MAX + 1], hub[RN_NAME_MAX + 1]; /* "": none */
	char (*tags)[RN_NAME_MAX + 1];
	uint32_t tag_count;
	enum rn_kind kind;	/* 0: not said */
	struct rn_addr address; /* zero: none */
	uint8_t trust;
	bool managed;
};
struct rn_policy_test {
	char id[RN_NAME_MAX + 1];
	unsigned line, column;
	struct rn_test_party source, destination;
	struct rn_service *services; /* at least one, each one port */
	uint32_t service_count;
	int64_t at;		    /* Unix seconds; INT64_MIN: when it is run */
	bool allow;		    /* expected */
	char rule[RN_NAME_MAX + 1]; /* that decides; "": any */
};
struct rn_policy_model {
	struct rn_group *groups;
	uint32_t group_count;
	char (*tags)[RN_NAME_MAX + 1]; /* declared tags: a rule may name no other */
	uint32_t tag_count;
	struct rn_access_policy *rules;
	uint32_t rule_count;
	struct rn_policy_test *tests;
	uint32_t test_count;
	struct rn_rule_ids *ids; /* policy_ids.h */
};

/* policy_parse.c: NULL on error, err with line and column. */
struct rn_policy_model *rn_policy_parse(const char *text, size_t size, struct rn_err *err);
/*
 * The same, faster where many rules are written as they were before: these it shares with the model of that text, which
 * is only read, and may be freed before or after, in another thread too. before NULL: none is known.
 */
struct rn_policy_model *rn_policy_parse_after(const struct rn_policy_model *before, const char *text, size_t size,
					      struct rn_err *err);
void rn_policy_model_free(struct rn_policy_model *model);
/* "tcp:22", "udp:5000-5100", "icmp4"; protocol 0: "everything". Returns out. */
#define RN_SERVICE_TEXT 24
const char *rn_service_format(const struct rn_service *service, char out[RN_SERVICE_TEXT]);
/* The policy of a new network, as text: devices of one owner reach each other. */
const char *rn_policy_starter(void);

/*
 * Selector numbers: the gateway gives each selector text a number and keeps it: "everyone", "user:N", "tag:N",
 * "device:N", "type:T", "managed", "unmanaged", "hub:N", "hub-type:T", "prefix:P". number() returns it, allotting one
 * if needed, 0 on failure.
 */
#define RN_SELECTOR_TEXT (RN_NAME_MAX + 16) /* the longest, with its NUL */
struct rn_selector_source {
	void *context;
	uint32_t (*number)(void *context, const char *selector);
};

/*
 * policy_compile.c: model -> rules in order of precedence. Groups become their users' selectors; a rule with
 * same-owner among other criteria becomes two, and one that matches nobody becomes none. Windows are reckoned out from
 * a day before now (Unix seconds) to RN_SCHEDULE_AHEAD after. What comes out fits a record and the datapath's tables.
 * 0, -EINVAL (a zone that is not there), -EMSGSIZE (does not fit; err says what), -ENOMEM.
 */
int rn_policy_compile(const struct rn_policy_model *model, const struct rn_selector_source *selectors,
		      const struct rn_zone_source *zones, int64_t now, struct rn_policy_record *ret,
		      struct rn_err *err);
/* A policy before, and what was compiled of it with the same selector numbers. */
struct rn_policy_known {
	const struct rn_policy_model *model;
	const struct rn_policy_record *rules; /* with its parts joined, where it had any */
	char *const *selectors;		      /* those that have the numbers from 1 on: they are not asked for */
	uint32_t selector_count;
};
/*
 * The same, faster where the model shares rules with the one before (rn_policy_parse_after): what was compiled of these
 * is taken over, and the numbers of what only they name are not asked for. known NULL: nothing is.
 */
int rn_policy_compile_after(const struct rn_policy_known *known, const struct rn_policy_model *model,
			    const struct rn_selector_source *selectors, const struct rn_zone_source *zones, int64_t now,
			    struct rn_policy_record *ret, struct rn_err *err);
/* policy_zones.c: NULL, and one without a function, is a source that knows UTC alone. */
const struct rn_zone_source *rn_policy_zones(const struct rn_zone_source *zones);
/* 0, or -EINVAL with a sentence where a rule names a zone that is not there. */
int rn_policy_check_zones(const struct rn_policy_model *model, const struct rn_zone_source *zones, struct rn_err *err);
/* struct rn_policy_tables and its builders are in policy_tables.h. */

/* What the reference evaluator knows of one end. */
struct rn_party {
	const char *device, *owner; /* owner NULL or "": nobody */
	uint32_t owner_number;	    /* what same-owner compares; 0: nobody */
	const char *const *tags;
	uint32_t tag_count;
	enum rn_kind kind; /* 0: not known */
	bool managed;
	const char *hub;	   /* the hub it is at, a hub's own name; NULL or "": none */
	struct rn_addr ipv6, ipv4; /* zero: none */
	uint8_t trust;
};
struct rn_question {
	struct rn_party source, destination;
	uint8_t protocol;		    /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP and IPPROTO_ICMPV6 (echo) */
	uint16_t port;			    /* the destination's, 0 for ICMP */
	int64_t at;			    /* Unix seconds */
	const struct rn_zone_source *zones; /* NULL: UTC alone; where one is missing, a rule fails closed */
	struct rn_policy_hours *hours; /* of this model and these zones (policy_hours.h); NULL: nothing is known yet */
};
enum rn_condition {
	RN_CONDITION_SOURCE, /* source_criteria */
	RN_CONDITION_DESTINATION,
	RN_CONDITION_SERVICES,
	RN_CONDITION_SOURCE_TYPES,
	RN_CONDITION_DESTINATION_TYPES,
	RN_CONDITION_SOURCE_MANAGED,
	RN_CONDITION_DESTINATION_MANAGED,
	RN_CONDITION_TIMES,
	RN_CONDITION_FROM,
	RN_CONDITION_UNTIL,
	RN_CONDITION_MINIMUM_TRUST,
	RN_CONDITION_MINIMUM_DESTINATION_TRUST,
	RN_CONDITIONS
};
/* "source_criteria", ...: the key that it is written with. */
const char *rn_condition_name(enum rn_condition condition);
enum rn_condition_state { RN_NOT_ASKED, RN_MET, RN_FAILED };
struct rn_rule_state {
	uint32_t rule; /* its number, 0: none, and then nothing else is said */
	enum rn_condition_state conditions[RN_CONDITIONS];
};
struct rn_answer {
	enum rn_reason reason; /* ALLOWED, DENY_RULE, TRUST_TOO_LOW, OUTSIDE_TIME or DEFAULT_DENY */
	uint32_t rule; /* that decides; of TRUST_TOO_LOW and OUTSIDE_TIME the first that would have allowed; 0: none */
	uint32_t observed; /* the first observed rule that would have decided, 0: none */
	bool log;	   /* `rule` says so */
	int64_t until;	   /* the answer holds from `at` to before this moment; INT64_MAX: for good */
};
/*
 * policy_evaluate.c: the reference evaluator, a plain walk over the model's lists; it shares nothing with the compiler.
 * How it judges is in docs/policy.md.
 */
void rn_policy_evaluate(const struct rn_policy_model *model, const struct rn_question *question, struct rn_answer *ret);
/* Is the party on this side of a rule, all conditions but trust included? other: the other end's. */
bool rn_policy_end_is(const struct rn_policy_model *model, const struct rn_policy_end *end,
		      const struct rn_party *party, const struct rn_party *other);
/* What holds of one rule (its number) for this question. */
void rn_policy_rule_state(const struct rn_policy_model *model, uint32_t rule, const struct rn_question *question,
			  struct rn_rule_state *ret);
/*
 * The allow rule that fails in the fewest conditions, the first of such, 0: none. One between these ends is nearer than
 * one of which only one end is; one that fails at both is not near. Where a deny rule decides it may fail in none.
 */
uint32_t rn_policy_nearest(const struct rn_policy_model *model, const struct rn_question *question);

#endif
