/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_feed.h"

void rn_feed_start(struct rn_feed *feed, const struct rn_device_record *receiver, struct rn_position after)
{
	*feed = (struct rn_feed){
	    .hub = receiver->hub,
	    .other_hubs = rn_kind_is_hub(receiver->kind),
	    .at = after,
	    .policy = after,
	    .unmarked = true,
	};
}

void rn_feed_again(struct rn_feed *feed, const struct rn_ledger_entry *entry)
{
	struct rn_position *sent = entry->type == RN_RECORD_POLICY ? &feed->policy : &feed->at;
	if (!rn_position_before(sent, entry))
		*sent = (struct rn_position){entry->epoch, entry->version - 1};
}

bool rn_feed_wants(const struct rn_feed *feed, const struct rn_ledger_entry *entry)
{
	if (entry->type != RN_RECORD_DEVICE)
		return true;
	return entry->record.hub == feed->hub || (feed->other_hubs && rn_kind_is_hub(entry->record.kind));
}

static const struct rn_ledger_entry *first_after(const struct rn_ledger *ledger, const struct rn_position *at)
{
	const struct rn_ledger_entry *first = NULL;
	for (const struct rn_ledger_entry *e = rn_ledger_newest(ledger); e && rn_position_before(at, e); e = e->older)
		first = e;
	return first;
}

/* False where it must stop. */
static bool send(struct rn_feed *feed, const struct rn_ledger_entry *entry, const struct rn_feed_out *out)
{
	if (!out->ready(out->context) || out->record(out->context, entry))
		return false;
	feed->unmarked = true;
	return true;
}

/* What has not come to this host yet cannot have been sent either: the mark waits for it, but for the first. */
static void mark(struct rn_feed *feed, const struct rn_position *whole, const struct rn_feed_out *out)
{
	bool all = rn_position_reaches(whole, &feed->at);
	const struct rn_position *end = all ? &feed->at : whole;
	if (!feed->unmarked || rn_position_reaches(&feed->marked, end) || !out->ready(out->context) ||
	    out->synced(out->context, end))
		return;
	feed->marked = *end;
	feed->unmarked = !all;
}

void rn_feed_pump(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_position *whole,
		  const struct rn_feed_out *out)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(ledger);
	for (const struct rn_ledger_entry *e = first_after(ledger, &feed->at); e; e = e->newer) {
		if (e->type != RN_RECORD_POLICY && rn_feed_wants(feed, e) && !send(feed, e, out))
			return;
		feed->at = (struct rn_position){e->epoch, e->version};
	}
	/* At a hub it arrives last as well, when `at` may be past its version. */
	if (policy && rn_position_before(&feed->policy, policy)) {
		if (!send(feed, policy, out))
			return;
		feed->policy = (struct rn_position){policy->epoch, policy->version};
	}
	mark(feed, whole, out);
}
