/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_WEB_TARGET_H
#define RN_PROTO_WEB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The texts of a request that say where it is to go: target, Host, Origin. Strict, and bounded by the caller's memory.
 */

/*
 * "/path?name=value&..." with percent signs decoded; the query as struct rn_web_request has it. 0; -EINVAL: no path of
 * ours (another form, a bad escape, an escaped slash or NUL, control characters, "." or ".." as a part); -EMSGSIZE.
 */
int rn_web_target(const char *target, char *path, size_t path_size, uint8_t *query, size_t query_size,
		  size_t *ret_query_size);
/* A name or an address, with or without a port. */
bool rn_web_host_valid(const char *host);
/* 127.0.0.1 or localhost, with or without a port: what no name on the network can be made to mean. */
bool rn_web_host_local(const char *host);
/* Is this Origin the page that was served under this Host? */
bool rn_web_origin_same(const char *origin, const char *host, bool secure);

#endif
