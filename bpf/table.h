/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_TABLE_H
#define RN_BPF_TABLE_H

#include "context.h"

/* The flow table: where a flow's entry is, how it is read and written, who gives way. docs/datapath.md 3. */

#define RN_FLOW_FINS (RN_FLOW_FIN_ORIGIN | RN_FLOW_FIN_RESPONDER)
#define RN_NO_PLACE -1

const volatile __u32 rn_flow_sets = RN_FLOW_SETS; /* a power of two; tests have less */

static const __u64 rn_flow_timeouts[8] = {
    [RN_FLOW_TCP_OPENING] = RN_TCP_OPENING_NS,
    [RN_FLOW_TCP_ESTABLISHED] = RN_TCP_ESTABLISHED_NS,
    [RN_FLOW_TCP_CLOSED] = RN_TCP_CLOSED_NS,
    [RN_FLOW_UDP_OPENING] = RN_UDP_OPENING_NS,
    [RN_FLOW_ICMP] = RN_ICMP_NS,
    [RN_FLOW_UDP_ESTABLISHED] = RN_UDP_ESTABLISHED_NS,
};

/* What a flow's entry says, copied at one time. */
struct rn_held {
	__u64 turn;
	__u64 generation;
	__u64 source_state;
	__u64 destination_state;
	__u64 seen_ns;
	__s64 since_ns;
	__s64 until_ns;
	__u32 source;
	__u32 destination;
	__u32 identity;
	__u32 peer;
	__u8 trust;
	__u8 reason;
	__u8 from_hi;
	__u8 phase;
	__u32 flags;
};

/*
 * Reads before it are done before reads after it. x86 keeps them in order by itself; elsewhere an atomic that fetches
 * is BPF's only barrier.
 */
static __always_inline void rn_read_barrier(void)
{
#ifndef __TARGET_ARCH_x86
	__u64 word = 0;

	__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
	asm volatile("" ::"r"(word));
#endif
	asm volatile("" ::: "memory");
}

/* The key of both directions; returns whether the packet's source is its hi end. */
static __always_inline int rn_flow_key(const struct rn_packet *p, struct rn_flow_key *key)
{
	int from_hi = rn_addr_order(&p->source, &p->destination) > 0;
	int echo = p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP;

	key->lo = from_hi ? p->destination : p->source;
	key->hi = from_hi ? p->source : p->destination;
	key->lo_port = from_hi ? p->destination_port : p->source_port;
	key->hi_port = from_hi ? p->source_port : p->destination_port;
	key->protocol = p->protocol;
	key->echo_from_hi = echo && from_hi != p->echo_reply;
	key->reserved = 0;
	return from_hi;
}

static __always_inline __u8 rn_flow_phase(__u8 protocol, __u32 flags)
{
	if (protocol == IPPROTO_UDP)
		return flags & RN_FLOW_REPLIED ? RN_FLOW_UDP_ESTABLISHED : RN_FLOW_UDP_OPENING;
	if (protocol != IPPROTO_TCP)
		return RN_FLOW_ICMP;
	if ((flags & RN_FLOW_RST) || (flags & RN_FLOW_FINS) == RN_FLOW_FINS)
		return RN_FLOW_TCP_CLOSED;
	return flags & RN_FLOW_REPLIED ? RN_FLOW_TCP_ESTABLISHED : RN_FLOW_TCP_OPENING;
}

/* Who does not know the secret cannot choose ports that meet in one set. */
static __always_inline __u64 rn_flow_hash(const struct rn_flow_key *key, __u64 secret)
{
	__u64 word[sizeof(*key) / 8], hash = secret;

	__builtin_memcpy(word, key, sizeof(word));
	for (int i = 0; i < 5; i++) {
		hash = (hash ^ word[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash;
}

static __always_inline struct rn_flow_set *rn_flow_set(const struct rn_context *c)
{
	__u32 set = c->set;

	return bpf_map_lookup_elem(&rn_flows, &set);
}

static __always_inline struct rn_flow_slot *rn_flow_slot(struct rn_flow_set *set, __u32 place)
{
	return &set->slot[place & (RN_FLOW_WAYS - 1)];
}

static __always_inline bool rn_flow_is(const struct rn_flow_slot *slot, const struct rn_flow_key *key)
{
	const volatile __u64 *there = (const volatile __u64 *)&slot->key;
	__u64 word[sizeof(*key) / 8];

	__builtin_memcpy(word, key, sizeof(word));
	return !((there[0] ^ word[0]) | (there[1] ^ word[1]) | (there[2] ^ word[2]) | (there[3] ^ word[3]) |
		 (there[4] ^ word[4]));
}

static __always_inline void rn_flow_read(const struct rn_flow_slot *slot, struct rn_held *h)
{
	const volatile struct rn_flow *f = &slot->flow;

	h->generation = f->generation;
	h->source_state = f->source_state;
	h->destination_state = f->destination_state;
	h->since_ns = f->since_ns;
	h->until_ns = f->until_ns;
	h->source = f->source;
	h->destination = f->destination;
	h->identity = f->identity;
	h->peer = f->peer;
	h->trust = f->trust;
	h->reason = f->reason;
	h->from_hi = f->from_hi;
	h->phase = f->phase;
	h->flags = f->flags;
	h->seen_ns = f->seen_ns;
}

/* Under the lock nobody writes. */
static __always_inline int rn_flow_read_locked(struct rn_flow_set *set, __u16 tag, const struct rn_flow_key *key,
					       struct rn_held *h)
{
	int found = RN_NO_PLACE;

	bpf_spin_lock(&set->lock);
	for (int i = 0; i < (int)RN_FLOW_WAYS; i++) {
		if (set->tag[i] == tag && rn_flow_is(&set->slot[i], key)) {
			rn_flow_read(&set->slot[i], h);
			h->turn = set->slot[i].turn;
			found = i;
			break;
		}
	}
	bpf_spin_unlock(&set->lock);
	return found;
}

/* The entry's place, and in *h what it says; or RN_NO_PLACE. */
static __always_inline int rn_flow_search(struct rn_flow_set *set, __u16 tag, const struct rn_flow_key *key,
					  struct rn_held *h)
{
	__u64 turn;

	for (int i = 0; i < (int)RN_FLOW_WAYS; i++) {
		struct rn_flow_slot *slot = &set->slot[i];

		if (RN_READ_ONCE(set->tag[i]) != tag)
			continue;
		turn = RN_READ_ONCE(slot->turn);
		rn_read_barrier();
		if (!(turn & 1) && !rn_flow_is(slot, key))
			continue;
		rn_flow_read(slot, h);
		rn_read_barrier();
		if ((turn & 1) || RN_READ_ONCE(slot->turn) != turn)
			return rn_flow_read_locked(set, tag, key, h);
		h->turn = turn;
		return i;
	}
	return RN_NO_PLACE;
}

/* SYN without ACK */
static __always_inline int rn_opens(const struct rn_packet *p)
{
	return p->protocol == IPPROTO_TCP && (p->tcp_flags & (RN_TCP_SYN | RN_TCP_ACK)) == RN_TCP_SYN;
}

static __always_inline bool rn_flow_absent(const struct rn_context *c, const struct rn_held *h)
{
	if (c->now > h->seen_ns && c->now - h->seen_ns >= rn_flow_timeouts[h->phase & 7])
		return true;
	return h->phase == RN_FLOW_TCP_CLOSED && rn_opens(&c->packet);
}

static __always_inline __u64 rn_device_state(__u32 index)
{
	struct rn_device *device = bpf_map_lookup_elem(&rn_devices, &index);

	return device ? RN_READ_ONCE(device->state) : 0;
}

/* Is the entry's judgement about what is so now, and about who the frame says it is? */
static __always_inline bool rn_flow_holds(const struct rn_context *c, const struct rn_held *h)
{
	bool speaks = !c->backward && c->packet.error != RN_ERROR_ON_THE_WAY; /* the frame, of the originator */

	if (!h->source || !h->destination || h->generation != c->generation)
		return false;
	if (c->wall_ns < h->since_ns || c->wall_ns >= h->until_ns)
		return false;
	if (speaks && h->peer != c->claim.peer)
		return false;
	if (speaks && h->peer && (h->identity != c->claim.identity || h->trust != c->claim.trust))
		return false;
	return h->source_state == rn_device_state(h->source) && h->destination_state == rn_device_state(h->destination);
}

enum rn_found {
	RN_FOUND_NONE,
	RN_FOUND_AGAINST, /* present, and the packet opens a connection against its direction */
	RN_FOUND_AGAIN,	  /* present, to be judged again */
	RN_FOUND_HOLDS,	  /* present; ends and verdict are filled in */
};

static __always_inline enum rn_found rn_flow_found(struct rn_context *c, const struct rn_held *h, __u32 place)
{
	if (rn_flow_absent(c, h))
		return RN_FOUND_NONE;
	c->place = place;
	c->turn = h->turn;
	c->backward = h->from_hi != c->from_hi;
	if (c->backward && rn_opens(&c->packet))
		return RN_FOUND_AGAINST;
	if (c->packet.error && !c->backward && !(h->flags & RN_FLOW_REPLIED))
		return RN_FOUND_NONE; /* it answers nothing */
	if (!rn_flow_holds(c, h)) {
		if (c->backward) { /* a frame that it came in speaks of the other end */
			c->claim.peer = h->peer;
			c->claim.identity = h->identity;
			c->claim.trust = h->trust;
		}
		return RN_FOUND_AGAIN;
	}
	c->source.index = h->source;
	c->source.state = h->source_state;
	c->destination.index = h->destination;
	c->destination.state = h->destination_state;
	c->verdict = h->reason;
	return RN_FOUND_HOLDS;
}

/*
 * Fills c->set, c->tag, c->from_hi and what rn_found says. (A global function: what comes after it is verified once,
 * not once for every place.)
 */
__noinline enum rn_found rn_flow_find(struct rn_context *c)
{
	struct rn_flow_key key;
	struct rn_flow_set *set;
	struct rn_held h = {};
	__u64 hash;
	int place;

	if (!c)
		return RN_FOUND_NONE;
	c->from_hi = rn_flow_key(&c->packet, &key);
	hash = rn_flow_hash(&key, c->secret);
	c->set = hash & (rn_flow_sets - 1);
	c->tag = hash >> 48 | 1;
	set = rn_flow_set(c);
	if (!set)
		return RN_FOUND_NONE;
	place = rn_flow_search(set, c->tag, &key, &h);
	return place < 0 ? RN_FOUND_NONE : rn_flow_found(c, &h, place);
}

/* 1 where a is 0, below 2^63; arithmetic that the compiler makes no branch of, or the verifier would follow each. */
static __always_inline __u64 rn_is_zero(__u64 a)
{
	asm volatile("" : "+r"(a));
	return (a - 1) >> 63;
}

/* How readily a place is given to a new flow of source; its number in the lowest three bits. */
static __always_inline __u64 rn_flow_rank(const struct rn_flow_set *set, __u32 i, __u32 source, __u64 now)
{
	const struct rn_flow *f = &set->slot[i].flow;
	__u64 idle = now - f->seen_ns, own = rn_is_zero(f->source ^ source), places = 0, aged;

	for (__u32 j = 0; j < RN_FLOW_WAYS; j++)
		places += rn_is_zero(f->source ^ set->slot[j].flow.source);
	idle &= ~((__s64)idle >> 63); /* seen by a CPU whose clock is ahead */
	aged = (rn_flow_timeouts[f->phase & 7] - 1 - idle) >> 63;
	idle &= (1ull << 44) - 1;
	places = (((places + own) << own) << 1) | own;
	return (rn_is_zero(set->tag[i]) << 51 | aged << 50 | places << 44 | idle) << 3 | i;
}

#define RN_RANK_FREE (1ull << 54)
#define RN_RANK_AGED (1ull << 53)

static __always_inline __u64 rn_flow_victim(const struct rn_flow_set *set, __u32 source, __u64 now)
{
	__u64 best = 0;

	for (__u32 i = 0; i < RN_FLOW_WAYS; i++) {
		__u64 rank = rn_flow_rank(set, i, source, now), below = best - rank;

		asm volatile("" : "+r"(below));
		best ^= (best ^ rank) & (__u64)((__s64)below >> 63);
	}
	return best;
}

static __always_inline void rn_flow_judged(struct rn_flow *flow, const struct rn_context *c, enum rn_reason verdict)
{
	flow->generation = c->generation;
	flow->source_state = c->source.state;
	flow->destination_state = c->destination.state;
	flow->source = c->source.index;
	flow->destination = c->destination.index;
	flow->identity = c->claimed ? c->claim.identity : c->source.identity_number;
	flow->peer = c->claimed ? c->claim.peer : 0;
	flow->rule = c->rule;
	flow->observed = c->observed;
	flow->since_ns = c->since_ns;
	flow->until_ns = c->until_ns;
	flow->trust = c->claimed ? c->claim.trust : c->source.state & RN_STATE_TRUST_MASK;
	flow->reason = verdict;
	flow->from_hi = c->from_hi != c->backward;
}

/* A first packet's entry, which counts it. */
static __always_inline void rn_flow_write(struct rn_flow_slot *slot, const struct rn_flow_key *key,
					  const struct rn_context *c, __u32 flags)
{
	struct rn_flow *flow = &slot->flow;
	__u64 turn = ((slot->turn >> 32) + 1) << 32;

	__atomic_exchange_n(&slot->turn, turn | 1, __ATOMIC_SEQ_CST);
	slot->key = *key;
	rn_flow_judged(flow, c, RN_ALLOWED);
	flow->phase = rn_flow_phase(c->packet.protocol, flags);
	flow->created_ns = flow->seen_ns = c->now;
	flow->packets[0] = 1;
	flow->bytes[0] = c->packet.bytes;
	flow->packets[1] = flow->bytes[1] = flow->dropped = 0;
	flow->flags = flags;
	__atomic_exchange_n(&slot->turn, turn, __ATOMIC_SEQ_CST);
}

static __always_inline void rn_flow_use(__u32 set)
{
	__u32 zero = 0, word = set / 64 % (RN_FLOW_SETS / 64);
	struct rn_flow_used *used = bpf_map_lookup_elem(&rn_flow_used, &zero);
	__u64 bit = 1ull << set % 64;

	if (used && !(RN_READ_ONCE(used->word[word]) & bit))
		__sync_fetch_and_or(&used->word[word], bit);
}

static __always_inline void rn_lose(__u32 what)
{
	__u64 *lost = bpf_map_lookup_elem(&rn_lost, &what);

	if (lost)
		(*lost)++;
}

/* Makes the entry of a first packet, in the place of an old one of the same flow where there is one. */
__noinline enum rn_reason rn_flow_make(struct rn_context *c, __u32 flags)
{
	struct rn_flow_set *set = c ? rn_flow_set(c) : NULL;
	struct rn_flow_key key;
	__u64 rank = 0;
	int place = RN_NO_PLACE;

	if (!set)
		return RN_FLOW_TABLE_FULL;
	rn_flow_key(&c->packet, &key);
	bpf_spin_lock(&set->lock);
	for (int i = 0; i < (int)RN_FLOW_WAYS; i++) {
		if (set->tag[i] == c->tag && rn_flow_is(&set->slot[i], &key)) {
			place = i;
			break;
		}
	}
	if (place < 0) {
		rank = rn_flow_victim(set, c->source.index, c->now);
		place = rank & (RN_FLOW_WAYS - 1);
	}
	rn_flow_write(rn_flow_slot(set, place), &key, c, flags);
	set->tag[place & (RN_FLOW_WAYS - 1)] = c->tag;
	c->turn = rn_flow_slot(set, place)->turn;
	bpf_spin_unlock(&set->lock);
	c->place = place;
	if (rank & RN_RANK_FREE)
		rn_flow_use(c->set);
	else if (rank && !(rank & RN_RANK_AGED))
		rn_lose(RN_LOST_FLOWS);
	return RN_ALLOWED;
}

/* Is the place still the flow's that was found there? */
static __always_inline bool rn_flow_stays(const struct rn_flow_slot *slot, const struct rn_context *c)
{
	return !((RN_READ_ONCE(slot->turn) ^ c->turn) >> 32);
}

/*
 * A new judgement for an entry that is as it was found; where another CPU has judged it meanwhile, that one stays. It
 * says what it was judged under, as this one does. Returns whether the entry now says something else.
 */
__noinline int rn_flow_rejudge(struct rn_context *c, enum rn_reason verdict)
{
	struct rn_flow_set *set = c ? rn_flow_set(c) : NULL;
	struct rn_flow_slot *slot;
	int changed = 0;

	if (!set)
		return 0;
	slot = rn_flow_slot(set, c->place);
	bpf_spin_lock(&set->lock);
	if (slot->turn == c->turn) {
		changed = slot->flow.reason != verdict || slot->flow.rule != c->rule ||
			  slot->flow.observed != c->observed;
		__atomic_exchange_n(&slot->turn, c->turn | 1, __ATOMIC_SEQ_CST);
		rn_flow_judged(&slot->flow, c, verdict);
		__atomic_exchange_n(&slot->turn, c->turn + 2, __ATOMIC_SEQ_CST);
	}
	bpf_spin_unlock(&set->lock);
	return changed;
}

/* A flag that the entry has not yet: seldom, and it may end the flow, so it is written under the lock. */
static __noinline int rn_flow_mark(struct rn_context *c, __u32 flags)
{
	struct rn_flow_set *set = rn_flow_set(c);
	struct rn_flow_slot *slot;

	if (!set)
		return 0;
	slot = rn_flow_slot(set, c->place);
	bpf_spin_lock(&set->lock);
	if (rn_flow_stays(slot, c)) {
		flags |= slot->flow.flags;
		slot->flow.flags = flags;
		slot->flow.phase = rn_flow_phase(c->packet.protocol, flags);
	}
	bpf_spin_unlock(&set->lock);
	return 0;
}

/* A packet of an entry that stays. One that is given away just now may be counted in its successor. */
__noinline int rn_flow_account(struct rn_context *c, __u32 flags, enum rn_reason reason)
{
	struct rn_flow_set *set = c ? rn_flow_set(c) : NULL;
	struct rn_flow *flow;

	if (!set || !rn_flow_stays(rn_flow_slot(set, c->place), c))
		return 0;
	flow = &rn_flow_slot(set, c->place)->flow;
	if (reason) {
		__sync_fetch_and_add(&flow->dropped, 1);
		return 0;
	}
	__sync_fetch_and_add(&flow->packets[c->backward & 1], 1);
	__sync_fetch_and_add(&flow->bytes[c->backward & 1], c->packet.bytes);
	if (c->packet.error) /* keeps no flow alive */
		return 0;
	*(volatile __u64 *)&flow->seen_ns = c->now;
	if ((RN_READ_ONCE(flow->flags) & flags) != flags)
		rn_flow_mark(c, flags);
	return 0;
}

#endif
