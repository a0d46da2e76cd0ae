/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_BPF_CLOCK_H
#define RN_BPF_CLOCK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

/* Tests set this before the load and then feed rn_test_now; in production the verifier removes the branch. */
const volatile bool rn_test_clock = false;
volatile __u64 rn_test_now = 0;

/* The only clock of the datapath: CLOCK_BOOTTIME, nanoseconds. */
static __always_inline __u64 rn_now(void)
{
	return rn_test_clock ? rn_test_now : bpf_ktime_get_boot_ns();
}

#endif
