/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_selectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/ipam.h"
#include "domain/policy.h"

#define ROOM (4 * RN_SELECTORS_MAX) /* while they are collected, some twice */

struct collecting {
	struct rn_books *books;
	struct rn_change *change;
	struct rn_err *err;
	const char *device;
	uint32_t numbers[ROOM];
	unsigned count;
};

static int too_many(const struct collecting *c)
{
	return rn_fail(
	    c->err, -EMSGSIZE,
	    "the device %s would be meant by more than %d criteria of the policy (its name, owner, tags, type "
	    "and hub, and the prefixes that it is in): give it fewer tags, or name fewer prefixes",
	    c->device, RN_SELECTORS_MAX);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static void tidy(struct collecting *c)
{
	unsigned kept = 0;
	qsort(c->numbers, c->count, sizeof(*c->numbers), ascending);
	for (unsigned i = 0; i < c->count; i++)
		if (!kept || c->numbers[kept - 1] != c->numbers[i])
			c->numbers[kept++] = c->numbers[i];
	c->count = kept;
}

static int add(void *context, uint32_t number)
{
	struct collecting *c = context;
	if (c->count == ROOM)
		tidy(c);
	if (c->count == ROOM)
		return too_many(c);
	c->numbers[c->count++] = number;
	return 0;
}

/* Selectors that no policy has ever named have no number and make no difference. */
static int collect(struct collecting *c, const char *kind, const char *name)
{
	char text[RN_SELECTOR_TEXT];
	uint32_t number;
	snprintf(text, sizeof(text), "%s%s", kind, name);
	int rc = rn_store_selector(c->books->store, text, &number, c->err);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	return add(c, number);
}

static int collect_tag(void *context, const char *tag)
{
	return collect(context, "tag:", tag);
}

static int collect_address(struct collecting *c, const struct rn_addr *address)
{
	int rc;
	if (rn_addr_is_zero(address))
		return 0;
	rc = rn_prefixes_of(&c->books->prefixes, address, add, c);
	return rc || !c->change ? rc : rn_prefixes_of(&c->change->prefixes, address, add, c);
}

/* All but tags; hub is its name. */
static int collect_device(struct collecting *c, const struct rn_device_record *d, const char *hub)
{
	bool is_hub = rn_kind_is_hub(d->kind);
	int rc = collect(c, "everyone", "");
	if (!rc && d->owner_name[0])
		rc = collect(c, "user:", d->owner_name);
	if (!rc)
		rc = collect(c, "device:", d->name);
	if (!rc)
		rc = collect(c, is_hub ? "hub-type:" : "type:", rn_kind_name(d->kind));
	if (!rc)
		rc = collect(c, d->flags & RN_DEVICE_MANAGED ? "managed" : "unmanaged", "");
	if (!rc)
		rc = collect(c, "hub:", is_hub ? d->name : hub);
	if (!rc)
		rc = collect_address(c, &d->ipv6);
	return rc ? rc : collect_address(c, &d->ipv4);
}

static int finish(struct collecting *c, int rc, struct rn_selectors *ret)
{
	if (rc)
		return rc;
	tidy(c);
	if (c->count > RN_SELECTORS_MAX)
		return too_many(c);
	memcpy(ret->numbers, c->numbers, c->count * sizeof(*c->numbers));
	ret->count = c->count;
	return 0;
}

static const char *hub_name(const struct rn_books *books, uint32_t hub)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(books->ledger, hub);
	return entry ? entry->record.name : "";
}

int rn_selectors_of(struct rn_books *books, struct rn_change *change, const struct rn_device_record *device,
		    struct rn_selectors *ret, struct rn_err *err)
{
	struct collecting c = {.books = books, .change = change, .err = err, .device = device->name};
	int rc = collect_device(&c, device, hub_name(books, device->hub));
	if (!rc)
		rc = rn_store_tags(books->store, device->number, collect_tag, &c, err);
	return finish(&c, rc, ret);
}

/* The addresses that it will get, if nobody comes before. */
static void foresee(const struct rn_books *books, struct rn_device_record *device)
{
	const struct rn_ledger_entry *entry = rn_ledger_network(books->ledger);
	struct rn_network network;
	uint64_t last = 0;
	if (!entry || rn_record_get_network(entry->blob, entry->size, &network))
		return;
	(void)rn_store_number(books->store, "device", &last, NULL);
	if (last >= UINT32_MAX)
		return;
	(void)rn_ipam_address(&network.ipv6, (uint32_t)last + 1, &device->ipv6);
	if (network.ipv4.bits)
		(void)rn_ipam_address(&network.ipv4, (uint32_t)last + 1, &device->ipv4);
}

int rn_selectors_of_new(struct rn_books *books, const struct rn_new_device *in, struct rn_selectors *ret,
			struct rn_err *err)
{
	struct rn_device_record device = {.kind = in->kind, .owner = in->owner};
	struct collecting c = {.books = books, .err = err, .device = in->name};
	memcpy(device.name, in->name, sizeof(device.name));
	if (in->owner)
		memcpy(device.owner_name, in->owner_name, sizeof(device.owner_name));
	if (!rn_is_zero(in->noise_key, RN_KEY_SIZE))
		device.flags = RN_DEVICE_MANAGED;
	foresee(books, &device);
	int rc = collect_device(&c, &device, hub_name(books, in->hub));
	for (const char *tags = in->tags; !rc && *tags;) {
		char tag[RN_NAME_MAX + 1];
		size_t length = strcspn(tags, "\n");
		snprintf(tag, sizeof(tag), "%.*s", (int)length, tags);
		rc = collect_tag(&c, tag);
		tags += length + (tags[length] == '\n');
	}
	return finish(&c, rc, ret);
}

/* ---- apart from the books ---- */

struct text {
	const char *text;
	uint32_t place;
};
struct meeting {
	struct text *texts; /* ascending */
	uint32_t count;
	struct rn_prefixes prefixes; /* their numbers are places + 1 */
	bool *ret;
};

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	return strcmp(x->text, y->text);
}

static void meet(const struct meeting *m, const char *kind, const char *name)
{
	char text[RN_SELECTOR_TEXT];
	const struct text wanted = {.text = text}, *found;
	snprintf(text, sizeof(text), "%s%s", kind, name);
	found = bsearch(&wanted, m->texts, m->count, sizeof(*m->texts), by_text);
	if (found)
		m->ret[found->place] = true;
}

static int meet_prefix(void *context, uint32_t number)
{
	const struct meeting *m = context;
	m->ret[number - 1] = true;
	return 0;
}

static void meet_party(struct meeting *m, const struct rn_party *p)
{
	bool is_hub = rn_kind_is_hub(p->kind);
	meet(m, "everyone", "");
	meet(m, "user:", p->owner);
	meet(m, "device:", p->device);
	meet(m, is_hub ? "hub-type:" : "type:", rn_kind_name(p->kind));
	meet(m, p->managed ? "managed" : "unmanaged", "");
	meet(m, "hub:", is_hub ? p->device : p->hub);
	for (uint32_t i = 0; i < p->tag_count; i++)
		meet(m, "tag:", p->tags[i]);
	if (!rn_addr_is_zero(&p->ipv6))
		(void)rn_prefixes_of(&m->prefixes, &p->ipv6, meet_prefix, m);
	if (!rn_addr_is_zero(&p->ipv4))
		(void)rn_prefixes_of(&m->prefixes, &p->ipv4, meet_prefix, m);
}

static int sort_texts(struct meeting *m, char *const *texts)
{
	int rc = 0;
	m->texts = calloc(m->count + 1u, sizeof(*m->texts));
	for (uint32_t i = 0; m->texts && i < m->count && !rc; i++) {
		struct rn_prefix prefix;
		m->texts[i] = (struct text){texts[i], i};
		if (!strncmp(texts[i], "prefix:", 7) && !rn_prefix_parse(texts[i] + 7, &prefix))
			rc = rn_prefixes_add(&m->prefixes, &prefix, i + 1);
	}
	if (!m->texts || rc)
		return -ENOMEM;
	qsort(m->texts, m->count, sizeof(*m->texts), by_text);
	return 0;
}

int rn_selectors_met(char *const *texts, uint32_t count, const struct rn_parties *devices, bool *ret)
{
	const struct rn_party_list *const lists[] = {&devices->in, &devices->out};
	struct meeting m = {.count = count, .ret = ret};
	int rc = sort_texts(&m, texts);
	for (unsigned i = 0; i < 2 && !rc; i++)
		for (uint32_t j = 0; j < lists[i]->count; j++)
			meet_party(&m, &lists[i]->list[j]);
	free(m.texts);
	rn_prefixes_done(&m.prefixes);
	return rc;
}
