/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The datapath under load that a hot cache does not flatter: each run draws a flow of its own, then judges it. And a
 * prototype of a set-associative table beside the LRU table. Only tests/bench/packet.c loads this.
 */
#include "tc_overlay.bpf.c"

#define RN_UNUSED __attribute__((unused))

const volatile __u32 bench_sources = 1;	     /* 10.5.1.0 and on */
const volatile __u32 bench_ports = 1024;     /* a power of two */
const volatile __u32 bench_insert_first = 0; /* key numbers count up from here instead of being drawn */
const volatile __u32 bench_buckets = 8192;   /* a power of two */

static __u64 bench_state = 0x9e3779b97f4a7c15ull;
__u64 bench_next = 0; /* of bench_insert_first */

static __always_inline __u32 bench_draw(void)
{
	__u64 x = bench_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	bench_state = x;
	return x >> 20;
}

/* Source address and port of the packet, which is UDP in IPv4 after an Ethernet header. */
static __always_inline void bench_stamp(struct __sk_buff *skb, __u32 number)
{
	__be16 port = bpf_htons(1024 + (number & (bench_ports - 1)));
	__be32 source = bpf_htonl(0x0a050100 + number / bench_ports % bench_sources);

	bpf_skb_store_bytes(skb, 14 + 12, &source, 4, 0);
	bpf_skb_store_bytes(skb, 14 + 20, &port, 2, 0);
}

SEC("tc")
int bench_floor(struct __sk_buff *skb)
{
	bench_stamp(skb, bench_draw());
	return 0;
}

SEC("tc")
int bench_judge_in(struct __sk_buff *skb)
{
	bench_stamp(skb, bench_insert_first ? bench_next++ : bench_draw());
	rn_mark(skb, 0);
	return rn_packet_in(skb, RN_INGRESS);
}

/* ---- tables alone ---- */

#define WAYS 8

struct bench_entry {
	struct rn_flow_key key;
	__u64 seen;
	__u64 packets;
	__u64 bytes;
	__u32 source; /* who made it */
	__u32 used;
	__u8 rest[sizeof(struct rn_flow) - 32]; /* what else a flow holds */
};

struct bench_bucket {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u16 tag[WAYS]; /* 0: free */
	struct bench_entry entry[WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct bench_bucket);
} bench_set SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RN_FLOWS_MAX);
	__type(key, struct rn_flow_key);
	__type(value, struct bench_entry);
} bench_lru SEC(".maps");

__u64 bench_hits = 0, bench_misses = 0, bench_evicted = 0, bench_evicted_other = 0;

static __always_inline void bench_key(struct rn_flow_key *key, __u32 number)
{
	__builtin_memset(key, 0, sizeof(*key));
	*(__u32 *)&key->lo.b[12] = number * 2654435761u;
	*(__u32 *)&key->hi.b[12] = 7;
	key->lo_port = number;
	key->hi_port = 443;
	key->protocol = 17;
}

static __always_inline __u64 bench_hash(const struct rn_flow_key *key)
{
	const __u64 *w = (const __u64 *)key;
	__u64 h = 0x243f6a8885a308d3ull;

	for (int i = 0; i < 5; i++) {
		h = (h ^ w[i]) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return h;
}

static __always_inline int bench_same(const struct rn_flow_key *a, const struct rn_flow_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

static __always_inline void bench_use(struct bench_entry *e, __u64 now)
{
	e->seen = now;
	__sync_fetch_and_add(&e->packets, 1);
	__sync_fetch_and_add(&e->bytes, 100);
}

/* The place for a new entry: a free one, else the inserter's own oldest, else the oldest. */
static __always_inline __u32 bench_victim(struct bench_bucket *b, __u32 source)
{
	__u32 oldest = 0, own = WAYS;

	for (__u32 i = 0; i < WAYS; i++) {
		if (!b->tag[i])
			return i;
		if (b->entry[i].seen < b->entry[oldest].seen)
			oldest = i;
		if (b->entry[i].source == source && (own == WAYS || b->entry[i].seen < b->entry[own & (WAYS - 1)].seen))
			own = i;
	}
	return own == WAYS ? oldest : own;
}

static __always_inline int bench_set_touch(const struct rn_flow_key *key, __u32 source, __u64 now)
{
	__u64 hash = bench_hash(key);
	__u32 index = hash & (bench_buckets - 1), place;
	__u16 tag = (hash >> 48) | 1;
	struct bench_bucket *b = bpf_map_lookup_elem(&bench_set, &index);
	__u32 other = 0, evicted = 0;

	if (!b)
		return -1;
	for (__u32 i = 0; i < WAYS; i++) {
		if (b->tag[i] == tag && bench_same(&b->entry[i].key, key)) {
			bench_use(&b->entry[i], now);
			return 1;
		}
	}
	bpf_spin_lock(&b->lock);
	place = bench_victim(b, source) & (WAYS - 1);
	evicted = b->tag[place] != 0;
	other = evicted && b->entry[place].source != source;
	b->tag[place] = 0;
	b->entry[place].key = *key;
	b->entry[place].source = source;
	b->entry[place].seen = now;
	b->entry[place].packets = 1;
	b->entry[place].bytes = 100;
	b->tag[place] = tag;
	bpf_spin_unlock(&b->lock);
	bench_evicted += evicted;
	bench_evicted_other += other;
	return 0;
}

static __always_inline int bench_lru_touch(const struct rn_flow_key *key, __u32 source, __u64 now)
{
	struct bench_entry *e = bpf_map_lookup_elem(&bench_lru, key);
	struct bench_entry fresh = {.seen = now, .source = source, .packets = 1, .bytes = 100};

	if (e) {
		bench_use(e, now);
		return 1;
	}
	bpf_map_update_elem(&bench_lru, key, &fresh, BPF_ANY);
	return 0;
}

/*
 * One packet in bench_victim_share belongs to one of bench_victims flows of source 1 (0: none of them ever); the others
 * are new flows of source 2, or, where bench_flood is 0, one of bench_flows flows of source 1.
 */
const volatile __u32 bench_flows = 1024, bench_victims = 1000, bench_victim_share = 100, bench_flood = 0;

static __always_inline __u32 bench_choose(struct rn_flow_key *key)
{
	__u32 r = bench_draw();

	if (!bench_flood) {
		bench_key(key, r % bench_flows);
		return 1;
	}
	if (bench_victim_share && r % bench_victim_share == 0) {
		bench_key(key, r / bench_victim_share % bench_victims);
		return 1;
	}
	bench_key(key, 0x1000000 + bench_next++);
	return 2;
}

static __always_inline int bench_count(int hit)
{
	if (hit > 0)
		bench_hits++;
	else
		bench_misses++;
	return 0;
}

SEC("tc")
int bench_key_only(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_flow_key key;

	bench_hits += bench_choose(&key) + key.lo_port + bpf_ktime_get_boot_ns() % 2;
	return 0;
}

SEC("tc")
int bench_lru_packet(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_flow_key key;
	__u32 source = bench_choose(&key);

	return bench_count(bench_lru_touch(&key, source, bpf_ktime_get_boot_ns()));
}

SEC("tc")
int bench_set_packet(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_flow_key key;
	__u32 source = bench_choose(&key);

	return bench_count(bench_set_touch(&key, source, bpf_ktime_get_boot_ns()));
}

/* Of the victims, how many are still there. */
__u32 bench_at = 0;

SEC("tc")
int bench_put_victim(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_flow_key key;
	__u64 now = bpf_ktime_get_boot_ns();

	bench_key(&key, bench_at++);
	bench_lru_touch(&key, 1, now);
	bench_set_touch(&key, 1, now);
	return 0;
}

SEC("tc")
int bench_find_victim(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_flow_key key;
	struct bench_bucket *b;
	__u64 hash;
	__u32 index;

	bench_key(&key, bench_at++);
	bench_hits += bpf_map_lookup_elem(&bench_lru, &key) != NULL;
	hash = bench_hash(&key);
	index = hash & (bench_buckets - 1);
	b = bpf_map_lookup_elem(&bench_set, &index);
	for (__u32 i = 0; b && i < WAYS; i++)
		bench_misses += b->tag[i] && bench_same(&b->entry[i].key, &key);
	return 0;
}
