/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_FRAGMENT_H
#define RN_BPF_FRAGMENT_H

#include "context.h"
#include "table.h"

/*
 * Packets in fragments, docs/datapath.md 3a: what was found for a first fragment, and where the next one must begin. A
 * source has one set of eight places, and shares it with few others.
 */
#define RN_FRAGMENT_SETS 1024u
#define RN_FRAGMENT_WAYS 8u

struct rn_fragment_key {
	struct rn_addr source;
	struct rn_addr destination;
	__be32 id;
	__u8 protocol; /* as receivers put them together: IPv4 by protocol too, IPv6 (0) not */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct rn_fragment_key) == 40, "rn_fragment_key");

struct rn_fragment {
	struct rn_fragment_key key;
	__u64 generation; /* that it was judged under, and the flow's two ends */
	__u64 source_state;
	__u64 destination_state;
	__u64 turn; /* of the flow's entry */
	__u64 seen_ns;
	__u32 source; /* device indices */
	__u32 destination;
	__u32 set; /* the flow's entry */
	__u32 peer;
	__u32 said; /* by the first one's frame */
	__u32 next; /* bytes: where the next one begins */
	__u8 place;
	__u8 open; /* 0: nobody has it, or its last one has passed */
	__u8 backward;
	__u8 direction;
	__u8 protocol;
	__u8 reserved[3];
};
_Static_assert(sizeof(struct rn_fragment) == 112, "rn_fragment");

struct rn_fragment_set {
	struct bpf_spin_lock lock;
	__u32 reserved;
	struct rn_fragment packet[RN_FRAGMENT_WAYS];
};

/* Not pinned: who starts anew has packets lost in the middle. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RN_FRAGMENT_SETS);
	__type(key, __u32);
	__type(value, struct rn_fragment_set);
} rn_fragments SEC(".maps");

static __always_inline void rn_fragment_key(const struct rn_packet *p, struct rn_fragment_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->source = p->source;
	key->destination = p->destination;
	key->id = p->id;
	key->protocol = p->v6 ? 0 : p->protocol;
}

/* Of the source alone. */
static __always_inline struct rn_fragment_set *rn_fragment_set(const struct rn_context *c)
{
	__u64 hash = c->secret;
	__u32 set;

	for (int i = 0; i < 2; i++) {
		hash = (hash ^ rn_addr_word(&c->packet.source, i)) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	set = hash & (RN_FRAGMENT_SETS - 1);
	return bpf_map_lookup_elem(&rn_fragments, &set);
}

/* 1: has the key. Without a branch, as all that is done for every place: the verifier would follow each. */
static __always_inline __u64 rn_fragment_is(const struct rn_fragment *f, const struct rn_fragment_key *key)
{
	const __u64 *there = (const __u64 *)&f->key, *word = (const __u64 *)key;
	__u64 high, low;

	high = (there[0] ^ word[0]) | (there[1] ^ word[1]) | (there[2] ^ word[2]) | (there[3] ^ word[3]) |
	       (there[4] ^ word[4]);
	low = (high & 0xffffffff) | high >> 32;
	return rn_is_zero(low);
}

/* 1: too late for the next one. */
static __always_inline __u64 rn_fragment_late(const struct rn_fragment *f, __u64 now)
{
	__u64 idle = now - f->seen_ns;

	idle &= ~((__s64)idle >> 63); /* seen by a CPU whose clock is ahead */
	idle = RN_FRAGMENT_NS - 1 - idle;
	asm volatile("" : "+r"(idle));
	return idle >> 63;
}

/* Where a packet with this one's key is under way. Under the lock. */
static __always_inline int rn_fragment_find(const struct rn_fragment_set *set, const struct rn_fragment_key *key,
					    __u64 now)
{
	__u64 found = 0;

	for (__u64 i = 0; i < RN_FRAGMENT_WAYS; i++) {
		const struct rn_fragment *f = &set->packet[i];
		__u64 hit = rn_fragment_is(f, key) & f->open & (rn_fragment_late(f, now) ^ 1);

		found |= -hit & (i + 1); /* at most one has it */
	}
	return (int)found - 1;
}

/* A first one, before it is judged: not 0 where another with its key has passed and waits for the rest. */
__noinline int rn_fragment_again(struct rn_context *c)
{
	struct rn_fragment_set *set = c ? rn_fragment_set(c) : NULL;
	struct rn_fragment_key key __attribute__((aligned(8)));
	int place;

	if (!set)
		return 1;
	rn_fragment_key(&c->packet, &key);
	bpf_spin_lock(&set->lock);
	place = rn_fragment_find(set, &key, c->now);
	bpf_spin_unlock(&set->lock);
	return place >= 0;
}

static __always_inline __u64 rn_same_source(const __u64 *a, const __u64 *b)
{
	__u64 differ = (a[0] ^ b[0]) | (a[1] ^ b[1]);

	return rn_is_zero((differ & 0xffffffff) | differ >> 32);
}

/* How readily a place is given to a packet of this source; as rn_flow_rank. */
static __always_inline __u64 rn_fragment_rank(const struct rn_fragment_set *set, __u32 i, const struct rn_addr *source,
					      __u64 now)
{
	const struct rn_fragment *f = &set->packet[i];
	const __u64 *word = (const __u64 *)source, *mine = (const __u64 *)&f->key.source, *other;
	__u64 idle = now - f->seen_ns, own = rn_same_source(mine, word), places = 0;

	for (__u32 j = 0; j < RN_FRAGMENT_WAYS; j++) {
		other = (const __u64 *)&set->packet[j].key.source;
		places += rn_same_source(mine, other) & set->packet[j].open;
	}
	idle &= ~((__s64)idle >> 63);
	idle &= (1ull << 44) - 1;
	places = (((places + own) << own) << 1) | own;
	return ((rn_fragment_late(f, now) | (f->open ^ 1)) << 50 | places << 44 | idle) << 3 | i;
}

static __always_inline int rn_fragment_victim(const struct rn_fragment_set *set, const struct rn_addr *source,
					      __u64 now)
{
	__u64 best = 0;

	for (__u32 i = 0; i < RN_FRAGMENT_WAYS; i++) {
		__u64 rank = rn_fragment_rank(set, i, source, now), below = best - rank;

		asm volatile("" : "+r"(below));
		best ^= (best ^ rank) & (__u64)((__s64)below >> 63);
	}
	return best & (RN_FRAGMENT_WAYS - 1);
}

/* A first one that passes: what those that follow will be held against. Not 0: another CPU has let one pass as well. */
__noinline int rn_fragment_keep(struct rn_context *c)
{
	struct rn_fragment_set *set = c ? rn_fragment_set(c) : NULL;
	struct rn_fragment_key key __attribute__((aligned(8)));
	struct rn_fragment *f;
	int twice;

	if (!set)
		return 1;
	rn_fragment_key(&c->packet, &key);
	bpf_spin_lock(&set->lock);
	twice = rn_fragment_find(set, &key, c->now) >= 0;
	f = &set->packet[rn_fragment_victim(set, &key.source, c->now) & (RN_FRAGMENT_WAYS - 1)];
	if (!twice) {
		f->key = key;
		f->generation = c->generation;
		f->source_state = c->source.state;
		f->destination_state = c->destination.state;
		f->turn = c->turn;
		f->seen_ns = c->now;
		f->source = c->source.index;
		f->destination = c->destination.index;
		f->set = c->set;
		f->peer = c->from_peer;
		f->said = c->said;
		f->next = c->packet.to;
		f->place = c->place;
		f->open = 1;
		f->backward = c->backward;
		f->direction = c->direction;
		f->protocol = c->packet.protocol;
	}
	bpf_spin_unlock(&set->lock);
	return twice;
}

/*
 * One that follows: not 0 where it is the next one of a packet that is under way, by the same door and from the same
 * hub as the same device, and nothing has changed since the first was judged. Fills in the flow's entry and ends.
 */
__noinline int rn_fragment_follows(struct rn_context *c)
{
	struct rn_fragment_set *set = c ? rn_fragment_set(c) : NULL;
	struct rn_fragment_key key __attribute__((aligned(8)));
	const struct rn_fragment *f;
	__u64 generation = 0;
	int place, good = 0;

	if (!set)
		return 0;
	rn_fragment_key(&c->packet, &key);
	bpf_spin_lock(&set->lock);
	place = rn_fragment_find(set, &key, c->now);
	if (place >= 0) {
		f = &set->packet[place & (RN_FRAGMENT_WAYS - 1)];
		good = f->next == c->packet.from && f->protocol == c->packet.protocol && f->peer == c->from_peer &&
		       f->said == c->said && f->direction == c->direction;
		generation = f->generation;
		c->source.index = f->source;
		c->source.state = f->source_state;
		c->destination.index = f->destination;
		c->destination.state = f->destination_state;
		c->turn = f->turn;
		c->set = f->set;
		c->place = f->place;
		c->backward = f->backward;
	}
	bpf_spin_unlock(&set->lock);
	return good && generation == c->generation && c->source.state == rn_device_state(c->source.index) &&
	       c->destination.state == rn_device_state(c->destination.index);
}

/* It passes: not 0 where it is still the next one. */
__noinline int rn_fragment_passes(struct rn_context *c)
{
	struct rn_fragment_set *set = c ? rn_fragment_set(c) : NULL;
	struct rn_fragment_key key __attribute__((aligned(8)));
	struct rn_fragment *f;
	int place, good = 0;

	if (!set)
		return 0;
	rn_fragment_key(&c->packet, &key);
	bpf_spin_lock(&set->lock);
	place = rn_fragment_find(set, &key, c->now);
	if (place >= 0) {
		f = &set->packet[place & (RN_FRAGMENT_WAYS - 1)];
		good = f->next == c->packet.from;
		if (good) {
			f->next = c->packet.to;
			f->seen_ns = c->now;
			f->open = !c->packet.last;
		}
	}
	bpf_spin_unlock(&set->lock);
	return good;
}

#endif
