/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_PREPARE_H
#define RN_SERVICE_CORE_PREPARE_H

#include <stdatomic.h>

#include "domain/policy_hours.h"
#include "service/core_parties.h"
#include "service/core_policies.h"
#include "service/core_review.h"
#include "sys/zone.h"

/*
 * What is done with a policy's text before anything is decided about it: a large one beside core's thread, one after
 * the other, a small one at once. The books are read in slices, on core's thread. It is always read and compiled; what
 * else is wanted:
 */
enum {
	RN_PREPARE_TESTS = 1, /* they pass */
	RN_PREPARE_FINDINGS = 2,
	RN_PREPARE_CHANGES = 4,
	RN_PREPARE_MET = 8, /* of a large one, which of its selectors some device has */
	RN_PREPARE_HOURS = 16,
};
#define RN_PREPARE_DIRECT_MAX (64u << 10) /* bytes: a smaller text waits for nobody */
#define RN_PREPARE_WAITING_MAX 4u	  /* beside the one that is at it; of one more, the caller is told to come again */
#define RN_PREPARE_PATIENCE_MS 25000	  /* then the answer could come too late */

struct rn_prepared {
	struct rn_policy_made made;
	unsigned wants;
	/* Told of findings, tests and changes, also on another thread. NULL: nobody is. */
	struct rn_core_review *review;
	/* Exactly once, on core's thread, also within rn_prepare; it frees *prepared, and whom it asks may be gone. */
	void (*done)(struct rn_core *core, struct rn_prepared *prepared);
	void *context;	/* the caller's */
	const void *whose; /* by which it is cancelled */
	/* Then: 0, -EINVAL and so on with a sentence: the text's; -EAGAIN, -ECANCELED: no fault of its. */
	int code;
	struct rn_err err;
	bool *met;			  /* by selector: some device has it; NULL: that was not asked */
	struct rn_policy_shared *before; /* in force when it began; the caller may hold it */
	struct rn_policy_hours *hours[2]; /* of the one before and of this one; the caller may take them */
	/* The rest is core_prepare.c's. */
	struct rn_prepared *next;
	struct rn_core *core;
	int64_t now, begun_ms;
	enum rn_prepare_stage { RN_PREPARE_TEXT, RN_PREPARE_DEVICES, RN_PREPARE_JUDGING } stage;
	bool direct, elsewhere, late;
	atomic_bool stop;
	struct rn_zone_cache *zones; /* its own */
	int rules_code;
	struct rn_err rules_err;
	const char **named; /* devices that its tests name, each once */
	uint32_t named_count, at;
	struct rn_parties parties;
};

/* Copies the text. NULL: out of memory. */
struct rn_prepared *rn_prepared_new(const char *text, size_t size, unsigned wants);
void rn_prepared_free(struct rn_prepared *prepared); /* NULL is legal */
/* Begins it, with done, context, review and whose as they are by then. */
void rn_prepare(struct rn_core *core, struct rn_prepared *prepared);
/* The one that waits or is at it for `whose` is done with -ECANCELED: now, or when the worker lets go of it. */
void rn_prepare_cancel(struct rn_core *core, const void *whose);
/* The next slice. last: all are done with whatever there is. */
void rn_prepare_tick(struct rn_core *core, bool last);

#endif
