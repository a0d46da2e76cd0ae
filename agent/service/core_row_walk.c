/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_row_walk.h"

#include <errno.h>

#include "service/core_state.h"

#define SLICE_US 3000
#define AT_ONCE 256u
#define PATIENCE_MS 25000 /* then the answer could come too late */
#define HOUR_S 3600

static int64_t oldest_heard(const struct rn_flow_store *store)
{
	struct rn_flow_row rows[AT_ONCE];
	uint64_t serial = rn_flow_store_oldest(store);
	unsigned count;

	for (; (count = rn_flow_store_read(store, serial, rows, AT_ONCE)); serial += count)
		for (unsigned i = 0; i < count; i++)
			if (rows[i].kind)
				return rows[i].heard;
	return 0;
}

int rn_row_walk_begin(struct rn_core *core, struct rn_row_walk *walk, unsigned hours, struct rn_err *err)
{
	int64_t now = rn_core_now(core);
	const struct rn_flow_store *store = rn_recorder_read(core->recorder, now);

	if (!store)
		return rn_fail(
		    err, -ENOTSUP,
		    "flows are not recorded here: see flow_rows and flow_days in rnaut.conf, and core's log");
	*walk = (struct rn_row_walk){
	    .span = {.since = now - (int64_t)hours * HOUR_S, .until = now, .recorded_since = oldest_heard(store)},
	    .next = rn_flow_store_oldest(store),
	    .end = rn_flow_store_newest(store),
	    .begun_ms = rn_core_now_ms(core)};
	return 0;
}

/* Of what is no flow: how much is missing. true: it is one. */
static bool is_flow(struct rn_core_span *span, const struct rn_flow_row *row)
{
	switch (row->kind) {
	case RN_FLOW_BEGAN:
	case RN_FLOW_OBSERVED:
		return true;
	case RN_FLOW_LOST:
		span->lost += row->flows;
		return false;
	case RN_FLOW_SILENT:
		if (row->packets && row->heard > row->packets) {
			span->silences++;
			span->silent_s += row->heard - row->packets;
		}
		return false;
	default:
		span->damaged++;
		return false;
	}
}

static int64_t now_us(struct rn_core *core)
{
	return core->params.io.now_us(core->params.io.context);
}

static int slice(struct rn_core *core, struct rn_row_walk *walk, const struct rn_flow_store *store,
		 int (*take)(struct rn_core *core, void *context, const struct rn_flow_row *row), void *context)
{
	struct rn_flow_row rows[AT_ONCE];
	int64_t end = now_us(core) + SLICE_US;
	uint64_t oldest = rn_flow_store_oldest(store);

	if (walk->next < oldest) /* they gave way meanwhile */
		walk->next = oldest;
	while (walk->next <= walk->end) {
		unsigned count = rn_flow_store_read(store, walk->next, rows, AT_ONCE);
		if (!count)
			return 1;
		for (unsigned i = 0; i < count && walk->next <= walk->end; i++) {
			bool outside =
			    rows[i].kind && (rows[i].heard < walk->span.since || rows[i].heard > walk->span.until);
			int rc = outside || !is_flow(&walk->span, &rows[i]) ? 0 : take(core, context, &rows[i]);
			if (rc < 0)
				return rc;
			walk->next++;
			if (now_us(core) >= end)
				return walk->next > walk->end;
		}
	}
	return 1;
}

int rn_row_walk_slice(struct rn_core *core, struct rn_row_walk *walk, bool last,
		      int (*take)(struct rn_core *core, void *context, const struct rn_flow_row *row), void *context,
		      struct rn_err *err)
{
	const struct rn_flow_store *store = last ? NULL : rn_recorder_read(core->recorder, rn_core_now(core));
	int rc;

	if (!store)
		return rn_fail(err, -EAGAIN, "core is ending: try again in a moment");
	rc = slice(core, walk, store, take, context);
	if (rc == -ENOMEM)
		return rn_fail(err, rc, "out of memory");
	if (!rc && rn_core_now_ms(core) - walk->begun_ms > PATIENCE_MS)
		return rn_fail(err, -EAGAIN, "this takes more than %d s: ask for the flows of fewer hours",
			       PATIENCE_MS / 1000);
	if (!rc)
		rn_core_arm(core, rn_core_now_ms(core));
	return rc;
}
