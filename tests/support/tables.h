/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_TABLES_H
#define RN_TESTS_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/maps.h"
#include "abi/verdict.h"

/* The datapath's tables, read a second time. What is not as they must be ends the process. */
struct tables_packet {
	uint8_t trust, destination_trust, protocols; /* protocols: the RN_TCP, ... that it is */
	uint16_t port;
	bool same_owner;
	int64_t at; /* Unix seconds */
};
struct tables_verdict {
	enum rn_reason reason;
	uint32_t rule, observed;
	bool log;
};
/* Step 4.4 of docs/datapath.md, from the identity with these lists to that with those. */
struct tables_verdict tables_judge(const struct rn_policy_arrays *a, const struct rn_identity_lists *from,
				   const struct rn_identity_lists *to, const struct tables_packet *p);
/* What there is between the two, in order of precedence: how many. */
#define TABLES_BETWEEN 4096
uint32_t tables_between(const struct rn_policy_arrays *a, const struct rn_identity_lists *from,
			const struct rn_identity_lists *to, const struct rn_candidate *ret[TABLES_BETWEEN]);

#endif
