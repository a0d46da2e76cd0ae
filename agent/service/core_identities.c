/* SPDX-License-Identifier: Apache-2.0 */
/* Which sets of selectors there are, with their texts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_state.h"

/* Texts by number, which has no gaps to speak of: numbers are allotted in turn. */
struct texts {
	char **list;
	uint32_t room;
	bool failed;
};

static void keep(void *context, uint32_t number, const char *text)
{
	struct texts *t = context;

	if (t->failed)
		return;
	if (number >= t->room) {
		uint32_t room = number + number / 2 + 64;
		char **list = realloc(t->list, room * sizeof(*list));

		if (!list) {
			t->failed = true;
			return;
		}
		memset(list + t->room, 0, (room - t->room) * sizeof(*list));
		t->list = list;
		t->room = room;
	}
	t->list[number] = strdup(text);
	t->failed = !t->list[number];
}

static void free_texts(struct texts *t)
{
	for (uint32_t i = 0; i < t->room; i++)
		free(t->list[i]);
	free(t->list);
}

static int by_identity(const void *a, const void *b)
{
	const struct rn_device_record *x = *(const struct rn_device_record *const *)a,
				      *y = *(const struct rn_device_record *const *)b;

	return x->identity < y->identity ? -1 : x->identity > y->identity;
}

static void describe(const struct texts *t, const struct rn_device_record *device, struct rn_core_identity *ret)
{
	*ret = (struct rn_core_identity){.identity = device->identity};
	for (unsigned i = 0; i < device->selector_count; i++) {
		uint32_t number = device->selectors[i];

		if (number < t->room && t->list[number])
			ret->selectors[ret->selector_count++] = t->list[number];
	}
}

static void walk(const struct texts *t, const struct rn_device_record **devices, unsigned count,
		 void (*each)(void *context, const struct rn_core_identity *), void *context)
{
	struct rn_core_identity identity;

	for (unsigned i = 0; i < count;) {
		uint32_t number = devices[i]->identity;

		describe(t, devices[i], &identity);
		for (; i < count && devices[i]->identity == number; i++)
			identity.devices++;
		each(context, &identity);
	}
}

int rn_core_identities(struct rn_core *core, void (*each)(void *context, const struct rn_core_identity *),
		       void *context, struct rn_err *err)
{
	unsigned total = rn_ledger_count(core->books.ledger), count = 0;
	const struct rn_device_record **devices;
	const struct rn_ledger_entry *entry;
	struct texts t = {0};
	int rc = rn_core_need_gateway(core, err);

	if (rc)
		return rc;
	devices = calloc(total + 1, sizeof(*devices));
	rc = rn_store_selectors(core->books.store, keep, &t, err);
	if (!rc && (t.failed || !devices))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; !rc && devices && (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (!(entry->record.flags & RN_DEVICE_REVOKED))
			devices[count++] = &entry->record;
	if (!rc && devices) {
		qsort(devices, count, sizeof(*devices), by_identity);
		walk(&t, devices, count, each, context);
	}
	free(devices);
	free_texts(&t);
	return rc;
}
