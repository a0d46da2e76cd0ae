/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_ATTACHED_H
#define RN_SERVICE_CORE_ATTACHED_H

#include "domain/record.h"

/* Of the devices of a ledger: which are hubs, and how many devices each hub has, so that nobody looks through all. */
struct rn_attached;

struct rn_attached *rn_attached_new(void);	     /* NULL: out of memory */
void rn_attached_free(struct rn_attached *attached); /* NULL is legal */
/* old: what was put of this device before, NULL: nothing. 0, or -ENOMEM and nothing has changed. */
int rn_attached_put(struct rn_attached *attached, const struct rn_device_record *old,
		    const struct rn_device_record *device);
void rn_attached_remove(struct rn_attached *attached, const struct rn_device_record *device); /* which was put */
uint32_t rn_attached_count(const struct rn_attached *attached, uint32_t hub); /* the hub itself is one of them */
uint32_t rn_attached_hub(const struct rn_attached *attached, unsigned index); /* in no order; 0: no more */

#endif
