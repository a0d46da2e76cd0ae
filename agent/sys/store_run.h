/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_STORE_RUN_H
#define RN_SYS_STORE_RUN_H

#include <sqlite3.h>
#include <stdbool.h>

#include "sys/store.h"
#include "sys/store_sql.h"

/* The only file that includes SQLite: how the files of the store run its statements. */
struct rn_store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* The error that a code of SQLite's is, with a sentence. */
int rn_sql_fail(struct rn_store *store, int code, struct rn_err *err);
int rn_sql_damaged(struct rn_err *err); /* -EIO */

/*
 * Parameters by letter: i int64, t text, b pointer and size, n pointer and size where NULL stays NULL. Start takes the
 * first step: 1 a row (the statement stays open: end it, or call next until it gives something else), 0 done, -EEXIST
 * where a constraint says no, or another error.
 */
int rn_sql_start(struct rn_store *store, enum statement which, sqlite3_stmt **ret, struct rn_err *err,
		 const char *types, ...);
int rn_sql_next(struct rn_store *store, sqlite3_stmt *st, struct rn_err *err); /* 1 a row; otherwise it has ended */
void rn_sql_end(sqlite3_stmt *st);
int rn_sql_run(struct rn_store *store, enum statement which, struct rn_err *err, const char *types, ...); /* no rows */
/* One row at most, whose first column is a number. -ENOENT: no row. */
int rn_sql_number(struct rn_store *store, enum statement which, int64_t *ret, struct rn_err *err, const char *types,
		  ...);

void rn_sql_text(sqlite3_stmt *st, int column, char *out, size_t size); /* cut where it does not fit */
/* False where the blob is of another size; NULL gives zeros. */
bool rn_sql_key(sqlite3_stmt *st, int column, uint8_t out[RN_KEY_SIZE]);

#endif
