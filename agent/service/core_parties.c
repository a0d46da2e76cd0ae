/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_parties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_registry.h"

struct rn_party rn_party_from(const struct rn_device_record *record, const char *hub, char (*tags)[RN_NAME_MAX + 1],
			      unsigned tag_count, const char **list)
{
	for (unsigned i = 0; i < tag_count; i++)
		list[i] = tags[i];
	return (struct rn_party){.device = record->name,
				 .owner = record->owner ? record->owner_name : "",
				 .owner_number = record->owner,
				 .tags = list,
				 .tag_count = tag_count,
				 .kind = record->kind,
				 .managed = record->flags & RN_DEVICE_MANAGED,
				 .hub = hub,
				 .ipv6 = record->ipv6,
				 .ipv4 = record->ipv4,
				 .trust = record->trust};
}

int rn_party_of(struct rn_books *books, const struct rn_ledger_entry *entry, struct rn_party_room *room,
		struct rn_party *ret, struct rn_err *err)
{
	const struct rn_device_record *r = &entry->record;
	const struct rn_ledger_entry *hub = rn_ledger_device(books->ledger, r->hub);
	unsigned tags = 0;
	int rc = rn_registry_tags(books, r->number, room->tags, RN_SELECTORS_MAX, &tags, err);
	if (rc)
		return rc;
	*ret = rn_party_from(r, hub ? hub->record.name : "", room->tags, tags, room->list);
	return 0;
}

/* ---- apart from the books ---- */

/* Everything that a party points to in one block, which its tags begin: *ret is all its own. */
static int copy_party(const struct rn_party *in, struct rn_party *ret)
{
	const char *const texts[] = {in->device, in->owner, in->hub};
	size_t lengths[3], size = in->tag_count * sizeof(char *);
	for (unsigned i = 0; i < 3; i++)
		size += lengths[i] = strlen(texts[i]) + 1;
	for (uint32_t i = 0; i < in->tag_count; i++)
		size += strlen(in->tags[i]) + 1;
	char **tags = malloc(size), *at = tags ? (char *)(tags + in->tag_count) : NULL;
	const char *copies[3];
	if (!tags)
		return -ENOMEM;
	for (unsigned i = 0; i < 3; at += lengths[i], i++)
		copies[i] = memcpy(at, texts[i], lengths[i]);
	for (uint32_t i = 0; i < in->tag_count; at += strlen(at) + 1, i++)
		tags[i] = memcpy(at, in->tags[i], strlen(in->tags[i]) + 1);
	*ret = *in;
	ret->tags = (const char *const *)tags;
	ret->device = copies[0];
	ret->owner = copies[1];
	ret->hub = copies[2];
	return 0;
}

static int append(struct rn_party_list *l, const struct rn_party *party)
{
	if (l->count == l->room) {
		uint32_t room = l->room ? 2 * l->room : 64;
		struct rn_party *grown = reallocarray(l->list, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->list = grown;
		l->room = room;
	}
	int rc = copy_party(party, &l->list[l->count]);
	l->count += !rc;
	return rc;
}

int rn_parties_add(struct rn_books *books, struct rn_parties *parties, const struct rn_ledger_entry *entry,
		   struct rn_err *err)
{
	bool out = entry->record.flags & (RN_DEVICE_REVOKED | RN_DEVICE_QUARANTINED);
	struct rn_party_room room;
	struct rn_party party;
	int rc = rn_party_of(books, entry, &room, &party, err);
	if (!rc && append(out ? &parties->out : &parties->in, &party))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct rn_party *const *x = a, *const *y = b;
	return strcmp((*x)->device, (*y)->device);
}

int rn_parties_sort(struct rn_parties *p)
{
	uint32_t count = 0;
	p->names = calloc(p->in.count + p->out.count + (size_t)1, sizeof(const struct rn_party *));
	if (!p->names)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->in.count; i++)
		p->names[count++] = &p->in.list[i];
	for (uint32_t i = 0; i < p->out.count; i++)
		p->names[count++] = &p->out.list[i];
	qsort((void *)p->names, count, sizeof(*p->names), by_name);
	return 0;
}

static int kept_device(void *context, unsigned end, const char *name, struct rn_party *ret)
{
	const struct rn_parties *p = context;
	const struct rn_party wanted = {.device = name}, *key = &wanted;
	const struct rn_party **found = NULL;
	(void)end;
	if (p->names)
		found = bsearch(&key, (const void *)p->names, p->in.count + p->out.count, sizeof(*p->names), by_name);
	if (!found)
		return -ENOENT;
	*ret = **found;
	return 0;
}

struct rn_policy_network rn_parties_snapshot(struct rn_parties *parties)
{
	return (struct rn_policy_network){parties, kept_device};
}

static void list_done(struct rn_party_list *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		free((void *)l->list[i].tags);
	free(l->list);
}

void rn_parties_done(struct rn_parties *parties)
{
	list_done(&parties->in);
	list_done(&parties->out);
	free((void *)parties->names);
	*parties = (struct rn_parties){0};
}

/* ---- of the books ---- */

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
