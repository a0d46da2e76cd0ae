/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_HTTP_INTERNAL_H
#define RN_SYS_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "sys/http.h"

/*
 * The inside of the HTTP server: http.c requests and answers, http_server.c the daemon, its connections and their
 * deadlines, http_tls.c what is GnuTLS's.
 */
struct http_connection {	  /* of a server with limits */
	struct rn_http_link link; /* first: the guard's pointers are ours */
	struct rn_http *http;
	int fd;
	struct rn_http_request *request; /* the one under way */
	char *target;			 /* of the request that is being read */
	struct rn_watch *watch;		 /* while it is suspended, MHD does not look at the socket */
};

struct rn_http_request {
	struct rn_http *http;
	struct MHD_Connection *connection;
	struct http_connection *link; /* NULL: a server without limits */
	struct rn_http_request *next, *prev;
	char *method, *path, *target;
	char *body;
	size_t size, room, discarded, body_max;
	bool trusted, too_large, handled, answered, suspended;
	unsigned status;
	struct MHD_Response *response; /* not queued yet */
	struct rn_http_stream stream;
	char *answer; /* heap */
	const char *answer_at;
	size_t answer_left;
	void *context;
};

struct rn_http {
	struct rn_http_config config;
	struct rn_loop *loop;
	struct rn_watch *watch;
	struct rn_timer *timer, *tick;
	struct MHD_Daemon *daemon;
	struct rn_http_request *requests;
	struct rn_http_guard guard;
	size_t large; /* bytes of bodies that are larger than RN_HTTP_BODY_MAX */
	bool closing, resumed; /* resumed: a connection that MHD has not seen to yet */
};

/* http.c */
enum MHD_Result http_on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_size, void **state);
void http_on_completed(void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);
void http_suspend(struct rn_http_request *request);
void http_resume(struct rn_http_request *request);
void http_add_headers(struct MHD_Response *response, const struct rn_http_header *headers);

/* http_server.c */
struct http_connection *http_connection_of(struct MHD_Connection *connection);
void http_enter(struct rn_http_request *request, enum rn_http_phase phase);
void http_arm(struct rn_http *http); /* when MHD is to run next */
/* A request is suspended, or no more: somebody is to see that its client hangs up. */
void http_watch(struct rn_http_request *request);
void http_unwatch(struct rn_http_request *request);

/* http_tls.c */
const struct MHD_OptionItem *http_tls_options(void);
bool http_tls_ready(void);
void http_tls_begin(struct MHD_Connection *connection, void (*done)(struct MHD_Connection *connection));

#endif
