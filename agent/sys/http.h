/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_HTTP_H
#define RN_SYS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "sys/loop.h"

/* HTTP/1.1 on a listening unix socket, on our loop; the only file that includes libmicrohttpd. */
struct rn_http;
struct rn_http_request; /* valid until it is answered; a stream's until its `gone` */

#define RN_HTTP_BODY_MAX (1u << 20) /* bytes kept; a longer body is read away, up to 16 times as much, then cut off */
#define RN_HTTP_CONNECTIONS_MAX 64u
#define RN_HTTP_MEMORY_MAX (32u << 10) /* of one connection: request line and headers fit in it */
#define RN_HTTP_IDLE_S 10u	       /* a connection that neither sends nor waits for an answer is closed */

struct rn_http_config {
	void *context;
	/* May this uid (SO_PEERCRED) call at all? The body of a caller that may not is never kept. */
	bool (*trusted)(void *context, uid_t uid);
	/* One whole request. It is answered within the call, or later by rn_http_answer or rn_http_stream. */
	void (*handle)(void *context, struct rn_http_request *request);
};
/* fd is the server's on success. NULL: err says why. */
struct rn_http *rn_http_new(struct rn_loop *loop, int fd, const struct rn_http_config *config, struct rn_err *err);
/* Ends every connection; requests that wait for an answer are invalid from now on. NULL is legal. */
void rn_http_free(struct rn_http *http);

const char *rn_http_method(const struct rn_http_request *request);
const char *rn_http_path(const struct rn_http_request *request); /* percent signs decoded, without the query */
bool rn_http_trusted(const struct rn_http_request *request);
bool rn_http_too_large(const struct rn_http_request *request);
const char *rn_http_body(const struct rn_http_request *request, size_t *ret_size); /* not ended with NUL */
const char *rn_http_header(struct rn_http_request *request, const char *name);	   /* NULL: absent */
/* Value of a query parameter, "" where it has none; NULL: absent. */
const char *rn_http_query(struct rn_http_request *request, const char *name);
/* Calls each until it returns false. */
void rn_http_query_each(struct rn_http_request *request, bool (*each)(void *context, const char *name), void *context);

struct rn_http_answer {
	unsigned status;
	const char *type; /* Content-Type */
	char *body;	  /* heap, taken; NULL: none */
	size_t size;
	const char *allow; /* Allow header, or NULL */
};
void rn_http_answer(struct rn_http_request *request, const struct rn_http_answer *answer);

/*
 * Answers 200 with a body that goes on. fill writes at most size bytes and returns how many; 0: nothing now, it is
 * called again after rn_http_wake; negative: the end. gone is called once, when the connection has ended.
 */
struct rn_http_stream {
	const char *type;
	void *context;
	ssize_t (*fill)(void *context, char *out, size_t size);
	void (*gone)(void *context);
};
void rn_http_stream(struct rn_http_request *request, const struct rn_http_stream *stream);
void rn_http_wake(struct rn_http_request *request);

#endif
