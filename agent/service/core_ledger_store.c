/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in the store: read at a start, written as records come. */
#include <errno.h>
#include <stdio.h>

#include "service/core_ledger_state.h"

static int load_one(void *context, const struct rn_store_record *r)
{
	struct rn_ledger_entry *entry;
	int rc = rn_ledger_take(context, r->blob, r->size, &entry);
	if (!rc)
		entry->dirty = false;
	return rc;
}

int rn_ledger_load(struct rn_ledger *ledger, struct rn_store *store, struct rn_err *err)
{
	int rc = rn_store_records(store, load_one, ledger, err);
	if (rc == -EBADMSG || rc == -ESTALE || rc == -ENOENT)
		return rn_fail(err, -EIO,
			       "the database core.db holds a damaged record: restore a backup of the state "
			       "directory");
	return rc;
}

static int remove_swept(const struct rn_ledger *ledger, struct rn_store *store, struct rn_err *err)
{
	int rc = 0;
	for (unsigned i = 0; !rc && i < ledger->swept_count; i++)
		rc = rn_store_remove_record(store, RN_RECORD_PART, ledger->swept[i], err);
	return rc;
}

int rn_ledger_sweep(struct rn_ledger *ledger, struct rn_store *store, struct rn_err *err)
{
	int rc = ledger->swept_count ? rn_store_begin(store, err) : 0;
	if (rc || !ledger->swept_count)
		return rc;
	rc = remove_swept(ledger, store, err);
	if (!rc)
		rc = rn_store_commit(store, err);
	else
		rn_store_rollback(store);
	if (!rc)
		ledger->swept_count = 0;
	return rc;
}

static int store_dirty(struct rn_ledger *ledger, struct rn_store *store, const struct rn_position *synced,
		       struct rn_err *err)
{
	int rc = rn_store_begin(store, err);
	for (struct rn_ledger_entry *e = ledger->newest; e && !rc; e = e->older) {
		struct rn_store_record r = {.type = e->type,
					    .device = e->device,
					    .epoch = e->epoch,
					    .version = e->version,
					    .blob = e->blob,
					    .size = e->size};
		if (e->dirty)
			rc = rn_store_put_record(store, &r, err);
	}
	if (!rc)
		rc = remove_swept(ledger, store, err);
	if (!rc && synced)
		rc = rn_ledger_set_position(store, "synced", synced, err);
	if (!rc)
		return rn_store_commit(store, err);
	rn_store_rollback(store);
	return rc;
}

int rn_ledger_flush(struct rn_ledger *ledger, struct rn_store *store, const struct rn_position *synced,
		    struct rn_err *err)
{
	int rc = store_dirty(ledger, store, synced, err);
	for (struct rn_ledger_entry *e = ledger->newest; e && !rc; e = e->older)
		e->dirty = false;
	if (!rc)
		ledger->swept_count = 0;
	return rc;
}

static void name_epoch(const char *name, char ret[32])
{
	snprintf(ret, 32, "%s_epoch", name);
}

int rn_ledger_set_position(struct rn_store *store, const char *name, const struct rn_position *position,
			   struct rn_err *err)
{
	char epoch[32];
	name_epoch(name, epoch);
	int rc = rn_store_set_number(store, name, position->version, err);
	return rc ? rc : rn_store_set_number(store, epoch, position->epoch, err);
}

int rn_ledger_position(struct rn_store *store, const char *name, struct rn_position *ret, struct rn_err *err)
{
	uint64_t version = 0, epoch = 0;
	char epoch_name[32];
	name_epoch(name, epoch_name);
	int rc = rn_store_number(store, name, &version, err);
	if (!rc)
		rc = rn_store_number(store, epoch_name, &epoch, err);
	if (rc && rc != -ENOENT)
		return rc;
	*ret = (struct rn_position){(uint32_t)epoch, version};
	return 0;
}
