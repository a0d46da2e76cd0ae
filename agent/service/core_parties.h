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
/* Points into all that it is given; list has room for RN_SELECTORS_MAX of the tags. hub: its name, "": none. */
struct rn_party rn_party_from(const struct rn_device_record *record, const char *hub, char (*tags)[RN_NAME_MAX + 1],
			      unsigned tag_count, const char **list);
/* *ret points into entry, the ledger and room. 0 or -errno with a sentence. */
int rn_party_of(struct rn_books *books, const struct rn_ledger_entry *entry, struct rn_party_room *room,
		struct rn_party *ret, struct rn_err *err);

/*
 * Devices as they were when each was added, apart from the books: another thread may read them. Those that are revoked
 * or quarantined are apart, since only tests ask for them.
 */
struct rn_party_list {
	struct rn_party *list;
	uint32_t count, room;
};
struct rn_parties {
	struct rn_party_list in, out;
	const struct rn_party **names; /* of both, ascending; NULL: not sorted yet */
};
int rn_parties_add(struct rn_books *books, struct rn_parties *parties, const struct rn_ledger_entry *entry,
		   struct rn_err *err);
int rn_parties_sort(struct rn_parties *parties); /* once all are there. 0 or -ENOMEM */
/* The network for rn_policy_run_tests: who was not added is not there. */
struct rn_policy_network rn_parties_snapshot(struct rn_parties *parties);
void rn_parties_done(struct rn_parties *parties);

/* The same of the books themselves: context is the struct. */
struct rn_parties_network {
	struct rn_books *books;
	struct rn_party_room rooms[2];
};
struct rn_policy_network rn_parties_network(struct rn_parties_network *n);

#endif
