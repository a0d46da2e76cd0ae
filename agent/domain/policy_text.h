/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_TEXT_H
#define RN_DOMAIN_POLICY_TEXT_H

#include "base/json.h"
#include "domain/policy.h"
#include "domain/policy_names.h"
#include "domain/policy_share.h"

/*
 * The parts that policy_parse.c reads a document with, a file each; nobody else includes it. All return 0, -EINVAL with
 * a sentence that says line and column, or -ENOMEM.
 */

struct rn_policy_reading {
	struct rn_policy_model *model;
	struct rn_named_list groups, tags;
	struct rn_err *err;
};

/* ---- policy_parse.c ---- */
/* The model of a text, read as one document: what all errors are told by. NULL on error. */
struct rn_policy_model *rn_policy_parse_whole(const char *text, size_t size, struct rn_err *err);
int rn_tags_read(struct rn_policy_reading *r, const struct rn_json *root);
/* *rule is zero but for its number and place; extent of its text, NULL: not kept. On failure it holds nothing. */
int rn_rule_read(struct rn_policy_reading *r, const struct rn_json *node, const char *text,
		 const struct rn_rule_extent *extent, struct rn_access_policy *rule);

/* ---- policy_values.c: what is read everywhere ---- */
/* An array of 1 to max elements; -ENOENT where it is absent; empty_hint says what to do about an empty one. */
int rn_list_read(const struct rn_json *object, const char *key, size_t max, const char *empty_hint,
		 const struct rn_json **ret, struct rn_err *err);
/* Zeroed memory for the children of node, per for each; never NULL for none. NULL: out of memory. */
void *rn_list_room(const struct rn_json *node, size_t size, struct rn_err *err);
/* A string that is a good name; what says what it names, "a tag". */
int rn_name_read(const struct rn_json *node, const char *what, char ret[RN_NAME_MAX + 1], struct rn_err *err);
int rn_string_read(const struct rn_json *node, const char *what, const char **ret, struct rn_err *err);
/* A list of different names. *ret and *ret_count are set even on failure: what was read. */
int rn_names_read(const struct rn_json *array, const char *what, char (**ret)[RN_NAME_MAX + 1], uint32_t *ret_count,
		  struct rn_err *err);
/* The list's strings are different ones. */
int rn_strings_differ(const struct rn_json *list, struct rn_err *err);
/* A moment; -ENOENT: absent. */
int rn_moment_read(const struct rn_json *object, const char *key, int64_t *ret, struct rn_err *err);
/* "desktop": a client's type, or with hub a hub's. */
int rn_kind_read(const struct rn_json *node, const char *text, bool hub, enum rn_kind *ret, struct rn_err *err);

/* ---- policy_groups.c: "groups" ---- */
int rn_groups_read(struct rn_policy_reading *r, const struct rn_json *root);
int rn_group_find(const struct rn_policy_reading *r, const struct rn_json *node, const char *name, uint32_t *ret);

/* ---- policy_criteria.c: "source_criteria", "destination_criteria" ---- */
int rn_criteria_read(struct rn_policy_reading *r, const struct rn_json *rule, bool destination,
		     struct rn_policy_end *ret);

/* ---- policy_services.c: "services" ---- */
/* *ret stays NULL where there are none. */
int rn_services_read(const struct rn_json *node, struct rn_service **ret, uint32_t *ret_count, struct rn_err *err);

/* ---- policy_conditions.c: "conditions" ---- */
int rn_conditions_read(const struct rn_json *rule, struct rn_access_policy *ret, struct rn_err *err);

/* ---- policy_tests.c: "tests" ---- */
int rn_tests_read(struct rn_policy_reading *r, const struct rn_json *root);
void rn_tests_free(struct rn_policy_model *model);

#endif
