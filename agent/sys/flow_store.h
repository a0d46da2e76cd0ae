/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_FLOW_STORE_H
#define RN_SYS_FLOW_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A ring file of rows of one size, each with a serial that rises by one and a check sum: the newest so many are kept,
 * and a row's place follows from its serial. It is evidence and not state: nothing is synced, what the kernel had not
 * written when the power went is missing, and a row that is damaged is left out. Only core of this host reads it.
 */
#define RN_FLOW_ROWS_MAX 2000000u /* of 128 bytes: 244 MiB */
#define RN_FLOW_RULE_SIZE 64
#define RN_FLOW_STORE_ASIDE ".damaged"
#define RN_FLOW_STORE_NEW ".new"	  /* while one of another size is made */
#define RN_FLOW_STORE_RESERVE (64u << 20) /* bytes that stay free on its disk, for what is more than evidence */

enum rn_flow_kind {
	RN_FLOW_BEGAN = 1,  /* flows of one kind that began within a minute, or were denied */
	RN_FLOW_LOST = 2,   /* so many events were told of and are not among the rows */
	RN_FLOW_SILENT = 3, /* nothing was recorded: the gateway did not run */
	/*
	 * An observed rule would have decided these, had it not been observed: rule and rule_id are that rule's. A row
	 * beside the one of kind BEGAN, so that a row of a flow that no such rule matches, as most are, is no longer.
	 */
	RN_FLOW_OBSERVED = 4,
};
#define RN_FLOW_AT_SOURCE 1u  /* flag: told by the source itself or by its hub, so not a second time by another door */
#define RN_FLOW_WOULD_DENY 2u /* flag, of kind OBSERVED: that rule denies; else it allows */

struct rn_flow_row {
	uint32_t serial; /* the low half; the store sets it and check */
	uint32_t check;
	uint32_t heard;					/* Unix seconds, by the gateway's clock: of the first */
	int32_t before_ms;				/* the first began so long before, by its hub's clock */
	uint64_t policy;				/* the version that the hub had in force; 0: not known */
	uint32_t source, destination;			/* device numbers */
	uint32_t source_identity, destination_identity; /* as they were judged, 0: not known */
	uint32_t hub;					/* device number of who told */
	uint32_t rule;					/* 0: none */
	uint32_t flows;					/* LOST: events */
	uint32_t packets; /* that were dropped, 0 where it was allowed; SILENT: Unix seconds, since when */
	uint16_t port;	  /* of the destination; 0 for ICMP */
	uint8_t protocol, reason, trust, kind, flags, reserved;
	char rule_id[RN_FLOW_RULE_SIZE]; /* "": none, or not known */
};
_Static_assert(sizeof(struct rn_flow_row) == 128, "it is on the disk as it is");

struct rn_flow_store;
/*
 * Opens the file, mode 0600, or makes it. One of another size is made anew with the newest rows; one that is damaged is
 * renamed to PATH and RN_FLOW_STORE_ASIDE, and *ret_aside says so. rows is at least 1. -errno with a sentence.
 */
int rn_flow_store_open(const char *path, uint32_t rows, struct rn_flow_store **ret, bool *ret_aside,
		       struct rn_err *err);
void rn_flow_store_close(struct rn_flow_store *store); /* NULL is legal */

uint64_t rn_flow_store_oldest(const struct rn_flow_store *store); /* serials; oldest > newest: there are none */
uint64_t rn_flow_store_newest(const struct rn_flow_store *store);
uint32_t rn_flow_store_room(const struct rn_flow_store *store);	 /* rows that are kept */
uint32_t rn_flow_store_alive(const struct rn_flow_store *store); /* Unix seconds: the last put; 0: none */

/*
 * Writes rows of consecutive serials, the first at most newest + 1; those that are there are replaced. now is Unix
 * seconds; count may be 0: a sign of life. 0 or -errno, after which the rows from newest + 1 on are not there;
 * -ENOSPC also where the file would grow into RN_FLOW_STORE_RESERVE; -EOVERFLOW past serial INT64_MAX.
 */
int rn_flow_store_put(struct rn_flow_store *store, uint64_t serial, struct rn_flow_row *rows, unsigned count,
		      uint32_t now);
/*
 * Reads rows from a serial on, at most max; returns how many, 0 at the end or where nothing can be read. Of a row that
 * is damaged the kind is 0.
 */
unsigned rn_flow_store_read(const struct rn_flow_store *store, uint64_t serial, struct rn_flow_row *out, unsigned max);
/* Overwrites the oldest rows that were heard before a time, at most max; returns how many. */
unsigned rn_flow_store_expire(struct rn_flow_store *store, uint32_t before, unsigned max);

#endif
