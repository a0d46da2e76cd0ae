/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IMPORT_TAILSCALE_H
#define RN_DOMAIN_IMPORT_TAILSCALE_H

#include "domain/import_draft.h"

/* What the parts of the Tailscale importer share. */
struct rn_tailnet {
	struct rn_draft draft;
	const struct rn_json *root, *groups, *hosts, *ipsets;
	const char *domain;		     /* whose users lose it; "": none */
	struct rn_words tagged;		     /* "tag:X" of every tag: who has none of them is a person's device */
	struct rn_words members;	     /* every user that the file names */
	const struct rn_json *tag_unsayable; /* a tag that has no name here; NULL: none */
	unsigned tests;
	bool members_used, addresses_said, users_said;
};

#define RN_TAILNET_SETS 8
/* A list of sources or destinations. A person's device is one without tags, so such criteria are a side of their own.
 */
struct rn_tailnet_ends {
	struct rn_draft_side plain, persons;
	struct rn_draft_side sets[RN_TAILNET_SETS]; /* IP sets that something was removed from */
	unsigned set_count;
	const struct rn_json *self; /* where autogroup:self stands; NULL: nowhere */
};

/* A member by its name in any case, as Tailscale finds it; NULL: absent. */
const struct rn_json *rn_tailnet_get(const struct rn_json *object, const char *name);
/* import_tailscale_names.c: groups, tags and members, before any rule. */
void rn_tailnet_names(struct rn_tailnet *t);
/* The words of users and tags, such as "user:alice"; false: it has none, and is lost (said where at is not NULL). */
bool rn_tailnet_user(struct rn_tailnet *t, const struct rn_json *at, const char *text, char ret[RN_IMPORT_WORD]);
bool rn_tailnet_tag(const char *text, char ret[RN_IMPORT_WORD]);
bool rn_tailnet_group(const struct rn_tailnet *t, const char *text, char ret[RN_IMPORT_WORD]);
/* "host:A" or "prefix:P" of an address, a prefix or an alias of one; false: it is none. */
bool rn_tailnet_address(struct rn_tailnet *t, const char *text, char ret[RN_IMPORT_WORD]);

/* import_tailscale_ends.c: adds what one element means; at is where it stands. */
void rn_tailnet_end(struct rn_tailnet *t, const struct rn_json *at, const char *text, bool destination,
		    struct rn_tailnet_ends *ends);
void rn_tailnet_ends_done(struct rn_tailnet_ends *ends);

/* import_tailscale_services.c: proto (NULL: none written) and ports ("22,80-90", "*") as services. */
void rn_tailnet_services(struct rn_tailnet *t, const struct rn_json *at, const char *proto, const char *ports,
			 struct rn_words *services);
/* import_tailscale_tests.c: after the rules. */
void rn_tailnet_tests(struct rn_tailnet *t);

#endif
