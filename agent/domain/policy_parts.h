/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_PARTS_H
#define RN_DOMAIN_POLICY_PARTS_H

#include <stdbool.h>

#include "domain/record.h"

/*
 * A policy that does not fit one record lies in parts, and its own record names them in order. Where a part ends
 * depends on the rules around its end alone, and a part says rule numbers from its own first on: a rule more or less
 * changes a part or two and leaves the others as they were, so hosts are sent these two.
 */
struct rn_part_source {
	void *context;
	bool (*part)(void *context, uint32_t number, struct rn_part *ret); /* false: not here */
};

/*
 * Fills in what the record's parts hold. 0; -ENOENT: a part is not here; -EBADMSG: together they make no policy;
 * -ENOMEM. On failure the record is as decoded or emptied in part: rn_policy_record_done it.
 */
int rn_policy_join(struct rn_policy_record *p, const struct rn_part_source *from);
/* Lets go what was joined, which can be joined again; nothing where the record has no parts. */
void rn_policy_unjoin(struct rn_policy_record *p);
bool rn_policy_names_part(const struct rn_policy_record *p, uint32_t number);

/*
 * The opposite, of a record without parts: each part's body goes to part(), which gives it a number (the one it had,
 * where the same body is held already), and *ret becomes the record that names them. Rules in *ret belong to *whole;
 * free its `parts` alone. 0, -EMSGSIZE: more than RN_PARTS_MAX; -ENOMEM; what part() returned.
 */
int rn_policy_split(const struct rn_policy_record *whole,
		    int (*part)(void *context, const uint8_t *body, size_t size, uint32_t *ret_number), void *context,
		    struct rn_policy_record *ret);

/* Parts by number, as kern keeps them until a policy has come that names others. */
struct rn_parts;
struct rn_parts *rn_parts_new(void); /* NULL: out of memory */
void rn_parts_free(struct rn_parts *parts);
/* Copies; a number that is there stays as it is. 0, -ENOSPC, -ENOMEM. */
int rn_parts_put(struct rn_parts *parts, const struct rn_part *part, uint64_t version);
struct rn_part_source rn_parts_source(struct rn_parts *parts); /* views live until the next change */
/* Drops what is older than the policy of that version and named neither by it nor by the other; of NULL everything. */
void rn_parts_keep(struct rn_parts *parts, const struct rn_policy_record *policy, const struct rn_policy_record *other,
		   uint64_t version);

#endif
