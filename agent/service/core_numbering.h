/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_NUMBERING_H
#define RN_SERVICE_CORE_NUMBERING_H

#include "domain/meaning.h"
#include "service/core_change.h"

/*
 * The gateway's identity numbers in its books: domain/meaning with the store's rows and the signed records. A device's
 * record has a number only when that is usable; until then the device keeps what it had and is pending here, or, where
 * it is new, is not there yet. What is in memory and what the store says differ only within a call: where a
 * transaction fails, all is loaded anew and every hub has to come again.
 */

/*
 * A hub that is connected and has acknowledged nothing for so long, or is not connected, no longer keeps a number from
 * being used (docs/decisions.md).
 */
#define RN_NUMBERING_PATIENCE_MS 2000

/* Reads the store, after the ledger. A store without numbers (a new network's, or of before) begins with none. */
int rn_numbering_open(struct rn_books *books, int64_t now_ms, struct rn_err *err);
void rn_numbering_close(struct rn_books *books); /* NULL is legal */

/* Asked for a device (number 0: a new one): the number of the set. 0; -EAGAIN: not usable yet, with a sentence;
 * -ENOSPC.
 */
int rn_numbering_identify(struct rn_change *change, uint32_t device, uint32_t old, const uint32_t *selectors,
			  uint32_t count, uint32_t *ret_number);
/* This device waits for the number of this set; it gets its record when that is usable. 0, -ENOSPC, -ENOMEM. */
int rn_numbering_pend(struct rn_books *books, uint32_t device, const uint32_t *selectors, uint32_t count,
		      struct rn_err *err);
unsigned rn_numbering_pending(const struct rn_books *books);
/* Numbers that somebody waits for: held until they are released. */
int rn_numbering_hold(struct rn_books *books, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
		      struct rn_err *err);
void rn_numbering_release(struct rn_books *books, uint32_t number);
bool rn_numbering_means(const struct rn_books *books, uint32_t number); /* a set, to some hub */
bool rn_numbering_usable(const struct rn_books *books, uint32_t number);

/*
 * What follows from all that has happened: stores rows, signs records of identities, hubs and devices that were
 * pending. hang_up is called for each hub whose session must end. 0, or -errno: then everything was loaded anew.
 */
int rn_numbering_step(struct rn_books *books, int64_t now_ms, int64_t now, void (*hang_up)(void *context, uint32_t hub),
		      void *context, bool *ret_changed, struct rn_err *err);
struct rn_meanings *rn_numbering_meanings(const struct rn_books *books);
/* The version of the newest record there has been. */
int rn_numbering_newest(struct rn_books *books, uint64_t *ret, struct rn_err *err);

/* core_change.c: what the change held becomes the devices', or is released. */
void rn_numbering_committed(struct rn_change *change);
void rn_numbering_aborted(struct rn_change *change);

#endif
