/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_ATTEMPTS_H
#define RN_SERVICE_CORE_ATTEMPTS_H

#include <stdint.h>

#include "base/addr.h"

/*
 * How often somebody may guess: at most RN_ATTEMPTS failures a minute for an account and for a source (an IPv4 address
 * or an IPv6 /64), and RN_HASHES_A_SECOND Argon2id in all, which are what a guess costs core. The table has a fixed
 * size and random places; in a full one the oldest failure makes room, a source's for a source's and an account's for
 * an account's. Times are monotonic milliseconds.
 */
#define RN_ATTEMPTS 5
#define RN_ATTEMPTS_MS 60000
#define RN_HASHES_A_SECOND 4

struct rn_attempts;

struct rn_attempts *rn_attempts_new(void); /* NULL: out of memory */
void rn_attempts_free(struct rn_attempts *a);
/* Milliseconds until this account (NULL: none is named) may try from this source; 0: now. */
int64_t rn_attempts_wait(const struct rn_attempts *a, const char *account, const struct rn_addr *source,
			 int64_t now_ms);
void rn_attempts_failed(struct rn_attempts *a, const char *account, const struct rn_addr *source, int64_t now_ms);
/* A success: the account's failures are forgotten, the source's are not. */
void rn_attempts_forget(struct rn_attempts *a, const char *account);
/* Takes one Argon2id of this second: 0, or the milliseconds until there is one. */
int64_t rn_attempts_hash(struct rn_attempts *a, int64_t now_ms);

#endif
