/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_TUNNEL_H
#define RN_TESTS_BPF_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A host of its own for test_attach.c and test_mesh_attach.c: a network namespace with TUN devices rn0 and rnm0, which
 * have no link-layer header as WireGuard devices have none, and a bpffs that belongs to an unprivileged user.
 */
#define TUNNEL_USER 64321
#define TUNNEL_ADDRESS "10.5.0.99" /* the host's own on rn0 */

struct tunnel {
	int fd;		  /* what is written comes in through rn0, what leaves through rn0 is read */
	int packet_fd;	  /* AF_PACKET: sends out through rn0 as a process on the host does */
	unsigned ifindex; /* of rn0 */
	int mesh_fd;	  /* the same of rnm0 */
	unsigned mesh_ifindex;
	char bpf_dir[64];
};

/* From root: unshares, makes all of this under dir, then becomes TUNNEL_USER with CAP_BPF, NET_ADMIN and PERFMON. */
void tunnel_enter(struct tunnel *t, const char *dir);
/* A packet from its IP header on comes in. linear: 0: in one piece; else in pages but for so many bytes. */
void tunnel_in(struct tunnel *t, const void *packet, size_t size, size_t linear);
/* The same as one GSO TCP packet of either family; its transport header begins at `transport`. */
void tunnel_in_gso(struct tunnel *t, const void *packet, size_t size, size_t transport, uint16_t segment);
void tunnel_out(struct tunnel *t, const void *packet, size_t size, uint16_t ethertype);
/* As tunnel_in, _out and _left, through rnm0. */
void tunnel_mesh_in(struct tunnel *t, const void *frame, size_t size);
void tunnel_mesh_out(struct tunnel *t, const void *frame, size_t size, uint16_t ethertype);
size_t tunnel_mesh_left(struct tunnel *t, void *frame, size_t size, int wait_ms);
/* The next packet that left within that time; its size, 0: none. */
size_t tunnel_left(struct tunnel *t, void *packet, size_t size, int wait_ms);

#endif
