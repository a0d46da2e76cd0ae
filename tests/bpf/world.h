/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_WORLD_H
#define RN_TESTS_BPF_WORLD_H

#include "harness.h"
#include "packet.h"

/*
 * A small network for hand-made cases, each device with an IPv4 and an IPv6 address:
 *
 *    HUB (here, where the role is hub)   LAPTOP, SERVER: owner 1   PHONE: owner 2   FAR: attached elsewhere, owner 1
 *
 * On a node, LAPTOP is here. Rules, by number:
 *
 *    1 deny  laptop -> server tcp 23      4 allow laptop, phone -> server, hub, far  icmp
 *    2 allow laptop -> server tcp 80      5 allow everyone -> everyone tcp 22, same owner
 *    3 allow laptop -> server udp 53,     6 allow server -> laptop tcp 4000-4001
 *            trust 50                     7 allow hub -> server tcp 443
 */
enum { HUB = 1, LAPTOP, SERVER, PHONE, FAR, DEVICES };
#define WORLD_TRUST 80

struct world {
	struct rn_bpf *bpf;
	struct rn_bpf_result last;
};

struct world *world_open(const struct rn_bpf_options *options);
void world_close(struct world *w);
void world_reset(struct world *w); /* as after open: generation 2, nothing has happened */
/* The same rules under another generation, where without is not 0 without that rule. */
void world_policy(struct world *w, uint64_t generation, uint32_t without);

struct rn_addr world_addr(int device, bool v6);
/* A built packet between two devices; TCP: a SYN. */
struct packet world_packet(int source, int destination, bool v6, uint8_t protocol, uint16_t source_port,
			   uint16_t destination_port);
struct packet world_flags(const struct packet *p, uint8_t flags);
enum rn_reason world_run(struct world *w, int direction, const struct packet *p);
/* The flow of p must be there. */
struct rn_flow world_flow(struct world *w, const struct packet *p);
void world_advance(struct world *w, uint64_t ns);

const char *world_reason(enum rn_reason reason);
#define expect(w, direction, packet, wanted)                                                                           \
	assert_string_equal(world_reason(world_run(w, direction, packet)), world_reason(wanted))
#define families(v6) for (int v6 = 0; v6 < 2; v6++)

#endif
