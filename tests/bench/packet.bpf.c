/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The datapath under load that a hot cache does not flatter: each run draws a flow of its own, then judges it. And
 * its flow table beside one of BPF's LRU tables with the same entries. Only tests/bench/packet.c loads this.
 */
#include "tc_overlay.bpf.c"

#define BENCH_SECRET 0x9e3779b97f4a7c15ull
#define RN_UNUSED __attribute__((unused))

const volatile __u32 bench_sources = 1;	     /* 10.5.1.0 and on */
const volatile __u32 bench_ports = 1024;     /* a power of two */
const volatile __u32 bench_insert_first = 0; /* key numbers count up from here instead of being drawn */

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
	struct rn_context c = {.direction = RN_INGRESS};

	bench_stamp(skb, bench_insert_first ? bench_next++ : bench_draw());
	rn_mark(skb, 0);
	return rn_packet_in(skb, &c);
}

/* ---- a frame alone: what it would cost to say identity and trust on every packet between a node and its hub ---- */

SEC("tc")
int bench_parse(struct __sk_buff *skb)
{
	struct rn_packet p = {};

	bench_stamp(skb, bench_draw());
	return rn_parse(skb, &p);
}

__u32 bench_frames = 0;

SEC("tc")
int bench_frame(struct __sk_buff *skb)
{
	struct rn_mesh_way way = {.peer = 1, .identity = 1, .trust = 50};
	struct rn_mesh_frame f = {};
	struct rn_packet p = {};

	bench_stamp(skb, bench_draw());
	if (rn_parse(skb, &p) || rn_mesh_put(skb, &p, &way) || rn_mesh_read(skb, &f) || rn_mesh_remove(skb, &f))
		return 1;
	bench_frames++;
	return 0;
}

/* ---- tables alone ---- */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RN_FLOWS_MAX);
	__type(key, struct rn_flow_key);
	__type(value, struct rn_flow);
} bench_lru SEC(".maps");

__u64 bench_hits = 0, bench_misses = 0;

/* A packet of the flow with that number, as far as a table looks at it. */
static __always_inline void bench_key(struct rn_packet *p, __u32 number)
{
	__builtin_memset(p, 0, sizeof(*p));
	*(__u32 *)&p->source.b[12] = number * 2654435761u;
	*(__u32 *)&p->destination.b[12] = 7;
	p->source_port = number;
	p->destination_port = 443;
	p->protocol = 17;
	p->bytes = 100;
}

/* Of the flow whose packet c has. */
static __always_inline int bench_set_touch(struct rn_context *c, __u32 source, __u64 now)
{
	c->now = now;
	c->secret = BENCH_SECRET;
	if (rn_flow_find(c)) {
		rn_flow_account(c, 0, RN_ALLOWED);
		return 1;
	}
	c->source.index = source;
	rn_flow_make(c, 0);
	return 0;
}

static __noinline int bench_lru_touch(const struct rn_packet *p, __u32 source, __u64 now)
{
	struct rn_flow_key key;
	struct rn_flow *e, fresh = {.seen_ns = now, .source = source, .packets = {1}, .bytes = {100}};

	rn_flow_key(p, &key);
	e = bpf_map_lookup_elem(&bench_lru, &key);
	if (e) {
		e->seen_ns = now;
		__sync_fetch_and_add(&e->packets[0], 1);
		__sync_fetch_and_add(&e->bytes[0], 100);
		return 1;
	}
	bpf_map_update_elem(&bench_lru, &key, &fresh, BPF_ANY);
	return 0;
}

/*
 * One packet in bench_victim_share belongs to one of bench_victims flows of source 1 (0: none of them ever); the others
 * are new flows of source 2, or, where bench_flood is 0, one of bench_flows flows of source 1.
 */
const volatile __u32 bench_flows = 1024, bench_victims = 1000, bench_victim_share = 100, bench_flood = 0;

static __always_inline __u32 bench_choose(struct rn_packet *p)
{
	__u32 r = bench_draw();

	if (!bench_flood) {
		bench_key(p, r % bench_flows);
		return 1;
	}
	if (bench_victim_share && r % bench_victim_share == 0) {
		bench_key(p, r / bench_victim_share % bench_victims);
		return 1;
	}
	bench_key(p, 0x1000000 + bench_next++);
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
	struct rn_packet p;

	bench_hits += bench_choose(&p) + p.source_port + bpf_ktime_get_boot_ns() % 2;
	return 0;
}

SEC("tc")
int bench_lru_packet(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_packet p;
	__u32 source = bench_choose(&p);

	return bench_count(bench_lru_touch(&p, source, bpf_ktime_get_boot_ns()));
}

SEC("tc")
int bench_set_packet(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_context c = {};
	__u32 source = bench_choose(&c.packet);

	return bench_count(bench_set_touch(&c, source, bpf_ktime_get_boot_ns()));
}

/* Of the victims, how many are still there. */
__u32 bench_at = 0;

SEC("tc")
int bench_put_victim(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_context c = {};
	__u64 now = bpf_ktime_get_boot_ns();

	bench_key(&c.packet, bench_at++);
	bench_lru_touch(&c.packet, 1, now);
	bench_set_touch(&c, 1, now);
	return 0;
}

SEC("tc")
int bench_find_victim(struct __sk_buff *skb RN_UNUSED)
{
	struct rn_context c = {.secret = BENCH_SECRET};
	struct rn_flow_key key;

	bench_key(&c.packet, bench_at++);
	rn_flow_key(&c.packet, &key);
	bench_hits += bpf_map_lookup_elem(&bench_lru, &key) != NULL;
	bench_misses += rn_flow_find(&c) != RN_FOUND_NONE;
	return 0;
}
