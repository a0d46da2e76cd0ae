/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IMPORT_H
#define RN_DOMAIN_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

/*
 * Policies of other systems as a policy of ours (docs/import.md). What comes out never allows what the original does
 * not: what cannot be said exactly becomes narrower or is left out, and a note says so.
 */
struct rn_import_document {
	const char *file; /* as notes name it; borrowed */
	const struct rn_json *root;
};

struct rn_import_note {
	const char *file; /* the document's */
	unsigned line, column;
	bool lost; /* something was left out or became narrower; else: something to know */
	char text[512];
};

#define RN_IMPORT_NOTES_MAX 10000

struct rn_import {
	char *text; /* the policy; heap */
	struct rn_import_note *notes;
	size_t note_count;
	size_t lost;   /* how many of all notes say that something was lost */
	size_t unsaid; /* notes beyond RN_IMPORT_NOTES_MAX */
};

/*
 * A Tailscale policy file, already read as JSON with comments. domain: users of that domain become their local part
 * alone, NULL: of none. 0; -EINVAL with "line L, column C: what" where it is no such file; -EMSGSIZE where what comes
 * out is larger than a policy may be; -ENOMEM. On error *ret is empty.
 */
int rn_import_tailscale(const struct rn_import_document *document, const char *domain, struct rn_import *ret,
			struct rn_err *err);
/*
 * Kubernetes documents (NetworkPolicy, lists of them; others are passed over). namespace: of policies that name none,
 * NULL: "default". Returns as above; the sentence begins with the file's name.
 */
int rn_import_networkpolicy(const struct rn_import_document *documents, size_t count, const char *namespace,
			    struct rn_import *ret, struct rn_err *err);
void rn_import_done(struct rn_import *import);

#endif
