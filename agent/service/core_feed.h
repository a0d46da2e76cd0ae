/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_FEED_H
#define RN_SERVICE_CORE_FEED_H

#include "service/core_interests.h"
#include "service/core_ledger.h"

/*
 * The records that one receiver (a session downstream, or this host's kern) needs, in the order that is safe: by
 * version, but the policy after every device record there is, because what a policy names must be known when it comes
 * into force, and finer devices change nothing under the old one. A slow receiver gets the newest of each record only.
 *
 * A hub gets the devices that list it or left it, all hubs and all identities; a node what its hub gets of devices, and
 * the hubs that it lists itself. Both get network and policy, and the devices of other hubs that they have an interest in.
 *
 * Behind the records goes a mark: up to there all was sent. It never says more than this host's own upstream has said,
 * because what is missing here (a policy comes after newer devices) is missing at the receiver too.
 */
struct rn_feed {
	uint32_t hub;		       /* whose devices: the hub that feeds it, or the receiver itself where it is one */
	uint32_t receiver;	       /* its own record it gets in any case */
	uint32_t homes[RN_HOMES_MAX];  /* of a node: the hubs that it lists */
	bool other_hubs;	       /* the receiver is a hub */
	bool everything;	       /* the receiver has all that this host has */
	bool left;		       /* the receiver is a node that this hub is not to have any more */
	struct rn_position at, policy; /* up to where everything but the policy was sent, and which policy */
	struct rn_position marked;
	bool unmarked;			/* something was sent that no mark covers */
	struct rn_interests *interests; /* NULL: none yet */
	uint32_t *due;			/* devices whose records are to be sent, whatever `at` is */
	unsigned due_count, due_room;
};

struct rn_feed_out {
	void *context;
	bool (*ready)(void *context);
	int (*record)(void *context, const struct rn_ledger_entry *entry); /* not 0: stop, the receiver is gone */
	int (*synced)(void *context, const struct rn_position *at);	   /* a mark */
};

/* A feed is zeroed before its first start. A start keeps the interests. */
void rn_feed_start(struct rn_feed *feed, uint32_t hub, const struct rn_device_record *receiver,
		   struct rn_position after);
/* The receiver is a node that lists these hubs now: those that are new to it are sent. */
void rn_feed_homes(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_device_record *receiver);
/*
 * The receiver is a node that this hub is not to have any more: until another start it gets its own record and its
 * hubs' alone.
 */
void rn_feed_left(struct rn_feed *feed);
void rn_feed_end(struct rn_feed *feed); /* frees what it has and zeroes it */
/*
 * The receiver has to do with this device: its record (NULL: it comes later) is sent, and so is each newer one. has:
 * the version that it says it has, NULL: none. What it has may be older than its mark: the session ended between the
 * mark and what came after it. 0 or -ENOMEM; *ret_gone as of rn_interests_add.
 */
int rn_feed_interest(struct rn_feed *feed, uint32_t device, const struct rn_ledger_entry *entry,
		     const struct rn_position *has, uint32_t *ret_gone);
bool rn_feed_wants(const struct rn_feed *feed, const struct rn_ledger_entry *entry);
/*
 * The ledger has taken a record that should have come long before (who passes records on can hold them back), or one
 * that was asked for. Where the feed is past it, it is sent all the same. Each costs its sender a record that was never
 * taken before.
 */
void rn_feed_again(struct rn_feed *feed, const struct rn_ledger_entry *entry);
/*
 * Sends what is new until all is sent or the receiver is not ready. Call it when either may have changed. whole: up to
 * where the ledger lacks nothing.
 */
void rn_feed_pump(struct rn_feed *feed, const struct rn_ledger *ledger, const struct rn_position *whole,
		  const struct rn_feed_out *out);

#endif
