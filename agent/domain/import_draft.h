/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IMPORT_DRAFT_H
#define RN_DOMAIN_IMPORT_DRAFT_H

#include <stdint.h>

#include "domain/import.h"
#include "domain/name.h"
#include "domain/record.h"

/*
 * What the importers write into (import_draft.c): rules whose criteria are words of the policy language, and notes. A
 * failure (memory, size) is kept in `failed`, so that it is asked for once, at the end.
 */
#define RN_IMPORT_WORD 80
#define RN_IMPORT_WORDS_MAX (1u << 20) /* of all rules: more would not fit into a policy's text */
#define RN_IMPORT_RULES_MAX 100000

struct rn_words {
	char (*text)[RN_IMPORT_WORD];
	uint32_t count, room;
};

struct rn_draft_side {
	struct rn_words any, none; /* none: without their "!" */
};

struct rn_draft_rule {
	char id[RN_NAME_MAX + 1];
	char comment[200];
	struct rn_draft_side source, destination;
	struct rn_words services;
};

struct rn_draft {
	const struct rn_import_document *document; /* whose nodes notes are about */
	struct rn_draft_rule *rules;
	uint32_t rule_count, rule_room;
	struct rn_words tags;	/* names */
	struct rn_json *groups; /* an object, of name to list */
	struct rn_json *tests;
	uint32_t words;
	int failed; /* 0, -ENOMEM, -EMSGSIZE */
	bool crowded; /* -EMSGSIZE: a rule has more services than it may */
	struct rn_import out;
	size_t note_room;
};

int rn_draft_open(struct rn_draft *draft); /* 0 or -ENOMEM */
/* The text into *ret, everything else freed. heading: the text's first line, a comment. As rn_import_tailscale returns.
 */
int rn_draft_close(struct rn_draft *draft, const char *heading, struct rn_import *ret, struct rn_err *err);

/* Adds a word unless it is in already. */
void rn_draft_word(struct rn_draft *draft, struct rn_words *words, const char *prefix, const char *word);
void rn_draft_words(struct rn_draft *draft, struct rn_words *words, const struct rn_words *more);
bool rn_words_has(const struct rn_words *words, const char *word);
void rn_words_done(struct rn_words *words);
void rn_draft_side_done(struct rn_draft_side *side);

/*
 * Adds a rule that allows, with copies of what it is given; nothing where an end matches nobody or there is no service.
 * Where it differs from the last one in nothing but whom its source may be, it becomes part of that.
 */
void rn_draft_rule(struct rn_draft *draft, const char *id, const char *comment, const struct rn_draft_side *source,
		   const struct rn_draft_side *destination, const struct rn_words *services);

/* Notes at a node; the same one at the same place is said once. */
void rn_draft_lost(struct rn_draft *draft, const struct rn_json *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rn_draft_note(struct rn_draft *draft, const struct rn_json *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Names of ours from any text, each from one text only: a-z, 0-9 and "-" stay (and "." where dots is set), "@" becomes
 * "_at_", every other byte "_" and two hexadecimal digits; what would begin otherwise begins with "x__".
 */
#define RN_IMPORT_NAME_MAX 400
struct rn_import_name {
	char text[RN_IMPORT_NAME_MAX + 1]; /* longer than a name of ours may be, see rn_import_name_good */
	size_t size;
	bool failed; /* it does not fit even here */
};
/* Is it a name of ours: not empty, and not too long? */
bool rn_import_name_good(const struct rn_import_name *name);
void rn_import_name_raw(struct rn_import_name *name, const char *text);
void rn_import_name_escaped(struct rn_import_name *name, const char *text, size_t size, bool dots);

#endif
