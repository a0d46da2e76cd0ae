/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_CHANGE_H
#define RN_SERVICE_CORE_CHANGE_H

#include "base/err.h"
#include "domain/schedule.h"
#include "service/core_ledger.h"
#include "service/core_prefixes.h"
#include "sys/store.h"

struct rn_numbering; /* core_numbering.h */

/* What the gateway signs with and writes into. */
struct rn_books {
	struct rn_store *store;
	struct rn_ledger *ledger;
	uint32_t epoch;
	uint8_t policy_seed[RN_KEY_SIZE];
	struct rn_numbering *numbering;
	struct rn_zone_source zones; /* of the host; without a function: UTC alone */
	struct rn_prefixes prefixes; /* that the policy in force names, or that one will that is being set */
	void (*committed)(void *context); /* something is in the store, and was sent to nobody yet; NULL is legal */
	void *committed_context;
};

/* A device goes from one identity number to another with the change's commit. 0: none. */
struct rn_number_move {
	uint32_t device, from, to;
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
	struct rn_number_move *moves;
	unsigned move_count, move_room;
	uint32_t *forgotten; /* identity numbers without a record from now on */
	unsigned forgotten_count, forgotten_room;
	struct rn_prefixes prefixes; /* of the policy that it puts or names: the books' from the commit on */
	bool puts_prefixes;
	bool tentative; /* it will be aborted: numbers that are not usable yet will do */
	bool stepped;	/* what the numbers are in memory is no longer what the store says, if this is aborted */
};

int rn_change_begin(struct rn_change *change, struct rn_books *books, int64_t now, struct rn_err *err);
/* Signs it with the policy that was in force before this change; device->policy is not read. */
int rn_change_device(struct rn_change *change, const struct rn_device_record *device);
/* At a version that the caller took from the counter himself (core_numbering.c). */
int rn_change_device_at(struct rn_change *change, const struct rn_device_record *device, uint64_t version);
int rn_change_identity_at(struct rn_change *change, const struct rn_identity_record *identity, uint64_t version);
/* Who puts a policy calls rn_basis_put, which says what it rests on. */
int rn_change_policy(struct rn_change *change, const struct rn_policy_record *policy);
int rn_change_network(struct rn_change *change, const struct rn_network *network);
/* The record of an identity number goes with the commit; the caller has taken it out of the store. */
int rn_change_forget(struct rn_change *change, uint32_t number);
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
