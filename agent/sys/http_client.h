/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_HTTP_CLIENT_H
#define RN_SYS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* HTTP over a local unix socket; the only file that includes libcurl. Blocking, for the command line. */
#define RN_HTTP_CLIENT_REPLY_MAX (64u << 20)
#define RN_HTTP_CLIENT_TIMEOUT_S 30

struct rn_http_reply {
	long status;
	char *body; /* ended with NUL; rn_http_reply_done frees it */
	size_t size;
};
void rn_http_reply_done(struct rn_http_reply *reply);

/*
 * One request; body NULL: none. 0 whatever the status. Nobody listens: -ECONNREFUSED; not permitted: -EACCES;
 * -ETIMEDOUT, -EMSGSIZE, -EIO, each with a sentence.
 */
int rn_http_call(const char *socket, const char *method, const char *path, const char *body, struct rn_http_reply *ret,
		 struct rn_err *err);
/*
 * GET of a stream of lines (server-sent events). line gets each without its end; false stops. Where the status is not
 * 200, ret gets status and body and line is never called. Returns 0 at the end of the stream, else as above.
 */
int rn_http_follow(const char *socket, const char *path, const char *last_event_id,
		   bool (*line)(void *context, const char *text), void *context, struct rn_http_reply *ret,
		   struct rn_err *err);

#endif
