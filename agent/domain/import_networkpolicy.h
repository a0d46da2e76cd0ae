/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_IMPORT_NETWORKPOLICY_H
#define RN_DOMAIN_IMPORT_NETWORKPOLICY_H

#include "base/addr.h"
#include "domain/import_draft.h"

/* What the parts of the NetworkPolicy importer share. Texts are borrowed from the documents. */
#define RN_TERM_PAIRS 16 /* more would not fit a name */
#define RN_TERM_NONE 16

struct rn_pair {
	const char *key, *value; /* value NULL: any */
};

/*
 * One alternative of what a selector selects: everybody; pods that have all the labels, and none of the tags in `none`;
 * or, of an ipBlock, what is no pod and has an address in the prefix and in none of `none`. A tag stands for a whole
 * set of labels (rn_term_tag).
 */
struct rn_term {
	enum rn_term_type { RN_TERM_EVERYONE, RN_TERM_PODS, RN_TERM_BLOCK } type;
	const char *namespace;					   /* NULL: any */
	struct rn_pair spaces[RN_TERM_PAIRS], pods[RN_TERM_PAIRS]; /* labels of the namespace, of the pod; by key */
	unsigned space_count, pod_count;
	struct rn_prefix prefix;
	char none[RN_TERM_NONE][RN_IMPORT_WORD];
	unsigned none_count;
};

struct rn_terms {
	struct rn_term *list;
	unsigned count, room;
};

struct rn_peer_ports {
	struct rn_port_range {
		uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
		uint16_t first, last;
	} * list;
	unsigned count, room;
};

/* One element of a policy's "ingress" or "egress". */
struct rn_peer_rule {
	const struct rn_json *node;
	struct rn_terms peers;
	struct rn_peer_ports ports;
};

struct rn_net_policy {
	const struct rn_import_document *document;
	const struct rn_json *node;
	const char *name, *namespace;
	struct rn_terms selected; /* exactly, or fewer: for its rules */
	struct rn_terms isolated; /* exactly, or more: who is open no more */
	bool ingress, egress;	  /* isolates so */
	struct rn_peer_rule *in, *out;
	unsigned in_count, out_count;
};

struct rn_cluster {
	struct rn_draft draft;
	const char *namespace;
	struct rn_net_policy *policies;
	uint32_t count, room;
};

/* import_networkpolicy_term.c */
#define RN_TERMS_MAX 256 /* alternatives of one selector */
/* 1: *ret is what both are; 0: nothing is; -EMSGSIZE: it has too many parts. ret may be neither. */
int rn_term_and(const struct rn_term *a, const struct rn_term *b, struct rn_term *ret);
/* Is whatever a is also b, for certain? */
bool rn_term_implies(const struct rn_term *a, const struct rn_term *b);
/* Adds a required label (value NULL: any): 1, 0 (it contradicts), -EMSGSIZE. */
int rn_term_label(struct rn_term *term, bool of_namespace, const char *key, const char *value);
/*
 * The tag whose carriers are the pods with the term's namespace and labels: "tag:k8s.app.web". It is declared; where
 * its name would be too long it is a hash of that, and a note at `at` says what it stands for. False: too long even so.
 */
bool rn_term_tag(struct rn_draft *draft, const struct rn_json *at, const struct rn_term *term,
		 char ret[RN_IMPORT_WORD]);
/* The criteria of it. False: it has no name here. */
bool rn_term_side(struct rn_draft *draft, const struct rn_json *at, const struct rn_term *term,
		  struct rn_draft_side *ret);
void rn_terms_add(struct rn_draft *draft, struct rn_terms *terms, const struct rn_term *term);
void rn_terms_done(struct rn_terms *terms);

/*
 * import_networkpolicy_selector.c: the alternatives of a label selector within each of those in *terms, which it
 * replaces. False, after a note: it cannot be said, and *terms is unchanged.
 */
bool rn_selector_read(struct rn_draft *draft, const struct rn_json *selector, bool of_namespace,
		      struct rn_terms *terms);

/* import_networkpolicy_read.c: one policy. What of it cannot be read isolates and allows nothing. */
void rn_net_policy_read(struct rn_cluster *cluster, const struct rn_json *node, struct rn_net_policy *ret);
void rn_net_policy_done(struct rn_net_policy *policy);

/* import_networkpolicy_rules.c: what all of them together allow. */
void rn_cluster_rules(struct rn_cluster *cluster);

#endif
