/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_parties.h"

#include <errno.h>
#include <stdlib.h>

#include "service/core_registry.h"

int rn_party_of(struct rn_books *books, const struct rn_ledger_entry *entry, struct rn_party_room *room,
		struct rn_party *ret, struct rn_err *err)
{
	const struct rn_device_record *r = &entry->record;
	const struct rn_ledger_entry *hub = rn_ledger_device(books->ledger, r->hub);
	unsigned tags = 0;
	int rc = rn_registry_tags(books, r->number, room->tags, RN_SELECTORS_MAX, &tags, err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < tags; i++)
		room->list[i] = room->tags[i];
	*ret = (struct rn_party){.device = r->name,
				 .owner = r->owner ? r->owner_name : "",
				 .owner_number = r->owner,
				 .tags = room->list,
				 .tag_count = tags,
				 .kind = r->kind,
				 .managed = r->flags & RN_DEVICE_MANAGED,
				 .hub = hub ? hub->record.name : "",
				 .ipv6 = r->ipv6,
				 .ipv4 = r->ipv4,
				 .trust = r->trust};
	return 0;
}

int rn_parties_all(struct rn_books *books, struct rn_parties *ret, struct rn_err *err)
{
	const struct rn_ledger_entry *entry;
	struct rn_parties all = {0};
	uint32_t count = 0;
	int rc = 0;
	for (unsigned i = 0; rn_ledger_at(books->ledger, i); i++)
		count++;
	all.list = calloc(count + 1u, sizeof(*all.list));
	all.rooms = calloc(count + 1u, sizeof(*all.rooms));
	if (!all.list || !all.rooms)
		rc = rn_fail(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && (entry = rn_ledger_at(books->ledger, i)); i++)
		if (!(entry->record.flags & (RN_DEVICE_REVOKED | RN_DEVICE_QUARANTINED))) {
			rc = rn_party_of(books, entry, &all.rooms[all.count], &all.list[all.count], err);
			all.count += !rc;
		}
	if (rc)
		rn_parties_done(&all);
	else
		*ret = all;
	return rc;
}

void rn_parties_done(struct rn_parties *parties)
{
	free(parties->list);
	free(parties->rooms);
	*parties = (struct rn_parties){0};
}

static int device(void *context, unsigned end, const char *name, struct rn_party *ret)
{
	struct rn_parties_network *n = context;
	const struct rn_ledger_entry *entry = rn_ledger_by_name(n->books->ledger, name);
	return entry ? rn_party_of(n->books, entry, &n->rooms[end], ret, NULL) : -ENOENT;
}

struct rn_policy_network rn_parties_network(struct rn_parties_network *n)
{
	return (struct rn_policy_network){n, device};
}
