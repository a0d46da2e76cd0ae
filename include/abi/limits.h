/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_LIMITS_H
#define RN_ABI_LIMITS_H

/* Every bound of the datapath. Both sides compile against these; a policy that does not fit is refused whole. */

#define RN_SCHEMA_VERSION 5u /* of all pinned maps together; raise it on any change of maps.h */

#define RN_DEVICES_MAX 16384u	 /* entries of rn_devices; index 0 is never used */
#define RN_ADDRESSES_MAX 32768u	 /* two addresses a device */
#define RN_IDENTITIES_MAX 16384u /* local identity slots, each half of a double buffer: one for each device */
#define RN_SELECTORS_MAX 32	 /* of one identity */
/*
 * Of one policy, each half of a double buffer. A node has an eighth of them: it is one end of all that it judges, and
 * takes only the rules that concern it (struct rn_narrowed). Identities are those of all devices that it knows.
 */
#define RN_RULES_MAX 131072u	  /* compiled rules; their order is their precedence */
#define RN_SIDES_MAX 131072u	  /* different sources, and different destinations; 0 is none */
#define RN_PAIRS_MAX 262144u	  /* places for pairs of a source and a destination */
#define RN_CANDIDATES_MAX 262144u /* rules, each once for every range of its ports */
#define RN_LISTS_MAX 65536u	  /* blocks of RN_LIST_SIDES: the sides that identities are on */
#define RN_LIST_SIDES 16u
#define RN_OPENINGS_MAX 65536u /* windows of all schedules */
#define RN_SCHEDULES_MAX 64u
#define RN_NODE_SHIFT 3u
#define RN_NARROWED_SETS 2u /* as whom a node was, and as whom it is to be */
#define RN_PROBES 8u	    /* places that a side can be in, from where it should be */
#define RN_LOOKS_MAX 8192u  /* steps of one judgement */
#define RN_ALIKE_MAX 4096u  /* candidates of one pair */
#define RN_TRUST_MAX 100u   /* trust is 0..100 */
#define RN_FLOWS_MAX 65536u /* flow entries */
#define RN_FLOW_WAYS 8u	    /* places that a flow can be in */
#define RN_FLOW_SETS (RN_FLOWS_MAX / RN_FLOW_WAYS)
#define RN_EVENT_RING_BYTES (512u * 1024u)
#define RN_EVENT_RING_NODE_BYTES (64u * 1024u) /* on a node: 500 events, and kern reads them 20 times a second */
#define RN_EVENTS_PER_SECOND 2000u	       /* a CPU; beyond that events are counted as lost */
#define RN_EXTENSION_HEADERS_MAX 4u

/* ICMP errors that a hub makes: so many in reserve, and so many a second; about one device's packets, and about all. */
#define RN_DEVICE_ERRORS_BURST 20u
#define RN_DEVICE_ERRORS_PER_SECOND 20u
#define RN_ERRORS_BURST 200u
#define RN_ERRORS_PER_SECOND 1000u
#define RN_ERROR_V4_MAX 576u  /* bytes, RFC 1812 4.3.2.3 */
#define RN_ERROR_V6_MAX 1280u /* RFC 4443 2.4 (c) */

/* Hub to hub (include/abi/mesh.h). */
#define RN_MESH_PEERS_MAX 1024u	    /* hubs that a hub has tunnels with; index 0 is never used */
#define RN_MESH_ADDRESSES_MAX 2048u /* two mesh addresses a hub */
#define RN_BEHIND_MAX 65536u	    /* pairs of a peer and an identity that can be behind it */
#define RN_MESH_IDENTITY_MAX 0xffffffu

/* Idle times after which a flow entry counts as absent, in nanoseconds. */
#define RN_SECOND_NS 1000000000ull
#define RN_TCP_OPENING_NS (60 * RN_SECOND_NS) /* no reply seen yet */
#define RN_TCP_ESTABLISHED_NS (7200 * RN_SECOND_NS)
#define RN_TCP_CLOSED_NS (10 * RN_SECOND_NS) /* RST, or FIN from both ends */
#define RN_UDP_OPENING_NS (30 * RN_SECOND_NS)
#define RN_UDP_ESTABLISHED_NS (180 * RN_SECOND_NS)
#define RN_ICMP_NS (30 * RN_SECOND_NS)
#define RN_FRAGMENT_NS (2 * RN_SECOND_NS) /* for a packet's next fragment */

#endif
