/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_HTTP_GUARD_H
#define RN_SYS_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Who may be connected to an HTTP server, and until when. No clock and no socket in it: `now` is any monotonic time in
 * milliseconds. A connection that is too slow is overdue; one too many takes the place of another.
 */
enum rn_http_phase {
	RN_HTTP_HANDSHAKE, /* TLS */
	RN_HTTP_HEADER,	   /* from the end of the handshake to the end of the first request's header */
	RN_HTTP_BODY,
	RN_HTTP_WAITING, /* for our answer: no deadline here */
	RN_HTTP_ANSWER,	 /* the client is to take what is there */
	RN_HTTP_QUIET,	 /* a stream with nothing to say: no deadline here */
	RN_HTTP_IDLE,	 /* between two requests, and the header of the second */
};

struct rn_http_limits {
	unsigned connections_max; /* in all */
	unsigned source_max;	  /* of one IPv4 address or one IPv6 /64 */
	unsigned handshake_ms, header_ms, idle_ms;
	unsigned body_ms; /* and for each body_rate bytes that came a second more */
	unsigned body_rate;
	unsigned answer_ms; /* without taking anything */
};

struct rn_http_source;
struct rn_http_link { /* one connection; the caller's memory, zeroed */
	struct rn_http_link *next, *prev;
	struct rn_http_source *source;
	enum rn_http_phase phase;
	int64_t since, deadline; /* deadline INT64_MAX: none */
	uint64_t received;	 /* bytes of the body */
	bool proven;		 /* core has accepted a credential that came over it */
	bool doomed;		 /* rn_http_guard_doom */
};

struct rn_http_guard {
	struct rn_http_limits limits;
	struct rn_http_link *oldest, *newest;
	struct rn_http_source *sources;
	unsigned connections;
};

/* False: this source has as many connections as it may, or there is no memory. The port is not looked at. */
bool rn_http_guard_allows(const struct rn_http_guard *guard, const struct rn_addr *source);
/* True: counted, in this phase. */
bool rn_http_guard_add(struct rn_http_guard *guard, struct rn_http_link *link, const struct rn_addr *source,
		       enum rn_http_phase phase, int64_t now);
/* The caller is about to end it: it counts for its source alone from now on. */
void rn_http_guard_doom(struct rn_http_guard *guard, struct rn_http_link *link);
void rn_http_guard_remove(struct rn_http_guard *guard, struct rn_http_link *link);
/*
 * Who goes where there are more than connections_max: of those that proved nothing the oldest whose source has more
 * than a quarter of what it may, or else the oldest. What it is doing does not matter: whoever came to stay is old, and
 * who came for an answer has gone. NULL: nobody needs to, or nobody may.
 */
struct rn_http_link *rn_http_guard_victim(const struct rn_http_guard *guard);
void rn_http_guard_enter(const struct rn_http_guard *guard, struct rn_http_link *link, enum rn_http_phase phase,
			 int64_t now);
void rn_http_guard_received(const struct rn_http_guard *guard, struct rn_http_link *link, size_t bytes);
/* One that is overdue and not doomed yet; NULL: none. */
struct rn_http_link *rn_http_guard_overdue(const struct rn_http_guard *guard, int64_t now);

#endif
