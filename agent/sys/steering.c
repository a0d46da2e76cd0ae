/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/steering.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/tc_port.skel.h"
#include "sys/pin.h"

struct rn_steering {
	struct tc_port *skeleton;
	uint32_t ids[2]; /* [ethernet] */
	uint64_t *cpu_counters;
	unsigned cpus;
};

static const char *const pinned[] = {"rn_steer", "rn_steer_bare", "rn_port", "rn_port_counters", "rn_port_made"};
#define FIRST_MAP 2
#define PINNED_COUNT (sizeof(pinned) / sizeof(pinned[0]))

int rn_steering_unpin(const char *dir, struct rn_err *err)
{
	return rn_pin_remove(dir, pinned, PINNED_COUNT, err);
}

static int load(struct rn_steering *s, const char *dir)
{
	char path[PATH_MAX];
	int code = 0;

	s->skeleton = tc_port__open();
	if (!s->skeleton)
		return -errno;
	for (size_t i = FIRST_MAP; i < PINNED_COUNT && !code; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(s->skeleton->obj, pinned[i]);

		code = map ? rn_pin_path(path, dir, pinned[i]) : -ENOENT;
		if (!code)
			code = bpf_map__set_pin_path(map, path);
	}
	return code ? code : tc_port__load(s->skeleton);
}

/* What is pinned may be of an rnaut with other maps; nothing in them is worth keeping. */
static int load_anew(struct rn_steering *s, const char *dir)
{
	int code = load(s, dir);

	if (code != -EINVAL)
		return code;
	tc_port__destroy(s->skeleton);
	s->skeleton = NULL;
	code = rn_steering_unpin(dir, NULL);
	return code ? code : load(s, dir);
}

int rn_steering_open(const char *dir, struct rn_steering **ret, struct rn_err *err)
{
	struct rn_steering *s = calloc(1, sizeof(*s));
	int cpus = libbpf_num_possible_cpus(), code;

	if (!s || cpus < 0) {
		free(s);
		return rn_fail(err, -ENOMEM, "out of memory");
	}
	s->cpus = cpus;
	s->cpu_counters = calloc(s->cpus, sizeof(*s->cpu_counters));
	code = s->cpu_counters ? load_anew(s, dir) : -ENOMEM;
	if (!code)
		code = rn_pin_program(dir, s->skeleton->progs.rn_steer_bare, &s->ids[0]);
	if (!code)
		code = rn_pin_program(dir, s->skeleton->progs.rn_steer, &s->ids[1]);
	if (code) {
		rn_steering_close(s);
		return rn_fail(err, code, "the kernel does not take the steering programs (%s)", strerror(-code));
	}
	*ret = s;
	return 0;
}

void rn_steering_close(struct rn_steering *s)
{
	if (!s)
		return;
	tc_port__destroy(s->skeleton);
	free(s->cpu_counters);
	free(s);
}

int rn_steering_set(struct rn_steering *s, uint16_t wireguard, uint16_t control)
{
	const struct rn_port port = {.wireguard = htons(wireguard), .control = htons(control)};
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(s->skeleton->maps.rn_port), &zero, &port, BPF_ANY);
}

static int make_qdisc(struct rn_steering *s, unsigned ifindex)
{
	struct bpf_tc_hook both = {
	    .sz = sizeof(both), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	uint32_t key = ifindex, one = 1;
	int code = bpf_tc_hook_create(&both);

	if (!code)
		bpf_map_update_elem(bpf_map__fd(s->skeleton->maps.rn_port_made), &key, &one, BPF_ANY);
	return code == -EEXIST ? 0 : code; /* clsact, or ingress, which takes filters at the same place */
}

static const struct bpf_program *program_for(const struct rn_steering *s, bool ethernet)
{
	return ethernet ? s->skeleton->progs.rn_steer : s->skeleton->progs.rn_steer_bare;
}

int rn_steering_attach(struct rn_steering *s, unsigned ifindex, bool ethernet)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS};
	struct bpf_tc_opts opts = {.sz = sizeof(opts),
				   .prog_fd = bpf_program__fd(program_for(s, ethernet)),
				   .flags = BPF_TC_F_REPLACE,
				   .handle = RN_STEERING_HANDLE,
				   .priority = RN_STEERING_PRIORITY};
	int code = make_qdisc(s, ifindex);

	return code ? code : bpf_tc_attach(&hook, &opts);
}

int rn_steering_in_place(struct rn_steering *s, unsigned ifindex, bool ethernet)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS};
	struct bpf_tc_opts opts = {.sz = sizeof(opts), .handle = RN_STEERING_HANDLE, .priority = RN_STEERING_PRIORITY};
	int code = bpf_tc_query(&hook, &opts);

	if (code == -ENOENT || code == -EINVAL)
		return 0;
	return code ? code : opts.prog_id == s->ids[ethernet];
}

int rn_steering_counters(const struct rn_steering *s, uint64_t ret[RN_PORT_COUNTERS])
{
	for (uint32_t key = 0; key < RN_PORT_COUNTERS; key++) {
		int code = bpf_map_lookup_elem(bpf_map__fd(s->skeleton->maps.rn_port_counters), &key, s->cpu_counters);

		if (code)
			return code;
		ret[key] = 0;
		for (unsigned cpu = 0; cpu < s->cpus; cpu++)
			ret[key] += s->cpu_counters[cpu];
	}
	return 0;
}

int rn_steering_detach(unsigned ifindex)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS};
	struct bpf_tc_opts opts = {.sz = sizeof(opts), .handle = RN_STEERING_HANDLE, .priority = RN_STEERING_PRIORITY};
	int code;

	libbpf_set_print(NULL); /* that there was none is no news */
	code = bpf_tc_detach(&hook, &opts);
	return code == -ENOENT || code == -EINVAL || code == -ENODEV ? 0 : code;
}

int rn_steering_made_qdisc(const char *dir, unsigned ifindex)
{
	char path[PATH_MAX];
	uint32_t key = ifindex, value = 0;
	int fd, code = rn_pin_path(path, dir, "rn_port_made");

	if (code)
		return code;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	code = bpf_map_lookup_elem(fd, &key, &value);
	close(fd);
	return !code && value;
}

int rn_steering_remove_qdisc(unsigned ifindex)
{
	struct bpf_tc_hook both = {
	    .sz = sizeof(both), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	int code = bpf_tc_hook_destroy(&both);

	return code == -ENOENT || code == -EINVAL || code == -ENODEV ? 0 : code;
}
