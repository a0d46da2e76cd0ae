/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_basis.h"

#include <errno.h>
#include <stdlib.h>

#define SINCE "basis"

/* ---- signing everything once more ---- */

struct devices {
	struct rn_device_record *records;
	unsigned count, room;
};

static int keep(void *context, const struct rn_store_record *r)
{
	struct devices *d = context;
	if (r->type != RN_RECORD_DEVICE)
		return 0;
	if (d->count == d->room) {
		unsigned room = d->room ? d->room * 2 : 256;
		struct rn_device_record *more = realloc(d->records, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		d->records = more;
		d->room = room;
	}
	return rn_record_get_device(r->blob, r->size, &d->records[d->count++]);
}

/* From the store, because this change may have put newer records than the ledger has. */
static int sign_all(struct rn_change *change)
{
	struct devices all = {0};
	struct rn_store *store = change->books->store;
	int rc = rn_store_records(store, keep, &all, change->err);
	if (rc == -ENOMEM)
		rn_fail(change->err, rc, "out of memory");
	else if (rc == -EBADMSG)
		rn_fail(change->err, rc, "the database core.db holds a damaged record: restore a backup");
	for (unsigned i = 0; i < all.count && !rc; i++) {
		rc = rn_change_device(change, &all.records[i]);
		if (!rc && i == 0)
			rc = rn_store_set_number(store, SINCE, change->version, change->err);
	}
	free(all.records);
	return rc ? rc : rn_store_settle(store, RN_RECORD_DEVICE, change->err);
}

/* ---- the list ---- */

/* *ret_full: more than fit. */
static int list(struct rn_change *change, struct rn_policy_record *policy, bool *ret_full)
{
	struct rn_store_version *versions = calloc(RN_NEEDS_MAX, sizeof(*versions));
	struct rn_need *needs = calloc(RN_NEEDS_MAX, sizeof(*needs));
	struct rn_store *store = change->books->store;
	unsigned count = 0;
	free(policy->needs);
	policy->needs = needs;
	policy->need_count = 0;
	policy->since = 0;
	if (!versions || !needs) {
		free(versions);
		return rn_fail(change->err, -ENOMEM, "out of memory");
	}
	int rc = rn_store_number(store, SINCE, &policy->since, change->err);
	if (!rc || rc == -ENOENT)
		rc = rn_store_unsettled(store, RN_RECORD_DEVICE, versions, RN_NEEDS_MAX, &count, change->err);
	*ret_full = count > RN_NEEDS_MAX;
	for (unsigned i = 0; !rc && !*ret_full && i < count; i++)
		needs[policy->need_count++] = (struct rn_need){versions[i].device, versions[i].version};
	free(versions);
	return rc;
}

static int list_anew(struct rn_change *change, struct rn_policy_record *policy)
{
	bool full;
	int rc = sign_all(change);
	return rc ? rc : list(change, policy, &full);
}

int rn_basis_put(struct rn_change *change, struct rn_policy_record *policy)
{
	bool full = false;
	int rc = list(change, policy, &full);
	if (!rc && full)
		rc = list_anew(change, policy);
	return rc ? rc : rn_change_policy(change, policy);
}
