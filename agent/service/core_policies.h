/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_POLICIES_H
#define RN_SERVICE_CORE_POLICIES_H

#include "domain/policy.h"
#include "service/core_change.h"
#include "sys/store_policies.h"

/* The gateway's policy: text -> model -> signed record, and the newest of it in memory. */
struct rn_policy_held {
	char *text;
	struct rn_store_policy about; /* its version, who set it, when and why */
	struct rn_policy_model *model;
};

/*
 * Parses, compiles, checks that it fits the datapath, signs and stores it as part of the change: devices that must
 * become finer get their records first. Author, comment and origin are read from ret->about; the rest of *ret is filled
 * (rn_policy_held_done); take it only after the commit.
 */
int rn_policy_put(struct rn_change *change, const char *text, size_t size, struct rn_policy_held *ret);
/*
 * Where that gives -EAGAIN, because devices must become finer first and their numbers are not usable yet: gives its
 * selectors numbers, by which devices become finer (rn_registry_pend_all). The policy itself is then put again.
 */
int rn_policy_name(struct rn_change *change, const char *text, size_t size);
/* Signs it anew, with its windows reckoned out from now. */
int rn_policy_renew(struct rn_books *books, const struct rn_policy_model *model, int64_t now, struct rn_err *err);
int rn_policy_load(struct rn_books *books, struct rn_policy_held *ret, struct rn_err *err);
void rn_policy_held_done(struct rn_policy_held *held);

#endif
