/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's identity numbers at work: which hubs are waited for, how far each is, and who waits here until a number
 * may be used. domain/meaning has the rules, core_numbering.c the books.
 */
#include <errno.h>
#include <stdlib.h>

#include "service/core_numbering.h"
#include "service/core_registry.h"
#include "service/core_state.h"

#define RETRY_MS 1000

struct rn_number_wait {
	struct rn_number_wait *next;
	uint32_t number; /* held; 0: what was held is lost */
	int64_t until;
	void (*again)(struct rn_core *core, void *context, bool late);
	void *context;
};

/* ---- what follows ---- */

/* One that has not subscribed has just come: it is not the session that was meant. */
static void hang_up(void *context, uint32_t hub)
{
	struct rn_core *core = context;
	struct rn_downstream *s = rn_downstream_of(core, hub);

	if (!s || !s->subscribed)
		return;
	rn_core_publish(core); /* it hears of its end before its session ends */
	s = rn_downstream_of(core, hub);
	if (s)
		rn_downstream_hang_up(core, s->session);
}

/* Whoever waits asks anew, and every hub has to come again. */
static void lost(struct rn_core *core)
{
	struct rn_err err = {""};

	if (rn_numbering_meanings(&core->books) && rn_registry_pend_all(&core->books, &err))
		rn_log(RN_LOG_ERROR, "identity numbers: %s", err.text);
	for (struct rn_number_wait *w = core->members.waits; w; w = w->next)
		w->number = 0;
	for (struct rn_downstream *s = core->sessions, *next; s; s = next) {
		const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, s->device);

		next = s->next;
		if (entry && rn_kind_is_hub(entry->record.kind) && s->subscribed)
			rn_downstream_hang_up(core, s->session);
	}
	core->members.kern_due = core->kern.key_known;
	core->members.retry_ms = rn_core_now_ms(core) + RETRY_MS;
}

static bool is_good(const struct rn_core *core, const struct rn_number_wait *w)
{
	return !w->number || rn_numbering_usable(&core->books, w->number);
}

static bool is_due(struct rn_core *core, const struct rn_number_wait *w)
{
	return is_good(core, w) || rn_core_now_ms(core) >= w->until;
}

/* True: there was one. */
static bool serve_one(struct rn_core *core)
{
	struct rn_number_wait **at = &core->members.waits;

	while (*at && !is_due(core, *at))
		at = &(*at)->next;
	if (!*at)
		return false;
	struct rn_number_wait *w = *at;
	*at = w->next;
	w->again(core, w->context, !is_good(core, w));
	rn_numbering_release(&core->books, w->number);
	free(w);
	return true;
}

static int step(struct rn_core *core, bool *ret_changed)
{
	struct rn_err err = {""};
	int rc =
	    rn_numbering_step(&core->books, rn_core_now_ms(core), rn_core_now(core), hang_up, core, ret_changed, &err);

	if (!rc)
		return 0;
	if (rn_log_allowed(&core->strange, rn_core_now_ms(core), 1000))
		rn_log(RN_LOG_ERROR, "identity numbers could not be stored: %s", err.text);
	lost(core);
	return rc;
}

static void arm(struct rn_core *core)
{
	const struct rn_meanings *m = rn_numbering_meanings(&core->books);
	int64_t now = rn_core_now_ms(core), at = m ? rn_meanings_deadline(m, now) : now + RETRY_MS;

	for (const struct rn_number_wait *w = core->members.waits; w; w = w->next)
		at = w->until < at ? w->until : at;
	if (at != INT64_MAX)
		rn_core_arm(core, at > now ? at : now + 1);
}

int rn_members_settle(struct rn_core *core)
{
	struct rn_core_members *m = &core->members;
	bool any = false, changed;
	int rc = 0;

	if (m->settling) {
		m->again = true;
		return 0;
	}
	m->settling = true;
	do {
		m->again = false;
		rc = step(core, &changed);
		any = any || changed;
		while (serve_one(core))
			m->again = any = true;
		if (!rc && rn_policy_retry(core))
			m->again = any = true;
	} while (!rc && m->again);
	m->settling = false;
	if (any)
		rn_core_publish(core);
	arm(core);
	return rc;
}

/* ---- hubs ---- */

static int newest_of(struct rn_core *core, uint64_t *ret)
{
	struct rn_err err = {""};

	return rn_numbering_newest(&core->books, ret, &err);
}

/* Of a gateway that was restored from a backup, or of a hub that lies. */
static void say_ahead(struct rn_core *core, uint32_t hub, const struct rn_meaning_position *seen, uint64_t newest)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, hub);

	if (rn_log_allowed(&core->strange, rn_core_now_ms(core), 1000))
		rn_log(RN_LOG_ERROR,
		       "hub %s has seen version %llu of epoch %u, which this gateway has not made (it is at %llu of "
		       "epoch %u): if this gateway was restored from a backup, begin a new epoch; else the hub lies",
		       entry ? entry->record.name : "?", (unsigned long long)seen->version, seen->epoch,
		       (unsigned long long)newest, core->books.epoch);
}

int rn_members_subscribe(struct rn_core *core, uint32_t hub, const struct rn_meaning_position *claim,
			 const struct rn_meaning_position *seen, struct rn_meaning_position *ret_from)
{
	const struct rn_meaning_position nothing = {.epoch = core->books.epoch};
	struct rn_meanings *m = rn_numbering_meanings(&core->books);
	uint64_t newest;
	int rc = m ? newest_of(core, &newest) : -EIO;

	if (!rc)
		rc = rn_meanings_subscribe(m, rn_core_now_ms(core), hub, claim, seen, newest, ret_from);
	/* A mark bears no signature: where only that is from the future, somebody lied to it. */
	if (rc == -ESTALE)
		rc = rn_meanings_subscribe(m, rn_core_now_ms(core), hub, &nothing, seen, newest, ret_from);
	if (rc == -ESTALE)
		say_ahead(core, hub, seen, newest);
	/* That it has come is stored before it is told anything. */
	return rc ? rc : rn_members_settle(core);
}

void rn_members_applied(struct rn_core *core, uint32_t hub, const struct rn_position *at)
{
	struct rn_meanings *m = rn_numbering_meanings(&core->books);
	uint64_t newest;

	if (!m || !at->version || at->epoch != core->books.epoch || newest_of(core, &newest))
		return;
	if (rn_meanings_acknowledge(m, hub, at->version, newest))
		hang_up(core, hub);
	rn_members_settle(core);
}

void rn_members_closed(struct rn_core *core, uint32_t hub)
{
	struct rn_meanings *m = rn_numbering_meanings(&core->books);
	uint64_t newest;

	if (!m || newest_of(core, &newest))
		return;
	rn_meanings_closed(m, rn_core_now_ms(core), hub, newest);
	rn_members_settle(core);
}

void rn_members_remove(struct rn_core *core, uint32_t hub)
{
	struct rn_meanings *m = rn_numbering_meanings(&core->books);

	if (!m)
		return;
	rn_meanings_remove(m, hub);
	rn_members_settle(core);
}

/* ---- who waits ---- */

int rn_members_late(struct rn_err *err)
{
	return rn_fail(err, -EAGAIN,
		       "not all hubs know yet what the device's identity means: wait until all hubs are connected, or "
		       "revoke those that are gone, and try again");
}

int rn_members_wait(struct rn_core *core, uint32_t number,
		    void (*again)(struct rn_core *core, void *context, bool late), void *context)
{
	struct rn_number_wait *w = calloc(1, sizeof(*w)), **at = &core->members.waits;

	if (!w || core->members.ending) {
		free(w);
		return core->members.ending ? -ECANCELED : -ENOMEM;
	}
	*w = (struct rn_number_wait){
	    .number = number, .until = rn_core_now_ms(core) + RN_MEMBERS_WAIT_MS, .again = again, .context = context};
	while (*at)
		at = &(*at)->next;
	*at = w;
	rn_members_settle(core);
	return 0;
}

/* ---- life ---- */

/* While all have come since the start: what they have seen, this store has. */
static void keep_newest(void *context)
{
	struct rn_core *core = context;
	const struct rn_meanings *m = rn_numbering_meanings(&core->books);
	uint64_t newest;

	if (m && rn_meanings_settled(m) && !newest_of(core, &newest) && newest)
		core->params.io.keep(core->params.io.context, newest);
}

/* Not older than what was kept: nobody has seen what this store does not know. Else all must come first. */
static int vouch(struct rn_core *core, struct rn_err *err)
{
	const struct rn_core_io *io = &core->params.io;
	uint64_t newest, kept;
	int rc = rn_numbering_newest(&core->books, &newest, err);

	if (rc || !io->keep)
		return rc;
	kept = io->kept(io->context);
	if (kept && newest >= kept)
		rn_meanings_vouch(rn_numbering_meanings(&core->books));
	else
		io->keep(io->context, 0);
	core->books.committed = keep_newest;
	core->books.committed_context = core;
	return 0;
}

/* Hubs that were revoked when nobody could write it down. */
static void remove_gone(struct rn_core *core)
{
	const struct rn_ledger_entry *entry;

	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (rn_kind_is_hub(entry->record.kind) && (entry->record.flags & RN_DEVICE_REVOKED))
			rn_meanings_remove(rn_numbering_meanings(&core->books), entry->device);
}

int rn_members_load(struct rn_core *core, struct rn_err *err)
{
	int rc = rn_numbering_open(&core->books, rn_core_now_ms(core), err);

	if (!rc)
		rc = rn_registry_pend_all(&core->books, err);
	/* Numbers that have run out are no reason not to be there: devices keep what they have. */
	if (rc == -ENOSPC) {
		rn_log(RN_LOG_ERROR, "%s", err->text);
		rc = 0;
	}
	if (!rc)
		remove_gone(core);
	return rc ? rc : vouch(core, err);
}

void rn_members_end(struct rn_core *core)
{
	core->members.ending = true;
	for (struct rn_number_wait *w; (w = core->members.waits);) {
		core->members.waits = w->next;
		w->again(core, w->context, false);
		free(w);
	}
}

void rn_members_tick(struct rn_core *core)
{
	if (core->members.kern_due)
		rn_core_kern_subscribe(core);
	if (rn_core_now_ms(core) >= core->members.retry_ms)
		rn_members_settle(core);
}
