/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_REVOKED_H
#define RN_SERVICE_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The devices that the gateway has revoked in an epoch: for good, because a number is never used again. kern keeps them
 * in STATE/state/kern/revoked.bin, so that no reboot lets an older record of such a device in.
 */
#define RN_REVOKED_MAX 65536u /* the tables hold a quarter of that in devices */

struct rn_revoked;

/*
 * The file, little endian: magic "RNV1", u32 epoch, sum; then each number as u32 and its sum. A sum is BLAKE2b-128,
 * keyed with the sum before, so it covers everything up to it. Replaced whole when a number is added.
 */
#define RN_REVOKED_SUM 16
#define RN_REVOKED_HEAD (4 + 4 + RN_REVOKED_SUM)
#define RN_REVOKED_ENTRY (4 + RN_REVOKED_SUM)
#define RN_REVOKED_SIZE_MAX (RN_REVOKED_HEAD + RN_REVOKED_MAX * RN_REVOKED_ENTRY)

struct rn_revoked *rn_revoked_new(void);	    /* nobody, epoch 0; NULL: out of memory */
void rn_revoked_free(struct rn_revoked *v);	    /* NULL is legal */
size_t rn_revoked_size(const struct rn_revoked *v); /* encoded */
void rn_revoked_encode(const struct rn_revoked *v, uint8_t *out /* of that size */);
/*
 * Into an empty list. One number at the very end that is not whole, or not what was written, is a torn write: dropped.
 * 0; -EBADMSG for anything else that is wrong; -ENOMEM. Only to be freed after a failure.
 */
int rn_revoked_decode(struct rn_revoked *v, const uint8_t *data, size_t size);

/* Reads the file; a missing one is an empty list. -EBADMSG where it is damaged; a sentence. */
int rn_revoked_open(const char *directory, struct rn_revoked **ret, struct rn_err *err);
uint32_t rn_revoked_epoch(const struct rn_revoked *v);
/* Numbers count anew in a newer epoch: nobody is revoked in it. Not newer: nothing changes. */
void rn_revoked_begin_epoch(struct rn_revoked *v, uint32_t epoch);
bool rn_revoked_has(const struct rn_revoked *v, uint32_t number);
/* 1: added; 0: it was there; -EINVAL for number 0, -ENOSPC, -ENOMEM. In memory: save it. */
int rn_revoked_add(struct rn_revoked *v, uint32_t number);
bool rn_revoked_due(const struct rn_revoked *v); /* something was added and is not saved */
/* 0 once all is on the disk; else -errno, the old file stays, and it is still due. Nothing due: nothing done. */
int rn_revoked_save(struct rn_revoked *v);

#endif
