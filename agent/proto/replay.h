/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_REPLAY_H
#define RN_PROTO_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

/* The sliding window of RFC 6479: a counter is accepted once, and not when it is older than the window. */
struct rn_replay {
	uint64_t next; /* one above the highest accepted */
	uint64_t bitmap[RN_REPLAY_WINDOW / 64];
};

/* Call for authenticated datagrams only. */
bool rn_replay_accept(struct rn_replay *r, uint64_t counter);

#endif
