/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_HUBS_H
#define RN_TESTS_BPF_HUBS_H

#include <bpf/libbpf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "meshed.h"

/*
 * Two hubs a and b and a host c as network namespaces for test_mesh_pair.c, and this process as the wires between them:
 *
 *    a ─ rn0 ─ rn_mesh_out ─ rnm0 ══ this process ══ rnm0 ─ rn_mesh_in ─ rn0 ─ b ─ rn1 ══ this process ══ rn1 ─ c
 *
 * a is 10.5.0.1 and fd00:5::1, b 10.5.0.2 and fd00:5::2, c 10.6.0.3 and fd00:6::3. Needs root; what goes wrong in a
 * sound test ends the program.
 */
#define FRAME_MAX 1420u /* rnm0's MTU */
#define INNER_MAX 1372u /* rn0's */

enum { A, B, C, HOSTS };

struct hubs_wire {
	atomic_bool stop;
	atomic_uint frames[2]; /* from a, from b */
	atomic_uint bad, largest, wrong_sums, marked;
	atomic_bool mark; /* makes every frame say that there is congestion, where the packet's ends understand it */
};
extern struct hubs_wire hubs_wire;
extern struct meshed hubs_mesh[2];

int hubs_setup(void **state);
int hubs_teardown(void **state);
/* The programs on rn0 and rnm0 of both hubs; begins with nothing counted. */
void hubs_begin(void);
void hubs_end(void);
/* Tables of a hub whose only peer is the other. devices: what passes is redirected to rnm0 and rn0, else it goes on. */
void hubs_fill(int host, bool devices);

void hubs_enter(int host); /* this thread; -1: where it came from */
int hubs_netns(int host);  /* file descriptor */
void hubs_attach(int host, const char *device, enum bpf_tc_attach_point point, int program);
void hubs_must(long result, const char *what);
void hubs_set(const char *path, const char *value);
void hubs_sh(const char *command);

struct hubs_tally {
	uint64_t passed, dropped;
};
struct hubs_tally hubs_tally(int host, int direction);

#endif
