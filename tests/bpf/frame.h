/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_FRAME_H
#define RN_TESTS_BPF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Section 9 of docs/datapath.md written a second time, from the RFCs and without a line of bpf/ or of
 * include/abi/mesh.h: an encoder that puts byte after byte, and a judge that takes for a frame what the encoder would
 * have made.
 */
struct frame_hub {
	uint8_t v6[16], v4[4];
};

/* A frame's outside. */
struct frame {
	bool v6;
	struct frame_hub from, to;
	uint32_t identity;
	uint8_t trust;
	uint8_t tos; /* outer */
	uint16_t id; /* outer, IPv4 */
};

/* Writes the frame of an inner packet; its size. */
size_t frame_encode(const struct frame *f, const uint8_t *inner, size_t size, uint8_t *ret);
size_t frame_overhead(bool v6);
/* The outer IPv4 header's checksum made right for what is there. */
void frame_checksum(uint8_t *frame);
/* The inner packet's own TOS or traffic class, and how to change it (with the checksum where it has one). */
uint8_t frame_tos(const uint8_t *inner);
void frame_set_tos(uint8_t *inner, uint8_t tos);

/* RFC 6040 figure 4: the inner ECN field afterwards, -1: to be dropped. */
int frame_ecn(unsigned inner, unsigned outer);

/* A peer and one identity that can be behind it. */
struct frame_peer {
	struct frame_hub hub;
	uint32_t index, identity, slot;
};
struct frame_world {
	struct frame_hub self;
	struct frame_peer peers[32]; /* a hub has one for each identity */
	size_t peer_count;
};
struct frame_verdict {
	uint32_t peer, identity, trust, slot;
	size_t size; /* of the inner packet, as it goes on */
	uint8_t inner[4096];
};
/* Whether bytes that arrive with that ethertype are a frame for this hub. */
bool frame_judge(const struct frame_world *w, uint16_t ethertype, const uint8_t *bytes, size_t size,
		 struct frame_verdict *ret);

#endif
