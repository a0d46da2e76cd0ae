/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_RUN_H
#define RN_SERVICE_CORE_RUN_H

#include <sys/types.h>

#include "base/err.h"
#include "proto/local.h"
#include "service/core.h"
#include "sys/conf.h"

/*
 * core as its host process runs it: no socket and no clock inside. role/core.c gives these callbacks sockets, tests
 * give them function calls. Nothing here calls back into core from within a callback.
 */
enum rn_core_peer { RN_CORE_KERN, RN_CORE_NET, RN_CORE_CA, RN_CORE_WEB, RN_CORE_PEERS };

struct rn_core_io {
	void *context;
	/* Is the peer there, and does its queue have room? Asked before a record; rn_core_ready says when it has again.
	 */
	bool (*ready)(void *context, enum rn_core_peer peer);
	/* 0 (sent or queued), -ENOTCONN, or -ENOBUFS after which the peer is gone. */
	int (*send)(void *context, enum rn_core_peer peer, const struct rn_local *message);
	int64_t (*now_us)(void *context); /* monotonic */
	int64_t (*now)(void *context);	  /* Unix seconds */
	/*
	 * A gateway's newest version, kept where a backup of its state does not go and a reboot ends; 0: none. By it a
	 * start knows that its state is not an older one. NULL: nothing is kept.
	 */
	void (*keep)(void *context, uint64_t version);
	uint64_t (*kept)(void *context);
	/* Call rn_core_tick when now_us is at_ms * 1000, or before. */
	void (*arm)(void *context, int64_t at_ms);
	/*
	 * As rn_worker_add (sys/worker.h), which tells back before rn_core_end is called. NULL: there is nobody else
	 * to work, and everything is done at once.
	 */
	int (*work)(void *context, void (*run)(void *job), void (*done)(void *job, bool ran), void *job);
};

struct rn_core_params {
	char dir[256]; /* STATE/state/core */
	uint32_t flow_rows, flow_days; /* of a gateway: what it keeps of flows (core_recorder.h); 0: nothing */
	struct rn_self self;
	struct rn_anchor anchor;
	uint8_t anchor_blob[RN_ANCHOR_SIZE]; /* as signed by the root, for new devices */
	struct rn_core_io io;
};

/* Opens core.db (made where absent, but not on a gateway) and, on a gateway, its keys. -errno with a sentence. */
int rn_core_new(const struct rn_core_params *params, struct rn_core **ret, struct rn_err *err);
/* Answers everybody who waits, stores what is pending. After it only rn_core_gone and rn_core_free are legal. */
void rn_core_end(struct rn_core *core);
void rn_core_free(struct rn_core *core); /* ends it first; NULL is legal */

void rn_core_connected(struct rn_core *core, enum rn_core_peer peer);
void rn_core_gone(struct rn_core *core, enum rn_core_peer peer);
/* One decoded message of the peer. False: it made no sense; the caller ends the connection. */
bool rn_core_receive(struct rn_core *core, enum rn_core_peer peer, const struct rn_local *message);
void rn_core_ready(struct rn_core *core, enum rn_core_peer peer);
/* Does what is due, and arms the next. */
void rn_core_tick(struct rn_core *core);

#endif
