/* SPDX-License-Identifier: Apache-2.0 */
/* Which identity numbers there are, and the sets of selectors that they stand for, as texts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_numbering.h"
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

static void describe(const struct texts *t, const struct rn_meaning *meaning, struct rn_core_identity *ret)
{
	static const char *const states[RN_MEANING_STATES] = {
	    [RN_MEANING_WAITING] = "waiting", [RN_MEANING_ANNOUNCED] = "announced",   [RN_MEANING_USABLE] = "usable",
	    [RN_MEANING_ENDING] = "ending",   [RN_MEANING_FORGETTING] = "forgetting", [RN_MEANING_RESTING] = "resting",
	};

	*ret = (struct rn_core_identity){.identity = meaning->number, .state = states[meaning->state]};
	for (unsigned i = 0; i < meaning->count; i++) {
		uint32_t number = meaning->selectors[i];

		if (number < t->room && t->list[number])
			ret->selectors[ret->selector_count++] = t->list[number];
	}
}

/* Devices by identity number, without the revoked. */
static int count_devices(struct rn_core *core, struct rn_numbers *counts)
{
	const struct rn_ledger_entry *entry;
	int rc = 0;

	for (unsigned i = 0; !rc && (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (!(entry->record.flags & RN_DEVICE_REVOKED))
			rc = rn_numbers_set(counts, entry->record.identity,
					    rn_numbers_get(counts, entry->record.identity) + 1);
	return rc;
}

static void walk(struct rn_core *core, const struct texts *t, const struct rn_numbers *counts,
		 void (*each)(void *context, const struct rn_core_identity *), void *context)
{
	const struct rn_meanings *m = rn_numbering_meanings(&core->books);
	uint32_t left = m ? rn_meanings_count(m) : 0;

	for (uint32_t number = 1; left; number++) {
		struct rn_core_identity identity;
		struct rn_meaning meaning;

		if (!rn_meanings_get(m, number, &meaning))
			continue;
		left--;
		describe(t, &meaning, &identity);
		identity.devices = rn_numbers_get(counts, number);
		each(context, &identity);
	}
}

int rn_core_identities(struct rn_core *core, void (*each)(void *context, const struct rn_core_identity *),
		       void *context, struct rn_err *err)
{
	struct rn_numbers *counts;
	struct texts t = {0};
	int rc = rn_core_need_gateway(core, err);

	if (rc)
		return rc;
	counts = rn_numbers_new();
	rc = rn_store_selectors(core->books.store, keep, &t, err);
	if (!rc && (t.failed || !counts || count_devices(core, counts)))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	if (!rc)
		walk(core, &t, counts, each, context);
	rn_numbers_free(counts);
	free_texts(&t);
	return rc;
}
