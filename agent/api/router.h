/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_ROUTER_H
#define RN_API_ROUTER_H

#include <stdbool.h>

#include "base/json.h"
#include "service/core.h"
#include "sys/http.h"

struct rn_streams; /* api_stream.c */

/* One request on its way through a handler; ends with exactly one of the answers below. */
struct rn_api_call {
	struct rn_core *core;
	struct rn_streams *streams;
	struct rn_http_request *request;
	const struct rn_route *route;
	char name[RN_NAME_MAX + 1]; /* {name} of the path */
	struct rn_json *body;	    /* object; NULL where the route takes none */
};

/* The table of router.c: fields and query are NULL-ended and complete, so that anything else is refused by name. */
struct rn_route {
	const char *method, *path;
	void (*handle)(struct rn_api_call *call);
	const char *const *fields; /* NULL: no body */
	const char *const *query;  /* NULL: no parameters */
};
const struct rn_route *rn_api_routes(unsigned *ret_count);
/* Does path fit the pattern? Then ret_name gets what stands for {name}. */
bool rn_api_path_match(const char *pattern, const char *path, char ret_name[RN_NAME_MAX + 1]);

/* Finds the route, checks caller, query and body, and calls its handler. */
void rn_api_route(struct rn_core *core, struct rn_streams *streams, struct rn_http_request *request);

/* Answers; each consumes the call. value is taken. */
void rn_api_answer(struct rn_api_call *call, unsigned status, struct rn_json *value);
void rn_api_refuse(struct rn_api_call *call, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The status and code that belong to an errno of core.h; err's sentence. */
void rn_api_fail(struct rn_api_call *call, int code, const struct rn_err *err);
void rn_api_stream(struct rn_api_call *call, const struct rn_http_stream *stream);

/* rn_core_done for a call: {"enforced": [...]}, or the error. */
void rn_api_done(void *call, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count);
struct rn_json *rn_api_enforced(const struct rn_enforced *hubs, unsigned hub_count);

/*
 * Members of the body and of the query. 0, or the call has been answered with 400 and is gone. Optional members that
 * are absent leave *ret untouched.
 */
int rn_api_need_text(struct rn_api_call *call, const char *key, const char **ret);
int rn_api_need_bool(struct rn_api_call *call, const char *key, bool *ret);
int rn_api_need_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret);
int rn_api_text(struct rn_api_call *call, const char *key, const char **ret);
int rn_api_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret);
int rn_api_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1]); /* rn_name_valid */
int rn_api_query_u64(struct rn_api_call *call, const char *key, uint64_t min, uint64_t max, uint64_t *ret);

#endif
