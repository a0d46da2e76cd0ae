/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_SOURCE_LIMIT_H
#define RN_PROTO_SOURCE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Handshakes a second from one IPv4 address or IPv6 /64: token buckets in a table of fixed size. Only for sources that
 * a cookie has proven, or strangers would choose what is remembered.
 */
struct rn_source_limit;
struct rn_source_limit *rn_source_limit_new(void (*random)(void *, size_t)); /* NULL: out of memory */
void rn_source_limit_free(struct rn_source_limit *l);
bool rn_source_allowed(struct rn_source_limit *l, int64_t now_ms, const struct rn_addr *source);

#endif
