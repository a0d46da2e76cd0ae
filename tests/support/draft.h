/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_DRAFT_H
#define RN_TESTS_DRAFT_H

#include <stddef.h>

#include "tests/support/rng.h"

/* A random policy as parts of a text, for texts of which each is an edit of the one before. */
#define DRAFT_RULES 40
#define DRAFT_NAMES 8 /* of groups and of tags */
#define DRAFT_RULE_ROOM 700
#define DRAFT_TEXT_ROOM (DRAFT_RULES * DRAFT_RULE_ROOM * 2)

struct draft {
	char rules[DRAFT_RULES][DRAFT_RULE_ROOM];
	unsigned rule_count, ids;
	unsigned groups[DRAFT_NAMES], group_count, tags[DRAFT_NAMES], tag_count; /* which, in what order */
	bool users_changed, rules_first, has_tests;
	unsigned layout; /* between rules */
};

void draft_make(struct rng *rng, struct draft *draft);
/* One edit: rules, their order, groups and who is in them, tags, layout. */
void draft_edit(struct rng *rng, struct draft *draft);
/* Returns its size. It is a good policy, but for an id that may stand twice and names that may be gone. */
size_t draft_text(const struct draft *draft, char to[static DRAFT_TEXT_ROOM]);
/* What nobody would write: returns the size. */
size_t draft_spoil(struct rng *rng, char *text, size_t size);

#endif
