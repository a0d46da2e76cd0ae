/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_MEANING_H
#define RN_DOMAIN_MEANING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/record.h"

/*
 * What an identity number means: the gateway's half (a hub's is domain/reading.h). A number stands for one set of
 * selectors until every hub has forgotten it, and only then for another. Pure: values in, values out; docs/mesh.md says
 * why.
 *
 *   FREE -> WAITING -> ANNOUNCED -> USABLE -> ENDING -> FORGETTING -> RESTING -> FREE
 *           a version is      every hub  no device   every hub    every hub   what was under way
 *           due               read it    has it      stopped      forgot it   has expired
 *
 * Hubs are MEMBER (peer of all others, has a lease, is waited for), JOINING (is being told everything; reads nothing
 * yet, but what ends waits for it) or APART (nobody's peer, waited for by nobody). A member that is not connected for a
 * whole lease, or is and acknowledges nothing of what it lacks, becomes APART: one version more, and no number is used
 * again before every hub has acknowledged that version, that is, has removed the hub that is apart from its peers. So a
 * clock that is wrong, the gateway's or a hub's, makes a hub wait or lets it stand apart too early, but never makes two
 * that hear each other read one number differently.
 *
 * How core uses it. In one transaction of the store, before anything is sent:
 *
 *   1. rn_meanings_hold, _release, _subscribe, _acknowledge, _closed, _remove: what has happened.
 *
 *   2. rn_meanings_step with the counter of versions: what follows from it.
 *
 *   3. rn_meanings_next_number, _next_hub until both say false, and rn_meanings_head: what to store and what to sign.
 *
 *      A number with `sign`: an IDENTITY record (number, state, selectors) at its version. FREE: row and record go.
 *
 *      A number that became USABLE: new DEVICE records for the devices whose set it is, and their old number released.
 *
 *      A hub with `sign`: its DEVICE record at its version, which says whether it is apart (then: nobody's mesh peer).
 *      One that is not `connected`: hang up.
 *
 *   4. Back to 2 where that held or released anything.
 *
 * A transaction that fails: throw the meanings away and load them again. Records go to hubs in order of version, the
 * newest of each thing (service/core_feed.h), after the hub was answered from where it is fed (rn_meanings_subscribe).
 *
 * Cost: hold, release O(1); acknowledge, step O(hubs + what changes); start and a new epoch O(numbers).
 * Times are milliseconds of CLOCK_BOOTTIME.
 */
#define RN_MEANING_HUBS_MAX 4096u
/* After every hub has stopped: WireGuard takes no datagram under keys older than 180 s. */
#define RN_MEANING_REST_MS (10 * 60 * 1000)
/* On top of a lease: a session that ends is missed for a minute, and two clocks differ by 500 ppm in 7 days. */
#define RN_MEANING_MARGIN_MS (60 * 60 * 1000)
#define RN_MEANING_LEASE_MS (RN_LEASE_SECONDS * 1000ll + RN_MEANING_MARGIN_MS)
#define RN_MEANING_KEEP_FREE 1024u /* numbers that are free for long are used again when there are so many */

/* Stored: frozen. */
enum rn_meaning_state {
	RN_MEANING_FREE,
	RN_MEANING_WAITING,
	RN_MEANING_ANNOUNCED,
	RN_MEANING_USABLE,
	RN_MEANING_ENDING,
	RN_MEANING_FORGETTING,
	RN_MEANING_RESTING,
	RN_MEANING_STATES
};

/* A row of the store; also what an IDENTITY record says. */
struct rn_meaning {
	uint32_t number;
	enum rn_meaning_state state;
	uint64_t version;	   /* of the record that says the state; ANNOUNCED and USABLE are one record */
	const uint32_t *selectors; /* ascending; none from FORGETTING on */
	uint32_t count;
};
struct rn_meaning_hub {
	uint32_t hub;	  /* device number */
	bool apart;	  /* nobody's peer: APART or JOINING */
	bool gone;	  /* was removed: delete the row */
	bool connected;	  /* false: hang up where it is; not stored */
	uint64_t version; /* of the record that says whether it is apart; 0: none yet, which says that it is */
	uint64_t told;	  /* it cannot know a version above; UINT64_MAX: it is connected */
	uint64_t left_ms; /* of its lease */
};
struct rn_meaning_head { /* one row; stored with every change */
	uint32_t epoch;
	uint64_t fence;	  /* the version that last made a hub stand apart */
	uint64_t horizon; /* nothing below can be told any more: its records are deleted */
};
/* How far a hub says that it is, and from where it is told. Version 0: from nothing, so it must forget everything
 * first. */
struct rn_meaning_position {
	uint32_t epoch;
	uint64_t version;
};

struct rn_meanings;

/*
 * patience_ms: a member that has not been connected or has acknowledged nothing for so long no longer keeps a number
 * from being used (frames with it are dropped there, as a number that is not known), but always keeps one from being
 * used again. RN_MEANING_LEASE_MS: use waits for every lease. NULL: out of memory.
 */
struct rn_meanings *rn_meanings_new(uint32_t epoch, uint32_t numbers_max, int64_t patience_ms);
void rn_meanings_free(struct rn_meanings *m); /* NULL is legal */

/*
 * The number of the set, with one user more. 0; -EINVAL (no ascending set of 1..RN_SELECTORS_MAX selectors), -ENOSPC
 * with a sentence, -ENOMEM: then nothing has happened. A device keeps what it had until rn_meanings_usable says true;
 * both are held meanwhile. One whose old number ends is not lost: the same number comes back.
 */
int rn_meanings_hold(struct rn_meanings *m, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
		     struct rn_err *err);
void rn_meanings_release(struct rn_meanings *m, uint32_t number);
bool rn_meanings_usable(const struct rn_meanings *m, uint32_t number);
bool rn_meanings_get(const struct rn_meanings *m, uint32_t number, struct rn_meaning *ret); /* false: it is free */
uint32_t rn_meanings_count(const struct rn_meanings *m);				    /* not free */

/*
 * A hub has come (its earlier session counts as closed). `claim`: how far it is, which may be less than before; `seen`:
 * the newest that it has anywhere, which is more where kern outlived core; `newest`: the gateway's newest version. 0
 * and from where to tell it. -ENOSPC; -ESTALE: it has seen more than it can have been told, so it lies, or this gateway
 * was restored from a backup. Where it can show a record of that version with the gateway's own signature, begin an
 * epoch above the one it says (rn_meanings_begin_epoch); else refuse it.
 */
int rn_meanings_subscribe(struct rn_meanings *m, int64_t now, uint32_t hub, const struct rn_meaning_position *claim,
			  const struct rn_meaning_position *seen, uint64_t newest,
			  struct rn_meaning_position *ret_from);
/*
 * It enforces everything up to the version, and would again after a crash: APPLIED (rn_reading_acknowledged). Once
 * after every answer to SUBSCRIBE and whenever it rises. -EINVAL: not connected, or a version that does not exist: hang
 * up.
 */
int rn_meanings_acknowledge(struct rn_meanings *m, uint32_t hub, uint64_t version, uint64_t newest);
void rn_meanings_closed(struct rn_meanings *m, int64_t now, uint32_t hub, uint64_t newest);
/* Revoked, or past its end: apart for good. */
void rn_meanings_remove(struct rn_meanings *m, uint32_t hub);
bool rn_meanings_member(const struct rn_meanings *m, uint32_t hub);
/* The newest version that the hub can have been told; 0: none; UINT64_MAX: it is connected. */
uint64_t rn_meanings_told(const struct rn_meanings *m, uint32_t hub);
unsigned rn_meanings_hubs(const struct rn_meanings *m); /* that it knows of */

/* What follows from all this at `now`; *version: the newest of the gateway, before and after. Call it until nothing
 * changes. */
void rn_meanings_step(struct rn_meanings *m, int64_t now, uint64_t *version);
/* After a step at `now`: the next no later than; INT64_MAX: when something happens. */
int64_t rn_meanings_deadline(const struct rn_meanings *m, int64_t now);
/* What changed since it was asked for last; *ret_sign: the record as well as the row. Pointers are good until the next
 * call. */
bool rn_meanings_next_number(struct rn_meanings *m, struct rn_meaning *ret, bool *ret_sign);
bool rn_meanings_next_hub(struct rn_meanings *m, int64_t now, struct rn_meaning_hub *ret, bool *ret_sign);
struct rn_meaning_head rn_meanings_head(const struct rn_meanings *m);

/*
 * Everybody begins anew: all hubs are apart until they have subscribed in this epoch, every number is announced in it
 * again and may from then on mean anything, because who is still in an older epoch is nobody's peer in this one.
 * All hubs' sessions end with it: hang up. Sign every record anew, of this epoch.
 * -EINVAL where it is not above.
 */
int rn_meanings_begin_epoch(struct rn_meanings *m, uint32_t epoch);

/*
 * A start: new, then load every row, then adopt for each device the number in its record and hold its set where that is
 * another, then step. Until every member has subscribed once after the start (rn_meanings_settled) nothing is
 * announced, so that a gateway that was restored from a backup finds out before it contradicts itself. Where core knows
 * better it vouches for the store: it kept the newest version outside of it (in /run) with each commit since all was
 * settled, and the store is not older. 0 or -EBADMSG, -ENOMEM; a store that cannot be loaded: refuse to start.
 */
int rn_meanings_load_head(struct rn_meanings *m, const struct rn_meaning_head *head);
int rn_meanings_load_number(struct rn_meanings *m, const struct rn_meaning *in, int64_t now, uint64_t newest);
int rn_meanings_load_hub(struct rn_meanings *m, const struct rn_meaning_hub *in, int64_t now, uint64_t newest);
void rn_meanings_vouch(struct rn_meanings *m);
bool rn_meanings_settled(const struct rn_meanings *m);
int rn_meanings_adopt(struct rn_meanings *m, uint32_t number); /* one user more; -ENOENT: it means nothing to be used */

/*
 * Rows as bytes, little endian, one encoding each: number u32, state u8, count u8, version u64, selectors u32 each;
 * hub u32, apart u8, version u64, told u64, left_ms u64; epoch u32, fence u64, horizon u64. Put: the size. Get: 0 or
 * -EBADMSG, *ret untouched; selectors go to `selectors`, RN_SELECTORS_MAX of them.
 */
#define RN_MEANING_ROW_MAX (14 + 4 * RN_SELECTORS_MAX)
#define RN_MEANING_HUB_ROW 29
#define RN_MEANING_HEAD_ROW 20
size_t rn_meaning_put(const struct rn_meaning *in, uint8_t out[RN_MEANING_ROW_MAX]);
int rn_meaning_get(const uint8_t *data, size_t size, uint32_t *selectors, struct rn_meaning *ret);
size_t rn_meaning_hub_put(const struct rn_meaning_hub *in, uint8_t out[RN_MEANING_HUB_ROW]);
int rn_meaning_hub_get(const uint8_t *data, size_t size, struct rn_meaning_hub *ret);
size_t rn_meaning_head_put(const struct rn_meaning_head *in, uint8_t out[RN_MEANING_HEAD_ROW]);
int rn_meaning_head_get(const uint8_t *data, size_t size, struct rn_meaning_head *ret);

#endif
