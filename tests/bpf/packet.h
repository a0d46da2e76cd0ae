/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_PACKET_H
#define RN_TESTS_BPF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/maps.h"

/* Packets from their IP header on, with right lengths and checksums; tests then spoil what they want spoiled. */
#define PACKET_MAX 4096u

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct packet {
	/* what to build */
	struct rn_addr source, destination;	/* IPv4 where both are mapped */
	uint16_t source_port, destination_port; /* echo: source_port is the identifier */
	uint8_t protocol;			/* IPPROTO_TCP, _UDP; IPPROTO_ICMP stands for either family's echo */
	uint8_t flags;				/* TCP */
	uint16_t mss;				/* TCP: an option of that, 0: none */
	uint8_t nops;				/* before it: so many NOPs, 0 to 3 */
	uint8_t reply;				/* echo */
	uint8_t hops;				/* 0: 64 */
	uint16_t payload;			/* bytes after the transport header */
	uint8_t extensions;			/* IPv6: so many destination options headers of 8 bytes */
	/* what was built */
	uint8_t data[PACKET_MAX];
	size_t size;
	size_t transport; /* where its header begins */
};

void packet_build(struct packet *p);
/*
 * The bytes [from, from + size) of what comes after the packet's IP header (and IPv6 extension headers) as a fragment.
 * IPv6: `more` and from's lower three bits are written as they are.
 */
struct packet packet_fragment(const struct packet *whole, uint32_t id, size_t from, size_t size, bool more);
/* The same with both ends exchanged (ports and addresses; an echo request becomes its reply), built. */
struct packet packet_answer(const struct packet *p);
struct rn_addr packet_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
struct rn_addr packet_v6(uint16_t host); /* fd00:5::host */
/* What a router makes of a packet (whole, from its IP header on) whose SYN may say no more than this, RFC 9293 3.7.1. */
void packet_clamp(uint8_t *data, size_t size, uint16_t mss);
/* One's complement sum, 0 over a right header. */
uint16_t packet_checksum(const void *data, size_t size, uint32_t start);
struct rn_flow_key packet_key(const struct packet *p);

#endif
