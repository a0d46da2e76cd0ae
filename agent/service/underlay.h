/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_UNDERLAY_H
#define RN_SERVICE_UNDERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/conf.h"

/*
 * The steering programs on every interface but our own two, as interfaces come and go. Where they cannot be, control has
 * its second port, and `why` says so.
 */
struct rn_underlay;

/*
 * Loads the programs; where the kernel does not take them, *ret is made all the same and its status says why. -errno
 * only where nothing can be watched.
 */
int rn_underlay_new(const struct rn_conf *conf, const char *dir, struct rn_underlay **ret, struct rn_err *err);
void rn_underlay_free(struct rn_underlay *u); /* NULL is legal; what is attached stays */

/* Takes datagrams from now on, or (why: a sentence's end) no longer. */
void rn_underlay_start(struct rn_underlay *u);
void rn_underlay_stop(struct rn_underlay *u, const char *why);

/* Looks at all interfaces and puts right what can be. Call every few seconds and when the monitor is readable. */
void rn_underlay_check(struct rn_underlay *u);
int rn_underlay_monitor(const struct rn_underlay *u); /* descriptor for poll */
void rn_underlay_drain(struct rn_underlay *u);

struct rn_underlay_status {
	bool on;	/* datagrams are taken where the programs are */
	bool complete;	/* and they are on every interface that is up */
	uint64_t given; /* datagrams, since the maps were made */
	char why[160];	/* not complete: why */
};
void rn_underlay_status(const struct rn_underlay *u, struct rn_underlay_status *ret);

/* Takes the programs, and the qdiscs that we made and nobody uses, off all interfaces. 0 or -errno. */
int rn_underlay_remove(const char *dir);

#endif
