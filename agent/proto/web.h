/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_WEB_H
#define RN_PROTO_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * What the web process, which parses HTTP, tells core of a request, and what core says back: the blocks of
 * RN_LOCAL_WEB_REQUEST and RN_LOCAL_WEB_ANSWER. core believes nothing of it: a request is what anybody on the network
 * might have sent, and who sent it is proved by the session or token in it alone.
 */
#define RN_WEB_BODY_MAX (1u << 20)	     /* of a request with a credential */
#define RN_WEB_STRANGER_BODY_MAX (64u << 10) /* of a request without one */
#define RN_WEB_LARGE_BODY_MAX (34u << 20)    /* of one with a credential to a path of rn_web_takes_large */
#define RN_WEB_QUERY_MAX 2048u
/* Bytes of an answer's body that core sends before WEB_CREDIT takes some of them back. */
#define RN_WEB_WINDOW (256u << 10)
#define RN_WEB_PIECE_MAX (64u << 10) /* of one WEB_BODY or WEB_PIECE */
#define RN_WEB_REQUESTS_MAX 256u     /* under way at once */

enum rn_web_method { RN_WEB_GET = 1, RN_WEB_POST, RN_WEB_PUT, RN_WEB_PATCH, RN_WEB_DELETE, RN_WEB_OTHER };
const char *rn_web_method_name(uint8_t method); /* "GET" ...; "" for OTHER and what is none */
enum rn_web_method rn_web_method(const char *name);

struct rn_web_request {
	uint8_t method;	     /* enum rn_web_method; HEAD is asked as GET, and web leaves the body out */
	uint8_t secure;	     /* 1: came over TLS; 0: over plain HTTP on a loopback address */
	char path[256];	     /* percent signs decoded, without the query */
	char cookie[128];    /* value of the session cookie, "" none */
	char bearer[256];    /* of "Authorization: Bearer", "" none */
	char csrf[128];	     /* of "X-Rnaut-Csrf", "" none */
	char last_event[24]; /* of "Last-Event-ID", "" none */
	struct rn_endpoint source;
	uint32_t body_size;   /* bytes that follow in WEB_BODY messages; 0: none do */
	const uint8_t *query; /* name, NUL, value, NUL, and so on; percent signs decoded */
	size_t query_size;
};
struct rn_web_answer {
	uint16_t status;
	uint8_t stream;	      /* 1: the body has no known end (server-sent events) */
	uint32_t body_size;   /* where it is no stream; pieces follow unless it is 0 */
	uint32_t retry_after; /* seconds; 0: no such header */
	char type[64];	      /* Content-Type, "" none */
	char allow[64];	      /* Allow, "" none */
	char cookie[256];     /* Set-Cookie, "" none */
};

/* Size, or -EMSGSIZE. */
int rn_web_request_encode(const struct rn_web_request *in, uint8_t *out, size_t out_size);
int rn_web_answer_encode(const struct rn_web_answer *in, uint8_t *out, size_t out_size);
/* 0 or -EBADMSG: also where a text holds a NUL, a query does not end with one, or has a name without a value. */
int rn_web_request_decode(const uint8_t *data, size_t size, struct rn_web_request *ret); /* views point into data */
int rn_web_answer_decode(const uint8_t *data, size_t size, struct rn_web_answer *ret);
/* Value of a parameter, NULL where it is absent; the first where it is there twice. */
const char *rn_web_query(const struct rn_web_request *request, const char *name);
/* Below that path there are routes whose bodies are texts of policies. Which of them core knows, and asks who calls. */
bool rn_web_takes_large(const char *path);
/* Calls each with every name until it returns false. */
void rn_web_query_each(const struct rn_web_request *request, bool (*each)(void *context, const char *name),
		       void *context);

#endif
