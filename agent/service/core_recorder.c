/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/events.h"
#include "abi/verdict.h"
#include "base/log.h"
#include "base/numbers.h"
#include "service/core_flow_row.h"
#include "sys/files.h"

#define FILE_NAME "flows.ring"
#define OPEN_MAX 8192u /* rows of a minute; more begin a new table, and fold less */
#define INDEX_SIZE (2 * OPEN_MAX)
#define RECENT 16 /* source ports of a row whose packets were dropped: a retry is no new flow */
#define WRITE_MS 1000
#define MINUTE_MS 60000
#define SILENT_S 5
#define OF_ONE_SOURCE 500u /* rows a minute: one device must not push out what others did */
#define EXPIRED_AT_ONCE 4096u
#define DAY_S 86400
#define OLDEST_LOOKS 16u /* where the oldest are damaged */

struct open_row {
	uint32_t stored; /* flows, as they are in the file */
	uint16_t ports[RECENT];
	uint8_t port_count, port_next;
	bool dirty;
};

struct rn_recorder {
	struct rn_flow_store *store;
	uint32_t days;
	int64_t write_at, minute_end; /* ms; write_at 0: nothing to write */
	uint64_t unwritten, lost;
	int failing; /* -errno; it has been logged */
	bool aside;
	struct rn_numbers *of_source; /* rows of this minute */
	uint64_t first;		      /* serial of rows[0] */
	unsigned count, room;
	uint32_t index[INDEX_SIZE]; /* place in rows + 1 */
	struct open_row open[OPEN_MAX];
	struct rn_flow_row rows[OPEN_MAX];
};

/* ---- the rows of this minute ---- */

/* All that makes rows different. */
static bool same(const struct rn_flow_row *a, const struct rn_flow_row *b)
{
	return a->kind == b->kind && a->source == b->source && a->destination == b->destination &&
	       a->source_identity == b->source_identity && a->destination_identity == b->destination_identity &&
	       a->hub == b->hub && a->policy == b->policy && a->rule == b->rule && a->port == b->port &&
	       a->protocol == b->protocol && a->reason == b->reason && a->trust == b->trust && a->flags == b->flags;
}

static uint32_t hash(const struct rn_flow_row *row)
{
	const uint64_t words[] = {(uint64_t)row->source << 32 | row->destination, (uint64_t)row->hub << 32 | row->rule,
				  (uint64_t)row->port << 32 | (uint32_t)row->protocol << 16 |
				      (uint32_t)row->reason << 8 | row->kind};
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		h = (h ^ words[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return (uint32_t)h % INDEX_SIZE;
}

static void forget_rows(struct rn_recorder *r)
{
	memset(r->index, 0, sizeof(r->index));
	r->count = 0;
	r->first = rn_flow_store_newest(r->store) + 1;
}

/* What is dirty from a place on, one run of rows; the place behind it. */
static unsigned write_run(struct rn_recorder *r, unsigned at, int64_t now, int *ret)
{
	unsigned end = at;

	while (end < r->count && r->open[end].dirty)
		end++;
	*ret = rn_flow_store_put(r->store, r->first + at, r->rows + at, end - at, (uint32_t)now);
	for (unsigned i = at; i < end && !*ret; i++) {
		r->open[i].dirty = false;
		r->open[i].stored = r->rows[i].flows;
	}
	return end;
}

static void say_failing(struct rn_recorder *r, int rc)
{
	if (rc && !r->failing)
		rn_log(RN_LOG_WARNING, "flows are not recorded: %s; what is lost is counted", strerror(-rc));
	else if (!rc && r->failing)
		rn_log(RN_LOG_NOTICE, "flows are recorded again");
	r->failing = rc;
}

static void drop_dirty(struct rn_recorder *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		if (!r->open[i].dirty || r->rows[i].kind == RN_FLOW_SILENT)
			continue;
		r->unwritten += r->rows[i].flows - r->open[i].stored;
		if (r->rows[i].kind == RN_FLOW_BEGAN) /* what a row of kind LOST counts has been */
			r->lost += r->rows[i].flows - r->open[i].stored;
	}
	forget_rows(r);
}

static void write_rows(struct rn_recorder *r, int64_t now)
{
	bool tried = false;
	int rc = 0;

	r->write_at = 0;
	for (unsigned at = 0; at < r->count && !rc; at++)
		if (r->open[at].dirty) {
			at = write_run(r, at, now, &rc) - 1;
			tried = true;
		}
	if (rc)
		drop_dirty(r);
	if (tried)
		say_failing(r, rc);
}

/* The row of this minute like that one, or NULL. *ret_slot: its place in the index, or where it would be. */
static struct rn_flow_row *find(struct rn_recorder *r, const struct rn_flow_row *wanted, uint32_t *ret_slot)
{
	uint32_t slot = hash(wanted);

	while (r->index[slot] && !same(&r->rows[r->index[slot] - 1], wanted))
		slot = (slot + 1) % INDEX_SIZE;
	*ret_slot = slot;
	return r->index[slot] ? &r->rows[r->index[slot] - 1] : NULL;
}

static struct rn_flow_row *add(struct rn_recorder *r, const struct rn_flow_row *row, int64_t now)
{
	uint32_t slot;
	struct rn_flow_row *found = find(r, row, &slot);

	if (found)
		return found;
	if (r->count == r->room) {
		write_rows(r, now);
		forget_rows(r);
		slot = hash(row);
	}
	found = &r->rows[r->count];
	*found = *row;
	r->open[r->count++] = (struct open_row){0};
	r->index[slot] = r->count;
	return found;
}

static void count(struct rn_recorder *r, struct rn_flow_row *row, uint64_t flows, uint64_t packets)
{
	row->flows = flows > UINT32_MAX - row->flows ? UINT32_MAX : row->flows + (uint32_t)flows;
	row->packets = packets > UINT32_MAX - row->packets ? UINT32_MAX : row->packets + (uint32_t)packets;
	r->open[row - r->rows].dirty = true;
}

static void count_lost(struct rn_recorder *r, uint32_t hub, uint32_t source, uint64_t lost, int64_t now)
{
	struct rn_flow_row row = {.kind = RN_FLOW_LOST, .hub = hub, .source = source, .heard = (uint32_t)now};

	if (lost)
		count(r, add(r, &row, now), lost, 0);
}

/* ---- events ---- */

/* Has a packet from this port been dropped lately? Now it has. */
static bool is_retry(struct open_row *open, uint16_t port)
{
	for (unsigned i = 0; i < open->port_count; i++)
		if (open->ports[i] == port)
			return true;
	open->ports[open->port_next] = port;
	open->port_next = (uint8_t)((open->port_next + 1) % RECENT);
	if (open->port_count < RECENT)
		open->port_count++;
	return false;
}

/* May this one have one more row in this minute? */
static bool takes_share(struct rn_recorder *r, uint32_t device)
{
	uint32_t used = rn_numbers_get(r->of_source, device);

	return used < OF_ONE_SOURCE && rn_numbers_set(r->of_source, device, used + 1) == 0;
}

/*
 * What is told of another's device is of the teller's share: a captured hub cannot invent sources and fill the ring.
 * false: it has been counted as lost.
 */
static bool take(struct rn_recorder *r, const struct rn_event *e, struct rn_flow_row *wanted,
		 const struct rn_ledger *ledger, int64_t now)
{
	bool own = wanted->flags & RN_FLOW_AT_SOURCE;
	struct rn_flow_row *row;
	uint32_t slot;

	row = find(r, wanted, &slot);
	if (!row && !takes_share(r, own ? wanted->source : wanted->hub)) {
		r->lost++;
		count_lost(r, wanted->hub, own ? wanted->source : 0, 1, now);
		return false;
	}
	if (!row && wanted->policy) /* not for each event */
		snprintf(wanted->rule_id, sizeof(wanted->rule_id), "%s", rn_ledger_rule(ledger, wanted->rule));
	row = add(r, wanted, now);
	if (row->reason == RN_ALLOWED)
		count(r, row, 1, 0);
	else
		count(r, row, !is_retry(&r->open[row - r->rows], e->source_port), 1);
	return true;
}

static void new_minute(struct rn_recorder *r, int64_t now, int64_t now_ms)
{
	write_rows(r, now);
	forget_rows(r);
	rn_numbers_clear(r->of_source);
	r->minute_end = now_ms + MINUTE_MS;
	if (now > (int64_t)r->days * DAY_S) /* else the clock has not been set yet */
		rn_flow_store_expire(r->store, (uint32_t)(now - (int64_t)r->days * DAY_S), EXPIRED_AT_ONCE);
	(void)rn_flow_store_put(r->store, r->first, r->rows, 0, (uint32_t)now); /* a sign of life */
}

int64_t rn_recorder_take(struct rn_recorder *r, const struct rn_ledger *ledger, uint32_t reporter, uint64_t policy,
			 const uint8_t *events, size_t size, uint64_t lost, int64_t now, int64_t now_ms)
{
	struct rn_flow_row row;
	struct rn_event e;

	if (!r)
		return INT64_MAX;
	if (now_ms >= r->minute_end)
		new_minute(r, now, now_ms);
	for (; size >= sizeof(e); events += sizeof(e), size -= sizeof(e)) {
		memcpy(&e, events, sizeof(e));
		if (rn_flow_row_began(&e, ledger, reporter, policy, now, &row) && !take(r, &e, &row, ledger, now))
			continue; /* nor has the other one room */
		if (rn_flow_row_observed(&e, ledger, reporter, policy, now, &row))
			take(r, &e, &row, ledger, now);
	}
	r->lost += lost;
	count_lost(r, reporter, 0, lost, now);
	if (!r->write_at)
		r->write_at = now_ms + WRITE_MS;
	return r->write_at;
}

void rn_recorder_tick(struct rn_recorder *r, int64_t now, int64_t now_ms)
{
	if (!r)
		return;
	if (r->unwritten) {
		uint64_t lost = r->unwritten;

		r->unwritten = 0;
		count_lost(r, 0, 0, lost, now);
		r->write_at = now_ms;
	}
	if (now_ms >= r->minute_end)
		new_minute(r, now, now_ms);
	else if (r->write_at && now_ms >= r->write_at)
		write_rows(r, now);
}

/* ---- life ---- */

const struct rn_flow_store *rn_recorder_read(struct rn_recorder *r, int64_t now)
{
	if (!r)
		return NULL;
	write_rows(r, now);
	return r->store;
}

uint64_t rn_recorder_unwritten(const struct rn_recorder *r)
{
	return r ? r->unwritten : 0;
}

void rn_recorder_state(const struct rn_recorder *r, struct rn_recorder_state *ret)
{
	uint64_t oldest = rn_flow_store_oldest(r->store), newest = rn_flow_store_newest(r->store);
	struct rn_flow_row row;

	*ret = (struct rn_recorder_state){.rows = newest + 1 - oldest,
					  .room = rn_flow_store_room(r->store),
					  .lost = r->lost,
					  .failing = r->failing,
					  .aside = r->aside};
	for (uint64_t serial = oldest; serial < oldest + OLDEST_LOOKS && !ret->oldest; serial++)
		if (rn_flow_store_read(r->store, serial, &row, 1) && row.kind)
			ret->oldest = row.heard;
}

/* A file that is new begins with it too: before, nobody knows. */
static void say_silent(struct rn_recorder *r, int64_t now)
{
	uint32_t alive = rn_flow_store_alive(r->store);
	struct rn_flow_row row = {.kind = RN_FLOW_SILENT, .heard = (uint32_t)now, .packets = alive};

	if (rn_flow_store_newest(r->store) && now <= (int64_t)alive + SILENT_S)
		return;
	r->open[add(r, &row, now) - r->rows].dirty = true;
	write_rows(r, now);
}

static int open_store(struct rn_recorder *r, const char *path, uint32_t rows, struct rn_err *why)
{
	int rc = rn_flow_store_open(path, rows < RN_FLOW_ROWS_MAX ? rows : RN_FLOW_ROWS_MAX, &r->store, &r->aside, why);

	if (r->aside)
		rn_log(RN_LOG_WARNING,
		       "%s was damaged: it is %s" RN_FLOW_STORE_ASIDE " now, and flows are recorded anew", path, path);
	if (rc)
		rn_log(RN_LOG_WARNING, "%s; flows are not recorded until core begins anew", why->text);
	return rc;
}

/* Who turns it off does not want to keep what there was. */
static void remove_file(const char *path)
{
	char aside[RN_PATH_SIZE + sizeof(RN_FLOW_STORE_ASIDE)];

	snprintf(aside, sizeof(aside), "%s" RN_FLOW_STORE_ASIDE, path);
	(void)unlink(aside);
	snprintf(aside, sizeof(aside), "%s" RN_FLOW_STORE_NEW, path);
	(void)unlink(aside);
	if (unlink(path) == 0)
		rn_log(RN_LOG_NOTICE, "%s is removed: flows are not to be recorded", path);
}

struct rn_recorder *rn_recorder_new(const char *dir, uint32_t rows, uint32_t days, int64_t now, int64_t now_ms,
				    struct rn_err *why)
{
	struct rn_recorder *r;
	char path[RN_PATH_SIZE];

	*why = (struct rn_err){""};
	if (rn_path_join(path, sizeof(path), dir, FILE_NAME))
		return NULL;
	if (!rows || !days) {
		remove_file(path);
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->of_source = rn_numbers_new();
	r->days = days;
	r->room = rows < OPEN_MAX ? rows : OPEN_MAX; /* none of them is overwritten while it is here */
	r->minute_end = now_ms + MINUTE_MS;
	if (!r->of_source || open_store(r, path, rows, why)) {
		rn_numbers_free(r->of_source);
		free(r);
		return NULL;
	}
	forget_rows(r);
	say_silent(r, now);
	return r;
}

void rn_recorder_free(struct rn_recorder *r, int64_t now)
{
	if (!r)
		return;
	write_rows(r, now);
	(void)rn_flow_store_put(r->store, r->first, r->rows, 0, (uint32_t)now);
	rn_flow_store_close(r->store);
	rn_numbers_free(r->of_source);
	free(r);
}
