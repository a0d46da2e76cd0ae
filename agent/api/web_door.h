/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_WEB_DOOR_H
#define RN_API_WEB_DOOR_H

#include "api/router.h"

/*
 * The requests that the web process forwards (proto/web.h), from the first WEB_REQUEST to WEB_GONE. web is hostile:
 * what it sends is bounded, and a message that fits no request ends its connection. Takes rn_core_on_web of the core.
 */
struct rn_web_door;

struct rn_web_door *rn_web_door_new(struct rn_core *core, struct rn_streams *streams); /* NULL: out of memory */
/* When core has ended: every call has been answered. NULL is legal. */
void rn_web_door_free(struct rn_web_door *door);

#endif
