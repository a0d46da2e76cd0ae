/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_TABLES_H
#define RN_DOMAIN_POLICY_TABLES_H

#include "abi/maps.h"
#include "base/err.h"
#include "domain/record.h"

/*
 * Compiled rules -> the tables of include/abi/maps.h, one half of each, in ordinary memory. Pure. kern copies them
 * into the unused half of the maps and then flips the generation.
 */
struct rn_policy_tables {
	struct rn_policy policy;
	struct rn_rule rules[RN_RULES_MAX];
	struct rn_rule_set trust[RN_TRUST_MAX + 1];
	struct rn_rule_set services[RN_SERVICES_MAX]; /* service_classes of them */
	struct rn_ports ports[2 * RN_PORT_BLOCKS];
	uint32_t service_classes; /* used, counting class 0 */
};

/* 0, or -EMSGSIZE with a sentence where rules or service classes exceed their bounds, or -ENOMEM. */
int rn_policy_tables_build(const struct rn_policy_record *policy, uint64_t version, struct rn_policy_tables *ret,
			   struct rn_err *err);
/* The rules whose source and destination the identity is; selectors ascending. */
void rn_policy_tables_identity(const struct rn_policy_record *policy, const uint32_t *selectors, uint32_t count,
			       struct rn_identity *ret);

/*
 * May the two have anything to do with each other, at whatever trust, port and time: does an allow rule take one of
 * them as source and the other as destination?
 */
bool rn_policy_meets(const struct rn_policy_record *policy, const struct rn_device_record *a,
		     const struct rn_device_record *b);

#endif
