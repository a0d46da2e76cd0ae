/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_ADDR_H
#define RN_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/maps.h"

/* One 128-bit form for both families: struct rn_addr of the ABI, IPv4 mapped. */

#define RN_ADDR_TEXT 46	    /* of an address, with the NUL */
#define RN_PREFIX_TEXT 50   /* of a prefix */
#define RN_ENDPOINT_TEXT 56 /* of [address]:port */

struct rn_prefix {
	struct rn_addr addr; /* host bits are zero */
	uint8_t bits;	     /* 0..128; of an IPv4 prefix, 96 + its length */
};

struct rn_endpoint {
	struct rn_addr addr;
	uint16_t port; /* host byte order */
};

bool rn_addr_is_v4(const struct rn_addr *a);
bool rn_addr_is_zero(const struct rn_addr *a);
/* An address that another host can be reached at: not unspecified, loopback, link-local, multicast or reserved. */
bool rn_addr_is_host(const struct rn_addr *a);
int rn_addr_compare(const struct rn_addr *a, const struct rn_addr *b);
struct rn_addr rn_addr_from_v4(uint32_t host_order);
uint32_t rn_addr_to_v4(const struct rn_addr *a); /* host order; only where rn_addr_is_v4 */

/* Parsers return 0 or -EINVAL and touch *ret only on success. No names are looked up. */
int rn_addr_parse(const char *text, struct rn_addr *ret);
int rn_prefix_parse(const char *text, struct rn_prefix *ret); /* -EINVAL also where host bits are set */
int rn_endpoint_parse(const char *text, struct rn_endpoint *ret); /* 192.0.2.1:51821 or [2001:db8::1]:51821 */

/* Formatters return out. */
const char *rn_addr_format(const struct rn_addr *a, char out[RN_ADDR_TEXT]);
const char *rn_prefix_format(const struct rn_prefix *p, char out[RN_PREFIX_TEXT]);
const char *rn_endpoint_format(const struct rn_endpoint *e, char out[RN_ENDPOINT_TEXT]);

bool rn_prefix_contains(const struct rn_prefix *p, const struct rn_addr *a);
bool rn_prefix_overlap(const struct rn_prefix *a, const struct rn_prefix *b);
/* The address at `offset` within the prefix: its host bits are offset (at most 64 bits of it). */
struct rn_addr rn_prefix_host(const struct rn_prefix *p, uint64_t offset);

#endif
