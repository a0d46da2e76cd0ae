/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/store_run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int rn_sql_fail(struct rn_store *store, int code, struct rn_err *err)
{
	int primary = code & 0xff;
	if (primary == SQLITE_FULL)
		return rn_fail(err, -ENOSPC,
			       "the disk that holds rnaut's state is full: free some space and try again; "
			       "nothing was changed");
	if (primary == SQLITE_NOMEM)
		return rn_fail(err, -ENOMEM, "out of memory");
	return rn_fail(err, -EIO,
		       "the database core.db cannot be used (%s): see the disk's health, or restore a backup",
		       store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
}

/* Binds by letter: i int64, t text, b pointer and size, n pointer and size where NULL stays NULL. */
static int bind_all(sqlite3_stmt *st, const char *types, va_list args)
{
	int rc = SQLITE_OK;
	for (int at = 1; *types && rc == SQLITE_OK; types++, at++) {
		if (*types == 'i') {
			rc = sqlite3_bind_int64(st, at, va_arg(args, int64_t));
		} else if (*types == 't') {
			rc = sqlite3_bind_text(st, at, va_arg(args, const char *), -1, SQLITE_STATIC);
		} else {
			const void *data = va_arg(args, const void *);
			size_t size = va_arg(args, size_t);
			/* A NULL pointer would bind NULL where an empty blob is meant. */
			if (!data && *types == 'n')
				rc = sqlite3_bind_null(st, at);
			else
				rc = sqlite3_bind_blob64(st, at, data ? data : "", size, SQLITE_STATIC);
		}
	}
	return rc;
}

void rn_sql_end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

/* Binds and takes the first step: 1 a row (the statement stays open: end it), 0 done, or an error. */
static int start_list(struct rn_store *store, enum statement which, sqlite3_stmt **ret, struct rn_err *err,
		      const char *types, va_list args)
{
	sqlite3_stmt *st = store->statements[which];
	int rc = bind_all(st, types, args);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*ret = st;
		return 1;
	}
	int code = rc == SQLITE_DONE ? 0 : (rc & 0xff) == SQLITE_CONSTRAINT ? -EEXIST : rn_sql_fail(store, rc, err);
	rn_sql_end(st);
	return code;
}

int rn_sql_start(struct rn_store *store, enum statement which, sqlite3_stmt **ret, struct rn_err *err,
		 const char *types, ...)
{
	va_list args;
	va_start(args, types);
	int rc = start_list(store, which, ret, err, types, args);
	va_end(args);
	return rc;
}

/* Runs a statement that has no rows. */
int rn_sql_run(struct rn_store *store, enum statement which, struct rn_err *err, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	va_list args;
	va_start(args, types);
	int rc = start_list(store, which, &st, err, types, args);
	va_end(args);
	if (rc == 1)
		rn_sql_end(st);
	return rc < 0 ? rc : 0;
}

/* Runs a statement of one row at most, whose first column is a number. -ENOENT: no row. */
int rn_sql_number(struct rn_store *store, enum statement which, int64_t *ret, struct rn_err *err, const char *types,
		  ...)
{
	sqlite3_stmt *st = NULL;
	va_list args;
	va_start(args, types);
	int rc = start_list(store, which, &st, err, types, args);
	va_end(args);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	int64_t value = sqlite3_column_int64(st, 0);
	/* RETURNING has done its work only when it is stepped to its end. */
	int step = sqlite3_step(st);
	rc = step == SQLITE_DONE ? 0 : rn_sql_fail(store, step, err);
	rn_sql_end(st);
	if (!rc)
		*ret = value;
	return rc;
}

void rn_sql_text(sqlite3_stmt *st, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, column);
	size_t length = text ? strnlen(text, size - 1) : 0;
	memcpy(out, text ? text : "", length);
	out[length] = 0;
}

/* False where the blob is of another size; NULL gives zeros. */
bool rn_sql_key(sqlite3_stmt *st, int column, uint8_t out[RN_KEY_SIZE])
{
	memset(out, 0, RN_KEY_SIZE);
	const void *blob = sqlite3_column_blob(st, column);
	if (!blob)
		return true;
	if (sqlite3_column_bytes(st, column) != RN_KEY_SIZE)
		return false;
	memcpy(out, blob, RN_KEY_SIZE);
	return true;
}

int rn_sql_damaged(struct rn_err *err)
{
	return rn_fail(err, -EIO, "the database core.db is damaged: restore a backup of the state directory");
}

int rn_sql_next(struct rn_store *store, sqlite3_stmt *st, struct rn_err *err)
{
	int step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		return 1;
	int rc = step == SQLITE_DONE ? 0 : rn_sql_fail(store, step, err);
	rn_sql_end(st);
	return rc;
}
