/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_parts.h"
#include "service/core_numbering.h"

struct rn_signed {
	uint8_t *blob;
	size_t size;
};

static void release(struct rn_change *change)
{
	for (unsigned i = 0; i < change->count; i++)
		free(change->records[i].blob);
	free(change->records);
	free(change->moves);
	free(change->forgotten);
	rn_prefixes_done(&change->prefixes);
	change->records = NULL;
	change->moves = NULL;
	change->forgotten = NULL;
	change->count = change->room = change->move_count = change->move_room = 0;
	change->forgotten_count = change->forgotten_room = 0;
}

int rn_change_begin(struct rn_change *change, struct rn_books *books, int64_t now, struct rn_err *err)
{
	*change = (struct rn_change){.books = books, .now = now, .err = err};
	return rn_store_begin(books->store, err);
}

void rn_change_abort(struct rn_change *change)
{
	rn_store_rollback(change->books->store);
	rn_numbering_aborted(change);
	release(change);
}

static int keep(struct rn_change *change, const uint8_t *blob, size_t size)
{
	if (change->count == change->room) {
		unsigned room = change->room ? change->room * 2 : 8;
		struct rn_signed *records = realloc(change->records, room * sizeof(*records));
		if (!records)
			return -ENOMEM;
		change->records = records;
		change->room = room;
	}
	uint8_t *copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, blob, size);
	change->records[change->count].blob = copy;
	change->records[change->count++].size = size;
	return 0;
}

/* version 0: the next */
static int make_head(struct rn_change *change, uint64_t version, struct rn_record_head *head)
{
	*head =
	    (struct rn_record_head){.epoch = change->books->epoch, .issued = (uint64_t)change->now, .version = version};
	return version ? 0 : rn_store_next(change->books->store, "version", &head->version, change->err);
}

/* What an encoder returned, and where it wrote: into the store and the list of this change. */
static int put(struct rn_change *change, const struct rn_record_head *head, enum rn_record_type type, uint32_t device,
	       const uint8_t *blob, int size)
{
	if (size < 0)
		return rn_fail(change->err, size, "the record of the change could not be signed: %s", strerror(-size));
	struct rn_store_record r = {.type = type,
				    .device = device,
				    .epoch = head->epoch,
				    .version = head->version,
				    .blob = blob,
				    .size = (size_t)size};
	int rc = rn_store_put_record(change->books->store, &r, change->err);
	if (!rc && keep(change, blob, (size_t)size))
		rc = rn_fail(change->err, -ENOMEM, "out of memory");
	if (!rc)
		change->version = head->version;
	return rc;
}

/* Of this epoch, and before this change; 0: none. */
static uint64_t policy_in_force(const struct rn_change *change)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(change->books->ledger);
	return policy && policy->epoch == change->books->epoch ? policy->version : 0;
}

int rn_change_device(struct rn_change *change, const struct rn_device_record *device)
{
	return rn_change_device_at(change, device, 0);
}

int rn_change_device_at(struct rn_change *change, const struct rn_device_record *device, uint64_t version)
{
	uint8_t blob[2048];
	struct rn_record_head head;
	struct rn_device_record signed_device = *device;
	int rc = make_head(change, version, &head);
	if (rc)
		return rc;
	signed_device.policy = policy_in_force(change);
	int size = rn_record_put_device(&head, &signed_device, change->books->policy_seed, blob, sizeof(blob));
	return put(change, &head, RN_RECORD_DEVICE, device->number, blob, size);
}

int rn_change_identity_at(struct rn_change *change, const struct rn_identity_record *identity, uint64_t version)
{
	uint8_t blob[512];
	struct rn_record_head head;
	int rc = make_head(change, version, &head);
	if (rc)
		return rc;
	int size = rn_record_put_identity(&head, identity, change->books->policy_seed, blob, sizeof(blob));
	return put(change, &head, RN_RECORD_IDENTITY, identity->number, blob, size);
}

int rn_change_forget(struct rn_change *change, uint32_t number)
{
	if (change->forgotten_count == change->forgotten_room) {
		unsigned room = change->forgotten_room ? change->forgotten_room * 2 : 8;
		uint32_t *more = realloc(change->forgotten, room * sizeof(*more));
		if (!more)
			return rn_fail(change->err, -ENOMEM, "out of memory");
		change->forgotten = more;
		change->forgotten_room = room;
	}
	change->forgotten[change->forgotten_count++] = number;
	return 0;
}

int rn_change_network(struct rn_change *change, const struct rn_network *network)
{
	uint8_t blob[512];
	struct rn_record_head head;
	int rc = make_head(change, 0, &head);
	if (rc)
		return rc;
	int size = rn_record_put_network(&head, network, change->books->policy_seed, blob, sizeof(blob));
	return put(change, &head, RN_RECORD_NETWORK, 0, blob, size);
}

/* ---- policies ---- */

static const struct rn_ledger_entry *same_part(const struct rn_ledger *ledger, const uint8_t *body, size_t size)
{
	const struct rn_ledger_entry *entry;
	struct rn_part part;
	for (unsigned i = 0; (entry = rn_ledger_part_at(ledger, i)); i++)
		if (!rn_record_get_part(entry->blob, entry->size, &part) && part.size == size &&
		    !memcmp(part.body, body, size))
			return entry;
	return NULL;
}

/* What hosts hold already keeps its number; a part of an epoch that is over they do not. */
static int put_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct rn_change *change = context;
	const struct rn_ledger_entry *held = same_part(change->books->ledger, body, size);
	struct rn_record_head head;
	uint64_t number;
	if (held && held->epoch == change->books->epoch) {
		*ret_number = held->device;
		return 0;
	}
	int rc = rn_store_next(change->books->store, "part", &number, change->err);
	if (!rc)
		rc = make_head(change, 0, &head);
	if (rc)
		return rc;
	uint8_t *blob = malloc(RN_RECORD_SIZE_MAX);
	if (!blob)
		return rn_fail(change->err, -ENOMEM, "out of memory");
	const struct rn_part part = {.number = *ret_number = (uint32_t)number, .body = body, .size = size};
	rc = put(change, &head, RN_RECORD_PART, part.number, blob,
		 rn_record_put_part(&head, &part, change->books->policy_seed, blob, RN_RECORD_SIZE_MAX));
	free(blob);
	return rc;
}

static int put_root(struct rn_change *change, const struct rn_policy_record *policy, uint8_t *blob)
{
	struct rn_record_head head;
	int rc = make_head(change, 0, &head);
	if (rc)
		return rc;
	int size = rn_record_put_policy(&head, policy, change->books->policy_seed, blob, RN_RECORD_SIZE_MAX);
	return size == -EMSGSIZE ? size : put(change, &head, RN_RECORD_POLICY, 0, blob, size);
}

static int put_in_parts(struct rn_change *change, const struct rn_policy_record *policy, uint8_t *blob)
{
	struct rn_policy_record root = {0};
	int rc = rn_policy_split(policy, put_part, change, &root);
	if (!rc)
		rc = put_root(change, &root, blob);
	free(root.parts);
	return rc;
}

int rn_change_policy(struct rn_change *change, const struct rn_policy_record *policy)
{
	uint8_t *blob = malloc(RN_RECORD_SIZE_MAX);
	if (!blob)
		return rn_fail(change->err, -ENOMEM, "out of memory");
	int rc = put_root(change, policy, blob);
	if (rc == -EMSGSIZE)
		rc = put_in_parts(change, policy, blob);
	free(blob);
	if (rc == -EMSGSIZE)
		rn_fail(change->err, rc,
			"the policy is too large when it is signed: use groups and tags instead of long lists, or "
			"fewer rules");
	return rc;
}

int rn_change_audit(struct rn_change *change, const char *actor, const char *what, const char *object,
		    const char *detail)
{
	return rn_store_audit(change->books->store, change->now, actor, what, object, detail, change->err);
}

int rn_change_commit(struct rn_change *change)
{
	struct rn_ledger_entry *entry;
	int rc = rn_store_commit(change->books->store, change->err);
	if (rc)
		rn_numbering_aborted(change);
	else
		rn_numbering_committed(change);
	if (!rc && change->puts_prefixes) {
		rn_prefixes_done(&change->books->prefixes);
		change->books->prefixes = change->prefixes;
		change->prefixes = (struct rn_prefixes){0};
	}
	if (!rc && change->books->committed)
		change->books->committed(change->books->committed_context);
	for (unsigned i = 0; i < change->count && !rc; i++) {
		rc = rn_ledger_take(change->books->ledger, change->records[i].blob, change->records[i].size, &entry);
		if (!rc)
			entry->dirty = false;
		else
			rn_fail(change->err, rc, "the change is stored, but memory ran out: restart rnautd core");
	}
	for (unsigned i = 0; i < change->forgotten_count && !rc; i++)
		rn_ledger_remove_identity(change->books->ledger, change->forgotten[i]);
	if (!rc)
		(void)rn_ledger_sweep(change->books->ledger, change->books->store, NULL);
	release(change);
	return rc;
}

int rn_change_one(struct rn_books *books, int64_t now, const struct rn_device_record *device, const char *actor,
		  const char *what, const char *detail, uint64_t *ret_version, struct rn_err *err)
{
	struct rn_change change;
	int rc = rn_change_begin(&change, books, now, err);
	if (rc)
		return rc;
	rc = rn_change_device(&change, device);
	if (!rc)
		rc = rn_change_audit(&change, actor, what, device->name, detail);
	*ret_version = change.version;
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return rc;
}
