/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_HARNESS_H
#define RN_TESTS_BPF_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/events.h"
#include "abi/maps.h"
#include "abi/mesh.h"
#include "abi/verdict.h"
#include "domain/record.h"
#include "sys/datapath_memory.h"

/*
 * The programs of bpf/tc_overlay.bpf.c under BPF_PROG_TEST_RUN, with maps of their own that nobody else sees (nothing
 * is pinned), an Ethernet header before each packet as test runs want it, and a clock that stands still until a test
 * moves it. Needs root. Functions that cannot go wrong in a sound test end the program with a message when they do.
 */
#define RN_BPF_PACKET_MAX 4096u

/* Direction: through rn_ingress, rn_egress, rn_mesh_ingress. The last counts its verdicts as the first does. */
enum { RN_BPF_IN = 0, RN_BPF_OUT = 1, RN_BPF_MESH = 2, RN_BPF_DIRECTIONS };

struct rn_bpf_options {
	enum rn_role role;
	uint32_t flow_sets; /* 0: RN_FLOW_SETS; a power of two */
};

struct rn_bpf {
	/* The arrays of include/abi/maps.h as memory; write what you like, the next packet reads it. */
	struct rn_config *config;
	struct rn_device *devices;
	struct rn_policy *policy;
	struct rn_mesh_self *mesh; /* all zero at first */
	struct rn_mesh_addresses *hubs;
	uint64_t *spent; /* rn_error_spent */
	uint64_t *now;	 /* what rn_now() answers, nanoseconds; starts at 1000 s */

	struct rn_bpf_private *private;
};

/* config: role as asked, generation 0, lease 10^6 s ahead, mtu 1372, ifindex 7, a flow secret that is always the same.
 */
struct rn_bpf *rn_bpf_open(const struct rn_bpf_options *options);
void rn_bpf_close(struct rn_bpf *b);
/* Everything as after open, but rn_lost, the event rate and the clock go on. */
void rn_bpf_reset(struct rn_bpf *b);

void rn_bpf_address(struct rn_bpf *b, const struct rn_addr *addr, uint32_t index); /* index 0: remove */
/* What is in a frame: who has that outer source, and which identity can be behind whom. */
void rn_bpf_peer(struct rn_bpf *b, const struct rn_addr *source, uint32_t peer); /* 0: remove */
void rn_bpf_behind(struct rn_bpf *b, uint32_t peer, uint32_t identity, uint32_t slot);
void rn_bpf_behind_remove(struct rn_bpf *b, uint32_t peer, uint32_t identity);
/* Fills a half and stores the generation, whose parity says which half. No identity is on any side then. */
void rn_bpf_policy(struct rn_bpf *b, uint64_t generation, const struct rn_policy_record *policy);
/* Of the policy that was written last, which is still there. */
void rn_bpf_identity(struct rn_bpf *b, uint32_t slot, const uint32_t *selectors, uint32_t count);
/* The arrays of the half in use, until the next policy is written. */
struct rn_datapath_half *rn_bpf_half(struct rn_bpf *b);

struct rn_bpf_result {
	int action;	       /* TC_ACT_OK 0, TC_ACT_SHOT 2, TC_ACT_STOLEN 4, TC_ACT_REDIRECT 7 */
	enum rn_reason reason; /* the one counter of this direction that went up by one packet */
	uint64_t bytes;	       /* and by these bytes */
	/* What became of a frame: of what came in (then reason and bytes are 0 where it was not PASSED), of what left.
	 */
	enum rn_mesh_reason frame;
	bool framed;   /* there was one */
	bool returned; /* it came in a frame, and an error about it goes back in one */
	size_t size;   /* the packet afterwards, from its IP header on */
	uint8_t packet[RN_BPF_PACKET_MAX];
};
struct rn_bpf_send {
	const void *packet; /* from its IP header on, 1..RN_BPF_PACKET_MAX bytes */
	size_t size;
	uint16_t ethertype; /* 0: by the first nibble, 6: IPv6, else IPv4 */
	uint32_t gso_size, gso_segs;
	size_t linear; /* 0: all of it; else so many bytes before the paged part, where the kernel can (see below) */
};
/*
 * Runs one packet; ends the program unless exactly one counter went up by one, and one of frames where there was one.
 * 0, or -errno of the test run itself.
 */
int rn_bpf_send(struct rn_bpf *b, int direction, const struct rn_bpf_send *in, struct rn_bpf_result *ret);
/* The same for a plain packet; a failure of the test run ends the program. Returns ret->reason. */
enum rn_reason rn_bpf_run(struct rn_bpf *b, int direction, const void *packet, size_t size, struct rn_bpf_result *ret);
/*
 * The same packet many times, by any thread; nothing is checked, and rn_bpf_run is to be called no more before
 * rn_bpf_reset. Where it is forwarded, each run finds what the one before left. Returns the last action.
 */
int rn_bpf_repeat(struct rn_bpf *b, int direction, const void *packet, size_t size, unsigned times);
uint64_t rn_bpf_counted(struct rn_bpf *b, int direction, enum rn_reason reason);
/* Whether this kernel's test runs can make paged packets. */
bool rn_bpf_can_page(struct rn_bpf *b);

/* The entry with the key, looked for in the set where it must be. 0 or -ENOENT */
int rn_bpf_flow(struct rn_bpf *b, const struct rn_flow_key *key, struct rn_flow *ret);
/*
 * The set of a key as memory, and back: only to play what packets cannot bring about at will. Returns the place in
 * which the key's entry is, -ENOENT without one. No packet may be on its way.
 */
int rn_bpf_flow_set(struct rn_bpf *b, const struct rn_flow_key *key, struct rn_flow_set *ret);
void rn_bpf_flow_set_put(struct rn_bpf *b, const struct rn_flow_key *key, const struct rn_flow_set *set);
uint16_t rn_bpf_flow_tag(struct rn_bpf *b, const struct rn_flow_key *key);
uint64_t rn_bpf_evicted(struct rn_bpf *b);
size_t rn_bpf_flow_count(struct rn_bpf *b);
void rn_bpf_flows_clear(struct rn_bpf *b);

/* Takes the oldest events out of the ring, at most max; the number. */
size_t rn_bpf_events(struct rn_bpf *b, struct rn_event *ret, size_t max);
uint64_t rn_bpf_lost(struct rn_bpf *b);

/* Instructions that the verifier walked through; 0 where the kernel does not say. */
unsigned rn_bpf_verified(struct rn_bpf *b, int direction);

#endif
