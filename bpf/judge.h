/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_JUDGE_H
#define RN_BPF_JUDGE_H

#include "context.h"
#include "place.h"
#include "walk.h"

/*
 * kern changes an index only while it is not PRESENT, and counts its state up when an address leaves it. So where state
 * and address are the same before and after, all that was read between them belongs together.
 */
static __always_inline enum rn_reason rn_look_up(struct rn_end *end, const struct rn_addr *of)
{
	struct rn_addr addr = *of; /* Linux 6.1 takes a key only from the function's own stack */
	__u32 *found = bpf_map_lookup_elem(&rn_addresses, &addr);
	struct rn_device *device;
	__u32 index;
	__u64 state;

	if (!found)
		return RN_UNKNOWN_SOURCE;
	index = RN_READ_ONCE(*found);
	if (index >= RN_DEVICES_MAX)
		return RN_INTERNAL;
	device = bpf_map_lookup_elem(&rn_devices, &index);
	if (!device)
		return RN_INTERNAL;
	state = RN_READ_ONCE(device->state);
	if (!(state & RN_STATE_PRESENT))
		return RN_UNKNOWN_SOURCE;
	end->identity_slot = RN_READ_ONCE(device->identity_slot);
	end->owner = RN_READ_ONCE(device->owner);
	end->number = RN_READ_ONCE(device->number);
	end->identity_number = RN_READ_ONCE(device->identity_number);
	found = bpf_map_lookup_elem(&rn_addresses, &addr);
	if (!found || RN_READ_ONCE(*found) != index || RN_READ_ONCE(device->state) != state)
		return RN_UNKNOWN_SOURCE;
	end->index = index;
	end->state = state;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_judge_states(__u64 source, __u64 destination)
{
	if (source & RN_STATE_REVOKED)
		return RN_SOURCE_REVOKED;
	if (destination & RN_STATE_REVOKED)
		return RN_DESTINATION_REVOKED;
	if (source & RN_STATE_QUARANTINED)
		return RN_SOURCE_QUARANTINED;
	return destination & RN_STATE_QUARANTINED ? RN_DESTINATION_QUARANTINED : RN_ALLOWED;
}

/*
 * As whom the originator is judged. What a frame said holds for the hub that said it: where the device is behind
 * another by now, its record alone counts until a frame of that one's comes.
 */
static __always_inline enum rn_reason rn_judge_claim(struct rn_context *c)
{
	struct rn_behind_key behind = {.peer = c->claim.peer, .identity = c->claim.identity};
	const __u32 *slot;

	if (!c->claim.peer || !(c->source.state & RN_STATE_REMOTE) || RN_STATE_PEER(c->source.state) != c->claim.peer)
		return RN_ALLOWED;
	c->claimed = 1;
	if (c->claim.trust < c->trust)
		c->trust = c->claim.trust;
	slot = bpf_map_lookup_elem(&rn_behind, &behind);
	if (!slot)
		return RN_WRONG_IDENTITY;
	c->source.identity_slot = *slot;
	c->source.identity_number = c->claim.identity;
	return RN_ALLOWED;
}

static __always_inline enum rn_reason rn_judge_once(struct rn_context *c)
{
	enum rn_reason reason, other;

	__builtin_memset(&c->source, 0, sizeof(c->source));
	__builtin_memset(&c->destination, 0, sizeof(c->destination));
	c->claimed = 0;
	c->rule = c->observed = 0;
	c->log = 0;
	c->since_ns = -RN_NEVER_NS;
	c->until_ns = RN_NEVER_NS;
	c->misplaced = 0;
	reason = rn_look_up(&c->source, c->backward ? &c->packet.destination : &c->packet.source);
	other = rn_look_up(&c->destination, c->backward ? &c->packet.source : &c->packet.destination);
	c->trust = c->source.state & RN_STATE_TRUST_MASK;
	if (reason)
		return reason;
	if (other)
		return other == RN_UNKNOWN_SOURCE ? RN_UNKNOWN_DESTINATION : other;
	reason = rn_place(c, c->source.state, c->destination.state);
	if (reason) {
		c->misplaced = 1;
		return reason;
	}
	other = rn_judge_claim(c);
	reason = rn_judge_states(c->source.state, c->destination.state);
	if (!reason)
		reason = other;
	return reason ? reason : rn_judge_policy(c);
}

/*
 * docs/datapath.md 4: the flow whose originator is the packet's source, or its destination where c->backward. kern
 * refills a half only after it has stored another generation, so a judgement counts where the generation stood still.
 * (A global function, as rn_parse and rn_event are: the verifier takes each once, not once for every path to it.)
 */
__noinline enum rn_reason rn_judge(struct rn_context *c)
{
	__u32 zero = 0;
	const struct rn_config *config = bpf_map_lookup_elem(&rn_config, &zero);
	enum rn_reason reason;

	if (!c)
		return RN_INTERNAL;
	for (int i = 0; i < 2 && config; i++) {
		__u64 generation;

		reason = rn_judge_once(c);
		generation = RN_READ_ONCE(config->generation);
		if (generation == c->generation)
			return reason;
		c->generation = generation;
		if (!generation)
			break;
	}
	c->source.index = 0; /* whatever is kept of this does not hold */
	return RN_INTERNAL;
}

#endif
