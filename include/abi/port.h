/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_PORT_H
#define RN_ABI_PORT_H

#include <linux/types.h>

/*
 * What the steering programs and kern share: one UDP port for WireGuard and the control protocol. These maps are apart
 * from those of the datapath; nothing that is judged depends on them.
 */
#define RN_PORT_DATAGRAM_MAX 1232 /* a control datagram; what is larger is not one */
#define RN_PORT_SEGMENTS_MAX 64	  /* of a packet that the host has put together from several datagrams */

/* rn_port[0]: what is taken from WireGuard's port, and the port of the socket that gets it. */
struct rn_port {
	__be16 wireguard; /* 0: nothing is taken */
	__be16 control;
	__u32 reserved;
};
_Static_assert(sizeof(struct rn_port) == 8, "rn_port");

/* rn_port_counters[n], per CPU u64: packets. */
enum rn_port_counter {
	RN_PORT_OURS,  /* control datagrams for this host on WireGuard's port */
	RN_PORT_GIVEN, /* of them, those that the control socket was given */
	RN_PORT_COUNTERS
};

#endif
