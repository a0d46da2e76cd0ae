/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_POLICIES_H
#define RN_SERVICE_CORE_POLICIES_H

#include "domain/policy_made.h"
#include "service/core_change.h"
#include "sys/store_policies.h"

/* The gateway's policy: text -> model -> signed record, and the newest of it in memory. */

/* One that more than one has, all on core's thread: the last to let go of it frees it. Nobody writes it. */
struct rn_policy_shared {
	struct rn_policy_made made; /* its rules, over numbers of its own, where it was put and not loaded */
	unsigned holders;
};
struct rn_policy_shared *rn_policy_hold(struct rn_policy_shared *shared);
void rn_policy_let_go(struct rn_policy_shared *shared); /* NULL is legal */

struct rn_policy_held {
	struct rn_store_policy about; /* its version, who set it, when and why */
	const char *text;	      /* both the shared one's */
	const struct rn_policy_model *model;
	struct rn_policy_shared *shared;
};

/*
 * Signs and stores what was made of it as part of the change: devices that must become finer get their records first.
 * Author, comment and origin are read from ret->about; the rest of *ret is filled (rn_policy_held_done) with what *made
 * has; take it only after the commit. Where it fails, all is *made's still. Its tests are the caller's.
 */
int rn_policy_put_made(struct rn_change *change, struct rn_policy_made *made, struct rn_policy_held *ret);
/*
 * Where that gives -EAGAIN, because devices must become finer first and their numbers are not usable yet: gives its
 * selectors numbers, by which devices become finer (rn_registry_pend_all). The policy itself is then put again.
 */
int rn_policy_name(struct rn_change *change, const struct rn_policy_made *made);
/*
 * Is there an identity number for each device under it? For a change that will be aborted. wanted: of its selectors
 * those that count, in their order; NULL: all.
 */
int rn_policy_try(struct rn_change *change, const struct rn_policy_made *made, const bool *wanted);
/* All of it from the text on: parses, runs its tests, compiles, puts. */
int rn_policy_put(struct rn_change *change, const char *text, size_t size, struct rn_policy_held *ret);
/* Signs it anew, with its windows reckoned out from now. */
int rn_policy_renew(struct rn_books *books, const struct rn_policy_model *model, int64_t now, struct rn_err *err);
int rn_policy_load(struct rn_books *books, struct rn_policy_held *ret, struct rn_err *err);
void rn_policy_held_done(struct rn_policy_held *held);

#endif
