/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until the kernels of the hubs concerned enforce a version; for at most 3 s. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/core_state.h"

#define WAIT_MS 3000

struct waited_hub {
	uint32_t number;
	bool connected;
};

struct rn_enforcement {
	struct rn_enforcement *next;
	struct rn_position version;
	int64_t begun, begun_us;
	rn_core_done *done;
	void *context;
	unsigned count;
	struct waited_hub *waited; /* parallel to hubs */
	struct rn_enforced *hubs;
};

static void finish(struct rn_enforcement *e)
{
	e->done(e->context, 0, NULL, e->hubs, e->count);
	free(e->waited);
	free(e->hubs);
	free(e);
}

static bool connected(struct rn_core *core, uint32_t hub)
{
	return hub == core->params.self.device ? core->connected[RN_CORE_KERN] : rn_downstream_of(core, hub) != NULL;
}

static bool concerns(const struct rn_device_record *r, uint32_t hub)
{
	return rn_kind_is_hub(r->kind) && !(r->flags & RN_DEVICE_REVOKED) && (!hub || r->number == hub);
}

static void list_hubs(struct rn_core *core, struct rn_enforcement *e, uint32_t hub)
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; (entry = rn_ledger_hub(core->books.ledger, i)); i++) {
		if (!concerns(&entry->record, hub))
			continue;
		e->waited[e->count] = (struct waited_hub){entry->device, connected(core, entry->device)};
		snprintf(e->hubs[e->count].hub, sizeof(e->hubs[e->count].hub), "%s", entry->record.name);
		e->count++;
	}
}

static unsigned count_hubs(struct rn_core *core, uint32_t hub)
{
	const struct rn_ledger_entry *entry;
	unsigned count = 0;
	for (unsigned i = 0; (entry = rn_ledger_hub(core->books.ledger, i)); i++)
		count += concerns(&entry->record, hub);
	return count;
}

/* Everybody who can answer has answered. */
static bool complete(const struct rn_enforcement *e)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->waited[i].connected && !e->hubs[i].applied)
			return false;
	return true;
}

void rn_enforcement_wait(struct rn_core *core, uint64_t version, uint32_t hub, rn_core_done *done, void *context)
{
	unsigned count = count_hubs(core, hub);
	struct rn_enforcement *e = calloc(1, sizeof(*e));
	struct waited_hub *waited = calloc(count + 1, sizeof(*waited));
	struct rn_enforced *hubs = calloc(count + 1, sizeof(*hubs));
	if (!e || !waited || !hubs) {
		free(e);
		free(waited);
		free(hubs);
		done(context, 0, NULL, NULL, 0);
		return;
	}
	*e = (struct rn_enforcement){.version = {core->books.epoch, version},
				     .begun = rn_core_now_ms(core),
				     .begun_us = core->params.io.now_us(core->params.io.context),
				     .done = done,
				     .context = context,
				     .waited = waited,
				     .hubs = hubs};
	list_hubs(core, e, hub);
	if (complete(e)) {
		finish(e);
		return;
	}
	e->next = core->enforcements;
	core->enforcements = e;
	rn_core_arm(core, e->begun + WAIT_MS);
}

/* Takes those that are finished off the list before anybody is called, who may begin another. */
static void finish_those(struct rn_core *core, bool (*over)(struct rn_core *, struct rn_enforcement *))
{
	struct rn_enforcement **at = &core->enforcements, *finished = NULL;
	while (*at) {
		struct rn_enforcement *e = *at;
		if (!over(core, e)) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		e->next = finished;
		finished = e;
	}
	while (finished) {
		struct rn_enforcement *e = finished;
		finished = e->next;
		finish(e);
	}
}

static bool is_complete(struct rn_core *core, struct rn_enforcement *e)
{
	(void)core;
	return complete(e);
}

static bool is_late(struct rn_core *core, struct rn_enforcement *e)
{
	return rn_core_now_ms(core) >= e->begun + WAIT_MS;
}

static bool always(struct rn_core *core, struct rn_enforcement *e)
{
	(void)core;
	(void)e;
	return true;
}

void rn_enforcement_applied(struct rn_core *core, uint32_t hub, const struct rn_position *at)
{
	int64_t now_us = core->params.io.now_us(core->params.io.context);
	for (struct rn_enforcement *e = core->enforcements; e; e = e->next) {
		for (unsigned i = 0; i < e->count; i++) {
			if (e->waited[i].number != hub || e->hubs[i].applied || !rn_position_reaches(at, &e->version))
				continue;
			e->hubs[i].applied = true;
			e->hubs[i].after_ms = (double)(now_us - e->begun_us) / 1000;
		}
	}
	finish_those(core, is_complete);
}

void rn_enforcement_tick(struct rn_core *core, bool last)
{
	finish_those(core, last ? always : is_late);
	for (struct rn_enforcement *e = core->enforcements; e; e = e->next)
		rn_core_arm(core, e->begun + WAIT_MS);
}
