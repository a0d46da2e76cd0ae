/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_PARTIES_H
#define RN_SERVICE_CORE_PARTIES_H

#include "domain/policy_tools.h"
#include "service/core_change.h"

/* The gateway's devices as the reference evaluator and its tools want them. */
struct rn_party_room {
	char tags[RN_SELECTORS_MAX][RN_NAME_MAX + 1];
	const char *list[RN_SELECTORS_MAX];
};
/* *ret points into entry, the ledger and room. 0 or -errno with a sentence. */
int rn_party_of(struct rn_books *books, const struct rn_ledger_entry *entry, struct rn_party_room *room,
		struct rn_party *ret, struct rn_err *err);

/* All devices but those that are revoked or quarantined; *ret is to be freed with rn_parties_done. */
struct rn_parties {
	struct rn_party *list;
	uint32_t count;
	struct rn_party_room *rooms;
};
int rn_parties_all(struct rn_books *books, struct rn_parties *ret, struct rn_err *err);
void rn_parties_done(struct rn_parties *parties);

/* The network for rn_policy_run_tests: context is the struct. */
struct rn_parties_network {
	struct rn_books *books;
	struct rn_party_room rooms[2];
};
struct rn_policy_network rn_parties_network(struct rn_parties_network *n);

#endif
