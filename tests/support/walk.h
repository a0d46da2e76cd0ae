/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_WALK_H
#define RN_TESTS_WALK_H

#include "domain/policy.h"

/* Compiled rules, walked one after the other as docs/policy.md tells: what the datapath's tables must say too. */
struct walk_end {
	const uint32_t *selectors; /* in any order */
	uint32_t count, owner;	   /* owner: a user's number, 0: nobody */
	uint8_t trust;
};
/* until is not reckoned: INT64_MAX. */
struct rn_answer walk_rules(const struct rn_policy_record *policy, const struct walk_end *source,
			    const struct walk_end *destination, uint8_t protocol, uint16_t port, int64_t at);

#endif
