/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENFORCE_STATE_H
#define RN_SERVICE_ENFORCE_STATE_H

#include "base/numbers.h"
#include "domain/policy_tables.h"
#include "domain/slots.h"
#include "service/enforce.h"

/* What the files of enforce share. */

#define RN_DEVICE_ADDRESSES 2

/* One device index. */
struct rn_enforced_device {
	uint32_t number; /* 0: the index was never used; else also of a device that is gone, with its version */
	bool present;
	bool known;	  /* its record has come in this run: the slot's selectors are right */
	bool seen;	  /* in this sync */
	uint64_t version; /* the newest that has come, of which at least what it takes away is in force */
	uint64_t whole;	  /* the version that is in force as a whole */
	uint32_t slot, identity, owner;
	uint8_t key[RN_KEY_SIZE];
	struct rn_addr addresses[RN_DEVICE_ADDRESSES]; /* zero: none */
};

/*
 * A device record that waits for a policy: for the one in force, which has not come again yet after a restart, or for
 * the newer one that it was signed under. What it takes away is in force already.
 */
struct rn_waiting_device {
	struct rn_device_record record;
	uint64_t version;
	uint32_t slot; /* one user more, where held: its rows are in the tables before the device is */
	bool held;
};

struct rn_enforce {
	struct rn_datapath *dp;
	uint32_t self;
	bool hub, syncing;
	struct rn_enforced_device *devices; /* RN_DEVICES_MAX; of those from `end` on no memory is touched */
	uint32_t end;
	struct rn_numbers *by_number;
	struct rn_indices *indices;
	struct rn_slots *slots;
	struct rn_policy_record policy; /* in force, where policy_known */
	bool policy_known;
	struct rn_policy_tables *tables; /* scratch, kept: new memory for each policy costs more time than the policy */
	uint64_t policy_version;	 /* in force, 0: none */
	uint64_t policy_least; /* that a device record was signed under: there is one of at least this version */
	struct rn_waiting_device *waiting;
	uint32_t waiting_count, waiting_room;
	uint32_t present;
	uint64_t forgotten; /* the highest version of a removed device whose index went to another; also in rn_meta */
};

/* enforce_adopt.c: 0 or -errno */
int rn_enforce_adopt(struct rn_enforce *e);
/* enforce_policy.c: 0: no policy is in force, and nothing passes. */
uint64_t rn_enforce_generation(const struct rn_enforce *e);
/* enforce_policy.c: writes the slot's rows of the policy in force; 0 also where there is none. */
int rn_enforce_slot_write(struct rn_enforce *e, uint32_t slot);
/* enforce_device.c: applies without looking at versions or at whether the policy is known. */
int rn_enforce_device_apply(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			    struct rn_err *err);
void rn_enforce_waiting_apply(struct rn_enforce *e);
/* Takes away every device whose record is older than the one that this policy rests on. */
void rn_enforce_waive(struct rn_enforce *e, const struct rn_policy_record *policy);
/* Takes the device's addresses away and its index with them. */
void rn_enforce_retire(struct rn_enforce *e, uint32_t index);

#endif
