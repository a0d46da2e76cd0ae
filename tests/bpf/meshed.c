/* SPDX-License-Identifier: Apache-2.0 */
#include "meshed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bpf/tc_mesh.skel.h"

#define COUNTERS (2 * RN_MESH_REASON_COUNT)
#define CPUS_MAX 256u

static void must(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	abort();
}

static void *memory(const struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	must(data == MAP_FAILED ? -1 : 0, bpf_map__name(map));
	return data;
}

static void read_counters(const struct meshed *m, uint64_t ret[COUNTERS])
{
	static uint64_t each[COUNTERS * CPUS_MAX];
	uint32_t keys[COUNTERS], count = COUNTERS, batch;
	int code = bpf_map_lookup_batch(bpf_map__fd(m->skeleton->maps.rn_mesh_counters), NULL, &batch, keys, each,
					&count, NULL);

	must((code && code != -ENOENT) || count != COUNTERS ? -1 : 0, "rn_mesh_counters");
	memset(ret, 0, COUNTERS * sizeof(*ret));
	for (uint32_t i = 0; i < COUNTERS; i++) {
		for (unsigned cpu = 0; cpu < m->cpus; cpu++)
			ret[keys[i]] += each[i * m->cpus + cpu];
	}
}

/* Room for what limits.h promises, and for no more. */
static void check_sizes(const struct tc_mesh *s)
{
	const struct {
		const struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {{s->maps.rn_mesh_self, 1},
		     {s->maps.rn_mesh_hubs, RN_MESH_PEERS_MAX},
		     {s->maps.rn_mesh_peers, RN_MESH_ADDRESSES_MAX},
		     {s->maps.rn_behind, RN_BEHIND_MAX},
		     {s->maps.rn_mesh_counters, COUNTERS}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		must(bpf_map__max_entries(sizes[i].map) == sizes[i].entries ? 0 : -1, bpf_map__name(sizes[i].map));
}

void meshed_open(struct meshed *m, uint32_t l2_length)
{
	struct tc_mesh *s = tc_mesh__open();

	must(s ? 0 : -1, "the BPF object");
	s->rodata->rn_l2_length = l2_length;
	check_sizes(s);
	must(tc_mesh__load(s), "the BPF programs do not load (are you root?)");
	memset(m, 0, sizeof(*m));
	m->skeleton = s;
	m->cpus = libbpf_num_possible_cpus();
	must(m->cpus <= CPUS_MAX ? 0 : -1, "CPUs");
	m->self = memory(s->maps.rn_mesh_self);
	m->hubs = memory(s->maps.rn_mesh_hubs);
}

void meshed_close(struct meshed *m)
{
	munmap(m->self, sizeof(*m->self));
	munmap(m->hubs, sizeof(*m->hubs) * RN_MESH_PEERS_MAX);
	tc_mesh__destroy(m->skeleton);
}

void meshed_peer(struct meshed *m, const struct rn_addr *source, uint32_t peer)
{
	must(bpf_map_update_elem(bpf_map__fd(m->skeleton->maps.rn_mesh_peers), source, &peer, BPF_ANY), "peer");
}

void meshed_peer_remove(struct meshed *m, const struct rn_addr *source)
{
	must(bpf_map_delete_elem(bpf_map__fd(m->skeleton->maps.rn_mesh_peers), source), "peer");
}

void meshed_behind(struct meshed *m, uint32_t peer, uint32_t identity, uint32_t slot)
{
	struct rn_behind_key key = {peer, identity};

	must(bpf_map_update_elem(bpf_map__fd(m->skeleton->maps.rn_behind), &key, &slot, BPF_ANY), "behind");
}

void meshed_behind_remove(struct meshed *m, uint32_t peer, uint32_t identity)
{
	struct rn_behind_key key = {peer, identity};

	must(bpf_map_delete_elem(bpf_map__fd(m->skeleton->maps.rn_behind), &key), "behind");
}

void meshed_way(struct meshed *m, uint32_t peer, uint32_t identity, uint32_t trust)
{
	m->skeleton->bss->rn_test_peer = peer;
	m->skeleton->bss->rn_test_identity = identity;
	m->skeleton->bss->rn_test_trust = trust;
}

struct meshed_last meshed_last(const struct meshed *m)
{
	return (struct meshed_last){m->skeleton->bss->rn_last_peer, m->skeleton->bss->rn_last_identity,
				    m->skeleton->bss->rn_last_trust, m->skeleton->bss->rn_last_slot};
}

int meshed_program(const struct meshed *m, int direction)
{
	return bpf_program__fd(direction == MESHED_OUT ? m->skeleton->progs.rn_mesh_out
						       : m->skeleton->progs.rn_mesh_in);
}

uint64_t meshed_count(const struct meshed *m, int direction, enum rn_mesh_reason reason)
{
	uint64_t now[COUNTERS];

	read_counters(m, now);
	return now[direction * RN_MESH_REASON_COUNT + reason];
}

const char *meshed_reason(unsigned reason)
{
	static const char *const names[] = {
	    "passed", "internal", "not IP",	"short",    "header",	"options",	"fragment",    "protocol",
	    "length", "checksum", "GRE",	"family",   "not ours", "unknown peer", "wrong trust", "wrong identity",
	    "inner",  "nested",	  "congestion", "no route", "too big",	"unmarked"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == RN_MESH_REASON_COUNT, "names");
	return reason < RN_MESH_REASON_COUNT ? names[reason] : "?";
}

static int find_reason(struct meshed *m, int direction)
{
	uint64_t now[COUNTERS];
	int found = -1;

	read_counters(m, now);
	for (int i = 0; i < COUNTERS; i++) {
		if (now[i] == m->seen[i])
			continue;
		must(now[i] == m->seen[i] + 1 && found < 0 && i / RN_MESH_REASON_COUNT == direction ? 0 : -1,
		     "a counter");
		found = i % RN_MESH_REASON_COUNT;
	}
	must(found, "a packet was not counted");
	memcpy(m->seen, now, sizeof(now));
	return found;
}

int meshed_send(struct meshed *m, int direction, struct meshed_run *r)
{
	uint8_t in[ETH_HLEN + MESHED_PACKET_MAX] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, out[sizeof(in)];
	uint16_t type = r->ethertype ? r->ethertype : r->size && r->packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	struct __sk_buff context = {.gso_size = r->gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_out = out, .data_size_out = sizeof(out),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	int code;

	must(r->size && r->size <= MESHED_PACKET_MAX ? 0 : -1, "a packet's size");
	in[12] = type >> 8;
	in[13] = type & 0xff;
	memcpy(in + ETH_HLEN, r->packet, r->size);
	run.data_size_in = ETH_HLEN + r->size;
	if (r->gso_size)
		context.gso_segs = r->size / r->gso_size;
	code = bpf_prog_test_run_opts(meshed_program(m, direction), &run);
	if (code)
		return code;
	r->action = (int)run.retval;
	r->out_size = run.data_size_out - ETH_HLEN;
	memcpy(r->out, out + ETH_HLEN, r->out_size);
	return find_reason(m, direction);
}
