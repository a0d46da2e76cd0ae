/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REGISTRY_H
#define RN_SERVICE_CORE_REGISTRY_H

#include "service/core_change.h"

/* The gateway's devices: numbers, addresses, tags, and the identity that follows from them. All within a change. */
#define RN_TAGS_MAX (RN_SELECTORS_MAX - 3) /* beside everyone, the user and the device itself */
#define RN_HUB_DEVICES_MAX 11000u	  /* with 4,096 of others and 1,023 hubs its kern has room */
#define RN_TRUST_START 50		   /* of a new device */

struct rn_new_device {
	enum rn_kind kind;
	char name[RN_NAME_MAX + 1];
	uint32_t owner; /* user number */
	char owner_name[RN_NAME_MAX + 1];
	uint32_t hub;	 /* ignored for hubs */
	uint32_t homes[RN_HOMES_MAX], home_count; /* as in a record; ignored for hubs */
	uint32_t parent; /* of a hub but the gateway */
	uint64_t ends;	 /* of a project hub */
	uint8_t trust;
	uint8_t noise_key[RN_KEY_SIZE], wireguard_key[RN_KEY_SIZE]; /* noise_key zero: a stock client */
	struct rn_endpoint wireguard, control;			    /* of a hub */
	const char *tags;					    /* each ended with '\n' */
};
/* Allots number and addresses, signs and stores. -EEXIST (name or key taken), -ENOSPC (no address left). */
int rn_registry_add(struct rn_change *change, const struct rn_new_device *device, struct rn_device_record *ret);

/*
 * Selectors and identity of the device as of the selectors that have numbers now; *ret_changed where they differ.
 * -EAGAIN: the number is not usable yet (core_numbering.h); so also of rn_registry_add and rn_registry_identify_all.
 */
int rn_registry_identify(struct rn_change *change, struct rn_device_record *device, bool *ret_changed);
/* New records for every device whose identity became finer. */
int rn_registry_identify_all(struct rn_change *change);

/* Every device whose record does not say its set as it is now waits for the number of that. After the ledger. */
int rn_registry_pend_all(struct rn_books *books, struct rn_err *err);
/* The same of one device, which has moved. -EMSGSIZE: its set does not fit. */
int rn_registry_pend(struct rn_books *books, uint32_t device, struct rn_err *err);
/* The number that the device would have, held for who waits for it (rn_numbering_hold). */
int rn_registry_hold(struct rn_books *books, const struct rn_new_device *device, uint32_t *ret_number,
		     struct rn_err *err);

/* Calls for each tag of the device; texts are valid during the call. */
int rn_registry_tags(struct rn_books *books, uint32_t device, char ret[][RN_NAME_MAX + 1], unsigned max,
		     unsigned *ret_count, struct rn_err *err);

/* "a", "b" -> "a\nb\n". -EINVAL with a sentence: too many, repeated or no names. */
int rn_registry_join_tags(const char *const *tags, unsigned count, char *out, size_t size, struct rn_err *err);

#endif
