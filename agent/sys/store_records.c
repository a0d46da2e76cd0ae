/* SPDX-License-Identifier: Apache-2.0 */
/* The signed records in core.db, and what identity numbers mean. */
#include "sys/store.h"
#include "sys/store_run.h"

int rn_store_put_record(struct rn_store *store, const struct rn_store_record *r, struct rn_err *err)
{
	return rn_sql_run(store, PUT_RECORD, err, "iiiib", (int64_t)r->type, (int64_t)r->device, (int64_t)r->epoch,
			  (int64_t)r->version, (const void *)r->blob, r->size);
}

int rn_store_remove_record(struct rn_store *store, unsigned type, uint32_t device, struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_RECORD, err, "ii", (int64_t)type, (int64_t)device);
}

int rn_store_records(struct rn_store *store, int (*each)(void *context, const struct rn_store_record *), void *context,
		     struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = rn_sql_start(store, RECORDS, &st, err, "");
	int step = SQLITE_ROW;
	int stop = 0;
	while (rc == 1 && step == SQLITE_ROW && !stop) {
		struct rn_store_record r = {
		    .type = (unsigned)sqlite3_column_int64(st, 0),
		    .device = (uint32_t)sqlite3_column_int64(st, 1),
		    .epoch = (uint32_t)sqlite3_column_int64(st, 2),
		    .version = (uint64_t)sqlite3_column_int64(st, 3),
		    .blob = sqlite3_column_blob(st, 4),
		    .size = (size_t)sqlite3_column_bytes(st, 4),
		};
		stop = each(context, &r);
		step = sqlite3_step(st);
	}
	if (rc != 1)
		return rc;
	if (!stop && step != SQLITE_DONE)
		stop = rn_sql_fail(store, step, err);
	rn_sql_end(st);
	return stop;
}

int rn_store_unsettled(struct rn_store *store, unsigned type, struct rn_store_version *out, unsigned max,
		       unsigned *ret_count, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	unsigned count = 0;
	int rc = rn_sql_start(store, UNSETTLED, &st, err, "ii", (int64_t)type, (int64_t)max + 1);
	int step = SQLITE_ROW;
	for (; rc == 1 && step == SQLITE_ROW; step = sqlite3_step(st), count++) {
		if (count < max)
			out[count] = (struct rn_store_version){(uint32_t)sqlite3_column_int64(st, 0),
							       (uint64_t)sqlite3_column_int64(st, 1)};
	}
	*ret_count = count;
	if (rc != 1)
		return rc;
	rc = step == SQLITE_DONE ? 0 : rn_sql_fail(store, step, err);
	rn_sql_end(st);
	return rc;
}

int rn_store_settle(struct rn_store *store, unsigned type, struct rn_err *err)
{
	return rn_sql_run(store, SETTLE, err, "i", (int64_t)type);
}

/* ---- identity numbers ---- */

int rn_store_put_meaning(struct rn_store *store, enum rn_store_meaning kind, uint32_t number, uint64_t version,
			 const uint8_t *row, size_t size, struct rn_err *err)
{
	return rn_sql_run(store, PUT_MEANING, err, "iiib", (int64_t)kind, (int64_t)number, (int64_t)version,
			  (const void *)row, size);
}

int rn_store_remove_meaning(struct rn_store *store, enum rn_store_meaning kind, uint32_t number, struct rn_err *err)
{
	return rn_sql_run(store, REMOVE_MEANING, err, "ii", (int64_t)kind, (int64_t)number);
}

int rn_store_meanings(struct rn_store *store, enum rn_store_meaning kind,
		      int (*each)(void *context, const uint8_t *row, size_t size), void *context, struct rn_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = rn_sql_start(store, MEANINGS, &st, err, "i", (int64_t)kind);
	for (; rc == 1; rc = rn_sql_next(store, st, err)) {
		int stop = each(context, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
		if (!stop)
			continue;
		rn_sql_end(st);
		return stop;
	}
	return rc;
}
