/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_EVENTS_H
#define RN_ABI_EVENTS_H

#include <linux/types.h>

#include "abi/maps.h"

enum rn_event_kind {
	RN_EVENT_FLOW_NEW = 1,	   /* an allowed flow began */
	RN_EVENT_FLOW_CHANGED = 2, /* a flow in the table was judged again and the outcome changed */
	RN_EVENT_DENIED = 3,	   /* a packet that belongs to no flow was dropped */
};

#define RN_EVENT_LOG 1u /* the rule asks for it */

/* One record of the ring rn_events. Source is who sent the flow's first packet (or the dropped packet). */
struct rn_event {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 generation;
	struct rn_addr source;
	struct rn_addr destination;
	__be16 source_port; /* for echo: identifier */
	__be16 destination_port;
	__u32 source_number; /* device numbers, 0: unknown */
	__u32 destination_number;
	__u32 source_identity; /* identity numbers, 0: unknown */
	__u32 destination_identity;
	__u32 rule;  /* 0: none */
	__u32 bytes; /* of this packet */
	__u8 kind;   /* enum rn_event_kind */
	__u8 reason; /* enum rn_reason */
	__u8 protocol;
	__u8 direction; /* 0: from rn0, 1: to rn0 */
	__u8 source_trust;
	__u8 flags; /* RN_EVENT_LOG */
	__u8 reserved[2];
	__u32 observed; /* number of the observed rule that would have decided, 0: none */
};
_Static_assert(sizeof(struct rn_event) == 88, "rn_event");

#endif
