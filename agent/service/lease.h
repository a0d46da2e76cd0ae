/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_LEASE_H
#define RN_SERVICE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * How long this host may enforce without hearing from its gateway, and the floor under what it takes: both outlive a
 * reboot in STATE/state/kern/floor.bin. Times are nanoseconds of CLOCK_BOOTTIME unless said.
 */
#define RN_BOOT_ID_SIZE 16

struct rn_floor {
	uint32_t epoch; /* highest seen */
	uint64_t network_version, policy_version; /* highest applied in that epoch */
	uint64_t until_ns;			  /* end of the lease, by the clock of the boot below */
	uint64_t left_ns;			  /* what was left of it when this was written */
	uint8_t boot_id[RN_BOOT_ID_SIZE];
};

/* The file: magic "RNF1", then the fields in order, little endian, then BLAKE2b-128 of all before. */
#define RN_FLOOR_SIZE (4 + 4 + 4 * 8 + RN_BOOT_ID_SIZE + 16)
void rn_floor_encode(const struct rn_floor *in, uint8_t out[RN_FLOOR_SIZE]);
int rn_floor_decode(const uint8_t *data, size_t size, struct rn_floor *ret); /* 0 or -EBADMSG */

/* The end of a lease after a start: in the same boot as it was, in a later one what was left, from now on. */
uint64_t rn_lease_resume(const struct rn_floor *floor, const uint8_t boot_id[RN_BOOT_ID_SIZE], uint64_t now_ns);
/*
 * The end of a lease that was issued (Unix seconds) for so many seconds: what the wall clock says is left of it, never
 * more than all of it. A wall clock before the issue gives all of it.
 */
uint64_t rn_lease_grant(uint32_t lease_seconds, uint64_t issued, int64_t unix_now, uint64_t now_ns);
/*
 * The end of the lease after a newer record: what that grants, but what was granted before is not lost to a wall clock
 * that runs ahead. Never more than a whole lease from now.
 */
uint64_t rn_lease_renew(uint64_t until_ns, uint32_t lease_seconds, uint64_t issued, int64_t unix_now, uint64_t now_ns);

/* The file itself, and this boot's id. */
struct rn_lease;
/* Reads or begins the floor. -EBADMSG where the file is damaged; a sentence. */
int rn_lease_open(const char *directory, struct rn_lease **ret, struct rn_err *err);
void rn_lease_free(struct rn_lease *l);
struct rn_floor *rn_lease_floor(struct rn_lease *l); /* change, then save */
/* The end of the lease as of the last start. */
uint64_t rn_lease_until(const struct rn_lease *l);
void rn_lease_set_until(struct rn_lease *l, uint64_t until_ns);
int rn_lease_save(struct rn_lease *l, uint64_t now_ns); /* 0 or -errno; the old file stays */

uint64_t rn_boottime_ns(void);
int64_t rn_unix_ns(void);

#endif
