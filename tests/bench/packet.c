/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns per packet of the datapath, and of two flow tables, by test runs whose every packet is another flow. All sides of
 * a ratio are run in turn, ROUNDS times; a line of JSON a case on standard output, medians and extremes of the rounds.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/maps.h"
#include "abi/mesh.h"
#include "abi/verdict.h"
#include "bpf/bench_packet.skel.h"
#include "domain/policy_tables.h"

#define ROUNDS 7
#define REPEAT 200000u
#define WARMING 2600000u
#define PACKET 100
#define SERVER 1u
#define IDENTITY 3u

struct sizes {
	uint32_t sources, ports, table, flows, victims, victim_share;
	bool insert, flood;
};

static void must(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(1);
}

static uint8_t packet[PACKET];

static void make_packet(void)
{
	uint8_t *ip = packet + 14;

	memset(packet, 0, sizeof(packet));
	packet[12] = 8; /* IPv4 */
	ip[0] = 0x45;
	ip[3] = PACKET - 14;
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (uint8_t[]){10, 5, 1, 0}, 4);
	memcpy(ip + 16, (uint8_t[]){10, 5, 0, 1}, 4);
	ip[22] = 9000 >> 8;
	ip[23] = 9000 & 255;
	ip[25] = PACKET - 14 - 20;
}

static double run(const struct bpf_program *program, uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet), .repeat = (int)repeat);

	must(bpf_prog_test_run_opts(bpf_program__fd(program), &o), "test run");
	return o.duration;
}

static void *map(const struct bpf_map *m)
{
	size_t size = (size_t)bpf_map__value_size(m) * bpf_map__max_entries(m);
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);

	must(data == MAP_FAILED, "mmap");
	return data;
}

static void put_address(const struct bench_packet *s, uint32_t ipv4, uint32_t index)
{
	struct rn_addr a = {{[10] = 0xff, [11] = 0xff}};

	ipv4 = htonl(ipv4);
	memcpy(a.b + 12, &ipv4, 4);
	must(bpf_map_update_elem(bpf_map__fd(s->maps.rn_addresses), &a, &index, BPF_ANY), "address");
}

/* A node whose devices may all send it anything, by one rule out of 200. */
static void fill(const struct bench_packet *s, uint32_t sources)
{
	static uint32_t all[] = {9}, none[] = {8};
	struct rn_service any = {0, 0, 65535};
	struct rn_policy_rule rules[200];
	struct rn_policy_record policy = {.rules = rules, .rule_count = 200};
	struct rn_config *config = map(s->maps.rn_config);
	struct rn_device *devices = map(s->maps.rn_devices);
	struct rn_identity *identities = map(s->maps.rn_identities);
	struct rn_identity_lists lists;
	struct rn_policy_sides *sides;
	struct rn_policy_arrays t;
	struct rn_err err;

	for (uint32_t i = 0; i < 200; i++)
		rules[i] = (struct rn_policy_rule){.number = i + 1,
						   .source.any = {i < 199 ? none : all, 1},
						   .destination.any = {all, 1},
						   .services = &any,
						   .service_count = 1};
	sides = rn_policy_sides_new(&policy);
	must(!sides || rn_policy_tables_build(&policy, sides, 1, &t, &err), "tables");
	must(rn_policy_tables_identity(sides, all, 1, &lists), "identity");
#define PUT(map_, of, max, count)                                                                                      \
	memcpy((char *)map(s->maps.map_) + (max) * sizeof(*t.of), t.of, (count) * sizeof(*t.of))
	PUT(rn_rules, rules, RN_RULES_MAX, t.policy.rules);
	PUT(rn_sides, sides, RN_SIDES_MAX, t.side_count);
	PUT(rn_pairs, pairs, RN_PAIRS_MAX, t.pair_count);
	PUT(rn_candidates, candidates, RN_CANDIDATES_MAX, t.candidate_count);
#undef PUT
	memcpy((struct rn_list *)map(s->maps.rn_lists) + RN_LISTS_MAX, lists.sides,
	       lists.count * sizeof(*lists.sides));
	((struct rn_policy *)map(s->maps.rn_policy))[1] = t.policy;
	identities[RN_IDENTITIES_MAX + IDENTITY] = lists.at;
	rn_policy_tables_done(&t);
	rn_policy_sides_free(sides);
	free(lists.sides);
	for (uint32_t i = SERVER; i <= SERVER + sources; i++) {
		devices[i] = (struct rn_device){
		    .state = RN_STATE_PRESENT | 50, .number = i, .identity_slot = IDENTITY, .owner = i};
		devices[i].state |= i == SERVER ? RN_STATE_LOCAL : RN_STATE_ATTACHED;
		put_address(s, i == SERVER ? 0x0a050001 : 0x0a050100 + i - SERVER - 1, i);
	}
	*config = (struct rn_config){.generation = 1,
				     .flow_secret = 0x9e3779b97f4a7c15ull,
				     .lease_until_ns = UINT64_MAX,
				     .role = RN_ROLE_NODE,
				     .ifindex = 7,
				     .mtu = 1372};
}

static struct bench_packet *open_with(const struct sizes *z)
{
	struct bench_packet *s = bench_packet__open();

	must(!s, "open");
	s->rodata->rn_l2_length = 14;
	s->rodata->bench_sources = z->sources;
	s->rodata->bench_ports = z->ports;
	s->rodata->bench_insert_first = z->insert;
	s->rodata->rn_flow_sets = z->table / RN_FLOW_WAYS;
	s->rodata->bench_flows = z->flows;
	if (z->victims)
		s->rodata->bench_victims = z->victims;
	s->rodata->bench_victim_share = z->victim_share;
	s->rodata->bench_flood = z->flood;
	bpf_map__set_max_entries(s->maps.rn_flows, z->table / RN_FLOW_WAYS);
	bpf_map__set_max_entries(s->maps.bench_lru, z->table);
	must(bench_packet__load(s), "load");
	fill(s, z->sources);
	return s;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_side(const char *name, double *values, const char *end)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	printf("\"%s\": {\"median\": %.0f, \"min\": %.0f, \"max\": %.0f}%s", name, values[ROUNDS / 2], values[0],
	       values[ROUNDS - 1], end);
}

#define SIDES 3

/* Every side in turn, ROUNDS times, after as much again as warming. */
static void race(const char *what, uint32_t flows, const char *const names[SIDES],
		 const struct bpf_program *const programs[SIDES])
{
	double values[SIDES][ROUNDS];

	for (int i = 0; i < SIDES; i++) {
		for (uint32_t done = 0; done < 3 * flows && done < WARMING; done += REPEAT)
			run(programs[i], REPEAT);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < SIDES; i++)
			values[i][round] = run(programs[i], REPEAT);
	}
	printf("{\"case\": \"%s\", \"flows\": %u, ", what, flows);
	for (int i = 0; i < SIDES; i++)
		print_side(names[i], values[i], i < SIDES - 1 ? ", " : "}\n");
	fflush(stdout);
}

static uint64_t passed(const struct bench_packet *s)
{
	uint32_t key = RN_ALLOWED;
	int cpus = libbpf_num_possible_cpus();
	struct rn_counter *counters = calloc((size_t)cpus, sizeof(*counters));
	uint64_t sum = 0;

	must(!counters || bpf_map_lookup_elem(bpf_map__fd(s->maps.rn_counters), &key, counters), "counters");
	for (int i = 0; i < cpus; i++)
		sum += counters[i].packets;
	free(counters);
	return sum;
}

static void judge(const char *what, uint32_t sources, uint32_t ports, uint32_t table, bool insert)
{
	struct sizes z = {
	    .sources = sources, .ports = ports, .table = table, .flows = sources * ports, .insert = insert};
	struct bench_packet *s = open_with(&z);
	const char *const names[SIDES] = {"floor", "ingress", "lru_alone"};
	const struct bpf_program *const programs[SIDES] = {s->progs.bench_floor, s->progs.bench_judge_in,
							   s->progs.bench_lru_packet};

	race(what, sources * ports, names, programs);
	if (!passed(s)) {
		fprintf(stderr, "%s: nothing passed\n", what);
		exit(1);
	}
	bench_packet__destroy(s);
}

/* A frame from this host to itself, so that one program makes it and takes it apart. */
static void fill_mesh(const struct bench_packet *s)
{
	const struct rn_addr own = {{[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 5, [14] = 0, [15] = 1}};
	const struct rn_behind_key behind = {.peer = 1, .identity = 1};
	const uint32_t peer = 1, slot = IDENTITY;

	((struct rn_mesh_self *)map(s->maps.rn_mesh_self))[0] =
	    (struct rn_mesh_self){.addresses = {.v4 = own}, .rnm0 = 8, .rn0 = 7, .mtu = 1420};
	((struct rn_mesh_addresses *)map(s->maps.rn_mesh_hubs))[1] = (struct rn_mesh_addresses){.v4 = own};
	must(bpf_map_update_elem(bpf_map__fd(s->maps.rn_mesh_peers), &own, &peer, BPF_ANY), "peer");
	must(bpf_map_update_elem(bpf_map__fd(s->maps.rn_behind), &behind, &slot, BPF_ANY), "behind");
}

static void frames(void)
{
	struct sizes z = {.sources = 1, .ports = 1024, .table = RN_FLOWS_MAX, .flows = 1024};
	struct bench_packet *s = open_with(&z);
	const char *const names[SIDES] = {"floor", "frame", "ingress"};
	const struct bpf_program *const programs[SIDES] = {s->progs.bench_parse, s->progs.bench_frame,
							   s->progs.bench_judge_in};

	fill_mesh(s);
	race("made and taken apart", 1024, names, programs);
	if (s->bss->bench_frames < ROUNDS * REPEAT) {
		fprintf(stderr, "frames: %u of them came through\n", s->bss->bench_frames);
		exit(1);
	}
	bench_packet__destroy(s);
}

static void tables(const char *what, uint32_t flows, uint32_t table, bool flood)
{
	struct sizes z = {.sources = 1, .ports = 1024, .table = table, .flows = flows, .flood = flood};
	struct bench_packet *s = open_with(&z);
	const char *const names[SIDES] = {"key", "lru", "set"};
	const struct bpf_program *const programs[SIDES] = {s->progs.bench_key_only, s->progs.bench_lru_packet,
							   s->progs.bench_set_packet};

	race(what, flows, names, programs);
	bench_packet__destroy(s);
}

static uint64_t evicted(const struct bench_packet *s)
{
	uint32_t key = RN_LOST_FLOWS;
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = calloc((size_t)cpus, sizeof(*each)), sum = 0;

	must(!each || bpf_map_lookup_elem(bpf_map__fd(s->maps.rn_lost), &key, each), "rn_lost");
	for (int i = 0; i < cpus; i++)
		sum += each[i];
	free(each);
	return sum;
}

/* So many flows are there, then ten times the table of another source's: how many of them are left? */
static void survive(const char *what, uint32_t victims, uint32_t victim_share)
{
	struct sizes z = {.sources = 1,
			  .ports = 1024,
			  .table = 65536,
			  .flows = 1024,
			  .victims = victims,
			  .victim_share = victim_share,
			  .flood = true};
	struct bench_packet *s = open_with(&z);

	run(s->progs.bench_put_victim, victims);
	run(s->progs.bench_lru_packet, 655360);
	run(s->progs.bench_set_packet, 655360);
	s->bss->bench_at = 0;
	s->bss->bench_hits = s->bss->bench_misses = 0;
	run(s->progs.bench_find_victim, victims);
	printf("{\"case\": \"%s\", \"victims\": %u, \"left_lru\": %llu, \"left_set\": %llu, \"evicted_set\": %llu}\n",
	       what, victims, (unsigned long long)s->bss->bench_hits, (unsigned long long)s->bss->bench_misses,
	       (unsigned long long)evicted(s));
	fflush(stdout);
	bench_packet__destroy(s);
}

int main(void)
{
	make_packet();
	judge("established", 1, 1024, RN_FLOWS_MAX, false);
	judge("established", 1, 16384, RN_FLOWS_MAX, false);
	judge("established", 32, 32768, 2u << 20, false);
	judge("new, evicting", 64, 32768, RN_FLOWS_MAX, true);
	frames();
	tables("hit", 1024, 65536, false);
	tables("hit", 16384, 65536, false);
	tables("hit", 1u << 20, 2u << 20, false);
	tables("insert, evicting", 1u << 20, 65536, true);
	survive("flood, victims idle", 1000, 0);
	survive("flood, victims idle", 20000, 0);
	survive("flood, victims 1 packet in 100", 1000, 100);
	survive("flood, victims 1 packet in 10", 1000, 10);
	return 0;
}
