/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/store_policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/store_run.h"

/* The columns that both tables have, in the same places. */
enum { STORED = 2, AUTHOR, COMMENT, SIZE, TEXT };

/* Copies the text of the row and ends the statement. */
static int take_text(sqlite3_stmt *st, size_t *ret_size, char **ret_text, struct rn_err *err)
{
	const void *blob = sqlite3_column_blob(st, TEXT);
	size_t size = (size_t)sqlite3_column_bytes(st, TEXT);
	char *text = malloc(size + 1);
	if (text) {
		memcpy(text, blob ? blob : "", size);
		text[size] = 0;
		*ret_text = text;
		*ret_size = size;
	}
	rn_sql_end(st);
	return text ? 0 : rn_fail(err, -ENOMEM, "out of memory");
}

/* ---- versions ---- */

static void read_policy(sqlite3_stmt *st, struct rn_store_policy *ret)
{
	*ret = (struct rn_store_policy){
	    .version = (uint64_t)sqlite3_column_int64(st, 0),
	    .origin = (uint64_t)sqlite3_column_int64(st, 1),
	    .stored = sqlite3_column_int64(st, STORED),
	    .size = (size_t)sqlite3_column_int64(st, SIZE),
	};
	rn_sql_text(st, AUTHOR, ret->author, sizeof(ret->author));
	rn_sql_text(st, COMMENT, ret->comment, sizeof(ret->comment));
}

int rn_store_add_policy(struct rn_store *store, const struct rn_store_policy *p, const char *text, struct rn_err *err)
{
	int rc = rn_sql_run(store, ADD_POLICY, err, "iiittib", (int64_t)p->version, (int64_t)p->origin, p->stored,
			    p->author, p->comment, (int64_t)p->size, (const void *)text, p->size);
	return rc ? rc
		  : rn_sql_run(store, TRIM_POLICIES, err, "ii", (int64_t)RN_STORE_POLICIES_MAX,
			       (int64_t)RN_STORE_POLICIES_BYTES);
}

int rn_store_policy(struct rn_store *store, uint64_t version, struct rn_store_policy *ret, char **ret_text,
		    struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;
	if (version > INT64_MAX)
		return -ENOENT;
	rc = version ? rn_sql_start(store, POLICY_OF, &st, err, "i", (int64_t)version)
		     : rn_sql_start(store, POLICY, &st, err, "");
	if (rc != 1)
		return rc ? rc : -ENOENT;
	read_policy(st, ret);
	return take_text(st, &ret->size, ret_text, err);
}

int rn_store_policies(struct rn_store *store, uint64_t before, unsigned max,
		      void (*each)(void *context, const struct rn_store_policy *), void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	struct rn_store_policy policy;
	int64_t end = before > INT64_MAX ? INT64_MAX : (int64_t)before;
	int rc = rn_sql_start(store, LIST_POLICIES, &st, err, "ii", end, (int64_t)max);
	for (; rc == 1; rc = rn_sql_next(store, st, err)) {
		read_policy(st, &policy);
		each(context, &policy);
	}
	return rc;
}

/* ---- drafts ---- */

static void read_draft(sqlite3_stmt *st, struct rn_store_draft *ret)
{
	*ret = (struct rn_store_draft){
	    .base = (uint64_t)sqlite3_column_int64(st, 1),
	    .stored = sqlite3_column_int64(st, STORED),
	    .size = (size_t)sqlite3_column_int64(st, SIZE),
	};
	rn_sql_text(st, 0, ret->name, sizeof(ret->name));
	rn_sql_text(st, AUTHOR, ret->author, sizeof(ret->author));
	rn_sql_text(st, COMMENT, ret->comment, sizeof(ret->comment));
}

static int check_room(struct rn_store *store, const struct rn_store_draft *draft, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int64_t count, bytes;
	int rc = rn_sql_start(store, OTHER_DRAFTS, &st, err, "t", draft->name);
	if (rc != 1)
		return rc;
	count = sqlite3_column_int64(st, 0);
	bytes = sqlite3_column_int64(st, 1);
	rn_sql_end(st);
	if (count >= RN_STORE_DRAFTS_MAX)
		return rn_fail(err, -EDQUOT, "there are %d drafts already: delete one that nobody needs",
			       RN_STORE_DRAFTS_MAX);
	if (bytes > RN_STORE_DRAFTS_BYTES - (int64_t)draft->size)
		return rn_fail(err, -EDQUOT, "the drafts would have more than %lld MiB together: delete one",
			       RN_STORE_DRAFTS_BYTES >> 20);
	return 0;
}

int rn_store_put_draft(struct rn_store *store, const struct rn_store_draft *d, const char *text, struct rn_err *err)
{
	int rc = check_room(store, d, err);
	return rc ? rc
		  : rn_sql_run(store, PUT_DRAFT, err, "tiittib", d->name, (int64_t)d->base, d->stored, d->author,
			       d->comment, (int64_t)d->size, (const void *)text, d->size);
}

int rn_store_draft(struct rn_store *store, const char *name, struct rn_store_draft *ret, char **ret_text,
		   struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = rn_sql_start(store, DRAFT, &st, err, "t", name);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	read_draft(st, ret);
	return take_text(st, &ret->size, ret_text, err);
}

int rn_store_drafts(struct rn_store *store, void (*each)(void *context, const struct rn_store_draft *), void *context,
		    struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	struct rn_store_draft draft;
	int rc = rn_sql_start(store, LIST_DRAFTS, &st, err, "");
	for (; rc == 1; rc = rn_sql_next(store, st, err)) {
		read_draft(st, &draft);
		each(context, &draft);
	}
	return rc;
}

int rn_store_remove_draft(struct rn_store *store, const char *name, struct rn_err *err)
{
	int64_t ignored;
	return rn_sql_number(store, REMOVE_DRAFT, &ignored, err, "t", name);
}
