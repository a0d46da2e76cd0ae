/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_HTTP_H
#define RN_SYS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/err.h"
#include "sys/http_guard.h"
#include "sys/loop.h"

/*
 * HTTP/1.1 on a listening socket, on our loop: core's on a unix socket, web's on TCP with TLS or without. Only http*.c
 * include libmicrohttpd.
 */
struct rn_http;
struct rn_http_request; /* valid until it is answered; a stream's until its `gone`; where `gone` is wanted, until that
			 */

#define RN_HTTP_BODY_MAX (1u << 20)   /* bytes kept */
#define RN_HTTP_DISCARD_MAX (16u << 20) /* of a longer body are read away, and then it is cut off; of a large one all */
#define RN_HTTP_LARGE_BODY_MAX (34u << 20) /* of a request of which `body_max` or `head` says that it may be large */
#define RN_HTTP_LARGE_AT_ONCE 4u	    /* so many of them fit into a server; one more is cut off */
#define RN_HTTP_CONNECTIONS_MAX 64u /* of a server without limits of its own */
#define RN_HTTP_MEMORY_MAX (32u << 10) /* of one connection: request line and headers fit in it */
#define RN_HTTP_IDLE_S 10u	       /* a connection that neither sends nor waits for an answer is closed; the same */

struct rn_http_header {
	const char *name, *value;
};

struct rn_http_config {
	void *context;
	/*
	 * May this uid (SO_PEERCRED) call at all? The body of a caller that may not is never kept. NULL: a TCP socket,
	 * where nobody is known by his socket and all are trusted alike.
	 */
	bool (*trusted)(void *context, uid_t uid);
	/* One whole request. It is answered within the call, or later by rn_http_answer or rn_http_stream. */
	void (*handle)(void *context, struct rn_http_request *request);
	/* The rest may be absent. */
	/* How much of its body is kept, by its header alone; at most RN_HTTP_LARGE_BODY_MAX. NULL: RN_HTTP_BODY_MAX. */
	size_t (*body_max)(void *context, const char *method, const char *path);
	/*
	 * The header has come and the body has not: may answer already, and says how much body is wanted. It must
	 * refuse a Content-Length that is no number: no body is read then, and what follows would be taken for a
	 * request.
	 */
	void (*head)(void *context, struct rn_http_request *request);
	/*
	 * The request is over: answered to its end, or its client has gone. Called once for each that `handle` saw, or
	 * that has a context.
	 */
	void (*gone)(void *context, struct rn_http_request *request);
	const struct rn_http_header *headers; /* of every answer, also to what is no request; ended by a NULL name */
	const struct rn_http_limits *limits;  /* of a TCP socket; NULL: connections and idle time as above */
	bool tls;			      /* with what rn_http_tls_load has loaded */
};
/* fd is the server's on success. NULL: err says why. */
struct rn_http *rn_http_new(struct rn_loop *loop, int fd, const struct rn_http_config *config, struct rn_err *err);
/* Ends every connection; requests that wait for an answer are invalid from now on. NULL is legal. */
void rn_http_free(struct rn_http *http);
unsigned rn_http_connections(const struct rn_http *http); /* of a server with limits */

/*
 * The certificate (with its chain) and key of all TLS servers of this process, PEM. Handshakes from now on use it;
 * where it is refused, -EINVAL and a sentence, the one before stays. ret_expires: Unix seconds.
 */
int rn_http_tls_load(const char *certificate, const char *key, int64_t *ret_expires, struct rn_err *err);
void rn_http_tls_unload(void); /* when no server is left */

const char *rn_http_method(const struct rn_http_request *request);
const char *rn_http_path(const struct rn_http_request *request);   /* percent signs decoded, without the query */
const char *rn_http_target(const struct rn_http_request *request); /* as it came; only with limits, else "" */
bool rn_http_trusted(const struct rn_http_request *request);
bool rn_http_too_large(const struct rn_http_request *request);
const char *rn_http_body(const struct rn_http_request *request, size_t *ret_size); /* not ended with NUL */
const char *rn_http_header(struct rn_http_request *request, const char *name);	   /* NULL: absent */
/* Calls each with every header, a name that came twice twice, until it returns false. */
void rn_http_header_each(struct rn_http_request *request,
			 bool (*each)(void *context, const char *name, const char *value), void *context);
/* Value of a query parameter, "" where it has none; NULL: absent. */
const char *rn_http_query(struct rn_http_request *request, const char *name);
/* Calls each until it returns false. */
void rn_http_query_each(struct rn_http_request *request, bool (*each)(void *context, const char *name), void *context);
struct rn_endpoint rn_http_source(const struct rn_http_request *request); /* zero on a unix socket */
void rn_http_expect(struct rn_http_request *request, size_t body_max);	  /* from `head`; at most RN_HTTP_LARGE_BODY_MAX */
/* Nobody needs the body any more: its memory goes. */
void rn_http_drop_body(struct rn_http_request *request);
void rn_http_prove(struct rn_http_request *request); /* its connection is somebody's that core knows */
void rn_http_set_context(struct rn_http_request *request, void *context);
void *rn_http_context(const struct rn_http_request *request); /* NULL until it is set */

struct rn_http_answer {
	unsigned status;
	const char *type; /* Content-Type */
	char *body;	  /* heap, taken; NULL: none */
	size_t size;
	const char *allow;		      /* Allow header, or NULL */
	const void *fixed;		      /* instead of body: size bytes that outlive the server */
	const struct rn_http_header *headers; /* more of them, ended by a NULL name, or NULL */
	const char *cache;		      /* Cache-Control; NULL: no-store */
	bool close;			      /* and end the connection */
};
void rn_http_answer(struct rn_http_request *request, const struct rn_http_answer *answer);

/*
 * Answers with a body that goes on. fill writes at most size bytes and returns how many; 0: nothing now, it is called
 * again after rn_http_wake; negative: the end. gone is called once, when the connection has ended.
 */
struct rn_http_stream {
	const char *type;
	void *context;
	ssize_t (*fill)(void *context, char *out, size_t size);
	void (*gone)(void *context);
	unsigned status;		      /* 0: 200 */
	const uint64_t *size;		      /* where it is known; otherwise NULL */
	const struct rn_http_header *headers; /* as above */
};
void rn_http_stream(struct rn_http_request *request, const struct rn_http_stream *stream);
void rn_http_wake(struct rn_http_request *request);

#endif
