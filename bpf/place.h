/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_PLACE_H
#define RN_BPF_PLACE_H

#include "context.h"

static __always_inline enum rn_reason rn_place_hub(struct rn_context *c, __u64 source, __u64 destination)
{
	__u64 both = RN_STATE_ATTACHED | RN_STATE_LOCAL;

	if (c->direction == RN_EGRESS) {
		if (!(source & RN_STATE_LOCAL))
			return RN_WRONG_SOURCE;
		return (destination & both) == RN_STATE_ATTACHED ? RN_ALLOWED : RN_NO_ROUTE;
	}
	if ((source & both) != RN_STATE_ATTACHED)
		return RN_WRONG_SOURCE;
	if (!(destination & both))
		return RN_NO_ROUTE;
	c->leaves = !(destination & RN_STATE_LOCAL);
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_place_node(struct rn_context *c, __u64 source, __u64 destination)
{
	__u64 from = c->direction == RN_EGRESS ? RN_STATE_LOCAL : 0;

	if ((source & RN_STATE_LOCAL) != from)
		return RN_WRONG_SOURCE;
	return (destination & RN_STATE_LOCAL) != from ? RN_ALLOWED : RN_NO_ROUTE;
}

/* docs/datapath.md 5, with the states of the judged flow's two ends. */
static __always_inline enum rn_reason rn_place(struct rn_context *c, __u64 originator, __u64 responder)
{
	__u64 source = c->backward ? responder : originator;
	__u64 destination = c->backward ? originator : responder;

	if (c->role == RN_ROLE_HUB)
		return rn_place_hub(c, source, destination);
	if (c->role == RN_ROLE_NODE)
		return rn_place_node(c, source, destination);
	return RN_INTERNAL;
}

#endif
