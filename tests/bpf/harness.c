/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bpf/tc_overlay.skel.h"
#include "domain/policy_tables.h"

#define COUNTERS (2 * RN_REASON_COUNT)
#define MESH_COUNTERS (2 * RN_MESH_REASON_COUNT)
#define MEMORY_COUNT 6
#define FLOW_SECRET 0x9e3779b97f4a7c15ull

struct memory {
	void *data;
	size_t size;
};

struct rn_bpf_private {
	struct tc_overlay *skeleton;
	struct ring_buffer *ring;
	struct memory memory[MEMORY_COUNT];
	struct rn_datapath dp; /* as far as it writes policies */
	struct rn_policy_sides *sides;
	enum rn_role role;
	unsigned cpus;
	struct rn_counter *cpu_counters;
	struct rn_counter seen[COUNTERS]; /* as of the last packet */
	uint64_t *cpu_frames, frames_seen[MESH_COUNTERS];
	struct rn_event *events; /* where consume puts what it finds */
	size_t event_count, event_max;
};

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN && getenv("RN_BPF_LOG") ? vfprintf(stderr, format, arguments) : 0;
}

/* Stops once the caller's array is full: the rest stays in the ring. */
static int take_event(void *context, void *data, size_t size)
{
	struct rn_bpf_private *p = context;

	if (size != sizeof(struct rn_event))
		die("an event of %zu bytes", size);
	memcpy(&p->events[p->event_count++], data, size);
	return p->event_count == p->event_max ? -ECANCELED : 0;
}

static void *map_memory(struct rn_bpf *b, const struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (data == MAP_FAILED)
		die("mmap of %s: %s", bpf_map__name(map), strerror(errno));
	for (int i = 0; i < MEMORY_COUNT; i++) {
		if (!b->private->memory[i].data) {
			b->private->memory[i] = (struct memory){data, size};
			break;
		}
	}
	return data;
}

static void map_all(struct rn_bpf *b)
{
	struct tc_overlay *s = b->private->skeleton;

	b->config = map_memory(b, s->maps.rn_config);
	b->devices = map_memory(b, s->maps.rn_devices);
	b->policy = map_memory(b, s->maps.rn_policy);
	b->mesh = map_memory(b, s->maps.rn_mesh_self);
	b->hubs = map_memory(b, s->maps.rn_mesh_hubs);
	b->spent = map_memory(b, s->maps.rn_error_spent);
	b->now = (uint64_t *)&s->bss->rn_test_now;
	b->private->dp = (struct rn_datapath){
	    .fd = {[RN_FD_IDENTITIES] = bpf_map__fd(s->maps.rn_identities),
		   [RN_FD_LISTS] = bpf_map__fd(s->maps.rn_lists),
		   [RN_FD_SIDES] = bpf_map__fd(s->maps.rn_sides),
		   [RN_FD_PAIRS] = bpf_map__fd(s->maps.rn_pairs),
		   [RN_FD_CANDIDATES] = bpf_map__fd(s->maps.rn_candidates),
		   [RN_FD_RULES] = bpf_map__fd(s->maps.rn_rules),
		   [RN_FD_OPENINGS] = bpf_map__fd(s->maps.rn_openings)},
	    .config = b->config,
	    .policy = b->policy,
	    .identities_end = {RN_IDENTITIES_MAX, RN_IDENTITIES_MAX},
	};
}

static struct tc_overlay *load(const struct rn_bpf_options *options)
{
	struct tc_overlay *s = tc_overlay__open();

	if (!s)
		die("the BPF object does not open: %s", strerror(errno));
	s->rodata->rn_l2_length = ETH_HLEN;
	s->rodata->rn_test_clock = true;
	if (options->flow_sets) {
		bpf_map__set_max_entries(s->maps.rn_flows, options->flow_sets);
		s->rodata->rn_flow_sets = options->flow_sets;
	}
	if (tc_overlay__load(s))
		die("the BPF programs do not load: %s (RN_BPF_LOG=1 says more; are you root?)", strerror(errno));
	return s;
}

/* Sums over the CPUs. */
static void read_counters(struct rn_bpf *b, struct rn_counter ret[COUNTERS])
{
	struct rn_bpf_private *p = b->private;
	uint32_t keys[COUNTERS], count = COUNTERS, batch;
	int code = bpf_map_lookup_batch(bpf_map__fd(p->skeleton->maps.rn_counters), NULL, &batch, keys, p->cpu_counters,
					&count, NULL);

	if ((code && code != -ENOENT) || count != COUNTERS)
		die("rn_counters: %s", strerror(-code));
	memset(ret, 0, COUNTERS * sizeof(*ret));
	for (uint32_t i = 0; i < COUNTERS; i++) {
		for (unsigned cpu = 0; cpu < p->cpus; cpu++) {
			ret[keys[i]].packets += p->cpu_counters[i * p->cpus + cpu].packets;
			ret[keys[i]].bytes += p->cpu_counters[i * p->cpus + cpu].bytes;
		}
	}
}

static void read_frames(struct rn_bpf *b, uint64_t ret[MESH_COUNTERS])
{
	struct rn_bpf_private *p = b->private;
	uint32_t keys[MESH_COUNTERS], count = MESH_COUNTERS, batch;
	int code = bpf_map_lookup_batch(bpf_map__fd(p->skeleton->maps.rn_mesh_counters), NULL, &batch, keys,
					p->cpu_frames, &count, NULL);

	if ((code && code != -ENOENT) || count != MESH_COUNTERS)
		die("rn_mesh_counters: %s", strerror(-code));
	memset(ret, 0, MESH_COUNTERS * sizeof(*ret));
	for (uint32_t i = 0; i < MESH_COUNTERS; i++) {
		for (unsigned cpu = 0; cpu < p->cpus; cpu++)
			ret[keys[i]] += p->cpu_frames[i * p->cpus + cpu];
	}
}

/* The event rate and the counters are a CPU's own: one CPU, one truth. */
static void stay_here(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

struct rn_bpf *rn_bpf_open(const struct rn_bpf_options *options)
{
	struct rn_bpf *b = calloc(1, sizeof(*b));
	struct rn_bpf_private *p = calloc(1, sizeof(*p));

	if (!b || !p)
		die("out of memory");
	libbpf_set_print(quiet);
	stay_here();
	b->private = p;
	p->role = options->role;
	p->skeleton = load(options);
	p->cpus = libbpf_num_possible_cpus();
	p->cpu_counters = calloc((size_t)COUNTERS * p->cpus, sizeof(*p->cpu_counters));
	p->cpu_frames = calloc((size_t)MESH_COUNTERS * p->cpus, sizeof(*p->cpu_frames));
	p->ring = ring_buffer__new(bpf_map__fd(p->skeleton->maps.rn_events), take_event, p, NULL);
	if (!p->cpu_counters || !p->cpu_frames || !p->ring)
		die("out of memory");
	map_all(b);
	*b->now = 1000 * RN_SECOND_NS;
	rn_bpf_reset(b);
	return b;
}

void rn_bpf_close(struct rn_bpf *b)
{
	if (!b)
		return;
	rn_datapath_half_close(&b->private->dp);
	rn_policy_sides_free(b->private->sides);
	for (int i = 0; i < MEMORY_COUNT; i++)
		munmap(b->private->memory[i].data, b->private->memory[i].size);
	ring_buffer__free(b->private->ring);
	tc_overlay__destroy(b->private->skeleton);
	free(b->private->cpu_counters);
	free(b->private->cpu_frames);
	free(b->private);
	free(b);
}

static void clear_hash(const struct bpf_map *map)
{
	uint8_t key[64];

	if (bpf_map__key_size(map) > sizeof(key))
		die("%s: a key of %u bytes", bpf_map__name(map), bpf_map__key_size(map));
	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

void rn_bpf_reset(struct rn_bpf *b)
{
	struct rn_bpf_private *p = b->private;
	struct rn_event events[256];

	for (int i = 0; i < MEMORY_COUNT; i++)
		memset(p->memory[i].data, 0, p->memory[i].size);
	clear_hash(p->skeleton->maps.rn_addresses);
	clear_hash(p->skeleton->maps.rn_mesh_peers);
	clear_hash(p->skeleton->maps.rn_behind);
	rn_bpf_flows_clear(b);
	*b->now += RN_FRAGMENT_NS; /* no packet waits for its fragments */
	while (rn_bpf_events(b, events, 256))
		;
	b->config->role = p->role;
	b->config->lease_until_ns = *b->now + 1000000 * RN_SECOND_NS;
	b->config->mtu = 1372;
	b->config->ifindex = 7;
	b->config->flow_secret = FLOW_SECRET;
	read_counters(b, p->seen);
	read_frames(b, p->frames_seen);
}

void rn_bpf_address(struct rn_bpf *b, const struct rn_addr *addr, uint32_t index)
{
	int fd = bpf_map__fd(b->private->skeleton->maps.rn_addresses);
	int code = index ? bpf_map_update_elem(fd, addr, &index, BPF_ANY) : bpf_map_delete_elem(fd, addr);

	if (code)
		die("rn_addresses: %s", strerror(-code));
}

void rn_bpf_peer(struct rn_bpf *b, const struct rn_addr *source, uint32_t peer)
{
	int fd = bpf_map__fd(b->private->skeleton->maps.rn_mesh_peers);

	if (peer ? bpf_map_update_elem(fd, source, &peer, BPF_ANY) : bpf_map_delete_elem(fd, source))
		die("rn_mesh_peers: %s", strerror(errno));
}

void rn_bpf_behind(struct rn_bpf *b, uint32_t peer, uint32_t identity, uint32_t slot)
{
	struct rn_behind_key key = {peer, identity};

	if (bpf_map_update_elem(bpf_map__fd(b->private->skeleton->maps.rn_behind), &key, &slot, BPF_ANY))
		die("rn_behind: %s", strerror(errno));
}

void rn_bpf_behind_remove(struct rn_bpf *b, uint32_t peer, uint32_t identity)
{
	struct rn_behind_key key = {peer, identity};

	bpf_map_delete_elem(bpf_map__fd(b->private->skeleton->maps.rn_behind), &key);
}

void rn_bpf_policy(struct rn_bpf *b, uint64_t generation, const struct rn_policy_record *policy)
{
	struct rn_bpf_private *p = b->private;
	struct rn_policy_arrays arrays;
	struct rn_err err = {""};
	int code;

	rn_policy_sides_free(p->sides);
	p->sides = rn_policy_sides_new(policy);
	if (!p->sides || rn_policy_tables_build(policy, p->sides, generation, &arrays, &err) < 0)
		die("policy: %s", err.text);
	code = rn_datapath_half_write(&p->dp, generation & 1, &arrays);
	if (code)
		die("policy: %s", strerror(-code));
	rn_policy_tables_done(&arrays);
	b->config->generation = generation;
}

void rn_bpf_identity(struct rn_bpf *b, uint32_t slot, const uint32_t *selectors, uint32_t count)
{
	struct rn_bpf_private *p = b->private;
	struct rn_identity_lists lists;
	int code = rn_policy_tables_identity(p->sides, selectors, count, &lists);

	if (!code)
		code = rn_datapath_identity_write(&p->dp, b->config->generation & 1, slot, &lists);
	free(lists.sides);
	if (code)
		die("identity: %s", strerror(-code));
}

struct rn_datapath_half *rn_bpf_half(struct rn_bpf *b)
{
	if (rn_datapath_half_open(&b->private->dp, b->config->generation & 1))
		die("the policy's arrays are not mapped");
	return &b->private->dp.open;
}

/* Which counter went up, and by how much. */
static void find_reason(struct rn_bpf *b, int direction, struct rn_bpf_result *ret)
{
	struct rn_counter now[COUNTERS];
	int found = 0, row = direction == RN_BPF_OUT;

	read_counters(b, now);
	for (int i = 0; i < COUNTERS; i++) {
		struct rn_counter *before = &b->private->seen[i];

		if (now[i].packets == before->packets && now[i].bytes == before->bytes)
			continue;
		if (now[i].packets != before->packets + 1 || i / RN_REASON_COUNT != row || found++)
			die("counter %d went up by %lld in one packet of direction %d", i,
			    (long long)(now[i].packets - before->packets), direction);
		ret->reason = i % RN_REASON_COUNT;
		ret->bytes = now[i].bytes - before->bytes;
	}
	if (found == (direction == RN_BPF_MESH && ret->frame))
		die("a packet was counted %d times", found);
	memcpy(b->private->seen, now, sizeof(now));
}

/* The same for a frame that came in, or that was made; out of a frame an error may go back in one. */
static void find_frame(struct rn_bpf *b, int direction, struct rn_bpf_result *ret)
{
	uint64_t now[MESH_COUNTERS];
	int row = direction != RN_BPF_MESH;

	read_frames(b, now);
	for (int i = 0; i < MESH_COUNTERS; i++) {
		if (now[i] == b->private->frames_seen[i])
			continue;
		if (now[i] == b->private->frames_seen[i] + 1 && i == RN_MESH_REASON_COUNT + RN_MESH_PASSED && !row) {
			ret->returned = true;
			continue;
		}
		if (now[i] != b->private->frames_seen[i] + 1 || i / RN_MESH_REASON_COUNT != row || ret->framed)
			die("frame counter %d went up in one packet of direction %d", i, direction);
		ret->frame = i % RN_MESH_REASON_COUNT;
		ret->framed = true;
	}
	if (direction == RN_BPF_MESH && !ret->framed)
		die("a frame was not counted");
	memcpy(b->private->frames_seen, now, sizeof(now));
}

static int program_fd(struct rn_bpf *b, int direction)
{
	struct tc_overlay *s = b->private->skeleton;
	const struct bpf_program *const programs[RN_BPF_DIRECTIONS] = {s->progs.rn_ingress, s->progs.rn_egress,
								       s->progs.rn_mesh_ingress};

	return bpf_program__fd(programs[direction]);
}

static size_t put_frame(uint8_t *frame, const struct rn_bpf_send *in)
{
	static const uint8_t nowhere[2 * ETH_ALEN] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	bool v6 = *(const uint8_t *)in->packet >> 4 == 6;
	uint16_t type = htons(in->ethertype ? in->ethertype : v6 ? ETH_P_IPV6 : ETH_P_IP);

	memcpy(frame, nowhere, sizeof(nowhere));
	memcpy(frame + sizeof(nowhere), &type, sizeof(type));
	memcpy(frame + ETH_HLEN, in->packet, in->size);
	return ETH_HLEN + in->size;
}

int rn_bpf_send(struct rn_bpf *b, int direction, const struct rn_bpf_send *in, struct rn_bpf_result *ret)
{
	uint8_t frame[ETH_HLEN + RN_BPF_PACKET_MAX], out[ETH_HLEN + RN_BPF_PACKET_MAX];
	struct __sk_buff context = {.gso_size = in->gso_size, .gso_segs = in->gso_segs};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_out = out, .data_size_out = sizeof(out),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	int code;

	if (!in->size || in->size > RN_BPF_PACKET_MAX)
		return -EMSGSIZE;
	run.data_size_in = put_frame(frame, in);
	context.data_end = in->linear ? ETH_HLEN + in->linear : 0;
	code = bpf_prog_test_run_opts(program_fd(b, direction), &run);
	if (code)
		return code;
	*ret = (struct rn_bpf_result){.action = (int)run.retval};
	ret->size = run.data_size_out - ETH_HLEN;
	memcpy(ret->packet, out + ETH_HLEN, ret->size);
	find_frame(b, direction, ret);
	find_reason(b, direction, ret);
	return 0;
}

enum rn_reason rn_bpf_run(struct rn_bpf *b, int direction, const void *packet, size_t size, struct rn_bpf_result *ret)
{
	struct rn_bpf_send in = {.packet = packet, .size = size};
	int code = rn_bpf_send(b, direction, &in, ret);

	if (code)
		die("test run of %zu bytes: %s", size, strerror(-code));
	return ret->reason;
}

int rn_bpf_repeat(struct rn_bpf *b, int direction, const void *packet, size_t size, unsigned times)
{
	struct rn_bpf_send in = {.packet = packet, .size = size};
	uint8_t frame[ETH_HLEN + RN_BPF_PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .repeat = (int)times);

	run.data_size_in = put_frame(frame, &in);
	if (bpf_prog_test_run_opts(program_fd(b, direction), &run))
		die("test runs of %zu bytes: %s", size, strerror(errno));
	return (int)run.retval;
}

uint64_t rn_bpf_counted(struct rn_bpf *b, int direction, enum rn_reason reason)
{
	struct rn_counter now[COUNTERS];

	read_counters(b, now);
	return now[direction * RN_REASON_COUNT + reason].packets;
}

bool rn_bpf_can_page(struct rn_bpf *b)
{
	uint8_t packet[64] = {0x45};
	struct rn_bpf_send in = {.packet = packet, .size = sizeof(packet), .linear = 10};
	struct rn_bpf_result result;

	return !rn_bpf_send(b, RN_BPF_IN, &in, &result);
}

/* As bpf/table.h has it. */
static uint64_t hash_of(const struct rn_bpf *b, const struct rn_flow_key *key)
{
	uint64_t word[5], hash = b->config->flow_secret;

	memcpy(word, key, sizeof(word));
	for (int i = 0; i < 5; i++) {
		hash = (hash ^ word[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash;
}

static uint32_t set_of(const struct rn_bpf *b, const struct rn_flow_key *key)
{
	return hash_of(b, key) & (bpf_map__max_entries(b->private->skeleton->maps.rn_flows) - 1);
}

uint16_t rn_bpf_flow_tag(struct rn_bpf *b, const struct rn_flow_key *key)
{
	return hash_of(b, key) >> 48 | 1;
}

static void read_set(struct rn_bpf *b, uint32_t set, struct rn_flow_set *ret)
{
	if (bpf_map_lookup_elem_flags(bpf_map__fd(b->private->skeleton->maps.rn_flows), &set, ret, BPF_F_LOCK))
		die("rn_flows has no set %u", set);
}

int rn_bpf_flow_set(struct rn_bpf *b, const struct rn_flow_key *key, struct rn_flow_set *ret)
{
	read_set(b, set_of(b, key), ret);
	for (unsigned i = 0; i < RN_FLOW_WAYS; i++) {
		if (ret->tag[i] == rn_bpf_flow_tag(b, key) && !memcmp(&ret->slot[i].key, key, sizeof(*key)))
			return (int)i;
	}
	return -ENOENT;
}

void rn_bpf_flow_set_put(struct rn_bpf *b, const struct rn_flow_key *key, const struct rn_flow_set *set)
{
	uint32_t number = set_of(b, key);

	if (bpf_map_update_elem(bpf_map__fd(b->private->skeleton->maps.rn_flows), &number, set, BPF_F_LOCK))
		die("rn_flows has no set %u", number);
}

int rn_bpf_flow(struct rn_bpf *b, const struct rn_flow_key *key, struct rn_flow *ret)
{
	struct rn_flow_set set;
	int place = rn_bpf_flow_set(b, key, &set);

	if (place >= 0)
		*ret = set.slot[place].flow;
	return place < 0 ? place : 0;
}

static struct rn_flow_used used_sets(const struct rn_bpf *b)
{
	struct rn_flow_used used;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(b->private->skeleton->maps.rn_flow_used), &zero, &used))
		die("rn_flow_used");
	return used;
}

size_t rn_bpf_flow_count(struct rn_bpf *b)
{
	struct rn_flow_used used = used_sets(b);
	size_t count = 0;

	for (uint32_t i = 0; i < RN_FLOW_SETS; i++) {
		struct rn_flow_set set;

		if (!(used.word[i / 64] >> i % 64 & 1))
			continue;
		read_set(b, i, &set);
		for (unsigned way = 0; way < RN_FLOW_WAYS; way++)
			count += set.tag[way] != 0;
	}
	return count;
}

void rn_bpf_flows_clear(struct rn_bpf *b)
{
	static const struct rn_flow_set none;
	struct rn_flow_used used = used_sets(b);
	uint32_t zero = 0;

	for (uint32_t i = 0; i < RN_FLOW_SETS; i++) {
		if (used.word[i / 64] >> i % 64 & 1)
			bpf_map_update_elem(bpf_map__fd(b->private->skeleton->maps.rn_flows), &i, &none, BPF_ANY);
	}
	memset(&used, 0, sizeof(used));
	bpf_map_update_elem(bpf_map__fd(b->private->skeleton->maps.rn_flow_used), &zero, &used, BPF_ANY);
}

size_t rn_bpf_events(struct rn_bpf *b, struct rn_event *ret, size_t max)
{
	struct rn_bpf_private *p = b->private;
	int code;

	if (!max)
		return 0;
	p->events = ret;
	p->event_count = 0;
	p->event_max = max;
	code = ring_buffer__consume(p->ring);
	if (code < 0 && code != -ECANCELED)
		die("rn_events: %s", strerror(-code));
	return p->event_count;
}

static uint64_t sum_lost(struct rn_bpf *b, uint32_t what)
{
	uint64_t each[256], sum = 0;

	if (b->private->cpus > 256 || bpf_map_lookup_elem(bpf_map__fd(b->private->skeleton->maps.rn_lost), &what, each))
		die("rn_lost");
	for (unsigned cpu = 0; cpu < b->private->cpus; cpu++)
		sum += each[cpu];
	return sum;
}

uint64_t rn_bpf_lost(struct rn_bpf *b)
{
	return sum_lost(b, RN_LOST_EVENTS);
}

uint64_t rn_bpf_evicted(struct rn_bpf *b)
{
	return sum_lost(b, RN_LOST_FLOWS);
}

unsigned rn_bpf_verified(struct rn_bpf *b, int direction)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd(b, direction), &info, &size) ? 0 : info.verified_insns;
}
