/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_DATAPATH_H
#define RN_SYS_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/events.h"
#include "abi/maps.h"
#include "abi/verdict.h"
#include "base/err.h"

/*
 * The datapath in the kernel: maps and the two TC programs of bpf/, embedded in this binary. The only file with libbpf.
 *
 * Maps and programs are pinned in one directory of a bpffs (conf->bpf_dir), which the caller makes as root and gives to
 * kern's user before it drops; everything here then works for any uid with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. They
 * outlive the process: while it is away the kernel goes on enforcing, until the lease ends.
 *
 * Errors are -errno; where there is an rn_err it gets a sentence. One thread. Indices, slots and halves out of range
 * are refused with -ERANGE. Of the arrays, what is in use is mapped: setting configuration and the state of a device
 * makes no system call; the first device of each thousand, an identity and a policy map what they write (-ENOMEM is
 * possible); addresses, flows and counters are bpf(2); attach, detach and in_place open a netlink socket for themselves
 * (socket, setsockopt, bind, getsockname, sendto, recvmsg, close).
 */
struct rn_datapath;

/*
 * Takes over what is pinned in `dir`, or starts afresh where nothing (or a start that never finished) is there, and
 * loads this binary's programs over the maps (pinned as rn_ingress and rn_egress). Nothing is attached yet: the filters
 * of an earlier process go on running their own programs over the same maps. want->schema must be RN_SCHEMA_VERSION;
 * role and self are set; epoch and policy_version are taken only where the maps are new (else the pinned ones stay, see
 * rn_datapath_meta).
 *
 * *ret_adopted: true where the maps were there, with policy, devices and flows in them.
 * -ESTALE: what is pinned is of another schema, size, role or device; the sentence says which. The caller takes the
 * link down, calls rn_datapath_remove and opens again. -EPERM, -ENOENT (no such directory or no bpffs), -ENOSYS,
 * -EINVAL (the kernel refused a program) and others leave what was there untouched.
 */
int rn_datapath_open(const char *dir, const struct rn_meta *want, struct rn_datapath **ret, bool *ret_adopted,
		     struct rn_err *err);
/* Lets go; what is pinned or attached stays. NULL is legal. */
void rn_datapath_close(struct rn_datapath *dp);
/* Unpins everything of ours in dir, so that the next open starts afresh. Filters that run keep their maps alive. */
int rn_datapath_remove(const char *dir, struct rn_err *err);

/*
 * Stores ifindex in rn_config, makes the clsact qdisc where there is none and puts both programs on it (priority 1,
 * handle 1, direct action), each in one atomic replacement, egress first. On failure one of the two may be in place.
 */
int rn_datapath_attach(struct rn_datapath *dp, unsigned ifindex, struct rn_err *err);
/* Takes our two filters off; 0 also where there are none or no such interface. The link must be down before this. */
int rn_datapath_detach(struct rn_datapath *dp, unsigned ifindex);
/* 1: both filters are on the interface and run this process's programs; 0: not; -ENODEV: no such interface; -errno. */
int rn_datapath_in_place(struct rn_datapath *dp, unsigned ifindex);

/* rn_meta: whose maps these are, and for kern's own use the epoch, the policy in force and what was forgotten. */
void rn_datapath_meta(const struct rn_datapath *dp, struct rn_meta *ret);
void rn_datapath_set_meta(struct rn_datapath *dp, uint32_t epoch, uint64_t policy_version);
void rn_datapath_set_forgotten(struct rn_datapath *dp, uint64_t version);

/* rn_config, each one aligned store. The role is set once, by open. */
void rn_datapath_config(const struct rn_datapath *dp, struct rn_config *ret);
void rn_datapath_set_generation(struct rn_datapath *dp, uint64_t generation); /* after all writes before it */
void rn_datapath_set_lease(struct rn_datapath *dp, uint64_t until_ns);	      /* CLOCK_BOOTTIME */
void rn_datapath_set_mtu(struct rn_datapath *dp, uint32_t mtu);
void rn_datapath_set_link_down(struct rn_datapath *dp, bool down);
void rn_datapath_set_wall_offset(struct rn_datapath *dp, int64_t offset_ns); /* CLOCK_REALTIME less CLOCK_BOOTTIME */

/*
 * Devices. The upper half of `state` (the incarnation) belongs to this module: callers pass and may compare only the
 * low half (RN_STATE_*). set() counts the incarnation up wherever number, owner or identity differ from what the index
 * held, so that every flow judged before is judged again, and hides the index from the datapath while it changes them;
 * setting what is already there changes nothing. device_state() is one store and takes effect on the next packet.
 */
int rn_datapath_device(const struct rn_datapath *dp, uint32_t index, struct rn_device *ret);
int rn_datapath_device_set(struct rn_datapath *dp, uint32_t index, const struct rn_device *device);
int rn_datapath_device_state(struct rn_datapath *dp, uint32_t index, uint32_t state);
/* The index means nobody: state 0 but for the incarnation, the rest zero. Its addresses are the caller's to remove. */
int rn_datapath_device_clear(struct rn_datapath *dp, uint32_t index);

/*
 * Addresses. Where an address leaves a device (removed, or set to another index), that device's incarnation is counted
 * up. remove(): 0 also where there was none. `each` must not change addresses.
 */
int rn_datapath_address(const struct rn_datapath *dp, const struct rn_addr *addr, uint32_t *ret_index); /* -ENOENT */
int rn_datapath_address_set(struct rn_datapath *dp, const struct rn_addr *addr, uint32_t index);
int rn_datapath_address_remove(struct rn_datapath *dp, const struct rn_addr *addr);
int rn_datapath_addresses(const struct rn_datapath *dp,
			  void (*each)(void *context, const struct rn_addr *addr, uint32_t index), void *context);

/*
 * Fills a half with one policy, as domain/policy_tables.h builds it, on none of whose sides any identity is; -EBUSY for
 * the half in use (generation & 1, where generation is not 0), -ENOSPC: larger than the arrays are on a host of this
 * role, and nothing is changed. A packet that is still being judged under what was there sees that the generation has
 * changed and is judged again.
 */
int rn_datapath_policy_write(struct rn_datapath *dp, unsigned half, const struct rn_policy_arrays *policy);
/*
 * One identity slot of a half. In the half in use only for slots that no present device names. For the other half:
 * after rn_datapath_policy_write. -ENOSPC: the lists are used up; those of slots that mean something else by now are
 * free again where the other half is filled.
 */
int rn_datapath_identity_write(struct rn_datapath *dp, unsigned half, uint32_t slot,
			       const struct rn_identity_lists *lists);
/* For whom a half was filled. -EPROTO: it says what kern never wrote. */
int rn_datapath_narrowed(const struct rn_datapath *dp, unsigned half, struct rn_narrowed *ret);
/* What was mapped to write a policy and its identities is given back. */
void rn_datapath_policy_done(struct rn_datapath *dp);

/*
 * Calls each for every flow entry (at most RN_FLOWS_MAX), until it returns false. Each is whole, as it was at one time;
 * one that is made or gives way meanwhile may be missing. Idle entries are still there: see docs/datapath.md 3. One
 * system call for each set of RN_FLOW_WAYS that has had an entry.
 */
int rn_datapath_flows(const struct rn_datapath *dp,
		      bool (*each)(void *context, const struct rn_flow_key *key, const struct rn_flow *flow),
		      void *context);

/* Sums over all CPUs. ret: [direction * RN_REASON_COUNT + reason]. */
#define RN_DATAPATH_COUNTERS (2 * RN_REASON_COUNT)
int rn_datapath_counters(const struct rn_datapath *dp, struct rn_counter ret[RN_DATAPATH_COUNTERS]);
/* Since the maps were made: events that were not delivered; flows that gave way to another before their time. */
int rn_datapath_lost(const struct rn_datapath *dp, uint64_t *ret);
int rn_datapath_evicted(const struct rn_datapath *dp, uint64_t *ret);

/* The ring of events: poll this descriptor for reading, then consume. The number consumed, or -errno. */
int rn_datapath_events_fd(const struct rn_datapath *dp);
int rn_datapath_events(struct rn_datapath *dp, void (*each)(void *context, const struct rn_event *event),
		       void *context);

#endif
