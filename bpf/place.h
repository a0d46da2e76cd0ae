/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_PLACE_H
#define RN_BPF_PLACE_H

#include "context.h"

/* What another hub sends is for this hub or its devices, and from a device that is behind that hub. */
static __always_inline enum rn_reason rn_place_mesh(struct rn_context *c, __u64 source, __u64 destination)
{
	__u64 places = RN_STATE_ATTACHED | RN_STATE_LOCAL | RN_STATE_REMOTE;

	if ((source & places) != RN_STATE_REMOTE || RN_STATE_PEER(source) != c->from_peer)
		return RN_WRONG_SOURCE;
	if (!(destination & (RN_STATE_ATTACHED | RN_STATE_LOCAL)))
		return RN_NO_ROUTE;
	c->leaves = destination & RN_STATE_LOCAL ? RN_STAYS : RN_TO_DEVICE;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_place_hub(struct rn_context *c, __u64 source, __u64 destination)
{
	__u64 both = RN_STATE_ATTACHED | RN_STATE_LOCAL;

	if (c->from_peer)
		return rn_place_mesh(c, source, destination);
	if (c->direction == RN_EGRESS) {
		if (!(source & RN_STATE_LOCAL))
			return RN_WRONG_SOURCE;
		if (destination & RN_STATE_LOCAL || !(destination & (RN_STATE_ATTACHED | RN_STATE_REMOTE)))
			return RN_NO_ROUTE;
		c->leaves = destination & RN_STATE_ATTACHED ? RN_STAYS : RN_TO_HUB;
		return RN_ALLOWED;
	}
	if ((source & both) != RN_STATE_ATTACHED)
		return RN_WRONG_SOURCE;
	if (!(destination & (both | RN_STATE_REMOTE)))
		return RN_NO_ROUTE;
	c->leaves = RN_TO_HUB;
	if (destination & both)
		c->leaves = destination & RN_STATE_LOCAL ? RN_STAYS : RN_TO_DEVICE;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_place_node(struct rn_context *c, __u64 source, __u64 destination)
{
	__u64 from = c->direction == RN_EGRESS ? RN_STATE_LOCAL : 0;

	if ((source & RN_STATE_LOCAL) != from)
		return RN_WRONG_SOURCE;
	return (destination & RN_STATE_LOCAL) != from ? RN_ALLOWED : RN_NO_ROUTE;
}

static __always_inline enum rn_reason rn_place_at(struct rn_context *c, __u64 source, __u64 destination)
{
	if (c->role == RN_ROLE_HUB)
		return rn_place_hub(c, source, destination);
	if (c->role == RN_ROLE_NODE)
		return rn_place_node(c, source, destination);
	return RN_INTERNAL;
}

/* docs/datapath.md 5, with the states of the judged flow's two ends. */
static __always_inline enum rn_reason rn_place(struct rn_context *c, __u64 originator, __u64 responder)
{
	return c->backward ? rn_place_at(c, responder, originator) : rn_place_at(c, originator, responder);
}

#endif
