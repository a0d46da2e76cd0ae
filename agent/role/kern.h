/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_ROLE_KERN_H
#define RN_ROLE_KERN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "domain/policy_parts.h"
#include "domain/reading.h"
#include "proto/local.h"
#include "service/endings.h"
#include "service/enforce.h"
#include "service/lease.h"
#include "service/overlay.h"
#include "service/peers.h"
#include "service/revoked.h"
#include "service/sender.h"
#include "service/telemetry.h"
#include "service/underlay.h"
#include "sys/conf.h"

/* The process kern: what its files share. One thread, poll(2). */
#define RN_STATUS_PEERS_MAX 2000u /* in one status: what fits a message */
#define RN_STATUS_PEER_SIZE (4 + 16 + 2 + 3 * 8)

struct rn_kern {
	struct rn_conf conf;
	struct rn_self self;
	struct rn_anchor anchor;
	uint8_t wireguard_public[RN_KEY_SIZE];
	struct rn_datapath *dp;
	struct rn_enforce *enforce;
	struct rn_peers *peers;
	struct rn_overlay *overlay;
	struct rn_lease *lease;
	struct rn_revoked *revoked;
	struct rn_telemetry *telemetry;
	struct rn_underlay *underlay;
	struct rn_endings *endings;
	struct rn_parts *parts; /* of the policy in force, and of the one that is coming */
	bool link_down; /* core has said so */
	bool ended;	/* this host is a project's hub, and its end has come */
	/* of a hub: its device to other hubs; else NULL and zero */
	uint8_t mesh_public[RN_KEY_SIZE];
	struct rn_peers *mesh_peers;
	struct rn_overlay *mesh;
	struct rn_sender *sender; /* NULL: net cannot be listened to */
	int wall;		  /* says when the clock is set; negative: nothing does */
	struct rn_reading *reading; /* of a hub: what identity numbers mean; else NULL */
	struct rn_device_record *hubs;
	uint32_t hub_count, hub_room;
	bool network_applied;	  /* in this run */
	bool syncing;
	bool settled; /* the interface was up when last looked at */
	/* core */
	uid_t core_uid;
	char core_path[160];
	int core; /* connection, -1: none */
	int64_t connect_at_ms;
	bool strange_core; /* somebody else listened; said once */
	bool applied_due;
	uint64_t applied;		  /* up to this version everything that core has is in the kernel */
	uint64_t refused, policy_refused; /* lowest since the last mark; until a policy is in force; 0: none */
	uint8_t peers_block[RN_STATUS_PEERS_MAX * RN_STATUS_PEER_SIZE];
	size_t peers_block_size;
};

/* kern_core.c: the connection to core. */
void rn_kern_connect(struct rn_kern *k, int64_t now_ms);
void rn_kern_receive(struct rn_kern *k); /* core is readable */
void rn_kern_writable(struct rn_kern *k);
bool rn_kern_wants_write(const struct rn_kern *k);
int rn_kern_send(void *kern, const struct rn_local *message); /* 0, -EAGAIN, -ENOTCONN; closes a broken connection */
void rn_kern_refuse(struct rn_kern *k, uint64_t version, const char *why);

/* kern_records.c: what core hands on from the gateway, believed only with its signature. */
void rn_kern_record(struct rn_kern *k, const uint8_t *data, size_t size);
void rn_kern_remove(struct rn_kern *k, uint32_t number);
void rn_kern_sync(struct rn_kern *k);
void rn_kern_synced(struct rn_kern *k, uint32_t epoch, uint64_t version); /* the mark: ends a sync, raises applied */
void rn_kern_endings(struct rn_kern *k); /* hubs whose end has come go */
void rn_kern_set_ended(struct rn_kern *k, bool over);
void rn_kern_save(struct rn_kern *k);					  /* the floor; logs a failure */
void rn_kern_save_revoked(struct rn_kern *k); /* where something is due; logs a failure, which is tried again */

/* kern_resume.c: what it knew when it ended. */
int rn_kern_remember(struct rn_kern *k, const char *directory, struct rn_err *err); /* STATE/state/kern: -errno */
void rn_kern_resume(struct rn_kern *k, bool adopted); /* adopted: the tables are those of its last run */

/* kern_port.c: WireGuard's UDP port shared with control. */
void rn_kern_port_listen(struct rn_kern *k); /* as root; logs a failure */
int rn_kern_port_start(struct rn_kern *k, uid_t net_uid, struct rn_err *err);
void rn_kern_port_check(struct rn_kern *k);
void rn_kern_port_status(const struct rn_kern *k, struct rn_local_status *s);

/* kern_mesh.c: a hub's device to other hubs. All do nothing on other hosts. */
int rn_kern_mesh_read(struct rn_kern *k, const char *directory, struct rn_err *err);
int rn_kern_mesh_start(struct rn_kern *k, bool adopted, struct rn_err *err);
void rn_kern_mesh_done(struct rn_kern *k);
void rn_kern_mesh_check(struct rn_kern *k);
void rn_kern_mesh_addresses(struct rn_kern *k, const struct rn_device_record *own);
void rn_kern_mesh_device(struct rn_kern *k, const struct rn_device_record *device);
void rn_kern_mesh_remove(struct rn_kern *k, uint32_t number);
void rn_kern_mesh_synced(struct rn_kern *k);
void rn_kern_mesh_status(const struct rn_kern *k, struct rn_local_status *s);

/* kern_number.c: which hubs this one hears, and what identity numbers mean. All do nothing on other hosts. */
int rn_kern_number_start(struct rn_kern *k, struct rn_err *err);
void rn_kern_number_attach(struct rn_kern *k); /* enforce is there */
void rn_kern_number_done(struct rn_kern *k);
void rn_kern_number_hub(struct rn_kern *k, uint64_t version, const struct rn_device_record *device); /* or no hub */
void rn_kern_number_remove(struct rn_kern *k, uint32_t number); /* a hub, or not */
int rn_kern_number_take(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
			struct rn_err *err);
void rn_kern_forget(struct rn_kern *k); /* then APPLIED says 0 */

/* kern_start.c: everything up to the loop. 0 or -errno with a sentence. */
int rn_kern_start(struct rn_kern *k, struct rn_err *err);
void rn_kern_done(struct rn_kern *k); /* nothing in the kernel is torn down */
int rn_kern_clean(void);	      /* --remove: exit status */

#endif
