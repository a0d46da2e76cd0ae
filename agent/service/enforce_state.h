/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENFORCE_STATE_H
#define RN_SERVICE_ENFORCE_STATE_H

#include "base/numbers.h"
#include "domain/policy_narrow.h"
#include "domain/policy_parts.h"
#include "domain/policy_tables.h"
#include "domain/slots.h"
#include "service/enforce.h"
#include "sys/datapath_mesh.h"

/* What the files of enforce share. */

#define RN_DEVICE_ADDRESSES 2
#define RN_STATE_PLACE                                                                                                 \
	(uint32_t)(RN_STATE_LOCAL | RN_STATE_ATTACHED | RN_STATE_REMOTE | (0xffffull << RN_STATE_PEER_SHIFT))

/* One device index. */
struct rn_enforced_device {
	uint32_t number; /* 0: the index was never used; else also of a device that is gone, with its version */
	bool present;
	bool known;	  /* its record has come in this run: the slot's selectors are right */
	bool seen;	  /* in this sync */
	uint64_t version; /* the newest that has come, of which at least what it takes away is in force */
	uint64_t whole;	  /* the version that is in force as a whole */
	uint32_t slot, identity, owner;
	uint32_t hub;  /* number of the hub where it is; 0: not known, after a restart or since a newer record is not
			  whole yet */
	uint32_t peer; /* of the mesh: behind which its state says it is; 0: none */
	bool listed;   /* its record says that it may be at this hub */
	uint64_t moved, here; /* its record's counter; that of the move that it is here by */
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

/* What of a policy is in a half of the tables. */
struct rn_enforced_rules {
	struct rn_narrowed narrowed;
	struct rn_policy_record record; /* where it is not whole: the rules that concern it */
	struct rn_policy_sides *sides;	/* NULL: not known, since the policy has not come again after a restart */
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
	uint32_t peers[RN_MESH_PEERS_MAX]; /* number of the hub that is this peer of the mesh; 0: free */
	uint32_t peers_end;
	rn_enforce_reads *reads;
	void *reads_context;
	struct rn_policy_record policy; /* in force, where policy_known; on a node not joined, where it has parts */
	struct rn_part_source parts;	/* its parts; without a function: it stays joined */
	bool policy_known;
	struct rn_enforced_rules rules; /* of `policy` */
	uint64_t policy_version;	/* in force, 0: none */
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
/*
 * enforce_policy.c: the policy in force is filled once more, for these, with rows of every slot in use, and flipped. At
 * the flip this host's own device is nobody where it is to go `apart`. 0, -EMSGSIZE and -ENOSPC: does not fit; -errno.
 */
int rn_enforce_fill(struct rn_enforce *e, const struct rn_narrowed *narrowed, bool apart, struct rn_err *err);
void rn_enforce_rules_done(struct rn_enforced_rules *rules); /* frees and zeroes */

/* enforce_own.c: for whom a policy is filled here. */
void rn_enforce_narrowed(const struct rn_enforce *e, struct rn_narrowed *ret);
/* May the tables lack rules that concern the device, which is this host's own? */
bool rn_enforce_own_lacks(const struct rn_enforce *e, const struct rn_device_record *device);
/*
 * Before the device changes and after its slot was taken: where it is this host's own, its rules come into the tables.
 * 1: every slot's rows were written anew; 0: nothing was to do. -errno with a sentence: nothing has changed.
 */
int rn_enforce_own(struct rn_enforce *e, const struct rn_device_record *device, struct rn_err *err);

/* enforce_device.c: applies without looking at versions or at whether the policy is known. */
int rn_enforce_device_apply(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
			    struct rn_err *err);
void rn_enforce_waiting_apply(struct rn_enforce *e);
/* Takes away every device whose record is older than the one that this policy rests on. */
void rn_enforce_waive(struct rn_enforce *e, const struct rn_policy_record *policy);
/* Takes the device's addresses away and its index with them, and where it is a hub, all that is behind it. */
void rn_enforce_retire(struct rn_enforce *e, uint32_t index);

/* enforce_hub.c: 0 or -errno */
int rn_enforce_adopt_hubs(struct rn_enforce *e); /* after devices and their addresses */
/* Which peer of the mesh this hub is, 0: none. */
uint32_t rn_enforce_peer(const struct rn_enforce *e, uint32_t hub);
/* Before a hub's own device: its peer as its record says. -ENOSPC. Of other devices: nothing. */
int rn_enforce_hub(struct rn_enforce *e, const struct rn_device_record *device);
void rn_enforce_hub_gone(struct rn_enforce *e, uint32_t hub); /* also where it is no hub */
/*
 * What may be said of devices behind a peer: one has come (after its state), one has left or changed. Peer 0: nothing.
 * There is room for more than there can be devices.
 */
void rn_enforce_claim(struct rn_enforce *e, uint32_t index);
void rn_enforce_disclaim(struct rn_enforce *e, uint32_t peer, uint32_t identity);

#endif
