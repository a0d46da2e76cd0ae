/* SPDX-License-Identifier: Apache-2.0 */
/* The programs on interfaces: put there, taken off, found there. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "sys/datapath_memory.h"
#include "sys/datapath_mesh.h"

#define FILTER_HANDLE 1
#define FILTER_PRIORITY 1

static int put_filter(unsigned ifindex, enum bpf_tc_attach_point point, int program)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = point};
	struct bpf_tc_opts opts = {.sz = sizeof(opts),
				   .prog_fd = program,
				   .flags = BPF_TC_F_REPLACE,
				   .handle = FILTER_HANDLE,
				   .priority = FILTER_PRIORITY};

	return bpf_tc_attach(&hook, &opts);
}

/* Both programs on an interface, egress first. */
static int put_filters(unsigned ifindex, int ingress, int egress, struct rn_err *err)
{
	struct bpf_tc_hook both = {
	    .sz = sizeof(both), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	int code = bpf_tc_hook_create(&both);

	if (code == -EEXIST)
		code = 0;
	if (!code)
		code = put_filter(ifindex, BPF_TC_EGRESS, egress);
	if (!code)
		code = put_filter(ifindex, BPF_TC_INGRESS, ingress);
	if (!code)
		return 0;
	return rn_fail(err, code, "the filters cannot be put on interface %u: %s", ifindex, strerror(-code));
}

int rn_datapath_attach(struct rn_datapath *dp, unsigned ifindex, struct rn_err *err)
{
	__atomic_store_n(&dp->config->ifindex, ifindex, __ATOMIC_SEQ_CST);
	return put_filters(ifindex, dp->fd[RN_FD_INGRESS], dp->fd[RN_FD_EGRESS], err);
}

int rn_datapath_mesh_attach(struct rn_datapath *dp, unsigned rnm0, struct rn_err *err)
{
	if (dp->fd[RN_FD_MESH_INGRESS] < 0)
		return rn_fail(err, -EOPNOTSUPP, "a node has no filters for frames between hubs");
	return put_filters(rnm0, dp->fd[RN_FD_MESH_INGRESS], dp->fd[RN_FD_MESH_EGRESS], err);
}

int rn_datapath_detach(struct rn_datapath *dp, unsigned ifindex)
{
	static const enum bpf_tc_attach_point points[] = {BPF_TC_INGRESS, BPF_TC_EGRESS};
	int failed = 0;

	(void)dp;
	for (int i = 0; i < 2; i++) {
		struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = points[i]};
		struct bpf_tc_opts opts = {.sz = sizeof(opts), .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY};
		int code = bpf_tc_detach(&hook, &opts);

		if (code && code != -ENOENT && code != -EINVAL && code != -ENODEV)
			failed = code;
	}
	return failed;
}

static int filter_is(unsigned ifindex, enum bpf_tc_attach_point point, uint32_t id)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = point};
	struct bpf_tc_opts opts = {.sz = sizeof(opts), .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY};
	int code = bpf_tc_query(&hook, &opts);

	if (code == -ENOENT || code == -EINVAL) /* no such filter; no clsact */
		return 0;
	return code ? code : opts.prog_id == id;
}

int rn_datapath_in_place(struct rn_datapath *dp, unsigned ifindex)
{
	int code = filter_is(ifindex, BPF_TC_INGRESS, dp->ingress_id);

	return code == 1 ? filter_is(ifindex, BPF_TC_EGRESS, dp->egress_id) : code;
}

int rn_datapath_mesh_in_place(struct rn_datapath *dp, unsigned rnm0)
{
	int code = filter_is(rnm0, BPF_TC_INGRESS, dp->mesh_ingress_id);

	return code == 1 ? filter_is(rnm0, BPF_TC_EGRESS, dp->mesh_egress_id) : code;
}
