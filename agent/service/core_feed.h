/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_FEED_H
#define RN_SERVICE_CORE_FEED_H

#include "service/core_ledger.h"

/*
 * The records that one receiver (a session downstream, or this host's kern) needs, in the order that is safe: by
 * version, but the policy after every device record there is, because what a policy names must be known when it comes
 * into force, and finer devices change nothing under the old one. A slow receiver gets the newest of each record only.
 *
 * A hub gets its devices and all hubs; a node gets the devices of its hub. Both get network and policy.
 *
 * Behind the records goes a mark: up to there all was sent. It never says more than this host's own upstream has said,
 * because what is missing here (a policy comes after newer devices) is missing at the receiver too.
 */
struct rn_feed {
	uint32_t hub;		       /* whose devices: the receiver's hub, or the receiver itself where it is one */
	bool other_hubs;	       /* the receiver is a hub */
	struct rn_position at, policy; /* up to where everything but the policy was sent, and which policy */
	struct rn_position marked;
	bool unmarked; /* something was sent that no mark covers */
};

struct rn_feed_out {
	void *context;
	bool (*ready)(void *context);
	int (*record)(void *context, const struct rn_ledger_entry *entry); /* not 0: stop, the receiver is gone */
	int (*synced)(void *context, const struct rn_position *at);	   /* a mark */
};

void rn_feed_start(struct rn_feed *feed, const struct rn_device_record *receiver, struct rn_position after);
bool rn_feed_wants(const struct rn_feed *feed, const struct rn_ledger_entry *entry);
/*
 * The ledger has taken a record that should have come long before (who passes records on can hold them back). Where the
 * feed is past it, it goes back and sends it and, in order, all device records above it, which the receiver knows. Each
 * costs its sender a record that was never taken before.
 */
void rn_feed_again(struct rn_feed *feed, const struct rn_ledger_entry *entry);
/*
 * Sends what is new until all is sent or the receiver is not ready. Call it when either may have changed. whole: up to
 * where the ledger lacks nothing.
 */
void rn_feed_pump(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_position *whole,
		  const struct rn_feed_out *out);

#endif
