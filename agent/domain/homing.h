/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_HOMING_H
#define RN_DOMAIN_HOMING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which of its hubs a device uses, in the order that it lists them. It leaves one that does not answer for the first
 * that does (where none answers, the trouble is its own), and goes back without haste. Times are milliseconds of one
 * monotonic clock.
 */
#define RN_HOMING_GRACE_MS 2000	   /* a session that was closed, not silent, may come back: the tunnels go on meanwhile */
#define RN_HOMING_WELL_MS 60000	   /* so long must a better hub have been well ... */
#define RN_HOMING_RETURN_MS 300000 /* ... and so long ago the last return */

struct rn_homing {
	unsigned at; /* place in the list */
	bool silent;
	bool trouble;	    /* since trouble_ms its hub does not answer, or has closed the session */
	int64_t trouble_ms; /* may be in the future: a start has its own grace */
	bool returned;
	int64_t returned_ms; /* the last return, where there was one */
};
struct rn_homing_hub {
	bool open;	  /* there is a session to it */
	int64_t heard_ms; /* the last answer to a ping on it, or its opening */
	int64_t well_ms;  /* it is open and has answered since */
};

/* Where it should be; at, where there is nothing better. */
unsigned rn_homing_choose(const struct rn_homing *h, const struct rn_homing_hub *hubs, unsigned count, int64_t now_ms);
/* It has gone there. */
void rn_homing_moved(struct rn_homing *h, unsigned to, int64_t now_ms);
/* Silent, or only in doubt or without a session; the first of a trouble is when it began. */
void rn_homing_trouble(struct rn_homing *h, bool silent, int64_t now_ms);
void rn_homing_answers(struct rn_homing *h);

#endif
