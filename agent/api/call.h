/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_CALL_H
#define RN_API_CALL_H

#include "api/request.h"
#include "base/json.h"
#include "service/core_access.h"

struct rn_streams; /* api_stream.c */

/* One request on its way through a handler; ends with exactly one of the answers below. */
struct rn_api_call {
	struct rn_core *core;
	struct rn_streams *streams;
	struct rn_api_request *request;
	struct rn_principal who; /* access RN_ACCESS_NONE: a stranger */
	const struct rn_route *route;
	char name[RN_NAME_MAX + 1]; /* {name} of the path */
	struct rn_json *body;	    /* object; NULL where the route takes none */
};
/*
 * core answers it by this context (rn_core_policy_cancel): should its reader leave, what is not done yet need not be
 * done. The answer comes all the same.
 */
void rn_api_cancel_by(struct rn_api_call *call, const void *context);
/* Ends it without an answer: its request is gone. */
void rn_api_call_free(struct rn_api_call *call);

/* Answers; each consumes the call. value is taken. */
void rn_api_answer(struct rn_api_call *call, unsigned status, struct rn_json *value);
void rn_api_answer_nothing(struct rn_api_call *call, const char *cookie); /* 204; cookie NULL: none is set */
void rn_api_answer_cookie(struct rn_api_call *call, unsigned status, struct rn_json *value, const char *cookie);
/* {key: list}, or where code is negative the error. list is taken. */
void rn_api_answer_list(struct rn_api_call *call, const char *key, struct rn_json *list, int code,
			const struct rn_err *err);
void rn_api_answer_text(struct rn_api_call *call, const char *type, char *text_taken); /* 200; NULL: 500 */
void rn_api_refuse(struct rn_api_call *call, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* 405 with the methods that the path knows. */
void rn_api_refuse_method(struct rn_api_call *call, const char *allow);
void rn_api_refuse_later(struct rn_api_call *call, unsigned wait_s, const struct rn_err *err); /* 429 */
/* The status and code that belong to an errno of core.h; err's sentence. */
void rn_api_fail(struct rn_api_call *call, int code, const struct rn_err *err);
void rn_api_stream(struct rn_api_call *call, const struct rn_api_stream *stream);

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
int rn_api_bool(struct rn_api_call *call, const char *key, bool *ret);
int rn_api_int(struct rn_api_call *call, const char *key, int64_t min, int64_t max, int64_t *ret);
int rn_api_moment(struct rn_api_call *call, const char *key, int64_t *ret); /* RFC 3339 -> Unix seconds */
int rn_api_role(struct rn_api_call *call, enum rn_access *ret);		    /* "role", which is needed */
int rn_api_need_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1]);
int rn_api_name(struct rn_api_call *call, const char *key, char ret[RN_NAME_MAX + 1]); /* rn_name_valid */
int rn_api_query_u64(struct rn_api_call *call, const char *key, uint64_t min, uint64_t max, uint64_t *ret);

#endif
