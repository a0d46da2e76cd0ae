/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_REQUEST_H
#define RN_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/addr.h"

/*
 * One HTTP request as the router sees it, whichever door it came through: the unix socket (local_door.c) or the web
 * process (web_door.c). It lives until it is answered; a stream's until its `gone`. Texts are "" where they are absent.
 */
struct rn_api_request;

struct rn_api_answer {
	unsigned status;
	const char *type; /* Content-Type; NULL where there is no body */
	char *body;	  /* heap, taken; NULL: none */
	size_t size;
	const char *allow;    /* Allow header, or NULL */
	const char *cookie;   /* Set-Cookie header, or NULL; a door without browsers leaves it out */
	unsigned retry_after; /* seconds; 0: no such header */
};
/*
 * Answers 200 with a body that goes on. fill writes at most size bytes and returns how many; 0: nothing now, it is
 * called again after the wake; negative: the end. gone is called once, when the reader has gone or the stream ended.
 */
struct rn_api_stream {
	const char *type;
	void *context;
	ssize_t (*fill)(void *context, char *out, size_t size);
	void (*gone)(void *context);
};

/* What a door does. answer and stream are called once for each request, within its handling or later. */
struct rn_api_door {
	void (*answer)(struct rn_api_request *request, const struct rn_api_answer *answer);
	void (*stream)(struct rn_api_request *request, const struct rn_api_stream *stream);
	void (*wake)(struct rn_api_request *request); /* a stream has something to say, or ends */
	/* Value of a query parameter, "" where it has none; NULL: absent. */
	const char *(*query)(struct rn_api_request *request, const char *name);
	/* Nobody needs request->body any more: its memory goes. */
	void (*drop)(struct rn_api_request *request);
	/* Calls each until it returns false. */
	void (*query_each)(struct rn_api_request *request, bool (*each)(void *context, const char *name),
			   void *context);
};

struct rn_api_request {
	const struct rn_api_door *door;
	const char *method, *path; /* percent signs decoded, without the query */
	const char *last_event;	   /* Last-Event-ID */
	const char *cookie, *bearer, *csrf;
	struct rn_endpoint source; /* zero: this host's own socket */
	bool web;		   /* came through the web process */
	bool root;		   /* proved by the unix socket: root, or core's own user */
	const char *body;	   /* not ended with NUL; whole when the call is handled */
	size_t size;
	bool too_large;
	const void *cancel_by; /* who waits for core's answer (rn_core_policy_cancel); NULL: nobody who could be told */
};

#endif
