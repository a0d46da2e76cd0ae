/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_CHANGE_H
#define RN_SERVICE_CORE_CHANGE_H

#include "base/err.h"
#include "service/core_ledger.h"
#include "sys/store.h"

/* What the gateway signs with and writes into. */
struct rn_books {
	struct rn_store *store;
	struct rn_ledger *ledger;
	uint32_t epoch;
	uint8_t policy_seed[RN_KEY_SIZE];
};

/*
 * One change of the signed state: begins a transaction of the store; each record put gets the next version, is signed
 * and stored; commit makes all of it durable and then takes it into the ledger. Every function but begin and abort
 * gives 0 or -errno with a sentence in the err given to begin; after an error only abort is legal.
 */
struct rn_change {
	struct rn_books *books;
	struct rn_err *err;
	int64_t now;	  /* Unix seconds */
	uint64_t version; /* of the last record */
	struct rn_signed *records;
	unsigned count, room;
};

int rn_change_begin(struct rn_change *change, struct rn_books *books, int64_t now, struct rn_err *err);
/* Signs it with the policy that was in force before this change; device->policy is not read. */
int rn_change_device(struct rn_change *change, const struct rn_device_record *device);
/* Who puts a policy calls rn_basis_put, which says what it rests on. */
int rn_change_policy(struct rn_change *change, const struct rn_policy_record *policy);
int rn_change_network(struct rn_change *change, const struct rn_network *network);
int rn_change_audit(struct rn_change *change, const char *actor, const char *what, const char *object,
		    const char *detail);
/* Frees the change whatever it returns; on failure nothing has happened. */
int rn_change_commit(struct rn_change *change);
void rn_change_abort(struct rn_change *change);

/*
 * All of it for one device: its record with the next version, *ret_version, and a row of the audit. 0, or -errno and
 * nothing is done.
 */
int rn_change_one(struct rn_books *books, int64_t now, const struct rn_device_record *device, const char *actor,
		  const char *what, const char *detail, uint64_t *ret_version, struct rn_err *err);

#endif
