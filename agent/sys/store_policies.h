/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_POLICIES_H
#define RN_SYS_STORE_POLICIES_H

#include "sys/store.h"

/*
 * The part of core.db that is the policies' texts: each that was ever in force, and drafts. Errors as in store.h. Texts
 * that are returned are the heap's, with a NUL after them, and the caller's to free.
 */
#define RN_STORE_AUTHOR 72   /* as the audit names who did it: "root", an account, "token NAME" */
#define RN_STORE_COMMENT 1001 /* bytes, with the NUL */

/* Kept are the newest so many versions, and of them as many as have so many bytes together; and always the newest. */
#define RN_STORE_POLICIES_MAX 1000
#define RN_STORE_POLICIES_BYTES (256ll << 20)

struct rn_store_policy {
	uint64_t version;
	uint64_t origin; /* the version whose text was set again with it; 0: none */
	int64_t stored;	 /* Unix seconds */
	char author[RN_STORE_AUTHOR], comment[RN_STORE_COMMENT]; /* author "": set before they were kept */
	size_t size;
};
/* policy->size bytes of text. Those too many go, within the same transaction. */
int rn_store_add_policy(struct rn_store *store, const struct rn_store_policy *policy, const char *text,
			struct rn_err *err);
/* One version, 0: the newest. -ENOENT: never was, or is kept no more. */
int rn_store_policy(struct rn_store *store, uint64_t version, struct rn_store_policy *ret, char **ret_text,
		    struct rn_err *err);
/* The newest of those before the version, at most max, newest first. */
int rn_store_policies(struct rn_store *store, uint64_t before, unsigned max,
		      void (*each)(void *context, const struct rn_store_policy *), void *context, struct rn_err *err);

#define RN_STORE_DRAFTS_MAX 100
#define RN_STORE_DRAFTS_BYTES (64ll << 20)

struct rn_store_draft {
	char name[RN_STORE_NAME];
	uint64_t base; /* the version that it was made from */
	int64_t stored;
	char author[RN_STORE_AUTHOR], comment[RN_STORE_COMMENT];
	size_t size;
};
/* Instead of the one of this name, if there is one. -EDQUOT, with a sentence: too many, or too large together. */
int rn_store_put_draft(struct rn_store *store, const struct rn_store_draft *draft, const char *text,
		       struct rn_err *err);
int rn_store_draft(struct rn_store *store, const char *name, struct rn_store_draft *ret, char **ret_text,
		   struct rn_err *err); /* -ENOENT */
int rn_store_drafts(struct rn_store *store, void (*each)(void *context, const struct rn_store_draft *), void *context,
		    struct rn_err *err); /* in alphabetical order */
int rn_store_remove_draft(struct rn_store *store, const char *name, struct rn_err *err); /* -ENOENT */

#endif
