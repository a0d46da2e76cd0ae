/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_API_H
#define RN_API_API_H

#include "base/err.h"
#include "service/core.h"
#include "sys/loop.h"

/*
 * The HTTP API of core, as docs/openapi.json describes it: on a local unix socket, where only root and core's own user
 * may call, and through the web process, where every caller proves who it is.
 */
struct rn_api;

/*
 * Binds and listens, as root before privileges are dropped; mode 0660. A socket that nobody listens on is replaced; one
 * that answers is -EADDRINUSE. The descriptor is non-blocking and close-on-exec.
 */
int rn_api_listen(const char *path, int *ret_fd, struct rn_err *err);
/* Serves fd, which becomes the API's on success, on the loop. Takes rn_core_on_event and rn_core_on_web of this core
 * for itself. */
int rn_api_start(struct rn_loop *loop, struct rn_core *core, int fd, struct rn_api **ret, struct rn_err *err);
/* Ends every connection; call it while core still lives. NULL is legal. */
void rn_api_free(struct rn_api *api);

#endif
