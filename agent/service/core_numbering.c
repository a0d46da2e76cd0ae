/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_numbering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

#define HEAD "meanings"

struct pending {
	uint32_t device, number; /* held */
};

struct rn_numbering {
	struct rn_meanings *meanings; /* NULL: could not be loaded */
	int64_t now_ms;
	struct pending *pending;
	struct rn_numbers *place; /* device -> its index in pending + 1 */
	unsigned count, room;
};

/* ---- the store ---- */

static int broken(struct rn_err *err)
{
	return rn_fail(err, -EIO,
		       "the identity numbers in the database core.db are damaged: restore a backup of the state "
		       "directory");
}

struct loading {
	struct rn_meanings *meanings;
	int64_t now_ms;
	uint64_t newest;
};

static int load_number(void *context, const uint8_t *row, size_t size)
{
	struct loading *l = context;
	uint32_t selectors[RN_SELECTORS_MAX];
	struct rn_meaning in;
	int rc = rn_meaning_get(row, size, selectors, &in);

	return rc ? rc : rn_meanings_load_number(l->meanings, &in, l->now_ms, l->newest);
}

static int load_hub(void *context, const uint8_t *row, size_t size)
{
	struct loading *l = context;
	struct rn_meaning_hub in;
	int rc = rn_meaning_hub_get(row, size, &in);

	return rc ? rc : rn_meanings_load_hub(l->meanings, &in, l->now_ms, l->newest);
}

static int load_head(struct rn_store *store, struct rn_meanings *meanings, struct rn_err *err)
{
	uint8_t row[RN_MEANING_HEAD_ROW];
	struct rn_meaning_head head;
	size_t size = 0;
	int rc = rn_store_blob(store, HEAD, row, sizeof(row), &size, err);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = rn_meaning_head_get(row, size, &head);
	return rc ? rc : rn_meanings_load_head(meanings, &head);
}

int rn_numbering_newest(struct rn_books *books, uint64_t *ret, struct rn_err *err)
{
	int rc = rn_store_number(books->store, "version", ret, err);

	if (rc == -ENOENT)
		*ret = 0;
	return rc == -ENOENT ? 0 : rc;
}

/* What devices have is theirs; a number that means nothing (a database of before there were meanings) is nobody's. */
static int adopt_all(struct rn_books *books, struct rn_meanings *meanings)
{
	const struct rn_ledger_entry *entry;
	int rc = 0;

	for (unsigned i = 0; (!rc || rc == -ENOENT) && (entry = rn_ledger_at(books->ledger, i)); i++)
		rc = rn_meanings_adopt(meanings, entry->record.identity);
	return rc == -ENOENT ? 0 : rc;
}

static int load(struct rn_books *books, struct rn_meanings *meanings, int64_t now_ms, struct rn_err *err)
{
	struct loading l = {.meanings = meanings, .now_ms = now_ms};
	int rc = rn_numbering_newest(books, &l.newest, err);

	if (!rc)
		rc = load_head(books->store, meanings, err);
	if (!rc)
		rc = rn_store_meanings(books->store, RN_STORE_NUMBER, load_number, &l, err);
	if (!rc)
		rc = rn_store_meanings(books->store, RN_STORE_HUB, load_hub, &l, err);
	if (!rc)
		rc = adopt_all(books, meanings);
	return rc == -EBADMSG ? broken(err) : rc;
}

static int reload(struct rn_books *books, struct rn_err *err)
{
	struct rn_numbering *n = books->numbering;
	struct rn_meanings *meanings = rn_meanings_new(books->epoch, RN_IDENTITY_MAX, RN_NUMBERING_PATIENCE_MS);
	int rc = meanings ? load(books, meanings, n->now_ms, err) : rn_fail(err, -ENOMEM, "out of memory");

	rn_meanings_free(n->meanings);
	n->meanings = NULL;
	n->count = 0;
	rn_numbers_clear(n->place);
	if (rc)
		rn_meanings_free(meanings);
	else
		n->meanings = meanings;
	return rc;
}

int rn_numbering_open(struct rn_books *books, int64_t now_ms, struct rn_err *err)
{
	books->numbering = calloc(1, sizeof(*books->numbering));
	if (!books->numbering || !(books->numbering->place = rn_numbers_new()))
		return rn_fail(err, -ENOMEM, "out of memory");
	books->numbering->now_ms = now_ms;
	return reload(books, err);
}

void rn_numbering_close(struct rn_books *books)
{
	if (!books->numbering)
		return;
	rn_meanings_free(books->numbering->meanings);
	rn_numbers_free(books->numbering->place);
	free(books->numbering->pending);
	free(books->numbering);
	books->numbering = NULL;
}

struct rn_meanings *rn_numbering_meanings(const struct rn_books *books)
{
	return books->numbering ? books->numbering->meanings : NULL;
}

/* ---- one step, within a change ---- */

static void say(const struct rn_meaning *n, struct rn_identity_record *ret)
{
	*ret = (struct rn_identity_record){.number = n->number, .selector_count = n->count};
	ret->says = n->state == RN_MEANING_ENDING ? RN_IDENTITY_ENDING
		    : n->count			  ? RN_IDENTITY_KNOWN
						  : RN_IDENTITY_FORGET;
	if (n->count)
		memcpy(ret->selectors, n->selectors, n->count * sizeof(*n->selectors));
}

/* The newest record of all stays, so that no mark falls below it; that it says to forget the number does no harm. */
static int free_number(struct rn_change *change, uint32_t number)
{
	const struct rn_ledger_entry *newest = rn_ledger_newest(change->books->ledger);
	const struct rn_ledger_entry *entry = rn_ledger_identity(change->books->ledger, number);
	struct rn_store *store = change->books->store;
	int rc = rn_store_remove_meaning(store, RN_STORE_NUMBER, number, change->err);

	if (rc || !entry || entry == newest)
		return rc;
	rc = rn_store_remove_record(store, RN_RECORD_IDENTITY, number, change->err);
	return rc ? rc : rn_change_forget(change, number);
}

static int put_number(struct rn_change *change, const struct rn_meaning *n, bool sign)
{
	struct rn_identity_record record;
	uint8_t row[RN_MEANING_ROW_MAX];
	size_t size;
	int rc;

	if (n->state == RN_MEANING_FREE)
		return free_number(change, n->number);
	size = rn_meaning_put(n, row);
	rc = rn_store_put_meaning(change->books->store, RN_STORE_NUMBER, n->number, n->version, row, size, change->err);
	say(n, &record);
	return rc || !sign ? rc : rn_change_identity_at(change, &record, n->version);
}

static int put_hub(struct rn_change *change, const struct rn_meaning_hub *h, bool sign)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(change->books->ledger, h->hub);
	struct rn_store *store = change->books->store;
	struct rn_device_record device;
	uint8_t row[RN_MEANING_HUB_ROW];
	size_t size = rn_meaning_hub_put(h, row);
	int rc = h->gone ? rn_store_remove_meaning(store, RN_STORE_HUB, h->hub, change->err)
			 : rn_store_put_meaning(store, RN_STORE_HUB, h->hub, h->version, row, size, change->err);

	if (rc || !sign || !entry)
		return rc;
	device = entry->record;
	device.flags = h->apart ? device.flags | RN_DEVICE_APART : device.flags & ~RN_DEVICE_APART;
	return rn_change_device_at(change, &device, h->version);
}

struct hangings {
	void (*hang_up)(void *context, uint32_t hub);
	void *context;
	uint32_t hubs[RN_MEANING_HUBS_MAX];
	unsigned count;
};

static int put_all(struct rn_change *change, int64_t now_ms, struct hangings *over, bool *ret_any)
{
	struct rn_meanings *m = change->books->numbering->meanings;
	struct rn_meaning number;
	struct rn_meaning_hub hub;
	bool sign;
	int rc = 0;

	while (!rc && rn_meanings_next_number(m, &number, &sign)) {
		rc = put_number(change, &number, sign);
		*ret_any = true;
	}
	while (!rc && rn_meanings_next_hub(m, now_ms, &hub, &sign)) {
		rc = put_hub(change, &hub, sign);
		*ret_any = true;
		if (over && !hub.connected && over->count < RN_MEANING_HUBS_MAX)
			over->hubs[over->count++] = hub.hub;
	}
	return rc;
}

/* over may be NULL. */
static int step_within(struct rn_change *change, int64_t now_ms, struct hangings *over, bool *ret_any)
{
	struct rn_meanings *m = change->books->numbering->meanings;
	struct rn_store *store = change->books->store;
	uint8_t row[RN_MEANING_HEAD_ROW];
	struct rn_meaning_head head;
	uint64_t version;
	int rc = rn_numbering_newest(change->books, &version, change->err);

	if (rc)
		return rc;
	change->stepped = true;
	rn_meanings_step(m, now_ms, &version);
	rc = put_all(change, now_ms, over, ret_any);
	if (rc || !*ret_any)
		return rc;
	head = rn_meanings_head(m);
	rc = rn_store_set_blob(store, HEAD, row, rn_meaning_head_put(&head, row), change->err);
	return rc ? rc : rn_store_set_number(store, "version", version, change->err);
}

/* ---- devices ---- */

static int add_move(struct rn_change *change, uint32_t device, uint32_t from, uint32_t to)
{
	if (change->move_count == change->move_room) {
		unsigned room = change->move_room ? change->move_room * 2 : 8;
		struct rn_number_move *moves = realloc(change->moves, room * sizeof(*moves));

		if (!moves)
			return rn_fail(change->err, -ENOMEM, "out of memory");
		change->moves = moves;
		change->move_room = room;
	}
	change->moves[change->move_count++] = (struct rn_number_move){device, from, to};
	return 0;
}

/* Where there is no hub yet nobody is waited for. */
static int make_usable(struct rn_change *change, uint32_t number)
{
	struct rn_numbering *n = change->books->numbering;
	bool any = false;
	int rc = 0;

	if (!change->tentative && !rn_meanings_usable(n->meanings, number) && !rn_meanings_hubs(n->meanings))
		rc = step_within(change, n->now_ms, NULL, &any);
	if (rc || change->tentative || rn_meanings_usable(n->meanings, number))
		return rc;
	return rn_fail(change->err, -EAGAIN,
		       "the hubs do not all know yet what the device's new identity means: try again in a moment");
}

int rn_numbering_identify(struct rn_change *change, uint32_t device, uint32_t old, const uint32_t *selectors,
			  uint32_t count, uint32_t *ret_number)
{
	uint32_t number;
	int rc = rn_numbering_hold(change->books, selectors, count, &number, change->err);

	if (rc)
		return rc;
	rc = make_usable(change, number);
	if (!rc && number != old)
		rc = add_move(change, device, old, number);
	if (rc || number == old)
		rn_numbering_release(change->books, number);
	if (!rc)
		*ret_number = number;
	return rc;
}

static void drop_pending(struct rn_numbering *n, unsigned at)
{
	struct pending *last = &n->pending[--n->count];

	rn_meanings_release(n->meanings, n->pending[at].number);
	rn_numbers_remove(n->place, n->pending[at].device);
	if (last != &n->pending[at])
		(void)rn_numbers_set(n->place, last->device, at + 1); /* the key is there: it takes no memory */
	n->pending[at] = *last;
}

void rn_numbering_committed(struct rn_change *change)
{
	struct rn_numbering *n = change->books->numbering;

	for (unsigned i = 0; n && n->meanings && i < change->move_count; i++) {
		const struct rn_number_move *m = &change->moves[i];
		uint32_t place = rn_numbers_get(n->place, m->device);

		rn_meanings_release(n->meanings, m->from);
		if (place && n->pending[place - 1].number == m->to)
			drop_pending(n, place - 1);
	}
}

void rn_numbering_aborted(struct rn_change *change)
{
	struct rn_numbering *n = change->books->numbering;

	if (n && change->stepped) {
		(void)reload(change->books, NULL);
		return;
	}
	for (unsigned i = 0; n && n->meanings && i < change->move_count; i++)
		rn_meanings_release(n->meanings, change->moves[i].to);
}

/* ---- who waits ---- */

int rn_numbering_hold(struct rn_books *books, const uint32_t *selectors, uint32_t count, uint32_t *ret_number,
		      struct rn_err *err)
{
	struct rn_meanings *m = rn_numbering_meanings(books);
	int rc = m ? rn_meanings_hold(m, selectors, count, ret_number, err) : broken(err);

	return rc == -ENOMEM ? rn_fail(err, rc, "out of memory") : rc;
}

void rn_numbering_release(struct rn_books *books, uint32_t number)
{
	if (rn_numbering_meanings(books))
		rn_meanings_release(books->numbering->meanings, number);
}

bool rn_numbering_means(const struct rn_books *books, uint32_t number)
{
	const struct rn_meanings *m = rn_numbering_meanings(books);
	struct rn_meaning meaning;

	return m && rn_meanings_get(m, number, &meaning) && meaning.count;
}

bool rn_numbering_usable(const struct rn_books *books, uint32_t number)
{
	const struct rn_meanings *m = rn_numbering_meanings(books);

	return m && rn_meanings_usable(m, number);
}

static int make_room(struct rn_numbering *n, struct rn_err *err)
{
	unsigned room = n->room ? n->room * 2 : 16;
	struct pending *pending;

	if (n->count < n->room)
		return 0;
	pending = realloc(n->pending, room * sizeof(*pending));
	if (!pending)
		return rn_fail(err, -ENOMEM, "out of memory");
	n->pending = pending;
	n->room = room;
	return 0;
}

int rn_numbering_pend(struct rn_books *books, uint32_t device, const uint32_t *selectors, uint32_t count,
		      struct rn_err *err)
{
	struct rn_numbering *n = books->numbering;
	uint32_t number, before;
	int rc = make_room(n, err);

	if (!rc)
		rc = rn_numbering_hold(books, selectors, count, &number, err);
	if (rc)
		return rc;
	/* What it waited for before is not what it is to have now. */
	before = rn_numbers_get(n->place, device);
	if (before)
		drop_pending(n, before - 1);
	if (rn_numbers_set(n->place, device, n->count + 1)) {
		rn_numbering_release(books, number);
		return rn_fail(err, -ENOMEM, "out of memory");
	}
	n->pending[n->count++] = (struct pending){device, number};
	return 0;
}

unsigned rn_numbering_pending(const struct rn_books *books)
{
	return books->numbering ? books->numbering->count : 0;
}

/* ---- what follows ---- */

static int sign_device(struct rn_change *change, const struct pending *p)
{
	const struct rn_ledger_entry *entry = rn_ledger_device(change->books->ledger, p->device);
	struct rn_meanings *m = change->books->numbering->meanings;
	struct rn_device_record device;
	struct rn_meaning meaning;
	int rc;

	if (!entry || !rn_meanings_get(m, p->number, &meaning))
		return 0;
	device = entry->record;
	device.identity = p->number;
	device.selector_count = meaning.count;
	memset(device.selectors, 0, sizeof(device.selectors));
	memcpy(device.selectors, meaning.selectors, meaning.count * sizeof(*meaning.selectors));
	rc = rn_meanings_adopt(m, p->number);
	if (!rc)
		rc = add_move(change, p->device, entry->record.identity, p->number);
	return rc ? rc : rn_change_device(change, &device);
}

static int sign_pending(struct rn_books *books, int64_t now, bool *ret_any, struct rn_err *err)
{
	struct rn_numbering *n = books->numbering;
	struct rn_change change;
	unsigned count = 0;
	int rc;

	for (unsigned i = 0; i < n->count; i++)
		count += rn_meanings_usable(n->meanings, n->pending[i].number);
	if (!count)
		return 0;
	rc = rn_change_begin(&change, books, now, err);
	for (unsigned i = 0; !rc && i < n->count; i++)
		if (rn_meanings_usable(n->meanings, n->pending[i].number))
			rc = sign_device(&change, &n->pending[i]);
	if (rc) {
		rn_change_abort(&change);
		return rc;
	}
	*ret_any = true;
	return rn_change_commit(&change);
}

static int step(struct rn_books *books, int64_t now, struct hangings *over, bool *ret_any, struct rn_err *err)
{
	struct rn_change change;
	bool any = false;
	int rc = rn_change_begin(&change, books, now, err);

	if (!rc)
		rc = step_within(&change, books->numbering->now_ms, over, &any);
	if (rc) {
		rn_change_abort(&change);
		return rc;
	}
	*ret_any = *ret_any || any;
	/* Nothing changed, so nothing is lost with it either. */
	change.stepped = any;
	if (any)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return 0;
}

int rn_numbering_step(struct rn_books *books, int64_t now_ms, int64_t now, void (*hang_up)(void *context, uint32_t hub),
		      void *context, bool *ret_changed, struct rn_err *err)
{
	struct hangings *over = calloc(1, sizeof(*over));
	bool again = true;
	int rc = over ? 0 : rn_fail(err, -ENOMEM, "out of memory");

	*ret_changed = false;
	books->numbering->now_ms = now_ms;
	if (!rc && !books->numbering->meanings)
		rc = reload(books, err);
	while (!rc && again) {
		again = false;
		rc = step(books, now, over, &again, err);
		if (!rc)
			rc = sign_pending(books, now, &again, err);
		*ret_changed = *ret_changed || again;
	}
	if (rc && over)
		(void)reload(books, NULL);
	for (unsigned i = 0; over && i < over->count; i++)
		hang_up(context, over->hubs[i]);
	free(over);
	return rc;
}
