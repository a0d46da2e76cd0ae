/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_REFUSALS_H
#define RN_SERVICE_CORE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

struct rn_core;

/*
 * The gateway's: devices whose kernels did not take a policy. They say so themselves (RN_REQUEST_REFUSED) and again
 * every hour; what was not said again for three is forgotten, as is what the gateway knew before it began anew.
 */
int rn_refusals_note(struct rn_core *core, uint32_t device, uint64_t version); /* version 0: it took it. 0 or -ENOMEM */
bool rn_refusals_has(struct rn_core *core, uint32_t device);		       /* did it refuse the policy in force? */

#endif
