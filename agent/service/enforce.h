/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_ENFORCE_H
#define RN_SERVICE_ENFORCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/policy_parts.h"
#include "domain/record.h"
#include "sys/datapath.h"

/*
 * Verified records -> the datapath's tables. Assigns device indices and identity slots itself; an index never changes
 * its meaning while its device is PRESENT. Who calls has checked the signature and the epoch.
 */
struct rn_enforce;

/* Reads what is in the tables already (after a restart), so that the same records change nothing. NULL: out of memory.
 */
struct rn_enforce *rn_enforce_new(struct rn_datapath *dp, uint32_t self, bool hub);
void rn_enforce_free(struct rn_enforce *e); /* the tables stay */

/*
 * A device record that was signed under a newer policy than is in force waits for it; what it takes away does not wait.
 * A policy takes away the devices whose records are older than those it rests on, and none of those is taken after it.
 *
 * All: 0; 1 where that very version is in force already; -ESTALE for an older one; -EMSGSIZE, -ENOSPC where it does not
 * fit; -EEXIST where another device has the address or key; -EAGAIN for a first policy that is older than one that
 * devices were signed under. err says why. Refused means nothing was changed, but of a device that is there what the
 * newer record takes away (trust, quarantine, revocation, its hub) is taken away.
 */
int rn_enforce_device(struct rn_enforce *e, uint64_t version, const struct rn_device_record *device,
		      struct rn_err *err);
/* Takes over what *policy points to (also on failure). */
int rn_enforce_policy(struct rn_enforce *e, uint32_t epoch, uint64_t version, struct rn_policy_record *policy_taken,
		      struct rn_err *err);
/*
 * On a node: where the parts of the policy in force are. It keeps the rules that concern it, and reads the whole again
 * when its own device becomes another; so they stay, also while a newer one is refused.
 */
void rn_enforce_on_parts(struct rn_enforce *e, const struct rn_part_source *parts);
/* The policy in force, of which on a node its parts are named and not there; NULL: it has not come. Until the next. */
const struct rn_policy_record *rn_enforce_in_force(const struct rn_enforce *e);
/*
 * On a hub: the device, which lists this hub, has moved here. It is attached here as long as no record counts more
 * moves. 0; -EACCES: it does not list this hub, or no record of it has come; -ESTALE: an older move.
 */
int rn_enforce_here(struct rn_enforce *e, uint32_t number, uint64_t moved, struct rn_err *err);
/* The device means nothing here any more; its version is remembered until its index is needed. 0 or -ENOENT. */
int rn_enforce_remove(struct rn_enforce *e, uint32_t number);

/* Between begin and end every current record comes; end removes the devices that did not, calling each for them. */
void rn_enforce_sync_begin(struct rn_enforce *e);
void rn_enforce_sync_end(struct rn_enforce *e, void (*each)(void *context, uint32_t number), void *context);
/* A new epoch of the gateway: versions count from nothing again. */
void rn_enforce_new_epoch(struct rn_enforce *e, uint32_t epoch);

/*
 * Who knows what an identity number means in a frame (kern_number.c): is it this set? A hub's frames may speak of it
 * only while the answer is yes; NULL: always. Where answers may have changed, rn_enforce_reread says so, of one number
 * or (0) of all.
 */
typedef bool rn_enforce_reads(void *context, uint32_t identity, const uint32_t *selectors, uint32_t count);
void rn_enforce_on_reads(struct rn_enforce *e, rn_enforce_reads *reads, void *context);
void rn_enforce_reread(struct rn_enforce *e, uint32_t identity);

/* The number of the device that has this WireGuard key, 0: nobody. */
uint32_t rn_enforce_number_of_key(const struct rn_enforce *e, const uint8_t key[RN_KEY_SIZE]);
uint32_t rn_enforce_devices(const struct rn_enforce *e); /* present */
/* The lowest version of a record that waits for a policy, 0: none waits. */
uint64_t rn_enforce_waiting(const struct rn_enforce *e);

#endif
