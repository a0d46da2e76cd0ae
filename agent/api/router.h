/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_ROUTER_H
#define RN_API_ROUTER_H

#include <stdbool.h>

#include "api/call.h"
#include "domain/access.h"

/* The table of router.c: fields and query are NULL-ended and complete, so that anything else is refused by name. */
struct rn_route {
	const char *method, *path;
	enum rn_access access; /* whoever is less is refused */
	void (*handle)(struct rn_api_call *call);
	const char *const *fields; /* NULL: no body */
	const char *const *query;  /* NULL: no parameters */
};
const struct rn_route *rn_api_routes(unsigned *ret_count);
/* Does path fit the pattern? Then ret_name gets what stands for {name}. */
bool rn_api_path_match(const char *pattern, const char *path, char ret_name[RN_NAME_MAX + 1]);

/*
 * In two steps, so that a stranger's body is not waited for: first the route and who calls, of which nothing needs the
 * body. NULL: the request has been answered.
 */
struct rn_api_call *rn_api_admit(struct rn_core *core, struct rn_streams *streams, struct rn_api_request *request);
/* Then, with the whole body in the request, the query, the body and the handler. Consumes the call. */
void rn_api_handle(struct rn_api_call *call);
/* Bytes of a body that are kept for this call: by its route, and by the role of who calls. */
size_t rn_api_body_max(const struct rn_api_call *call);
size_t rn_api_body_max_of(const char *method, const char *path); /* before it is known who calls: root alone does so */

#endif
