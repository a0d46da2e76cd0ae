/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/closed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILTER_HANDLE 1
#define FILTER_PRIORITY 1 /* that of the datapath's filters, which it stands in for */

struct rn_closed {
	int program;
	uint32_t id;
};

static const enum bpf_tc_attach_point points[] = {BPF_TC_EGRESS, BPF_TC_INGRESS};

int rn_closed_new(struct rn_closed **ret, struct rn_err *err)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	struct rn_closed *c = calloc(1, sizeof(*c));
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int r = 0;

	if (!c)
		return rn_fail(err, -ENOMEM, "out of memory");
	c->program =
	    bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "rn_closed", "GPL", code, sizeof(code) / sizeof(code[0]), NULL);
	if (c->program < 0)
		r = c->program;
	else
		r = bpf_obj_get_info_by_fd(c->program, &info, &size);
	if (r < 0) {
		rn_closed_free(c);
		return rn_fail(err, r, "the kernel does not take the filter that drops everything: %s", strerror(-r));
	}
	c->id = info.id;
	*ret = c;
	return 0;
}

void rn_closed_free(struct rn_closed *c)
{
	if (!c)
		return;
	if (c->program >= 0)
		close(c->program);
	free(c);
}

static int put(const struct rn_closed *c, uint32_t ifindex, enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = point};
	struct bpf_tc_opts opts = {.sz = sizeof(opts),
				   .prog_fd = c->program,
				   .flags = BPF_TC_F_REPLACE,
				   .handle = FILTER_HANDLE,
				   .priority = FILTER_PRIORITY};

	return bpf_tc_attach(&hook, &opts);
}

int rn_closed_attach(struct rn_closed *c, uint32_t ifindex, struct rn_err *err)
{
	struct bpf_tc_hook both = {
	    .sz = sizeof(both), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	int r = bpf_tc_hook_create(&both);

	if (r == -EEXIST)
		r = 0;
	for (int i = 0; i < 2 && r == 0; i++)
		r = put(c, ifindex, points[i]);
	if (r < 0)
		return rn_fail(err, r, "the filters cannot be put on interface %u: %s", ifindex, strerror(-r));
	return 0;
}

int rn_closed_in_place(struct rn_closed *c, uint32_t ifindex)
{
	for (int i = 0; i < 2; i++) {
		struct bpf_tc_hook hook = {.sz = sizeof(hook), .ifindex = (int)ifindex, .attach_point = points[i]};
		struct bpf_tc_opts opts = {.sz = sizeof(opts), .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY};
		int r = bpf_tc_query(&hook, &opts);

		if (r == -ENOENT || r == -EINVAL) /* no such filter; no clsact */
			return 0;
		if (r < 0)
			return r;
		if (opts.prog_id != c->id)
			return 0;
	}
	return 1;
}
