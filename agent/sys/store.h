/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_H
#define RN_SYS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"

/*
 * core.db (SQLite) as named operations, WAL, synchronous FULL, foreign keys on. It knows
 * nothing of what the blobs mean. On gateways everything is used, on other hosts meta and records only.
 *
 * Errors of every operation: -ENOSPC (disk full), -EIO (and a damaged file), each with a sentence; and where said
 * -ENOENT, -EEXIST without one. After any error inside a transaction the caller rolls back, and nothing has happened.
 * Pointers given to `each` callbacks are valid during the call only. A callback must not write.
 */
#define RN_STORE_NAME 64
#define RN_STORE_HOMES 4

struct rn_store;

/* Opens or, with create, makes the database (mode 0600) and migrates it. -ENOENT: absent; -EPROTONOSUPPORT: newer. */
int rn_store_open(const char *path, bool create, struct rn_store **ret, struct rn_err *err);
void rn_store_close(struct rn_store *store); /* rolls back what is open; NULL is legal */

int rn_store_begin(struct rn_store *store, struct rn_err *err);
int rn_store_commit(struct rn_store *store, struct rn_err *err); /* after an error: rolled back already */
void rn_store_rollback(struct rn_store *store);			 /* no-op outside a transaction */

/* Numbers and blobs by name. get: -ENOENT where never set. */
int rn_store_number(struct rn_store *store, const char *name, uint64_t *ret, struct rn_err *err);
int rn_store_set_number(struct rn_store *store, const char *name, uint64_t value, struct rn_err *err);
/* Counts up and returns the new value (the first is 1); within the transaction of what it numbers. */
int rn_store_next(struct rn_store *store, const char *name, uint64_t *ret, struct rn_err *err);
int rn_store_blob(struct rn_store *store, const char *name, void *out, size_t out_size, size_t *ret_size,
		  struct rn_err *err);
int rn_store_set_blob(struct rn_store *store, const char *name, const void *data, size_t size, struct rn_err *err);

/* The newest signed record of each (type, device); device 0 where the type has one only. */
struct rn_store_record {
	unsigned type;
	uint32_t device, epoch;
	uint64_t version;
	const uint8_t *blob;
	size_t size;
};
int rn_store_put_record(struct rn_store *store, const struct rn_store_record *record, struct rn_err *err);
int rn_store_remove_record(struct rn_store *store, unsigned type, uint32_t device, struct rn_err *err);
/* In order of version. each returns 0 to go on; anything else ends the walk and is returned. */
int rn_store_records(struct rn_store *store, int (*each)(void *context, const struct rn_store_record *), void *context,
		     struct rn_err *err);

/*
 * Settled is the version that a record's thing had when it was first stored, or at the last settle of its type. Those
 * stored again since, in order of device, at most max: *ret_count; more than max is said as max + 1.
 */
struct rn_store_version {
	uint32_t device;
	uint64_t version;
};
int rn_store_unsettled(struct rn_store *store, unsigned type, struct rn_store_version *out, unsigned max,
		       unsigned *ret_count, struct rn_err *err);
int rn_store_settle(struct rn_store *store, unsigned type, struct rn_err *err);

/* The gateway's identity numbers, and the hubs that are waited for (domain/meaning.h): its rows, in order of version. */
enum rn_store_meaning { RN_STORE_NUMBER = 1, RN_STORE_HUB = 2 };
int rn_store_put_meaning(struct rn_store *store, enum rn_store_meaning kind, uint32_t number, uint64_t version,
			 const uint8_t *row, size_t size, struct rn_err *err);
int rn_store_remove_meaning(struct rn_store *store, enum rn_store_meaning kind, uint32_t number, struct rn_err *err);
int rn_store_meanings(struct rn_store *store, enum rn_store_meaning kind,
		      int (*each)(void *context, const uint8_t *row, size_t size), void *context, struct rn_err *err);

/* Selector texts: each gets a number once and for ever. */
int rn_store_selector(struct rn_store *store, const char *text, uint32_t *ret, struct rn_err *err);	/* -ENOENT */
int rn_store_add_selector(struct rn_store *store, const char *text, uint32_t *ret, struct rn_err *err); /* or the old */
int rn_store_selectors(struct rn_store *store, void (*each)(void *context, uint32_t number, const char *text),
		       void *context, struct rn_err *err); /* in order of number */

int rn_store_user(struct rn_store *store, const char *name, int64_t now, uint32_t *ret,
		  struct rn_err *err); /* or the old */

/* Devices: what their records do not say. Names and keys are unique: -EEXIST, *ret_clash says which ("name", ...). */
struct rn_store_device {
	uint32_t number;
	char name[RN_STORE_NAME];
	uint8_t noise_key[RN_KEY_SIZE]; /* zero: a stock client, stored as NULL */
	uint8_t wireguard_key[RN_KEY_SIZE];
	int64_t created;
	uint64_t sequence; /* of its last sealed request */
};
int rn_store_add_device(struct rn_store *store, const struct rn_store_device *device, const char **ret_clash,
			struct rn_err *err);
int rn_store_device(struct rn_store *store, uint32_t number, struct rn_store_device *ret,
		    struct rn_err *err); /* -ENOENT */
int rn_store_set_wireguard_key(struct rn_store *store, uint32_t number, const uint8_t key[RN_KEY_SIZE],
			       struct rn_err *err); /* -EEXIST: another device's */
/* Takes the sequence only where it is above the last: -ENOENT otherwise. */
int rn_store_rise_sequence(struct rn_store *store, uint32_t number, uint64_t sequence, struct rn_err *err);
int rn_store_set_leaf(struct rn_store *store, uint32_t number, const void *leaf, size_t size, struct rn_err *err);
int rn_store_leaf(struct rn_store *store, uint32_t number, void *out, size_t out_size, size_t *ret_size,
		  struct rn_err *err); /* -ENOENT */
int rn_store_add_tag(struct rn_store *store, uint32_t number, const char *tag, struct rn_err *err);
int rn_store_tags(struct rn_store *store, uint32_t number, int (*each)(void *context, const char *tag), void *context,
		  struct rn_err *err); /* in alphabetical order */

struct rn_store_token {
	uint64_t id;
	uint8_t public[RN_KEY_SIZE];
	unsigned kind;
	char name[RN_STORE_NAME]; /* "": the device chooses */
	uint32_t owner, hub;	  /* hub: of a hub its parent */
	char owner_name[RN_STORE_NAME];
	char tags[2048];	  /* each ended with '\n' */
	int64_t expires, used_at; /* used_at 0: not yet */
	int64_t ends;		  /* of a project hub; else 0 */
	uint32_t homes[RN_STORE_HOMES], home_count; /* of a device with several hubs, `hub` the first */
	uint32_t device;	  /* that used it */
};
int rn_store_add_token(struct rn_store *store, const struct rn_store_token *token, struct rn_err *err);
int rn_store_token(struct rn_store *store, uint64_t id, struct rn_store_token *ret, struct rn_err *err); /* -ENOENT */
int rn_store_use_token(struct rn_store *store, uint64_t id, uint32_t device, int64_t now,
		       struct rn_err *err);					    /* -ENOENT: used already */
int rn_store_remove_token(struct rn_store *store, uint64_t id, struct rn_err *err); /* -ENOENT */
/* The one that ends last first; at most 10,000. */
int rn_store_tokens(struct rn_store *store, void (*each)(void *context, const struct rn_store_token *), void *context,
		    struct rn_err *err);
/* Forgets tokens that expired before `before`. */
int rn_store_expire_tokens(struct rn_store *store, int64_t before, struct rn_err *err);

/* Who did what to what; append only, but for the oldest where there are more than RN_STORE_AUDIT_MAX. */
#define RN_STORE_AUDIT_MAX 100000
struct rn_store_audit {
	uint64_t number; /* rises by one */
	int64_t time;
	const char *actor, *what, *object, *detail;
};
int rn_store_audit(struct rn_store *store, int64_t now, const char *actor, const char *what, const char *object,
		   const char *detail, struct rn_err *err);
/* Those with a greater number, oldest first. */
int rn_store_audits(struct rn_store *store, uint64_t after, unsigned max,
		    void (*each)(void *context, const struct rn_store_audit *), void *context, struct rn_err *err);
int rn_store_newest_audit(struct rn_store *store, uint64_t *ret, struct rn_err *err); /* 0: none */

#endif
