/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/homes.h"

#define DUE_MAX 256 /* more go by going back */

void rn_feed_start(struct rn_feed *feed, uint32_t hub, const struct rn_device_record *receiver,
		   struct rn_position after)
{
	*feed = (struct rn_feed){
	    .hub = hub,
	    .receiver = receiver->number,
	    .other_hubs = rn_kind_is_hub(receiver->kind),
	    .everything = feed->everything,
	    .at = after,
	    .policy = after,
	    .unmarked = true,
	    .interests = feed->interests,
	    .due = feed->due,
	    .due_room = feed->due_room,
	};
}

void rn_feed_end(struct rn_feed *feed)
{
	rn_interests_free(feed->interests);
	free(feed->due);
	*feed = (struct rn_feed){0};
}

/* ---- what is sent out of order ---- */

static int add_due(struct rn_feed *feed, uint32_t device)
{
	for (unsigned i = 0; i < feed->due_count; i++)
		if (feed->due[i] == device)
			return 0;
	if (feed->due_count == feed->due_room) {
		unsigned room = feed->due_room ? feed->due_room * 2 : 16;
		uint32_t *more = realloc(feed->due, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		feed->due = more;
		feed->due_room = room;
	}
	feed->due[feed->due_count++] = device;
	return 0;
}

void rn_feed_again(struct rn_feed *feed, const struct rn_ledger_entry *entry)
{
	struct rn_position *sent = entry->type == RN_RECORD_POLICY ? &feed->policy : &feed->at;
	bool device = entry->type == RN_RECORD_DEVICE;
	if (rn_position_before(sent, entry) || (device && !rn_feed_wants(feed, entry)))
		return;
	if (!device || feed->due_count >= DUE_MAX || add_due(feed, entry->device))
		*sent = (struct rn_position){entry->epoch, entry->version - 1};
}

int rn_feed_interest(struct rn_feed *feed, uint32_t device, const struct rn_ledger_entry *entry,
		     const struct rn_position *has, uint32_t *ret_gone)
{
	*ret_gone = 0;
	if (!feed->interests)
		feed->interests = rn_interests_new();
	if (!feed->interests)
		return -ENOMEM;
	int rc = rn_interests_add(feed->interests, device, ret_gone);
	if (!rc && entry && (!has || rn_position_before(has, entry)))
		rn_feed_again(feed, entry);
	return rc;
}

static bool has_home(const struct rn_feed *feed, uint32_t hub)
{
	for (unsigned i = 0; i < RN_HOMES_MAX; i++)
		if (feed->homes[i] == hub)
			return true;
	return false;
}

void rn_feed_homes(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_device_record *receiver)
{
	const struct rn_ledger_entry *entry;
	for (unsigned i = 0; i < RN_HOMES_MAX && !feed->other_hubs; i++) {
		uint32_t hub = rn_homes_at(receiver, i);
		bool known = !hub || has_home(feed, hub);
		feed->homes[i] = hub;
		entry = known ? NULL : rn_ledger_device(ledger, hub);
		if (entry)
			rn_feed_again(feed, entry);
	}
}

void rn_feed_left(struct rn_feed *feed)
{
	feed->left = true;
}

bool rn_feed_wants(const struct rn_feed *feed, const struct rn_ledger_entry *entry)
{
	if (entry->type == RN_RECORD_IDENTITY)
		return feed->other_hubs;
	if (entry->type != RN_RECORD_DEVICE || feed->everything)
		return true;
	if (rn_kind_is_hub(entry->record.kind) && (feed->other_hubs || has_home(feed, entry->device)))
		return true;
	if (entry->device == feed->receiver)
		return true;
	return !feed->left &&
	       (rn_homes_concern(&entry->record, feed->hub) || rn_interests_has(feed->interests, entry->device));
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
	bool all = rn_position_reaches(whole, &feed->at), end_known = whole->version != UINT64_MAX;
	const struct rn_position *end = end_known ? whole : &feed->at;
	if (!feed->unmarked || rn_position_reaches(&feed->marked, end) || !out->ready(out->context) ||
	    out->synced(out->context, end))
		return;
	feed->marked = *end;
	feed->unmarked = !all;
}

/* False where it must stop. Records rest on each other by version and not by order (record.h). */
static bool send_due(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_feed_out *out)
{
	while (feed->due_count) {
		const struct rn_ledger_entry *e = rn_ledger_device(ledger, feed->due[feed->due_count - 1]);
		/* What is newer than `at` comes in its turn. */
		if (e && rn_feed_wants(feed, e) && !rn_position_before(&feed->at, e) && !send(feed, e, out))
			return false;
		feed->due_count--;
	}
	return true;
}

void rn_feed_pump(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_position *whole,
		  const struct rn_feed_out *out)
{
	const struct rn_ledger_entry *policy = rn_ledger_policy(ledger);
	if (!send_due(feed, ledger, out))
		return;
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
