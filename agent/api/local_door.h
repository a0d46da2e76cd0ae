/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_LOCAL_DOOR_H
#define RN_API_LOCAL_DOOR_H

#include "api/router.h"
#include "sys/http.h"

/* One request of the unix socket: to the router, and its answer back. */
void rn_local_door_take(struct rn_core *core, struct rn_streams *streams, struct rn_http_request *http);

#endif
