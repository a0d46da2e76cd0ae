/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_WEB_HEAD_H
#define RN_PROTO_WEB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/web.h"

/*
 * The header of a request from anybody, judged before anything is done with it. Zero the struct, add each header as it
 * came, judge; then `request` is what core is to hear of it. Nothing of it outlives the texts that were added.
 */
#define RN_WEB_HEADERS_MAX 64
#define RN_WEB_COOKIE "__Host-rnaut"

struct rn_web_head {
	const char *host, *origin, *fetch_site, *length, *coding, *cookie, *authorization, *csrf, *last_event;
	const char *accept_encoding, *if_none_match;
	unsigned count;
	bool broken; /* a name or value that none can be, a header twice that comes once */
	bool more;   /* than RN_WEB_HEADERS_MAX */
};
void rn_web_head_add(struct rn_web_head *head, const char *name, const char *value);

struct rn_web_verdict {
	unsigned status; /* 0: go on */
	const char *code, *message;
};
/*
 * method and target as they came; secure: over TLS, otherwise only the names of this host are served. ret: method,
 * path, query (in query_room, RN_WEB_QUERY_MAX bytes), credentials, body_size.
 */
struct rn_web_verdict rn_web_head_judge(const struct rn_web_head *head, const char *method, const char *target,
					bool secure, struct rn_web_request *ret, uint8_t *query_room);
/* Is gzip among what the client takes (RFC 9110, section 12.5.3)? */
bool rn_web_takes_gzip(const char *accept_encoding);

#endif
