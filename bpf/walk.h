/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_WALK_H
#define RN_BPF_WALK_H

#include "context.h"

/*
 * Which rules a flow has: for each side that its source is on and each that its destination is on, those from the one
 * to the other (include/abi/maps.h). One after the other, in at most RN_LOOKS_MAX steps, each of which looks at one
 * source side, one pair and one candidate. What is in progress is in rn_walks, whose contents the verifier takes for
 * unknown.
 */

/* kern: RN_NODE_SHIFT on a node */
const volatile __u32 rn_policy_shift = 0;

enum rn_finding {
	RN_DECIDES,
	RN_TRUST_FAILS, /* an allow rule in its time */
	RN_TIME_FAILS,	/* an allow rule */
	RN_OBSERVED,	/* would decide */
};
#define RN_NO_RULE 0xffffffffu

/* An element of this half of an array whose halves have `max` elements on a hub. */
#define RN_OF_HALF(map, half, max, number)                                                                             \
	({                                                                                                             \
		__u32 of_half_ = (number), max_ = (max) >> rn_policy_shift;                                            \
		__u32 of_key_ = (half)*max_ + of_half_;                                                                \
		of_half_ < max_ ? bpf_map_lookup_elem(&(map), &of_key_) : NULL;                                        \
	})

/* In rn_lists; 0: a free place, or broken. */
static __always_inline __u32 rn_list_side(struct rn_walk *w, __u32 number)
{
	const struct rn_list *list = RN_OF_HALF(rn_lists, w->half, RN_LISTS_MAX, number / RN_LIST_SIDES);

	if (!list) {
		w->broken = 1;
		return 0;
	}
	return list->side[number % RN_LIST_SIDES];
}

static __noinline int rn_list_has(struct rn_walk *w, __u32 side)
{
	__u32 places, at;

	if (!w)
		return 0;
	places = w->destination_places;
	at = rn_side_place(side, places);
	for (int i = 0; i < (int)RN_PROBES; i++) {
		__u32 there = rn_list_side(w, w->destinations + ((at + i) & (places - 1)));

		if (there == side)
			return 1;
		if (!there)
			return 0;
	}
	return 0;
}

static __always_inline const struct rn_side_pair *rn_pair_at(struct rn_walk *w, __u32 place)
{
	const struct rn_side_pair *pair = RN_OF_HALF(rn_pairs, w->half, RN_PAIRS_MAX, w->pairs + place);

	if (!pair)
		w->broken = 1;
	return pair;
}

static __always_inline void rn_walk_open(struct rn_walk *w, const struct rn_side_pair *pair)
{
	w->candidate = pair->candidates;
	w->candidate_end = w->candidate + pair->count;
}

/* Opens the pair of the side with this destination, where there is one. */
static __noinline int rn_pair_find(struct rn_walk *w, __u32 side)
{
	const struct rn_side_pair *pair;
	__u32 places, at;

	if (!w)
		return 0;
	places = w->pair_places;
	at = rn_side_place(side, places);
	for (int i = 0; i < (int)RN_PROBES; i++) {
		pair = rn_pair_at(w, (at + i) & (places - 1));
		if (!pair || !pair->destination)
			return 0;
		if (pair->destination != side)
			continue;
		rn_walk_open(w, pair);
		return 0;
	}
	return 0;
}

/* The next source side: 1 where there is none left. */
static __always_inline int rn_walk_side(struct rn_walk *w)
{
	const struct rn_side *side;

	if (w->source >= w->source_end)
		return 1;
	side = RN_OF_HALF(rn_sides, w->half, RN_SIDES_MAX, rn_list_side(w, w->source));
	w->source++;
	if (!side) {
		w->broken = 1;
		return 1;
	}
	if (!(side->mask & w->mask))
		return 0;
	w->side_mask = side->mask;
	w->pairs = side->pairs;
	w->pair_places = side->places;
	w->over = side->places > w->destination_places;
	w->place = 0;
	w->places = w->over ? w->destination_places : side->places;
	return 0;
}

static __always_inline void rn_walk_place(struct rn_walk *w)
{
	__u32 place = w->place++, side;
	const struct rn_side_pair *pair;

	if (w->over) {
		side = rn_list_side(w, w->destinations + place);
		if (side && (w->side_mask >> rn_side_bit(side) & 1))
			rn_pair_find(w, side);
		return;
	}
	pair = rn_pair_at(w, place);
	if (!pair)
		return;
	side = pair->destination;
	if (side && (w->mask >> rn_side_bit(side) & 1) && rn_list_has(w, side))
		rn_walk_open(w, pair);
}

/* The judgement changes at this moment. */
static __always_inline void rn_walk_edge(struct rn_walk *w, __s64 at)
{
	if (at > w->time) {
		if (at < w->until)
			w->until = at;
	} else if (at > w->since) {
		w->since = at;
	}
}

/* Is the schedule open? Past its last window deny rules are, and allow rules are not. */
static __always_inline bool rn_schedule_open(struct rn_walk *w, __u32 schedule, bool deny)
{
	__u32 key = w->half, low = 0, high, first;
	const struct rn_policy *policy = bpf_map_lookup_elem(&rn_policy, &key);
	const struct rn_opening *opening;
	bool open;

	schedule--;
	if (!policy || schedule >= RN_SCHEDULES_MAX) {
		w->broken = 1;
		return false;
	}
	first = policy->schedules[schedule].openings;
	high = policy->schedules[schedule].count;
	if (!high)
		return deny;
	for (int i = 0; i < 11; i++) { /* of at most 1,024 */
		__u32 middle = low + ((high - low) >> 1);

		if (low >= high)
			break;
		opening = RN_OF_HALF(rn_openings, w->half, RN_OPENINGS_MAX, first + middle);
		if (!opening) {
			w->broken = 1;
			return false;
		}
		if (opening->from <= w->time)
			low = middle + 1;
		else
			high = middle;
	}
	/* low: so many have begun */
	high = policy->schedules[schedule].count;
	open = false;
	if (low) {
		opening = RN_OF_HALF(rn_openings, w->half, RN_OPENINGS_MAX, first + low - 1);
		if (!opening) {
			w->broken = 1;
			return false;
		}
		rn_walk_edge(w, opening->from);
		rn_walk_edge(w, opening->until);
		open = w->time < opening->until;
	}
	if (open)
		return true;
	if (low >= high)
		return deny;
	opening = RN_OF_HALF(rn_openings, w->half, RN_OPENINGS_MAX, first + low);
	if (!opening) {
		w->broken = 1;
		return false;
	}
	rn_walk_edge(w, opening->from);
	return false;
}

static __noinline int rn_in_time(struct rn_walk *w, __u32 number, __u32 deny)
{
	const struct rn_rule *rule;
	__s64 from, until;
	__u32 schedule;
	bool in;

	if (!w)
		return 0;
	rule = RN_OF_HALF(rn_rules, w->half, RN_RULES_MAX, number);
	if (!rule) {
		w->broken = 1;
		return 0;
	}
	from = rule->from;
	until = rule->until;
	schedule = rule->schedule;
	in = w->time >= from && (!until || w->time < until);
	if (from)
		rn_walk_edge(w, from);
	if (until)
		rn_walk_edge(w, until);
	if (!schedule)
		return in;
	return rn_schedule_open(w, schedule, deny) && in;
}

static __always_inline void rn_walk_candidate(struct rn_walk *w)
{
	const struct rn_candidate *candidate = RN_OF_HALF(rn_candidates, w->half, RN_CANDIDATES_MAX, w->candidate);
	__u32 found = RN_DECIDES, flags, rule;

	w->candidate++;
	if (!candidate) {
		w->broken = 1;
		return;
	}
	rule = candidate->rule;
	flags = candidate->flags;
	if (rule >= w->best[RN_DECIDES]) { /* and so are all that follow */
		w->candidate = w->candidate_end;
		return;
	}
	if (!(candidate->protocols & w->protocol) || w->port < candidate->first || w->port > candidate->last)
		return;
	if ((flags & RN_RULE_SAME_OWNER) && !w->same_owner)
		return;
	if ((flags & RN_RULE_TIMED) && !rn_in_time(w, rule, flags & RN_RULE_DENY)) {
		if (flags & RN_RULE_DENY)
			return;
		found = RN_TIME_FAILS;
	} else if (w->trust < candidate->minimum_trust || w->destination_trust < candidate->minimum_destination_trust) {
		found = RN_TRUST_FAILS;
	}
	if (flags & RN_RULE_OBSERVE) {
		if (found != RN_DECIDES)
			return;
		found = RN_OBSERVED;
	}
	found &= 3;
	if (rule < w->best[found]) {
		w->best[found] = rule;
		w->best_flags[found] = flags;
	}
}

struct rn_walker {
	struct rn_walk *walk;
};

static long rn_walk_step(__u32 number, struct rn_walker *walker)
{
	struct rn_walk *w = walker->walk;

	(void)number;
	if (w->broken)
		return 1;
	if (w->candidate >= w->candidate_end) {
		if (w->place >= w->places && rn_walk_side(w))
			return 1;
		if (w->place < w->places)
			rn_walk_place(w);
	}
	if (w->candidate < w->candidate_end)
		rn_walk_candidate(w);
	return 0;
}

static __always_inline enum rn_reason rn_walk_found(struct rn_context *c, struct rn_walk *w)
{
	enum rn_reason reason = RN_DEFAULT_DENY;
	const struct rn_rule *rule;
	__u32 found = RN_DECIDES;

	if (w->best[RN_OBSERVED] < w->best[RN_DECIDES]) {
		rule = RN_OF_HALF(rn_rules, w->half, RN_RULES_MAX, w->best[RN_OBSERVED]);
		if (rule)
			c->observed = rule->number;
	}
	if (w->best[RN_DECIDES] != RN_NO_RULE) {
		reason = w->best_flags[RN_DECIDES] & RN_RULE_DENY ? RN_DENY_RULE : RN_ALLOWED;
	} else if (w->best[RN_TRUST_FAILS] != RN_NO_RULE) {
		found = RN_TRUST_FAILS;
		reason = RN_TRUST_TOO_LOW;
	} else if (w->best[RN_TIME_FAILS] != RN_NO_RULE) {
		found = RN_TIME_FAILS;
		reason = RN_OUTSIDE_TIME;
	} else {
		return reason;
	}
	rule = RN_OF_HALF(rn_rules, w->half, RN_RULES_MAX, w->best[found]);
	if (!rule)
		return RN_INTERNAL;
	c->rule = rule->number;
	c->log = !!(w->best_flags[found] & RN_RULE_LOG);
	return reason;
}

/* Seconds as nanoseconds, to what there are. */
static __always_inline __s64 rn_wall_ns(__s64 seconds)
{
	if (seconds >= RN_NEVER_NS / (__s64)RN_SECOND_NS)
		return RN_NEVER_NS;
	return seconds <= 0 ? -RN_NEVER_NS : seconds * (__s64)RN_SECOND_NS;
}

static __always_inline const struct rn_identity *rn_identity(__u32 half, __u32 slot)
{
	__u32 key = half * RN_IDENTITIES_MAX + slot;

	return slot < RN_IDENTITIES_MAX ? bpf_map_lookup_elem(&rn_identities, &key) : NULL;
}

static __always_inline bool rn_walk_start(struct rn_context *c, struct rn_walk *w)
{
	__u32 half = c->generation & 1;
	const struct rn_identity *source = rn_identity(half, c->source.identity_slot);
	const struct rn_identity *destination = rn_identity(half, c->destination.identity_slot);
	__u16 port = bpf_ntohs(c->backward ? c->packet.source_port : c->packet.destination_port);
	__u8 protocol = c->packet.protocol;

	if (!source || !destination || c->trust > RN_TRUST_MAX)
		return false;
	__builtin_memset(w, 0, sizeof(*w));
	w->half = half;
	w->source = source->sources;
	w->source_end = source->sources + source->source_count;
	w->mask = destination->mask;
	w->destinations = destination->destinations;
	w->destination_places = destination->places;
	w->time = c->wall_ns < 0 ? 0 : (__u64)c->wall_ns / RN_SECOND_NS;
	w->until = RN_NEVER_NS;
	w->best[0] = w->best[1] = w->best[2] = w->best[3] = RN_NO_RULE;
	w->protocol = protocol == IPPROTO_TCP	? RN_TCP
		      : protocol == IPPROTO_UDP ? RN_UDP
		      : c->packet.v6		? RN_ECHO6
						: RN_ECHO4;
	w->port = w->protocol & (RN_TCP | RN_UDP) ? port : 0;
	w->same_owner = c->source.owner && c->source.owner == c->destination.owner;
	w->trust = c->trust;
	w->destination_trust = c->destination.state & RN_STATE_TRUST_MASK;
	return true;
}

/* docs/datapath.md 4.4 */
static __always_inline enum rn_reason rn_judge_policy(struct rn_context *c)
{
	__u32 zero = 0;
	struct rn_walker walker = {.walk = bpf_map_lookup_elem(&rn_walks, &zero)};
	struct rn_walk *w = walker.walk;
	long steps;

	if (!w || !rn_walk_start(c, w))
		return RN_INTERNAL;
	steps = bpf_loop(RN_LOOKS_MAX, rn_walk_step, &walker, 0);
	if (w->broken || steps < 0)
		return RN_INTERNAL;
	if (steps >= (long)RN_LOOKS_MAX)
		return RN_POLICY_TOO_WIDE;
	c->since_ns = rn_wall_ns(w->since);
	c->until_ns = rn_wall_ns(w->until);
	return rn_walk_found(c, w);
}

#endif
