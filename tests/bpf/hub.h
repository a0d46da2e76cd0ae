/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_HUB_H
#define RN_TESTS_BPF_HUB_H

#include "frame.h"
#include "meshed.h"
#include "packet.h"

/* The hub that test_mesh_*.c play on: hub-a is us, hub-b and hub-c are peers; one identity can be behind each. */
#define families(v6) for (int v6 = 0; v6 < 2; v6++)
#define MTU 1420u
#define RNM0 9
#define RN0 7

enum { PEER_B = 3, PEER_C = 1023, IDENTITY_B = 0xabcdef, IDENTITY_C = 77, SLOT_B = 4095, SLOT_C = 0 };
extern const struct frame_hub hub_a, hub_b, hub_c;
extern struct meshed hub_mesh;
extern struct meshed_run hub_last; /* what became of the last packet; its gso_size is the next one's */

int hub_setup(void **state);
int hub_reset(void **state); /* the tables as above; what goes out is IDENTITY_C with trust 55 to hub-b */
int hub_teardown(void **state);

struct rn_addr hub_address(const struct frame_hub *hub, bool v6);
struct rn_mesh_addresses hub_addresses(const struct frame_hub *hub);
/* The outside of a good frame of hub-b's; a packet; and both together as bytes, with their size. */
struct frame hub_frame(bool v6);
struct packet hub_packet(bool v6, uint8_t protocol, uint16_t payload);
size_t hub_frame_bytes(bool v6, uint16_t payload, uint8_t *ret);

/* One test run: what it was counted as, -EINVAL where the kernel makes no such packet. Passed is redirected, else shot.
 */
int hub_run_as(int direction, const uint8_t *bytes, size_t size, uint16_t ethertype);
int hub_run(int direction, const uint8_t *bytes, size_t size, bool v6);
/* Fails the test where it is counted otherwise, or dropped and changed. */
void hub_expect_in(const char *what, const uint8_t *bytes, size_t size, bool v6, enum rn_mesh_reason reason);
void hub_expect_out(const struct packet *p, bool v6, enum rn_mesh_reason reason);

#endif
