/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_READING_H
#define RN_DOMAIN_READING_H

#include "domain/meaning.h"

/*
 * What identity numbers mean to one hub, what it may put on the wire, and how far it has acknowledged. Pure.
 *
 * Order on a hub: SUBSCRIBE says rn_reading_position, all that core has taken, on disk or not, and what kern has where
 * that is more: core was killed, or the answer is still on its way to kern. The answer goes to
 * rn_reading_begin, then every record in its order to one of the three takers. Version 0 in the answer: *everything* is
 * forgotten before any record is taken, on disk first, then in kern, and what is new goes to disk only when kern has
 * forgotten (a crash must bring back nothing beside it), and all mesh peers are removed, their WireGuard sessions with
 * them, so nothing under way survives. A record that makes a hub apart removes that hub from the peers at once.
 * Acknowledge (APPLIED) what rn_reading_acknowledged says: after the records are on disk (fsync) and after kern has
 * them, with a generation that leaves no flow entry of a number that ended; not between SUBSCRIBE and its answer, and
 * never what was enforced before everything was forgotten. After a restart: new, the records from the disk in order of
 * version, rn_reading_resume, and rn_reading_doubt where the disk may be older than what was acknowledged (it was
 * restored from a backup): then nothing is read until the gateway has answered, over however many restarts.
 *
 * A hub that holds only some numbers (resolved on demand) acknowledges the others as well: it reads them as nothing. An
 * answer to a question is a record in the same order of versions.
 */
struct rn_reading;

struct rn_reading *rn_reading_new(uint32_t self, uint32_t numbers_max); /* NULL: out of memory */
void rn_reading_free(struct rn_reading *r);				/* NULL is legal */

/* The gateway's answer. True: everything was forgotten; remove all mesh peers now. */
bool rn_reading_begin(struct rn_reading *r, const struct rn_meaning_position *from);
void rn_reading_resume(struct rn_reading *r, const struct rn_meaning_position *disk);
void rn_reading_doubt(struct rn_reading *r);
/* The end of this host's lease (service/lease.h). A new lease, too, is taken only after everything was forgotten. */
void rn_reading_lease(struct rn_reading *r, int64_t until_ms);

/*
 * Takers of verified records. 0; -ESTALE: not above what it has of the same thing, nothing to do; -EBADMSG: a number that was not
 * forgotten gets another meaning, which no honest gateway says: nothing is read any more, and it must ask from nothing
 * (position says so). -ENOSPC, -ENOMEM: likewise.
 */
int rn_reading_number(struct rn_reading *r, const struct rn_meaning *in);
int rn_reading_hub(struct rn_reading *r, uint32_t hub, bool apart, uint64_t version);
void rn_reading_other(struct rn_reading *r, uint64_t version); /* any other record, or SYNCED */

void rn_reading_stored(struct rn_reading *r, uint64_t version);	  /* is on disk up to */
void rn_reading_enforced(struct rn_reading *r, uint64_t version); /* is in kern up to */
uint64_t rn_reading_acknowledged(const struct rn_reading *r);
struct rn_meaning_position rn_reading_position(const struct rn_reading *r);

/* The set that the number means here, in a frame from the wire; NULL: drop the frame. */
const uint32_t *rn_reading_of(const struct rn_reading *r, int64_t now_ms, uint32_t number, uint32_t *ret_count);
/* As rn_reading_of, but whether or not this hub is heard and has a lease: what it would mean. */
const uint32_t *rn_reading_known(const struct rn_reading *r, uint32_t number, uint32_t *ret_count);
/* May this hub put it on the wire for a device whose record has it? */
bool rn_reading_may_send(const struct rn_reading *r, int64_t now_ms, uint32_t number);
/* Is the hub a mesh peer of this one? */
bool rn_reading_peer(const struct rn_reading *r, int64_t now_ms, uint32_t hub);

#endif
