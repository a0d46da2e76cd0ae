/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_LEDGER_H
#define RN_SERVICE_CORE_LEDGER_H

#include "base/err.h"
#include "domain/record.h"
#include "sys/store.h"

/*
 * The signed records that this host holds, in memory: the newest of each (type, number), decoded, ordered by version.
 * Since only the newest is kept, whoever reads on from a version gets every change coalesced by itself.
 */
struct rn_seen {	   /* a device's tunnel at its hub */
	int64_t handshake; /* the last one, Unix seconds; 0: never, or not known here */
	uint64_t received, sent;
};
struct rn_ledger_entry {
	enum rn_record_type type;
	uint32_t device; /* its number, or of an IDENTITY or a PART that; 0 for NETWORK and POLICY */
	uint32_t epoch;
	uint64_t version, issued;
	uint8_t *blob;
	size_t size;
	bool dirty;	     /* not in the store yet */
	bool present;	     /* DEVICE: its hub says that it is connected there; survives new records */
	struct rn_seen seen; /* DEVICE; survives new records */
	uint64_t here; /* DEVICE: the counter of the move by which it says it is at this hub; survives new records */
	int64_t seen_told; /* the handshake that the gateway was told of last */
	uint64_t lost; /* events that it had lost when it told of some, plus 1; 0: never yet; survives new records */
	struct rn_device_record record; /* DEVICE only */
	struct rn_ledger_entry *older, *newer;
};

/* How far somebody has come in the order of records. */
struct rn_position {
	uint32_t epoch;
	uint64_t version;
};
bool rn_position_before(const struct rn_position *position, const struct rn_ledger_entry *entry);
bool rn_position_reaches(const struct rn_position *position, const struct rn_position *other); /* there or beyond */

#define RN_LEDGER_DEVICES_MAX 0xffffffu
#define RN_LEDGER_PARTS_MAX (2u * RN_PARTS_MAX) /* of the policy held, and of the one that is coming */
struct rn_ledger;
struct rn_ledger *rn_ledger_new(void);	       /* NULL: out of memory */
void rn_ledger_free(struct rn_ledger *ledger); /* NULL is legal */
/* Before anything is in it, of a host that is no hub: of a policy in parts it keeps no more than rn_ledger_rule needs. */
void rn_ledger_set_brief(struct rn_ledger *ledger);

/*
 * Takes a record whose signature is known to be good. 0 and *ret_entry; -ESTALE where it is not above what is held of
 * the same thing, -EBADMSG, -ENOMEM, -ENOSPC where RN_LEDGER_DEVICES_MAX are held, -ENOENT where it is a policy of
 * whose parts one is not held. With a policy go the parts that it does not name and that are older than it.
 */
int rn_ledger_take(struct rn_ledger *ledger, const uint8_t *blob, size_t size, struct rn_ledger_entry **ret_entry);
void rn_ledger_remove(struct rn_ledger *ledger, uint32_t device); /* no-op where unknown */
void rn_ledger_remove_identity(struct rn_ledger *ledger, uint32_t number);
/* These are no-ops where the device is unknown. */
void rn_ledger_set_present(struct rn_ledger *ledger, uint32_t device, bool present);
void rn_ledger_set_seen(struct rn_ledger *ledger, uint32_t device, const struct rn_seen *seen);
void rn_ledger_set_here(struct rn_ledger *ledger, uint32_t device, uint64_t moved);
void rn_ledger_set_lost(struct rn_ledger *ledger, uint32_t device, uint64_t lost);
void rn_ledger_set_seen_told(struct rn_ledger *ledger, uint32_t device, int64_t handshake);
/* Reads everything from the store. */
int rn_ledger_load(struct rn_ledger *ledger, struct rn_store *store, struct rn_err *err);
/* Parts that have gone leave the store, in a transaction of their own; a flush does the same. What fails is tried
 * again. */
int rn_ledger_sweep(struct rn_ledger *ledger, struct rn_store *store, struct rn_err *err);
/* Stores what is dirty in one transaction, and with it up to where the upstream says that all was sent (or NULL). */
int rn_ledger_flush(struct rn_ledger *ledger, struct rn_store *store, const struct rn_position *synced,
		    struct rn_err *err);
/* A position in the store, "synced" or what else has a name; zero where it was never set. */
int rn_ledger_position(struct rn_store *store, const char *name, struct rn_position *ret, struct rn_err *err);
int rn_ledger_set_position(struct rn_store *store, const char *name, const struct rn_position *position,
			   struct rn_err *err);

/* Look-ups give NULL where there is none. Entries live until they are replaced or removed. */
const struct rn_ledger_entry *rn_ledger_device(const struct rn_ledger *ledger, uint32_t number);
const struct rn_ledger_entry *rn_ledger_identity(const struct rn_ledger *ledger, uint32_t number);
const struct rn_ledger_entry *rn_ledger_by_name(const struct rn_ledger *ledger, const char *name);
const struct rn_ledger_entry *rn_ledger_by_noise_key(const struct rn_ledger *ledger, const uint8_t key[RN_KEY_SIZE]);
/* Addresses are of the network's ranges, which say whose they are (ipam.h). */
const struct rn_ledger_entry *rn_ledger_by_address(const struct rn_ledger *ledger, const struct rn_addr *address);
const struct rn_ledger_entry *rn_ledger_network(const struct rn_ledger *ledger);
const struct rn_ledger_entry *rn_ledger_policy(const struct rn_ledger *ledger);
/* Parts of policies in order of number. */
const struct rn_ledger_entry *rn_ledger_part_at(const struct rn_ledger *ledger, unsigned index);
/* The end of the list by version: follow ->older. */
const struct rn_ledger_entry *rn_ledger_newest(const struct rn_ledger *ledger);
/* Devices in order of number. */
unsigned rn_ledger_count(const struct rn_ledger *ledger);
const struct rn_ledger_entry *rn_ledger_at(const struct rn_ledger *ledger, unsigned index);
/* Hubs in no order, revoked ones too; NULL: no more. And how many devices a hub has, itself and revoked ones too. */
const struct rn_ledger_entry *rn_ledger_hub(const struct rn_ledger *ledger, unsigned index);
uint32_t rn_ledger_attached(const struct rn_ledger *ledger, uint32_t hub);
/* Identities likewise; hubs and the gateway have them. */
const struct rn_ledger_entry *rn_ledger_identity_at(const struct rn_ledger *ledger, unsigned index);
/* The policy held, decoded; without rules where none is or it is not kept (brief). Lives until the next policy. */
const struct rn_policy_record *rn_ledger_rules(const struct rn_ledger *ledger);
/* rn_policy_meets under it (domain/policy_meets.h). */
bool rn_ledger_meets(const struct rn_ledger *ledger, const struct rn_device_record *a,
		     const struct rn_device_record *b);
/* The id of a rule of the policy held; "" where there is none of this number. */
const char *rn_ledger_rule(const struct rn_ledger *ledger, uint32_t number);
bool rn_ledger_rule_denies(const struct rn_ledger *ledger, uint32_t number); /* false too where there is none */

#endif
