/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/datapath.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "bpf/tc_overlay.skel.h"
#include "sys/datapath_memory.h"
#include "sys/pin.h"

#define DIR_MAX 200

/* Programs first: when they are gone, nothing new finds the maps. rn_meta last: without it the rest is unfinished. */
static const char *const pinned[] = {
    "rn_ingress",	"rn_egress", "rn_mesh_ingress", "rn_mesh_egress", "rn_config",	   "rn_devices",
    "rn_addresses",	"rn_policy", "rn_identities",	"rn_lists",	  "rn_sides",	   "rn_pairs",
    "rn_candidates",	"rn_rules",  "rn_openings",	"rn_flows",	  "rn_flow_used",  "rn_counters",
    "rn_lost",		"rn_events", "rn_mesh_self",	"rn_mesh_hubs",	  "rn_mesh_peers", "rn_behind",
    "rn_mesh_counters", "rn_meta",
};
#define FIRST_MAP 4
#define PINNED_COUNT (sizeof(pinned) / sizeof(pinned[0]))

static int quiet_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[512];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	rn_log(RN_LOG_DEBUG, "libbpf: %s", text);
	return 0;
}

static int check_directory(const char *dir, struct rn_err *err)
{
	struct statfs fs;

	if (strlen(dir) > DIR_MAX)
		return rn_fail(err, -ENAMETOOLONG, "the path of bpf_dir is longer than %d bytes", DIR_MAX);
	if (statfs(dir, &fs)) {
		int code = -errno;

		return rn_fail(err, code, "%s: %s; is a bpf file system mounted there?", dir, strerror(-code));
	}
	if (fs.f_type != BPF_FS_MAGIC)
		return rn_fail(err, -ENOENT, "%s is not on a bpf file system: mount -t bpf bpf /sys/fs/bpf", dir);
	return 0;
}

int rn_datapath_remove(const char *dir, struct rn_err *err)
{
	return rn_pin_remove(dir, pinned, PINNED_COUNT, err);
}

/* The pinned rn_meta: 1, 0 where there is none that was finished, -EPROTO where it has another shape, -errno. */
static int read_meta(const char *dir, struct rn_meta *ret)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), zero = 0;
	struct rn_meta meta;
	char path[PATH_MAX];
	int code, fd;

	code = rn_pin_path(path, dir, "rn_meta");
	if (code)
		return code;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	code = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!code && (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(zero) ||
		      info.value_size != sizeof(meta) || !info.max_entries))
		code = -EPROTO;
	if (!code)
		code = bpf_map_lookup_elem(fd, &zero, &meta);
	close(fd);
	if (code)
		return code;
	*ret = meta;
	return meta.schema != 0;
}

/* 1: what is pinned is ours to go on with; 0: nothing is there (any more). */
static int check_pinned(const char *dir, const struct rn_meta *want, struct rn_err *err)
{
	struct rn_meta have;
	int code = read_meta(dir, &have);

	if (code == -EPROTO || (code == 1 && have.schema != want->schema))
		return rn_fail(err, -ESTALE, "the datapath in %s was made by an rnaut with other tables", dir);
	if (code < 0)
		return rn_fail(err, code, "%s/rn_meta cannot be read: %s", dir, strerror(-code));
	if (!code) {
		code = rn_datapath_remove(dir, err);
		return code;
	}
	if (have.role != want->role)
		return rn_fail(err, -ESTALE, "the datapath in %s is that of a %s", dir,
			       have.role == RN_ROLE_HUB ? "hub" : "node");
	if (have.self != want->self)
		return rn_fail(err, -ESTALE, "the datapath in %s is that of device %u", dir, have.self);
	return 1;
}

static int load_failed(int code, const char *dir, struct rn_err *err)
{
	if (code == -EPERM || code == -EACCES)
		return rn_fail(err, code,
			       "the kernel lets rnautd load no BPF programs: it needs CAP_BPF, CAP_NET_ADMIN and "
			       "CAP_PERFMON");
	if (code == -ENOMEM)
		return rn_fail(err, code, "the kernel has not enough memory for the datapath");
	if (code == -ESTALE)
		return rn_fail(err, code, "the datapath in %s has tables of other sizes", dir);
	return rn_fail(err, code, "the kernel does not take the datapath (%s): Linux 6.1 or later with BPF is needed",
		       strerror(-code));
}

/* -ESTALE where something of another shape is pinned there. */
static int check_shape(const struct bpf_map *map, const char *path)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(path), code;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	code = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (code)
		return code;
	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
		       info.value_size == bpf_map__value_size(map) && info.max_entries == bpf_map__max_entries(map)
		   ? 0
		   : -ESTALE;
}

/* A node has less to tell, fewer rules are about it, and it has nothing to do with other hubs. */
static int shrink_to_node(struct tc_overlay *skeleton)
{
	struct bpf_map *const smaller[] = {skeleton->maps.rn_lists, skeleton->maps.rn_sides,
					   skeleton->maps.rn_pairs, skeleton->maps.rn_candidates,
					   skeleton->maps.rn_rules, skeleton->maps.rn_openings};
	int code = bpf_map__set_max_entries(skeleton->maps.rn_events, RN_EVENT_RING_NODE_BYTES);

	skeleton->rodata->rn_policy_shift = RN_NODE_SHIFT;
	for (size_t i = 0; !code && i < sizeof(smaller) / sizeof(smaller[0]); i++)
		code = bpf_map__set_max_entries(smaller[i], bpf_map__max_entries(smaller[i]) >> RN_NODE_SHIFT);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.rn_mesh_hubs, 1);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.rn_mesh_peers, 1);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.rn_behind, 1);
	if (!code)
		code = bpf_program__set_autoload(skeleton->progs.rn_mesh_ingress, false);
	return code ? code : bpf_program__set_autoload(skeleton->progs.rn_mesh_egress, false);
}

static int load_maps(struct tc_overlay *skeleton, const char *dir, uint32_t role)
{
	char path[PATH_MAX];
	int code = 0;

	if (role == RN_ROLE_NODE)
		code = shrink_to_node(skeleton);
	for (size_t i = FIRST_MAP; i < PINNED_COUNT && !code; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skeleton->obj, pinned[i]);

		code = map ? rn_pin_path(path, dir, pinned[i]) : -ENOENT;
		if (!code)
			code = check_shape(map, path);
		if (!code)
			code = bpf_map__set_pin_path(map, path);
	}
	return code ? code : tc_overlay__load(skeleton);
}

/* The object is needed only to load: what it holds beside the kernel's is half a megabyte. */
static int keep_open(struct rn_datapath *dp, const struct tc_overlay *skeleton)
{
	const int from[RN_FD_COUNT] = {
	    [RN_FD_CONFIG] = bpf_map__fd(skeleton->maps.rn_config),
	    [RN_FD_META] = bpf_map__fd(skeleton->maps.rn_meta),
	    [RN_FD_DEVICES] = bpf_map__fd(skeleton->maps.rn_devices),
	    [RN_FD_IDENTITIES] = bpf_map__fd(skeleton->maps.rn_identities),
	    [RN_FD_LISTS] = bpf_map__fd(skeleton->maps.rn_lists),
	    [RN_FD_SIDES] = bpf_map__fd(skeleton->maps.rn_sides),
	    [RN_FD_PAIRS] = bpf_map__fd(skeleton->maps.rn_pairs),
	    [RN_FD_CANDIDATES] = bpf_map__fd(skeleton->maps.rn_candidates),
	    [RN_FD_OPENINGS] = bpf_map__fd(skeleton->maps.rn_openings),
	    [RN_FD_POLICY] = bpf_map__fd(skeleton->maps.rn_policy),
	    [RN_FD_RULES] = bpf_map__fd(skeleton->maps.rn_rules),
	    [RN_FD_ADDRESSES] = bpf_map__fd(skeleton->maps.rn_addresses),
	    [RN_FD_FLOWS] = bpf_map__fd(skeleton->maps.rn_flows),
	    [RN_FD_FLOW_USED] = bpf_map__fd(skeleton->maps.rn_flow_used),
	    [RN_FD_COUNTERS] = bpf_map__fd(skeleton->maps.rn_counters),
	    [RN_FD_LOST] = bpf_map__fd(skeleton->maps.rn_lost),
	    [RN_FD_EVENTS] = bpf_map__fd(skeleton->maps.rn_events),
	    [RN_FD_MESH_SELF] = bpf_map__fd(skeleton->maps.rn_mesh_self),
	    [RN_FD_MESH_HUBS] = bpf_map__fd(skeleton->maps.rn_mesh_hubs),
	    [RN_FD_MESH_PEERS] = bpf_map__fd(skeleton->maps.rn_mesh_peers),
	    [RN_FD_BEHIND] = bpf_map__fd(skeleton->maps.rn_behind),
	    [RN_FD_FRAMES] = bpf_map__fd(skeleton->maps.rn_mesh_counters),
	    [RN_FD_INGRESS] = bpf_program__fd(skeleton->progs.rn_ingress),
	    [RN_FD_EGRESS] = bpf_program__fd(skeleton->progs.rn_egress),
	    [RN_FD_MESH_INGRESS] = bpf_program__fd(skeleton->progs.rn_mesh_ingress),
	    [RN_FD_MESH_EGRESS] = bpf_program__fd(skeleton->progs.rn_mesh_egress),
	};

	for (int i = 0; i < RN_FD_COUNT; i++) {
		if (from[i] < 0) /* not loaded */
			continue;
		dp->fd[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
		if (dp->fd[i] < 0)
			return -errno;
	}
	return 0;
}

static int take_event(void *context, void *data, size_t size)
{
	struct rn_datapath *dp = context;
	struct rn_event event;

	if (size < sizeof(event))
		return 0;
	memcpy(&event, data, sizeof(event));
	dp->each_event(dp->each_context, &event);
	return 0;
}

static int make_buffers(struct rn_datapath *dp)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	dp->cpus = cpus;
	dp->cpu_counters = calloc(dp->cpus, sizeof(*dp->cpu_counters));
	dp->cpu_lost = calloc(dp->cpus, sizeof(*dp->cpu_lost));
	if (!dp->cpu_counters || !dp->cpu_lost)
		return -ENOMEM;
	dp->ring = ring_buffer__new(dp->fd[RN_FD_EVENTS], take_event, dp, NULL);
	return dp->ring ? 0 : -errno;
}

static int pin_programs(struct rn_datapath *dp, const struct tc_overlay *skeleton, const char *dir)
{
	int code = rn_pin_program(dir, skeleton->progs.rn_ingress, &dp->ingress_id);

	if (!code)
		code = rn_pin_program(dir, skeleton->progs.rn_egress, &dp->egress_id);
	if (!code && dp->fd[RN_FD_MESH_INGRESS] >= 0)
		code = rn_pin_program(dir, skeleton->progs.rn_mesh_ingress, &dp->mesh_ingress_id);
	if (!code && dp->fd[RN_FD_MESH_EGRESS] >= 0)
		code = rn_pin_program(dir, skeleton->progs.rn_mesh_egress, &dp->mesh_egress_id);
	return code;
}

/* Everything between finding out what is pinned and being open. */
static int load(struct rn_datapath *dp, const char *dir, const struct rn_meta *want, bool adopted)
{
	struct tc_overlay *skeleton = tc_overlay__open();
	int code = skeleton ? load_maps(skeleton, dir, want->role) : -errno;

	dp->shift = want->role == RN_ROLE_NODE ? RN_NODE_SHIFT : 0;
	if (!code)
		code = keep_open(dp, skeleton);
	if (!code)
		code = rn_datapath_map(dp);
	if (!code)
		code = make_buffers(dp);
	if (!code && !adopted)
		rn_datapath_begin(dp, want);
	if (!code && adopted)
		code = rn_datapath_find_ends(dp);
	if (!code)
		code = pin_programs(dp, skeleton, dir);
	tc_overlay__destroy(skeleton);
	return code;
}

int rn_datapath_open(const char *dir, const struct rn_meta *want, struct rn_datapath **ret, bool *ret_adopted,
		     struct rn_err *err)
{
	struct rn_datapath *dp;
	int code, adopted;

	libbpf_set_print(quiet_print);
	if (want->schema != RN_SCHEMA_VERSION || (want->role != RN_ROLE_HUB && want->role != RN_ROLE_NODE))
		return rn_fail(err, -EINVAL, "the datapath was asked for with a wrong schema or role");
	code = check_directory(dir, err);
	if (code)
		return code;
	adopted = check_pinned(dir, want, err);
	if (adopted < 0)
		return adopted;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return rn_fail(err, -ENOMEM, "out of memory");
	for (int i = 0; i < RN_FD_COUNT; i++)
		dp->fd[i] = -1;
	code = load(dp, dir, want, adopted);
	if (code) {
		rn_datapath_close(dp);
		return load_failed(code, dir, err);
	}
	*ret_adopted = adopted;
	*ret = dp;
	return 0;
}

void rn_datapath_close(struct rn_datapath *dp)
{
	if (!dp)
		return;
	ring_buffer__free(dp->ring);
	rn_datapath_unmap(dp);
	free(dp->cpu_counters);
	free(dp->cpu_lost);
	for (int i = 0; i < RN_FD_COUNT; i++) {
		if (dp->fd[i] >= 0)
			close(dp->fd[i]);
	}
	free(dp);
}

int rn_datapath_address(const struct rn_datapath *dp, const struct rn_addr *addr, uint32_t *ret_index)
{
	return bpf_map_lookup_elem(dp->fd[RN_FD_ADDRESSES], addr, ret_index);
}

int rn_datapath_address_set(struct rn_datapath *dp, const struct rn_addr *addr, uint32_t index)
{
	uint32_t before = 0;
	int code;

	if (!rn_datapath_index_valid(index))
		return -ERANGE;
	rn_datapath_address(dp, addr, &before);
	if (before == index)
		return 0;
	code = bpf_map_update_elem(dp->fd[RN_FD_ADDRESSES], addr, &index, BPF_ANY);
	if (!code)
		rn_datapath_count_up(dp, before);
	return code == -E2BIG ? -ENOSPC : code;
}

int rn_datapath_address_remove(struct rn_datapath *dp, const struct rn_addr *addr)
{
	uint32_t before;
	int code;

	if (rn_datapath_address(dp, addr, &before))
		return 0;
	code = bpf_map_delete_elem(dp->fd[RN_FD_ADDRESSES], addr);
	if (!code)
		rn_datapath_count_up(dp, before);
	return code == -ENOENT ? 0 : code;
}

int rn_datapath_addresses(const struct rn_datapath *dp,
			  void (*each)(void *context, const struct rn_addr *addr, uint32_t index), void *context)
{
	struct rn_addr key, *previous = NULL;
	uint32_t index;
	int code;

	for (unsigned i = 0; i < RN_ADDRESSES_MAX; i++, previous = &key) {
		code = bpf_map_get_next_key(dp->fd[RN_FD_ADDRESSES], previous, &key);
		if (code)
			return code == -ENOENT ? 0 : code;
		if (!rn_datapath_address(dp, &key, &index))
			each(context, &key, index);
	}
	return 0;
}

/* Calls each for the entries of one set. 1 where it wants no more. */
static int see_set(const struct rn_datapath *dp, uint32_t number,
		   bool (*each)(void *context, const struct rn_flow_key *key, const struct rn_flow *flow),
		   void *context)
{
	struct rn_flow_set set;
	int code = bpf_map_lookup_elem_flags(dp->fd[RN_FD_FLOWS], &number, &set, BPF_F_LOCK);

	for (unsigned i = 0; !code && i < RN_FLOW_WAYS; i++) {
		if (set.tag[i] && !each(context, &set.slot[i].key, &set.slot[i].flow))
			code = 1;
	}
	return code;
}

int rn_datapath_flows(const struct rn_datapath *dp,
		      bool (*each)(void *context, const struct rn_flow_key *key, const struct rn_flow *flow),
		      void *context)
{
	struct rn_flow_used used;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(dp->fd[RN_FD_FLOW_USED], &zero, &used);

	for (uint32_t set = 0; !code && set < RN_FLOW_SETS; set++) {
		if (used.word[set / 64] >> set % 64 & 1)
			code = see_set(dp, set, each, context);
	}
	return code < 0 ? code : 0;
}

int rn_datapath_counters(const struct rn_datapath *dp, struct rn_counter ret[RN_DATAPATH_COUNTERS])
{
	int fd = dp->fd[RN_FD_COUNTERS];

	for (uint32_t key = 0; key < RN_DATAPATH_COUNTERS; key++) {
		struct rn_counter sum = {0};
		int code = bpf_map_lookup_elem(fd, &key, dp->cpu_counters);

		if (code)
			return code;
		for (unsigned cpu = 0; cpu < dp->cpus; cpu++) {
			sum.packets += dp->cpu_counters[cpu].packets;
			sum.bytes += dp->cpu_counters[cpu].bytes;
		}
		ret[key] = sum;
	}
	return 0;
}

static int sum_lost(const struct rn_datapath *dp, uint32_t what, uint64_t *ret)
{
	uint64_t sum = 0;
	int code = bpf_map_lookup_elem(dp->fd[RN_FD_LOST], &what, dp->cpu_lost);

	if (code)
		return code;
	for (unsigned cpu = 0; cpu < dp->cpus; cpu++)
		sum += dp->cpu_lost[cpu];
	*ret = sum;
	return 0;
}

int rn_datapath_lost(const struct rn_datapath *dp, uint64_t *ret)
{
	return sum_lost(dp, RN_LOST_EVENTS, ret);
}

int rn_datapath_evicted(const struct rn_datapath *dp, uint64_t *ret)
{
	return sum_lost(dp, RN_LOST_FLOWS, ret);
}

int rn_datapath_events_fd(const struct rn_datapath *dp)
{
	return ring_buffer__epoll_fd(dp->ring);
}

int rn_datapath_events(struct rn_datapath *dp, void (*each)(void *context, const struct rn_event *event), void *context)
{
	dp->each_event = each;
	dp->each_context = context;
	return ring_buffer__consume(dp->ring);
}
