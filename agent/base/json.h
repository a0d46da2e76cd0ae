/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_JSON_H
#define RN_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The only file that includes cJSON. A document is parsed strictly (RFC 8259, one value, no trailing text, depth and
 * size bounded, duplicate keys refused); with RN_JSON_COMMENTS also // and slash-star comments and trailing commas.
 * Nodes belong to their document; rn_json_free(NULL) is legal, and wipes the texts: they may be secrets.
 */
struct rn_json; /* a node; the root owns the tree */

enum { RN_JSON_COMMENTS = 1, RN_JSON_LARGE = 2 }; /* LARGE: up to RN_JSON_LARGE_MAX bytes, and more values */
#define RN_JSON_DEPTH_MAX 32
#define RN_JSON_SIZE_MAX (4u << 20)
#define RN_JSON_LARGE_MAX (34u << 20)

/* NULL on error; err then says "line L, column C: what". Text need not end with NUL. */
struct rn_json *rn_json_parse(const char *text, size_t size, unsigned flags, struct rn_err *err);
void rn_json_free(struct rn_json *root);

/* Line and column (from 1) of a node of a parsed document; of a member: of its key. */
void rn_json_where(const struct rn_json *node, unsigned *ret_line, unsigned *ret_column);
/* Fails with "line L, column C: sentence". */
int rn_json_fail(const struct rn_json *node, struct rn_err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

enum rn_json_type { RN_JSON_NULL, RN_JSON_BOOL, RN_JSON_NUMBER, RN_JSON_STRING, RN_JSON_ARRAY, RN_JSON_OBJECT };
enum rn_json_type rn_json_type(const struct rn_json *node);
const char *rn_json_key(const struct rn_json *node); /* of an object's member, NULL elsewhere */
const struct rn_json *rn_json_get(const struct rn_json *object, const char *key); /* NULL: absent */
const struct rn_json *rn_json_first(const struct rn_json *array_or_object);
const struct rn_json *rn_json_next(const struct rn_json *node);
size_t rn_json_count(const struct rn_json *array_or_object);
const char *rn_json_text(const struct rn_json *string);
bool rn_json_true(const struct rn_json *boolean);

/* Typed members: 0, -ENOENT where absent (out untouched, err untouched), -EINVAL with a sentence otherwise. */
int rn_json_get_text(const struct rn_json *object, const char *key, const char **ret, struct rn_err *err);
int rn_json_get_int(const struct rn_json *object, const char *key, int64_t min, int64_t max, int64_t *ret,
		    struct rn_err *err);
int rn_json_get_bool(const struct rn_json *object, const char *key, bool *ret, struct rn_err *err);
/* Refuses the first member whose key is not among the NULL-ended names, naming it and the nearest known name. */
int rn_json_only(const struct rn_json *object, const char *const *names, struct rn_err *err);

/* Builders; parents own what is added. A failed allocation ends in rn_json_print returning NULL. */
struct rn_json *rn_json_object(void);
struct rn_json *rn_json_array(void);
void rn_json_add(struct rn_json *object, const char *key, struct rn_json *value_taken);
void rn_json_append(struct rn_json *array, struct rn_json *value_taken);
void rn_json_add_text(struct rn_json *object, const char *key, const char *value); /* NULL adds null */
void rn_json_add_int(struct rn_json *object, const char *key, int64_t value);	   /* exact beyond 2^53 */
void rn_json_add_u64(struct rn_json *object, const char *key, uint64_t value);	   /* exact */
void rn_json_add_bool(struct rn_json *object, const char *key, bool value);
void rn_json_append_text(struct rn_json *array, const char *value);
/*
 * A node at a place, for readers of other texts than JSON: text is the string, the number as JSON writes it, "true" or
 * "false"; else NULL. NULL: out of memory. It becomes part of a tree by rn_json_add and rn_json_append.
 */
struct rn_json *rn_json_new(enum rn_json_type type, const char *text, unsigned line, unsigned column);
/* What rn_json_parse refuses in such a tree: a key that stands twice in one object. 0, -EINVAL, -ENOMEM. */
int rn_json_check(const struct rn_json *root, struct rn_err *err);
/* Heap text that the caller frees with free(); one line without spaces, or indented. NULL: out of memory. */
char *rn_json_print(const struct rn_json *root, bool indented);

#endif
