/* SPDX-License-Identifier: Apache-2.0 */
/* The flows that the gateway recorded, as the API lists them: newest first, and so many rows looked at in one call. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "service/core_state.h"

#define LOOKED_AT 65536u /* 8 MiB: some milliseconds */
#define AT_ONCE 512u

static bool is_named(const char *wanted, const char *name)
{
	return !wanted || strcmp(wanted, name) == 0;
}

static bool is_protocol(int wanted, uint8_t protocol)
{
	return wanted < 0 || protocol == wanted || (wanted == IPPROTO_ICMP && protocol == IPPROTO_ICMPV6);
}

static bool fits(const struct rn_core_recorded_query *q, const struct rn_core_recorded *flow)
{
	const struct rn_flow_row *row = flow->row;

	if (q->observed ? row->kind != RN_FLOW_OBSERVED || strcmp(q->observed, row->rule_id) != 0
			: row->kind != RN_FLOW_BEGAN)
		return false;
	return is_protocol(q->protocol, row->protocol) && (q->port < 0 || row->port == q->port) &&
	       (q->denied < 0 || (row->reason != RN_ALLOWED) == q->denied) && is_named(q->rule, row->rule_id) &&
	       is_named(q->source, flow->source) && is_named(q->destination, flow->destination) &&
	       is_named(q->hub, flow->hub) && is_named(q->owner, flow->owner);
}

static struct rn_core_recorded describe(struct rn_core *core, uint64_t serial, const struct rn_flow_row *row)
{
	const struct rn_ledger_entry *source = rn_ledger_device(core->books.ledger, row->source);

	return (struct rn_core_recorded){.serial = serial,
					 .row = row,
					 .source = source ? source->record.name : "",
					 .owner = source ? source->record.owner_name : "",
					 .destination = rn_core_name(core, row->destination),
					 .hub = rn_core_name(core, row->hub)};
}

static int64_t oldest(const struct rn_flow_store *store)
{
	struct rn_flow_row row;

	return rn_flow_store_read(store, rn_flow_store_oldest(store), &row, 1) ? row.heard : 0;
}

/* From the block's end down. Returns the last serial looked at; 0: there is nothing older in the span. */
static uint64_t walk(struct rn_core *core, const struct rn_core_recorded_query *q, uint64_t first,
		     const struct rn_flow_row *rows, unsigned count, unsigned *left,
		     void (*each)(void *context, const struct rn_core_recorded *), void *context,
		     struct rn_core_recorded_end *end)
{
	for (unsigned i = count; i-- > 0;) {
		if (rows[i].kind && rows[i].heard < q->since)
			return 0;
		end->lost += rows[i].kind == RN_FLOW_LOST ? rows[i].flows : 0;
		end->silences += rows[i].kind == RN_FLOW_SILENT && rows[i].packets;
		end->damaged += !rows[i].kind;
		if (rows[i].kind != RN_FLOW_BEGAN && rows[i].kind != RN_FLOW_OBSERVED)
			continue;
		struct rn_core_recorded flow = describe(core, first + i, &rows[i]);
		if (!fits(q, &flow))
			continue;
		each(context, &flow);
		if (--*left == 0)
			return first + i;
	}
	return first;
}

int rn_core_recorded(struct rn_core *core, const struct rn_core_recorded_query *query,
		     void (*each)(void *context, const struct rn_core_recorded *), void *context,
		     struct rn_core_recorded_end *ret, struct rn_err *err)
{
	const struct rn_flow_store *store = rn_recorder_read(core->recorder, rn_core_now(core));
	struct rn_flow_row rows[AT_ONCE];
	struct rn_core_recorded_end end = {0};
	unsigned left = query->limit, looked = 0;
	int rc = rn_core_need_gateway(core, err);

	if (!rc && !store)
		rc = rn_fail(err, -ENOTSUP,
			     "flows are not recorded here: see flow_rows and flow_days in rnaut.conf, and core's log");
	if (rc)
		return rc;
	uint64_t newest = rn_flow_store_newest(store), first = rn_flow_store_oldest(store);
	uint64_t before = query->before && query->before <= newest ? query->before : newest + 1;

	while (before > first && left && looked < LOOKED_AT) {
		uint64_t from = before - first > AT_ONCE ? before - AT_ONCE : first;
		unsigned count = rn_flow_store_read(store, from, rows, (unsigned)(before - from)), more = 0;

		if (count < before - from) /* the ring's end is between */
			more = rn_flow_store_read(store, from + count, rows + count, (unsigned)(before - from) - count);
		before = walk(core, query, from, rows, count + more, &left, each, context, &end);
		looked += count + more;
	}
	end.next = before > first ? before : 0;
	end.oldest = oldest(store);
	*ret = end;
	return 0;
}

void rn_core_recording(struct rn_core *core, struct rn_core_recording *ret)
{
	struct rn_recorder_state s;

	*ret = (struct rn_core_recording){.off = !core->recorder && !core->recorder_why.text[0]};
	if (!core->recorder) {
		ret->problem = ret->off ? NULL : core->recorder_why.text;
		return;
	}
	rn_recorder_state(core->recorder, &s);
	*ret = (struct rn_core_recording){
	    .on = true,
	    .problem = !s.failing ? NULL
		       : s.failing == -ENOSPC
			   ? "the disk is full: flows are counted as lost until there is room"
			   : "the file of recorded flows cannot be written: flows are counted as lost",
	    .rows = s.rows,
	    .rows_max = s.room,
	    .lost = s.lost,
	    .oldest = s.oldest,
	    .aside = s.aside};
}
